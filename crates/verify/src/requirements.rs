//! What a request needs besides a valid token: permissions, roles, scope, and how the user signed in.

use crate::{
    access_token::AccessToken,
    rejection::{Reason, Rejection, Scheme},
    subject::Subject,
};

/// What a token must carry for an operation. All of it is demanded; an empty one demands nothing.
///
/// ```
/// use orgate_verify::{AccessToken, Rejection, Requirements};
///
/// fn may_close_the_books(token: &AccessToken) -> Result<(), Rejection> {
///     let needed = Requirements::new().permission("books:close").acr(["urn:orgate:acr:multi-factor"]).max_age(300);
///     token.require(&needed)
/// }
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Requirements {
    permissions: Vec<String>,
    roles: Vec<String>,
    scopes: Vec<String>,
    acr_values: Vec<String>,
    max_age: Option<u64>,
}

impl Requirements {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Demands a permission, exactly; there are no wildcards.
    pub fn permission(mut self, permission: impl Into<String>) -> Self {
        self.permissions.push(permission.into());
        self
    }

    /// Demands a role. A permission is the better question: what a role may do is the organization's to change.
    pub fn role(mut self, role: impl Into<String>) -> Self {
        self.roles.push(role.into());
        self
    }

    /// Demands a scope: what the user let the client do, whatever they may do themselves.
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scopes.push(scope.into());
        self
    }

    /// Demands that the user signed in in one of these ways (RFC 9470 §3). They are compared as text: list every
    /// value that is strong enough. Called again, replaces them.
    pub fn acr<V: Into<String>>(mut self, values: impl IntoIterator<Item = V>) -> Self {
        self.acr_values = values.into_iter().map(Into::into).collect();
        self
    }

    /// Demands that the user signed in at most so many seconds before the token was checked (RFC 9470 §3). The
    /// verifier's leeway counts.
    pub fn max_age(mut self, seconds: u64) -> Self {
        self.max_age = Some(seconds);
        self
    }

    /// What is missing: rights first, since no sign-in mends those.
    fn missing_from(&self, token: &AccessToken) -> Option<Reason> {
        let lacking = |needed: &[String], held: &std::collections::BTreeSet<String>| {
            needed.iter().find(|item| !held.contains(*item)).cloned()
        };
        lacking(&self.permissions, token.permissions())
            .map(Reason::MissingPermission)
            .or_else(|| lacking(&self.roles, token.roles()).map(Reason::MissingRole))
            .or_else(|| {
                lacking(&self.scopes, token.scope()).map(|_| Reason::MissingScope(self.scopes.join(" ")))
            })
            .or_else(|| self.check_authentication(token))
    }

    /// One challenge says all that the next sign-in must meet, or it would take two.
    fn check_authentication(&self, token: &AccessToken) -> Option<Reason> {
        // A client of its own accord did not sign in at all: never strong, never recent.
        let (auth_time, acr) = match token.subject() {
            Subject::User { auth_time, acr, .. } => (*auth_time, acr.as_ref()),
            Subject::Client { .. } => (None, None),
        };
        let strong = self.acr_values.is_empty() || acr.is_some_and(|acr| self.acr_values.contains(acr));
        let age = auth_time.map(|time| token.checked().not_before.saturating_sub(time));
        let recent = self.max_age.is_none_or(|max_age| age.is_some_and(|age| age <= max_age));
        let again = || Reason::InsufficientAuthentication {
            acr_values: self.acr_values.clone(),
            max_age: self.max_age,
        };
        (!(strong && recent)).then(again)
    }
}

impl AccessToken {
    /// Refuses a token that does not carry all of it.
    ///
    /// # Errors
    /// A [`Rejection`] with 403 `insufficient_scope`, or 401 `insufficient_user_authentication`.
    pub fn require(&self, requirements: &Requirements) -> Result<(), Rejection> {
        requirements.missing_from(self).map_or(Ok(()), |reason| Err(self.reject(reason)))
    }

    /// Refuses a token without `permission`, exactly.
    ///
    /// # Errors
    /// A [`Rejection`] with 403 `insufficient_scope`.
    pub fn require_permission(&self, permission: &str) -> Result<(), Rejection> {
        self.require(&Requirements::new().permission(permission))
    }

    /// Refuses a token without `role`.
    ///
    /// # Errors
    /// A [`Rejection`] with 403 `insufficient_scope`.
    pub fn require_role(&self, role: &str) -> Result<(), Rejection> {
        self.require(&Requirements::new().role(role))
    }

    /// Refuses a token without `scope`.
    ///
    /// # Errors
    /// A [`Rejection`] with 403 `insufficient_scope`.
    pub fn require_scope(&self, scope: &str) -> Result<(), Rejection> {
        self.require(&Requirements::new().scope(scope))
    }

    /// Refuses a token whose user signed in in none of these ways.
    ///
    /// # Errors
    /// A [`Rejection`] with 401 `insufficient_user_authentication`.
    pub fn require_acr(&self, values: &[&str]) -> Result<(), Rejection> {
        self.require(&Requirements::new().acr(values.iter().copied()))
    }

    /// Refuses a token whose user signed in longer than so many seconds ago.
    ///
    /// # Errors
    /// A [`Rejection`] with 401 `insufficient_user_authentication`.
    pub fn require_max_age(&self, seconds: u64) -> Result<(), Rejection> {
        self.require(&Requirements::new().max_age(seconds))
    }

    /// Refuses a token of another organization than this one, an id or a slug: for backends that learn the
    /// organization of a request in other ways than the extractors see.
    ///
    /// # Errors
    /// A [`Rejection`] with 403.
    pub fn require_organization(&self, organization: &str) -> Result<(), Rejection> {
        if self.is_in(organization) {
            return Ok(());
        }
        tracing::warn!(org.id = %self.org_id(), "a request named another organization than its token");
        Err(self.reject(Reason::OrganizationMismatch))
    }

    pub(crate) fn reject(&self, reason: Reason) -> Rejection {
        let scheme = if self.jkt().is_some() { Scheme::Dpop } else { Scheme::Bearer };
        self.checked().challenges.reject(scheme, reason)
    }
}
