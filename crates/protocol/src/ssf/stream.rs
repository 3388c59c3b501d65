//! What receivers ask of their streams (SSF §8.1).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::Url;

use super::{POLL, PUSH, Subject, check_text, read};
use crate::oauth::RequestError;

/// Bytes of an event's URI, of which a request names so many at most.
const MAX_URI: usize = 256;
const MAX_URIS: usize = 64;
const MAX_TEXT: usize = 512;
const MAX_ENDPOINT: usize = 2_048;
const MAX_CREDENTIAL: usize = 4_096;
const MAX_STATE: usize = 1_024;

/// How a receiver wants its events.
#[derive(Clone, PartialEq, Eq)]
pub enum Delivery {
    /// It asks for them.
    Poll,
    /// They are sent.
    Push {
        /// There.
        endpoint_url: Url,
        /// With this value of `Authorization`.
        authorization: Option<String>,
    },
}

/// The stream's configuration, as it is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamRequest {
    /// Which stream, of one that exists.
    pub stream_id: Option<String>,
    /// How.
    pub delivery: Option<Delivery>,
    /// What, by its URIs.
    pub events_requested: Option<Vec<String>>,
    /// What for, for people.
    pub description: Option<String>,
    /// What else is there; of what the transmitter supplies, it has to be right.
    pub others: Map<String, Value>,
}

/// The stream's configuration, as it is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StreamConfiguration {
    /// Its id.
    pub stream_id: String,
    /// The issuer.
    pub iss: String,
    /// The receiver.
    pub aud: String,
    /// How.
    pub delivery: StreamDelivery,
    /// What there is.
    pub events_supported: Vec<&'static str>,
    /// What is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events_requested: Option<Vec<String>>,
    /// What comes.
    pub events_delivered: Vec<&'static str>,
    /// Seconds between two verifications.
    pub min_verification_interval: i64,
    /// What for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// The delivery, as it is told: without the receiver's credential.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StreamDelivery {
    /// The method.
    pub method: &'static str,
    /// Where events are pushed to, or polled from.
    pub endpoint_url: String,
}

/// Whether events are sent (SSF §8.1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StreamStatus {
    /// They are.
    Enabled,
    /// They are kept until they are again.
    Paused,
    /// They are neither sent nor kept.
    Disabled,
}

/// A change of status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusRequest {
    /// Of this stream.
    pub stream_id: String,
    /// To this.
    pub status: StreamStatus,
    /// For this reason.
    pub reason: Option<String>,
}

/// A subject to be added or removed (SSF §8.1.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectRequest {
    /// Of this stream.
    pub stream_id: String,
    /// This.
    pub subject: Subject,
}

/// A verification that is asked for (SSF §8.1.4.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerificationRequest {
    /// Of this stream.
    pub stream_id: String,
    /// What the event says again.
    pub state: Option<String>,
}

#[derive(Deserialize)]
struct StreamBody {
    stream_id: Option<String>,
    delivery: Option<DeliveryBody>,
    events_requested: Option<Vec<String>>,
    description: Option<String>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

#[derive(Deserialize)]
struct DeliveryBody {
    method: String,
    endpoint_url: Option<String>,
    authorization_header: Option<String>,
}

#[derive(Deserialize)]
struct StatusBody {
    stream_id: String,
    status: StreamStatus,
    reason: Option<String>,
}

#[derive(Deserialize)]
struct SubjectBody {
    stream_id: String,
    subject: Value,
}

#[derive(Deserialize)]
struct VerificationBody {
    stream_id: String,
    state: Option<String>,
}

impl std::fmt::Debug for Delivery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Poll => f.write_str("Poll"),
            Self::Push { endpoint_url, .. } => write!(f, "Push({endpoint_url})"),
        }
    }
}

impl StreamRequest {
    /// Reads a configuration.
    ///
    /// # Errors
    /// `invalid_request`.
    pub fn parse(body: &[u8]) -> Result<Self, RequestError> {
        let body: StreamBody = read(body)?;
        if let Some(uris) = &body.events_requested {
            check_uris(uris)?;
        }
        if let Some(description) = &body.description {
            check_text(description, ("description", MAX_TEXT))?;
        }
        Ok(Self {
            stream_id: body.stream_id,
            delivery: body.delivery.map(check_delivery).transpose()?,
            events_requested: body.events_requested,
            description: body.description,
            others: body.others,
        })
    }

