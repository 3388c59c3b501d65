//! Each organization can be its own issuer, at `/o/{org id}`; and what began at an issuer ends there.

use std::collections::BTreeSet;

use orgate_protocol::jose::{Jwk, KeySet, VerifyingKey, verify};
use orgate_tests::app::{App, CALLBACK, PASSWORD, Page, Reply, SECRET, VERIFIER, authorization_url, client};
use serde_json::Value;

mod bounds;

/// An organization's issuer.
struct Issuer<'a> {
    app: &'a App,
    path: String,
}

impl<'a> Issuer<'a> {
    async fn of(app: &'a App, slug: &str) -> Self {
        Self { app, path: format!("/o/{}", app.org(slug).await.org_id()) }
    }

    fn identifier(&self) -> String {
        self.app.at(&self.path).to_string()
    }

    fn at(&self, endpoint: &str) -> String {
        format!("{}{endpoint}", self.path)
    }

    async fn authorize(&self, browser: &orgate_tests::app::Browser, changes: &[(&str, &str)]) -> Page {
        let mut url = authorization_url(&self.app.base, changes);
        url.set_path(&self.at("/authorize"));
        browser.get(url).await
    }

    /// Signs in at this issuer's authorization endpoint; the page with the answer.
    async fn sign_in(&self, email: &str) -> Page {
        let browser = self.app.browser();
        let page = self.authorize(&browser, &[]).await;
        browser.sign_in(page, email, PASSWORD).await
    }

    async fn token(&self, form: &[(&str, &str)]) -> Reply {
        self.app.post_as(&self.at("/token"), ("notes", SECRET), form).await
    }

    async fn redeem(&self, code: &str) -> Reply {
        let form = [("code", code), ("redirect_uri", CALLBACK), ("code_verifier", VERIFIER)];
        self.token(&[&[("grant_type", "authorization_code")], form.as_slice()].concat()).await
    }

    async fn refresh(&self, refresh_token: &str) -> Reply {
        self.token(&[("grant_type", "refresh_token"), ("refresh_token", refresh_token)]).await
    }

    async fn userinfo(&self, token: &str) -> u16 {
        let request = client().get(self.app.at(&self.at("/userinfo"))).bearer_auth(token);
        request.send().await.expect("answered").status().as_u16()
    }

    async fn keys(&self) -> Vec<Jwk> {
        keys(self.app, &self.at("/jwks.json")).await
    }
}

async fn keys(app: &App, path: &str) -> Vec<Jwk> {
    let jwks = app.get(path).await;
    assert_eq!(jwks.status, 200);
    serde_json::from_value(jwks.body["keys"].clone()).expect("keys")
}

fn kids(keys: &[Jwk]) -> BTreeSet<&str> {
    keys.iter().map(|key| key.kid.as_str()).collect()
}

fn verifies(keys: &[Jwk], token: &str) -> bool {
    let keys: KeySet = keys.iter().map(|key| VerifyingKey::from_jwk(key).expect("a key")).collect();
    verify::<Value>(token, &keys, "at+jwt").is_ok()
}

