//! Which organization: every source, every contradiction, and nothing revealed on the way.

use orgate_tests::app::{App, PASSWORD, SECRET};

#[tokio::test]
async fn a_request_that_names_nothing_is_asked_where_the_person_works() {
    let app = App::start().await;

    let page = app.browser().authorize(&[]).await;

    assert_eq!(page.leads_to(), "/discover");
}

#[tokio::test]
async fn the_organization_is_named_by_id_slug_alias_domain_or_address() {
    let app = App::start().await;
    let id = app.org("acme").await.org_id().to_string();
    let ways = [
        ("organization", id.as_str()),
        ("organization", "acme"),
        ("organization_id", id.as_str()),
        ("tenant", id.as_str()),
        ("domain_hint", "acme.test"),
        ("login_hint", "ada@acme.test"),
    ];
    for way in ways {
        let browser = app.browser();

        let page = browser.follow(browser.authorize(&[way]).await).await;

        assert!(page.body.contains("Sign in to <bdi>Acme Inc</bdi>"), "{way:?}: {}", page.body);
    }
}

#[tokio::test]
async fn two_sources_that_disagree_are_an_error_at_the_client() {
    let app = App::start().await;
    let hint = app.sign_in("globex", "gus@globex.test").await.text("id_token");

    let contradictions: [&[(&str, &str)]; 3] = [
        &[("organization", "acme"), ("organization_id", "globex")],
        &[("organization", "acme"), ("id_token_hint", &hint)],
        &[("organization", "globex"), ("client_id", "acme-only")],
    ];
    for changes in contradictions {
        let page = app.browser().authorize(changes).await;
        assert_eq!(page.answer("error"), "organization_mismatch", "{changes:?}");
        assert_eq!(page.answer("state"), "the-state");
    }
}

#[tokio::test]
async fn hints_never_move_what_the_parameter_named() {
    let app = App::start().await;
    let browser = app.browser();

    let changes =
        [("organization", "acme"), ("login_hint", "gus@globex.test"), ("domain_hint", "globex.test")];
    let page = browser.follow(browser.authorize(&changes).await).await;

    assert!(page.body.contains("Sign in to <bdi>Acme Inc</bdi>"));
    let refused = browser.sign_in(page, "gus@globex.test", PASSWORD).await;
    assert_eq!(refused.status, 422, "a user of another organization is unknown here");
}

/// A later request cannot move a stored one: its handle works in its own organization only.
#[tokio::test]
async fn a_stored_request_keeps_its_organization() {
    let app = App::start().await;
    let browser = app.browser();
    let first = browser.authorize(&[("organization", "acme")]).await;
    let _second = browser.authorize(&[("organization", "globex")]).await;

    let code = browser.sign_in(first, "ada@acme.test", PASSWORD).await.answer("code");

    let tokens = app.redeem(&code).await;
    assert_eq!(tokens.claims("id_token")["org_name"], "acme");
}

#[tokio::test]
async fn prompt_none_answers_without_a_page_whatever_is_known() {
    let app = App::start().await;
    let browser = app.browser();
    let nothing = browser.authorize(&[("prompt", "none")]).await;
    let resolved = browser.authorize(&[("prompt", "none"), ("organization", "acme")]).await;
    browser.sign_in_to("acme", "ada@acme.test").await;
    browser.sign_in_to("globex", "gus@globex.test").await;
    let several = browser.authorize(&[("prompt", "none")]).await;

    assert_eq!(nothing.answer("error"), "interaction_required");
    assert!(nothing.answer("error_description").starts_with("organization_required: "));
    assert_eq!(resolved.answer("error"), "login_required");
    assert_eq!(several.answer("error"), "account_selection_required");
    let events = app.events("operator").await;
    for reason in ["interaction_required", "account_selection_required"] {
        let event = format!("authorization.refused refused {reason}");
        assert!(events.contains(&event), "before an organization is known, the operator's: {events:?}");
    }
}

#[tokio::test]
async fn one_session_decides_only_for_someone_known_nowhere_else() {
    let app = App::start().await;
    let (ada, casey) = (app.browser(), app.browser());
    ada.sign_in_to("acme", "ada@acme.test").await;
    casey.sign_in_to("acme", "casey@consult.test").await;

    let single = ada.authorize(&[]).await;
    let demanded = ada.authorize(&[("prompt", "select_account")]).await;
    let several = casey.authorize(&[]).await;

    assert!(!single.answer("code").is_empty());
    assert_eq!(demanded.leads_to(), "/choose");
    assert_eq!(several.leads_to(), "/choose");
}

#[tokio::test]
async fn an_organization_that_is_not_there_and_one_without_access_look_alike() {
    let app = App::start().await;
    let as_granted = [("client_id", "granted")];

    let unknown = app.browser().authorize(&[as_granted[0], ("organization", "nowhere")]).await;
    let foreign = app.browser().authorize(&[as_granted[0], ("organization", "globex")]).await;
    let silent_unknown =
        app.browser().authorize(&[as_granted[0], ("organization", "nowhere"), ("prompt", "none")]).await;
    let silent_foreign =
        app.browser().authorize(&[as_granted[0], ("organization", "globex"), ("prompt", "none")]).await;

    let stripped = |body: &str| body.split("req_").next().unwrap_or_default().to_owned();
    assert_eq!(unknown.status, 403);
    assert_eq!(foreign.status, 403);
    assert_eq!(stripped(&unknown.body), stripped(&foreign.body));
    assert_eq!(silent_unknown.location(), silent_foreign.location());
    assert_eq!(silent_unknown.answer("error"), "access_denied");
}

