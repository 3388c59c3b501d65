//! Which organization someone is signing in to, decided before anyone asks who they are.
//!
//! **Invariant:** a pure function over loaded facts. It never falls back to a default: what the
//! facts do not decide is a question to the person ([`Decision::Choose`], [`Decision::Discover`])
//! or an error.

use crate::ids::OrgId;

/// Everything that may name the organization of one authorization request, already looked up.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// 1. The verified vanity domain or path issuer that was called.
    pub host: Option<OrgId>,
    /// 2. The owner of a client that belongs to one organization only.
    pub client: Option<OrgId>,
    /// 3. The parameter `organization`.
    pub parameter: Named,
    /// 4. The `org_id` of a verified `id_token_hint`.
    pub id_token_hint: Option<OrgId>,
    /// 5. The organization that verified the domain of `domain_hint`.
    pub domain_hint: Option<OrgId>,
    /// 5. The organization that verified the domain of `login_hint`.
    pub login_hint: Option<OrgId>,
    /// 6. The sessions that this browser proves and that are usable with this client.
    pub sessions: Vec<KnownSession>,
    /// What `prompt` says about asking.
    pub asking: Asking,
}

/// What a parameter that names an organization turned out to be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Named {
    /// It was not sent.
    #[default]
    Nothing,
    /// It names no organization that this request may learn of.
    Unknown,
    /// It names this one.
    Organization(OrgId),
}

/// A live session of this browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownSession {
    /// The session's organization.
    pub org_id: OrgId,
    /// Where else its user is known to be a member.
    pub membership: Membership,
}

/// Whether a session's user is known in more organizations than the session's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Membership {
    /// In this organization only.
    Single,
    /// In others too.
    Several,
}

/// What may be asked of the person (OIDC Core §3.1.2.1, `prompt`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Asking {
    /// Ask when needed.
    #[default]
    Allowed,
    /// `select_account`: ask although there is only one answer.
    Demanded,
    /// `none`: never ask.
    Forbidden,
}

/// Where the answer came from. Kept in the audit event and shown by `orgate explain`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The host or path issuer.
    Host,
    /// The client belongs to this organization only.
    Client,
    /// The parameter `organization`.
    Parameter,
    /// The `id_token_hint`.
    IdTokenHint,
    /// The `domain_hint`.
    DomainHint,
    /// The domain of the `login_hint`.
    LoginHint,
    /// The only session of this browser.
    OnlySession,
    /// The person chose it among their sessions.
    Chosen,
    /// The person named it on the discovery page, or proved an address that belongs to it.
    Discovered,
}

/// The outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// This organization, for this reason.
    Organization {
        /// The organization.
        org_id: OrgId,
        /// Why.
        reason: Reason,
    },
    /// Ask which of the browser's organizations (`account_selection_required` when asking is forbidden).
    Choose,
    /// Ask where the person works (`interaction_required` when asking is forbidden).
    Discover,
    /// Two sources name different organizations.
    Mismatch(Reason, Reason),
    /// The parameter names none.
    Unknown,
}

impl Reason {
    /// The stable text for events and explanations.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Client => "client",
            Self::Parameter => "parameter",
            Self::IdTokenHint => "id_token_hint",
            Self::DomainHint => "domain_hint",
            Self::LoginHint => "login_hint",
            Self::OnlySession => "only_session",
            Self::Chosen => "chosen",
            Self::Discovered => "discovered",
        }
    }

    /// Reads [`Reason::as_str`] back.
    pub fn from_text(text: &str) -> Option<Self> {
        [
            Self::Host,
            Self::Client,
            Self::Parameter,
            Self::IdTokenHint,
            Self::DomainHint,
            Self::LoginHint,
            Self::OnlySession,
            Self::Chosen,
            Self::Discovered,
        ]
        .into_iter()
        .find(|reason| reason.as_str() == text)
    }
}

/// Decides. The order is the documentation: the first source that answers wins, and any two of the
/// first four that answer differently are a contradiction, whatever the rest says.
pub fn resolve(facts: &Facts) -> Decision {
    let said = |org_id: Option<OrgId>| org_id.map_or(Named::Nothing, Named::Organization);
    let binding = [
        (said(facts.host), Reason::Host),
        (said(facts.client), Reason::Client),
        (facts.parameter, Reason::Parameter),
        (said(facts.id_token_hint), Reason::IdTokenHint),
    ];
    let mut named = binding.into_iter().filter(|(named, _)| *named != Named::Nothing);
    if let Some((first, reason)) = named.next() {
        // A name of none contradicts every organization that another source names, as a foreign one does, so that
        // nobody learns by it which ones there are.
        return match (named.find(|(other, _)| *other != first), first) {
            (Some((_, other)), _) => Decision::Mismatch(reason, other),
            (None, Named::Organization(org_id)) => Decision::Organization { org_id, reason },
            (None, Named::Unknown | Named::Nothing) => Decision::Unknown,
        };
    }
    let hinted = [(facts.domain_hint, Reason::DomainHint), (facts.login_hint, Reason::LoginHint)];
    if let Some((org_id, reason)) = hinted.into_iter().find_map(|(org_id, reason)| Some((org_id?, reason))) {
        return Decision::Organization { org_id, reason };
    }
    resolve_by_sessions(facts)
}

