//! The set-up, and who may be told of what.

use std::sync::Arc;

use chrono::DateTime;
use orgate_domain::ids::GroupId;
use orgate_domain::names::Slug;
use orgate_storage::{Group, NewSetupLink, PageOf, RiskQuestion, StorageError};
use orgate_tests::federated;
use orgate_tests::fixture::{name, now, uuid};

use super::Calls;

impl Calls {
    /// What the self-serve set-up adds.
    pub(super) async fn set_up(&mut self) {
        let made = Arc::clone(&self.federated);
        let id = made.connection.id;
        let (link, token) = federated::setup_link();
        let new = NewSetupLink { link: &link, token };
        let mut tx = self.fixture.acme.begin().await;
        tx.setup_links().insert(&new).await.expect("a link of Acme's");
        tx.commit().await.expect("a commit");
        let question = RiskQuestion {
            connection: id,
            provider: federated::PROVIDER,
            everybody: true,
            pilot: true,
            limit: 10,
        };
        let role = self.acme.role.clone();
        let group = Group {
            id: GroupId::from_uuid(uuid()),
            slug: Slug::parse("mine").expect("a slug"),
            name: name("Mine"),
            roles: [(role.slug.clone(), role.id)].into(),
            parents: [].into(),
            inherited: [].into(),
        };
        let theirs = self.acme.group;
        let user = self.acme.user.id;
        calls! { self, tx;
            "SetupLinks::find" => tx.setup_links().find(link.id);
            "SetupLinks::find_by_token" => tx.setup_links().find_by_token(&token);
            "SetupLinks::list" => async {
                tx.setup_links().list(PageOf { after: None, limit: 10 }).await.map(|page| page.items)
            };
            "SetupLinks::count_made" => tx.setup_links().count_made(DateTime::UNIX_EPOCH, None);
            "SetupLinks::revoke" => tx.setup_links().revoke(link.id, now());
            "SetupLinks::update_last_used" => tx.setup_links().update_last_used(link.id, now());
            "Connections::save_activated" => tx.connections().save_activated(id, 1, now());
            "Groups::hold" => tx.groups().hold();
            "Groups::seize" => tx.groups().seize();
            "Groups::list" => tx.groups().list();
            "Groups::list_page" => async {
                tx.groups().list_page(PageOf { after: None, limit: 10 }).await.map(|page| page.items)
            };
            "Groups::find" => tx.groups().find(theirs);
            "Groups::list_members" => async {
                let page = PageOf { after: None, limit: 10 };
                tx.groups().list_members(theirs, page).await.map(|page| page.items)
            };
            "Groups::list_of_member" => tx.groups().list_of_member(user);
            "Groups::replace_of_member" => tx.groups().replace_of_member(user, &[theirs]);
            "Groups::clear" => tx.groups().clear(theirs);
            "Groups::delete_member" => tx.groups().delete_member(theirs, user);
            "Groups::delete" => tx.groups().delete(theirs);
            "Groups::insert_member" => tx.groups().insert_member(theirs, user);
            "Groups::save" => tx.groups().save(&group, now());
            "Identities::list_at_risk" => async {
                let (found, total) = tx.identities().list_at_risk(&question).await?;
                // Globex's own users, whom no connection of Acme's knows.
                Ok::<_, StorageError>((found.iter().any(|user| user.linked || user.served || user.piloted), total))
            };
            "Connections::lock" => tx.connections().lock(id);
            "SetupLinks::insert" => tx.setup_links().insert(&new);
        }
    }
}
