//! An organization is erased while nodes are killed.

use std::time::Duration;

use sqlx::AssertSqlSafe;

use super::below;
use super::world::World;

/// Users of the organization that is erased: eight transactions of them alone.
const USERS: i64 = 16_000;

/// Kills until somebody asks whether it ends.
const PATIENCE: usize = 200;

impl World {
    async fn run(&self, statement: &'static str) {
        sqlx::query(statement).execute(self.database.superuser()).await.expect("a superuser may");
    }

    async fn count(&self, what: String) -> i64 {
        sqlx::query_scalar(AssertSqlSafe(what)).fetch_one(self.database.superuser()).await.expect("counted")
    }

    /// Users of Globex, or of all others.
    async fn users(&self, is: &str) -> i64 {
        let users = "select count(*) from users join organizations using (org_id)";
        self.count(format!("{users} where slug {is} 'globex'")).await
    }

    /// Kills one in a while, which the next one does not wait for: it looks at what is due as soon as it runs.
    async fn kill_soon(&self) {
        tokio::time::sleep(Duration::from_millis(20 + u64::try_from(below(200)).expect("small"))).await;
        self.kill(below(2)).await;
    }
}

#[tokio::test]
async fn an_organization_is_erased_whole_and_told_of_once_whoever_is_killed() {
    let world = World::start(0).await;
    let others = world.users("<>").await;
    let many = format!(
        "with made as (
             insert into users (org_id, id, email, email_normalized, email_verified, name, created_at, updated_at)
             select org_id, gen_random_uuid(), n || '@globex.test', n || '@globex.test', true, 'One of many', now(), now()
             from organizations, generate_series(1, {USERS}) n where slug = 'globex' returning 1)
         select count(*) from made"
    );
    assert_eq!(world.count(many).await, USERS);
    // So that it takes longer than a node lives.
    world
        .run("create function take_time() returns trigger language plpgsql as 'begin perform pg_sleep(0.3); return null; end'")
        .await;
    world
        .run("create trigger take_time after delete on users for each statement execute function take_time()")
        .await;
    world.run("update organizations set status = 'deleted' where slug = 'globex'").await;
    world
        .run("update organizations set erase_after = now() - interval '1 minute' where slug = 'globex'")
        .await;

    let mut halfway = 0;
    for kills in 1.. {
        world.kill_soon().await;
        let left = world.users("=").await;
        if left == 0 {
            break;
        }
        halfway += usize::from(left < USERS);
        assert!(kills < PATIENCE, "{left} are left");
    }
    assert!(halfway > 0, "there was nothing that a kill could have spoiled");
    // Nobody who began before it was deleted is still at work: it begins to settle once.
    world.run("update organizations set erasing_since = erasing_since - interval '1 hour' where slug = 'globex'").await;
    let settled = "update organizations set erase_after = now() - interval '1 minute'
                   where slug = 'globex' and erased_at is null";
    let ended = "select count(*) from organizations where slug = 'globex' and erased_at is not null";
    for kills in 1.. {
        world.run(settled).await;
        world.kill_soon().await;
        if world.count(ended.to_owned()).await == 1 {
            break;
        }
        assert!(kills < PATIENCE, "it does not end");
    }

    let tables: Vec<String> = sqlx::query_scalar("select name::text from erased_tables")
        .fetch_all(world.database.superuser())
        .await
        .expect("tables");
    assert!(tables.len() > 50, "{tables:?}");
    for table in tables {
        let left = format!(
            "select count(*) from {table} join organizations whose using (org_id) where whose.slug = 'globex'"
        );
        assert_eq!(world.count(left).await, 0, "{table}");
    }
    let told = "select count(*) from audit_events where action = 'organization.erased' and detail ->> 'slug' = 'globex'";
    assert_eq!(world.count(told.to_owned()).await, 1);
    assert_eq!(world.users("<>").await, others, "nobody else's");
}
