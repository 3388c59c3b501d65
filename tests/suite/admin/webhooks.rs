//! Webhooks: made, tried out, changed, switched off, replayed and deleted in the administration.

use orgate_tests::app::{App, Browser, Page, SAMPLES};
use orgate_tests::webhook_receiver::{Message, WebhookReceiver};

use super::console::operator;
use super::{administrator, copied, csrf, hidden, send};
use crate::webhooks::pass;

const LIST: &str = "/admin/acme/webhooks";
const NEW: &str = "/admin/acme/webhooks/new";

/// Without jobs: tests take turns themselves.
async fn app() -> App {
    App::start_without_jobs(|settings| settings.outgoing.allow_private_addresses = true).await
}

/// Makes a webhook, which is told of groups: the address of its page, and its secret.
async fn make(browser: &Browser, url: &str) -> (String, String) {
    let form = browser.get(NEW).await;
    let fields = [("url", url), ("description", "Payroll"), ("which", "chosen"), ("noun", "group.*")];
    let made = send(browser, &form, NEW, &fields).await;
    assert_eq!(made.status, 200, "{}", made.body);
    let (_, rest) = made.body.split_once(&format!("href=\"{LIST}/whk_")).expect("its page");
    (format!("{LIST}/whk_{}", rest.split('"').next().expect("an id")), copied(&made, "secret"))
}

/// Sends the form of a webhook's page as it was shown, but for these fields.
async fn save(browser: &Browser, page: &Page, (path, url): (&str, &str), more: &[(&str, &str)]) -> Page {
    let base =
        ["base_url", "base_description", "base_events"].map(|field| (field, hidden(page, field).concat()));
    let mut fields: Vec<_> = base.iter().map(|(field, value)| (*field, value.as_str())).collect();
    fields.push(("url", url));
    fields.extend(more);
    send(browser, page, path, &fields).await
}

/// Vic of Acme, who holds these.
async fn vic(app: &App, holds: &str) -> Browser {
    let holds = format!("[\"orgate:organization:read\", {holds}]");
    app.apply(&SAMPLES.replacen("[\"notes:read\"]", &holds, 1)).await;
    administrator(app, "acme", "vic@acme.test").await
}

#[tokio::test]
async fn a_webhook_is_made_with_a_secret_that_is_shown_once_and_says_what_came_back() {
    let app = app().await;
    let receiver = WebhookReceiver::start().await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;

    let empty = ada.get(LIST).await;
    let (path, secret) = make(&ada, receiver.url.as_str()).await;
    let (list, page) = (ada.get(LIST).await, ada.get(&path).await);
    let sent = send(&ada, &page, &format!("{path}/test"), &[]).await;
    let delivery = sent.leads_to();
    let waiting = ada.follow(sent).await;
    pass(&app).await;
    let taken = ada.get(&delivery).await;

    assert!(empty.body.contains("There is no webhook"), "{}", empty.body);
    assert!(secret.starts_with("whsec_") && !page.body.contains("whsec_") && !list.body.contains("whsec_"));
    for text in ["<bdi>Payroll</bdi>", "<bdi>group.*</bdi>", ">On<", receiver.url.as_str()] {
        assert!(list.body.contains(text), "{text}: {}", list.body);
    }
    assert!(waiting.body.contains("The test event is on its way") && waiting.body.contains("Look again"));
    for text in ["Webhook tested", "<code>webhook.tested</code>", ">Delivered<", "Status 204"] {
        assert!(taken.body.contains(text), "{text}: {}", taken.body);
    }
    let [message] = receiver.take().try_into().expect("one");
    assert!(message.kind() == "webhook.tested" && message.is_signed_by(&secret));
    let events = app.events("acme").await;
    for event in ["webhook.configured success", "webhook.tested success"] {
        assert!(events.iter().any(|one| one == event), "{event}: {events:?}");
    }
}

