//! What an operator does with keys by hand.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use chrono::{DateTime, Utc};
use orgate_domain::audit::Action;
use orgate_domain::keys::{KeyLife, KeyState};
use orgate_protocol::jose::{SigningAlgorithm, SigningKey, VerifyingKey};
use orgate_storage::{OrgScope, StorageError};
use zeroize::Zeroizing;

use super::KeyError;
use super::make::{Fresh, note, promote, retire};
use crate::Env;
use crate::configure::Author;

/// How a key is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replacement {
    /// The new one signs when everyone knows it.
    Scheduled,
    /// At once: by the key that waits, if there is one.
    Now,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replaced {
    /// The new key.
    pub kid: String,
    /// When it was published first.
    pub published_at: DateTime<Utc>,
    /// When it signs, at the earliest.
    pub signs_at: DateTime<Utc>,
    /// The keys that were withdrawn.
    pub revoked: Vec<String>,
}

/// Why a key is not taken over.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// See [`KeyError`].
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The ring has, or had, this key.
    #[error("the key {0} is known here: it signs, signed or is to sign; a key is used once")]
    Known(String),
    /// Not a private key as it has to be written.
    #[error("the file is not an unencrypted private key in PKCS#8 (`BEGIN PRIVATE KEY`): {0}")]
    NotPkcs8(&'static str),
    /// A key, but none that this algorithm signs with.
    #[error("the file's key cannot sign {}: that takes {wanted}", algorithm.as_str())]
    Unsuited {
        /// What it was to sign with.
        algorithm: SigningAlgorithm,
        /// What keys that takes.
        wanted: &'static str,
    },
    /// There is one place for a key that signs next.
    #[error(
        "a key waits to sign {} already, {kid}: let it, by `orgate keys rotate --now`, and import then",
        algorithm.as_str()
    )]
    Waiting {
        /// What it will sign with.
        algorithm: SigningAlgorithm,
        /// Which key.
        kid: String,
    },
}

impl From<StorageError> for ImportError {
    fn from(error: StorageError) -> Self {
        Self::Key(error.into())
    }
}

/// What happened to every key of a ring, the latest first.
///
/// # Errors
/// [`KeyError`].
pub async fn list(env: &Env, scope: &OrgScope) -> Result<Vec<KeyLife>, KeyError> {
    let mut tx = env.store.begin(scope).await?;
    let keys = tx.keys().list_lives().await?;
    tx.commit().await?;
    Ok(keys)
}

/// Replaces the key of an algorithm, or makes the first.
///
/// # Errors
/// [`KeyError`]; [`KeyError::Raced`] if somebody else replaced it at the same time.
pub async fn replace(
    env: &Env,
    scope: &OrgScope,
    algorithm: SigningAlgorithm,
    how: Replacement,
) -> Result<Replaced, KeyError> {
    replace_as(env, (scope, &Author::operator()), algorithm, how).await
}

/// The same, as somebody who is not the operator.
pub(crate) async fn replace_as(
    env: &Env,
    (scope, author): (&OrgScope, &Author),
    algorithm: SigningAlgorithm,
    how: Replacement,
) -> Result<Replaced, KeyError> {
    let keys = list(env, scope).await?;
    let now = env.clock.now();
    let of = |state| keys.iter().find(|key| key.algorithm == algorithm && key.state(now) == state);
    let waiting = of(KeyState::Next);
    match (how, waiting) {
        (Replacement::Scheduled, Some(next)) => Ok(Replaced {
            kid: next.kid.clone(),
            published_at: next.published_at,
            signs_at: next.published_at + env.key_schedule.publish_before,
            revoked: Vec::new(),
        }),
        (Replacement::Scheduled, None) if of(KeyState::Current).is_some() => {
            let fresh = Fresh::generate(env, scope, algorithm).await?;
            add(env, (scope, author), &fresh, None).await
        }
        (Replacement::Now, Some(next)) => promote_now(env, (scope, author), next).await,
        (Replacement::Scheduled | Replacement::Now, None) => {
            let fresh = Fresh::generate(env, scope, algorithm).await?;
            add(env, (scope, author), &fresh, Some(now)).await
        }
    }
}

async fn promote_now(
    env: &Env,
    (scope, author): (&OrgScope, &Author),
    next: &KeyLife,
) -> Result<Replaced, KeyError> {
    let mut tx = env.store.begin(scope).await?;
    if !promote(env, &mut tx, (&next.kid, next.algorithm), author).await? {
        return Err(KeyError::Raced);
    }
    tx.commit().await?;
    Ok(Replaced {
        kid: next.kid.clone(),
        published_at: next.published_at,
        signs_at: env.clock.now(),
        revoked: Vec::new(),
    })
}

