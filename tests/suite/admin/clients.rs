//! The organization's own applications and machines: registered, changed, given another secret, switched off and on.

use orgate_domain::ids::ClientId;
use orgate_tests::app::{App, Browser, CALLBACK, PASSWORD, Page, SAMPLES, VERIFIER};

use super::console::operator;
use super::{administrator, copied, csrf, nowhere, send};

const NEW: &str = "/admin/acme/clients/new";

/// A form that registers a web application of this name, with more in the place of what is usual.
fn web<'a>(name: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let usual = [
        ("type", "web"),
        ("name", name),
        ("redirect_uris", CALLBACK),
        ("party", "first"),
        ("authentication", "client_secret"),
    ];
    let kept = usual.into_iter().filter(|(field, _)| more.iter().all(|(other, _)| other != field));
    kept.chain(more.iter().copied()).collect()
}

/// Where the page that shows a secret leads on to.
fn onward(page: &Page) -> String {
    let (_, rest) = page.body.split_once("class=\"onward\"").unwrap_or_else(|| panic!("{}", page.body));
    rest.split('"').find(|text| text.starts_with("/admin/")).expect("an address").to_owned()
}

/// Registers a machine: the address of its page, its `client_id` and its secret.
async fn machine(browser: &Browser, more: &[(&str, &str)]) -> (String, String, String) {
    let form = browser.get(NEW).await;
    let usual = [("type", "machine"), ("name", "Robot"), ("authentication", "client_secret")];
    let made = send(browser, &form, NEW, &[&usual, more].concat()).await;
    (onward(&made), copied(&made, "client_id"), copied(&made, "secret"))
}

/// What stood in the fields of a client's form when it was shown.
fn seen(page: &Page) -> Vec<(String, String)> {
    let fields = page.body.split("name=\"seen.").skip(1);
    let value = |rest: &str| {
        let (name, rest) = rest.split_once("\" value=\"").expect("a value");
        (name.to_owned(), rest.split('"').next().unwrap_or_default().to_owned())
    };
    fields.map(value).collect()
}

/// Sends the form of a client's page as it was shown, but for these fields.
async fn save(browser: &Browser, page: &Page, at: &str, changes: &[(&str, &str)]) -> Page {
    let seen = seen(page);
    let hidden: Vec<_> = seen.iter().map(|(name, value)| (format!("seen.{name}"), value.as_str())).collect();
    let shown = seen.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let kept = shown.filter(|(name, _)| changes.iter().all(|(other, _)| other != name));
    let fields = hidden.iter().map(|(name, value)| (name.as_str(), *value)).chain(kept);
    send(browser, page, at, &fields.chain(changes.iter().copied()).collect::<Vec<_>>()).await
}

/// Signs Ada in to an application: what its backend gets for the code.
async fn sign_in(app: &App, client_id: &str, secret: &str) -> u16 {
    let browser = app.browser();
    let asked = [("client_id", client_id), ("scope", "openid"), ("organization", "acme")];
    let page = browser.authorize(&asked).await;
    let code = browser.sign_in(page, "ada@acme.test", PASSWORD).await.answer("code");
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    app.token_as(client_id, secret, &form).await.status
}

async fn works(app: &App, client_id: &str, secret: &str) -> bool {
    app.token_as(client_id, secret, &[("grant_type", "client_credentials")]).await.status == 200
}

#[tokio::test]
async fn people_sign_in_to_an_application_that_was_registered_and_its_secret_is_shown_once() {
    let app = App::start().await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let form = ada.get(NEW).await;

    let made = send(&ada, &form, NEW, &web("Wiki", &[])).await;
    let (client_id, secret) = (copied(&made, "client_id"), copied(&made, "secret"));
    let page = ada.get(onward(&made)).await;
    let list = ada.get("/admin/acme/clients").await;

    assert_eq!((made.status.as_u16(), sign_in(&app, &client_id, &secret).await), (200, 200), "{}", made.body);
    assert!(!page.body.contains(&secret) && !list.body.contains(&secret), "it is shown once");
    for text in [
        "<h1><bdi>Wiki</bdi></h1>",
        ">Web application</span>",
        "The product’s own: people are not asked",
        "Good until it is replaced",
        "<bdi>authorization_code, refresh_token</bdi>",
    ] {
        assert!(page.body.contains(text), "{text}: {}", page.body);
    }
    assert!(list.body.contains("<b><bdi>Wiki</bdi></b>") && list.body.contains(&client_id), "{}", list.body);
    assert!(!form.body.contains("name=\"audience\"") && !form.body.contains("name=\"client_id\""));
    assert!(app.events("acme").await.iter().any(|event| event == "client.configured success"));
}