#[tokio::test]
async fn a_granted_client_works_where_it_was_granted() {
    let app = App::start().await;
    let browser = app.browser();

    let page = browser.authorize(&[("client_id", "granted"), ("organization", "acme")]).await;
    let code = browser.sign_in(page, "ada@acme.test", PASSWORD).await.answer("code");

    let form = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", orgate_tests::app::CALLBACK),
        ("code_verifier", orgate_tests::app::VERIFIER),
    ];
    assert_eq!(app.token_as("granted", SECRET, &form).await.status, 200);
}

#[tokio::test]
async fn a_suspended_organization_says_so_on_a_page() {
    let app = App::start().await;
    app.apply("organizations: [{ slug: acme, name: Acme Inc, status: suspended }]").await;

    let page = app.browser().authorize(&[("organization", "acme")]).await;

    assert_eq!(page.status, 403);
    assert!(page.body.contains("Acme Inc is suspended"), "{}", page.body);
    assert!(
        app.events("acme").await.contains(&"authorization.refused refused organization_suspended".to_owned())
    );
}

#[tokio::test]
async fn a_deleted_organization_is_no_longer_there_for_anyone() {
    let app = App::start().await;
    let browser = app.browser();
    let tokens = app.redeem(&browser.sign_in_to("acme", "ada@acme.test").await).await;
    let delete = "update organizations set status = 'deleted' where slug = 'acme'"; // nothing of Orgate's does so yet
    sqlx::query(delete).execute(app.database.superuser()).await.expect("deleted");

    let by_name = app.browser().authorize(&[("organization", "acme")]).await;
    let in_session = browser.authorize(&[("organization", "acme")]).await;
    let never_there = app.browser().authorize(&[("organization", "never-there")]).await;
    let silent = browser.authorize(&[("organization", "acme"), ("prompt", "none")]).await;

    assert_eq!(
        [by_name.status, in_session.status, never_there.status].map(|status| status.as_u16()),
        [403; 3]
    );
    assert!(!by_name.body.contains("Acme Inc") && !in_session.body.contains("Acme Inc"), "{}", by_name.body);
    assert_eq!(silent.answer("error"), "access_denied");
    assert_eq!(app.refresh(&tokens.text("refresh_token")).await.outcome(), "400 invalid_grant");
}

/// A session says enough of its organization to be let in, and nothing that would let in what may not be.
#[tokio::test]
async fn a_live_session_opens_no_organization_that_is_suspended_or_may_not_use_the_client() {
    let app = App::start().await;
    let browser = app.browser();
    let page = browser.authorize(&[("client_id", "granted"), ("organization", "acme")]).await;
    browser.sign_in(page, "ada@acme.test", PASSWORD).await.answer("code");
    let asked = [("client_id", "granted"), ("organization", "acme")];
    let silently = [asked[0], asked[1], ("prompt", "none")];
    browser.authorize(&silently).await.answer("code");
    let granted = |to: &str| {
        format!(
            "organizations:\n  - {{ slug: acme, name: Acme Inc }}\n  - {{ slug: globex, name: Globex Corporation }}\n\
             clients:\n  - {{ client_id: granted, organization: operator, name: Granted, type: web, audience: granted, \
             granted_to: [{to}], redirect_uris: [\"http://localhost:9/callback\"] }}\n"
        )
    };

    app.apply(&granted("globex")).await;
    let page = browser.authorize(&asked).await;
    assert_eq!(page.status, 403, "{:?}", page.location());
    assert!(!page.body.contains("Acme Inc"), "{}", page.body);
    assert_eq!(browser.authorize(&silently).await.answer("error"), "access_denied");
    app.apply(&granted("acme")).await;
    browser.authorize(&silently).await.answer("code");

    app.apply("organizations: [{ slug: acme, name: Acme Inc, status: suspended }]").await;
    let page = browser.authorize(&asked).await;
    assert_eq!(page.status, 403);
    assert!(page.body.contains("Acme Inc is suspended"), "{}", page.body);
    assert_eq!(browser.authorize(&silently).await.answer("error"), "access_denied");

    let events = app.events("acme").await; // alike ones are folded
    for reason in ["organization_unavailable", "organization_suspended"] {
        assert!(events.contains(&format!("authorization.refused refused {reason}")), "{events:?}");
    }
}

#[tokio::test]
async fn explain_gives_the_same_decision_with_its_reason() {
    use orgate_domain::resolution::{Decision, Reason};
    use orgate_flows::explain::{Explanation, explain};

    let app = App::start().await;
    let acme = app.org("acme").await.org_id();
    let url = orgate_tests::app::authorization_url(&app.base, &[("domain_hint", "acme.test")]);

    let explanation = explain(&app.env, url.query().unwrap_or_default(), None).await.expect("explained");

    let Explanation::Decision(explained) = explanation else { panic!("{explanation:?}") };
    assert_eq!(explained.decision, Decision::Organization { org_id: acme, reason: Reason::DomainHint });
}