/// Adds a key, to sign from `promoted_at` or next.
async fn add(
    env: &Env,
    (scope, author): (&OrgScope, &Author),
    fresh: &Fresh,
    promoted_at: Option<DateTime<Utc>>,
) -> Result<Replaced, KeyError> {
    let mut tx = env.store.begin(scope).await?;
    if promoted_at.is_some() {
        retire(env, &mut tx, fresh.key.algorithm(), author).await?;
    }
    if !fresh.insert(env, &mut tx, (promoted_at, author)).await? {
        return Err(KeyError::Raced);
    }
    tx.commit().await?;
    let now = env.clock.now();
    Ok(Replaced {
        kid: fresh.key.kid().to_owned(),
        published_at: now,
        signs_at: promoted_at.unwrap_or(now + env.key_schedule.publish_before),
        revoked: Vec::new(),
    })
}

/// Replaces the key of an algorithm at once, by one that nobody has seen, and withdraws every other: what they
/// signed counts no more.
///
/// # Errors
/// [`KeyError`]; [`KeyError::Raced`] if somebody else replaced it at the same time.
pub async fn revoke(env: &Env, scope: &OrgScope, algorithm: SigningAlgorithm) -> Result<Replaced, KeyError> {
    let fresh = Fresh::generate(env, scope, algorithm).await?;
    let (now, operator) = (env.clock.now(), Author::operator());
    let mut tx = env.store.begin(scope).await?;
    let revoked = tx.keys().revoke(algorithm, now).await?;
    for kid in &revoked {
        note(env, &mut tx, (Action::KeyRevoked, &operator), kid).await?;
    }
    if !fresh.insert(env, &mut tx, (Some(now), &operator)).await? {
        return Err(KeyError::Raced);
    }
    tx.commit().await?;
    Ok(Replaced { kid: fresh.key.kid().to_owned(), published_at: now, signs_at: now, revoked })
}

/// Takes a private key over that was made elsewhere, to sign next or at once.
///
/// # Errors
/// [`ImportError`].
pub async fn import(
    env: &Env,
    scope: &OrgScope,
    algorithm: SigningAlgorithm,
    (pem, how): (&str, Replacement),
) -> Result<Replaced, ImportError> {
    let key = read(algorithm, pem)?;
    let keys = list(env, scope).await?;
    if let Some(known) = keys.iter().find(|known| known.kid == key.kid()) {
        return Err(ImportError::Known(known.kid.clone()));
    }
    let now = env.clock.now();
    let of = |state| keys.iter().find(|key| key.algorithm == algorithm && key.state(now) == state);
    if let Some(next) = of(KeyState::Next) {
        return Err(ImportError::Waiting { algorithm, kid: next.kid.clone() });
    }
    let waits = how == Replacement::Scheduled && of(KeyState::Current).is_some();
    let fresh = Fresh::imported(env, scope, key).await?;
    Ok(add(env, (scope, &Author::operator()), &fresh, (!waits).then_some(now)).await?)
}

/// Reads PEM (RFC 7468 §10), and checks that the key is what the algorithm takes, and strong enough.
fn read(algorithm: SigningAlgorithm, pem: &str) -> Result<SigningKey, ImportError> {
    let body = pem.split_once("-----BEGIN PRIVATE KEY-----").and_then(|(_, rest)| {
        let (body, rest) = rest.split_once("-----END PRIVATE KEY-----")?;
        (!rest.contains("-----BEGIN")).then_some(body)
    });
    let body = body.ok_or(ImportError::NotPkcs8(
        "convert it with `openssl pkcs8 -topk8 -nocrypt -in old.pem -out key.pem`",
    ))?;
    let base64: Zeroizing<String> = Zeroizing::new(body.split_whitespace().collect());
    let der =
        BASE64_STANDARD.decode(base64.as_bytes()).map_err(|_| ImportError::NotPkcs8("it is damaged"))?;
    let der = Zeroizing::new(der);
    let wanted = match algorithm {
        SigningAlgorithm::Es256 => "an elliptic curve key on P-256",
        SigningAlgorithm::EdDsa => "an Ed25519 key",
        SigningAlgorithm::Ps256 | SigningAlgorithm::Rs256 => "an RSA key of 2048 to 4096 bits",
    };
    let key = SigningKey::from_pkcs8(algorithm, &der);
    let strong = key.and_then(|key| VerifyingKey::from_jwk(&key.public_jwk()).map(|_| key));
    strong.map_err(|_| ImportError::Unsuited { algorithm, wanted })
}