#[tokio::test]
async fn one_that_keeps_no_secret_leads_to_its_page() {
    let app = App::start().await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let form = ada.get(NEW).await;

    let fields = web("Board", &[("type", "spa"), ("party", "third"), ("scopes", "not looked at\"")]);
    let made = send(&ada, &form, NEW, &fields).await;
    let at = made.leads_to();
    let page = ada.follow(made).await;
    let secret = ada.get(format!("{at}/secret")).await;

    assert!(page.body.contains("The application is registered") && page.body.contains("it is public"));
    assert!(page.body.contains("Somebody else’s: people are asked"), "{}", page.body);
    assert!(!page.body.contains(&format!("{at}/secret")), "{}", page.body);
    assert_eq!((secret.status.as_u16(), secret.leads_to()), (303, at));
}

#[tokio::test]
async fn one_that_has_a_key_of_its_own_is_known_by_that_and_what_a_form_hides_counts_for_nothing() {
    let app = App::start().await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let form = ada.get(NEW).await;
    let keys = ("jwks_uri", "https://keys.example/jwks.json");

    let keyed = send(&ada, &form, NEW, &web("Keyed", &[("authentication", "private_key_jwt"), keys])).await;
    let keyed = ada.follow(keyed).await;
    let secret = send(&ada, &form, NEW, &web("Wiki", &[keys])).await;
    let secret = ada.get(onward(&secret)).await;

    assert!(keyed.body.contains("keys.example/jwks.json"), "{}", keyed.body);
    assert!(keyed.body.contains("By an assertion that it signs"), "{}", keyed.body);
    assert!(!secret.body.contains("keys.example"), "{}", secret.body);
}

#[tokio::test]
async fn what_is_wrong_is_said_beside_each_field_and_what_was_typed_is_kept() {
    let app = App::start().await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let form = ada.get(NEW).await;

    let uris = format!("{CALLBACK}\nhttp://app.example/");
    let more = [
        ("authentication", "private_key_jwt"),
        ("jwks_uri", "javascript:1"),
        ("redirect_uris", uris.as_str()),
    ];
    let wrong = send(&ada, &form, NEW, &web("", &more)).await;
    let none = send(&ada, &form, NEW, &web("Wiki", &[("redirect_uris", "")])).await;
    let keyless = send(&ada, &form, NEW, &web("Wiki", &[("authentication", "private_key_jwt")])).await;
    let chosen = send(&ada, &form, NEW, &web("Wiki", &[("client_id", "wiki")])).await;

    assert_eq!(wrong.status, 422, "{}", wrong.body);
    for text in [
        "id=\"name-error\"",
        "id=\"redirect_uris-error\">Line 2: a redirect URI uses http only for localhost",
        "id=\"jwks_uri-error\">An https:// address",
        "<a href=\"#redirect_uris\">",
        "value=\"private_key_jwt\" checked",
        "value=\"javascript:1\"",
        "http://app.example/</textarea>",
    ] {
        assert!(wrong.body.contains(text), "{text}: {}", wrong.body);
    }
    for (page, field) in [(&none, "redirect_uris"), (&keyless, "authentication")] {
        assert!(page.status == 422 && page.body.contains(&format!("id=\"{field}-error\"")), "{}", page.body);
        assert!(page.body.contains("value=\"Wiki\""), "{}", page.body);
    }
    assert_eq!(chosen.status, 422, "whether it is free would tell of others: {}", chosen.body);
    assert!(!ada.get("/admin/acme/clients").await.body.contains("<bdi>Wiki</bdi>"));
}

