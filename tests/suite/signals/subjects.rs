//! A receiver's wishes tell it nothing of who is in the organization.

use orgate_domain::streams::MAX_EXCLUSIONS;
use serde_json::json;

use super::{Receiver, app, signed_out};

#[tokio::test]
async fn a_full_list_refuses_members_and_strangers_alike() {
    let app = app().await;
    let siem = Receiver::of(&app, "siem").await;
    let stream = siem.poll_stream().await;
    let gus = app.sign_in("globex", "gus@globex.test").await.claims("access_token")["sub"].clone();
    let vic = app.sign_in("acme", "vic@acme.test").await.claims("access_token")["sub"].clone();
    let issuer = super::issuer(&app);
    sqlx::query(
        "insert into stream_exclusions (org_id, stream_id, subject, created_at)
         select org_id, id, 'user:filler-' || n, created_at from event_streams cross join generate_series(1, $1) n",
    )
    .bind(MAX_EXCLUSIONS - 1)
    .execute(app.database.superuser())
    .await
    .expect("filled");
    let remove = async |subject: serde_json::Value| {
        let reply =
            siem.post("/ssf/subjects/remove", &json!({ "stream_id": stream, "subject": subject })).await;
        (reply.status, reply.body)
    };
    let email = |email: &str| json!({ "format": "email", "email": email });

    // A stranger takes a place as a member does.
    assert_eq!(remove(email("nobody@acme.test")).await.0, 204);

    let refused = remove(email("vic@acme.test")).await;
    assert_eq!((refused.0, &refused.1["error"]), (403, &json!("access_denied")));
    for stranger in [
        email("stranger@acme.test"),
        email("gus@globex.test"),
        json!({ "format": "iss_sub", "iss": issuer, "sub": vic }),
        json!({ "format": "iss_sub", "iss": issuer, "sub": gus }),
        json!({ "format": "opaque", "id": gus }),
    ] {
        assert_eq!(remove(stranger.clone()).await, refused, "{stranger}");
    }
    assert_eq!(remove(email("Nobody@ACME.test")).await.0, 204, "what is removed already stays so");
}

#[tokio::test]
async fn an_address_stands_for_whoever_has_it_when_something_happens() {
    let app = app().await;
    let siem = Receiver::of(&app, "siem").await;
    let stream = siem.poll_stream().await;
    let new = json!({ "format": "email", "email": "new@acme.test" });
    siem.post("/ssf/subjects/remove", &json!({ "stream_id": stream, "subject": new })).await;
    app.apply(
        "organizations:
  - slug: acme
    name: Acme Inc
    users: [{ email: new@acme.test, name: New, password: \"${PASSWORD}\", roles: [viewer] }]",
    )
    .await;

    signed_out(&app, "new@acme.test").await;
    let of_ada = signed_out(&app, "ada@acme.test").await;

    let [set] = siem.settled(&stream).await.try_into().expect("Ada's alone");
    assert_eq!(set.subject("session")["id"], json!(of_ada));
    let log: Vec<Option<String>> = sqlx::query_scalar(
        "select detail ->> 'subject' from audit_events where detail ->> 'change' = 'subject_removed'",
    )
    .fetch_all(app.database.superuser())
    .await
    .expect("read");
    assert_eq!(log, [Some("unknown".to_owned())], "a stranger's address is not kept in the log");
}
