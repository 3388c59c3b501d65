//! Who may give whom what: nobody more than they may give, and an organization keeps an owner.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use orgate_domain::permissions::READY_ROLES;
use orgate_flows::manage::access::Holder;
use orgate_tests::app::App;
use serde_json::{Value, json};
use sqlx::Postgres;
use sqlx::pool::PoolConnection;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::{Things, app, body_of, call, operations, token_of, token_of_user};

const ORG: &str = "/organizations/initech";

/// An organization made through the API, with a machine of each ready role in it.
pub(super) async fn initech(app: &App) {
    let operator = token_of(app, "operator-all").await;
    let wanted = json!({ "slug": "initech", "name": "Initech" });
    let made = call(app, Some(&operator), ("POST", "/organizations"), Some(&wanted)).await;
    assert_eq!(made.status, 201, "{:?}", made.body);
    let api = app.env.issuer.api();
    let mut clients = "clients:\n".to_owned();
    for role in READY_ROLES {
        let slug = role.slug;
        writeln!(
            clients,
            "  - {{ client_id: initech-{slug}, organization: initech, name: {slug}, type: machine, audience: owner, \
             client_secret: \"${{SECRET}}\", resources: [\"{api}\"], scopes: [\"orgate:*\"], roles: [{slug}] }}"
        )
        .expect("written");
    }
    app.apply(&clients).await;
}

