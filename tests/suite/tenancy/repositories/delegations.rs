//! Delegations to organizations above.

use orgate_storage::Delegation;
use orgate_tests::fixture::now;

use super::Calls;

impl Calls {
    /// What delegations add: Globex is above Acme, and let in there.
    pub(super) async fn delegations(&mut self) {
        let (acme, globex) = (self.fixture.acme.id(), self.fixture.globex.id());
        let above = "insert into organization_ancestors (org_id, ancestor_id, depth) values ($1, $2, 1)";
        let above = sqlx::query(above).bind(acme.as_uuid()).bind(globex.as_uuid());
        above.execute(self.fixture.database.superuser()).await.expect("it is above");
        let delegation = &Delegation {
            delegate: globex,
            permissions: ["orgate:users:read".to_owned()].into(),
            created_at: now(),
            updated_at: now(),
        };
        let mut tx = self.fixture.acme.begin().await;
        assert!(tx.delegations().save(delegation).await.expect("a delegation"));
        tx.commit().await.expect("a commit");
        calls! { self, tx;
            "Delegations::find" => tx.delegations().find(globex);
            "Delegations::find_standing" => tx.delegations().find_standing(globex);
            "Delegations::list" => tx.delegations().list();
            "Delegations::delete" => tx.delegations().delete(globex);
            "Delegations::save" => tx.delegations().save(delegation);
        }
    }
}
