//! Asking the issuer whether a token still stands: RFC 7662, and RFC 9701 for answers that are signed.
//!
//! **Invariant:** an answer is about the token that was asked about, and no older than the policy allows; if there
//! is none, the token is refused. What it says of the organization is demanded as of a token.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use aws_lc_rs::digest::{SHA256, digest};
use reqwest::{
    Url,
    header::{ACCEPT, CONTENT_TYPE},
};
use serde_json::Value;
use tokio::sync::OnceCell;

use crate::{
    client::{AssertionKey, Authentication, Client, InvalidKey},
    clock::{Clock, seconds},
    fetch::{self, FetchError, Http, Location},
    json::Object,
    jws::{CompactJws, Kind},
    key_cache::KeyCache,
    verifier::VerifyError,
};

/// The media type of a signed answer (RFC 9701 §8.3.2).
const SIGNED: &str = "application/token-introspection+jwt";

/// How sure a backend has to be that a token was not revoked since it was issued.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Freshness {
    /// A token is good until it expires. Nothing is asked.
    #[default]
    Offline,
    /// The issuer is asked, unless it was within this time. While it cannot be asked, every token is refused.
    Introspect {
        /// How old an answer may be; zero asks for each request.
        max_age: Duration,
    },
}

/// How the issuer is asked. Given to [`VerifierBuilder::introspection`](crate::VerifierBuilder::introspection).
#[must_use]
pub struct Introspection {
    client: Client,
    pub(crate) endpoint: Option<String>,
    format: Format,
    capacity: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Json,
    Signed,
}

impl Introspection {
    fn by(id: String, authentication: Authentication) -> Self {
        let client = Client { id, authentication };
        Self { client, endpoint: None, format: Format::Json, capacity: 10_000 }
    }

    /// As this client, by `client_secret_basic`.
    pub fn with_secret(client_id: impl Into<String>, secret: impl Into<String>) -> Self {
        Self::by(client_id.into(), Authentication::SecretInHeader(secret.into()))
    }

    /// As this client, by `client_secret_post`.
    pub fn with_secret_in_body(client_id: impl Into<String>, secret: impl Into<String>) -> Self {
        Self::by(client_id.into(), Authentication::SecretInBody(secret.into()))
    }

    /// As this client, by `private_key_jwt` with ES256: the key as PKCS #8 (DER), and its name in the client's
    /// registered key set.
    ///
    /// # Errors
    /// [`InvalidKey`] if it is not a P-256 key in PKCS #8.
    pub fn with_private_key(
        client_id: impl Into<String>,
        kid: impl Into<String>,
        pkcs8: &[u8],
    ) -> Result<Self, InvalidKey> {
        let key = AssertionKey::from_pkcs8(kid.into(), pkcs8)?;
        Ok(Self::by(client_id.into(), Authentication::PrivateKey(key)))
    }

    /// Asks at this URL, without discovery.
    pub fn endpoint(mut self, url: impl Into<String>) -> Self {
        self.endpoint = Some(url.into());
        self
    }

    /// Demands answers that the issuer has signed (RFC 9701), so that whoever is in between changes nothing.
    pub fn signed(mut self) -> Self {
        self.format = Format::Signed;
        self
    }

    /// How many answers are kept at once; 10,000 unless told.
    pub fn capacity(mut self, answers: usize) -> Self {
        self.capacity = answers;
        self
    }

    pub(crate) fn into_introspector(self, connection: Connection) -> Introspector {
        let answers = Answers { capacity: self.capacity, slots: Mutex::default() };
        Introspector {
            client: self.client,
            format: self.format,
            connection,
            endpoint: OnceCell::new(),
            answers,
        }
    }
}

/// What asking the issuer takes besides the client.
pub(crate) struct Connection {
    pub(crate) issuer: String,
    pub(crate) http: Http,
    pub(crate) location: Location,
    pub(crate) keys: Arc<KeyCache>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) leeway: Duration,
    pub(crate) max_age: Duration,
}

/// What the issuer says of a token: its claims, unless it does not stand.
pub(crate) type Answer = Option<Object>;

/// Asks the issuer, and keeps its answers for as long as the policy allows.
pub(crate) struct Introspector {
    client: Client,
    format: Format,
    connection: Connection,
    endpoint: OnceCell<Url>,
    answers: Answers,
}

impl Introspector {
    /// The claims of a token that still stands. However many ask for one token at once, the issuer is asked once.
    pub(crate) async fn ask(&self, token: &str) -> Result<Object, VerifyError> {
        let slot = self.answers.slot(token, self.connection.clock.now(), self.connection.max_age);
        let answer = slot.get_or_try_init(|| self.request(token)).await.map_err(|error| {
            tracing::warn!(error = &error as &dyn std::error::Error, "a token could not be introspected");
            VerifyError::IntrospectionUnavailable
        })?;
        answer.clone().ok_or(VerifyError::Inactive)
    }