/// The ready roles, and what each may do: in its own organization, in another, and in one below.
#[tokio::test]
async fn each_ready_role_may_what_it_says_in_its_own_organization_and_nothing_elsewhere() {
    let app = app().await;
    initech(&app).await;
    let operator = token_of(&app, "operator-all").await;
    let child = json!({ "slug": "initech-east", "name": "Initech East", "parent": "initech" });
    assert_eq!(call(&app, Some(&operator), ("POST", "/organizations"), Some(&child)).await.status, 201);
    let nothing = Things::of_nobody();
    let mut tokens = Vec::new();
    for role in READY_ROLES {
        tokens.push((role.slug, token_of(&app, &format!("initech-{}", role.slug)).await));
    }
    let mut seen = String::new();

    for operation in operations() {
        let body = body_of(operation);
        let mut may = Vec::new();
        for (role, token) in &tokens {
            let ask = async |organization: &str| {
                let path = nothing.path(operation, Some(organization));
                call(&app, Some(token), (operation.method, &path), body.as_ref()).await.status
            };
            let own = ask("initech").await;
            // What is let in finds nothing, or is told what is wrong with it.
            match operation.holder {
                Holder::Organization if own == 403 => {}
                Holder::Organization => {
                    assert!([200, 404, 415, 422].contains(&own), "{} as {role}: {own}", operation.path);
                    may.push(*role);
                }
                Holder::Operator => assert_eq!(own, 404, "{} as {role}", operation.path),
            }
            if operation.path.contains("{organization}") {
                assert_eq!(
                    (ask("initech-east").await, ask("acme").await),
                    (404, 404),
                    "{} as {role}",
                    operation.path
                );
            }
        }
        writeln!(seen, "{} {}: {}", operation.method, operation.path, may.join(" ")).expect("written");
    }

    insta::assert_snapshot!(seen, @"
    GET /organizations: 
    POST /organizations: 
    GET /organizations/{organization}: owner admin user-manager sso-manager help-desk auditor reader
    PATCH /organizations/{organization}: owner admin
    PUT /organizations/{organization}/status: 
    PUT /organizations/{organization}/external-id: 
    PUT /organizations/{organization}/parent: 
    GET /backlog: 
    GET /role-blueprints: 
    PUT /role-blueprints/{blueprint}: 
    GET /organizations/{organization}/api-keys: owner admin auditor
    POST /organizations/{organization}/api-keys: owner admin
    GET /organizations/{organization}/api-keys/{api_key}: owner admin auditor
    GET /organizations/{organization}/applications: owner admin auditor
    PUT /organizations/{organization}/applications/{client}: 
    GET /organizations/{organization}/audit-events: owner admin auditor
    GET /organizations/{organization}/clients: owner admin auditor
    POST /organizations/{organization}/clients: owner admin
    GET /organizations/{organization}/clients/{client}: owner admin auditor
    PATCH /organizations/{organization}/clients/{client}: owner admin
    POST /organizations/{organization}/clients/{client}/secrets: owner admin
    PUT /organizations/{organization}/clients/{client}/roles/{role}: owner admin user-manager
    GET /organizations/{organization}/groups: owner admin user-manager sso-manager help-desk auditor reader
    POST /organizations/{organization}/groups: owner admin user-manager
    GET /organizations/{organization}/groups/{group}: owner admin user-manager sso-manager help-desk auditor reader
    PATCH /organizations/{organization}/groups/{group}: owner admin user-manager
    GET /organizations/{organization}/groups/{group}/members: owner admin user-manager sso-manager help-desk auditor reader
    PUT /organizations/{organization}/groups/{group}/members/{user}: owner admin user-manager
    GET /organizations/{organization}/invitations: owner admin user-manager help-desk auditor reader
    POST /organizations/{organization}/invitations: owner admin user-manager
    POST /organizations/{organization}/invitations/import: owner admin user-manager
    GET /organizations/{organization}/invitations/{invitation}: owner admin user-manager help-desk auditor reader
    POST /organizations/{organization}/invitations/{invitation}/resend: owner admin user-manager
    GET /organizations/{organization}/joining: owner admin user-manager help-desk auditor reader
    PATCH /organizations/{organization}/joining: owner admin user-manager
    GET /organizations/{organization}/join-requests: owner admin user-manager help-desk auditor reader
    GET /organizations/{organization}/join-requests/{join_request}: owner admin user-manager help-desk auditor reader
    POST /organizations/{organization}/join-requests/{join_request}/approve: owner admin user-manager
    POST /organizations/{organization}/join-requests/{join_request}/deny: owner admin user-manager
    GET /organizations/{organization}/connections: owner admin sso-manager auditor
    POST /organizations/{organization}/connections: owner admin sso-manager
    GET /organizations/{organization}/connections/{connection}: owner admin sso-manager auditor
    PATCH /organizations/{organization}/connections/{connection}: owner admin sso-manager
    PUT /organizations/{organization}/connections/{connection}/settings: owner admin sso-manager
    PUT /organizations/{organization}/connections/{connection}/state: owner admin sso-manager
    GET /organizations/{organization}/delegations: owner admin auditor
    PUT /organizations/{organization}/delegations/{delegate}: owner admin
    GET /organizations/{organization}/domains: owner admin sso-manager auditor
    POST /organizations/{organization}/domains: owner admin sso-manager
    GET /organizations/{organization}/domains/{domain}: owner admin sso-manager auditor
    POST /organizations/{organization}/domains/{domain}/verify: owner admin sso-manager
    GET /organizations/{organization}/events: owner admin auditor
    GET /organizations/{organization}/mail-templates: owner admin user-manager sso-manager help-desk auditor reader
    GET /organizations/{organization}/mail-templates/{mail}/{locale}: owner admin user-manager sso-manager help-desk auditor reader
    PUT /organizations/{organization}/mail-templates/{mail}/{locale}: owner admin
    POST /organizations/{organization}/mail-templates/{mail}/{locale}/preview: owner admin
    GET /organizations/{organization}/policy: owner admin sso-manager auditor
    PATCH /organizations/{organization}/policy: owner admin
    GET /organizations/{organization}/quotas: owner admin user-manager sso-manager help-desk auditor reader
    PUT /organizations/{organization}/quotas/{quota}: 
    GET /organizations/{organization}/roles: owner admin user-manager sso-manager help-desk auditor reader
    POST /organizations/{organization}/roles: owner admin
    GET /organizations/{organization}/roles/{role}: owner admin user-manager sso-manager help-desk auditor reader
    PATCH /organizations/{organization}/roles/{role}: owner admin
    GET /organizations/{organization}/seats: owner admin user-manager sso-manager help-desk auditor reader
    PUT /organizations/{organization}/seats: 
    GET /organizations/{organization}/sessions: owner admin user-manager help-desk auditor
    GET /organizations/{organization}/setup-links: owner admin sso-manager auditor
    POST /organizations/{organization}/setup-links: owner admin sso-manager
    GET /organizations/{organization}/setup-links/{setup_link}: owner admin sso-manager auditor
    GET /organizations/{organization}/signing-keys: owner admin auditor
    POST /organizations/{organization}/signing-keys/rotate: owner admin
    GET /organizations/{organization}/suborganizations: owner admin
    GET /organizations/{organization}/statistics: owner admin user-manager sso-manager help-desk auditor reader
    GET /organizations/{organization}/users: owner admin user-manager help-desk auditor reader
    POST /organizations/{organization}/users: owner admin user-manager
    GET /organizations/{organization}/users/{user}: owner admin user-manager help-desk auditor reader
    PATCH /organizations/{organization}/users/{user}: owner admin user-manager
    PUT /organizations/{organization}/users/{user}/roles/{role}: owner admin user-manager
    GET /organizations/{organization}/users/{user}/sessions: owner admin user-manager help-desk auditor
    GET /organizations/{organization}/webhooks: owner admin auditor
    POST /organizations/{organization}/webhooks: owner admin
    GET /organizations/{organization}/webhooks/{webhook}: owner admin auditor
    PATCH /organizations/{organization}/webhooks/{webhook}: owner admin
    POST /organizations/{organization}/webhooks/{webhook}/replay: owner admin
    POST /organizations/{organization}/webhooks/{webhook}/rotate-secret: owner admin
    POST /organizations/{organization}/webhooks/{webhook}/test: owner admin
    GET /organizations/{organization}/webhooks/{webhook}/deliveries: owner admin auditor
    GET /organizations/{organization}/webhooks/{webhook}/deliveries/{event}: owner admin auditor
    POST /organizations/{organization}/webhooks/{webhook}/deliveries/{event}/redeliver: owner admin
    DELETE /role-blueprints/{blueprint}: 
    DELETE /organizations/{organization}/api-keys/{api_key}: owner admin
    DELETE /organizations/{organization}/applications/{client}: 
    DELETE /organizations/{organization}/clients/{client}/roles/{role}: owner admin user-manager
    DELETE /organizations/{organization}/groups/{group}: owner admin user-manager
    DELETE /organizations/{organization}/groups/{group}/members/{user}: owner admin user-manager
    DELETE /organizations/{organization}/invitations/{invitation}: owner admin user-manager
    DELETE /organizations/{organization}/delegations/{delegate}: owner admin
    DELETE /organizations/{organization}/domains/{domain}: owner admin sso-manager
    DELETE /organizations/{organization}/mail-templates/{mail}/{locale}: owner admin
    DELETE /organizations/{organization}/roles/{role}: owner admin
    DELETE /organizations/{organization}/sessions/{session}: owner admin user-manager help-desk
    DELETE /organizations/{organization}/setup-links/{setup_link}: owner admin sso-manager
    DELETE /organizations/{organization}/users/{user}/roles/{role}: owner admin user-manager
    DELETE /organizations/{organization}/users/{user}/sessions: owner admin user-manager help-desk
    DELETE /organizations/{organization}/users/{user}: owner admin user-manager
    DELETE /organizations/{organization}/webhooks/{webhook}: owner admin
    ");
}

#[tokio::test]
async fn nobody_gives_makes_or_takes_what_they_may_not_give() {
    let app = app().await;
    initech(&app).await;
    let (owner, admin) = (token_of(&app, "initech-owner").await, token_of(&app, "initech-admin").await);
    let manager = token_of(&app, "initech-user-manager").await;
    let roles = call(&app, Some(&owner), ("GET", &format!("{ORG}/roles")), None).await;
    let role = |slug: &str| {
        let found = roles.body["items"].as_array().expect("roles").iter().find(|role| role["slug"] == slug);
        found.expect("a role")["id"].as_str().expect("an id").to_owned()
    };
    let user = async |email: &str, roles: &[&str]| {
        let wanted = json!({ "email": email, "name": "Somebody", "roles": roles });
        let made = call(&app, Some(&owner), ("POST", &format!("{ORG}/users")), Some(&wanted)).await;
        assert_eq!(made.status, 201, "{:?}", made.body);
        made.text("id")
    };
    let (above, other) = (user("boss@initech.test", &["owner"]).await, user("other@initech.test", &[]).await);
    let ask = async |token: &str, method: &str, below: &str, body: Value| {
        let body = Some(body).filter(|body| !body.is_null());
        let reply = call(&app, Some(token), (method, &format!("{ORG}/{below}")), body.as_ref()).await;
        (reply.status, reply.body["errors"][0]["pointer"].as_str().map(str::to_owned))
    };
    let beyond = |pointer: &str| (403, Some(pointer.to_owned()));
    let given = |user: &str, slug: &str| format!("users/{user}/roles/{}", role(slug));

    // Giving more than one holds, in every way that there is.
    for (token, slug) in
        [(&admin, "owner"), (&manager, "owner"), (&manager, "admin"), (&manager, "sso-manager")]
    {
        assert_eq!(ask(token, "PUT", &given(&other, slug), Value::Null).await, beyond(""), "{slug}");
        let new = json!({ "email": "new@initech.test", "name": "New", "roles": ["reader", slug] });
        assert_eq!(ask(token, "POST", "users", new).await, beyond("/roles/1"), "{slug}");
    }
    let all = json!({ "slug": "mine", "name": "Mine", "permissions": ["orgate:*", "notes:read"] });
    assert_eq!(ask(&admin, "POST", "roles", all).await, beyond("/permissions/0"));
    let operators = json!({ "slug": "mine", "name": "Mine", "permissions": ["orgate:organizations:act"] });
    assert_eq!(ask(&admin, "POST", "roles", operators).await, beyond("/permissions/0"));
    let widened = json!({ "permissions": ["orgate:*"] });
    assert_eq!(
        ask(&admin, "PATCH", &format!("roles/{}", role("admin")), widened).await,
        beyond("/permissions/0")
    );
    let unknown = json!({ "slug": "mine", "name": "Mine", "permissions": ["orgate:users:fly"] });
    assert_eq!(ask(&owner, "POST", "roles", unknown).await, (422, Some("/permissions/0".to_owned())));
    // Taking from those who stand above.
    let narrowed = json!({ "permissions": [] });
    assert_eq!(ask(&admin, "PATCH", &format!("roles/{}", role("owner")), narrowed).await, beyond(""));
    assert_eq!(ask(&admin, "DELETE", &format!("roles/{}", role("owner")), Value::Null).await, beyond(""));
    assert_eq!(ask(&admin, "DELETE", &given(&above, "owner"), Value::Null).await, beyond(""));
    for token in [&admin, &manager] {
        let out = json!({ "status": "deactivated" });
        assert_eq!(ask(token, "PATCH", &format!("users/{above}"), out.clone()).await, beyond(""));
        assert_eq!(ask(token, "DELETE", &format!("users/{above}/sessions"), Value::Null).await, beyond(""));
        assert_eq!(ask(token, "PATCH", &format!("users/{other}"), out).await.0, 200, "not them");
        assert_eq!(
            ask(token, "PATCH", &format!("users/{other}"), json!({ "status": "active" })).await.0,
            200
        );
    }
    let refused = app.events("initech").await;
    assert!(refused.contains(&"api.refused refused beyond_caller".to_owned()), "{refused:?}");

    // What they may.
    assert_eq!(ask(&admin, "PUT", &given(&other, "admin"), Value::Null).await.0, 204);
    assert_eq!(ask(&admin, "DELETE", &given(&other, "admin"), Value::Null).await.0, 204);
    assert_eq!(ask(&manager, "PUT", &given(&other, "reader"), Value::Null).await.0, 204);
    let editor = json!({ "slug": "editor", "name": "Editor", "permissions": ["notes:write"] });
    assert_eq!(ask(&admin, "POST", "roles", editor).await.0, 201, "applications' are theirs to give");
    assert_eq!(ask(&owner, "PUT", &given(&other, "owner"), Value::Null).await.0, 204);
}

#[tokio::test]
async fn an_organization_keeps_an_owner_whoever_asks_and_whoever_asks_at_once() {
    let app = app().await;
    initech(&app).await;
    let owner = token_of(&app, "initech-owner").await;
    let roles = call(&app, Some(&owner), ("GET", &format!("{ORG}/roles")), None).await;
    let role = roles.body["items"].as_array().expect("roles").iter().find(|role| role["slug"] == "owner");
    let role = role.expect("a role")["id"].as_str().expect("an id").to_owned();
    let mut owners = Vec::new();
    for email in ["one@initech.test", "two@initech.test"] {
        let wanted = json!({ "email": email, "name": "Owner", "roles": ["owner"] });
        let made = call(&app, Some(&owner), ("POST", &format!("{ORG}/users")), Some(&wanted)).await;
        owners.push(made.text("id"));
    }
    let demote = async |user: &str| {
        let path = format!("{ORG}/users/{user}/roles/{role}");
        call(&app, Some(&owner), ("DELETE", &path), None).await.status
    };
    let ask = async |method: &str, path: String, body: Value| {
        let reply = call(&app, Some(&owner), (method, &path), Some(&body)).await;
        (reply.status, reply.text("type"))
    };

    let (first, second) = tokio::join!(demote(&owners[0]), demote(&owners[1]));

    let mut statuses = [first, second];
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 409], "of two who are taken away at once, one stays");
    let left = if first == 409 { &owners[0] } else { &owners[1] };
    let last = (409, "urn:orgate:problem:last_owner".to_owned());
    let user = format!("{ORG}/users/{left}");
    assert_eq!(ask("PATCH", user.clone(), json!({ "status": "deactivated" })).await, last);
    let path = format!("{ORG}/roles/{role}");
    assert_eq!(ask("PATCH", path, json!({ "permissions": ["orgate:users:*"] })).await, last);
    let read = call(&app, Some(&owner), ("GET", &user), None).await;
    assert_eq!((read.body["status"].as_str(), &read.body["roles"]), (Some("active"), &json!(["owner"])));
    assert!(app.events("initech").await.contains(&"api.refused refused last_owner".to_owned()));
    assert_eq!(ask("PATCH", user, json!({ "name": "Still here" })).await.0, 200);
}