/// Has `notes` issued to by whom its owner chooses.
async fn choose(app: &App, issuer: &str) {
    app.apply(&format!(
        "
clients:
  - client_id: notes
    organization: operator
    name: Notes
    type: web
    audience: all
    issuer: {issuer}
    redirect_uris: [\"{CALLBACK}\"]
    post_logout_redirect_uris: [\"http://localhost:9/\"]
    resource: notes
"
    ))
    .await;
}

#[tokio::test]
async fn an_issuer_describes_itself_where_both_specifications_look() {
    let app = App::start().await;
    let acme = Issuer::of(&app, "acme").await;

    let openid = app.get(&acme.at("/.well-known/openid-configuration")).await;
    let appended = app.get(&acme.at("/.well-known/oauth-authorization-server")).await;
    let inserted = app.get(&format!("/.well-known/oauth-authorization-server{}", acme.path)).await;
    let shared = app.get("/.well-known/openid-configuration").await;

    assert_eq!((openid.status, &openid.body), (200, &appended.body));
    assert_eq!((inserted.status, &inserted.body), (200, &openid.body));
    assert_eq!(openid.text("issuer"), acme.identifier());
    let (openid, shared) = (openid.body, shared.body);
    let below = |document: &Value| {
        let issuer = document["issuer"].as_str().expect("text").to_owned();
        let members = document.as_object().expect("an object").values().filter_map(Value::as_str);
        members.map(|member| member.replacen(&issuer, "", 1)).collect::<Vec<_>>()
    };
    assert_eq!(below(&openid), below(&shared), "every endpoint, below the issuer");
    for (name, endpoint) in openid.as_object().expect("an object") {
        if let Some(url) = endpoint.as_str().filter(|_| name.ends_with("_endpoint") || name == "jwks_uri") {
            let status = client().get(url).send().await.expect("answered").status();
            assert_ne!(status, 404, "{name} is served");
        }
    }
}

#[tokio::test]
async fn an_organization_that_is_not_there_has_no_issuer() {
    let app = App::start().await;
    let acme = Issuer::of(&app, "acme").await;
    let nowhere = app.browser().get("/nowhere").await;
    let nobody = "/o/org_01m80wj870ey888pdwn8vq3ab0";
    for path in [nobody, "/o/acme", "/o/x", &acme.path.to_uppercase().replace("/O/", "/o/")] {
        for endpoint in [
            "/jwks.json",
            "/.well-known/openid-configuration",
            "/authorize",
            "/token",
            "/userinfo",
            "/logout",
            "",
        ] {
            let page = app.browser().get(format!("{path}{endpoint}")).await;
            assert_eq!(page.status, nowhere.status, "{path}{endpoint}");
            let title = |body: &str| {
                body.split("<h1").nth(1).map(|rest| rest.split("</h1>").next().unwrap_or("").to_owned())
            };
            assert_eq!(title(&page.body), title(&nowhere.body), "{path}{endpoint}");
        }
    }
    assert_eq!(app.get(&format!("/.well-known/oauth-authorization-server{nobody}")).await.status, 404);
    assert_eq!(app.get(&acme.at("/nowhere")).await.status, 404);
}

#[tokio::test]
async fn a_sign_in_at_an_organizations_issuer_is_that_issuers_from_end_to_end() {
    let app = App::start().await;
    let acme = Issuer::of(&app, "acme").await;
    let empty = app.get(&acme.at("/jwks.json")).await;
    assert_eq!(empty.body["keys"], serde_json::json!([]));
    assert_eq!(empty.headers["cache-control"], "no-store", "nobody is to remember that there are none");

    let answer = acme.sign_in("ada@acme.test").await;
    let tokens = acme.redeem(&answer.answer("code")).await;

    assert_eq!(answer.answer("iss"), acme.identifier());
    assert_eq!(tokens.status, 200, "{:?}", tokens.body);
    let token = tokens.text("access_token");
    for claims in [tokens.claims("access_token"), tokens.claims("id_token")] {
        assert_eq!((&claims["iss"], &claims["org_name"]), (&acme.identifier().into(), &"acme".into()));
    }
    let own = app.get(&acme.at("/jwks.json")).await;
    assert_eq!(own.headers["cache-control"], "public, max-age=300");
    let (own, shared) = (acme.keys().await, keys(&app, "/jwks.json").await);
    assert!(verifies(&own, &token) && !verifies(&shared, &token));
    assert!(kids(&own).is_disjoint(&kids(&shared)));
    assert_eq!((acme.userinfo(&token).await, app.userinfo(&token).await.status), (200, 200));
    for endpoint in ["/introspect".to_owned(), acme.at("/introspect")] {
        let reply = app.post_as(&endpoint, ("notes", SECRET), &[("token", &token)]).await;
        assert_eq!(
            (&reply.body["active"], reply.text("iss")),
            (&true.into(), acme.identifier()),
            "{endpoint}"
        );
    }
    let refreshed = acme.refresh(&tokens.text("refresh_token")).await;
    assert_eq!(refreshed.claims("id_token")["iss"], acme.identifier());
    let created =
        app.events("acme").await.into_iter().filter(|event| event.starts_with("key.created")).count();
    assert_eq!(created, 1, "of the algorithm that was asked for, and no more");
    let rings = "select count(*) from key_rings";
    let rings: i64 = sqlx::query_scalar(rings).fetch_one(app.database.superuser()).await.expect("counted");
    assert_eq!(rings, 2, "the operator's and Acme's: nobody else has issued anything");
}

#[tokio::test]
async fn an_issuer_has_nothing_to_do_with_other_organizations() {
    let app = App::start().await;
    let (acme, globex) = (Issuer::of(&app, "acme").await, Issuer::of(&app, "globex").await);
    let code = acme.sign_in("ada@acme.test").await.answer("code");

    let refused = globex.redeem(&code).await;
    let tokens = acme.redeem(&code).await;
    let refresh_token = tokens.text("refresh_token");
    let foreign = globex.refresh(&refresh_token).await;
    let token = tokens.text("access_token");

    assert_eq!(refused.outcome(), "400 invalid_grant");
    assert_eq!(tokens.status, 200, "nothing was spent");
    assert_eq!(foreign.outcome(), "400 invalid_grant");
    assert_eq!((globex.userinfo(&token).await, acme.userinfo(&token).await), (401, 200));
    let asked = app.post_as(&globex.at("/introspect"), ("notes", SECRET), &[("token", &token)]).await;
    assert_eq!(asked.body, serde_json::json!({ "active": false }));
    let revoked = app.post_as(&globex.at("/revoke"), ("notes", SECRET), &[("token", &refresh_token)]).await;
    assert_eq!(revoked.status, 200);
    assert_eq!(acme.refresh(&refresh_token).await.status, 200, "it was none of that issuer's business");
    let globex_id = app.org("globex").await.org_id().to_string();
    let mismatch = acme.authorize(&app.browser(), &[("organization", &globex_id)]).await;
    assert_eq!(mismatch.answer("error"), "organization_mismatch");
    assert_eq!(mismatch.answer("iss"), acme.identifier());
    let hint = tokens.text("id_token");
    let logout = app.browser().get(globex.at(&format!("/logout?id_token_hint={hint}"))).await;
    assert_eq!(logout.status, 400);
    let events = app.events("acme").await;
    assert!(events.contains(&"code.refused refused other_issuer".to_owned()), "{events:?}");
}

#[tokio::test]
async fn a_client_moves_to_organizations_issuers_and_not_one_refresh_fails() {
    let app = App::start().await;
    let (acme, shared) = (Issuer::of(&app, "acme").await, app.base.as_str().trim_end_matches('/').to_owned());
    let before = app.sign_in("acme", "ada@acme.test").await;
    let mut family = before.text("refresh_token");

    choose(&app, "organization").await;
    let browser = app.browser();
    let page = browser.authorize(&[("organization", "acme")]).await;
    let answer = browser.sign_in(page, "ada@acme.test", PASSWORD).await;
    let after = app.redeem(&answer.answer("code")).await;

    assert_eq!(answer.answer("iss"), acme.identifier());
    assert_eq!(after.claims("id_token")["iss"], acme.identifier());
    for at_new in [false, true, false, true] {
        let refreshed = if at_new { acme.refresh(&family).await } else { app.refresh(&family).await };
        assert_eq!(refreshed.claims("id_token")["iss"], shared, "a family keeps the issuer it began with");
        assert_eq!(refreshed.claims("access_token")["iss"], shared);
        assert!(verifies(&keys(&app, "/jwks.json").await, &refreshed.text("access_token")));
        family = refreshed.text("refresh_token");
    }
    // And back again.
    choose(&app, "shared").await;
    let kept = app.refresh(&after.text("refresh_token")).await;
    assert_eq!(kept.claims("access_token")["iss"], acme.identifier());
    assert_eq!(app.sign_in("acme", "ada@acme.test").await.claims("id_token")["iss"], shared);
    for (token, id_token) in
        [&before, &after, &kept].map(|reply| (reply.text("access_token"), reply.text("id_token")))
    {
        assert_eq!((app.userinfo(&token).await.status, acme.userinfo(&token).await), (200, 200));
        let hinted = browser.authorize(&[("id_token_hint", &id_token), ("prompt", "none")]).await;
        assert!(!hinted.answer("code").is_empty(), "ID tokens of either issuer are hints");
    }
}

/// The answer names the issuer that its code leads to, however the client's setting changes meanwhile.
#[tokio::test]
async fn a_code_keeps_the_issuer_that_its_answer_named() {
    let app = App::start().await;
    let browser = app.browser();
    let page = browser.authorize(&[("organization", "acme")]).await;
    let answer = browser.sign_in(page, "ada@acme.test", PASSWORD).await;

    choose(&app, "organization").await;
    let tokens = app.redeem(&answer.answer("code")).await;

    assert_eq!(tokens.claims("id_token")["iss"], answer.answer("iss"));
}

#[tokio::test]
async fn the_answer_of_a_form_or_an_error_names_the_issuer_too() {
    let app = App::start().await;
    let acme = Issuer::of(&app, "acme").await;
    let url = authorization_url(&app.base, &[]);
    let form: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();

    let posted = app.browser().post(acme.at("/authorize"), &form).await;
    let silent = acme.authorize(&app.browser(), &[("prompt", "none")]).await;
    let unparsed = acme.authorize(&app.browser(), &[("response_type", "token")]).await;

    assert_eq!(posted.leads_to(), acme.at("/authorize"), "the repetition stays at the issuer");
    assert_eq!(
        (silent.answer("error"), silent.answer("iss")),
        ("login_required".to_owned(), acme.identifier())
    );
    assert_eq!(unparsed.answer("iss"), acme.identifier());
}

#[tokio::test]
async fn a_suspended_organization_issues_nothing_and_its_tokens_can_still_be_verified() {
    let app = App::start().await;
    let acme = Issuer::of(&app, "acme").await;
    let tokens = acme.redeem(&acme.sign_in("ada@acme.test").await.answer("code")).await;
    let set = async |status: &str| {
        let set = "update organizations set status = $1 where slug = 'acme'";
        sqlx::query(set).bind(status).execute(app.database.superuser()).await.expect("set");
    };

    set("suspended").await;
    let documents = [acme.at("/.well-known/openid-configuration"), acme.at("/jwks.json")];
    let statuses = [app.get(&documents[0]).await.status, app.get(&documents[1]).await.status];
    let page = acme.authorize(&app.browser(), &[]).await;
    let refreshed = acme.refresh(&tokens.text("refresh_token")).await;
    set("deleted").await;
    let gone = [app.get(&documents[0]).await.status, app.get(&documents[1]).await.status];

    assert_eq!((statuses, gone), ([200, 200], [404, 404]));
    assert_eq!(page.status, 403);
    assert_eq!(refreshed.outcome(), "400 invalid_grant");
}

#[tokio::test]
async fn one_session_ends_at_its_organizations_issuer() {
    let app = App::start().await;
    let (acme, globex) = (Issuer::of(&app, "acme").await, Issuer::of(&app, "globex").await);
    let browser = app.browser();
    for (issuer, email) in [(&acme, "ada@acme.test"), (&globex, "gus@globex.test")] {
        let page = issuer.authorize(&browser, &[]).await;
        browser.sign_in(page, email, PASSWORD).await;
    }

    let asked = browser.get(acme.at("/logout")).await;
    let fields = [("request", asked.field("request")), ("csrf", asked.field("csrf"))];
    let fields = fields.each_ref().map(|(name, value)| (*name, value.as_str()));
    let done = browser.post(acme.at("/logout/confirm"), &fields).await;

    assert!(
        asked.body.contains("ada@acme.test") && !asked.body.contains("gus@globex.test"),
        "{}",
        asked.body
    );
    assert_eq!(done.status, 200, "{}", done.body);
    let silent = async |issuer: &Issuer<'_>| issuer.authorize(&browser, &[("prompt", "none")]).await;
    assert_eq!(silent(&acme).await.answer("error"), "login_required");
    assert!(!silent(&globex).await.answer("code").is_empty());
}
