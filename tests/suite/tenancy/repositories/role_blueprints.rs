//! Blueprints of roles.

use orgate_domain::names::{DisplayName, Slug};
use orgate_storage::RoleBlueprint;
use orgate_tests::fixture::now;

use super::Calls;

impl Calls {
    /// What blueprints add: a role of Acme's keeping.
    pub(super) async fn role_blueprints(&mut self) {
        let blueprint = &RoleBlueprint {
            slug: Slug::parse("editor").expect("a slug"),
            name: DisplayName::parse("Editor").expect("a name"),
            permissions: ["notes:write".to_owned()].into(),
        };
        let mut tx = self.fixture.acme.begin().await;
        tx.role_blueprints().save(blueprint, now()).await.expect("a blueprint");
        tx.commit().await.expect("a commit");
        calls! { self, tx;
            "RoleBlueprints::list" => tx.role_blueprints().list();
            "RoleBlueprints::delete" => tx.role_blueprints().delete(&blueprint.slug);
            "RoleBlueprints::save" => tx.role_blueprints().save(blueprint, now());
        }
    }
}
