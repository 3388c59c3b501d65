//! From stored columns to domain types: what does not parse is [`StorageError::Corrupt`].

use chrono::{DateTime, Utc};
use orgate_domain::clients::ClientStatus;
use orgate_domain::connections::ConnectionState;
use orgate_domain::credentials::SecretHash;
use orgate_domain::ids::{ConnectionId, OrgId, SessionId, UserId};
use orgate_domain::names::Slug;
use orgate_domain::organizations::OrgStatus;
use orgate_domain::policies::{Allowance, PolicySettings, SsoEnforcement};
use orgate_domain::sessions::{Session, SignInMethod};
use orgate_domain::standing::{SsoSubject, Standing, UserProfile, UserStatus};
use orgate_protocol::oauth::{ClaimsRequest, ScopeSet};
use sqlx::types::Json;
use uuid::Uuid;

use crate::StorageError;

/// Parses a stored value, or names the column that holds it.
pub(crate) fn parsed<T>(
    value: Option<T>,
    table: &'static str,
    column: &'static str,
) -> Result<T, StorageError> {
    value.ok_or(StorageError::Corrupt { table, column })
}

/// A stored SHA-256.
pub(crate) fn hash(
    bytes: &[u8],
    table: &'static str,
    column: &'static str,
) -> Result<SecretHash, StorageError> {
    parsed(<[u8; 32]>::try_from(bytes).ok(), table, column).map(SecretHash::from_bytes)
}

/// How a session began.
pub(crate) fn method(text: &str, connection: Option<Uuid>) -> Result<SignInMethod, StorageError> {
    let connection = connection.map(ConnectionId::from_uuid);
    parsed(SignInMethod::from_parts(text, connection), "sessions", "method")
}

/// The columns of a policy; all are null where an organization sets nothing. As JSON, each has to be there: one that is missed
/// would read as nothing set.
#[derive(Debug, Default, serde::Deserialize)]
pub(crate) struct PolicyRow {
    #[serde(deserialize_with = "Option::deserialize")]
    pub(crate) session_idle_secs: Option<i64>,
    #[serde(deserialize_with = "Option::deserialize")]
    pub(crate) session_absolute_secs: Option<i64>,
    #[serde(deserialize_with = "Option::deserialize")]
    pub(crate) access_token_secs: Option<i64>,
    #[serde(deserialize_with = "Option::deserialize")]
    pub(crate) refresh_idle_secs: Option<i64>,
    #[serde(deserialize_with = "Option::deserialize")]
    pub(crate) refresh_absolute_secs: Option<i64>,
    #[serde(deserialize_with = "Option::deserialize")]
    pub(crate) lockout_attempts: Option<i32>,
    #[serde(deserialize_with = "Option::deserialize")]
    pub(crate) sso_enforcement: Option<String>,
    #[serde(deserialize_with = "Option::deserialize")]
    pub(crate) third_party_clients: Option<String>,
    #[serde(deserialize_with = "Option::deserialize")]
    pub(crate) client_registration: Option<String>,
    #[serde(deserialize_with = "Option::deserialize")]
    pub(crate) client_id_metadata: Option<String>,
}

impl TryFrom<PolicyRow> for PolicySettings {
    type Error = StorageError;

    fn try_from(row: PolicyRow) -> Result<Self, StorageError> {
        let seconds = |limit: Option<i64>| limit.and_then(chrono::Duration::try_seconds);
        let allowance = |text: Option<String>, column: &'static str| {
            text.map(|text| parsed(Allowance::from_text(&text), "policies", column)).transpose()
        };
        let enforced = row
            .sso_enforcement
            .map(|text| parsed(SsoEnforcement::from_text(&text), "policies", "sso_enforcement"));
        Ok(Self {
            session_idle: seconds(row.session_idle_secs),
            session_absolute: seconds(row.session_absolute_secs),
            access_token: seconds(row.access_token_secs),
            refresh_idle: seconds(row.refresh_idle_secs),
            refresh_absolute: seconds(row.refresh_absolute_secs),
            lockout_attempts: row.lockout_attempts.and_then(|tries| u32::try_from(tries).ok()),
            sso_enforcement: enforced.transpose()?,
            third_party_clients: allowance(row.third_party_clients, "third_party_clients")?,
            client_registration: allowance(row.client_registration, "client_registration")?,
            client_id_metadata: allowance(row.client_id_metadata, "client_id_metadata")?,
        })
    }
}

/// Requested claims as they are stored: nothing, where none are.
pub(crate) fn stored(claims: &ClaimsRequest) -> Option<Json<&ClaimsRequest>> {
    (!claims.is_empty()).then_some(Json(claims))
}

