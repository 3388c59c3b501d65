//! A verified access token (RFC 9068, with the claims that Orgate adds).

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::{
    json::{Object, WrongShape},
    org_id::OrgId,
    verifier::VerifyError,
};

/// The claims of an access token that [`Verifier::verify`](crate::Verifier::verify) has accepted.
///
/// Accessors are named after the claims. Times are whole seconds since the Unix epoch. Roles and permissions mean
/// something inside [`org_id`](Self::org_id) only.
#[derive(Clone, Debug)]
pub struct AccessToken {
    iss: String,
    sub: String,
    aud: Vec<String>,
    client_id: String,
    exp: u64,
    iat: u64,
    nbf: Option<u64>,
    jti: String,
    org_id: OrgId,
    org_name: Option<String>,
    sid: Option<String>,
    scope: BTreeSet<String>,
    roles: BTreeSet<String>,
    permissions: BTreeSet<String>,
    auth_time: Option<u64>,
    acr: Option<String>,
    amr: Vec<String>,
    act: Option<Map<String, Value>>,
    cnf: Option<Map<String, Value>>,
    extra: Map<String, Value>,
}

impl AccessToken {
    /// Reads the claims of a payload whose signature has been verified. What they say is the verifier's to check.
    pub(crate) fn from_claims(mut claims: Object) -> Result<Self, VerifyError> {
        let org_id = required("org_id", claims.take_string("org_id")?)?;
        Ok(Self {
            iss: required("iss", claims.take_string("iss")?)?,
            sub: required("sub", claims.take_string("sub")?)?,
            aud: required("aud", claims.take_one_or_more("aud")?)?,
            client_id: required("client_id", claims.take_string("client_id")?)?,
            exp: required("exp", claims.take_numeric_date("exp")?)?,
            iat: required("iat", claims.take_numeric_date("iat")?)?,
            nbf: claims.take_numeric_date("nbf")?,
            jti: required("jti", claims.take_string("jti")?)?,
            org_id: org_id.parse().map_err(|_| VerifyError::InvalidClaim("org_id"))?,
            org_name: claims.take_string("org_name")?,
            sid: claims.take_string("sid")?,
            scope: take_scope(&mut claims)?,
            roles: claims.take_strings("roles")?.into_iter().flatten().collect(),
            permissions: claims.take_strings("permissions")?.into_iter().flatten().collect(),
            auth_time: claims.take_numeric_date("auth_time")?,
            acr: claims.take_string("acr")?,
            amr: claims.take_strings("amr")?.unwrap_or_default(),
            act: claims.take_object("act")?,
            cnf: claims.take_object("cnf")?,
            extra: claims.into_rest(),
        })
    }

    /// The organization: the boundary that every row and every decision of the backend belongs in.
    pub fn org_id(&self) -> &OrgId {
        &self.org_id
    }

    /// The organization's slug, for people and URLs.
    pub fn org_name(&self) -> Option<&str> {
        self.org_name.as_deref()
    }

    /// Whether `organization`, an id or a slug, is this token's organization.
    ///
    /// Text that begins like an id is compared with the id alone: a slug chosen to look like another
    /// organization's id matches nothing.
    pub fn is_in(&self, organization: &str) -> bool {
        if OrgId::is_claimed_by(organization) {
            organization == self.org_id.as_str()
        } else {
            self.org_name.as_deref() == Some(organization)
        }
    }

    /// The issuer: the one the verifier was built for.
    pub fn iss(&self) -> &str {
        &self.iss
    }

    /// The user, or the client itself for client credentials; stable inside the organization.
    pub fn sub(&self) -> &str {
        &self.sub
    }

    /// Every audience named, among them one of the verifier's.
    pub fn aud(&self) -> &[String] {
        &self.aud
    }

    /// The client that the token was issued to.
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// When the token expires.
    pub fn exp(&self) -> u64 {
        self.exp
    }

    /// When the token was issued.
    pub fn iat(&self) -> u64 {
        self.iat
    }

    /// Before when the token is not valid.
    pub fn nbf(&self) -> Option<u64> {
        self.nbf
    }

    /// The token's unique id.
    pub fn jti(&self) -> &str {
        &self.jti
    }

    /// The session, as in the ID token and in logout tokens.
    pub fn sid(&self) -> Option<&str> {
        self.sid.as_deref()
    }

    /// The granted scopes.
    pub fn scope(&self) -> &BTreeSet<String> {
        &self.scope
    }

    /// The user's roles in the organization.
    pub fn roles(&self) -> &BTreeSet<String> {
        &self.roles
    }

    /// The user's permissions in the organization, as `resource:action`.
    pub fn permissions(&self) -> &BTreeSet<String> {
        &self.permissions
    }

    /// Whether the token carries `permission`, exactly; there are no wildcards.
    pub fn has_permission(&self, permission: &str) -> bool {
        self.permissions.contains(permission)
    }

    /// Refuses a token without `permission`. With the feature `axum` the error answers 403 by itself.
    ///
    /// # Errors
    /// [`MissingPermission`] if the token does not carry it.
    pub fn require_permission(&self, permission: &str) -> Result<(), MissingPermission> {
        if self.has_permission(permission) { Ok(()) } else { Err(MissingPermission(permission.to_owned())) }
    }

    /// When the user last proved who they are.
    pub fn auth_time(&self) -> Option<u64> {
        self.auth_time
    }

    /// How strong that proof was.
    pub fn acr(&self) -> Option<&str> {
        self.acr.as_deref()
    }

    /// By what methods it was given (RFC 8176).
    pub fn amr(&self) -> &[String] {
        &self.amr
    }

    /// Who really acts while impersonating `sub` (RFC 8693 §4.1).
    pub fn act(&self) -> Option<&Map<String, Value>> {
        self.act.as_ref()
    }

    /// The key that whoever presents the token must prove to hold (RFC 7800). Proving it is not checked here:
    /// such tokens are refused unless the verifier was told otherwise.
    pub fn cnf(&self) -> Option<&Map<String, Value>> {
        self.cnf.as_ref()
    }

    /// All claims that have no accessor of their own.
    pub fn extra(&self) -> &Map<String, Value> {
        &self.extra
    }
}

/// The token lacks a permission.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the access token lacks the permission {0}")]
pub struct MissingPermission(String);

impl From<WrongShape> for VerifyError {
    fn from(WrongShape(name): WrongShape) -> Self {
        Self::InvalidClaim(name)
    }
}

fn required<T>(name: &'static str, value: Option<T>) -> Result<T, VerifyError> {
    value.ok_or(VerifyError::MissingClaim(name))
}

/// Words with spaces between (RFC 8693 §4.2); may be empty.
fn take_scope(claims: &mut Object) -> Result<BTreeSet<String>, WrongShape> {
    match claims.take("scope") {
        None => Ok(BTreeSet::new()),
        Some(Value::String(scope)) => Ok(scope.split_ascii_whitespace().map(str::to_owned).collect()),
        Some(_) => Err(WrongShape("scope")),
    }
}