/// What a token does not lend, nobody gives by it.
#[tokio::test]
async fn a_narrow_token_gives_no_more_than_it_lends() {
    let app = app().await;
    let api = app.env.issuer.api();
    app.apply(&format!(
        "clients:\n  - {{ client_id: narrow, organization: acme, name: Narrow, type: machine, audience: owner, \
         client_secret: \"${{SECRET}}\", resources: [\"{api}\"], \
         scopes: [\"orgate:roles:manage\", \"orgate:roles:read\"], roles: [all] }}\n"
    ))
    .await;
    let narrow = token_of(&app, "narrow").await;
    let make = async |permissions: &[&str]| {
        let wanted = json!({ "slug": "made", "name": "Made", "permissions": permissions });
        call(&app, Some(&narrow), ("POST", "/organizations/acme/roles"), Some(&wanted)).await.status
    };

    assert_eq!(make(&["orgate:users:read"]).await, 403);
    assert_eq!(make(&["notes:read"]).await, 403, "an owner could give it, and the token does not lend that");
    assert_eq!(make(&["orgate:roles:read"]).await, 201);
}

/// Has changes of rights in an organization wait.
pub(super) async fn hold_rights(app: &App, organization: &str) -> PoolConnection<Postgres> {
    let mut holding = app.database.superuser().acquire().await.expect("a connection");
    let lock = "select pg_advisory_lock(hashtextextended('roles ' || $1::uuid::text, 0))";
    let org = app.org(organization).await.org_id();
    sqlx::query(lock).bind(org.as_uuid()).execute(&mut *holding).await.expect("locked");
    holding
}

