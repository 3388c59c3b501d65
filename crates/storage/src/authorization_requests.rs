//! Authorization requests that wait for a person.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use orgate_domain::credentials::SecretHash;
use orgate_domain::ids::{AuthorizationRequestId, ClientId, DeviceRequestId, OrgId, SessionId, UserId};
use orgate_domain::resolution::Reason;
use orgate_protocol::oauth::authorize::{Prompt, ResponseMode};
use orgate_protocol::oauth::pkce::CodeChallenge;
use orgate_protocol::oauth::{Acr, ClaimsRequest, ScopeSet};
use sqlx::types::Json;
use uuid::Uuid;

use crate::StorageError;
use crate::discovery::ProvenAddress;
use crate::row::{claims, hash, parsed, stored};
use crate::scope::repository;

repository! {
    /// The organization's waiting authorization requests.
    AuthorizationRequests,
    /// The organization's waiting authorization requests.
    authorization_requests
}

/// What a stored request asks for. It never changes: a later input can make the request fail, not
/// move it.
#[derive(Debug, Clone)]
pub struct NewAuthorizationRequest {
    /// Its id.
    pub id: AuthorizationRequestId,
    /// The hash of its handle.
    pub handle: SecretHash,
    /// The hash of the cookie of the browser that began it.
    pub browser: SecretHash,
    /// The client's owner.
    pub client_owner: OrgId,
    /// The client.
    pub client_id: ClientId,
    /// Why it is in this organization; `None` while nobody has said which.
    pub resolved_by: Option<Reason>,
    /// The address that the person proved on the way, as a keyed hash.
    pub proven_address: Option<ProvenAddress>,
    /// The session that answers everything else, where it waits for consent.
    pub consent_session: Option<SessionId>,
    /// The user of a verified `id_token_hint`, or the one that `claims` asks for: nobody else will do.
    pub expected_user: Option<UserId>,
    /// Where the answer goes.
    pub redirect_uri: String,
    /// How.
    pub response_mode: ResponseMode,
    /// What is asked for.
    pub scope: ScopeSet,
    /// Returned as it came.
    pub state: Option<String>,
    /// Returned in the ID token.
    pub nonce: Option<String>,
    /// The PKCE challenge; `None` for a client that is exempt.
    pub code_challenge: Option<CodeChallenge>,
    /// What the tokens are for (RFC 8707); `None`: the client's own resource.
    pub resource: Option<String>,
    /// The thumbprint of the key that the code is bound to (RFC 9449 §10).
    pub dpop_jkt: Option<String>,
    /// The hash of the handle that it was pushed under (RFC 9126).
    pub pushed: Option<SecretHash>,
    /// What may be asked of the person.
    pub prompt: BTreeSet<Prompt>,
    /// Seconds since the last authentication, at most.
    pub max_age: Option<u32>,
    /// Claims that are asked for one by one.
    pub claims: ClaimsRequest,
    /// Authentication contexts, best first (OIDC Core §3.1.2.1); passed on to identity providers.
    pub acr_values: Vec<String>,
    /// The address to start with.
    pub login_hint: Option<String>,
    /// Languages, best first.
    pub ui_locales: Vec<String>,
    /// The device that it is made for (RFC 8628), which is the client's owner's.
    pub device: Option<ForDevice>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it lapses.
    pub expires_at: DateTime<Utc>,
}

/// What a request has to do with a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ForDevice {
    /// The device.
    pub id: DeviceRequestId,
    /// The session that was begun, or found good enough, for it: there it is approved, and in no other.
    /// `None` while nobody has signed in.
    pub session: Option<SessionId>,
}

impl ForDevice {
    fn stored(id: Uuid, session: Option<Uuid>) -> Self {
        Self { id: DeviceRequestId::from_uuid(id), session: session.map(SessionId::from_uuid) }
    }
}

/// A stored request.
#[derive(Debug, Clone)]
pub struct StoredAuthorizationRequest {
    /// What it asks for.
    pub asked: NewAuthorizationRequest,
    /// When it was answered or resolved, if it was.
    pub consumed_at: Option<DateTime<Utc>>,
}

impl NewAuthorizationRequest {
    /// Whether no earlier authentication will do (`prompt=login`, `max_age=0`).
    pub fn demands_authentication(&self) -> bool {
        self.prompt.contains(&Prompt::Login) || self.max_age == Some(0)
    }

    /// Whether an authentication of this strength will do (OIDC Core §5.5.1.1).
    pub fn accepts(&self, acr: Acr) -> bool {
        let required = self.claims.required_acr();
        required.is_empty() || required.contains(&acr)
    }
}

const TABLE: &str = "authorization_requests";

fn proven(bytes: &[u8], other: Option<&[u8]>) -> Result<ProvenAddress, StorageError> {
    let other = other.map(|bytes| hash(bytes, TABLE, "other_proven_hash")).transpose()?;
    Ok(ProvenAddress { hash: hash(bytes, TABLE, "proven_hash")?, other })
}

fn prompts(stored: &str) -> Option<BTreeSet<Prompt>> {
    let known = |text| Prompt::ALL.into_iter().find(|prompt| prompt.as_str() == text);
    stored.split_whitespace().map(known).collect()
}