#[tokio::test]
async fn what_is_wrong_is_said_beside_its_field_and_what_was_typed_is_kept() {
    let app = App::start_without_jobs(|_| {}).await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let form = ada.get(NEW).await;
    let url = "https://example.com/hook";

    let private = send(&ada, &form, NEW, &[("url", "https://127.0.0.1/"), ("description", "Payroll")]).await;
    let chosen = [("url", url), ("which", "chosen"), ("noun", "user.*")];
    let unknown = send(&ada, &form, NEW, &[&chosen[..], &[("more", "user.flew")]].concat()).await;
    let nothing = send(&ada, &form, NEW, &chosen[..2]).await;

    assert!(private.status == 422 && private.body.contains("id=\"url-error\""), "{}", private.body);
    assert!(private.body.contains("value=\"Payroll\""), "{}", private.body);
    assert!(unknown.status == 422 && unknown.body.contains("id=\"events-error\""), "{}", unknown.body);
    assert!(unknown.body.contains("“user.flew”: there is no such event"), "{}", unknown.body);
    assert!(
        unknown.body.contains("value=\"user.*\" checked") && unknown.body.contains("\nuser.flew</textarea>")
    );
    assert!(nothing.status == 422 && nothing.body.contains("1 to 50 events"), "{}", nothing.body);
    assert!(nothing.body.contains(&format!("value=\"{url}\"")), "{}", nothing.body);
    assert!(ada.get(LIST).await.body.contains("There is no webhook"));
}

#[tokio::test]
async fn an_event_that_was_not_taken_is_delivered_again_and_what_happened_is_replayed() {
    let app = app().await;
    let receiver = WebhookReceiver::start().await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let new_group = "/admin/acme/groups/new";
    send(&ada, &ada.get(new_group).await, new_group, &[("name", "Payroll")]).await;
    pass(&app).await;
    let (path, _) = make(&ada, receiver.url.as_str()).await;
    receiver.answer(503);
    let sent = send(&ada, &ada.get(&path).await, &format!("{path}/test"), &[]).await;
    let delivery = sent.leads_to();
    pass(&app).await;

    let failed = ada.get(&path).await;
    let dead = ada.get(format!("{path}?show=dead")).await;
    receiver.take();
    receiver.answer(204);
    let again = send(&ada, &failed, &format!("{delivery}/redeliver"), &[]).await;
    let said = ada.follow(again).await;
    pass(&app).await;
    let taken = receiver.take();
    let wrong = send(&ada, &failed, &format!("{path}/replay"), &[("since", "yesterday")]).await;
    let replayed = send(&ada, &failed, &format!("{path}/replay"), &[("since", "2020-01-01T00:00")]).await;

    assert!(
        failed.body.contains("Status 503") && failed.body.contains(">To be tried again</span>"),
        "{}",
        failed.body
    );
    assert!(dead.body.contains("No such events."), "{}", dead.body);
    assert!(said.body.contains("The event is sent again"), "{}", said.body);
    assert_eq!(taken.iter().map(Message::kind).collect::<Vec<_>>(), ["webhook.tested"]);
    assert!(delivery.ends_with(taken[0].id()), "{delivery}");
    assert!(wrong.status == 422 && wrong.body.contains("id=\"since-error\""), "{}", wrong.body);
    assert!(wrong.body.contains("value=\"yesterday\""), "{}", wrong.body);
    assert!(ada.follow(replayed).await.body.contains("is sent again. Events keep their ids"));
    pass(&app).await;
    let kinds: Vec<_> = receiver.take().iter().map(Message::kind).map(str::to_owned).collect();
    assert_eq!(kinds, ["group.configured"], "what happened before the webhook was made");
    let events = app.events("acme").await;
    for event in ["webhook.redelivered success", "webhook.replayed success"] {
        assert!(events.iter().any(|one| one == event), "{event}: {events:?}");
    }
}

#[tokio::test]
async fn a_secret_is_replaced_and_the_one_before_it_signs_as_well_as_long_as_was_said() {
    let app = app().await;
    let receiver = WebhookReceiver::start().await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let (path, first) = make(&ada, receiver.url.as_str()).await;
    let (page, rotate) = (ada.get(&path).await, format!("{path}/rotate-secret"));

    let refused = send(&ada, &page, &rotate, &[("overlap_hours", "169")]).await;
    let replaced = send(&ada, &page, &rotate, &[("overlap_hours", "24")]).await;
    let second = copied(&replaced, "secret");
    let after = ada.get(&path).await;
    send(&ada, &after, &format!("{path}/test"), &[]).await;
    pass(&app).await;

    assert!(refused.status == 422 && refused.body.contains("id=\"overlap-error\""), "{}", refused.body);
    assert!(second != first && !after.body.contains(&second), "it is shown once");
    assert!(after.body.contains("The one before it signs as well until"), "{}", after.body);
    let [message] = receiver.take().try_into().expect("one");
    assert!(message.is_signed_by(&first) && message.is_signed_by(&second));
    let third = copied(&send(&ada, &after, &rotate, &[("overlap_hours", "0")]).await, "secret");
    send(&ada, &after, &format!("{path}/test"), &[]).await;
    pass(&app).await;
    let [message] = receiver.take().try_into().expect("one more");
    assert!(message.is_signed_by(&third) && !message.is_signed_by(&second), "as after a leak");
}