pub(super) async fn let_go(mut holding: PoolConnection<Postgres>) {
    sqlx::query("select pg_advisory_unlock_all()").execute(&mut *holding).await.expect("unlocked");
}

/// What was read when a request began may be over when it is its turn: what is held then counts.
#[tokio::test]
async fn who_lost_their_rights_while_they_waited_does_nothing_more() {
    let app = app().await;
    let ada = token_of_user(&app, ("acme", "ada@acme.test"), "orgate:*").await;
    let machine = token_of(&app, "all").await;
    let holding = hold_rights(&app, "acme").await;

    let late = async {
        let wanted = json!({ "email": "late@acme.test", "name": "Late", "roles": ["admin"] });
        tokio::join!(
            call(&app, Some(&ada), ("POST", "/organizations/acme/users"), Some(&wanted)),
            call(&app, Some(&machine), ("POST", "/organizations/acme/users"), Some(&wanted)),
        )
    };
    let meanwhile = async {
        app.blocked_by(2).await;
        for change in [
            "update users set status = 'deactivated' where email = 'ada@acme.test'",
            "delete from client_roles where role_id in (select id from roles where slug = 'all')",
        ] {
            sqlx::query(change).execute(app.database.superuser()).await.expect("changed");
        }
        let_go(holding).await;
    };
    let ((by_ada, by_machine), ()) = tokio::join!(late, meanwhile);

    for refused in [by_ada, by_machine] {
        assert_eq!(refused.status, 403, "{:?}", refused.body);
        assert_eq!(refused.text("detail"), "you may not do this any more");
    }
    let made = "select count(*) from users where email = 'late@acme.test'";
    let made: i64 = sqlx::query_scalar(made).fetch_one(app.database.superuser()).await.expect("counted");
    assert_eq!(made, 0);
}

