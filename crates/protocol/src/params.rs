//! Parameters of a query or a form body (`application/x-www-form-urlencoded`, RFC 6749 appendix B).
//!
//! **Invariant:** a value handed out is UTF-8 without control characters, at most
//! [`Params::MAX_VALUE_BYTES`] long, not empty, and was given exactly once.

use std::fmt;

/// The parameters of one request.
///
/// A repeated name is an error of the request (RFC 6749 §3.1), but one that is reported to the client,
/// for which `client_id`, `redirect_uri` and `state` must be read first. So parsing keeps going, a repeated
/// name reads as absent, and [`Params::duplicated`] names it for the request's own parser to refuse.
#[derive(Clone, Default)]
pub struct Params {
    pairs: Vec<(String, String)>,
    duplicated: Option<String>,
}

/// Why a query or form body cannot be read at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParamsError {
    /// A name or value holds a control character.
    #[error("a parameter holds a control character")]
    ControlCharacter,
    /// A percent sign without two hexadecimal digits, or bytes that are not UTF-8.
    #[error("the parameters are not form-encoded UTF-8")]
    Malformed,
    /// Over [`Params::MAX_BYTES`], [`Params::MAX_NAME_BYTES`] or [`Params::MAX_VALUE_BYTES`].
    #[error("the parameters are too long")]
    TooLong,
    /// Over [`Params::MAX_COUNT`].
    #[error("there are too many parameters")]
    TooMany,
}

impl Params {
    /// Most parameters in one request.
    pub const MAX_COUNT: usize = 64;
    /// Longest query or body, encoded.
    pub const MAX_BYTES: usize = 32 * 1024;
    /// Longest name, decoded.
    pub const MAX_NAME_BYTES: usize = 128;
    /// Longest value, decoded: room for an `id_token_hint`. Each parameter has its own, mostly tighter limit.
    pub const MAX_VALUE_BYTES: usize = 16 * 1024;

    /// Reads a query (without its `?`) or a form body.
    pub fn parse(encoded: &str) -> Result<Self, ParamsError> {
        if encoded.len() > Self::MAX_BYTES {
            return Err(ParamsError::TooLong);
        }
        let mut params = Self::default();
        for pair in encoded.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            params.push(decode(name)?, decode(value)?)?;
        }
        Ok(params)
    }

    fn push(&mut self, name: String, value: String) -> Result<(), ParamsError> {
        if self.pairs.len() == Self::MAX_COUNT {
            return Err(ParamsError::TooMany);
        }
        if name.len() > Self::MAX_NAME_BYTES || value.len() > Self::MAX_VALUE_BYTES {
            return Err(ParamsError::TooLong);
        }
        if self.duplicated.is_none() && self.pairs.iter().any(|(known, _)| *known == name) {
            self.duplicated = Some(name.clone());
        }
        self.pairs.push((name, value));
        Ok(())
    }

    /// The value of `name`. `None` if it is absent, empty (which RFC 6749 §3.1 calls absent) or repeated.
    pub fn get(&self, name: &str) -> Option<&str> {
        let mut values = self.pairs.iter().filter(|(known, _)| known == name);
        match (values.next(), values.next()) {
            (Some((_, value)), None) if !value.is_empty() => Some(value),
            _ => None,
        }
    }

    /// The first name that was given more than once.
    pub fn duplicated(&self) -> Option<&str> {
        self.duplicated.as_deref()
    }

    /// Every pair as it came: in order, empty and repeated ones included.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// Names only: values may be secrets.
impl fmt::Debug for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.pairs.iter().map(|(name, _)| name)).finish()
    }
}

/// Form-decodes one name or value. Strict where browsers are lenient: what is echoed or compared must not
/// have been repaired on the way in.
pub(crate) fn decode(encoded: &str) -> Result<String, ParamsError> {
    let mut decoded = Vec::with_capacity(encoded.len());
    let mut bytes = encoded.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => hex_digit(bytes.next())? << 4 | hex_digit(bytes.next())?,
            plain => plain,
        });
    }
    let text = String::from_utf8(decoded).map_err(|_| ParamsError::Malformed)?;
    if text.chars().any(char::is_control) { Err(ParamsError::ControlCharacter) } else { Ok(text) }
}

