//! Whom files invite.

use serde_json::json;

use super::World;

fn acme(invitations: &str) -> String {
    format!("organizations:\n  - slug: acme\n    name: Acme Inc\n    invitations: [{invitations}]\n")
}

impl World {
    /// The links that were mailed to somebody, the latest first.
    async fn links_to(&self, email: &str) -> Vec<String> {
        while self.mailbox.collect(&self.app).await > 0 {}
        let mails = self.mailbox.mails().await;
        let theirs = mails.iter().filter(|mail| mail["to"].to_string().contains(email));
        let texts = theirs.filter_map(|mail| mail["text"].as_str());
        let link = |text: &str| {
            text.split_whitespace().find(|word| word.contains("/invitations")).map(str::to_owned)
        };
        texts.filter_map(link).collect()
    }
}

#[tokio::test]
async fn whoever_is_no_user_is_written_to_once_and_anew_for_other_roles() {
    let world = World::start().await;
    let file = acme(
        "{ email: new@acme.test, name: Nora, roles: [viewer], client_id: landing }, { email: ada@acme.test }",
    );
    let more = acme("{ email: new@acme.test, name: Nora, roles: [viewer, admin], client_id: landing }");

    let shown = world.app.plan(&file).await.expect("planned").to_string();
    world.app.apply(&file).await;
    let first = world.links_to("new@acme.test").await;
    let again = world.app.plan(&file).await.expect("planned").to_string();
    let changed = world.app.plan(&more).await.expect("planned").to_string();
    world.app.apply(&more).await;
    let both = world.links_to("new@acme.test").await;

    assert_eq!(shown, "+ invitation of new@acme.test to acme (a mail will be sent)\n= 2 unchanged\n");
    assert_eq!((first.len(), both.len()), (1, 2));
    assert!(again.starts_with("no changes"), "{again}");
    let anew = "~ invitation of new@acme.test to acme: roles (another mail will be sent; the former link opens nothing any more)";
    assert!(changed.starts_with(anew), "{changed}");
    let browser = world.app.browser();
    assert_eq!(browser.get(&first[0]).await.status, 410);
    let accepted = world.accept(&browser, &both[0]).await;
    assert!(accepted.status.is_success() || accepted.status.is_redirection(), "{}", accepted.body);
    assert_eq!(world.user("new@acme.test").await["roles"], json!(["admin", "viewer"]));
    assert!(world.app.plan(&more).await.expect("planned").to_string().starts_with("no changes"));
    assert_eq!(world.count("select count(*) from audit_events where action = 'invitation.revoked'").await, 1);
}

/// All that a step does is done, or nothing: also where somebody else took the last seat since the plan.
#[tokio::test]
async fn nobody_is_invited_where_one_cannot_be() {
    let world = World::start().await;
    let file = acme("{ email: one@acme.test }, { email: two@acme.test }");
    let planned = world.app.plan(&file).await.expect("planned");
    world.run("update organizations set seats = 1 + (select count(*) from users where users.org_id = organizations.org_id) where slug = 'acme'").await;

    let stopped = orgate_flows::apply::execute(&world.app.env, planned, |_| ()).await.expect_err("stopped");

    let cause = std::error::Error::source(&stopped).map(ToString::to_string).unwrap_or_default();
    assert!(
        cause.starts_with("two@acme.test cannot be invited to acme: the organization has no seat left"),
        "{cause}"
    );
    assert_eq!(world.count("select count(*) from invitations").await, 0);
    assert_eq!(world.links_to("one@acme.test").await, [] as [String; 0]);
}

#[tokio::test]
async fn what_one_organization_has_no_room_for_keeps_no_other_from_inviting() {
    let world = World::start().await;
    let file = "organizations:\n  - { slug: acme, name: Acme Inc, invitations: [{ email: one@acme.test }] }\n  \
                - { slug: globex, name: Globex Corp, invitations: [{ email: two@globex.test }] }\n";
    let planned = world.app.plan(file).await.expect("planned");
    world.run("update organizations set seats = (select count(*) from users where users.org_id = organizations.org_id) where slug = 'acme'").await;

    let stopped = orgate_flows::apply::execute(&world.app.env, planned, |_| ()).await.expect_err("not all");

    let cause = std::error::Error::source(&stopped).map(ToString::to_string).unwrap_or_default();
    assert!(cause.starts_with("one@acme.test cannot be invited to acme"), "{cause}");
    assert_eq!(world.links_to("one@acme.test").await, [] as [String; 0]);
    assert_eq!(world.links_to("two@globex.test").await.len(), 1);
}

#[tokio::test]
async fn what_cannot_be_is_told_with_its_place() {
    let world = World::start().await;
    let file = acme(
        "{ email: one@acme.test }, { email: ONE@acme.test, expires_in_hours: 0 }, \
         { email: two@acme.test, locale: \"a b\" }",
    );

    let unknown = acme("{ email: one@acme.test, roles: [boss], groups: [none], client_id: nowhere }");
    let unknown = world.app.plan(&unknown).await.expect_err("refused").to_string();
    let refused = world.app.plan(&file).await.expect_err("refused").to_string();
    let wrong = world.app.plan(&acme("{ email: nobody }")).await.expect_err("refused").to_string();

    insta::assert_snapshot!(unknown, @"
    test.yaml:4:28: client_id: no application of this client_id is open to the organization and begins sign-ins at an address of its own (initiate_login_uri)
    test.yaml:4:28: acme has no role boss; it has admin, auditor, help-desk, owner, reader, sso-manager, user-manager, viewer
    test.yaml:4:28: acme has no group none; it has none
    ");
    insta::assert_snapshot!(refused, @"
    test.yaml:4:54: the invitation to one@acme.test was already described at test.yaml:4:28
    test.yaml:4:54: expires_in_hours: an invitation is good for one hour to 30 days
    test.yaml:4:101: locale: a language tag (BCP 47), like de or pt-BR
    ");
    insta::assert_snapshot!(wrong, @r#"test.yaml:4:28: email "nobody": not an e-mail address, like name@example.com"#);
    assert_eq!(world.count("select count(*) from invitations").await, 0);
}

/// Two who apply the same at once, and somebody who joins meanwhile.
#[tokio::test]
async fn nobody_is_written_to_who_was_invited_or_joined_since_the_plan() {
    let world = World::start().await;
    let planned =
        world.app.plan(&acme("{ email: one@acme.test }, { email: two@acme.test }")).await.expect("planned");
    world.app.apply(&acme("{ email: one@acme.test }")).await;
    let links = world.links_to("one@acme.test").await;
    let joined =
        "organizations: [{ slug: acme, name: Acme Inc, users: [{ email: two@acme.test, name: Two }] }]\n";
    world.app.apply(joined).await;

    orgate_flows::apply::execute(&world.app.env, planned, |_| ()).await.expect("applied");

    assert_eq!(links.len(), 1);
    assert_eq!(world.links_to("one@acme.test").await, links);
    assert_eq!(world.links_to("two@acme.test").await, [] as [String; 0]);
    assert_eq!(world.count("select count(*) from audit_events where action = 'invitation.revoked'").await, 0);
}
