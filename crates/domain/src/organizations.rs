//! Organizations: the security boundary.

use crate::email::Email;
use crate::ids::OrgId;
use crate::locales::Locale;
use crate::names::{DisplayName, Slug};

/// Whether an organization may be signed in to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrgStatus {
    /// It may.
    Active,
    /// Its operator has stopped it; nothing was deleted.
    Suspended,
    /// It is gone for everyone but the operator, until it is erased.
    Deleted,
}

/// An organization, as pages and tokens show it.
#[derive(Debug, Clone)]
pub struct Organization {
    /// Its id.
    pub id: OrgId,
    /// Its short name: the claim `org_name`.
    pub slug: Slug,
    /// Its name for people.
    pub name: DisplayName,
    /// Its status.
    pub status: OrgStatus,
    /// Its look.
    pub branding: Branding,
    /// Where notices to it go, such as of certificates that expire.
    pub contact: Option<Email>,
}

impl Organization {
    /// The language of its pages, if it chose one. One that nobody can sign in to has none: its pages are not its own.
    pub fn spoken(&self) -> Option<&Locale> {
        self.branding.locale.as_ref().filter(|_| self.status == OrgStatus::Active)
    }
}

/// How an organization's pages look, and speak.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Branding {
    /// Its logo, an https address.
    pub logo_url: Option<url::Url>,
    /// Its colour.
    pub primary_color: Option<Color>,
    /// The language of its pages and mails, for readers of whom nothing closer is known.
    pub locale: Option<Locale>,
}

/// Text that is not the address of a logo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an https:// address, without a name and password in it, of at most 2000 characters")]
pub struct InvalidLogo;

/// Reads the address of a logo: of an image that anybody may see.
///
/// # Errors
/// [`InvalidLogo`].
pub fn parse_logo_url(text: &str) -> Result<url::Url, InvalidLogo> {
    let url = url::Url::parse(text).map_err(|_| InvalidLogo)?;
    let open =
        url.scheme() == "https" && url.has_host() && url.username().is_empty() && url.password().is_none();
    if open && text.len() <= 2000 { Ok(url) } else { Err(InvalidLogo) }
}

/// An opaque sRGB colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Color {
    /// Red.
    pub red: u8,
    /// Green.
    pub green: u8,
    /// Blue.
    pub blue: u8,
}

/// Text that is not a colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a colour is written #rrggbb")]
pub struct InvalidColor;

impl OrgStatus {
    /// The stored text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Deleted => "deleted",
        }
    }

    /// Reads [`OrgStatus::as_str`] back.
    pub fn from_text(text: &str) -> Option<Self> {
        [Self::Active, Self::Suspended, Self::Deleted].into_iter().find(|status| status.as_str() == text)
    }
}

impl Color {
    /// Reads `#rrggbb`; nothing else, so that no colour can smuggle CSS.
    ///
    /// # Errors
    /// [`InvalidColor`].
    pub fn parse(text: &str) -> Result<Self, InvalidColor> {
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6).ok_or(InvalidColor)?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(InvalidColor);
        }
        let [_, red, green, blue] = u32::from_str_radix(digits, 16).map_err(|_| InvalidColor)?.to_be_bytes();
        Ok(Self { red, green, blue })
    }

    /// Relative luminance, 0 to 1 (WCAG 2.2).
    pub fn luminance(self) -> f64 {
        let linear = |channel: u8| {
            let value = f64::from(channel) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(self.red) + 0.7152 * linear(self.green) + 0.0722 * linear(self.blue)
    }

    /// Contrast ratio with `other`, 1 to 21 (WCAG 2.2).
    pub fn contrast(self, other: Self) -> f64 {
        let (a, b) = (self.luminance(), other.luminance());
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    /// This colour moved towards `target` in small steps until it stands out from `background` by
    /// `ratio`, so that any organization's colour is readable.
    #[must_use]
    pub fn readable_on(self, background: Self, target: Self, ratio: f64) -> Self {
        let step = |from: u8, to: u8, n: u16| {
            let mixed = (u16::from(from) * (20 - n) + u16::from(to) * n) / 20;
            u8::try_from(mixed).unwrap_or(to)
        };
        (0..=20)
            .map(|n| Self {
                red: step(self.red, target.red, n),
                green: step(self.green, target.green, n),
                blue: step(self.blue, target.blue, n),
            })
            .find(|color| color.contrast(background) >= ratio)
            .unwrap_or(target)
    }
}

impl std::fmt::Display for Color {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.red, self.green, self.blue)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHITE: Color = Color { red: 255, green: 255, blue: 255 };
    const BLACK: Color = Color { red: 0, green: 0, blue: 0 };

    #[test]
    fn a_colour_cannot_carry_css() {
        for bad in ["red", "#fff", "#0b5fff;", "#0b5fff}", "url(x)", "#+b5fff", "#gggggg"] {
            assert_eq!(Color::parse(bad), Err(InvalidColor), "{bad}");
        }
        assert_eq!(Color::parse("#0B5fff").map(|color| color.to_string()), Ok("#0b5fff".to_owned()));
    }

    #[test]
    fn any_colour_becomes_readable() {
        for text in ["#ffff00", "#ffffff", "#000000", "#0b5fff", "#7f7f7f"] {
            let color = Color::parse(text).expect("a colour");
            assert!(color.readable_on(WHITE, BLACK, 4.5).contrast(WHITE) >= 4.5, "{text}");
            assert!(color.readable_on(BLACK, WHITE, 4.5).contrast(BLACK) >= 4.5, "{text}");
        }
    }
}
