//! Webhooks, and the log in the order of commits.

use chrono::Duration;
use orgate_domain::audit::Action;
use orgate_domain::ids::WebhookId;
use orgate_storage::{
    Attempt, DeliveryKey, DeliveryStatus, EventPlace, Following, NewWebhook, PageOf, Progress, WebhookScope,
    WebhookSecrets, WebhookStatus, WebhookTerms,
};
use orgate_tests::fixture::{event, now, uuid};

use super::Calls;

impl Calls {
    /// What webhooks add.
    pub(super) async fn webhooks(&mut self) {
        let (id, at) = (WebhookId::from_uuid(uuid()), now());
        let url = "https://acme.test/hook".to_owned();
        let terms = &WebhookTerms { url, description: None, events: None };
        let new =
            NewWebhook { id, scope: WebhookScope::Organization, terms, secret: b"mine", last_position: 0 };
        let told = event(Action::GroupConfigured);
        let place = EventPlace { at: told.occurred_at, id: told.id };
        let key = DeliveryKey { org_id: self.fixture.acme.id(), place };
        let (status, next_try_at) = (DeliveryStatus::Waiting, Some(at));
        let attempt =
            &Attempt { key, status, attempts: 1, http_status: None, failure: None, at, next_try_at };
        let leased_until = at + Duration::minutes(2);
        let mut tx = self.fixture.acme.begin().await;
        assert!(tx.webhooks().insert(&new, (10, at)).await.expect("a webhook"));
        tx.webhook_deliveries().upsert(id, attempt).await.expect("a delivery");
        tx.webhooks().wake(id, at).await.expect("it is due");
        tx.audit().insert(&told).await.expect("an event");
        tx.commit().await.expect("a commit");
        while self.fixture.store.sequence_events(1_000, at).await.expect("sequenced") == 1_000 {}
        let leased = self.fixture.store.claim_webhooks((at, leased_until), (10, 10)).await.expect("claimed");
        assert!(leased.iter().any(|(_, webhook)| *webhook == id), "it is due");
        let secrets = &WebhookSecrets { current: b"theirs".to_vec(), previous: None };
        let progress = &Progress {
            leased_until,
            as_of: at,
            last_position: 9,
            tries: 0,
            retry_at: None,
            failures: 0,
            failing_since: None,
        };
        let page = PageOf { after: None, limit: 10 };
        let of_acme = self.fixture.acme.id();
        let following = Following { after: 0, filters: None, but_for_tests_of: None, limit: 100 };
        calls! { self, tx;
            "EventPositions::find" => tx.event_positions().find(place);
            "EventPositions::find_before" => async {
                tx.event_positions().find_before(at + Duration::days(1)).await
            };
            "EventPositions::find_last" => async {
                let last = tx.event_positions().find_last().await?;
                tx.event_positions().list(Following { after: last, ..following }).await.map(|rest| rest.events.len())
            };
            "EventPositions::list" => async {
                let followed = tx.event_positions().list(following).await?;
                Ok(followed.events.into_iter().filter(|event| event.org_id == of_acme).count())
            };
            "WebhookDeliveries::find" => tx.webhook_deliveries().find(id, place.id);
            "WebhookDeliveries::list" => async {
                tx.webhook_deliveries().list(id, None, page).await.map(|page| page.items)
            };
            "WebhookDeliveries::list_due" => tx.webhook_deliveries().list_due(id, at, 10);
            "Webhooks::find" => tx.webhooks().find(id);
            "Webhooks::find_leased" => tx.webhooks().find_leased(id, leased_until);
            "Webhooks::hold" => tx.webhooks().hold(id);
            "Webhooks::list" => tx.webhooks().list();
            "Webhooks::disable" => tx.webhooks().disable(id, "mine", at);
            "Webhooks::forget_failures" => tx.webhooks().forget_failures(id);
            "Webhooks::release" => tx.webhooks().release(id, leased_until, None);
            "Webhooks::settle" => tx.webhooks().settle(id, progress);
            "Webhooks::update" => tx.webhooks().update(id, (terms, WebhookStatus::Disabled), at);
            "Webhooks::update_position" => tx.webhooks().update_position(id, 9, at);
            "Webhooks::update_secrets" => tx.webhooks().update_secrets(id, secrets, at);
            "Webhooks::wake" => tx.webhooks().wake(id, at);
            "Webhooks::delete" => tx.webhooks().delete(id);
            "WebhookDeliveries::upsert" => tx.webhook_deliveries().upsert(id, attempt);
            "Webhooks::insert" => tx.webhooks().insert(&new, (10, at));
        }
    }
}
