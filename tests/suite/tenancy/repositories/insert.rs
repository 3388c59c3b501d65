//! What is made.

use std::sync::Arc;

use chrono::Duration;
use orgate_domain::audit::{Action, Event, Origin};
use orgate_domain::connections::Attributes;
use orgate_domain::credentials::SecretHash;
use orgate_domain::ids::{DomainId, GrantId, RegistrationTokenId, SessionId};
use orgate_domain::sessions::{Session, SignInMethod};
use orgate_domain::standing::UserStatus;
use orgate_protocol::jose::{SigningAlgorithm, SigningKey};
use orgate_protocol::oauth::ScopeSet;
use orgate_storage::{
    Answered, AssertedGrant, BroughtUser, ClientChange, ConsumedKind, DocumentBounds, DomainTerms,
    NewClientDocument, NewCode, NewFederatedUser, NewMessage, NewOrganization, NewRegistration,
    NewRegistrationToken, NewSession, NewSigningKey, NewUser, PushedAuthorizationRequest, UpstreamEnd,
};
use orgate_tests::fixture::{self, hash, name, new_challenge, new_device, now, uuid};

use super::Calls;

impl Calls {
    pub(super) async fn insert(&mut self) {
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
        let document = NewClientDocument { client_id: acme.client.id, host: "mine", hash: spent, at: now() };
        let bounds = DocumentBounds { all: 9, of_a_host: 9 };
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
            "Registrations::save_document" => tx.registrations().save_document(&document, bounds);
            "Registrations::insert" => tx.registrations().insert(&registration, 9);
            "Grants::begin_asserted" => tx.grants().begin_asserted(&asserted, &fixture::event(Action::AssertionRedeemed));
            "Grants::revoke_token" => tx.grants().revoke_token(fixture::REVOKED, now(), now());
            "Clients::save" => tx.clients().save(&ClientChange { client: &acme.client, with_status: true, at: now() });
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
                slug: &slug, name: &name, parent: None, is_operator: false, at: now() });
            "Outbox::insert" => tx.outbox().insert(
                &NewMessage { id: acme.message, kind: "discovery_mail", payload: b"mine", at: now() });
            "Sessions::begin" => tx.sessions().begin(acme.request.id, &NewSession {
                session: &acme.signed_in.session, token: acme.signed_in.token, browser: acme.signed_in.browser,
                ends_by: None, origin: &origin, upstream: None }, now());
            "SignIns::take_try" => tx.sign_ins().take_try(&acme.account, 10, now(), Duration::minutes(15));
            "Users::replace_roles" => tx.users().replace_roles(acme.user.id, &[acme.role.id], now());
            "Users::insert_role" => tx.users().insert_role(acme.user.id, acme.role.id, now());
            "IdempotencyKeys::insert" =>
                tx.idempotency_keys().insert(&spent, &Answered { request: spent, made: uuid() }, now());
            "Users::save_password" => tx.users().save_password(acme.user.id, "mine", now());
            "Users::update_email_verified" =>
                tx.users().update_email_verified(acme.user.id, &acme.user.email_hash, now());
            "Users::insert_all" => tx.users().insert_all(&[BroughtUser {
                id: acme.user.id, email: &acme.user.email, verified: None, name: &name, status: UserStatus::Active,
                attributes: &Attributes::new(), phc: None, roles: vec![acme.role.id], groups: vec![acme.group] }], now());
            "Roles::save" => tx.roles().save(&acme.role, now());
            "Users::insert" => tx.users().insert(&NewUser {
                id: acme.user.id, email: &acme.user.email, verified: Some(acme.user.email_hash), name: &name,
                at: now() });
            "Identities::insert_user" => tx.identities().insert_user(&NewFederatedUser {
                id: acme.user.id, email: None, name: &name, at: now() });
        }
    }
}