    /// The stream that an existing stream's request names.
    ///
    /// # Errors
    /// `invalid_request` if it names none.
    pub fn named(&self) -> Result<&str, RequestError> {
        let missing = || RequestError::invalid_request("stream_id is missing");
        self.stream_id.as_deref().ok_or_else(missing)
    }
}

impl StreamConfiguration {
    /// SSF §8.1.1.3: what the transmitter supplies may be said, and must then be right.
    ///
    /// # Errors
    /// `invalid_request`.
    pub fn check_supplied(&self, said: &Map<String, Value>) -> Result<(), RequestError> {
        let known = serde_json::to_value(self).unwrap_or_default();
        let supplied = ["iss", "aud", "events_supported", "events_delivered", "min_verification_interval"];
        for name in supplied {
            if let Some(value) = said.get(name)
                && known.get(name).map(spelled) != Some(spelled(value))
            {
                return Err(RequestError::invalid_request(format!(
                    "{name} is not what the transmitter supplies"
                )));
            }
        }
        Ok(())
    }
}

/// A value in one spelling: the order of a list carries no meaning, nor does a list of one.
fn spelled(value: &Value) -> Vec<String> {
    let mut texts = match value {
        Value::Array(items) => items.iter().map(Value::to_string).collect(),
        other => vec![other.to_string()],
    };
    texts.sort_unstable();
    texts
}

fn check_uris(uris: &[String]) -> Result<(), RequestError> {
    if uris.len() > MAX_URIS {
        return Err(RequestError::invalid_request(format!(
            "events_requested has more than {MAX_URIS} members"
        )));
    }
    uris.iter().try_for_each(|uri| check_text(uri, ("events_requested", MAX_URI)))
}

/// SSF §6.1.1 and §6.1.2.
fn check_delivery(body: DeliveryBody) -> Result<Delivery, RequestError> {
    let refuse = |text| Err(RequestError::invalid_request(text));
    match body.method.as_str() {
        POLL => Ok(Delivery::Poll), // where to poll is not the receiver's to say
        PUSH => {
            let Some(endpoint) = body.endpoint_url else { return refuse("endpoint_url is missing") };
            let Ok(endpoint_url) = Url::parse(&endpoint) else { return refuse("endpoint_url is not a URL") };
            let has_user = !endpoint_url.username().is_empty() || endpoint_url.password().is_some();
            if endpoint.len() > MAX_ENDPOINT || endpoint_url.fragment().is_some() || has_user {
                return refuse("endpoint_url is too long, or has a fragment or a user in it");
            }
            let printable = |value: &String| {
                value.len() <= MAX_CREDENTIAL && value.bytes().all(|byte| (b' '..=b'~').contains(&byte))
            };
            if !body.authorization_header.as_ref().is_none_or(printable) {
                return refuse("authorization_header cannot be the value of a header");
            }
            Ok(Delivery::Push { endpoint_url, authorization: body.authorization_header })
        }
        _ => refuse("delivery: the method is not supported"),
    }
}

impl StreamStatus {
    /// Every status.
    pub const ALL: [Self; 3] = [Self::Enabled, Self::Paused, Self::Disabled];

    /// As on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Enabled => "enabled",
            Self::Paused => "paused",
            Self::Disabled => "disabled",
        }
    }

    /// Reads [`StreamStatus::as_str`] back.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

impl StatusRequest {
    /// Reads a change of status.
    ///
    /// # Errors
    /// `invalid_request`.
    pub fn parse(body: &[u8]) -> Result<Self, RequestError> {
        let StatusBody { stream_id, status, reason } = read(body)?;
        if let Some(reason) = &reason {
            check_text(reason, ("reason", MAX_TEXT))?;
        }
        Ok(Self { stream_id, status, reason })
    }
}

impl SubjectRequest {
    /// Reads a subject to be added or removed.
    ///
    /// # Errors
    /// `invalid_request`.
    pub fn parse(body: &[u8]) -> Result<Self, RequestError> {
        let SubjectBody { stream_id, subject } = read(body)?;
        Ok(Self { stream_id, subject: Subject::parse(&subject)? })
    }
}