impl AuthorizationRequests<'_> {
    /// Stores a request.
    pub async fn insert(&mut self, new: &NewAuthorizationRequest) -> Result<(), StorageError> {
        let prompt: Vec<&str> = new.prompt.iter().map(|prompt| prompt.as_str()).collect();
        let other = new.proven_address.as_ref().and_then(|proven| proven.other.as_ref());
        sqlx::query!(
            "insert into authorization_requests
                 (org_id, id, handle_hash, browser_hash, client_org_id, client_id, resolved_by, proven_hash,
                  expected_user, redirect_uri, response_mode, scope, state, nonce, code_challenge, prompt, max_age, login_hint,
                  ui_locales, created_at, expires_at, acr_values, resource, dpop_jkt, pushed_hash, claims,
                  device_id, session_id, consent_session_id, other_proven_hash)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26,
                     $27, $28, $29, $30)",
            self.org_id,
            new.id.as_uuid(),
            new.handle.as_bytes(),
            new.browser.as_bytes(),
            new.client_owner.as_uuid(),
            new.client_id.as_uuid(),
            new.resolved_by.map(Reason::as_str),
            new.proven_address.as_ref().map(|proven| proven.hash.as_bytes().as_slice()),
            new.expected_user.map(UserId::as_uuid),
            new.redirect_uri,
            new.response_mode.as_str(),
            new.scope.to_string(),
            new.state,
            new.nonce,
            new.code_challenge.map(|challenge| challenge.to_string()),
            prompt.join(" "),
            new.max_age.and_then(|seconds| i32::try_from(seconds).ok()),
            new.login_hint,
            new.ui_locales.join(" "),
            new.created_at,
            new.expires_at,
            new.acr_values.join(" "),
            new.resource,
            new.dpop_jkt,
            new.pushed.as_ref().map(|hash| hash.as_bytes().as_slice()),
            stored(&new.claims) as _,
            new.device.map(|device| device.id.as_uuid()),
            new.device.and_then(|device| device.session).map(SessionId::as_uuid),
            new.consent_session.map(SessionId::as_uuid),
            other.map(|hash| hash.as_bytes().as_slice()),
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }

    /// The request with this handle, whether or not it is still waiting.
    pub async fn find(
        &mut self,
        handle: &SecretHash,
    ) -> Result<Option<StoredAuthorizationRequest>, StorageError> {
        let row = sqlx::query!(
            r#"select id, browser_hash, client_org_id, client_id, resolved_by, proven_hash, other_proven_hash, expected_user,
                    redirect_uri, response_mode, scope, state, nonce, code_challenge, prompt, max_age, login_hint, ui_locales, acr_values,
                    resource, dpop_jkt, pushed_hash, device_id, session_id, created_at, expires_at, consumed_at,
                    consent_session_id,
                    claims as "claims: Json<ClaimsRequest>"
             from authorization_requests where org_id = $1 and handle_hash = $2"#,
            self.org_id,
            handle.as_bytes(),
        )
        .fetch_optional(&mut *self.conn)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let asked = NewAuthorizationRequest {
            id: AuthorizationRequestId::from_uuid(row.id),
            handle: *handle,
            browser: hash(&row.browser_hash, TABLE, "browser_hash")?,
            client_owner: OrgId::from_uuid(row.client_org_id),
            client_id: ClientId::from_uuid(row.client_id),
            resolved_by: row
                .resolved_by
                .map(|text| parsed(Reason::from_text(&text), TABLE, "resolved_by"))
                .transpose()?,
            proven_address: row
                .proven_hash
                .map(|bytes| proven(&bytes, row.other_proven_hash.as_deref()))
                .transpose()?,
            consent_session: row.consent_session_id.map(SessionId::from_uuid),
            expected_user: row.expected_user.map(UserId::from_uuid),
            redirect_uri: row.redirect_uri,
            response_mode: parsed(
                ResponseMode::ALL.into_iter().find(|mode| mode.as_str() == row.response_mode),
                TABLE,
                "response_mode",
            )?,
            scope: parsed(ScopeSet::parse(&row.scope).ok(), TABLE, "scope")?,
            state: row.state,
            nonce: row.nonce,
            code_challenge: row
                .code_challenge
                .map(|text| parsed(CodeChallenge::parse(&text).ok(), TABLE, "code_challenge"))
                .transpose()?,
            resource: row.resource,
            dpop_jkt: row.dpop_jkt,
            pushed: row.pushed_hash.map(|bytes| hash(&bytes, TABLE, "pushed_hash")).transpose()?,
            prompt: parsed(prompts(&row.prompt), TABLE, "prompt")?,
            max_age: row.max_age.and_then(|seconds| u32::try_from(seconds).ok()),
            claims: claims(row.claims),
            acr_values: row.acr_values.split_whitespace().map(str::to_owned).collect(),
            login_hint: row.login_hint,
            ui_locales: row.ui_locales.split_whitespace().map(str::to_owned).collect(),
            device: row.device_id.map(|id| ForDevice::stored(id, row.session_id)),
            created_at: row.created_at,
            expires_at: row.expires_at,
        };
        Ok(Some(StoredAuthorizationRequest { asked, consumed_at: row.consumed_at }))
    }

    /// Answers or resolves the request. `false` if that was done already, or it lapsed: of two
    /// racing calls, one wins.
    pub async fn consume(
        &mut self,
        id: AuthorizationRequestId,
        now: DateTime<Utc>,
    ) -> Result<bool, StorageError> {
        let done = sqlx::query!(
            "update authorization_requests set consumed_at = $3
             where org_id = $1 and id = $2 and consumed_at is null and expires_at > $3",
            self.org_id,
            id.as_uuid(),
            now,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(done.rows_affected() == 1)
    }
}