/// Enforced SSO shuts out no last owner.
#[tokio::test]
async fn sso_is_enforced_once_an_owner_can_sign_in_by_it() {
    let app = app().await;
    let ada = token_of_user(&app, ("acme", "ada@acme.test"), "orgate:*").await;
    app.apply(
        "organizations:\n  - slug: acme\n    name: Acme Inc\n    connections:\n      - slug: own\n        client_secret: x\n        \
         settings: { provider: { oidc: { issuer: \"https://idp.test\", client_id: orgate } } }\n",
    )
    .await;
    let enforce = async |what: &str| {
        let wanted = json!({ "sso_enforcement": what });
        let path = "/organizations/acme/policy";
        let reply = call(&app, Some(&ada), ("PATCH", path), Some(&wanted)).await;
        (reply.status, reply.text("detail"))
    };
    let refused =
        "no owner could sign in any more: have one sign in through an active connection first".to_owned();

    assert_eq!(enforce("organization").await, (422, refused.clone()));
    assert_eq!(enforce("domains").await, (422, refused));
    app.apply("organizations: [{ slug: acme, name: Acme Inc, users: [{ email: ada@acme.test, name: Ada, break_glass: true }] }]").await;
    assert_eq!(enforce("domains").await.0, 200);

    // And what lets them in stays, as long as it is so. Her password's session is over.
    let machine = token_of(&app, "all").await;
    let other = json!({ "email": "other@acme.test", "name": "Other", "roles": ["admin", "all"] });
    let made = call(&app, Some(&machine), ("POST", "/organizations/acme/users"), Some(&other)).await;
    assert_eq!(made.status, 201, "an owner who was never there: {:?}", made.body);
    let users =
        call(&app, Some(&machine), ("GET", "/organizations/acme/users?email=ada@acme.test"), None).await;
    let her = format!("/organizations/acme/users/{}", users.body["items"][0]["id"].as_str().expect("an id"));
    let roles = call(&app, Some(&machine), ("GET", "/organizations/acme/roles?limit=200"), None).await;
    let roles = roles.body["items"].as_array().expect("roles").clone();
    let hers = roles.iter().find(|role| role["slug"] == "admin").expect("hers");
    let hers = hers["id"].as_str().expect("an id");
    let (given, role) = (format!("{her}/roles/{hers}"), format!("/organizations/acme/roles/{hers}"));
    for (method, path, body) in [
        ("DELETE", &her, None),
        ("PATCH", &her, Some(json!({ "status": "deactivated" }))),
        ("DELETE", &given, None),
        ("PATCH", &role, Some(json!({ "permissions": ["notes:read"] }))),
    ] {
        let refused = call(&app, Some(&machine), (method, path), body.as_ref()).await;
        assert_eq!(
            (refused.status, refused.text("type").as_str()),
            (409, "urn:orgate:problem:in_use"),
            "{method} {path}"
        );
    }
    let listed = call(&app, Some(&machine), ("GET", "/organizations/acme/connections"), None).await;
    assert_eq!(listed.status, 200, "{:?}", listed.body);
    let connection = &listed.body["items"][0];
    let path = format!("/organizations/acme/connections/{}/state", connection["id"].as_str().expect("an id"));
    let off = json!({ "state": "disabled", "version": connection["latest_version"] });
    let refused = call(&app, Some(&machine), ("PUT", &path), Some(&off)).await;
    assert_eq!((refused.status, refused.text("type").as_str()), (409, "urn:orgate:problem:in_use"));
    let pilot = json!({ "state": "pilot", "version": connection["latest_version"], "untested": true });
    assert_eq!(call(&app, Some(&machine), ("PUT", &path), Some(&pilot)).await.status, 409);
    let domains = call(&app, Some(&machine), ("GET", "/organizations/acme/domains"), None).await;
    let domain = domains.body["items"][0]["id"].as_str().expect("an id").to_owned();
    let domain = format!("/organizations/acme/domains/{domain}");
    let refused = call(&app, Some(&machine), ("DELETE", &domain), None).await;
    assert_eq!((refused.status, refused.text("type").as_str()), (409, "urn:orgate:problem:in_use"));
    let eased = json!({ "sso_enforcement": "off" });
    let eased = call(&app, Some(&machine), ("PATCH", "/organizations/acme/policy"), Some(&eased)).await;
    assert_eq!(eased.status, 200, "{:?}", eased.body);
    assert_eq!(call(&app, Some(&machine), ("PUT", &path), Some(&off)).await.status, 200);
    assert_eq!(call(&app, Some(&machine), ("DELETE", &domain), None).await.status, 204);
}

