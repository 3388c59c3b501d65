//! Seats: active users and open invitations together, as many as the operator says.

use orgate_tests::app::App;
use serde_json::{Value, json};

use super::{app, call, token_of};

async fn seats(app: &App, token: &str, to: &Value) -> orgate_tests::app::Reply {
    let body = json!({ "seats": to });
    call(app, Some(token), ("PUT", "/organizations/acme/seats"), Some(&body)).await
}

#[tokio::test]
async fn an_organization_has_no_more_users_and_invitations_than_seats() {
    let app = app().await;
    let (acme, operator) = (token_of(&app, "all").await, token_of(&app, "operator-all").await);
    let read = async || call(&app, Some(&acme), ("GET", "/organizations/acme/seats"), None).await.body;
    assert_eq!(read().await, json!({ "seats": null, "users": 3, "invitations": 0 }));
    assert_eq!(seats(&app, &acme, &json!(100)).await.status, 404, "it is the operator's word");
    assert_eq!(seats(&app, &operator, &json!(-1)).await.status, 422);

    assert_eq!(seats(&app, &operator, &json!(5)).await.status, 200);

    let invite = async |email: &str| {
        let reply = call(
            &app,
            Some(&acme),
            ("POST", "/organizations/acme/invitations"),
            Some(&json!({ "email": email })),
        )
        .await;
        (reply.status, reply.text("type"))
    };
    let make = async |email: &str| {
        let wanted = json!({ "email": email, "name": "One" });
        let reply = call(&app, Some(&acme), ("POST", "/organizations/acme/users"), Some(&wanted)).await;
        (reply.status, reply.text("type"))
    };
    let full = (409, "urn:orgate:problem:limit_reached".to_owned());
    assert_eq!(invite("one@acme.test").await.0, 201);
    assert_eq!(make("two@acme.test").await.0, 201);
    assert_eq!(read().await, json!({ "seats": 5, "users": 4, "invitations": 1 }));
    assert_eq!(invite("three@acme.test").await, full);
    assert_eq!(make("three@acme.test").await, full);

    // Somebody goes, and comes back when there is no seat any more.
    let users = call(&app, Some(&acme), ("GET", "/organizations/acme/users?email=two@acme.test"), None).await;
    let user = format!("/organizations/acme/users/{}", users.body["items"][0]["id"].as_str().expect("an id"));
    let set = async |status: &str| {
        call(&app, Some(&acme), ("PATCH", &user), Some(&json!({ "status": status }))).await.status
    };
    assert_eq!(set("deactivated").await, 200);
    assert_eq!(invite("three@acme.test").await.0, 201);
    assert_eq!(set("active").await, 409);
    assert_eq!(seats(&app, &operator, &Value::Null).await.status, 200);
    assert_eq!(set("active").await, 200);
}

/// Two who would take the last seat at once: one of them does.
#[tokio::test]
async fn the_last_seat_is_taken_once() {
    let app = app().await;
    let (acme, operator) = (token_of(&app, "all").await, token_of(&app, "operator-all").await);
    assert_eq!(seats(&app, &operator, &json!(4)).await.status, 200);
    let mut racers = Vec::new();
    for racer in 0..4 {
        let (app, acme) = (&app, &acme);
        racers.push(async move {
            let (path, body) = if racer % 2 == 0 {
                ("invitations", json!({ "email": format!("racer{racer}@acme.test") }))
            } else {
                ("users", json!({ "email": format!("racer{racer}@acme.test"), "name": "Racer" }))
            };
            call(app, Some(acme), ("POST", &format!("/organizations/acme/{path}")), Some(&body)).await.status
        });
    }

    let mut statuses = crate::invitations::all(racers).await;

    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409, 409]);
}
