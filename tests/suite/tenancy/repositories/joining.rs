//! Who may join, and who asked to.

use std::sync::Arc;

use orgate_domain::joining::{Entry, Joining};
use orgate_storage::PageOf;
use orgate_tests::federated::new_join_request;
use orgate_tests::fixture::{hash, now, uuid};

use super::Calls;

impl Calls {
    /// What joining adds.
    pub(super) async fn join(&mut self) {
        let (acme, made) = (Arc::clone(&self.acme), Arc::clone(&self.federated));
        let (id, token, email) = made.join_request.clone();
        let invitation = made.invitation.0;
        let page = || PageOf { after: None, limit: 10 };
        let joining = Joining {
            domains: Entry::Automatic,
            others: Entry::Request,
            roles: [acme.role.slug.as_str().to_owned()].into(),
            set_by: "operator".to_owned(),
            set_at: now(),
        };
        let client = (acme.client.owner, acme.client.id);
        let mine = (orgate_domain::ids::JoinRequestId::from_uuid(uuid()), hash(), email.clone());
        let times = (now(), now() + chrono::Duration::days(1));
        calls! { self, tx;
            "JoiningRules::seize" => tx.joining().seize();
            "JoiningRules::find" => tx.joining().find();
            "JoiningRules::save" => tx.joining().save(&joining);
            "JoinRequests::seize" => tx.join_requests().seize();
            "JoinRequests::find_by_token" => tx.join_requests().find_by_token(&token);
            "JoinRequests::find_by_id" => tx.join_requests().find_by_id(id);
            "JoinRequests::find" => tx.join_requests().find(id, now());
            "JoinRequests::list" => async { tx.join_requests().list(page(), now()).await.map(|page| page.items) };
            "JoinRequests::list_open" => async { tx.join_requests().list_open(page(), now()).await.map(|page| page.items) };
            "JoinRequests::settle" => tx.join_requests().settle(&email, (invitation, times.0, times.1));
            "JoinRequests::find_settled" => tx.join_requests().find_settled(&email, now());
            "JoinRequests::has_room" => tx.join_requests().has_room(now());
            "JoinRequests::prove" => tx.join_requests().prove(id, times);
            "JoinRequests::admit" => tx.join_requests().admit(id, (invitation, times.0, times.1));
            "JoinRequests::approve" => tx.join_requests().approve(id, (invitation, "operator"), times);
            "JoinRequests::deny" => tx.join_requests().deny(id, "operator", times);
            "JoinRequests::delete_of" => tx.join_requests().delete_of(&email);
            "JoinRequests::insert" => tx.join_requests().insert(&new_join_request(&mine, client), now());
        }
    }
}
