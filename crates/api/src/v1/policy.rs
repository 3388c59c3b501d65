//! `/organizations/{organization}/policy`.

use std::fmt::Display;
use std::ops::RangeInclusive;

use axum::extract::State;
use chrono::Duration;
use orgate_domain::policies::{
    Allowance, LOCKOUT_TRIES, LONGEST_SECS, Policy, PolicySettings, SsoEnforcement, TOKEN_SECS,
};
use orgate_flows::Env;
use orgate_flows::manage::ChangeError;
use orgate_flows::manage::policy::{PolicyInForce, find_policy, update_policy};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::admitted::Admitted;
use super::change::{Patch, Tagged};
use super::problem::Problem;

/// What an organization allows, and for how long.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Policy)]
pub(crate) struct View {
    #[serde(flatten)]
    own: Settings,
    /// What is in force, with the settings of the organizations above.
    effective: EffectiveView,
}

/// The organization's own settings; null leaves one to the organization above, and to Orgate. A sub-organization may only
/// tighten.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = PolicySettings)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
pub(crate) struct Settings {
    /// Seconds after its last use that a session ends.
    #[schema(minimum = 300, maximum = 315_360_000)]
    session_idle_secs: Option<i64>,
    /// Seconds after sign-in that a session ends.
    #[schema(minimum = 300, maximum = 315_360_000)]
    session_absolute_secs: Option<i64>,
    /// Seconds that access tokens and ID tokens are good for.
    #[schema(minimum = 30, maximum = 3600)]
    access_token_secs: Option<i64>,
    /// Seconds that a refresh token is good for, unless used.
    #[schema(minimum = 300, maximum = 315_360_000)]
    refresh_idle_secs: Option<i64>,
    /// Seconds after sign-in that tokens can be refreshed.
    #[schema(minimum = 300, maximum = 315_360_000)]
    refresh_absolute_secs: Option<i64>,
    /// Wrong passwords for one account before further tries are refused for a while.
    #[schema(minimum = 1, maximum = 1000)]
    lockout_attempts: Option<u32>,
    /// Who must sign in through a connection of the organization.
    sso_enforcement: Option<Enforcement>,
    /// Whether other people's applications may be used.
    third_party_clients: Option<Allowed>,
    /// Whether applications may register themselves, with a token that the organization was given.
    client_registration: Option<Allowed>,
    /// Whether applications that nobody registered may be used: those that are known by a document.
    client_id_metadata: Option<Allowed>,
}

/// What is in force.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EffectivePolicy)]
struct EffectiveView {
    session_idle_secs: i64,
    session_absolute_secs: i64,
    access_token_secs: i64,
    refresh_idle_secs: i64,
    refresh_absolute_secs: i64,
    lockout_attempts: u32,
    sso_enforcement: Enforcement,
    third_party_clients: Allowed,
    client_registration: Allowed,
    client_id_metadata: Allowed,
}

/// Who must sign in through a connection of the organization: nobody, users with an address of a domain that it has
/// verified, or everybody.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[schema(as = SsoEnforcement)]
#[serde(rename_all = "snake_case")]
enum Enforcement {
    Off,
    Domains,
    Organization,
}

/// Whether something may be.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[schema(as = Allowance)]
#[serde(rename_all = "snake_case")]
enum Allowed {
    Allowed,
    Forbidden,
}

impl From<SsoEnforcement> for Enforcement {
    fn from(enforcement: SsoEnforcement) -> Self {
        match enforcement {
            SsoEnforcement::Off => Self::Off,
            SsoEnforcement::Domains => Self::Domains,
            SsoEnforcement::Organization => Self::Organization,
        }
    }
}

impl From<Enforcement> for SsoEnforcement {
    fn from(enforcement: Enforcement) -> Self {
        match enforcement {
            Enforcement::Off => Self::Off,
            Enforcement::Domains => Self::Domains,
            Enforcement::Organization => Self::Organization,
        }
    }
}

impl From<Allowance> for Allowed {
    fn from(allowance: Allowance) -> Self {
        match allowance {
            Allowance::Allowed => Self::Allowed,
            Allowance::Forbidden => Self::Forbidden,
        }
    }
}

impl From<Allowed> for Allowance {
    fn from(allowed: Allowed) -> Self {
        match allowed {
            Allowed::Allowed => Self::Allowed,
            Allowed::Forbidden => Self::Forbidden,
        }
    }
}