fn hex_digit(byte: Option<u8>) -> Result<u8, ParamsError> {
    let digit = byte.and_then(|byte| char::from(byte).to_digit(16));
    digit.and_then(|digit| u8::try_from(digit).ok()).ok_or(ParamsError::Malformed)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_parameter_is_form_decoded() {
        let params = Params::parse("state=a+b%20%C3%A9%2B&&empty=&bare&x=1=2").unwrap();

        assert_eq!(params.get("state"), Some("a b é+"));
        assert_eq!(params.get("x"), Some("1=2"));
        assert_eq!(params.iter().collect::<Vec<_>>().len(), 4);
    }

    #[test]
    fn an_empty_parameter_is_an_absent_one() {
        let params = Params::parse("empty=&bare").unwrap();

        assert_eq!((params.get("empty"), params.get("bare"), params.get("none")), (None, None, None));
    }

    #[test]
    fn a_repeated_parameter_is_named_and_reads_as_absent_while_others_are_read() {
        let params = Params::parse("client_id=notes&scope=a&scope=a&%73tate=x&state=").unwrap();

        assert_eq!(params.duplicated(), Some("scope"));
        assert_eq!((params.get("scope"), params.get("state")), (None, None));
        assert_eq!(params.get("client_id"), Some("notes"));
    }

    #[test]
    fn what_is_not_clean_text_is_refused() {
        for (encoded, error) in [
            ("state=%00", ParamsError::ControlCharacter),
            ("state=a%0d%0aSet-Cookie:x", ParamsError::ControlCharacter),
            ("state=%C2%85", ParamsError::ControlCharacter),
            ("%0a=x", ParamsError::ControlCharacter),
            ("state=%ff", ParamsError::Malformed),
            ("state=%C0%80", ParamsError::Malformed),
            ("state=%", ParamsError::Malformed),
            ("state=%2", ParamsError::Malformed),
            ("state=%2g", ParamsError::Malformed),
            ("state=%+1", ParamsError::Malformed),
        ] {
            assert_eq!(Params::parse(encoded).unwrap_err(), error, "{encoded}");
        }
    }

    #[test]
    fn each_limit_holds_at_its_edge() {
        let value = |bytes| Params::parse(&format!("a={}", "x".repeat(bytes))).map(|_| ());
        let name = |bytes| Params::parse(&"x".repeat(bytes)).map(|_| ());
        let count = |count: usize| {
            Params::parse(&(0..count).map(|i| i.to_string()).collect::<Vec<_>>().join("&")).map(|_| ())
        };

        assert_eq!(value(Params::MAX_VALUE_BYTES), Ok(()));
        assert_eq!(value(Params::MAX_VALUE_BYTES + 1), Err(ParamsError::TooLong));
        assert_eq!(name(Params::MAX_NAME_BYTES), Ok(()));
        assert_eq!(name(Params::MAX_NAME_BYTES + 1), Err(ParamsError::TooLong));
        assert_eq!(count(Params::MAX_COUNT), Ok(()));
        assert_eq!(count(Params::MAX_COUNT + 1), Err(ParamsError::TooMany));
        assert_eq!(Params::parse(&"&".repeat(Params::MAX_BYTES)).map(|_| ()), Ok(()));
        assert_eq!(Params::parse(&"&".repeat(Params::MAX_BYTES + 1)).map(|_| ()), Err(ParamsError::TooLong));
    }

    #[test]
    fn debug_output_has_names_and_no_values() {
        let params = Params::parse("client_secret=hunter2").unwrap();

        assert_eq!(format!("{params:?}"), r#"["client_secret"]"#);
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_or_refused(text in any::<String>()) {
            let _ = Params::parse(&text);
        }

        #[test]
        fn what_a_form_encodes_is_read_back(name in "[a-z_]{1,9}", value in "\\PC{1,40}") {
            let encoded = form_urlencoded::Serializer::new(String::new()).append_pair(&name, &value).finish();
            prop_assume!(!value.chars().any(char::is_control));
            let params = Params::parse(&encoded).unwrap();
            prop_assert_eq!(params.get(&name), Some(value.as_str()));
        }
    }
}
