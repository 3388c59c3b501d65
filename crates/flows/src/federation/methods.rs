//! How one can sign in to an organization: what the sign-in page offers, best first.

use std::sync::Arc;

use orgate_domain::connections::ConnectionState;
use orgate_domain::domains::VerifiedDomain;
use orgate_domain::email::{DomainName, Email};
use orgate_domain::policies::SsoEnforcement;
pub use orgate_storage::Connection;
use orgate_storage::OrgScope;

use crate::{Env, Failure};

/// What is configured, cached: it decides what is offered, never what is allowed.
#[derive(Debug)]
pub struct SignInConfiguration {
    /// Every connection.
    pub connections: Vec<Connection>,
    /// The organization's verified domains.
    pub domains: Vec<VerifiedDomain>,
    /// Whether anybody can join without an invitation, or ask to.
    pub joins: bool,
}

/// What is offered.
#[derive(Debug)]
pub struct Methods {
    /// Connections, best first.
    pub connections: Vec<Connection>,
    /// Whether there is a password to type.
    pub password: bool,
    /// The one thing there is to do, if there is only one: nobody is asked to press its button.
    pub direct: Option<Connection>,
}

/// What is offered to someone who may have said what their address is.
pub(crate) async fn find_methods(
    env: &Env,
    scope: &OrgScope,
    hinted: Option<&Email>,
) -> Result<Methods, Failure> {
    let configuration = configuration_of(env, scope).await?;
    let enforcement = env.configuration.policy(&env.store, scope).await?.sso_enforcement;
    let mut offered = Vec::new();
    for connection in &configuration.connections {
        let listed = match (connection.state, hinted) {
            (ConnectionState::Active, _) => true,
            (ConnectionState::Pilot, Some(email)) => is_piloted(env, scope, connection, email).await?,
            _ => false,
        };
        if listed {
            offered.push(connection.clone());
        }
    }
    let domain = hinted.map(Email::domain);
    Ok(arrange(offered, domain.as_ref(), (enforcement, &configuration.domains)))
}

/// Puts what serves the address first; where SSO is enforced for the address, nothing else stays.
fn arrange(
    mut offered: Vec<Connection>,
    domain: Option<&DomainName>,
    (enforcement, verified): (SsoEnforcement, &[VerifiedDomain]),
) -> Methods {
    let is_of = |reaches: &[VerifiedDomain]| {
        domain.is_some_and(|domain| reaches.iter().any(|reach| reach.covers(domain)))
    };
    let serves = |connection: &Connection| is_of(&connection.domains);
    let bound = match enforcement {
        SsoEnforcement::Off => false,
        SsoEnforcement::Domains => is_of(verified),
        SsoEnforcement::Organization => true,
    };
    offered.sort_by_key(|connection| !serves(connection));
    if bound && offered.iter().any(serves) {
        offered.retain(serves);
    }
    let direct = match offered.as_slice() {
        [only] if bound => Some(only.clone()),
        _ => None,
    };
    Methods { connections: offered, password: !bound, direct }
}

async fn is_piloted(
    env: &Env,
    scope: &OrgScope,
    connection: &Connection,
    email: &Email,
) -> Result<bool, Failure> {
    let mut tx = env.store.begin(scope).await?;
    let listed = tx.connections().is_piloted(connection.id, email).await?;
    tx.commit().await?;
    Ok(listed)
}

async fn configuration_of(env: &Env, scope: &OrgScope) -> Result<Arc<SignInConfiguration>, Failure> {
    Ok(env.configuration.sign_in(&env.store, scope).await?)
}

#[cfg(test)]
mod tests {
    use orgate_domain::connections::{ConnectionProtocol, Vendor};
    use orgate_domain::ids::ConnectionId;
    use orgate_domain::names::{DisplayName, Slug};

    use super::*;

    fn connection(slug: &str, domains: &[&str]) -> Connection {
        Connection {
            id: ConnectionId::from_uuid(uuid::Uuid::nil()),
            slug: Slug::parse(slug).expect("a slug"),
            name: DisplayName::parse(slug).expect("a name"),
            vendor: Vendor::Custom,
            protocol: ConnectionProtocol::Oidc,
            state: ConnectionState::Active,
            position: 0,
            icon_url: None,
            live_version: Some(1),
            tested_version: None,
            latest_version: 1,
            domains: domains.iter().map(|text| reach(text)).collect(),
        }
    }

    fn reach(domain: &str) -> VerifiedDomain {
        VerifiedDomain { name: DomainName::parse(domain).expect("a domain"), subdomains: false }
    }

    fn slugs(methods: &Methods) -> Vec<&str> {
        methods.connections.iter().map(|connection| connection.slug.as_str()).collect()
    }

    #[test]
    fn a_single_choice_is_taken_only_where_nothing_else_is_allowed() {
        let acme = DomainName::parse("acme.test").expect("a domain");
        let one = || vec![connection("okta", &["acme.test"])];
        let direct = |enforcement, domain: Option<&DomainName>| {
            arrange(one(), domain, (enforcement, &[reach(acme.as_str())])).direct.is_some()
        };

        assert!(!direct(SsoEnforcement::Off, Some(&acme)));
        assert!(!direct(SsoEnforcement::Domains, None));
        assert!(direct(SsoEnforcement::Domains, Some(&acme)));
        assert!(direct(SsoEnforcement::Organization, None));
    }

    #[test]
    fn what_serves_the_address_comes_first_and_alone_where_sso_is_enforced() {
        let acme = DomainName::parse("acme.test").expect("a domain");
        let both = || vec![connection("other", &[]), connection("okta", &["acme.test"])];
        let verified = &[reach("acme.test")];

        let free = arrange(both(), Some(&acme), (SsoEnforcement::Off, verified));
        let bound = arrange(both(), Some(&acme), (SsoEnforcement::Domains, verified));

        assert_eq!(slugs(&free), ["okta", "other"]);
        assert!(free.password);
        assert_eq!(slugs(&bound), ["okta"]);
        assert!(!bound.password);
    }
}
