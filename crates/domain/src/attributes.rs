//! What an organization keeps about itself and its users, for claims.

use crate::connections::Attributes;

/// Attributes of one organization or user.
const MAX_ATTRIBUTES: usize = 50;

/// Characters of a name.
const MAX_NAME: usize = 64;

/// Bytes of all names and values together.
const MAX_BYTES: usize = 16 * 1024;

/// Why attributes cannot be kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAttributes {
    /// A name is not one.
    #[error("{0:?}: a name is 1 to 64 letters, digits, hyphens, dots and underscores")]
    Name(String),
    /// There are too many, or they are too long.
    #[error("at most 50 attributes, of 16 KiB together")]
    TooLarge,
    /// A value has characters that no text has.
    #[error("{0}: values are text without control characters")]
    Value(String),
}

/// Whether they can be kept.
///
/// # Errors
/// [`InvalidAttributes`].
pub fn check_attributes(attributes: &Attributes) -> Result<(), InvalidAttributes> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    let mut bytes = 0;
    for (name, values) in attributes {
        if !(1..=MAX_NAME).contains(&name.len()) || !name.bytes().all(plain) {
            return Err(InvalidAttributes::Name(name.chars().take(MAX_NAME).collect()));
        }
        if values.iter().any(|value| value.chars().any(char::is_control)) {
            return Err(InvalidAttributes::Value(name.clone()));
        }
        bytes += name.len() + values.iter().map(String::len).sum::<usize>();
    }
    if attributes.len() > MAX_ATTRIBUTES || bytes > MAX_BYTES {
        return Err(InvalidAttributes::TooLarge);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(name: &str, value: &str) -> Attributes {
        [(name.to_owned(), vec![value.to_owned()])].into()
    }

    #[test]
    fn what_is_kept_is_bounded_text_under_plain_names() {
        assert_eq!(check_attributes(&one("cost-centre", "4711 München")), Ok(()));
        for name in ["", "a b", "ä", &"a".repeat(65)] {
            assert!(matches!(check_attributes(&one(name, "")), Err(InvalidAttributes::Name(_))), "{name:?}");
        }
        assert_eq!(check_attributes(&one("a", "b\nc")), Err(InvalidAttributes::Value("a".to_owned())));
        assert_eq!(check_attributes(&one("a", &"x".repeat(MAX_BYTES))), Err(InvalidAttributes::TooLarge));
        let many = (0..=MAX_ATTRIBUTES).map(|n| (format!("a{n}"), Vec::new())).collect();
        assert_eq!(check_attributes(&many), Err(InvalidAttributes::TooLarge));
    }
}