impl VerificationRequest {
    /// Reads a request for a verification.
    ///
    /// # Errors
    /// `invalid_request`.
    pub fn parse(body: &[u8]) -> Result<Self, RequestError> {
        let VerificationBody { stream_id, state } = read(body)?;
        if state.as_ref().is_some_and(|state| state.len() > MAX_STATE || state.contains('\0')) {
            return Err(RequestError::invalid_request(format!("state is longer than {MAX_STATE} bytes")));
        }
        Ok(Self { stream_id, state })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(body: &Value) -> Result<StreamRequest, RequestError> {
        StreamRequest::parse(body.to_string().as_bytes())
    }

    #[test]
    fn the_example_of_8_1_1_1_is_read() {
        let request = parse(&json!({
            "delivery": { "method": PUSH, "endpoint_url": "https://receiver.example.com/events" },
            "events_requested": ["urn:example:secevent:events:type_2"],
            "description": "Stream for Receiver A",
        }));
        let request = request.unwrap();

        assert!(matches!(request.delivery, Some(Delivery::Push { authorization: None, .. })));
        assert_eq!(request.events_requested.as_deref().map(<[_]>::len), Some(1));
        assert_eq!(parse(&json!({})).unwrap().delivery, None);
    }

    #[test]
    fn an_endpoint_is_a_plain_url_and_a_credential_one_header() {
        let push = |endpoint: &str, credential: &str| {
            parse(&json!({ "delivery": {
                "method": PUSH, "endpoint_url": endpoint, "authorization_header": credential } }))
        };

        assert!(push("https://receiver.test/events", "Bearer x").is_ok());
        for endpoint in ["", "receiver.test", "https://u:p@receiver.test/", "https://receiver.test/#x"] {
            assert!(push(endpoint, "Bearer x").is_err(), "{endpoint}");
        }
        for credential in ["Bearer x\r\nHost: other", "Bearer \u{e9}", &"x".repeat(5_000)] {
            assert!(push("https://receiver.test/", credential).is_err(), "{credential}");
        }
        for delivery in
            [json!({}), json!({ "method": PUSH }), json!({ "method": "urn:other" }), json!("poll")]
        {
            assert!(parse(&json!({ "delivery": delivery })).is_err(), "{delivery}");
        }
    }

    #[test]
    fn what_the_transmitter_supplies_has_to_be_right() {
        let configuration = StreamConfiguration {
            stream_id: "str_1".to_owned(),
            iss: "https://id.test".to_owned(),
            aud: "siem".to_owned(),
            delivery: StreamDelivery { method: POLL, endpoint_url: "https://id.test/poll".to_owned() },
            events_supported: vec!["a", "b"],
            events_requested: None,
            events_delivered: vec!["a", "b"],
            min_verification_interval: 30,
            description: None,
        };
        let check = |said: Value| configuration.check_supplied(said.as_object().unwrap()).is_ok();

        assert!(check(json!({ "iss": "https://id.test", "aud": ["siem"], "events_delivered": ["b", "a"] })));
        assert!(check(json!({ "format": "of another specification" })));
        assert!(!check(json!({ "iss": "https://other.test" })));
        assert!(!check(json!({ "aud": ["siem", "other"] })));
        assert!(!check(json!({ "events_delivered": ["a"] })));
        assert!(!check(json!({ "min_verification_interval": 1 })));
    }

    #[test]
    fn a_state_is_bounded_and_a_status_is_one_of_three() {
        let verify = |state: String| {
            VerificationRequest::parse(json!({ "stream_id": "x", "state": state }).to_string().as_bytes())
        };

        assert!(verify("x".repeat(MAX_STATE)).is_ok());
        assert!(verify("x".repeat(MAX_STATE + 1)).is_err());
        assert!(StatusRequest::parse(br#"{"stream_id":"x","status":"on"}"#).is_err());
        assert!(StatusRequest::parse(br#"{"status":"paused"}"#).is_err());
        assert!(SubjectRequest::parse(br#"{"stream_id":"x"}"#).is_err());
    }
}
