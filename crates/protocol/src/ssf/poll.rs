//! Delivery by polling (RFC 8936), and what receivers answer to what is pushed (RFC 8935 §2.3).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, Serializer};

use super::{check_text, read};
use crate::jose::json;
use crate::oauth::RequestError;

/// Events that one answer holds at most.
const MAX_EVENTS: u32 = 100;

/// Ids that one request acknowledges at most.
const MAX_IDS: usize = 1_000;

/// Ids that one request refuses at most: as many as it was given at once.
const MAX_ERRS: usize = MAX_EVENTS as usize;

/// Bytes of an id; ours are shorter.
const MAX_ID: usize = 256;

/// What a receiver asks for, and what became of what it got before (§2.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PollRequest {
    /// At most so many events; none, if it only says what became of others.
    pub max_events: u32,
    /// Not to wait until there is something.
    pub return_immediately: bool,
    /// Ids of what it has taken.
    pub ack: Vec<String>,
    /// Ids of what it refuses.
    pub set_errs: BTreeMap<String, SetError>,
}

/// Why a receiver refuses a token (RFC 8935 §2.3).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SetError {
    /// One of a registered list.
    pub err: String,
}

impl SetError {
    /// What a receiver says of a token that was pushed (RFC 8935 §2.3), if it says that it will never have it. That we are
    /// not let in, that it does not know our key yet, or that it answers otherwise, is no word about the token: it is sent
    /// again.
    pub fn of_token(body: &[u8]) -> Option<Self> {
        let error: Self = json::from_slice(body).ok()?;
        let is_passing =
            matches!(error.err.as_str(), "access_denied" | "authentication_failed" | "invalid_key");
        (!is_passing).then_some(error)
    }
}

/// What it gets (§2.3).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PollResponse {
    /// Tokens by their ids, in the order in which they are to be taken: no order is promised (§2.3), but most parsers keep
    /// that of the text.
    #[serde(serialize_with = "as_object")]
    pub sets: Vec<(String, String)>,
    /// Whether more wait.
    #[serde(rename = "moreAvailable")]
    pub more_available: bool,
}

fn as_object<S: Serializer>(sets: &[(String, String)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(sets.iter().map(|(jti, token)| (jti, token)))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    max_events: Option<u32>,
    return_immediately: Option<bool>,
    ack: Option<Vec<String>>,
    set_errs: Option<BTreeMap<String, SetError>>,
}

impl PollRequest {
    /// Reads a request.
    ///
    /// # Errors
    /// `invalid_request`.
    pub fn parse(body: &[u8]) -> Result<Self, RequestError> {
        let body: Body = read(body)?;
        let (ack, set_errs) = (body.ack.unwrap_or_default(), body.set_errs.unwrap_or_default());
        if ack.len() > MAX_IDS || set_errs.len() > MAX_ERRS {
            let text = format!("ack names {MAX_IDS} ids at most, setErrs {MAX_ERRS}");
            return Err(RequestError::invalid_request(text));
        }
        for id in ack.iter().chain(set_errs.keys()) {
            check_text(id, ("an id", MAX_ID))?;
        }
        Ok(Self {
            max_events: body.max_events.unwrap_or(MAX_EVENTS).min(MAX_EVENTS),
            return_immediately: body.return_immediately.unwrap_or_default(),
            ack,
            set_errs,
        })
    }
}

/// What is kept of a receiver's word for why it refuses a token: it is a stranger's text.
pub fn refusal_of(err: &str) -> &'static str {
    const KNOWN: [&str; 7] = [
        "access_denied",
        "authentication_failed",
        "invalid_audience",
        "invalid_issuer",
        "invalid_key",
        "invalid_request",
        "invalid_state",
    ];
    KNOWN.into_iter().find(|known| *known == err).unwrap_or("other")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_has_the_defaults_of_the_rfc() {
        let request = PollRequest::parse(b"{}").unwrap();

        assert_eq!((request.max_events, request.return_immediately), (MAX_EVENTS, false));
        assert!(request.ack.is_empty() && request.set_errs.is_empty());
    }

    #[test]
    fn the_examples_of_2_4_are_read() {
        let request = PollRequest::parse(
            br#"{"ack":["3d0c3cf797584bd193bd0fb1bd4e7d30"],
                 "setErrs":{"4d3559ec67504aaba65d40b0363faad8":{"err":"authentication_failed",
                 "description":"The SET could not be authenticated"}},"returnImmediately":true,"maxEvents":10}"#,
        );
        let request = request.unwrap();

        assert_eq!((request.max_events, request.return_immediately), (10, true));
        assert_eq!(request.ack, ["3d0c3cf797584bd193bd0fb1bd4e7d30"]);
        assert_eq!(request.set_errs["4d3559ec67504aaba65d40b0363faad8"].err, "authentication_failed");
    }

    #[test]
    fn tokens_keep_their_order() {
        let sets = ["b", "a", "c"].map(|jti| (jti.to_owned(), format!("token {jti}"))).to_vec();

        let text = serde_json::to_string(&PollResponse { sets, more_available: true }).unwrap();

        assert_eq!(text, r#"{"sets":{"b":"token b","a":"token a","c":"token c"},"moreAvailable":true}"#);
    }

    #[test]
    fn only_a_word_about_the_token_counts_as_one() {
        assert!(SetError::of_token(br#"{"err":"invalid_issuer","description":"unknown"}"#).is_some());
        for body in [
            &br#"{"err":"invalid_key","description":"unknown kid"}"#[..],
            br#"{"err":"authentication_failed"}"#,
            br#"{"err":"access_denied"}"#,
            br#"{"error":"bad request"}"#,
            b"<html>",
            b"",
        ] {
            assert_eq!(SetError::of_token(body), None);
        }
    }

    #[test]
    fn what_is_no_request_is_refused() {
        let many = format!(r#"{{"ack":[{}"x"]}}"#, r#""x","#.repeat(MAX_IDS));
        let long = format!(r#"{{"ack":["{}"]}}"#, "x".repeat(MAX_ID + 1));
        let nul = [r#"{"ack":["a\u0000"]}"#, r#"{"setErrs":{"a\u0000":{"err":"invalid_key"}}}"#];
        for body in [
            nul[0],
            nul[1],
            &long,
            "",
            "[]",
            r#"{"ack":"x"}"#,
            r#"{"maxEvents":-1}"#,
            r#"{"ack":[],"ack":[]}"#,
            &many,
        ] {
            assert!(PollRequest::parse(body.as_bytes()).is_err(), "{body}");
        }
    }
}