impl From<&PolicySettings> for Settings {
    fn from(own: &PolicySettings) -> Self {
        let seconds = |limit: Option<Duration>| limit.map(|limit| limit.num_seconds());
        Self {
            session_idle_secs: seconds(own.session_idle),
            session_absolute_secs: seconds(own.session_absolute),
            access_token_secs: seconds(own.access_token),
            refresh_idle_secs: seconds(own.refresh_idle),
            refresh_absolute_secs: seconds(own.refresh_absolute),
            lockout_attempts: own.lockout_attempts,
            sso_enforcement: own.sso_enforcement.map(Into::into),
            third_party_clients: own.third_party_clients.map(Into::into),
            client_registration: own.client_registration.map(Into::into),
            client_id_metadata: own.client_id_metadata.map(Into::into),
        }
    }
}

impl From<&Policy> for EffectiveView {
    fn from(policy: &Policy) -> Self {
        Self {
            session_idle_secs: policy.session_idle.num_seconds(),
            session_absolute_secs: policy.session_absolute.num_seconds(),
            access_token_secs: policy.access_token.num_seconds(),
            refresh_idle_secs: policy.refresh_idle.num_seconds(),
            refresh_absolute_secs: policy.refresh_absolute.num_seconds(),
            lockout_attempts: policy.lockout_attempts,
            sso_enforcement: policy.sso_enforcement.into(),
            third_party_clients: policy.third_party_clients.into(),
            client_registration: policy.client_registration.into(),
            client_id_metadata: policy.client_id_metadata.into(),
        }
    }
}

impl From<&PolicyInForce> for View {
    fn from(policy: &PolicyInForce) -> Self {
        Self { own: (&policy.own).into(), effective: (&policy.effective).into() }
    }
}

impl TryFrom<Settings> for PolicySettings {
    type Error = ChangeError;

    fn try_from(settings: Settings) -> Result<Self, ChangeError> {
        let seconds = |pointer: &str, number: Option<i64>, bounds: RangeInclusive<i64>| {
            let read = |number: i64| {
                let limit = Some(number).filter(|number| bounds.contains(number));
                limit.and_then(Duration::try_seconds).ok_or_else(|| beyond(pointer, &bounds))
            };
            number.map(read).transpose()
        };
        let long = |pointer, number| seconds(pointer, number, 1..=LONGEST_SECS);
        if settings.lockout_attempts.is_some_and(|tries| !LOCKOUT_TRIES.contains(&tries)) {
            return Err(beyond("/lockout_attempts", &LOCKOUT_TRIES));
        }
        Ok(Self {
            session_idle: long("/session_idle_secs", settings.session_idle_secs)?,
            session_absolute: long("/session_absolute_secs", settings.session_absolute_secs)?,
            access_token: seconds("/access_token_secs", settings.access_token_secs, TOKEN_SECS)?,
            refresh_idle: long("/refresh_idle_secs", settings.refresh_idle_secs)?,
            refresh_absolute: long("/refresh_absolute_secs", settings.refresh_absolute_secs)?,
            lockout_attempts: settings.lockout_attempts,
            sso_enforcement: settings.sso_enforcement.map(Into::into),
            third_party_clients: settings.third_party_clients.map(Into::into),
            client_registration: settings.client_registration.map(Into::into),
            client_id_metadata: settings.client_id_metadata.map(Into::into),
        })
    }
}

fn beyond<N: Display>(pointer: &str, bounds: &RangeInclusive<N>) -> ChangeError {
    ChangeError::invalid(pointer, format!("a number from {} to {}", bounds.start(), bounds.end()))
}

/// Read what an organization allows, and for how long.
#[utoipa::path(
    get,
    path = "/organizations/{organization}/policy",
    tag = "Policy",
    operation_id = "getPolicy",
    responses((status = 200, description = "Its own settings, and what is in force", body = View)),
)]
pub(crate) async fn get(State(env): State<Env>, Admitted(caller): Admitted) -> Result<Tagged<View>, Problem> {
    Ok(Tagged((&find_policy(&env, &caller).await?).into()))
}

/// Change what an organization allows, and for how long. Sessions that it admits no more end.
#[utoipa::path(
    patch,
    path = "/organizations/{organization}/policy",
    tag = "Policy",
    operation_id = "updatePolicy",
    request_body(content = Settings, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "Its own settings, and what is in force", body = View)),
)]
pub(crate) async fn patch(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    patch: Patch,
) -> Result<Tagged<View>, Problem> {
    let edit = |now: &PolicyInForce| patch.onto::<Settings>(&View::from(now), &(&now.own).into())?.try_into();
    Ok(Tagged((&update_policy(&env, &caller, edit).await?).into()))
}
