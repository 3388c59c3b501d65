//! Every method of every repository, called in Globex with what is Acme's: it finds nothing, and changes nothing.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::sync::Arc;

use chrono::Duration;
use insta::{allow_duplicates, assert_snapshot};
use orgate_domain::audit::{Action, Event, Origin};
use orgate_domain::clients::Audience;
use orgate_domain::connections::Attributes;
use orgate_domain::credentials::SecretHash;
use orgate_domain::domains::OrgDomain;
use orgate_domain::ids::{
    ClientId, DomainId, GrantId, GroupId, OrgId, RegistrationTokenId, SessionId, TraceId,
};
use orgate_domain::names::Slug;
use orgate_domain::organizations::{Branding, OrgStatus};
use orgate_domain::policies::PolicySettings;
use orgate_domain::sessions::{Session, SignInMethod};
use orgate_domain::standing::UserStatus;
use orgate_domain::streams::{EventSubject, Exclusion};
use orgate_protocol::jose::{SigningAlgorithm, SigningKey};
use orgate_protocol::oauth::ScopeSet;
use orgate_protocol::ssf::StreamStatus;
use orgate_storage::{
    Affected, AssertedGrant, ClientChange, ConsumedKind, DomainTerms, Group, Handover, Holder,
    NewClientDocument, NewCode, NewConnectionVersion, NewFederatedUser, NewMessage, NewOrganization,
    NewRegistration, NewRegistrationToken, NewSession, NewSetupLink, NewSigningKey, NewUser, OrgTx,
    OrganizationChange, Pushed, PushedAuthorizationRequest, Refresh, RiskQuestion, Rotation, StorageError,
    UpstreamEnd,
};
use orgate_tests::federated::{self, Federated};
use orgate_tests::fixture::signals::new_stream_event;
use orgate_tests::fixture::{
    self, Everything, Fixture, hash, name, new_challenge, new_device, new_grant, now, uuid,
};
use sqlx::AssertSqlSafe;

use super::queries::sources;
use super::rows;

/// A table of calls, each in a transaction `tx` of Globex's.
macro_rules! calls {
    ($calls:expr, $tx:ident; $($method:literal => $call:expr;)+) => {
        $($calls.call($method, async |$tx: &mut OrgTx| $call.await).await;)+
    };
}

#[tokio::test]
async fn nothing_of_acme_is_found_or_changed_in_globex() {
    let mut calls = Calls::new().await;

    calls.make().await;

    calls.check();
}

/// The clause that every query has, alone: row-level security would hide that it is missing.
#[tokio::test]
async fn nothing_of_acme_is_found_or_changed_with_row_level_security_off() {
    let mut calls = Calls::new().await;
    for table in &calls.tables {
        let statement = format!("alter table {table} disable row level security");
        let done = sqlx::query(AssertSqlSafe(statement)).execute(calls.fixture.database.superuser()).await;
        done.expect("a superuser may");
    }

    calls.make().await;

    calls.check();
}

/// `Repository::method` for each that there is.
fn methods() -> BTreeSet<String> {
    let mut methods = BTreeSet::new();
    for (_, text) in sources() {
        let mut repository = None;
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("impl ") {
                repository = rest.strip_suffix("<'_> {");
            }
            if let (Some(repository), Some(rest)) = (repository, line.strip_prefix("    pub async fn ")) {
                let method = rest.split('(').next().unwrap_or_default();
                methods.insert(format!("{repository}::{method}"));
            }
        }
    }
    methods
}

struct Calls {
    fixture: Fixture,
    acme: Arc<Everything>,
    /// What sign-ins through an identity provider left behind in Acme.
    federated: Arc<Federated>,
    /// A client of Globex's that Acme may use.
    shared: (OrgId, ClientId),
    /// Those that are isolated.
    tables: Vec<String>,
    made: BTreeSet<String>,
    said: Vec<String>,
}

impl Calls {
    async fn new() -> Self {
        let fixture = Fixture::new().await;
        let acme = Arc::new(fixture.acme.everything().await);
        let federated = Arc::new(fixture.acme.federated(&acme).await);
        let shared = fixture.globex.client("globex-shared", Audience::Granted).await;
        let shared = (shared.owner, shared.id);
        let mut tx = fixture.acme.begin().await;
        tx.clients().insert_access(shared, now()).await.expect("access");
        tx.commit().await.expect("a commit");
        let tables = rows::isolated_tables(fixture.database.superuser()).await;
        Self { fixture, acme, federated, shared, tables, made: BTreeSet::new(), said: Vec::new() }
    }