    async fn request(&self, token: &str) -> Result<Answer, IntrospectionError> {
        let Connection { http, location, clock, issuer, .. } = &self.connection;
        let asked_at = seconds(clock.now());
        let accept = match self.format {
            Format::Json => "application/json",
            Format::Signed => SIGNED,
        };
        let exchange = async {
            let endpoint = self.endpoint.get_or_try_init(|| location.url(http)).await?;
            let form = vec![("token", token.to_owned()), ("token_type_hint", "access_token".to_owned())];
            let request = http.post(endpoint.clone()).header(ACCEPT, accept);
            let request = self.client.authenticate(request, form, (issuer, asked_at));
            let request = request.ok_or(FetchError::Malformed("client assertion"))?;
            let response = request.send().await.map_err(fetch::transport)?;
            let is_signed = response.headers().get(CONTENT_TYPE).is_some_and(|value| value == SIGNED);
            Ok((fetch::body(response).await?, is_signed))
        };
        let (body, is_signed) = http.within(exchange).await?;
        match self.format {
            Format::Json => answer(&body),
            Format::Signed if is_signed => self.open(&body, asked_at).await,
            Format::Signed => Err(IntrospectionError::NotSigned),
        }
    }

    /// RFC 9701 §5: signed by the issuer, for this client, after it was asked.
    async fn open(&self, body: &[u8], asked_at: u64) -> Result<Answer, IntrospectionError> {
        let Connection { issuer, keys, clock, leeway, .. } = &self.connection;
        let text = std::str::from_utf8(body).map_err(|_| IntrospectionError::Malformed)?.trim_ascii();
        let mut jws = CompactJws::parse(text, Kind::IntrospectionAnswer)?;
        let key = keys.find(&jws.kid()?, jws.algorithm).await?;
        let mut claims = jws.verify(&key.public)?;
        let iss = claims.take_string("iss").ok().flatten();
        let aud = claims.take_one_or_more("aud").ok().flatten().unwrap_or_default();
        if iss.as_ref() != Some(issuer) || !aud.contains(&self.client.id) {
            return Err(IntrospectionError::Foreign);
        }
        let iat = claims.take_numeric_date("iat").ok().flatten().ok_or(IntrospectionError::Malformed)?;
        let (leeway, now) = (leeway.as_secs(), seconds(clock.now()));
        if iat.saturating_add(leeway) < asked_at || iat > now.saturating_add(leeway) {
            return Err(IntrospectionError::Stale);
        }
        let answer = claims.take_object("token_introspection").ok().flatten();
        read(answer.ok_or(IntrospectionError::Malformed)?.into())
    }
}

fn answer(body: &[u8]) -> Result<Answer, IntrospectionError> {
    read(Object::parse(body).map_err(|_| IntrospectionError::Malformed)?)
}

/// RFC 7662 §2.2.
fn read(mut answer: Object) -> Result<Answer, IntrospectionError> {
    match answer.take("active") {
        Some(Value::Bool(true)) => Ok(Some(answer)),
        Some(Value::Bool(false)) => Ok(None),
        _ => Err(IntrospectionError::Malformed),
    }
}

/// Why there is no answer to go by.
#[derive(Debug, thiserror::Error)]
enum IntrospectionError {
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error("the signed answer is another issuer's, or for another client")]
    Foreign,
    #[error("the signature of the answer is refused: {0}")]
    Jws(#[from] VerifyError),
    #[error("the answer is malformed")]
    Malformed,
    #[error("the answer is not signed")]
    NotSigned,
    #[error("the signed answer was made before the question")]
    Stale,
}

/// The issuer's answers, by a digest of the token.
struct Answers {
    capacity: usize,
    slots: Mutex<HashMap<[u8; 32], Slot>>,
}

struct Slot {
    /// Before the issuer was asked, which is what an answer's age is counted from.
    opened_at: SystemTime,
    answer: Arc<OnceCell<Answer>>,
}

impl Answers {
    /// Where the answer for a token is or will be.
    fn slot(&self, token: &str, now: SystemTime, max_age: Duration) -> Arc<OnceCell<Answer>> {
        // An age that cannot be told, because the clock was set back, is too old.
        let is_fresh = |slot: &Slot| now.duration_since(slot.opened_at).is_ok_and(|age| age < max_age);
        let mut name = [0; 32];
        name.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = slots.get(&name).filter(|slot| is_fresh(slot)) {
            return Arc::clone(&slot.answer);
        }
        if slots.len() >= self.capacity {
            slots.retain(|_, slot| is_fresh(slot));
        }
        let answer = Arc::<OnceCell<Answer>>::default();
        // With no room, it is not kept: asking again is always right.
        if slots.len() < self.capacity {
            slots.insert(name, Slot { opened_at: now, answer: Arc::clone(&answer) });
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    #[test]
    fn answers_are_kept_for_their_time_and_no_more_of_them_than_there_is_room_for() {
        let answers = Answers { capacity: 2, slots: Mutex::default() };
        let age = Duration::from_secs(10);
        let slot = |token: &str, now| answers.slot(token, UNIX_EPOCH + Duration::from_secs(now), age);
        let first = slot("a", 100);

        assert!(Arc::ptr_eq(&first, &slot("a", 109)));
        assert!(!Arc::ptr_eq(&first, &slot("a", 99)), "the clock was set back");
        let (second, third) = (slot("b", 100), slot("c", 101));
        assert!(Arc::ptr_eq(&second, &slot("b", 101)));
        assert!(!Arc::ptr_eq(&third, &slot("c", 101)), "no room");
        let fourth = slot("c", 112);
        assert!(Arc::ptr_eq(&fourth, &slot("c", 112)), "room, since the others are old");
        assert!(!Arc::ptr_eq(&second, &slot("b", 112)));
    }

    #[test]
    fn a_policy_of_no_age_asks_each_time() {
        let answers = Answers { capacity: 2, slots: Mutex::default() };
        let slot = || answers.slot("a", UNIX_EPOCH, Duration::ZERO);
        assert!(!Arc::ptr_eq(&slot(), &slot()));
    }
}
