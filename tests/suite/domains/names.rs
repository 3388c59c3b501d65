//! Domains that no organization can have, and domains that one file gives twice.

use orgate_flows::domains::{self, By, DomainError};
use orgate_server::apply_file;

use super::{ALONE, World, name};

#[tokio::test]
async fn what_strangers_register_names_below_is_nobodys() {
    let world = World::start().await;
    let (app, scope) = (&world.app, world.app.org("acme").await);

    for suffix in ["co.uk", "github.io", "CO.UK.", "com.au", "公司.cn", "anything.ck"] {
        let refused = domains::claim(&app.env, By::operator(&scope), &name(suffix)).await;
        assert!(matches!(refused, Err(DomainError::PublicSuffix(_))), "{suffix}: {refused:?}");
    }
    for own in ["acme.co.uk", "acme.github.io", "www.ck", "github.com"] {
        world.claim("acme", own).await;
    }

    assert_eq!(world.events("globex").await, ["domain.configured success"], "of the samples");
    let claimed = world.events("acme").await;
    assert_eq!(claimed.iter().filter(|event| *event == "domain.claimed success").count(), 4, "{claimed:?}");
}

#[tokio::test]
async fn a_claim_from_before_a_suffix_was_known_is_not_verified() {
    let world = World::start().await;
    world.prepare("acme", "once-a-domain.test").await;
    // As if it had been claimed under an older list.
    let rename = "update domains set domain = 'github.io' where domain = 'once-a-domain.test'";
    sqlx::raw_sql(rename).execute(world.app.database.superuser()).await.expect("renamed");
    let claimed = world.state("acme", "github.io").await.expect("claimed");
    world.dns.set(&claimed.record_name(), &claimed.record_text().expect("a challenge"));

    let refused = world.verify("acme", "github.io", ALONE).await;

    assert!(matches!(refused, Err(DomainError::PublicSuffix(_))), "{refused:?}");
    assert!(world.state("acme", "github.io").await.is_some_and(|domain| domain.verified_at.is_none()));
    assert_eq!(world.events("acme").await.last().map(String::as_str), Some("domain.refused refused public"));
}

#[test]
fn a_domain_that_is_wanted_twice_is_a_problem_of_the_files() {
    let yaml = "
organizations:
  - { slug: initech, name: Initech, domains: [wanted.test, wanted.test] }
  - slug: umbrella
    name: Umbrella
    domains:
      - umbrella.test
      - Wanted.TEST
      - 公司.cn
  - { slug: hooli, name: Hooli, domains: [xn--55qx5d.cn] }
";

    let problems = apply_file::load_str("test.yaml", yaml, &|_: &str| None).expect_err("refused");

    insta::assert_snapshot!(problems.to_string(), @r"
    test.yaml:3:60: the domain wanted.test was already described at test.yaml:3:47
    test.yaml:8:9: the domain wanted.test was already described at test.yaml:3:47
    test.yaml:10:43: the domain xn--55qx5d.cn was already described at test.yaml:9:9
    ");
}
