//! What is found.

use std::sync::Arc;

use chrono::{DateTime, Duration};
use orgate_domain::clients::Party;
use orgate_domain::credentials::SecretHash;
use orgate_domain::ids::DomainId;
use orgate_storage::{ConsumedKind, Counting, EventFilter, PageOf, Period, UserSearch};
use orgate_tests::fixture::{self, now, uuid};

use super::{Calls, SCRIPTS};

impl Calls {
    pub(super) async fn find(&mut self) {
        let acme = Arc::clone(&self.acme);
        let spent = SecretHash::of(fixture::REVOKED.as_bytes());
        let org_id = self.fixture.acme.id();
        let connection = self.federated.connection.id;
        let since = now() - Duration::minutes(15);
        calls! { self, tx;
            "AttributeSets::find_claim_values_of_user" => async {
                let known = tx.attributes().find_claim_values_of_user(acme.user.id, Some(acme.signed_in.session.id)).await;
                known.map(|known| known.user)
            };
            "AttributeSets::find_of_organization" => tx.attributes().find_of_organization();
            "AttributeSets::find_of_user" => tx.attributes().find_of_user(acme.user.id);
            "AuthorizationRequests::find" => tx.authorization_requests().find(&acme.request.handle);
            "Clients::find" => tx.clients().find(acme.client.id);
            "Clients::list_whole" => tx.clients().list_whole(&[acme.client.id]);
            "Clients::find_admission" => tx.clients().find_admission((org_id, acme.client.id));
            "Clients::list_access" => tx.clients().list_access();
            "Clients::admits_origin" => tx.clients().admits_origin(SCRIPTS, &Party::ALL);
            "Clients::count" => tx.clients().count();
            "Clients::list_admitted" => async {
                let admitted = tx.clients().list_admitted(PageOf { after: None, limit: 50 }).await;
                admitted.map(|page| page.items.into_iter().filter(|client| client.owner == org_id).collect::<Vec<_>>())
            };
            "Clients::list_declaring" => async {
                let admitted = tx.clients().list_declaring(50).await;
                admitted.map(|all| all.into_iter().filter(|client| client.owner == org_id).collect::<Vec<_>>())
            };
            "Clients::list_permissions" => tx.clients().list_permissions(&[acme.client.id]);
            "Clients::list_page" => async {
                let own = tx.clients().list_page(PageOf { after: None, limit: 50 }).await;
                own.map(|page| page.items.into_iter().filter(|client| client.owner == org_id).collect::<Vec<_>>())
            };
            "Clients::list_initiating" => async {
                let admitted = tx.clients().list_initiating(10).await;
                admitted.map(|all| all.into_iter().filter(|(owner, _)| *owner == org_id).collect::<Vec<_>>())
            };
            "Clients::list_first_party" => async {
                let admitted = tx.clients().list_first_party(10).await;
                admitted.map(|all| all.into_iter().filter(|(owner, _)| *owner == org_id).collect::<Vec<_>>())
            };
            "Clients::list_owned" => async {
                let owned = tx.clients().list_owned().await;
                owned.map(|all| all.into_iter().filter(|id| *id == acme.client.id).collect::<Vec<_>>())
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
            "Registrations::is_registered" => tx.registrations().is_registered(acme.client.id);
            "Registrations::list_tokens" => tx.registrations().list_tokens(now());
            "Grants::list_clients" => tx.grants().list_clients(acme.signed_in.session.id);
            "Grants::is_renewable" =>
                tx.grants().is_renewable(acme.signed_in.session.id, (org_id, acme.client.id), now());
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
            "Organizations::find_around" => tx.organization().find_around(acme.user.id);
            "Organizations::find_with_rights" => async {
                let found = tx.organization().find_with_rights(acme.user.id).await;
                found.map(|found| found.map(|(org, permissions)| (org.slug, permissions)))
            };
            "Users::find_own" => tx.users().find_own(acme.user.id);
            "Identities::list_own" => async {
                let found = tx.identities().list_own(acme.user.id).await;
                found.map(|found| found.into_iter().filter(|own| own.link.is_some() || own.id == connection).collect::<Vec<_>>())
            };
            "AuditEvents::list_of_user" => async {
                let page = PageOf { after: None, limit: 10 };
                tx.audit().list_of_user(acme.user.id, page).await.map(|page| page.items)
            };
            "AuditEvents::list_latest" => tx.audit().list_latest(&[], 100);
            "AuditEvents::list" => async {
                let page = PageOf { after: None, limit: 10 };
                tx.audit().list(Period::default(), page).await.map(|page| page.items)
            };
            "AuditEvents::sift" => async {
                let filter = EventFilter { actions: None, user: Some(acme.user.id) };
                let page = PageOf { after: None, limit: 10 };
                tx.audit().sift(filter, Period::default(), page).await.map(|sifted| sifted.page.items)
            };
            "IdempotencyKeys::find" => tx.idempotency_keys().find(&spent);
            "Organizations::find_record" => async {
                tx.organization().find_record().await.map(|record| record.map(|record| record.parent))
            };
            "Rights::find_of_user" => tx.rights().find_of_user(acme.user.id, (acme.signed_in.session.id, now()));
            "Rights::find_of_client" => tx.rights().find_of_client((org_id, acme.client.id));
            "Rights::is_owner_let_in" =>
                tx.rights().is_owner_let_in(acme.role.permissions.first().expect("a permission"), true);
            "Organizations::lock" => tx.organization().lock();
            "Organizations::move_below" => tx.organization().move_below(None, now());
            "Outbox::find" => tx.outbox().find(acme.message);
            "Roles::list" => tx.roles().list();
            "Roles::list_page" => async {
                tx.roles().list_page(PageOf { after: None, limit: 10 }).await.map(|page| page.items)
            };
            "Roles::find" => tx.roles().find(acme.role.id);
            "Roles::seize" => tx.roles().seize();
            "Roles::is_held" => tx.roles().is_held(acme.role.permissions.first().expect("a permission"));
            "Sessions::find_by_cookie" =>
                tx.sessions().find_by_cookie(&acme.signed_in.token, Some((org_id, acme.client.id)));
            "Sessions::find_standing" =>
                tx.sessions().find_standing(acme.signed_in.session.id, (org_id, acme.client.id));
            "Sessions::list" => tx.sessions().list(Some(acme.user.id), (now(), now()));
            "Sessions::list_page" => async {
                let page = PageOf { after: None, limit: 10 };
                tx.sessions().list_page(page, (now(), now())).await.map(|page| page.items)
            };
            "Sessions::find_user" => tx.sessions().find_user(acme.signed_in.session.id);
            "Sessions::list_open" => tx.sessions().list_open(Some(acme.user.id));
            "Sessions::list_shut_out" => tx.sessions().list_shut_out(connection, now());
            "Sessions::count_without_sso" =>
                tx.sessions().count_without_sso(now(), Some(acme.signed_in.session.id));
            "Sessions::list_without_sso" => tx.sessions().list_without_sso(now());
            "SignIns::find_account" => tx.sign_ins().find_account(
                (acme.user.email.normalized(), &acme.account), &acme.signed_in.browser, Some((org_id, acme.client.id)), since);
            "Users::exists" => tx.users().exists(acme.user.id);
            "Users::find" => tx.users().find(acme.user.id);
            "Users::search" => async {
                let text = acme.user.email.as_str().split('@').next().unwrap_or_default();
                let search = UserSearch { text, ..UserSearch::default() };
                tx.users().search(search, PageOf { after: None, limit: 10 }).await.map(|page| page.items)
            };
            "Statistics::count" => tx.statistics().count(Counting {
                now: now(), recent_since: DateTime::UNIX_EPOCH, inactive_since: now(), first_day: DateTime::UNIX_EPOCH.date_naive() });
            "Users::list_described" => async {
                tx.users().list_described(PageOf { after: None, limit: 10 }).await.map(|page| page.items)
            };
            "Users::list_taken" => tx.users().list_taken(&[acme.user.email.normalized().to_owned()]);
            "Users::find_listed_by_email" => tx.users().find_listed_by_email(&acme.user.email);
            "Users::list_permissions" => tx.users().list_permissions(acme.user.id);
            "Users::hold" => tx.users().hold(acme.user.id);
            "Users::seize" => tx.users().seize(Some(acme.user.id));
            "Users::list_indexed" => tx.users().list_indexed(None, 10);
            "Users::find_by_email" => tx.users().find_by_email(&acme.user.email);
        }
    }
}
