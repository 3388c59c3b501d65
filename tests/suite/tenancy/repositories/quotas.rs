//! Quotas.

use orgate_domain::quotas::Quota;
use orgate_tests::fixture::now;

use super::Calls;

impl Calls {
    /// What quotas add: one of Acme's.
    pub(super) async fn quotas(&mut self) {
        let mut tx = self.fixture.acme.begin().await;
        tx.quotas().save(Quota::Webhooks, Some(7), now()).await.expect("a quota");
        tx.commit().await.expect("a commit");
        calls! { self, tx;
            "Quotas::list" => tx.quotas().list();
            "Quotas::find_limit" => tx.quotas().find_limit(Quota::Webhooks);
            "Quotas::count" => tx.quotas().count(now());
            "Quotas::save" => tx.quotas().save(Quota::Webhooks, None, now());
            "Quotas::save" => tx.quotas().save(Quota::Webhooks, Some(9), now());
        }
    }
}
