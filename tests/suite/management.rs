//! The management API, as programs see it.

mod access;
mod api_keys;
mod attacks;
mod changes;
mod clients;
mod connections;
mod delegations;
mod domains;
mod erasure;
mod groups;
mod import;
mod invitations;
mod lists;
mod mail_templates;
mod operators;
mod quotas;
mod rights;
mod role_blueprints;
mod seats;
mod setup_links;
mod signing_keys;
mod statistics;
mod tree;
mod user_life;

use std::fmt::Write as _;
use std::sync::LazyLock;

use orgate_api::v1::{OPERATIONS, Operation, PATH, document};
use orgate_domain::permissions::OrgatePermission;
use orgate_flows::manage::access::Holder;
use orgate_tests::app::{App, Reply, SECRET, client};
use orgate_tests::saml_provider::new_key;
use serde_json::{Value, json};

pub(crate) use statistics::count as count_sign_ins;

/// Machines of Acme's: one for each permission, which holds it and nothing else; one for each that holds everything else; one
/// that holds all; Globex' own; and of the operator's, the same for what operators alone may do.
fn machines(app: &App) -> String {
    let api = app.env.issuer.api();
    let mut clients = String::new();
    let mut add = |roles: &mut String, organization: &str, name: &str, held: &[&str], scopes: &[&str]| {
        writeln!(roles, "      - {{ slug: {name}, permissions: {held:?} }}").expect("written");
        writeln!(
            clients,
            "  - {{ client_id: {name}, organization: {organization}, name: {name}, type: machine, audience: owner, \
             client_secret: \"${{SECRET}}\", resources: [\"{api}\"], scopes: {scopes:?}, roles: [{name}] }}"
        )
        .expect("written");
    };
    let (mut acme, mut operator, mut globex) = (String::new(), String::new(), String::new());
    let all: Vec<&str> = OrgatePermission::ALL.iter().map(|permission| permission.as_str()).collect();
    for permission in &all {
        let others: Vec<&str> = all.iter().copied().filter(|other| other != permission).collect();
        add(&mut acme, "acme", &only(permission), &[*permission], &[*permission]);
        add(&mut acme, "acme", &but(permission), &others, &all);
        if is_operators(permission) {
            add(&mut operator, "operator", &of_operator(&only(permission)), &[*permission], &all);
            add(&mut operator, "operator", &of_operator(&but(permission)), &others, &all);
        }
    }
    add(&mut acme, "acme", "all", &["orgate:*"], &["orgate:*", "notes"]);
    add(&mut acme, "acme", "plain", &["notes:read"], &all);
    add(&mut acme, "acme", "spare", &[], &all);
    add(&mut globex, "globex", "globex-all", &["orgate:*"], &["orgate:*"]);
    add(&mut globex, "globex", "globex-spare", &[], &["orgate:*"]);
    add(&mut operator, "operator", "operator-all", &["orgate:*"], &["orgate:*"]);
    format!(
        "organizations:\n  - slug: acme\n    name: Acme Inc\n    roles:\n{acme}\
         \x20 - slug: globex\n    name: Globex Corporation\n    roles:\n{globex}\
         \x20 - slug: operator\n    name: Operator\n    roles:\n{operator}\
         clients:\n{clients}  \
         - {{ client_id: admin, organization: operator, name: Admin, type: web, audience: all, \
         client_secret: \"${{SECRET}}\", redirect_uris: [\"http://localhost:9/callback\"], resources: [\"{api}\"], \
         scopes: [openid, \"orgate:*\", \"orgate:users:read\"] }}\n"
    )
}

/// Whether it takes an operator's machine to try it.
fn is_operators(permission: &str) -> bool {
    let taken = |operation: &Operation| {
        operation.holder == Holder::Operator && operation.permission.as_str() == permission
    };
    permission.starts_with("orgate:organizations:") || OPERATIONS.iter().any(taken)
}

/// The operator's machine of a name that Acme's has too.
fn of_operator(name: &str) -> String {
    format!("operator-{name}")
}

fn only(permission: &str) -> String {
    format!("only-{}", permission.replace([':', '_'], "-"))
}

fn but(permission: &str) -> String {
    format!("but-{}", permission.replace([':', '_'], "-"))
}

async fn app() -> App {
    let app = App::start().await;
    app.apply(&machines(&app)).await;
    app
}

/// A machine's token for the API.
async fn token_of(app: &App, client_id: &str) -> String {
    let api = app.env.issuer.api();
    let reply =
        app.token_as(client_id, SECRET, &[("grant_type", "client_credentials"), ("resource", &api)]).await;
    assert_eq!(reply.status, 200, "{client_id}: {:?}", reply.body);
    reply.text("access_token")
}