#[tokio::test]
async fn a_webhook_is_changed_switched_off_and_on_and_deleted_once_its_host_was_typed() {
    let app = app().await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let (path, _) = make(&ada, "http://localhost:9/first").await;
    let (page, delete) = (ada.get(&path).await, format!("{path}/delete"));

    let saved = save(&ada, &page, (&path, "http://localhost:9/second"), &[("which", "all")]).await;
    let saved = ada.follow(saved).await;
    let off = send(&ada, &saved, &format!("{path}/switch-off"), &[]).await;
    let off = ada.follow(off).await;
    let token = csrf(&off, &path);
    let silent = ada.post(format!("{path}/test"), &[("csrf", &token)]).await;
    let on = send(&ada, &off, &format!("{path}/switch-on"), &[]).await;
    let on = ada.follow(on).await;
    let confirm = ada.get(&delete).await;
    let wrong = send(&ada, &confirm, &delete, &[("word", "payroll")]).await;
    let gone = send(&ada, &confirm, &delete, &[("word", "LOCALHOST")]).await;

    assert!(saved.body.contains("The webhook is saved") && saved.body.contains("localhost:9/second"));
    assert!(off.body.contains(">Switched off<") && !off.body.contains("Send a test event"), "{}", off.body);
    assert!(silent.status == 422 && silent.body.contains("enable it first"), "{}", silent.body);
    assert!(on.body.contains("The webhook is on"), "{}", on.body);
    assert_eq!(wrong.status, 422);
    assert!(ada.follow(gone).await.body.contains("The webhook is gone"));
    assert_eq!(ada.get(&path).await.status, 404);
}

#[tokio::test]
async fn a_form_that_is_stale_says_what_changed_and_can_be_saved_once_more() {
    let app = app().await;
    app.apply(&SAMPLES.replace("roles: [viewer] }", "roles: [admin] }")).await;
    let (ada, vic) = (
        administrator(&app, "acme", "ada@acme.test").await,
        administrator(&app, "acme", "vic@acme.test").await,
    );
    let (path, _) = make(&ada, "http://localhost:9/first").await;
    let (of_ada, of_vic) = (ada.get(&path).await, vic.get(&path).await);
    let (theirs, mine) = ("http://localhost:9/theirs", "http://localhost:9/mine");
    let first = save(&vic, &of_vic, (&path, theirs), &[("which", "all")]).await;
    assert_eq!(first.status, 303, "{}", first.body);

    let stale = save(&ada, &of_ada, (&path, mine), &[("which", "chosen"), ("more", "user.deleted")]).await;
    let saved = save(&ada, &stale, (&path, mine), &[("which", "all")]).await;

    assert_eq!(stale.status, 409);
    for text in [
        "<bdi>Vic Viewer</bdi></a> saved it just now",
        "It is told of now: <bdi>everything</bdi>",
        &format!("Its address is now: <bdi>{theirs}</bdi>"),
        &format!("value=\"{mine}\""),
        "user.deleted</textarea>",
        "Leave it as it is now",
    ] {
        assert!(stale.body.contains(text), "{text}: {}", stale.body);
    }
    assert!(ada.follow(saved).await.body.contains("The webhook is saved"));
}

