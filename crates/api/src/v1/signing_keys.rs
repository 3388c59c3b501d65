//! `/organizations/{organization}/signing-keys`.

use axum::extract::State;
use chrono::{DateTime, Utc};
use orgate_domain::keys::{KeyLife, KeyState};
use orgate_flows::Env;
use orgate_flows::keys::Replacement;
use orgate_flows::manage::ChangeError;
use orgate_flows::manage::signing_keys::{WantedRotation, list_signing_keys, rotate_signing_keys};
use orgate_protocol::jose::SigningAlgorithm;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::admitted::Admitted;
use super::body::Private;
use super::change::New;
use super::problem::Problem;

/// A signing key, without what is private of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SigningKey)]
pub(crate) struct View {
    /// Its RFC 7638 thumbprint, by which tokens name it.
    kid: String,
    /// What it signs with.
    algorithm: &'static str,
    /// Where it is in its life: `next`, `current` or `retired`.
    state: &'static str,
    /// When it was published first.
    published_at: DateTime<Utc>,
    /// When it began to sign.
    promoted_at: Option<DateTime<Utc>>,
    /// When it stopped signing.
    retired_at: Option<DateTime<Utc>>,
    /// When it is published no more.
    expires_at: Option<DateTime<Utc>>,
}

/// The signing keys that are published.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SigningKeys)]
pub(crate) struct Keys {
    items: Vec<View>,
}

/// How signing keys are to be replaced.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(as = SigningKeyRotation)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Rotation {
    /// Those of this algorithm; of all that sign, if none is named.
    #[schema(example = "ES256")]
    algorithm: Option<String>,
    /// Let the new keys sign at once. Without it they are published now, and sign when everyone knows them.
    now: bool,
}

impl From<Vec<(KeyLife, KeyState)>> for Keys {
    fn from(keys: Vec<(KeyLife, KeyState)>) -> Self {
        let view = |(key, state): (KeyLife, KeyState)| View {
            kid: key.kid,
            algorithm: key.algorithm.as_str(),
            state: state.as_str(),
            published_at: key.published_at,
            promoted_at: key.promoted_at,
            retired_at: key.retired_at,
            expires_at: key.expires_at,
        };
        Self { items: keys.into_iter().map(view).collect() }
    }
}

/// List the published signing keys of an organization's own issuer, latest first; in the operator's organization, those of the
/// shared one.
#[utoipa::path(
    get,
    path = "/organizations/{organization}/signing-keys",
    tag = "Signing keys",
    operation_id = "listSigningKeys",
    responses((status = 200, description = "All of them", body = Keys)),
)]
pub(crate) async fn list(
    State(env): State<Env>,
    Admitted(caller): Admitted,
) -> Result<Private<Keys>, Problem> {
    Ok(Private(list_signing_keys(&env, &caller).await?.into()))
}

/// Replace signing keys: the next ones are published now, and sign when everyone knows them.
#[utoipa::path(
    post,
    path = "/organizations/{organization}/signing-keys/rotate",
    tag = "Signing keys",
    operation_id = "rotateSigningKeys",
    request_body = Rotation,
    responses((status = 200, description = "The keys, as they are now", body = Keys)),
)]
pub(crate) async fn rotate(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    New(wanted, once): New<Rotation>,
) -> Result<Private<Keys>, Problem> {
    let algorithm = wanted.algorithm.map(|text| {
        let known = SigningAlgorithm::ALL.map(SigningAlgorithm::as_str).join(", ");
        SigningAlgorithm::from_text(&text)
            .ok_or_else(|| ChangeError::invalid("/algorithm", format!("one of {known}")))
    });
    let how = if wanted.now { Replacement::Now } else { Replacement::Scheduled };
    let wanted = WantedRotation { algorithm: algorithm.transpose()?, how };
    Ok(Private(rotate_signing_keys(&env, &caller, wanted, once.as_ref()).await?.into()))
}
