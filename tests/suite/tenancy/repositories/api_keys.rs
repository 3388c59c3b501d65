//! API keys.

use std::sync::Arc;

use chrono::Duration;
use orgate_domain::api_keys::KeyMaker;
use orgate_storage::{KeyRoom, NewApiKey, PageOf};
use orgate_tests::fixture::{api_key, hash, now};

use super::Calls;

impl Calls {
    /// What API keys add.
    pub(super) async fn api_keys(&mut self) {
        let acme = Arc::clone(&self.acme);
        let (key, secret, session) = (api_key(&acme), hash(), Some(acme.signed_in.session.id));
        let (id, room) = (key.id, KeyRoom { all: 10, of_maker: 10 });
        let mut tx = self.fixture.acme.begin().await;
        let kept = tx.api_keys().insert(&NewApiKey { key: &key, secret, session }, room).await;
        assert!(kept.expect("a key"));
        assert!(tx.api_keys().find_standing(&secret, now()).await.expect("an answer").is_some());
        assert!(tx.rights().find_of_key(id, now()).await.expect("an answer").is_some());
        tx.commit().await.expect("a commit");
        let mine = orgate_domain::api_keys::ApiKey { maker: KeyMaker::Client(acme.client.id), ..key.clone() };
        let page = || PageOf { after: None, limit: 10 };
        calls! { self, tx;
            "ApiKeys::find" => tx.api_keys().find(id);
            "ApiKeys::find_standing" => async {
                Ok(tx.api_keys().find_standing(&secret, now()).await?.map(|found| found.key.id))
            };
            "ApiKeys::list" => async { tx.api_keys().list(page()).await.map(|page| page.items) };
            "Rights::find_of_key" => tx.rights().find_of_key(id, now());
            "ApiKeys::revoke_of_user" => tx.api_keys().revoke_of_user(acme.signed_in.session.user_id, now());
            "ApiKeys::revoke" => tx.api_keys().revoke(id, now());
            "ApiKeys::update_last_used" => tx.api_keys().update_last_used(id, (now(), now() + Duration::hours(1)));
            "ApiKeys::insert" => tx.api_keys().insert(&NewApiKey { key: &key, secret: hash(), session: None }, room);
            "ApiKeys::insert" => async {
                let new = NewApiKey { key: &mine, secret: hash(), session };
                tx.api_keys().insert(&new, KeyRoom { all: 0, of_maker: 0 }).await
            };
        }
    }
}