/// Whoever gets its events reads the log.
#[tokio::test]
async fn who_may_not_read_the_log_has_nothing_sent_anywhere_and_may_switch_a_webhook_off() {
    let app = app().await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let (path, _) = make(&ada, "http://localhost:9/").await;
    let vic = vic(&app, "\"orgate:webhooks:*\"").await;

    let (form, page) = (vic.get(NEW).await, vic.get(&path).await);
    let made = send(&vic, &form, NEW, &[("url", "http://localhost:9/mine")]).await;
    let token = csrf(&form, NEW);
    let fields = [("csrf", token.as_str()), ("url", "http://localhost:9/mine"), ("which", "all")];
    let mut refused = Vec::new();
    for below in ["/test", "/rotate-secret", "/replay"] {
        let more = [("overlap_hours", "1"), ("since", "2020-01-01T00:00")];
        refused.push(vic.post(format!("{path}{below}"), &[&fields[..], &more].concat()).await);
    }
    let base =
        [("base_url", "http://localhost:9/"), ("base_description", "Payroll"), ("base_events", "group.*")];
    refused.push(vic.post(&path, &[&fields[..], &base].concat()).await);
    let off = send(&vic, &page, &format!("{path}/switch-off"), &[]).await;

    assert!(page.body.contains("orgate:audit:read") && !page.body.contains("name=\"url\""), "{}", page.body);
    assert!(made.status == 403 && made.body.contains("orgate:audit:read is needed"), "{}", made.body);
    for page in refused {
        assert!(page.status == 403 && page.body.contains("orgate:audit:read"), "{}", page.body);
    }
    assert!(vic.follow(off).await.body.contains(">Switched off<"));
}

#[tokio::test]
async fn who_may_only_read_sees_a_webhook_and_no_form() {
    let app = app().await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let (path, _) = make(&ada, "http://localhost:9/").await;
    let vic = vic(&app, "\"orgate:webhooks:read\", \"orgate:audit:read\"").await;

    let (list, page) = (vic.get(LIST).await, vic.get(&path).await);

    assert!(!list.body.contains("/webhooks/new"), "{}", list.body);
    assert!(page.body.contains("<code>group.*</code>"), "{}", page.body);
    assert!(
        !page.body.contains(&format!("action=\"{path}")) && !page.body.contains("/delete"),
        "{}",
        page.body
    );
    assert_eq!(
        (vic.get(NEW).await.status.as_u16(), vic.get(format!("{path}/delete")).await.status.as_u16()),
        (403, 403)
    );
}

#[tokio::test]
async fn there_is_no_page_of_a_webhook_of_another_organization() {
    let app = app().await;
    let (ada, gus) = (
        administrator(&app, "acme", "ada@acme.test").await,
        administrator(&app, "globex", "gus@globex.test").await,
    );
    let (path, _) = make(&ada, "http://localhost:9/").await;
    let tested = send(&ada, &ada.get(&path).await, &format!("{path}/test"), &[]).await.leads_to();
    let theirs = |path: &str| path.replace("/acme/", "/globex/");
    let new = theirs(NEW);
    let token = csrf(&gus.get(&new).await, &new);
    let unknown = gus.get("/admin/globex/webhooks/whk_00000000000000000000000000").await;

    for at in [path.clone(), format!("{path}/delete"), tested.clone()] {
        let page = gus.get(theirs(&at)).await;
        assert!(page.status == 404 && page.body.len() == unknown.body.len(), "{at}: {}", page.body);
    }
    let fields = [
        ("csrf", token.as_str()),
        ("url", "http://localhost:9/mine"),
        ("word", "localhost"),
        ("overlap_hours", "1"),
        ("since", "2020-01-01T00:00"),
    ];
    for below in ["", "/test", "/switch-off", "/switch-on", "/rotate-secret", "/replay", "/delete"] {
        let page = gus.post(format!("{}{below}", theirs(&path)), &fields).await;
        assert_eq!(page.status, 404, "{below}: {}", page.body);
    }
    assert_eq!(gus.post(format!("{}/redeliver", theirs(&tested)), &fields).await.status, 404);
    assert!(ada.get(&path).await.body.contains(">On<"));
}

#[tokio::test]
async fn the_operator_alone_is_offered_to_hear_of_all_organizations() {
    let app = app().await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let form = ada.get(NEW).await;

    let refused = send(&ada, &form, NEW, &[("url", "http://localhost:9/"), ("scope", "all")]).await;
    let ruth = operator(&app).await;
    let new = "/admin/operator/webhooks/new";
    let offered = ruth.get(new).await;
    let made = send(&ruth, &offered, new, &[("url", "http://localhost:9/"), ("scope", "all")]).await;

    assert!(offered.body.contains("name=\"scope\" value=\"all\""), "{}", offered.body);
    assert_eq!(made.status, 200, "{}", made.body);
    assert!(!form.body.contains("name=\"scope\""), "{}", form.body);
    assert!(refused.status == 403 && refused.body.contains("hears of all others"), "{}", refused.body);
    assert!(ada.get(LIST).await.body.contains("There is no webhook"));
}
