//! Invitations: made, sent again, taken back.

use chrono::Duration;
use orgate_tests::app::App;

use super::{administrator, send};

const NEW: &str = "/admin/acme/invitations/new";

/// The address below which the forms of the only invitation on a page go.
fn address(body: &str) -> String {
    let (_, rest) =
        body.split_once("action=\"/admin/acme/invitations/inv_").unwrap_or_else(|| panic!("{body}"));
    format!("/admin/acme/invitations/inv_{}", rest.split('/').next().unwrap_or_default())
}

#[tokio::test]
async fn somebody_is_invited_with_a_role_and_the_invitation_is_sent_again_and_taken_back() {
    let app = App::start().await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;

    let empty = ada.get("/admin/acme/invitations").await;
    let form = ada.get(NEW).await;
    let fields = [("email", "new@acme.test"), ("name", "Nele New"), ("role", "viewer")];
    let made = send(&ada, &form, NEW, &fields).await;
    let list = ada.follow(made).await;
    let of = address(&list.body);
    let soon = send(&ada, &list, &format!("{of}/resend"), &[]).await;
    app.clock.advance(Duration::minutes(2));
    let resent = send(&ada, &list, &format!("{of}/resend"), &[]).await;
    let revoked = send(&ada, &list, &format!("{of}/revoke"), &[]).await;

    assert!(empty.body.contains("Nobody was invited yet"), "{}", empty.body);
    for text in ["The invitation is on its way", "new@acme.test", "Nele New", "viewer", ">Open<"] {
        assert!(list.body.contains(text), "{text}: {}", list.body);
    }
    assert_eq!(soon.status, 409);
    assert!(soon.body.contains("It was sent just now; wait a minute."), "{}", soon.body);
    assert!(ada.follow(resent).await.body.contains("once more"));
    let list = ada.follow(revoked).await;
    assert!(list.body.contains(">Taken back<") && !list.body.contains("/resend"), "{}", list.body);
    let events = app.events("acme").await;
    for action in ["invitation.created success", "invitation.resent success", "invitation.revoked success"] {
        assert!(events.iter().any(|event| event == action), "{action}");
    }
}

#[tokio::test]
async fn what_is_wrong_is_said_beside_its_field_and_above_and_what_was_typed_is_kept() {
    let app = App::start().await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let form = ada.get(NEW).await;

    for (fields, status, field, why) in [
        (
            [("email", "no address"), ("name", "Nele"), ("role", "viewer")],
            422,
            "email",
            "like name@example.com",
        ),
        (
            [("email", "vic@acme.test"), ("name", "Nele"), ("role", "viewer")],
            409,
            "email",
            "a user of the organization",
        ),
        (
            [("email", "new@acme.test"), ("name", "Nele"), ("role", "nothing")],
            422,
            "roles",
            "has no role nothing",
        ),
    ] {
        let refused = send(&ada, &form, NEW, &fields).await;
        assert_eq!(refused.status, status, "{fields:?}");
        let lowered = refused.body.to_lowercase();
        assert!(lowered.matches(why).count() >= 2, "{fields:?}: {}", refused.body);
        assert!(refused.body.contains(&format!("<a href=\"#{field}\">")), "{fields:?}: {}", refused.body);
        assert!(refused.body.contains(&format!("id=\"{field}-error\"")), "{fields:?}");
        assert!(refused.body.contains(&format!("value=\"{}\"", fields[0].1)), "{fields:?}");
        assert!(refused.body.contains("value=\"Nele\""), "{fields:?}");
    }
    assert!(ada.get("/admin/acme/invitations").await.body.contains("Nobody was invited yet"));
}