    /// One call, committed if it can be. What it said is kept; what is Acme's stays as it was.
    async fn call<T: Debug>(
        &mut self,
        method: &str,
        call: impl AsyncFnOnce(&mut OrgTx) -> Result<T, StorageError>,
    ) {
        let before = self.all_of_acme().await;
        let mut tx = self.fixture.globex.begin().await;
        let said = match call(&mut tx).await {
            Ok(value) => {
                tx.commit().await.expect("a commit");
                format!("{value:?}")
            }
            Err(StorageError::Conflict { constraint }) => format!("taken ({constraint})"),
            Err(StorageError::Database(sqlx::Error::Database(cause))) => {
                format!("refused ({})", cause.constraint().unwrap_or(cause.message()))
            }
            Err(error) => panic!("{method}: {error:?}"),
        };
        assert_eq!(self.all_of_acme().await, before, "{method} changes what is Acme's");
        self.made.insert(method.to_owned());
        self.said.push(format!("{method}: {said}"));
    }

    async fn all_of_acme(&self) -> Vec<(String, String)> {
        let superuser = self.fixture.database.superuser();
        rows::hashes(superuser, &self.tables, self.fixture.acme.id().as_uuid()).await
    }

    /// Finds first: what is inserted afterwards, with Acme's ids, is Globex's own and can be found.
    async fn make(&mut self) {
        self.find().await;
        self.find_federated().await;
        self.change().await;
        self.change_federated().await;
        self.set_up().await;
        self.stream_events().await;
        self.insert_federated().await;
        self.insert().await;
    }

