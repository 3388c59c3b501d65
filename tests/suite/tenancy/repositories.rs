//! Every method of every repository, called in Globex with what is Acme's: it finds nothing, and changes nothing.

use std::collections::BTreeSet;
use std::sync::Arc;

use insta::{allow_duplicates, assert_snapshot};
use orgate_domain::clients::Audience;
use orgate_domain::ids::{ClientId, OrgId};
use orgate_tests::federated::Federated;
use orgate_tests::fixture::{Everything, Fixture, now};
use sqlx::AssertSqlSafe;

use super::queries::sources;
use super::rows;

/// A table of calls, each in a transaction `tx` of Globex's.
macro_rules! calls {
    ($calls:expr, $tx:ident; $($method:literal => $call:expr;)+) => {
        $($calls.call($method, async |$tx: &mut orgate_storage::OrgTx| $call.await).await;)+
    };
}

mod api_keys;
mod call;
mod change;
mod delegations;
mod find;
mod insert;
mod invitations;
mod joining;
mod mail_templates;
mod quotas;
mod role_blueprints;
mod set_up;
mod sign_ins;
mod signals;
mod webhooks;

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

/// Where scripts of a client of Acme's are.
const SCRIPTS: &str = "https://scripts.acme.test";

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
        let origins = "update client_directory set origins = array[$1] where org_id = $2";
        let origins = sqlx::query(origins).bind(SCRIPTS).bind(fixture.acme.id().as_uuid());
        origins.execute(fixture.database.superuser()).await.expect("an origin");
        let tables = rows::isolated_tables(fixture.database.superuser()).await;
        Self { fixture, acme, federated, shared, tables, made: BTreeSet::new(), said: Vec::new() }
    }

    /// Finds first: what is inserted afterwards, with Acme's ids, is Globex's own and can be found.
    async fn make(&mut self) {
        self.find().await;
        self.find_federated().await;
        self.change().await;
        self.change_federated().await;
        self.set_up().await;
        self.invite().await;
        self.join().await;
        self.stream_events().await;
        self.webhooks().await;
        self.api_keys().await;
        self.insert_federated().await;
        self.insert().await;
        self.delegations().await;
        self.role_blueprints().await;
        self.quotas().await;
        self.mail_templates().await;
    }

    fn check(&self) {
        allow_duplicates! {
            assert_snapshot!(self.said.join("\n"), @"
            AttributeSets::find_claim_values_of_user: None
            AttributeSets::find_of_organization: {}
            AttributeSets::find_of_user: {}
            AuthorizationRequests::find: None
            Clients::find: None
            Clients::list_whole: []
            Clients::find_admission: None
            Clients::list_access: []
            Clients::admits_origin: false
            Clients::count: 1
            Clients::list_admitted: []
            Clients::list_declaring: []
            Clients::list_permissions: {}
            Clients::list_page: []
            Clients::list_initiating: []
            Clients::list_first_party: []
            Clients::list_owned: []
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
            Registrations::is_registered: false
            Registrations::list_tokens: []
            Grants::list_clients: []
            Grants::is_renewable: false
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
            Organizations::find_around: None
            Organizations::find_with_rights: Some((globex, []))
            Users::find_own: None
            Identities::list_own: []
            AuditEvents::list_of_user: []
            AuditEvents::list_latest: []
            AuditEvents::list: []
            AuditEvents::sift: []
            IdempotencyKeys::find: None
            Organizations::find_record: Some(None)
            Rights::find_of_user: None
            Rights::find_of_client: None
            Rights::is_owner_let_in: false
            Organizations::lock: ()
            Organizations::move_below: Done
            Outbox::find: None
            Roles::list: []
            Roles::list_page: []
            Roles::find: None
            Roles::seize: ()
            Roles::is_held: false
            Sessions::find_by_cookie: None
            Sessions::find_standing: None
            Sessions::list: []
            Sessions::list_page: []
            Sessions::find_user: None
            Sessions::list_open: []
            Sessions::list_shut_out: []
            Sessions::count_without_sso: []
            Sessions::list_without_sso: []
            SignIns::find_account: Account { org_status: Active, client: None, user: None, phc: None, foreign_phc: None, failures: 0, sso: SsoSubject { of_verified_domain: false, break_glass: false }, known_browser: false }
            Users::exists: false
            Users::find: None
            Users::search: []
            Statistics::count: Counted { seats: None, users: 0, invitations: 0, recent: 0, inactive: 0, sign_ins: [] }
            Users::list_described: []
            Users::list_taken: []
            Users::find_listed_by_email: None
            Users::list_permissions: []
            Users::hold: ()
            Users::seize: ()
            Users::list_indexed: []
            Users::find_by_email: None
            ConnectionKeys::list: []
            Connections::find: None
            Connections::find_version: None
            Connections::is_piloted: false
            Connections::list: []
            Connections::list_conditions: []
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
            Clients::update_status: false
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
            Registrations::remove: false
            Registrations::revoke_token: false
            Registrations::update_document_fetched: ()
            Registrations::spend_token: None
            Grants::revoke: false
            Grants::rotate: false
            Grants::renew: false
            Organizations::hold: ()
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
            Sessions::succeed: false
            Sessions::end: 0
            SignIns::clear_tries: ()
            AttributeSets::save_of_organization: ()
            AttributeSets::save_of_user: ()
            Users::update_break_glass: ()
            IdempotencyKeys::delete: ()
            Roles::release: []
            Roles::delete: false
            Users::delete_role: false
            Users::list_roles_held: []
            Users::list_shut_out: []
            Users::find_by_external_id: None
            Users::update_email: ()
            Users::update_external_id: ()
            Users::erase: false
            Organizations::update_external_id: ()
            Organizations::find_neighbours: Neighbours { live_below: false, gone_above: false }
            Organizations::begin_erasure: None
            Organizations::erase_some: 0
            Organizations::postpone_erasure: ()
            Organizations::end_erasure: false
            Users::update: ()
            ConnectionKeys::delete_next: false
            ConnectionKeys::rotate: false
            Connections::update: ()
            Identities::update_name: ()
            RecoveryCodes::consume: None
            Upstream::answer: false
            Upstream::consume: false
            Upstream::consume_and_hold: false
            SetupLinks::find: None
            SetupLinks::find_by_token: None
            SetupLinks::list: []
            SetupLinks::count_made: 0
            SetupLinks::revoke: false
            SetupLinks::update_last_used: ()
            Connections::save_activated: ()
            Groups::hold: ()
            Groups::seize: ()
            Groups::list: []
            Groups::list_page: []
            Groups::find: None
            Groups::list_members: []
            Groups::list_of_member: []
            Groups::replace_of_member: refused (group_members_org_id_group_id_fkey)
            Groups::clear: []
            Groups::delete_member: false
            Groups::delete: false
            Groups::insert_member: refused (group_members_org_id_group_id_fkey)
            Groups::save: refused (group_roles_org_id_role_id_fkey)
            Identities::list_at_risk: (false, 0)
            Connections::lock: false
            SetupLinks::insert: ()
            Invitations::seize: ()
            Invitations::find: None
            Invitations::find_by_token: None
            Invitations::find_open: None
            Invitations::take: None
            Invitations::list: []
            Invitations::list_by_email: []
            Invitations::list_known: ([], [])
            Invitations::is_of_verified_domain: false
            Invitations::is_of_domain_verified_by: false
            Invitations::find_seats: None
            Invitations::find_limit: None
            Invitations::count_seats: (0, 0, None)
            Invitations::count_sent: (0, [])
            Rights::find_of_maker: HeldRights { roles: [], permissions: [] }
            Rights::find_of_maker: HeldRights { roles: [], permissions: [] }
            Invitations::update_link: false
            Invitations::revoke: false
            Invitations::consume: false
            Invitations::update_limit: ()
            Users::update_locale: ()
            Outbox::insert_all: ()
            Sessions::insert: refused (sessions_org_id_user_id_fkey)
            Invitations::insert: refused (invitation_roles_org_id_role_id_fkey)
            JoiningRules::seize: ()
            JoiningRules::find: None
            JoiningRules::save: ()
            JoinRequests::seize: ()
            JoinRequests::find_by_token: None
            JoinRequests::find_by_id: None
            JoinRequests::find: None
            JoinRequests::list: []
            JoinRequests::list_open: []
            JoinRequests::settle: []
            JoinRequests::find_settled: None
            JoinRequests::has_room: true
            JoinRequests::prove: false
            JoinRequests::admit: false
            JoinRequests::approve: false
            JoinRequests::deny: false
            JoinRequests::delete_of: 0
            JoinRequests::insert: true
            EventStreams::take_turn: true
            EventStreams::find: None
            EventStreams::find_leased: None
            EventStreams::list: []
            EventStreams::list_excluding: []
            EventStreams::list_receivers: []
            EventStreams::lock: None
            EventStreams::lock_all: []
            Signals::list: 0
            Signals::list_addresses: []
            Signals::list_affected: []
            Signals::list_signed_in: []
            StreamEvents::count_each: {}
            StreamEvents::count: 0
            StreamEvents::list: []
            EventStreams::forget_failures: ()
            EventStreams::hold_events: ()
            EventStreams::include: false
            EventStreams::pause_failing: false
            EventStreams::release: false
            EventStreams::take_verification: false
            EventStreams::update: ()
            EventStreams::update_status: ()
            Signals::delete: ()
            Signals::update_told_to: ()
            StreamEvents::append: ()
            StreamEvents::clear: 0
            StreamEvents::delete_announcements: ()
            StreamEvents::delete_last_of: ()
            StreamEvents::delete: []
            EventStreams::delete: false
            EventStreams::exclude: refused (stream_exclusions_org_id_stream_id_fkey)
            EventStreams::insert: true
            EventPositions::find: None
            EventPositions::find_before: None
            EventPositions::find_last: 0
            EventPositions::list: 0
            WebhookDeliveries::find: None
            WebhookDeliveries::list: []
            WebhookDeliveries::list_due: []
            Webhooks::find: None
            Webhooks::find_leased: None
            Webhooks::hold: None
            Webhooks::list: []
            Webhooks::disable: ()
            Webhooks::forget_failures: ()
            Webhooks::release: ()
            Webhooks::settle: false
            Webhooks::update: ()
            Webhooks::update_position: ()
            Webhooks::update_secrets: ()
            Webhooks::wake: ()
            Webhooks::delete: false
            WebhookDeliveries::upsert: refused (webhook_deliveries_org_id_webhook_id_fkey)
            Webhooks::insert: true
            ApiKeys::find: None
            ApiKeys::find_standing: None
            ApiKeys::list: []
            Rights::find_of_key: None
            ApiKeys::revoke_of_user: []
            ApiKeys::revoke: false
            ApiKeys::update_last_used: ()
            ApiKeys::insert: refused (api_keys_user_check)
            ApiKeys::insert: false
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
            Users::insert_role: refused (role_assignments_org_id_user_id_fkey)
            IdempotencyKeys::insert: true
            Users::save_password: refused (password_credentials_org_id_user_id_fkey)
            Users::update_email_verified: refused (email_index_org_id_user_id_fkey)
            Users::insert_all: refused (role_assignments_org_id_role_id_fkey)
            Roles::save: ()
            Users::insert: ()
            Identities::insert_user: taken (users_pkey)
            Delegations::find: None
            Delegations::find_standing: None
            Delegations::list: []
            Delegations::delete: false
            Delegations::save: false
            RoleBlueprints::list: []
            RoleBlueprints::delete: false
            RoleBlueprints::save: ()
            Quotas::list: {}
            Quotas::find_limit: 20
            Quotas::count: {ApiKeys: 0, Clients: 1, Connections: 1, Domains: 1, Groups: 0, Roles: 1, Webhooks: 1}
            Quotas::save: ()
            Quotas::save: ()
            MailTemplates::find: None
            MailTemplates::find_first: None
            MailTemplates::list: []
            MailTemplates::fail: false
            MailTemplates::delete: false
            MailTemplates::save: ()
            ");
        }
        assert_eq!(self.made, call::methods());
    }
}
