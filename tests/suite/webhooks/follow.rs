//! Programs go on from cursor to cursor.

use orgate_flows::webhooks::sequence;
use serde_json::{Value, json};

use super::{Program, app};

/// What is read from `after` on, to the end, page by page: what each event did to which group, and the last cursor.
async fn read(program: &Program<'_>, mut after: String, more: &str) -> (Vec<Value>, String) {
    let mut items = Vec::new();
    loop {
        let reply = program.get(&format!("events?after={after}{more}")).await;
        assert_eq!(reply.status, 200, "{:?}", reply.body);
        items.extend(reply.body["items"].as_array().expect("a list").iter().cloned());
        after = reply.text("next_cursor");
        if reply.body["has_more"] == false {
            return (items, after);
        }
    }
}

#[tokio::test]
async fn whoever_goes_on_from_cursor_to_cursor_reads_each_event_once_in_order() {
    let app = app().await;
    let acme = Program::of(&app, "acme-all", "acme").await;
    while sequence(&app.env).await.expect("sequenced") {}
    let (_, begin) = read(&acme, "pos_0".to_owned(), "").await;

    let nothing = acme.get(&format!("events?after={begin}")).await;
    assert_eq!(nothing.body["items"], json!([]));
    assert_eq!(nothing.text("next_cursor"), begin, "a poller can go on where nothing has happened");
    for slug in ["one", "two", "three", "four", "five"] {
        acme.group(slug).await;
    }
    assert_eq!(acme.get(&format!("events?after={begin}")).await.body["items"], json!([]), "not yet in order");
    while sequence(&app.env).await.expect("sequenced") {}

    let (events, end) = read(&acme, begin.clone(), "&limit=2&action=group.configured").await;
    let groups: Vec<_> = events.iter().map(|event| event["detail"]["group"].clone()).collect();
    assert_eq!(groups, ["one", "two", "three", "four", "five"].map(Value::from));
    let log = acme.get("audit-events").await;
    let same =
        log.body["items"].as_array().expect("a list").iter().find(|item| item["id"] == events[4]["id"]);
    let mut shown = events[4].clone();
    let shown = shown.as_object_mut().expect("an object");
    assert_eq!(shown.remove("org_id"), Some(json!(app.org("acme").await.org_id().to_string())));
    let cursor = shown.remove("cursor").expect("a cursor");
    assert_eq!(Some(&Value::Object(shown.clone())), same, "it says what the log says");
    let after_last = read(&acme, cursor.as_str().expect("text").to_owned(), "").await;
    assert_eq!(after_last.1, end);
    assert!(after_last.0.iter().all(|event| event["action"] != "group.configured"));
    let noun = read(&acme, begin, "&action=role.configured,group.*").await.0;
    assert_eq!(noun.len(), 5);
}

#[tokio::test]
async fn an_organization_reads_of_itself_alone_and_cannot_tell_how_much_others_do() {
    let app = app().await;
    let (acme, globex) =
        (Program::of(&app, "acme-all", "acme").await, Program::of(&app, "globex-all", "globex").await);
    while sequence(&app.env).await.expect("sequenced") {}
    let begin = read(&acme, "pos_0".to_owned(), "").await.1;
    let of_globex = read(&globex, "pos_0".to_owned(), "").await.1;

    for number in 0..7 {
        globex.group(&format!("secret-{number}")).await;
    }
    acme.group("plain").await;
    while sequence(&app.env).await.expect("sequenced") {}

    let (events, end) = read(&acme, begin.clone(), "").await;
    assert_eq!(events.len(), 1, "{events:?}");
    let number = |cursor: &str| cursor.trim_start_matches("pos_").parse::<i64>().expect("a number");
    assert_eq!(number(&end), number(&begin) + 1, "positions are an organization's own");
    assert_eq!(read(&globex, of_globex, "").await.0.len(), 7);
    assert_eq!(acme.get("../globex/events").await.status, 404);
}

#[tokio::test]
async fn a_question_that_makes_no_sense_is_refused() {
    let app = app().await;
    let acme = Program::of(&app, "acme-all", "acme").await;

    for (query, says) in [
        ("after=7", "after is not a cursor"),
        ("after=pos_-1", "after is not a cursor"),
        ("after=all_0", "not of this organization's log"),
        ("after=pos_9223372036854775807", "ahead of the log"),
        ("limit=0", "limit is a number"),
        ("limit=201", "limit is a number"),
        ("limit=2&limit=3", "more than once"),
        ("action=user.flew", "there is no such event"),
        ("action=*", "there is no such event"),
        ("action=", "there is no such event"),
        ("cursor=pos_0", "the parameters here are"),
    ] {
        let reply = acme.get(&format!("events?{query}")).await;
        assert_eq!(reply.status, 400, "{query}: {:?}", reply.body);
        assert!(reply.text("detail").contains(says), "{query}: {:?}", reply.body);
    }
}
