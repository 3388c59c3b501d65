//! Webhooks that files describe.

use orgate_tests::app::{App, HOOK};
use orgate_tests::webhook_receiver::WebhookReceiver;
use serde_json::json;

use super::{Program, app, pass};

/// Acme with this webhook.
fn acme(url: &str, more: &str) -> String {
    format!(
        "organizations:\n  - slug: acme\n    name: Acme Inc\n    webhooks: [{{ url: \"{url}\", events: [group.*]{more} }}]\n"
    )
}

async fn planned(app: &App, file: &str) -> String {
    app.plan(file).await.expect("planned").to_string()
}

#[tokio::test]
async fn one_of_a_file_is_told_and_signs_by_the_secret_that_was_made_or_given() {
    let app = app().await;
    let receiver = WebhookReceiver::start().await;
    let program = Program::of(&app, "acme-all", "acme").await;
    let told = async |slug| {
        program.group(slug).await;
        pass(&app).await;
        receiver.take()
    };
    let (plain, given) =
        (acme(receiver.url.as_str(), ""), acme(receiver.url.as_str(), ", secret: \"${HOOK}\""));
    let silent = acme(receiver.url.as_str(), ", status: disabled");

    let shown = planned(&app, &plain).await;
    let applied = app.apply(&plain).await;
    let by_made = told("one").await;
    let again = planned(&app, &plain).await;
    let replaced = planned(&app, &given).await;
    assert!(app.apply(&given).await.generated_secrets.is_empty());
    let by_given = told("two").await;
    let settled = planned(&app, &given).await;
    app.apply(&silent).await;
    let nothing = told("three").await;

    let shown_as = format!("{}/…", receiver.url.origin().ascii_serialization());
    let made = format!("+ webhook {shown_as} of acme (its secret will be generated)\n");
    assert!(shown.starts_with(&made), "{shown}");
    let [secret] = applied.generated_secrets.as_slice() else { panic!("one secret: {applied:?}") };
    assert_eq!(secret.of, format!("the webhook {shown_as} of acme"));
    let [message] = by_made.as_slice() else { panic!("one event: {by_made:?}") };
    assert!(message.kind() == "group.configured" && message.is_signed_by(secret.secret.reveal()));
    assert!(again.starts_with("no changes") && settled.starts_with("no changes"), "{again}{settled}");
    assert!(replaced.starts_with(&format!("~ webhook {shown_as} of acme: secret\n")), "{replaced}");
    let [message] = by_given.as_slice() else { panic!("one event: {by_given:?}") };
    assert!(
        message.is_signed_by(HOOK) && !message.is_signed_by(secret.secret.reveal()),
        "at once, and alone"
    );
    assert!(nothing.is_empty(), "{nothing:?}");
    assert_eq!(program.get("webhooks").await.body["items"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn the_operator_alone_hears_of_all_organizations_by_a_file_too() {
    let app = app().await;
    let receiver = WebhookReceiver::start().await;
    let file = |slug: &str, name: &str| {
        let hook = format!("{{ url: \"{}\", scope: all, events: [group.*] }}", receiver.url);
        format!("organizations: [{{ slug: {slug}, name: {name}, webhooks: [{hook}] }}]\n")
    };

    let refused = app.plan(&file("acme", "Acme Inc")).await.expect_err("refused").to_string();
    app.apply(&file("operator", "Operator")).await;
    Program::of(&app, "globex-all", "globex").await.group("theirs").await;
    pass(&app).await;

    assert!(refused.contains("only operator hears of all organizations"), "{refused}");
    let told = receiver.take();
    let [message] = told.as_slice() else { panic!("one event: {told:?}") };
    assert_eq!(message.event["data"]["detail"]["group"], "theirs");
}

#[tokio::test]
async fn what_cannot_be_is_told_with_its_place() {
    let app = app().await;
    app.apply(&acme("https://hooks.acme.test/", "")).await;
    let file = "
organizations:
  - slug: acme
    name: Acme Inc
    webhooks:
      - { url: \"https://one.acme.test/\", events: [user.flew] }
      - { url: \"https://two.acme.test/#here\" }
      - { url: \"https://three.acme.test/\", events: [] }
  - slug: operator
    name: Operator
    webhooks:
      - { url: \"ftp://four.acme.test/\" }
";
    let twice = "organizations: [{ slug: acme, name: A, webhooks: [{ url: \"https://a.test/\" }, { url: \"https://a.test/\" }] }]";
    let refusal = async |file: &str| app.plan(file).await.expect_err("refused").to_string();

    let problems = refusal(file).await;
    let secret = refusal(&acme("https://five.acme.test/", ", secret: whsec_short")).await;
    let twice = refusal(twice).await;

    insta::assert_snapshot!(problems, @"
    test.yaml:6:16: events/0: there is no such event: name one of the documented list, such as user.configured, or all of a noun, such as user.*
    test.yaml:7:16: url: an address without credentials and fragment
    test.yaml:8:16: events: 1 to 50 events, unless it is to be told of all
    test.yaml:12:16: url: the address may not be reached from here: it must be a public https address
    ");
    insta::assert_snapshot!(secret, @"test.yaml:4:77: secret: a signing secret is whsec_… with 24 to 64 bytes in base64");
    insta::assert_snapshot!(twice, @"test.yaml:1:86: this webhook was already described at test.yaml:1:58");
}

/// Of whom a webhook tells is decided when it is made.
#[tokio::test]
async fn a_webhook_keeps_its_scope() {
    let app = app().await;
    let operator = |more: &str| {
        let hook = format!("{{ url: \"https://hooks.operator.test/\"{more} }}");
        format!("organizations: [{{ slug: operator, name: Operator, webhooks: [{hook}] }}]\n")
    };
    app.apply(&operator("")).await;

    let refused = app.plan(&operator(", scope: all")).await.expect_err("refused").to_string();

    assert!(refused.ends_with("scope: a webhook keeps the one that it was made with"), "{refused}");
}

/// What somebody did since the plan stands, where the file says nothing of it.
#[tokio::test]
async fn what_was_silenced_or_moved_since_it_was_planned_stays_so() {
    let app = app().await;
    let program = Program::of(&app, "acme-all", "acme").await;
    let url = "https://hooks.acme.test/";
    app.apply(&acme(url, "")).await;
    let id = program.get("webhooks").await.body["items"][0]["id"].as_str().expect("an id").to_owned();
    let webhook = format!("webhooks/{id}");
    let change = async |change| {
        let changed = program.call("PATCH", &webhook, Some(&change)).await;
        assert_eq!(changed.status, 200, "{:?}", changed.body);
    };
    let execute = async |plan| orgate_flows::apply::execute(&app.env, plan, |_| ()).await;

    let planned = app.plan(&acme(url, ", description: Ours")).await.expect("planned");
    change(json!({ "enabled": false })).await;
    execute(planned).await.expect("applied");
    let silenced = program.get(&webhook).await.body;
    let planned = app.plan(&acme(url, "")).await.expect("planned");
    change(json!({ "url": "https://elsewhere.acme.test/" })).await;
    let stopped = execute(planned).await.expect_err("stopped");

    assert_eq!((&silenced["description"], &silenced["enabled"]), (&json!("Ours"), &json!(false)));
    let cause = std::error::Error::source(&stopped).map(ToString::to_string).unwrap_or_default();
    assert!(cause.ends_with("there is no such webhook any more; apply again"), "{cause}");
    assert_eq!(program.get(&webhook).await.body["url"], "https://elsewhere.acme.test/");
}

#[tokio::test]
async fn a_new_organization_has_its_webhooks_by_the_same_file_and_one_address_is_one_webhook() {
    let app = app().await;
    let file = |slug: &str, url: &str| {
        format!("organizations: [{{ slug: {slug}, name: Fresh, webhooks: [{{ url: \"{url}\" }}] }}]\n")
    };

    let made = app.apply(&file("fresh", "https://hooks.fresh.test")).await;
    let other = app.apply(&file("newer", "https://hooks.fresh.test")).await;
    let again = app.plan(&file("fresh", "HTTPS://hooks.fresh.test/")).await.expect("planned").to_string();

    let of: Vec<_> =
        made.generated_secrets.iter().chain(&other.generated_secrets).map(|made| &*made.of).collect();
    assert_eq!(
        of,
        ["the webhook https://hooks.fresh.test of fresh", "the webhook https://hooks.fresh.test of newer"]
    );
    assert!(again.starts_with("no changes"), "{again}");
}