    fn check(&self) {
        allow_duplicates! {
            assert_snapshot!(self.said.join("\n"), @"
            AttributeSets::find_claim_values: {}
            AttributeSets::find_claim_values_of_user: None
            AttributeSets::find_of_organization: {}
            AttributeSets::find_of_user: {}
            AuthorizationRequests::find: None
            Clients::find: None
            Clients::find_admission: None
            Clients::find_standing: Some(([], [], None))
            Clients::list_access: []
            Clients::list_admitted: []
            Clients::list_roles: []
            Codes::find: None
            Domains::find: None
            Domains::find_offered: None
            Domains::find_transfer: None
            Domains::list: []
            Domains::list_verified: []
            Grants::find_by_refresh_token: None
            Grants::find_live: None
            Consents::find: None
            Consents::list: []
            Registrations::find_document: None
            Registrations::find: None
            Grants::list_clients: []
            Grants::is_revoked: false
            Keys::find_data_key: None
            Keys::list_lives: []
            Keys::list_signing_keys: []
            Organizations::find: Some(globex)
            Organizations::find_policy: None
            Organizations::find_with: (Some(globex), None)
            DeviceRequests::find: None
            DeviceRequests::find_polled: None
            ConsumedIds::is_consumed: false
            PushedRequests::find: None
            Outbox::find: None
            Roles::list: []
            Sessions::find_by_cookie: None
            Sessions::find_standing: None
            Sessions::list: []
            Sessions::list_open: []
            SignIns::find_account: Account { org_status: Active, client: None, user: None, phc: None, failures: 0, sso: SsoSubject { of_verified_domain: false, break_glass: false }, known_browser: false }
            Users::exists: false
            Users::hold: ()
            Users::seize: ()
            Users::list_indexed: []
            Users::find_by_email: None
            ConnectionKeys::list: []
            Connections::find: None
            Connections::find_version: None
            Connections::is_piloted: false
            Connections::list: []
            Connections::list_pilots: []
            Connections::list_versions: []
            Identities::find_user: None
            Identities::find_user_by_email: None
            Identities::is_linked: false
            Refreshes::find: None
            Refreshes::list_proposed: []
            Upstream::find: None
            Upstream::find_session: None
            Upstream::find_trace: None
            Upstream::list_sessions: []
            Upstream::list_traces: []
            AuthorizationRequests::consume: false
            Clients::delete_access: false
            Clients::delete_secrets: ()
            Codes::redeem: false
            DeviceRequests::answer: false
            DeviceRequests::save_poll: ()
            DeviceRequests::withdraw: false
            DiscoveryChallenges::consume: false
            DiscoveryChallenges::take_try: None
            Domains::accept: false
            Domains::complete: false
            Domains::delete: false
            Domains::lapse: ()
            Domains::save_check: ()
            Domains::withdraw: false
            Consents::delete: false
            Consents::revoke_granted: 0
            Consents::delete_of_client: ()
            Registrations::delete: false
            Registrations::spend_token: None
            Grants::revoke: false
            Grants::rotate: false
            Grants::renew: false
            Organizations::save_policy: ()
            Organizations::update: ()
            Keys::erase: false
            Keys::promote: false
            Keys::retire: None
            Keys::revoke: []
            Keys::schedule: ()
            Keys::update_data_key: false
            Users::rehash: 0
            Outbox::deliver: false
            Outbox::fail: false
            Outbox::postpone: ()
            Sessions::end: 0
            SignIns::clear_tries: ()
            AttributeSets::save_of_organization: ()
            AttributeSets::save_of_user: ()
            Users::update_break_glass: ()
            Users::update: ()
            ConnectionKeys::delete_next: false
            ConnectionKeys::rotate: false
            Connections::update: ()
            Identities::update_name: ()
            RecoveryCodes::consume: None
            Upstream::answer: false
            Upstream::consume: false
            SetupLinks::find: None
            SetupLinks::find_by_token: None
            SetupLinks::list: []
            SetupLinks::revoke: false
            SetupLinks::update_last_used: ()
            Connections::save_activated: ()
            Groups::hold: ()
            Groups::list: []
            Groups::save: refused (group_roles_org_id_role_id_fkey)
            Identities::list_at_risk: (false, 0)
            Connections::lock: false
            SetupLinks::insert: ()
            EventStreams::find: None
            EventStreams::find_leased: None
            EventStreams::list: []
            EventStreams::list_excluding: []
            EventStreams::lock: None
            EventStreams::lock_all: []
            Signals::list: 0
            Signals::list_signed_in: []
            StreamEvents::count: 0
            StreamEvents::list: []
            EventStreams::forget_failures: ()
            EventStreams::include: ()
            EventStreams::pause_failing: false
            EventStreams::release: false
            EventStreams::take_verification: false
            EventStreams::update: ()
            EventStreams::update_status: ()
            Signals::delete: ()
            StreamEvents::append: ()
            StreamEvents::clear: 0
            StreamEvents::delete: 0
            EventStreams::delete: false
            EventStreams::exclude: refused (stream_exclusions_org_id_stream_id_fkey)
            EventStreams::insert: true
            ConnectionKeys::insert: refused (connection_keys_org_id_connection_id_fkey)
            Connections::insert_version: refused (connection_versions_org_id_connection_id_fkey)
            Connections::replace_domains: ()
            Connections::replace_pilots: refused (connection_pilots_org_id_connection_id_fkey)
            Identities::replace_mapped: ()
            Identities::save_link: refused (identity_links_org_id_connection_id_fkey)
            RecoveryCodes::replace: refused (recovery_codes_org_id_user_id_fkey)
            Refreshes::hasten: refused (connection_refreshes_org_id_connection_id_fkey)
            Refreshes::save: refused (connection_refreshes_org_id_connection_id_fkey)
            Refreshes::settle: ()
            Upstream::consume_assertion: refused (consumed_assertions_org_id_connection_id_fkey)
            Upstream::insert: refused (upstream_requests_org_id_connection_id_version_fkey)
            Upstream::insert_trace: refused (sign_in_traces_org_id_connection_id_fkey)
            Connections::insert: ()
            DiscoveryChallenges::insert: refused (discovery_challenges_org_id_request_id_fkey)
            AuditEvents::insert: ()
            AuthorizationRequests::insert: ()
            Clients::insert_access: true
            Clients::replace_secrets: refused (client_secrets_org_id_client_id_fkey)
            Clients::add_secret: refused (client_secrets_org_id_client_id_fkey)
            Clients::replace_roles: refused (client_roles_org_id_role_id_fkey)
            ConsumedIds::consume: true
            DeviceRequests::insert: refused (device_requests_org_id_client_id_fkey)
            PushedRequests::insert: refused (pushed_requests_org_id_client_id_fkey)
            Consents::save: refused (consents_org_id_user_id_fkey)
            Registrations::insert_token: ()
            Registrations::save_document: refused (client_documents_org_id_client_id_fkey)
            Registrations::insert: refused (client_registrations_org_id_client_id_fkey)
            Grants::begin_asserted: refused (grants_org_id_user_id_fkey)
            Grants::revoke_token: true
            Clients::save: taken (client_directory_pkey)
            Codes::issue: false
            Domains::claim: ()
            Domains::offer: refused (domain_transfers_org_id_domain_id_fkey)
            Domains::save_vouched: taken (verified_domains_pkey)
            Domains::verify: taken (verified_domains_pkey)
            Keys::insert_data_key: true
            Keys::insert_signing_key: true
            Organizations::insert: taken (organizations_pkey)
            Outbox::insert: ()
            Sessions::begin: refused (sessions_org_id_user_id_fkey)
            SignIns::take_try: true
            Users::replace_roles: refused (role_assignments_org_id_user_id_fkey)
            Users::save_password: refused (password_credentials_org_id_user_id_fkey)
            Users::update_email_verified: refused (email_index_org_id_user_id_fkey)
            Roles::save: ()
            Users::insert: ()
            Identities::insert_user: taken (users_pkey)
            ");
        }
        assert_eq!(self.made, methods());
    }

    async fn find(&mut self) {
        let acme = Arc::clone(&self.acme);
        let spent = SecretHash::of(fixture::REVOKED.as_bytes());
        let org_id = self.fixture.acme.id();
        let since = now() - Duration::minutes(15);
        calls! { self, tx;
            "AttributeSets::find_claim_values" => async {
                tx.attributes().find_claim_values().await.map(|known| known.organization_attributes)
            };
            "AttributeSets::find_claim_values_of_user" => async {
                let known = tx.attributes().find_claim_values_of_user(acme.user.id, acme.signed_in.session.id).await;
                known.map(|known| known.user)
            };
            "AttributeSets::find_of_organization" => tx.attributes().find_of_organization();
            "AttributeSets::find_of_user" => tx.attributes().find_of_user(acme.user.id);
            "AuthorizationRequests::find" => tx.authorization_requests().find(&acme.request.handle);
            "Clients::find" => tx.clients().find(acme.client.id);
            "Clients::find_admission" => tx.clients().find_admission((org_id, acme.client.id));
            "Clients::find_standing" => async {
                let standing = tx.clients().find_standing((org_id, acme.client.id)).await;
                standing.map(|standing| standing.map(|held| (held.roles, held.permissions, held.client)))
            };
            "Clients::list_access" => tx.clients().list_access();
            "Clients::list_admitted" => async {
                let admitted = tx.clients().list_admitted(10).await;
                admitted.map(|all| all.into_iter().filter(|(owner, _)| *owner == org_id).collect::<Vec<_>>())
            };
            "Clients::list_roles" => tx.clients().list_roles((org_id, acme.client.id));
            "Codes::find" => tx.codes().find(&acme.code.hash);
            "Domains::find" => tx.domains().find(&acme.domain);
            "Domains::find_offered" => tx.domains().find_offered(&acme.account, now());
            "Domains::find_transfer" => tx.domains().find_transfer(DomainId::from_uuid(uuid()));
            "Domains::list" => tx.domains().list();
            "Domains::list_verified" => tx.domains().list_verified();
            "Grants::find_by_refresh_token" => tx.grants().find_by_refresh_token(&acme.grant.refresh_token);
            "Grants::find_live" => tx.grants().find_live(acme.grant.id, "jti");
            "Consents::find" => tx.consents().find(acme.user.id, (org_id, acme.client.id));
            "Consents::list" => tx.consents().list(acme.user.id);
            "Registrations::find_document" => tx.registrations().find_document(acme.client.id);
            "Registrations::find" => tx.registrations().find(&spent);
            "Grants::list_clients" => tx.grants().list_clients(acme.signed_in.session.id);
            "Grants::is_revoked" => tx.grants().is_revoked(fixture::REVOKED);
            "Keys::find_data_key" => tx.keys().find_data_key();
            "Keys::list_lives" => tx.keys().list_lives();
            "Keys::list_signing_keys" => tx.keys().list_signing_keys(now());
            "Organizations::find" => async { tx.organization().find().await.map(|org| org.map(|org| org.slug)) };
            "Organizations::find_policy" => tx.organization().find_policy();
            "Organizations::find_with" => async {
                let found = tx.organization().find_with((org_id, acme.client.id)).await;
                found.map(|(org, admission)| (org.map(|org| org.slug), admission))
            };
            "DeviceRequests::find" => tx.device_requests().find(acme.device.0);
            "DeviceRequests::find_polled" => tx.device_requests().find_polled(&acme.device.1);
            "ConsumedIds::is_consumed" => tx.consumed_ids().is_consumed(ConsumedKind::ClientAssertion, &spent);
            "PushedRequests::find" => async {
                let found = tx.pushed_requests().find(&spent).await;
                found.map(|found| found.map(|pushed| pushed.parameters))
            };
            "Outbox::find" => tx.outbox().find(acme.message);
            "Roles::list" => tx.roles().list();
            "Sessions::find_by_cookie" =>
                tx.sessions().find_by_cookie(&acme.signed_in.token, (org_id, acme.client.id));
            "Sessions::find_standing" =>
                tx.sessions().find_standing(acme.signed_in.session.id, (org_id, acme.client.id));
            "Sessions::list" => tx.sessions().list(Some(acme.user.id), (now(), now()));
            "Sessions::list_open" => tx.sessions().list_open(Some(acme.user.id));
            "SignIns::find_account" => tx.sign_ins().find_account(
                (acme.user.email.normalized(), &acme.account), &acme.signed_in.browser, (org_id, acme.client.id), since);
            "Users::exists" => tx.users().exists(acme.user.id);
            "Users::hold" => tx.users().hold(acme.user.id);
            "Users::seize" => tx.users().seize(Some(acme.user.id));
            "Users::list_indexed" => tx.users().list_indexed(None, 10);
            "Users::find_by_email" => tx.users().find_by_email(&acme.user.email);
        }
    }

    async fn change(&mut self) {
        let (acme, shared, org_id) = (Arc::clone(&self.acme), self.shared, self.fixture.globex.id());
        let (name, branding) = (name("Mine"), Branding::default());
        let org = OrganizationChange {
            name: &name,
            branding: &branding,
            status: OrgStatus::Active,
            contact: None,
            at: now(),
        };
        let theirs = OrgDomain {
            id: DomainId::from_uuid(uuid()),
            name: acme.domain.clone(),
            challenge: None,
            verified_at: None,
            checked_at: None,
            failing_since: None,
            shared: false,
            subdomains: false,
        };
        let rotation = Rotation {
            presented: acme.grant.refresh_token,
            successor: hash(),
            expires_at: now() + Duration::days(1),
        };
        let [redeemed, rotated, ended] =
            [Action::CodeRedeemed, Action::RefreshRotated, Action::SessionEnded].map(fixture::event);
        let mine = Attributes::from([("mine".to_owned(), vec!["mine".to_owned()])]);
        calls! { self, tx;
            "AuthorizationRequests::consume" => tx.authorization_requests().consume(acme.request.id, now());
            "Clients::delete_access" => tx.clients().delete_access(shared);
            "Clients::delete_secrets" => tx.clients().delete_secrets(acme.client.id);
            "Codes::redeem" =>
                tx.codes().redeem(&acme.code.hash, &new_grant(&acme.code.code, hash()), &redeemed);
            "DeviceRequests::answer" =>
                tx.device_requests().answer(acme.device.0, acme.request.id, Some(org_id), now());
            "DeviceRequests::save_poll" =>
                tx.device_requests().save_poll(acme.device.0, now(), Duration::seconds(5));
            "DeviceRequests::withdraw" => tx.device_requests().withdraw(acme.device.0, acme.request.id);
            "DiscoveryChallenges::consume" => tx.discovery_challenges().consume(acme.challenge.id, now());
            "DiscoveryChallenges::take_try" => tx.discovery_challenges().take_try(acme.request.id, now());
            "Domains::accept" => tx.domains().accept(&acme.account, org_id, (now(), now()));
            "Domains::complete" => tx.domains().complete(&theirs, org_id, now());
            "Domains::delete" => tx.domains().delete(&acme.domain);
            "Domains::lapse" => tx.domains().lapse(&acme.domain);
            "Domains::save_check" =>
                tx.domains().save_check(DomainId::from_uuid(uuid()), (None, now()), None);
            "Domains::withdraw" => tx.domains().withdraw(DomainId::from_uuid(uuid()));
            "Consents::delete" => tx.consents().delete(acme.user.id, (org_id, acme.client.id));
            "Consents::revoke_granted" =>
                tx.consents().revoke_granted(acme.user.id, (org_id, acme.client.id), now());
            "Consents::delete_of_client" => tx.consents().delete_of_client((org_id, acme.client.id), now());
            "Registrations::delete" => tx.registrations().delete(acme.client.id);
            "Registrations::spend_token" =>
                tx.registrations().spend_token(&SecretHash::of(fixture::REVOKED.as_bytes()), now());
            "Grants::revoke" => tx.grants().revoke(acme.grant.id, now());
            "Grants::rotate" => tx.grants().rotate(&rotation, &rotated);
            "Grants::renew" => tx.grants().renew(&acme.grant.refresh_token, now() + Duration::days(1));
            "Organizations::save_policy" => tx.organization().save_policy(&PolicySettings::default(), now());
            "Organizations::update" => tx.organization().update(&org);
            "Keys::erase" => tx.keys().erase(&acme.kid, now() + Duration::days(1));
            "Keys::promote" => tx.keys().promote(&acme.kid, now());
            "Keys::retire" => tx.keys().retire(SigningAlgorithm::Es256, Handover { at: now(), expires_at: now() });
            "Keys::revoke" => tx.keys().revoke(SigningAlgorithm::Es256, now());
            "Keys::schedule" => tx.keys().schedule(now());
            "Keys::update_data_key" => tx.keys().update_data_key(b"wrapped", b"mine");
            "Users::rehash" => tx.users().rehash(&[(acme.user.id, acme.user.email_hash, hash())]);
            "Outbox::deliver" => tx.outbox().deliver(acme.message, now());
            "Outbox::fail" => tx.outbox().fail(acme.message, now());
            "Outbox::postpone" => tx.outbox().postpone(acme.message, now());
            "Sessions::end" => tx.sessions().end(&[(acme.signed_in.session.id, rotated.id)], &ended);
            "SignIns::clear_tries" => tx.sign_ins().clear_tries(&acme.account);
            "AttributeSets::save_of_organization" => tx.attributes().save_of_organization(&mine);
            "AttributeSets::save_of_user" => tx.attributes().save_of_user(acme.user.id, &mine);
            "Users::update_break_glass" => tx.users().update_break_glass(acme.user.id, true, now());
            "Users::update" => tx.users().update(acme.user.id, &name, UserStatus::Deactivated, now());
        }
    }

    async fn insert(&mut self) {
        let acme = Arc::clone(&self.acme);
        let spent = SecretHash::of(fixture::REVOKED.as_bytes());
        let org_id = self.fixture.acme.id();
        let key = SigningKey::generate(SigningAlgorithm::Es256).expect("a key").public_jwk();
        let origin = Origin::default();
        let slug = self.fixture.acme.slug.clone();
        let name = name("Mine");
        let since = now() - Duration::minutes(15);
        let signing_key = |kid| NewSigningKey {
            kid,
            algorithm: SigningAlgorithm::Es256,
            private_key: b"mine",
            public_jwk: &key,
            created_at: now(),
            promoted_at: None,
        };
        let event = Event {
            user_id: Some(acme.user.id),
            session_id: Some(acme.signed_in.session.id),
            client: Some((org_id, acme.client.id)),
            ..fixture::event(Action::SignInSucceeded)
        };
        let upstream = UpstreamEnd { subject: "mine".to_owned(), identity: None, sid: None, logout: None };
        let method = SignInMethod::Connection(self.federated.connection.id);
        let session = Session { id: SessionId::from_uuid(uuid()), method, ..acme.signed_in.session.clone() };
        let by = RegistrationTokenId::from_uuid(uuid());
        let token =
            NewRegistrationToken { id: by, hash: spent, uses: 1, created_at: now(), expires_at: now() };
        let document = NewClientDocument { client_id: acme.client.id, hash: spent, at: now() };
        let registration = NewRegistration { client_id: acme.client.id, token: spent, by, at: now() };
        let granted = ScopeSet::default();
        let pushed = PushedAuthorizationRequest {
            client_id: acme.client.id,
            parameters: String::new(),
            dpop_jkt: None,
            called: None,
            created_at: now(),
            expires_at: now(),
        };
        let device = new_device(&acme.client, (acme.device.0, acme.device.1, hash()));
        let asserted = AssertedGrant {
            session: &session,
            token: hash(),
            origin: &origin,
            upstream: &upstream,
            id: GrantId::from_uuid(uuid()),
            client: (org_id, acme.client.id),
            scope: &granted,
            issuer: "mine",
        };
        calls! { self, tx;
            "DiscoveryChallenges::insert" => tx.discovery_challenges().insert(
                &new_challenge(acme.challenge.request_id, acme.challenge.email), 3, since);
            "AuditEvents::insert" => tx.audit().insert(&event);
            "AuthorizationRequests::insert" => tx.authorization_requests().insert(&acme.request);
            "Clients::insert_access" => tx.clients().insert_access((org_id, acme.client.id), now());
            "Clients::replace_secrets" => tx.clients().replace_secrets(acme.client.id, &hash(), now());
            "Clients::add_secret" =>
                tx.clients().add_secret(acme.client.id, (&hash(), now()), now() + Duration::days(1));
            "Clients::replace_roles" =>
                tx.clients().replace_roles((org_id, acme.client.id), &[acme.role.id], now());
            "ConsumedIds::consume" => tx.consumed_ids().consume(ConsumedKind::ClientAssertion, &spent, now());
            "DeviceRequests::insert" => tx.device_requests().insert(&device);
            "PushedRequests::insert" => tx.pushed_requests().insert(&spent, &pushed);
            "Consents::save" =>
                tx.consents().save(acme.user.id, (org_id, acme.client.id), &granted, now());
            "Registrations::insert_token" => tx.registrations().insert_token(&token);
            "Registrations::save_document" => tx.registrations().save_document(&document, 9);
            "Registrations::insert" => tx.registrations().insert(&registration, 9);
            "Grants::begin_asserted" => tx.grants().begin_asserted(&asserted, &fixture::event(Action::AssertionRedeemed));
            "Grants::revoke_token" => tx.grants().revoke_token(fixture::REVOKED, now(), now());
            "Clients::save" => tx.clients().save(&ClientChange { client: &acme.client, at: now() });
            "Codes::issue" => tx.codes().issue(
                &NewCode { hash: acme.code.hash, code: &acme.code.code, pushed: None }, &event);
            "Domains::claim" => tx.domains().claim(DomainId::from_uuid(uuid()), (&acme.domain, "mine"), now());
            "Domains::offer" => tx.domains().offer(DomainId::from_uuid(uuid()), &acme.account, (now(), now()));
            "Domains::save_vouched" =>
                tx.domains().save_vouched(DomainId::from_uuid(uuid()), &acme.domain, now());
            "Domains::verify" => tx.domains().verify(&acme.domain, DomainTerms::default(), now());
            "Keys::insert_data_key" => tx.keys().insert_data_key(b"mine", now());
            "Keys::insert_signing_key" => tx.keys().insert_signing_key(&signing_key(&acme.kid));
            "Organizations::insert" => tx.organization().insert(&NewOrganization {
                slug: &slug, name: &name, ancestors: &[], is_operator: false, at: now() });
            "Outbox::insert" => tx.outbox().insert(
                &NewMessage { id: acme.message, kind: "discovery_mail", payload: b"mine", at: now() });
            "Sessions::begin" => tx.sessions().begin(acme.request.id, &NewSession {
                session: &acme.signed_in.session, token: acme.signed_in.token, browser: acme.signed_in.browser,
                ends_by: None, origin: &origin, upstream: None }, now());
            "SignIns::take_try" => tx.sign_ins().take_try(&acme.account, 10, now(), Duration::minutes(15));
            "Users::replace_roles" => tx.users().replace_roles(acme.user.id, &[acme.role.id], now());
            "Users::save_password" => tx.users().save_password(acme.user.id, "mine", now());
            "Users::update_email_verified" =>
                tx.users().update_email_verified(acme.user.id, &acme.user.email_hash, now());
            "Roles::save" => tx.roles().save(&acme.role, now());
            "Users::insert" => tx.users().insert(&NewUser {
                id: acme.user.id, email: &acme.user.email, verified: Some(acme.user.email_hash), name: &name,
                at: now() });
            "Identities::insert_user" => tx.identities().insert_user(&NewFederatedUser {
                id: acme.user.id, email: None, name: &name, at: now() });
        }
    }

    async fn find_federated(&mut self) {
        let (acme, made) = (Arc::clone(&self.acme), Arc::clone(&self.federated));
        let id = made.connection.id;
        calls! { self, tx;
            "ConnectionKeys::list" => tx.connection_keys().list(id);
            "Connections::find" => tx.connections().find(id);
            "Connections::find_version" => tx.connections().find_version(id, 1);
            "Connections::is_piloted" => tx.connections().is_piloted(id, &made.pilot);
            "Connections::list" => tx.connections().list();
            "Connections::list_pilots" => tx.connections().list_pilots(id);
            "Connections::list_versions" => tx.connections().list_versions(id);
            "Identities::find_user" => tx.identities().find_user(federated::identity(id, &made.subject));
            "Identities::find_user_by_email" => tx.identities().find_user_by_email(&acme.user.email);
            "Identities::is_linked" => tx.identities().is_linked(acme.user.id, (id, federated::PROVIDER));
            "Refreshes::find" => tx.refreshes().find(id);
            "Refreshes::list_proposed" => tx.refreshes().list_proposed();
            "Upstream::find" => tx.upstream().find(&made.upstream.state);
            "Upstream::find_session" => tx.upstream().find_session(acme.signed_in.session.id);
            "Upstream::find_trace" => tx.upstream().find_trace(made.trace);
            "Upstream::list_sessions" =>
                tx.upstream().list_sessions(id, Some(&made.subject), std::slice::from_ref(&made.sid));
            "Upstream::list_traces" => tx.upstream().list_traces(id, 10);
        }
    }

    async fn change_federated(&mut self) {
        let (acme, made) = (Arc::clone(&self.acme), Arc::clone(&self.federated));
        let id = made.connection.id;
        let name = name("Mine");
        calls! { self, tx;
            "ConnectionKeys::delete_next" => tx.connection_keys().delete_next(id, made.key.purpose);
            "ConnectionKeys::rotate" => tx.connection_keys().rotate(id, made.key.purpose);
            "Connections::update" => tx.connections().update(&made.connection, now());
            "Identities::update_name" => tx.identities().update_name(acme.user.id, &name, now());
            "RecoveryCodes::consume" => tx.recovery_codes().consume(acme.user.id, &made.recovery, now());
            "Upstream::answer" => tx.upstream().answer(&made.upstream.state, b"mine", now());
            "Upstream::consume" => tx.upstream().consume(&made.upstream.state, now());
        }
    }

    async fn insert_federated(&mut self) {
        let (acme, made) = (Arc::clone(&self.acme), Arc::clone(&self.federated));
        let connection = &made.connection;
        let (id, name, none) = (connection.id, name("Mine"), serde_json::Value::Null);
        let (roles, due) = ([acme.role.slug.to_string()].into(), now() + Duration::hours(1));
        let version = NewConnectionVersion {
            version: 2,
            settings: &made.settings,
            secrets: None,
            at: now(),
            by: federated::BY,
        };
        let refresh = Refresh { due_at: due, last_error: None, proposed: None, noticed: None };
        let trace = federated::new_trace(id, TraceId::from_uuid(uuid()), &none);
        calls! { self, tx;
            "ConnectionKeys::insert" => tx.connection_keys().insert(id, &made.key);
            "Connections::insert_version" => tx.connections().insert_version(id, &version);
            "Connections::replace_domains" => tx.connections().replace_domains(id, std::slice::from_ref(&acme.domain));
            "Connections::replace_pilots" =>
                tx.connections().replace_pilots(id, std::slice::from_ref(&made.pilot));
            "Identities::replace_mapped" =>
                tx.identities().replace_mapped((id, acme.user.id), &roles, &[].into());
            "Identities::save_link" => tx.identities().save_link(federated::identity(id, &made.subject), acme.user.id, (None, &Attributes::new()), now());
            "RecoveryCodes::replace" => tx.recovery_codes().replace(acme.user.id, &[hash()], now());
            "Refreshes::hasten" => tx.refreshes().hasten(id, now());
            "Refreshes::save" => tx.refreshes().save(id, &refresh);
            "Refreshes::settle" => tx.refreshes().settle(id, &made.settings);
            "Upstream::consume_assertion" => tx.upstream().consume_assertion(id, &made.assertion, due);
            "Upstream::insert" => tx.upstream().insert(&made.upstream);
            "Upstream::insert_trace" => tx.upstream().insert_trace(&trace);
            "Connections::insert" => tx.connections().insert(
                id, (&connection.slug, connection.protocol), (&name, connection.vendor), now());
        }
    }

    /// What shared signals add.
    async fn stream_events(&mut self) {
        let acme = Arc::clone(&self.acme);
        let client = (self.fixture.acme.id(), acme.client.id);
        let (user, key) = (acme.user.id, Holder { client, issuer: fixture::ISSUER });
        let stream = self.fixture.acme.stream(&acme.client, user).await;
        let id = stream.id;
        let (leased_until, at) = (stream.leased_until, now());
        let excluded = EventSubject { user: Some(user), session: None };
        let exclusion = Exclusion::new(None, excluded).expect("a user");
        let pushed = Pushed { leased_until, seen: 9, due_at: None, failing: None, at };
        let paused = (StreamStatus::Paused, None);
        let event = new_stream_event();
        calls! { self, tx;
            "EventStreams::find" => tx.event_streams().find(id, key);
            "EventStreams::find_leased" => tx.event_streams().find_leased(id, leased_until);
            "EventStreams::list" => tx.event_streams().list(key);
            "EventStreams::list_excluding" => tx.event_streams().list_excluding(&excluded.exclusions());
            "EventStreams::lock" => tx.event_streams().lock(id, key);
            "EventStreams::lock_all" => tx.event_streams().lock_all();
            "Signals::list" => async { tx.signals().list(10).await.map(|signals| signals.len()) };
            "Signals::list_signed_in" => tx.signals().list_signed_in(Affected::User(user), (at, 10));
            "StreamEvents::count" => tx.stream_events().count(id);
            "StreamEvents::list" => tx.stream_events().list(id, None, 10);
            "EventStreams::forget_failures" => tx.event_streams().forget_failures(id);
            "EventStreams::include" => tx.event_streams().include(id, &exclusion);
            "EventStreams::pause_failing" => tx.event_streams().pause_failing(id, (leased_until, "mine"), at);
            "EventStreams::release" => tx.event_streams().release(id, &pushed);
            "EventStreams::take_verification" => tx.event_streams().take_verification(id, (at, at));
            "EventStreams::update" => tx.event_streams().update(id, &stream.terms, at);
            "EventStreams::update_status" => tx.event_streams().update_status(id, paused, at);
            "Signals::delete" => tx.signals().delete(&stream.signals);
            "StreamEvents::append" => tx.stream_events().append(id, std::slice::from_ref(&event), at);
            "StreamEvents::clear" => tx.stream_events().clear(id);
            "StreamEvents::delete" => tx.stream_events().delete(id, std::slice::from_ref(&stream.jti));
            "EventStreams::delete" => tx.event_streams().delete(id, key);
            "EventStreams::exclude" => tx.event_streams().exclude(id, &exclusion, (10, at));
            "EventStreams::insert" => tx.event_streams().insert((id, key), &stream.terms, (10, at));
        }
    }

    /// What the self-serve set-up adds.
    async fn set_up(&mut self) {
        let made = Arc::clone(&self.federated);
        let id = made.connection.id;
        let (link, token) = federated::setup_link();
        let new = NewSetupLink { link: &link, token };
        let mut tx = self.fixture.acme.begin().await;
        tx.setup_links().insert(&new).await.expect("a link of Acme's");
        tx.commit().await.expect("a commit");
        let question = RiskQuestion {
            connection: id,
            provider: federated::PROVIDER,
            everybody: true,
            pilot: true,
            limit: 10,
        };
        let role = self.acme.role.clone();
        let group = Group {
            id: GroupId::from_uuid(uuid()),
            slug: Slug::parse("mine").expect("a slug"),
            name: name("Mine"),
            roles: [(role.slug.clone(), role.id)].into(),
        };
        calls! { self, tx;
            "SetupLinks::find" => tx.setup_links().find(link.id);
            "SetupLinks::find_by_token" => tx.setup_links().find_by_token(&token);
            "SetupLinks::list" => tx.setup_links().list();
            "SetupLinks::revoke" => tx.setup_links().revoke(link.id, now());
            "SetupLinks::update_last_used" => tx.setup_links().update_last_used(link.id, now());
            "Connections::save_activated" => tx.connections().save_activated(id, 1, now());
            "Groups::hold" => tx.groups().hold();
            "Groups::list" => tx.groups().list();
            "Groups::save" => tx.groups().save(&group, now());
            "Identities::list_at_risk" => async {
                let (found, total) = tx.identities().list_at_risk(&question).await?;
                // Globex's own users, whom no connection of Acme's knows.
                Ok::<_, StorageError>((found.iter().any(|user| user.linked || user.served || user.piloted), total))
            };
            "Connections::lock" => tx.connections().lock(id);
            "SetupLinks::insert" => tx.setup_links().insert(&new);
        }
    }
}