#[tokio::test]
async fn what_a_form_does_not_show_is_as_it_was_once_it_is_saved() {
    let app = App::start().await;
    app.apply(
        "clients: [{ client_id: wiki, organization: acme, name: Wiki, type: web, audience: owner, client_secret: \"${SECRET}\",
           redirect_uris: [\"http://localhost:9/callback\"], resource: wiki, permissions: [\"wiki:read\"], access_token_secs: 60,
           signing_algorithm: RS256, require_pushed_authorization_requests: true, frontchannel_logout_uri: \"https://wiki.example/f\",
           claims: [{ name: department, from: user.attributes.department }], scopes: [openid, email] }]",
    )
    .await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let list = ada.get("/admin/acme/clients").await;
    let (before, _) = list.body.split_once("<b><bdi>Wiki</bdi></b>").expect("the client");
    let at = before.rsplit("href=\"").next().and_then(|rest| rest.split('"').next()).expect("its page");
    let stored = async || -> serde_json::Value {
        let row =
            "select to_jsonb(client) - '{post_logout_redirect_uris,updated_at}'::text[] from clients client
                   join client_directory entry using (org_id, id) where entry.client_id = 'wiki'";
        sqlx::query_scalar(row).fetch_one(app.database.superuser()).await.expect("a client")
    };
    let was = stored().await;
    let page = ada.get(at).await;

    let changes = [
        ("name", "Handbook"),
        ("post_logout_redirect_uris", "https://b.example/\r\n\r\n https://a.example/ "),
    ];
    let saved = save(&ada, &page, at, &changes).await;
    let after = ada.follow(saved).await;
    let wrong = save(&ada, &after, at, &[("home_url", "ftp://a.example/"), ("name", "Wiki")]).await;

    assert!(after.body.contains("The settings are saved"), "{} {}", after.status, after.body);
    assert!(after.body.contains("<h1><bdi>Handbook</bdi></h1>"));
    assert!(after.body.contains("https://a.example/\nhttps://b.example/</textarea>"), "{}", after.body);
    assert_eq!(stored().await, was);
    for text in ["<bdi>wiki:read</bdi>", "<bdi>60 seconds</bdi>", "<bdi>RS256</bdi>", "<bdi>department</bdi>"]
    {
        assert!(after.body.contains(text), "{text}: {}", after.body);
    }
    assert!(wrong.status == 422 && wrong.body.contains("id=\"home_url-error\""), "{}", wrong.body);
    assert!(wrong.body.contains("value=\"ftp://a.example/\"") && wrong.body.contains("value=\"Wiki\""));
}

#[tokio::test]
async fn a_form_that_is_stale_says_what_changed_and_can_be_saved_once_more() {
    let app = App::start().await;
    app.apply(&SAMPLES.replace("roles: [viewer] }", "roles: [admin] }")).await;
    let (ada, vic) = (
        administrator(&app, "acme", "ada@acme.test").await,
        administrator(&app, "acme", "vic@acme.test").await,
    );
    let form = ada.get(NEW).await;
    let at = onward(&send(&ada, &form, NEW, &web("Wiki", &[])).await);
    let (of_ada, of_vic) = (ada.get(&at).await, vic.get(&at).await);
    let theirs = [("name", "Handbook"), ("home_url", "https://wiki.example/")];
    let first = save(&vic, &of_vic, &at, &theirs).await;
    assert_eq!(first.status, 303, "{}", first.body);

    let stale = save(&ada, &of_ada, &at, &[("name", "Intranet")]).await;
    let (_, home) = stale.body.split_once("id=\"home_url\"").expect("the field");
    let (_, home) = home.split_once("value=\"").expect("what stands in it");
    let home = home.split('"').next().unwrap_or_default();
    assert_eq!(home, "https://wiki.example/", "theirs, where it was not touched");
    let mine = save(&ada, &stale, &at, &[("name", "Intranet"), ("home_url", home)]).await;

    assert_eq!(stale.status, 409, "{}", stale.body);
    for text in [
        "<bdi>Vic Viewer</bdi></a> changed it",
        "Now <b><bdi>Handbook</bdi></b>; you asked for <b><bdi>Intranet</bdi></b>",
        "Now <b><bdi>https://wiki.example/</bdi></b>",
        "Save mine",
        "keep all of theirs",
    ] {
        assert!(stale.body.contains(text), "{text}: {}", stale.body);
    }
    let after = ada.follow(mine).await;
    assert!(after.body.contains("<h1><bdi>Intranet</bdi></h1>"), "{}", after.body);
    assert!(after.body.contains("value=\"https://wiki.example/\""), "{}", after.body);
}