/// The token of a user who signed in through an application, for the API, with this scope.
async fn token_of_user(app: &App, (organization, email): (&str, &str), scope: &str) -> String {
    let api = app.env.issuer.api();
    let browser = app.browser();
    let asked =
        [("client_id", "admin"), ("scope", scope), ("resource", &api), ("organization", organization)];
    let page = browser.authorize(&asked).await;
    let code = browser.sign_in(page, email, orgate_tests::app::PASSWORD).await.answer("code");
    redeemed(app, &code).await
}

/// The token that such a sign-in ends with.
async fn redeemed(app: &App, code: &str) -> String {
    let api = app.env.issuer.api();
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", orgate_tests::app::CALLBACK),
        ("code_verifier", orgate_tests::app::VERIFIER),
        ("resource", &api),
    ];
    let reply = app.token_as("admin", SECRET, &form).await;
    assert_eq!(reply.status, 200, "{:?}", reply.body);
    reply.text("access_token")
}

/// Calls an operation, whose answer is as its description says.
async fn call(app: &App, token: Option<&str>, (method, path): (&str, &str), body: Option<&Value>) -> Reply {
    let known = method.parse().expect("a method");
    let mut request = client().request(known, app.at(&format!("{PATH}{path}")));
    request = request.header("orgate-reason", "to try what happens");
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    if let Some(body) = body {
        request = request.json(body);
    }
    as_described((method, path), Reply::of(request.send().await.expect("answered")).await)
}

/// An answer, once it was compared with its description if it tells of success: its status, and whether it has the tag of what it
/// shows and an address.
pub(super) fn as_described((method, path): (&str, &str), reply: Reply) -> Reply {
    static DOCUMENT: LazyLock<Value> = LazyLock::new(|| document(""));
    let asked: Vec<&str> = path.split('?').next().unwrap_or_default().split('/').collect();
    let is_asked = |operation: &&Operation| {
        let parts: Vec<&str> = operation.path.split('/').collect();
        let mut pairs = parts.iter().zip(&asked);
        operation.method == method
            && parts.len() == asked.len()
            && pairs.all(|(part, asked)| part == asked || part.starts_with('{'))
    };
    let Some(operation) = OPERATIONS.iter().find(is_asked).filter(|_| (200..300).contains(&reply.status))
    else {
        return reply;
    };
    let responses = &DOCUMENT["paths"][operation.path][method.to_ascii_lowercase()]["responses"];
    let described = &responses[reply.status.to_string()]["headers"];
    assert!(described.is_object(), "{method} {path}: {} is not described", reply.status);
    for header in ["etag", "location"] {
        let is_described = described.get(header).is_some();
        assert_eq!(reply.headers.contains_key(header), is_described, "{method} {path}: {header}");
    }
    reply
}

/// What is in the place of an operation's names: things of one organization.
struct Things {
    organization: String,
    api_key: String,
    user: String,
    client: String,
    connection: String,
    domain: String,
    setup_link: String,
    invitation: String,
    join_request: String,
    role: String,
    session: String,
    group: String,
    webhook: String,
    event: String,
    /// A language that it words invitations in.
    locale: String,
}

impl Things {
    /// Acme's or Globex', made for it.
    async fn of(app: &App, organization: &str) -> Self {
        let (machine, email, role) = match organization {
            "acme" => ("all", "casey@consult.test", "spare"),
            _ => ("globex-all", "casey@consult.test", "globex-spare"),
        };
        let token = token_of(app, machine).await;
        let get = async |below: &str| {
            let path = format!("/organizations/{organization}/{below}");
            let reply = call(app, Some(&token), ("GET", &path), None).await;
            reply.body["items"].as_array().expect("a list").clone()
        };
        let id_of = |items: &[Value], name: &str, value: &str| {
            let found = items.iter().find(|item| item[name] == value).expect("one of these");
            found["id"].as_str().expect("an id").to_owned()
        };
        app.sign_in(organization, email).await;
        let user = id_of(&get("users").await, "email", email);
        let role = id_of(&get("roles?limit=200").await, "slug", role);
        let session = id_of(&get("sessions").await, "user", email);
        let make = async |below: &str, wanted: Value| {
            let path = format!("/organizations/{organization}/{below}");
            let made = call(app, Some(&token), ("POST", &path), Some(&wanted)).await;
            assert_eq!(made.status, 201, "{:?}", made.body);
            made.text("id")
        };
        let setup_link = make("setup-links", json!({ "purposes": ["domains"] })).await;
        let invitation = make("invitations", json!({ "email": format!("new@{organization}.test") })).await;
        let domain = make("domains", json!({ "name": format!("{organization}-claims.test") })).await;
        let key = new_key(orgate_flows::Clock::now(&*app.clock) + chrono::Duration::days(100));
        let saml = json!({
            "entity_id": "https://idp.test", "sso_url": "https://idp.test/sso",
            "certificates": [key.certificate().base64()],
        });
        let wanted = json!({ "name": "SAML", "settings": { "provider": { "saml": saml } } });
        let connection = make("connections", wanted).await;
        let group = make("groups", json!({ "slug": "spare", "name": "Spare" })).await;
        let client = make("clients", json!({ "type": "machine", "name": "Spare" })).await;
        let webhook = make("webhooks", json!({ "url": "https://hooks.example.com/" })).await;
        let tested = format!("/organizations/{organization}/webhooks/{webhook}/test");
        let tested = call(app, Some(&token), ("POST", &tested), Some(&json!({}))).await;
        let event = tested.text("event_id");
        let api_key =
            make("api-keys", json!({ "name": "Spare", "permissions": ["orgate:users:read"] })).await;
        let locale = if organization == "acme" { "de-AC" } else { "de-GX" };
        let mail = format!("/organizations/{organization}/mail-templates/invitation/{locale}");
        let words = json!({ "subject": "Hi", "text": "Hi" });
        assert_eq!(call(app, Some(&token), ("PUT", &mail), Some(&words)).await.status, 200);
        let (organization, locale) = (organization.to_owned(), locale.to_owned());
        let join_request = asked(app, &organization).await;
        Self {
            organization,
            api_key,
            user,
            client,
            connection,
            domain,
            setup_link,
            invitation,
            join_request,
            role,
            session,
            group,
            webhook,
            event,
            locale,
        }
    }