/// Whoever changes one organization as fast as they can takes what all organizations share from nobody, and from their own
/// administrators no turn.
#[tokio::test]
async fn a_flood_of_changes_in_one_organization_holds_up_nobody_else() {
    let app = Arc::new(App::start_with(|settings| settings.database.max_connections = 6).await);
    app.apply(&super::machines(&app)).await;
    let (flood, other) = (token_of(&app, "all").await, token_of(&app, "globex-all").await);
    let ada = token_of_user(&app, ("acme", "ada@acme.test"), "orgate:*").await;
    let holding = hold_rights(&app, "acme").await;
    let users = ("POST", "/organizations/acme/users");
    let wanted = |number: usize| json!({ "email": format!("f{number}@acme.test"), "name": "Flood" });

    let mut flooding = JoinSet::new();
    for number in 0..30 {
        let (app, flood, wanted) = (Arc::clone(&app), flood.clone(), wanted(number));
        flooding.spawn(async move { call(&app, Some(&flood), users, Some(&wanted)).await.status });
    }
    app.blocked().await;
    for _ in 0..5 {
        let listed = call(&app, Some(&other), ("GET", "/organizations/globex/users"), None).await;
        assert_eq!(listed.status, 200, "{:?}", listed.body);
    }
    let changed = wanted(100);
    let by_ada = call(&app, Some(&ada), users, Some(&changed));
    let let_go = async {
        sleep(Duration::from_millis(300)).await;
        let_go(holding).await;
    };
    let (made, ()) = tokio::join!(by_ada, let_go);
    assert_eq!(made.status, 201, "her turn is not behind all of theirs: {:?}", made.body);

    let statuses = flooding.join_all().await;
    assert!(statuses.iter().all(|status| [201, 429].contains(status)), "{statuses:?}");
}
