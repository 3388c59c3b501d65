//! Invitations, and what comes of them.

use std::sync::Arc;

use orgate_domain::audit::Origin;
use orgate_domain::ids::{InvitationId, MessageId};
use orgate_domain::setup::LinkMaker;
use orgate_storage::{NewInvitationLink, NewMessage, NewSession, PageOf};
use orgate_tests::federated::new_invitation;
use orgate_tests::fixture::{hash, now, uuid};

use super::Calls;

impl Calls {
    /// What invitations add.
    pub(super) async fn invite(&mut self) {
        let (acme, made) = (Arc::clone(&self.acme), Arc::clone(&self.federated));
        let (id, token, email) = made.invitation.clone();
        let page = || PageOf { after: None, limit: 10 };
        let link = NewInvitationLink { token: hash(), by: "operator", at: now(), expires_at: now() };
        let (roles, groups) = ([acme.role.id], [acme.group]);
        let mine = (InvitationId::from_uuid(uuid()), hash(), email.clone());
        let message =
            NewMessage { id: MessageId::from_uuid(uuid()), kind: "invitation", payload: b"mine", at: now() };
        let (user, client) = (acme.user.id, acme.client.id);
        let addresses = [email.normalized().to_owned(), acme.user.email.normalized().to_owned()];
        let origin = Origin::default();
        calls! { self, tx;
            "Invitations::seize" => tx.invitations().seize();
            "Invitations::find" => tx.invitations().find(id);
            "Invitations::find_by_token" => tx.invitations().find_by_token(&token);
            "Invitations::find_open" => tx.invitations().find_open(&email);
            "Invitations::take" => tx.invitations().take(id);
            "Invitations::list" => async { tx.invitations().list(page()).await.map(|page| page.items) };
            "Invitations::list_by_email" => async {
                tx.invitations().list_by_email((&email, page())).await.map(|page| page.items)
            };
            "Invitations::list_known" => tx.invitations().list_known(&addresses, now());
            "Invitations::is_of_verified_domain" => tx.invitations().is_of_verified_domain(&email);
            "Invitations::is_of_domain_verified_by" => tx.invitations().is_of_domain_verified_by(&email, now());
            "Invitations::find_seats" => tx.invitations().find_seats(now());
            "Invitations::find_limit" => tx.invitations().find_limit();
            "Invitations::count_seats" => tx.invitations().count_seats(now());
            "Invitations::count_sent" => tx.invitations().count_sent(chrono::DateTime::UNIX_EPOCH, (&addresses, 1));
            "Rights::find_of_maker" => tx.rights().find_of_maker((LinkMaker::User(user), now()));
            "Rights::find_of_maker" => tx.rights().find_of_maker((LinkMaker::Client(client), now()));
            "Invitations::update_link" => tx.invitations().update_link(id, &link);
            "Invitations::revoke" => tx.invitations().revoke(id, now());
            "Invitations::consume" => tx.invitations().consume(id, (user, now()));
            "Invitations::update_limit" => tx.invitations().update_limit(Some(1_000), now());
            "Users::update_locale" => tx.users().update_locale(user, Some("de"), now());
            "Outbox::insert_all" => tx.outbox().insert_all(std::slice::from_ref(&message));
            "Sessions::insert" => tx.sessions().insert(&NewSession {
                session: &acme.signed_in.session, token: acme.signed_in.token, browser: acme.signed_in.browser,
                ends_by: None, origin: &origin, upstream: None }, now());
            "Invitations::insert" => async {
                tx.invitations().insert(&[new_invitation(&mine, (&roles, &groups))], ("operator", now())).await
            };
        }
    }
}