fn resolve_by_sessions(facts: &Facts) -> Decision {
    match (facts.sessions.as_slice(), facts.asking) {
        ([], _) => Decision::Discover,
        ([KnownSession { org_id, membership: Membership::Single }], Asking::Allowed | Asking::Forbidden) => {
            Decision::Organization { org_id: *org_id, reason: Reason::OnlySession }
        }
        _ => Decision::Choose,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn named(parameter: Named) -> Option<OrgId> {
        match parameter {
            Named::Organization(org_id) => Some(org_id),
            Named::Nothing | Named::Unknown => None,
        }
    }

    fn org(n: u128) -> OrgId {
        OrgId::from_uuid(Uuid::from_u128(n))
    }

    fn session(n: u128, membership: Membership) -> KnownSession {
        KnownSession { org_id: org(n), membership }
    }

    #[test]
    fn nothing_known_is_a_question_and_never_a_default() {
        assert_eq!(resolve(&Facts::default()), Decision::Discover);
    }

    #[test]
    fn one_session_of_someone_known_elsewhere_is_a_question() {
        let facts = Facts { sessions: vec![session(1, Membership::Several)], ..Facts::default() };

        assert_eq!(resolve(&facts), Decision::Choose);
    }

    #[test]
    fn an_unknown_organization_is_never_replaced_by_another_source() {
        let unknown = Facts { parameter: Named::Unknown, ..Facts::default() };

        assert_eq!(resolve(&unknown), Decision::Unknown);
        let hinted =
            Facts { login_hint: Some(org(1)), sessions: vec![session(1, Membership::Single)], ..unknown };
        assert_eq!(resolve(&hinted), Decision::Unknown);
    }

    #[test]
    fn an_organization_that_is_not_there_contradicts_as_a_foreign_one_does() {
        for bound in [
            Facts { host: Some(org(1)), ..Facts::default() },
            Facts { client: Some(org(1)), ..Facts::default() },
            Facts { id_token_hint: Some(org(1)), ..Facts::default() },
        ] {
            let naming = |parameter| resolve(&Facts { parameter, ..bound.clone() });

            assert!(matches!(naming(Named::Unknown), Decision::Mismatch(..)), "{bound:?}");
            assert_eq!(naming(Named::Unknown), naming(Named::Organization(org(2))), "{bound:?}");
        }
    }

    prop_compose! {
        fn any_org()(n in 1_u128..4) -> OrgId { org(n) }
    }

    prop_compose! {
        fn any_facts()(
            host in proptest::option::of(any_org()),
            client in proptest::option::of(any_org()),
            parameter in prop_oneof![
                Just(Named::Nothing), Just(Named::Unknown), any_org().prop_map(Named::Organization)
            ],
            id_token_hint in proptest::option::of(any_org()),
            domain_hint in proptest::option::of(any_org()),
            login_hint in proptest::option::of(any_org()),
            sessions in proptest::collection::vec((any_org(), any::<bool>()), 0..4),
            asking in prop_oneof![Just(Asking::Allowed), Just(Asking::Demanded), Just(Asking::Forbidden)],
        ) -> Facts {
            let membership = |several| if several { Membership::Several } else { Membership::Single };
            let sessions = sessions
                .into_iter()
                .map(|(org_id, several)| KnownSession { org_id, membership: membership(several) })
                .collect();
            Facts { host, client, parameter, id_token_hint, domain_hint, login_hint, sessions, asking }
        }
    }

    proptest! {
        #[test]
        fn a_resolved_organization_was_named_by_its_reason(facts in any_facts()) {
            if let Decision::Organization { org_id, reason } = resolve(&facts) {
                let named = match reason {
                    Reason::Host => facts.host,
                    Reason::Client => facts.client,
                    Reason::Parameter => named(facts.parameter),
                    Reason::IdTokenHint => facts.id_token_hint,
                    Reason::DomainHint => facts.domain_hint,
                    Reason::LoginHint => facts.login_hint,
                    Reason::OnlySession => facts.sessions.first().map(|session| session.org_id),
                    Reason::Chosen | Reason::Discovered => None,
                };
                prop_assert_eq!(named, Some(org_id));
            }
        }

        #[test]
        fn binding_sources_that_disagree_never_resolve(facts in any_facts()) {
            let mut binding: Vec<OrgId> =
                [facts.host, facts.client, named(facts.parameter), facts.id_token_hint]
                    .into_iter().flatten().collect();
            binding.sort_unstable();
            binding.dedup();
            let decision = resolve(&facts);
            if facts.parameter == Named::Unknown && binding.is_empty() {
                prop_assert_eq!(decision, Decision::Unknown);
            } else if facts.parameter == Named::Unknown || binding.len() > 1 {
                prop_assert!(matches!(decision, Decision::Mismatch(..)));
            } else if let [only] = binding.as_slice() {
                let resolved = matches!(decision, Decision::Organization { org_id, .. } if org_id == *only);
                prop_assert!(resolved);
            }
        }

        #[test]
        fn hints_and_sessions_never_move_what_a_binding_source_named(facts in any_facts(), other in any_facts()) {
            let moved = Facts {
                domain_hint: other.domain_hint,
                login_hint: other.login_hint,
                sessions: other.sessions,
                asking: other.asking,
                ..facts.clone()
            };
            let bound = facts.host.is_some() || facts.client.is_some() || facts.id_token_hint.is_some()
                || facts.parameter != Named::Nothing;
            if bound {
                prop_assert_eq!(resolve(&facts), resolve(&moved));
            }
        }

        #[test]
        fn a_demand_to_choose_is_honoured_whenever_there_is_a_choice(facts in any_facts()) {
            let demanded = Facts { asking: Asking::Demanded, ..facts };
            let resolved_by_session =
                matches!(resolve(&demanded), Decision::Organization { reason: Reason::OnlySession, .. });
            prop_assert!(!resolved_by_session);
        }
    }
}
