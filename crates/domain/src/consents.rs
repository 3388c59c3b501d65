//! Consents: what a user lets a third-party client have, in their organization.

use chrono::{DateTime, Utc};
use orgate_protocol::oauth::{ClaimsRequest, ScopeSet};

use crate::clients::{Client, Party};
use crate::policies::Policy;
use crate::standing::{Standing, StandingRefusal};

/// What a user lets a client have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    /// All of it.
    pub scope: ScopeSet,
    /// Since when.
    pub created_at: DateTime<Utc>,
    /// When it was last given.
    pub updated_at: DateTime<Utc>,
}

/// What was granted to a client, and what its user lets it have by now.
#[derive(Debug, Clone, Copy)]
pub struct Granted<'a> {
    /// The scope.
    pub scope: &'a ScopeSet,
    /// The claims, one by one.
    pub claims: &'a ClaimsRequest,
    /// The scope that is consented to; `None`: nothing is.
    pub consented: Option<&'a ScopeSet>,
}

impl Granted<'_> {
    /// Refuses unless everything stands that it came from, its user's consent included.
    ///
    /// # Errors
    /// The first [`StandingRefusal`]; that the consent is missing comes last.
    pub fn check(
        &self,
        standing: &Standing,
        (client, policy): (&Client, &Policy),
        now: DateTime<Utc>,
    ) -> Result<(), StandingRefusal> {
        standing.check(policy, client.settings.party, now)?;
        let given = is_given(client, self.consented, &needed(self.scope, self.claims));
        given.then_some(()).ok_or(StandingRefusal::ConsentMissing)
    }
}

/// What has to be consented to: the scope, and with each claim that is asked for by itself (OIDC Core §5.5) the
/// scope that would let it out. Otherwise an address could be had past the person who was asked for their name.
pub fn needed(scope: &ScopeSet, claims: &ClaimsRequest) -> ScopeSet {
    scope.union(&claims.scopes().collect())
}

/// Whether `client` may have this, given what its user consented to. The product's own asks nobody.
pub fn is_given(client: &Client, consented: Option<&ScopeSet>, needed: &ScopeSet) -> bool {
    match client.settings.party {
        Party::First => true,
        Party::Third | Party::Unregistered => consented.is_some_and(|consented| needed.is_subset(consented)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_asked_for_by_itself_needs_the_consent_that_its_scope_needs() {
        let claims = ClaimsRequest::parse(r#"{"userinfo":{"email":null},"id_token":{"acr":null}}"#)
            .expect("a request");

        let needed = needed(&ScopeSet::parse("openid").expect("a scope"), &claims);

        assert_eq!(needed.to_string(), "email openid");
    }
}
