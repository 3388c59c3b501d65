//! A verified access token (RFC 9068, with the claims that Orgate adds).

use std::{collections::BTreeSet, sync::Arc};

use serde_json::{Map, Value};

use crate::{
    json::{Object, WrongShape},
    org_id::OrgId,
    rejection::Challenges,
    subject::Subject,
    verifier::VerifyError,
};

/// The claims of an access token that [`Verifier::verify`](crate::Verifier::verify) has accepted.
///
/// Accessors are named after the claims. Times are whole seconds since the Unix epoch. Roles and permissions mean
/// something inside [`org_id`](Self::org_id) only.
#[derive(Clone, Debug)]
pub struct AccessToken {
    iss: String,
    subject: Subject,
    aud: Vec<String>,
    client_id: String,
    exp: u64,
    iat: u64,
    nbf: Option<u64>,
    jti: String,
    org_id: OrgId,
    org_name: String,
    scope: BTreeSet<String>,
    roles: BTreeSet<String>,
    permissions: BTreeSet<String>,
    act: Option<Map<String, Value>>,
    cnf: Option<Map<String, Value>>,
    extra: Map<String, Value>,
    checked: Checked,
}

/// What the check of a token knew and its holder will ask for.
#[derive(Clone, Debug)]
pub(crate) struct Checked {
    /// The time of the check, less the leeway.
    pub(crate) not_before: u64,
    pub(crate) challenges: Arc<Challenges>,
}

impl AccessToken {
    /// Reads the claims of a payload whose signature has been verified. What they say is the verifier's to check.
    pub(crate) fn from_claims(mut claims: Object, checked: Checked) -> Result<Self, VerifyError> {
        let org_id = required("org_id", claims.take_string("org_id")?)?;
        let cnf = claims.take_object("cnf")?;
        if cnf.as_ref().and_then(|cnf| cnf.get("jkt")).is_some_and(|jkt| !jkt.is_string()) {
            return Err(VerifyError::InvalidClaim("cnf"));
        }
        Ok(Self {
            iss: required("iss", claims.take_string("iss")?)?,
            subject: Subject::take(&mut claims)?,
            aud: required("aud", claims.take_one_or_more("aud")?)?,
            client_id: required("client_id", claims.take_string("client_id")?)?,
            exp: required("exp", claims.take_numeric_date("exp")?)?,
            iat: required("iat", claims.take_numeric_date("iat")?)?,
            nbf: claims.take_numeric_date("nbf")?,
            jti: required("jti", claims.take_string("jti")?)?,
            org_id: org_id.parse().map_err(|_| VerifyError::InvalidClaim("org_id"))?,
            org_name: required("org_name", claims.take_string("org_name")?)?,
            scope: take_scope(&mut claims)?,
            roles: claims.take_strings("roles")?.into_iter().flatten().collect(),
            permissions: claims.take_strings("permissions")?.into_iter().flatten().collect(),
            act: claims.take_object("act")?,
            cnf,
            extra: claims.into_rest(),
            checked,
        })
    }

    /// The organization: the boundary that every row and every decision of the backend belongs in.
    pub fn org_id(&self) -> &OrgId {
        &self.org_id
    }

    /// The organization's slug, for people and URLs.
    pub fn org_name(&self) -> &str {
        &self.org_name
    }

    /// Whether `organization`, an id or a slug, is this token's organization.
    ///
    /// Text that begins like an id is compared with the id alone: a slug chosen to look like another
    /// organization's id matches nothing.
    pub fn is_in(&self, organization: &str) -> bool {
        if OrgId::is_claimed_by(organization) {
            organization == self.org_id.as_str()
        } else {
            self.org_name == organization
        }
    }

    /// The issuer: the one the verifier was built for.
    pub fn iss(&self) -> &str {
        &self.iss
    }

    /// Who acts: a user, or a client of its own accord.
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// The id of the user, or of the client itself; stable inside the organization.
    pub fn sub(&self) -> &str {
        self.subject.id()
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

    /// The granted scopes.
    pub fn scope(&self) -> &BTreeSet<String> {
        &self.scope
    }

    /// The roles in the organization.
    pub fn roles(&self) -> &BTreeSet<String> {
        &self.roles
    }

    /// The permissions in the organization, as `resource:action`.
    pub fn permissions(&self) -> &BTreeSet<String> {
        &self.permissions
    }

    /// Whether the token carries `permission`, exactly; there are no wildcards.
    pub fn has_permission(&self, permission: &str) -> bool {
        self.permissions.contains(permission)
    }

    /// Who really acts while impersonating `sub` (RFC 8693 §4.1).
    pub fn act(&self) -> Option<&Map<String, Value>> {
        self.act.as_ref()
    }

    /// The key that whoever presents the token must prove to hold (RFC 7800): `jkt` is checked by
    /// [`Verifier::authorize`](crate::Verifier::authorize); for other members such tokens are refused unless the
    /// verifier was told otherwise.
    pub fn cnf(&self) -> Option<&Map<String, Value>> {
        self.cnf.as_ref()
    }

    /// The thumbprint of the key that proofs of possession must be signed with (RFC 9449 §6.1).
    pub(crate) fn jkt(&self) -> Option<&str> {
        self.cnf.as_ref()?.get("jkt")?.as_str()
    }

    /// Whether both are one token, in one organization and bound to one key. Rights may differ: they change.
    pub(crate) fn is_same_as(&self, other: &Self) -> bool {
        self.org_id == other.org_id
            && self.jti == other.jti
            && self.client_id == other.client_id
            && self.sub() == other.sub()
            && self.cnf == other.cnf
    }

    pub(crate) fn checked(&self) -> &Checked {
        &self.checked
    }

    /// All claims that have no accessor of their own.
    pub fn extra(&self) -> &Map<String, Value> {
        &self.extra
    }
}

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