#[tokio::test]
async fn a_secret_is_replaced_and_those_before_it_end_as_was_chosen() {
    let app = App::start().await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let (at, client_id, first) = machine(&ada, &[]).await;
    let rotate = format!("{at}/secret");
    let form = ada.get(&rotate).await;

    let wrong = send(&ada, &form, &rotate, &[("overlap_secs", "86401")]).await;
    let made = send(&ada, &form, &rotate, &[("overlap_secs", "3600")]).await;
    let second = copied(&made, "secret");
    let both = [works(&app, &client_id, &first).await, works(&app, &client_id, &second).await];
    let page = ada.get(&at).await;
    let third = copied(&send(&ada, &form, &rotate, &[("overlap_secs", "0")]).await, "secret");

    assert!(wrong.status == 422 && wrong.body.contains("id=\"overlap_secs-error\""), "{}", wrong.body);
    assert!(form.body.contains("value=\"86400\" selected"), "{}", form.body);
    assert!(made.body.contains("The secrets before it are good until"), "{}", made.body);
    assert_eq!(both, [true, true]);
    assert!(!page.body.contains(&second) && page.body.contains("Good until it is replaced"), "{}", page.body);
    assert_eq!(
        [works(&app, &client_id, &second).await, works(&app, &client_id, &third).await],
        [false, true]
    );
    assert!(app.events("acme").await.iter().any(|event| event.starts_with("client.secret_rotated")));
}

