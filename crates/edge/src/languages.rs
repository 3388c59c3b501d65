//! The languages that a browser says its person reads.

use axum::http::{HeaderMap, header};
use orgate_protocol::oauth::is_language_tag;

/// Longer than what any browser sends: a longer one is not read.
const MAX_HEADER_BYTES: usize = 1000;

const MAX_LANGUAGES: usize = 32;

/// A thousand and one weights (RFC 9110 §12.4.2), as thousandths.
const FULL: u16 = 1000;

/// The tags of `Accept-Language` (RFC 9110 §12.5.4), best first. A wish: what is no tag is passed over.
pub(crate) fn accepted(headers: &HeaderMap) -> Vec<String> {
    let header = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let header = header.filter(|text| text.len() <= MAX_HEADER_BYTES).unwrap_or_default();
    let mut languages: Vec<_> = header.split(',').take(MAX_LANGUAGES).filter_map(weighed).collect();
    languages.sort_by_key(|(_, weight)| std::cmp::Reverse(*weight)); // those that weigh the same stay in order
    languages.into_iter().map(|(tag, _)| tag.to_owned()).collect()
}

/// A tag and its weight, unless it is none, or not wanted at all.
fn weighed(range: &str) -> Option<(&str, u16)> {
    let (tag, parameters) = range.split_once(';').unwrap_or((range, ""));
    let tag = tag.trim();
    let weight = match parameters.trim() {
        "" => FULL,
        weight => thousandths(weight.strip_prefix("q=").or_else(|| weight.strip_prefix("Q="))?)?,
    };
    (is_language_tag(tag) && weight > 0).then_some((tag, weight))
}

/// `0`, `0.5`, `1.000`: at most three digits after the point.
fn thousandths(weight: &str) -> Option<u16> {
    let (whole, rest) = weight.split_once('.').unwrap_or((weight, ""));
    let digits = rest.len() <= 3 && rest.bytes().all(|byte| byte.is_ascii_digit());
    match whole {
        "0" if digits => format!("{rest:0<3}").parse().ok(),
        "1" if digits && rest.bytes().all(|byte| byte == b'0') => Some(FULL),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<String> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_LANGUAGE, text.parse().expect("a header"));
        accepted(&headers)
    }

    #[test]
    fn the_heaviest_is_first_and_those_that_weigh_the_same_stay_in_order() {
        assert_eq!(read("fr;q=0.9, es, de;q=0.95"), ["es", "de", "fr"]);
        assert_eq!(read("en-US,en;q=0.5,de;q=0.5"), ["en-US", "en", "de"]);
        assert_eq!(read("de-Latn-CH ; q=1.000"), ["de-Latn-CH"]);
    }

    #[test]
    fn what_is_not_wanted_or_no_tag_is_passed_over() {
        assert_eq!(read("de;q=0, fr;q=0.000, es;q=0.001"), ["es"]);
        assert_eq!(read("*, <b>;q=1, ,;;, fr;q=2, fr;q=-1, fr;q=0.1234, fr;level=1, d e"), [""; 0]);
        assert_eq!(accepted(&HeaderMap::new()), [""; 0]);
    }

    #[test]
    fn a_huge_one_is_not_read() {
        assert_eq!(read(&"de,".repeat(300)).len(), MAX_LANGUAGES);
        assert_eq!(read(&"de,".repeat(400)), [""; 0]);
        assert_eq!(read(&format!("de,{}", "x".repeat(200_000))), [""; 0]);
    }
}
