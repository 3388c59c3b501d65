//! What is changed.

use std::sync::Arc;

use chrono::{DateTime, Duration};
use orgate_domain::audit::Action;
use orgate_domain::clients::ClientStatus;
use orgate_domain::connections::Attributes;
use orgate_domain::credentials::SecretHash;
use orgate_domain::domains::OrgDomain;
use orgate_domain::ids::{DomainId, SessionId};
use orgate_domain::names::ExternalId;
use orgate_domain::organizations::{Branding, OrgStatus};
use orgate_domain::policies::PolicySettings;
use orgate_domain::standing::UserStatus;
use orgate_protocol::jose::SigningAlgorithm;
use orgate_storage::{Handover, OrganizationChange, Rotation};
use orgate_tests::fixture::{self, hash, name, new_grant, now, uuid};

use super::Calls;

impl Calls {
    pub(super) async fn change(&mut self) {
        let (acme, shared, org_id) = (Arc::clone(&self.acme), self.shared, self.fixture.globex.id());
        let (name, branding) = (name("Mine"), Branding::default());
        let org = OrganizationChange {
            name: &name,
            branding: &branding,
            status: Some((OrgStatus::Active, now())),
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
        let external_id = ExternalId::parse("theirs").expect("an id");
        let mine = Attributes::from([("mine".to_owned(), vec!["mine".to_owned()])]);
        calls! { self, tx;
            "AuthorizationRequests::consume" => tx.authorization_requests().consume(acme.request.id, now());
            "Clients::delete_access" => tx.clients().delete_access(shared);
            "Clients::delete_secrets" => tx.clients().delete_secrets(acme.client.id);
            "Clients::update_status" =>
                tx.clients().update_status(acme.client.id, ClientStatus::Disabled);
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
            "Registrations::remove" => tx.registrations().remove(acme.client.id, now());
            "Registrations::revoke_token" =>
                tx.registrations().revoke_token(acme.registration_token, now() - Duration::days(1));
            "Registrations::update_document_fetched" =>
                tx.registrations().update_document_fetched(acme.client.id, now());
            "Registrations::spend_token" =>
                tx.registrations().spend_token(&SecretHash::of(fixture::REVOKED.as_bytes()), now());
            "Grants::revoke" => tx.grants().revoke(acme.grant.id, now());
            "Grants::rotate" => tx.grants().rotate(&rotation, &rotated);
            "Grants::renew" => tx.grants().renew(&acme.grant.refresh_token, now() + Duration::days(1));
            "Organizations::hold" => tx.organization().hold();
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
            "Sessions::succeed" => tx.sessions().succeed(acme.signed_in.session.id, (SessionId::from_uuid(uuid()), &acme.account), now());
            "Sessions::end" => tx.sessions().end(&[(acme.signed_in.session.id, rotated.id)], &ended);
            "SignIns::clear_tries" => tx.sign_ins().clear_tries(&acme.account);
            "AttributeSets::save_of_organization" => tx.attributes().save_of_organization(&mine);
            "AttributeSets::save_of_user" => tx.attributes().save_of_user(acme.user.id, &mine);
            "Users::update_break_glass" => tx.users().update_break_glass(acme.user.id, true, now());
            "IdempotencyKeys::delete" => tx.idempotency_keys().delete(&SecretHash::of(fixture::REVOKED.as_bytes()), uuid());
            "Roles::release" => tx.roles().release(acme.role.id);
            "Roles::delete" => tx.roles().delete(acme.role.id);
            "Users::delete_role" => tx.users().delete_role(acme.user.id, acme.role.id);
            "Users::list_roles_held" => tx.users().list_roles_held(acme.user.id);
            "Users::list_shut_out" => tx.users().list_shut_out(acme.user.id, DateTime::UNIX_EPOCH);
            "Users::find_by_external_id" => tx.users().find_by_external_id(&external_id);
            "Users::update_email" => tx.users().update_email(acme.user.id, &acme.user.email, now());
            "Users::update_external_id" => tx.users().update_external_id(acme.user.id, Some(&external_id), now());
            "Users::erase" => tx.users().erase(acme.user.id);
            "Organizations::update_external_id" => tx.organization().update_external_id(Some(&external_id), now());
            "Organizations::find_neighbours" => tx.organization().find_neighbours();
            "Organizations::begin_erasure" => tx.organization().begin_erasure(now());
            "Organizations::erase_some" => tx.organization().erase_some(1_000);
            "Organizations::postpone_erasure" => tx.organization().postpone_erasure(now());
            "Organizations::end_erasure" => tx.organization().end_erasure(now());
            "Users::update" => tx.users().update(acme.user.id, &name, Some(UserStatus::Deactivated), now());
        }
    }
}