#[tokio::test]
async fn a_machine_is_given_roles_all_of_them_or_none() {
    let app = App::start().await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let api = app.env.issuer.api();
    let (at, client_id, secret) =
        machine(&ada, &[("scopes", " orgate:users:read  orgate:roles:read"), ("resources", &api)]).await;
    let page = ada.get(&at).await;
    let role = |page: &Page, slug: &str| {
        let before = page.body.split(&format!("<span class=\"muted\">{slug}</span>")).next().expect("a box");
        let boxed = before.rsplit("<label").next().expect("a label");
        let id = boxed.split("value=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("an id");
        (id.to_owned(), boxed.contains(" checked"))
    };
    let (desk, auditor) = (role(&page, "help-desk"), role(&page, "auditor"));
    let roles = format!("{at}/roles");

    let given = send(&ada, &page, &roles, &[("role", &desk.0), ("role", &auditor.0)]).await;
    let with = ada.follow(given).await;
    let unknown = "rol_00000000000000000000000000";
    let missing = send(&ada, &with, &roles, &[("held", &desk.0), ("role", unknown)]).await;
    let taken =
        send(&ada, &with, &roles, &[("held", &desk.0), ("held", &auditor.0), ("role", &desk.0)]).await;
    let after = ada.follow(taken).await;

    assert!(!desk.1 && !auditor.1 && with.body.contains("The roles are saved"), "{}", with.body);
    assert_eq!((role(&with, "help-desk").1, role(&with, "auditor").1), (true, true));
    assert_eq!(missing.status, 404);
    assert_eq!((role(&after, "help-desk").1, role(&after, "auditor").1), (true, false), "{}", after.body);
    let form = [("grant_type", "client_credentials"), ("resource", &*api), ("scope", "orgate:users:read")];
    let bearer = app.token_as(&client_id, &secret, &form).await.text("access_token");
    let url = app.at("/api/v1/organizations/acme/users");
    let reply = orgate_tests::app::client().get(url).bearer_auth(bearer).send().await.expect("an answer");
    assert_eq!(reply.status(), 200);
}

#[tokio::test]
async fn a_machine_whose_scopes_are_emptied_may_ask_for_nothing_rather_than_for_anything() {
    let app = App::start().await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let (at, ..) = machine(&ada, &[("scopes", "orgate:users:read")]).await;
    let id: ClientId = at.rsplit('/').next().and_then(|id| id.parse().ok()).expect("an id");

    let saved = save(&ada, &ada.get(&at).await, &at, &[("scopes", "")]).await;

    assert_eq!(saved.status, 303, "{}", saved.body);
    let kept = sqlx::query_scalar::<_, Option<Vec<String>>>("select scopes from clients where id = $1");
    let kept = kept.bind(id.as_uuid()).fetch_one(app.database.superuser()).await.expect("kept");
    assert_eq!(kept, Some(Vec::new()));
}

#[tokio::test]
async fn one_is_switched_off_once_its_name_was_typed_and_on_again() {
    let app = App::start().await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let (at, client_id, secret) = machine(&ada, &[]).await;
    let off = format!("{at}/switch-off");
    let confirm = ada.get(&off).await;

    let wrong = send(&ada, &confirm, &off, &[("word", "Wiki")]).await;
    let still = works(&app, &client_id, &secret).await;
    let done = send(&ada, &confirm, &off, &[("word", "robot")]).await;
    let page = ada.follow(done).await;
    let (gone, again) = (works(&app, &client_id, &secret).await, ada.get(&off).await);
    let on = send(&ada, &page, &format!("{at}/switch-on"), &[]).await;
    let after = ada.follow(on).await;

    assert!(wrong.status == 422 && wrong.body.contains("id=\"word-error\"") && still, "{}", wrong.body);
    assert!(page.body.contains("It is switched off") && page.body.contains(">Switched off</span>") && !gone);
    assert_eq!((again.status.as_u16(), again.leads_to()), (303, at));
    assert!(after.body.contains("It is switched on again") && works(&app, &client_id, &secret).await);
}

#[tokio::test]
async fn an_operator_registers_one_for_every_organization_under_a_name_of_their_choice() {
    let app = App::start().await;
    let ruth = operator(&app).await;
    let new = "/admin/operator/clients/new";
    let form = ruth.get(new).await;

    let fields = web("CRM", &[("audience", "all"), ("client_id", "crm")]);
    let made = send(&ruth, &form, new, &fields).await;
    let signed_in = sign_in(&app, "crm", &copied(&made, "secret")).await;
    let taken = send(&ruth, &form, new, &fields).await;
    let list = ruth.get("/admin/operator/clients").await;
    let at = onward(&made);
    let page = ruth.get(&at).await;
    let saved = save(&ruth, &page, &at, &[("audience", "granted")]).await;

    assert!(form.body.contains("name=\"audience\" value=\"owner\" checked"), "as the management API has it");
    assert_eq!(copied(&made, "client_id"), "crm");
    assert_eq!(signed_in, 200, "people of another organization");
    assert!(taken.status == 409 && taken.body.contains("id=\"client_id-error\""), "{}", taken.body);
    assert!(list.body.contains("<td data-label=\"For\">Every organization</td>"), "{}", list.body);
    let after = ruth.follow(saved).await;
    assert!(after.body.contains("name=\"audience\" value=\"granted\" checked"), "{}", after.body);
    let built_in = list.body.split("href=\"").find(|rest| rest.contains("<bdi>Administration</bdi>"));
    let at = built_in.and_then(|rest| rest.split('"').next()).expect("the administration's own");
    let page = ruth.get(at).await;
    assert!(page.body.contains("Orgate’s own application") && !page.body.contains("name=\"seen."));
}

#[tokio::test]
async fn who_may_only_read_sees_no_form_and_what_reaches_beyond_somebody_is_not_theirs_to_change() {
    let app = App::start().await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let (at, ..) = machine(&ada, &[("scopes", "orgate:audit:read")]).await;
    let holding = |permissions: &str| {
        SAMPLES.replacen("[\"notes:read\"]", &format!("[\"orgate:organization:read\", {permissions}]"), 1)
    };
    app.apply(&holding("\"orgate:clients:read\"")).await;
    let vic = administrator(&app, "acme", "vic@acme.test").await;

    let (list, page) = (vic.get("/admin/acme/clients").await, vic.get(&at).await);
    let token = csrf(&page, "/admin/acme/sign-out");
    let refused = vic.post(format!("{at}/switch-off"), &[("csrf", &token), ("word", "Robot")]).await;
    app.apply(&holding("\"orgate:clients:*\"")).await;
    let vic = administrator(&app, "acme", "vic@acme.test").await; // with a token that says so
    let locked = vic.get(&at).await;
    let form = vic.get(NEW).await;
    let first = send(&vic, &form, NEW, &web("Wiki", &[])).await;
    let token = csrf(&form, NEW);
    let off = vic.post(format!("{at}/switch-off"), &[("csrf", &token), ("word", "Robot")]).await;

    assert!(!list.body.contains("/clients/new") && !page.body.contains("name=\"seen."), "{}", page.body);
    assert!(page.body.contains("<bdi>orgate:audit:read</bdi>") && !page.body.contains("/switch-off"));
    assert_eq!(refused.status, 403);
    assert!(locked.body.contains("It is not yours to change") && !locked.body.contains("name=\"seen."));
    assert!(first.status == 403 && first.body.contains("id=\"party-error\""), "{}", first.body);
    assert!(first.body.contains("value=\"Wiki\""), "{}", first.body);
    assert!(off.status == 403 && off.body.contains("which you do not hold"), "{}", off.body);
    assert!(ada.get(&at).await.body.contains(">On</span>"));
}

#[tokio::test]
async fn there_is_no_page_and_no_form_of_another_organizations() {
    let app = App::start().await;
    let (ada, gus) = (
        administrator(&app, "acme", "ada@acme.test").await,
        administrator(&app, "globex", "gus@globex.test").await,
    );
    let new = "/admin/globex/clients/new";
    let made = send(&gus, &gus.get(new).await, new, &web("Board", &[])).await;
    let at = onward(&made);
    let (theirs, unknown) = (at.replace("globex", "acme"), nowhere("/admin/acme/clients/{client}"));
    let token = csrf(&ada.get(NEW).await, NEW);

    for below in ["", "/secret", "/switch-off"] {
        let pages = [ada.get(format!("{theirs}{below}")).await, ada.get(format!("{unknown}{below}")).await];
        assert_eq!(pages.each_ref().map(|page| page.status.as_u16()), [404, 404], "{below}");
        let [body, other] = pages.map(|page| page.body);
        assert_eq!(body.replace(&theirs, "…").len(), other.replace(&unknown, "…").len(), "{below}");
    }
    for below in ["", "/roles", "/secret", "/switch-off", "/switch-on"] {
        let fields = [("csrf", token.as_str()), ("name", "Mine"), ("word", "Board"), ("overlap_secs", "0")];
        assert_eq!(ada.post(format!("{theirs}{below}"), &fields).await.status, 404, "{below}");
    }
    let page = gus.get(&at).await;
    assert!(page.body.contains("<h1><bdi>Board</bdi></h1>") && page.body.contains(">On</span>"));
    assert!(page.body.contains("Good until it is replaced"), "{}", page.body);
}

#[tokio::test]
async fn they_are_shown_page_by_page() {
    let app = App::start().await;
    let one = |number| {
        format!(
            "  - {{ client_id: robot-{number}, organization: globex, name: Robot, type: machine, audience: owner, client_secret: \
             \"${{SECRET}}\" }}\n"
        )
    };
    app.apply(&format!("clients:\n{}", (0..52).map(one).collect::<String>())).await;
    let gus = administrator(&app, "globex", "gus@globex.test").await;

    let first = gus.get("/admin/globex/clients").await;
    let (_, rest) = first.body.split_once("?after=").expect("another page");
    let after = rest.split('"').next().expect("an id");
    let second = gus.get(format!("/admin/globex/clients?after={after}")).await;

    let rows = |page: &Page| page.body.matches("<code class=\"muted\">robot-").count();
    assert_eq!((rows(&first), rows(&second)), (50, 2));
    assert!(second.body.contains("First page") && first.body.len() <= 100_000, "{}", second.body);
}
