//! What the sign-in page looks like in an organization's colour, and whether everything on it can be read.

use orgate_domain::audit::Origin;
use orgate_domain::locales::Locale;
use orgate_domain::organizations::{Branding, Color};

use crate::assets::{NIGHT, Shades, WCAG, WHITE, sample_path};
use crate::language::Language;
use crate::page::Org;

/// `templates/admin/sample.html`: the head of the sign-in page in light and in dark, and the contrasts of its colours.
pub(crate) struct Sample {
    pub(crate) org: Org,
    /// What whoever's browser says nothing else reads: what is asked for comes first.
    pub(crate) language: Language,
    /// The stylesheet of its colour; `None`: it has none of its own.
    pub(crate) stylesheet: Option<String>,
    /// What becomes of the colour, in a sentence.
    pub(crate) verdict: String,
    pub(crate) contrasts: [Contrast; 3],
}

/// How a colour stands out from what is behind it.
pub(crate) struct Contrast {
    /// Whose.
    pub(crate) what: &'static str,
    /// The class of the dot that shows it.
    pub(crate) dot: &'static str,
    /// Which colour, and on which.
    pub(crate) colors: String,
    /// `4.5:1`.
    pub(crate) ratio: String,
}

impl Sample {
    pub(crate) fn of(name: &str, branding: &Branding) -> Self {
        let color = branding.primary_color;
        let shades = color.map_or(Shades::ORGATE, Shades::of);
        let Shades { brand, on_brand, ink_light, ink_dark } = shades;
        let contrast = |what, dot, (front, back): (Color, Color), colors| Contrast {
            what,
            dot,
            colors,
            ratio: ratio(front.contrast(back)),
        };
        let text = if on_brand == WHITE { "white" } else { "black" };
        let shade = |ink: Color, other: &str| {
            if color.is_none_or(|color| color == ink) { ink.to_string() } else { format!("{ink}, {other}") }
        };
        Self {
            language: Language::between(&Origin::default(), branding.locale.as_ref().map(Locale::as_str)),
            org: Org::named(name, branding.logo_url.as_ref().map(ToString::to_string)),
            stylesheet: color.map(sample_path),
            verdict: verdict(color, &shades),
            contrasts: [
                contrast("Text on buttons", "own", (on_brand, brand), format!("{text} on {brand}")),
                contrast(
                    "Links on light pages",
                    "light",
                    (ink_light, WHITE),
                    shade(ink_light, "a darker shade"),
                ),
                contrast(
                    "Links on dark pages",
                    "dark",
                    (ink_dark, NIGHT),
                    shade(ink_dark, "a lighter shade"),
                ),
            ],
        }
    }
}

/// What becomes of a colour.
fn verdict(color: Option<Color>, shades: &Shades) -> String {
    let Some(color) = color else {
        return "Without a colour of your own, pages are in Orgate’s blue, which can be read on light pages and on dark ones."
            .to_owned();
    };
    let pale = (shades.ink_light != color).then(|| {
        let ratio = ratio(color.contrast(WHITE));
        format!("too pale for links on light pages ({ratio}), which are in a darker shade of it")
    });
    let dark = (shades.ink_dark != color).then(|| {
        let ratio = ratio(color.contrast(NIGHT));
        format!("too dark for links on dark pages ({ratio}), which are in a lighter shade of it")
    });
    let asked = format!("WCAG 2.2 asks for at least {WCAG}:1 between text and what is behind it");
    match (pale, dark) {
        (None, None) => format!("{asked}. Your colour keeps that as it is, on light pages and on dark ones."),
        (pale, dark) => {
            let why: Vec<_> = [pale, dark].into_iter().flatten().collect();
            format!("{asked}. {color} is {}. Buttons are in the colour itself.", why.join(", and "))
        }
    }
}

/// A ratio as people write it, and no better than it is.
fn ratio(ratio: f64) -> String {
    format!("{:.1}:1", (ratio * 10.0).floor() / 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(color: Option<&str>) -> Sample {
        let primary_color = color.map(|text| Color::parse(text).expect("a colour"));
        Sample::of("Acme", &Branding { primary_color, ..Branding::default() })
    }

    #[test]
    fn a_colour_that_is_too_pale_or_too_dark_is_said_to_be_with_its_ratio() {
        let pale = sample(Some("#ffd400"));
        let dark = sample(Some("#1a1a2e"));
        let fits = sample(Some("#767676"));

        assert!(
            pale.verdict.contains("#ffd400 is too pale for links on light pages (1.4:1)"),
            "{}",
            pale.verdict
        );
        assert!(!pale.verdict.contains("too dark") && pale.contrasts[0].colors == "black on #ffd400");
        assert!(dark.verdict.contains("too dark for links on dark pages (1.0:1)"), "{}", dark.verdict);
        assert!(fits.verdict.contains("too pale") && fits.verdict.contains("too dark"), "{}", fits.verdict);
    }

    #[test]
    fn whatever_the_colour_is_everything_can_be_read() {
        for text in
            [None, Some("#ffffff"), Some("#000000"), Some("#0b5fff"), Some("#767676"), Some("#ff0000")]
        {
            for contrast in sample(text).contrasts {
                let ratio: f64 = contrast.ratio.trim_end_matches(":1").parse().expect("a number");
                assert!(ratio >= WCAG, "{text:?}: {} {}", contrast.what, contrast.ratio);
            }
        }
    }
}