    /// None of any organization.
    fn of_nobody() -> Self {
        Self {
            organization: "nowhere".to_owned(),
            api_key: "apk_00000000000000000000000000".to_owned(),
            user: "usr_00000000000000000000000000".to_owned(),
            client: "cli_00000000000000000000000000".to_owned(),
            connection: "con_00000000000000000000000000".to_owned(),
            domain: "dom_00000000000000000000000000".to_owned(),
            setup_link: "stl_00000000000000000000000000".to_owned(),
            invitation: "inv_00000000000000000000000000".to_owned(),
            join_request: "jrq_00000000000000000000000000".to_owned(),
            role: "rol_00000000000000000000000000".to_owned(),
            session: "ses_00000000000000000000000000".to_owned(),
            group: "grp_00000000000000000000000000".to_owned(),
            webhook: "whk_00000000000000000000000000".to_owned(),
            event: "evt_00000000000000000000000000".to_owned(),
            locale: "de-NN".to_owned(),
        }
    }

    /// An operation's path, about these; `below` another organization, if it is named.
    fn path(&self, operation: &Operation, below: Option<&str>) -> String {
        operation
            .path
            .replace("{organization}", below.unwrap_or(&self.organization))
            .replace("{api_key}", &self.api_key)
            .replace("{user}", &self.user)
            .replace("{client}", &self.client)
            .replace("{connection}", &self.connection)
            .replace("{domain}", &self.domain)
            .replace("{setup_link}", &self.setup_link)
            .replace("{invitation}", &self.invitation)
            .replace("{join_request}", &self.join_request)
            .replace("{role}", &self.role)
            .replace("{session}", &self.session)
            .replace("{group}", &self.group)
            .replace("{webhook}", &self.webhook)
            .replace("{event}", &self.event)
            .replace("{mail}", "invitation")
            .replace("{locale}", &self.locale)
    }
}

/// Somebody who asked to join.
async fn asked(app: &App, organization: &str) -> String {
    let statement = "insert into join_requests (org_id, id, token_hash, email, email_normalized, source, created_at, proven_at,
                                                expires_at)
                     select org_id, gen_random_uuid(), sha256(email::bytea), email, email, '', now(), now(), now() + interval '1 year'
                     from organizations, (select gen_random_uuid() || '@partner.test' as email) asked
                     where slug = $1 returning id";
    let id = sqlx::query_scalar(statement).bind(organization).fetch_one(app.database.superuser()).await;
    orgate_domain::ids::JoinRequestId::from_uuid(id.expect("somebody")).to_string()
}

/// What an operation is sent, so that whoever is admitted changes nothing: refused for what it is, not for who sends it.
fn body_of(operation: &Operation) -> Option<Value> {
    match operation.method {
        "POST" | "PATCH" => Some(json!({ "org_id": "org_00000000000000000000000000" })),
        "PUT" if !operation.path.ends_with('}') || operation.path.ends_with("{locale}") => Some(json!({})),
        _ => None,
    }
}

/// Every operation; those that take things away last.
fn operations() -> Vec<&'static Operation> {
    let mut all: Vec<_> = OPERATIONS.iter().collect();
    all.sort_by_key(|operation| operation.method == "DELETE");
    all
}