/// Reads [`stored`] back.
pub(crate) fn claims(stored: Option<Json<ClaimsRequest>>) -> ClaimsRequest {
    stored.map(|Json(claims)| claims).unwrap_or_default()
}

/// What a user consented to, if they did.
pub(crate) fn consented(scope: Option<String>) -> Result<Option<ScopeSet>, StorageError> {
    scope.map(|text| parsed(ScopeSet::parse_union(&text).ok(), "consents", "scope")).transpose()
}

/// The columns of the view `standings`, with the client's status beside them.
pub(crate) struct StandingRow {
    pub(crate) org_id: Uuid,
    pub(crate) session_id: Uuid,
    pub(crate) user_id: Uuid,
    pub(crate) auth_time: DateTime<Utc>,
    pub(crate) amr: Vec<String>,
    pub(crate) last_seen_at: DateTime<Utc>,
    pub(crate) expires_at: DateTime<Utc>,
    pub(crate) ended_at: Option<DateTime<Utc>>,
    pub(crate) org_slug: String,
    pub(crate) org_status: String,
    pub(crate) email: Option<String>,
    pub(crate) email_verified: bool,
    pub(crate) name: String,
    pub(crate) locale: Option<String>,
    pub(crate) user_status: String,
    pub(crate) roles: Vec<String>,
    pub(crate) permissions: Vec<String>,
    pub(crate) method: String,
    pub(crate) connection_id: Option<Uuid>,
    pub(crate) connection_state: Option<String>,
    pub(crate) piloted: Option<bool>,
    pub(crate) break_glass: bool,
    pub(crate) domain_verified: bool,
    pub(crate) ends_by: Option<DateTime<Utc>>,
    pub(crate) client_status: Option<String>,
}

/// Takes the columns of the view out of a wider row.
macro_rules! standing {
    ($row:ident) => {
        orgate_domain::standing::Standing::try_from(crate::row::StandingRow {
            org_id: $row.org_id,
            session_id: $row.session_id,
            user_id: $row.user_id,
            auth_time: $row.auth_time,
            amr: $row.amr,
            last_seen_at: $row.last_seen_at,
            expires_at: $row.expires_at,
            ended_at: $row.ended_at,
            org_slug: $row.org_slug,
            org_status: $row.org_status,
            email: $row.email,
            email_verified: $row.email_verified,
            name: $row.name,
            locale: $row.locale,
            user_status: $row.user_status,
            roles: $row.roles,
            permissions: $row.permissions,
            method: $row.method,
            connection_id: $row.connection_id,
            connection_state: $row.connection_state,
            piloted: $row.piloted,
            break_glass: $row.break_glass,
            domain_verified: $row.domain_verified,
            ends_by: $row.ends_by,
            client_status: $row.client_status,
        })
    };
}
pub(crate) use standing;

impl TryFrom<StandingRow> for Standing {
    type Error = StorageError;

    fn try_from(row: StandingRow) -> Result<Self, StorageError> {
        let client = row
            .client_status
            .as_deref()
            .map(|text| parsed(ClientStatus::from_text(text), "client_directory", "status"));
        let connection = row
            .connection_state
            .as_deref()
            .map(|text| parsed(ConnectionState::from_text(text), "connections", "state"));
        Ok(Self {
            session: Session {
                id: SessionId::from_uuid(row.session_id),
                org_id: OrgId::from_uuid(row.org_id),
                user_id: UserId::from_uuid(row.user_id),
                auth_time: row.auth_time,
                amr: row.amr,
                method: method(&row.method, row.connection_id)?,
                last_seen_at: row.last_seen_at,
                expires_at: row.expires_at,
                ended_at: row.ended_at,
            },
            ends_by: row.ends_by,
            org_slug: parsed(Slug::parse(&row.org_slug).ok(), "organizations", "slug")?,
            org_status: parsed(OrgStatus::from_text(&row.org_status), "organizations", "status")?,
            user: UserProfile {
                email: row.email,
                email_verified: row.email_verified,
                name: row.name,
                locale: row.locale,
                status: parsed(UserStatus::from_text(&row.user_status), "users", "status")?,
            },
            roles: row.roles,
            permissions: row.permissions,
            connection: connection.transpose()?.map(|state| (state, row.piloted.unwrap_or_default().into())),
            sso: SsoSubject { of_verified_domain: row.domain_verified, break_glass: row.break_glass },
            client: client.transpose()?,
        })
    }
}
