//! A user's profile is changed, and a user is deleted for good.

use orgate_tests::app::{App, Browser, PASSWORD, Page};

use super::{administrator, hidden, page_of, send};

/// Sends the form of a profile as it was shown, with these in the place of what stands in it.
async fn save(browser: &Browser, page: &Page, path: &str, changes: &[(&str, &str)]) -> Page {
    let seen = ["name", "email", "locale", "external_id"];
    let mut fields: Vec<(String, String)> = Vec::new();
    for name in seen {
        let was = hidden(page, &format!("seen.{name}")).concat();
        let typed =
            changes.iter().find(|(changed, _)| *changed == name).map_or(was.as_str(), |(_, text)| text);
        fields.push((name.to_owned(), typed.to_owned()));
        fields.push((format!("seen.{name}"), was));
    }
    let fields: Vec<_> = fields.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    send(browser, page, path, &fields).await
}

#[tokio::test]
async fn a_profile_is_changed_and_what_is_wrong_is_said_beside_its_field() {
    let app = App::start().await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let of_vic = page_of(&ada, "acme", "vic@acme.test").await;
    let path = format!("{of_vic}/profile");
    let form = ada.get(&path).await;

    for (field, text, status) in [
        ("name", "", 422),
        ("email", "no address", 422),
        ("email", "", 422),
        ("email", "ada@acme.test", 409),
        ("locale", "not a language", 422),
        ("external_id", "\u{202e}", 422),
    ] {
        let refused = save(&ada, &form, &path, &[(field, text), ("name", "Victor")]).await;
        assert_eq!(refused.status, status, "{field} {text}: {}", refused.body);
        assert!(refused.body.contains(&format!("id=\"{field}-error\"")), "{field} {text}: {}", refused.body);
        assert!(refused.body.contains(&format!("<a href=\"#{field}\">")), "{field} {text}: {}", refused.body);
        assert!(
            field == "name" || refused.body.contains("value=\"Victor\""),
            "{field}: what was typed is kept"
        );
    }
    let changes =
        [("name", "Victor"), ("email", "victor@acme.test"), ("locale", "de-CH"), ("external_id", "HR-7")];
    let saved = save(&ada, &form, &path, &changes).await;
    let page = ada.follow(saved).await;

    for text in ["The profile is saved.", "Victor", "victor@acme.test", ">Not proven<", "de-CH", "HR-7"] {
        assert!(page.body.contains(text), "{text}: {}", page.body);
    }
    let twice = save(&ada, &form, &path, &changes).await;
    assert_eq!(twice.status, 303, "who sends it twice has it: {}", twice.body);
    let emptied = save(&ada, &ada.get(&path).await, &path, &[("locale", ""), ("external_id", "")]).await;
    let page = ada.follow(emptied).await;
    assert!(!page.body.contains("de-CH") && !page.body.contains("HR-7"), "{}", page.body);
    let spaced = "update users set external_id = ' 42', name = 'Vic ' where email = 'victor@acme.test'";
    assert_eq!(sqlx::query(spaced).execute(app.database.superuser()).await.expect("set").rows_affected(), 1);
    let saved = save(&ada, &ada.get(&path).await, &path, &[("locale", "fr")]).await;
    assert_eq!(saved.status, 303, "{}", saved.body);
    let kept = "select external_id from users where email = 'victor@acme.test'";
    let kept: String = sqlx::query_scalar(kept).fetch_one(app.database.superuser()).await.expect("read");
    assert_eq!(kept, " 42", "what was not touched");
}

#[tokio::test]
async fn what_somebody_else_changed_of_a_profile_is_said_and_kept() {
    let app = App::start().await;
    app.apply(&format!(
        "organizations: [{{ slug: acme, name: Acme Inc, \
         users: [{{ email: olga@acme.test, name: Olga, password: \"{PASSWORD}\", roles: [owner] }}] }}]\n",
    ))
    .await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let olga = administrator(&app, "acme", "olga@acme.test").await;
    let path = format!("{}/profile", page_of(&ada, "acme", "vic@acme.test").await);
    let form = ada.get(&path).await;
    save(&olga, &olga.get(&path).await, &path, &[("locale", "fr")]).await;
    let vic = app.browser();
    vic.sign_in_to("acme", "vic@acme.test").await;
    let own = vic.get("/account/sign-in").await;
    let (token, organization) = (own.field("csrf"), own.field("organization"));
    let chosen = "four words that are new";
    let form_of_vic = [
        ("csrf", token.as_str()),
        ("organization", &organization),
        ("current", PASSWORD),
        ("password", chosen),
        ("again", chosen),
    ];
    assert_eq!(vic.post("/account/sign-in", &form_of_vic).await.status, 303, "of which no profile is");

    let stale = save(&ada, &form, &path, &[("name", "Victor")]).await;
    let mine = save(&ada, &stale, &path, &[("name", "Victor")]).await;
    let page = ada.follow(mine).await;

    assert_eq!(stale.status, 409, "{}", stale.body);
    assert!(stale.body.contains("<bdi>Olga</bdi></a> changed it"), "{}", stale.body);
    assert!(stale.body.contains("Now <b><bdi>fr</bdi></b>"), "{}", stale.body);
    assert!(stale.body.contains("value=\"Victor\"") && stale.body.contains("value=\"fr\""), "{}", stale.body);
    assert!(
        page.body.contains("The profile is saved.") && page.body.contains("<dd>fr</dd>"),
        "{}",
        page.body
    );
}

#[tokio::test]
async fn a_user_is_deleted_for_good_once_their_address_was_typed() {
    let app = App::start().await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let vic = app.browser();
    vic.sign_in_to("acme", "vic@acme.test").await;
    let of_vic = page_of(&ada, "acme", "vic@acme.test").await;
    let delete = format!("{of_vic}/delete");

    let page = ada.get(&of_vic).await;
    let confirm = ada.get(&delete).await;
    let wrong = send(&ada, &confirm, &delete, &[("word", "vic")]).await;
    let done = send(&ada, &confirm, &delete, &[("word", "vic@acme.test")]).await;
    let list = ada.follow(done).await;

    assert!(page.body.contains(&format!("href=\"{delete}\"")), "{}", page.body);
    assert!(confirm.body.contains("gone for good"), "{}", confirm.body);
    assert_eq!(wrong.status, 422, "{}", wrong.body);
    assert!(list.body.contains("The user is gone for good."), "{}", list.body);
    assert!(!list.body.contains("vic@acme.test"), "{}", list.body);
    assert_eq!(ada.get(&of_vic).await.status, 404);
    assert_eq!(send(&ada, &confirm, &delete, &[("word", "vic@acme.test")]).await.status, 404);
    assert_eq!(vic.get("/account").await.status, 403, "they are signed out");
    let events = app.events("acme").await;
    for event in ["session.ended success user_deleted", "user.deleted success"] {
        assert!(events.iter().any(|one| one == event), "{event}: {events:?}");
    }
    let own = page_of(&ada, "acme", "ada@acme.test").await;
    assert!(!ada.get(&own).await.body.contains("/delete\""), "nobody is offered to delete themselves");
    let delete = format!("{own}/delete");
    let refused = send(&ada, &ada.get(&delete).await, &delete, &[("word", "ada@acme.test")]).await;
    assert_eq!(refused.status, 409, "{}", refused.body);
    assert!(refused.body.contains("Nobody deletes themselves"), "{}", refused.body);
}
