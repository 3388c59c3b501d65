//! Set-up links, made and taken back by an organization's own administrators.

use orgate_domain::audit::Actor;
use orgate_domain::connections::RoleSlugs;
use orgate_domain::setup::{DEFAULT_LIFETIME, SetupLinkRefusal, SetupPurpose};
use orgate_flows::setup::links::{WantedLink, create_link, list_links};
use serde_json::json;

use super::{app, call, token_of, token_of_user};

const LINKS: &str = "/organizations/acme/setup-links";

#[tokio::test]
async fn an_administrator_makes_a_link_that_opens_the_wizard_until_they_take_it_back() {
    let app = app().await;
    let ada = token_of_user(&app, ("acme", "ada@acme.test"), "orgate:*").await;
    let wanted =
        json!({ "purposes": ["sso", "domains"], "roles": ["viewer", "admin"], "expires_in_hours": 2 });

    let made = call(&app, Some(&ada), ("POST", LINKS), Some(&wanted)).await;

    assert_eq!(made.status, 201, "{:?}", made.body);
    insta::assert_json_snapshot!(made.body, {
        ".id" => "stl_…", ".created_at" => "…", ".expires_at" => "…", ".url" => "…", ".created_by" => "usr_…",
    }, @r#"
    {
      "administrative_roles": [
        "admin"
      ],
      "created_at": "…",
      "created_by": "usr_…",
      "expires_at": "…",
      "id": "stl_…",
      "last_used_at": null,
      "purposes": [
        "domains",
        "sso"
      ],
      "revoked_at": null,
      "roles": [
        "admin",
        "viewer"
      ],
      "url": "…"
    }
    "#);
    let browser = app.browser();
    let opened = browser.get(made.text("url")).await;
    assert_eq!(opened.status, 200);
    assert!(opened.body.contains("Acme Inc"));
    let at = made.headers["location"].to_str().expect("an address").to_owned();
    let path = at.split_once("/api/v1").expect("the API").1.to_owned();
    let read = call(&app, Some(&ada), ("GET", &path), None).await;
    assert_eq!((read.status, read.body["roles"].clone()), (200, json!(["admin", "viewer"])));
    assert!(read.body.get("url").is_none() && !read.body.to_string().contains("link="), "it is shown once");

    for _ in 0..2 {
        let revoked = call(&app, Some(&ada), ("DELETE", &path), None).await;
        assert_eq!(revoked.status, 204);
    }

    assert_eq!(app.browser().get(made.text("url")).await.status, 410);
    let read = call(&app, Some(&ada), ("GET", &path), None).await;
    assert!(read.body["revoked_at"].is_string());
    let about = |event: &String| event.starts_with("setup_link");
    let events: Vec<String> = app.events("acme").await.into_iter().filter(about).collect();
    assert_eq!(
        events,
        [
            "setup_link.created success",
            "setup_link.revoked success",
            "setup_link.refused refused revoked_link",
        ]
    );
    let by: Vec<(String, bool, bool)> = sqlx::query_as(
        "select actor_kind, actor_id like 'usr_%', session_id is not null from audit_events
         where action in ('setup_link.created', 'setup_link.revoked')",
    )
    .fetch_all(app.database.superuser())
    .await
    .expect("the log");
    assert_eq!(by, [("user".to_owned(), true, true), ("user".to_owned(), true, true)]);
}

/// DESIGN 3.8: whatever grants by itself has a ceiling set by someone who could grant it.
#[tokio::test]
async fn nobody_gives_by_a_link_what_they_do_not_hold() {
    let app = app().await;
    let api = app.env.issuer.api();
    app.apply(&format!(
        "organizations:\n  - slug: acme\n    name: Acme Inc\n    roles:\n      \
         - {{ slug: sso-manager, permissions: [\"orgate:setup_links:*\", \"orgate:connections:manage\", \"notes:read\"] }}\n      \
         - {{ slug: writer, permissions: [\"notes:read\", \"notes:write\"] }}\n      \
         - {{ slug: reader, permissions: [\"notes:read\"] }}\n      \
         - {{ slug: empty, permissions: [] }}\n      \
         - {{ slug: everything, permissions: [\"orgate:setup_links:*\", \"orgate:*\"] }}\n\
         clients:\n  - {{ client_id: manager, organization: acme, name: Manager, type: machine, audience: owner, \
         client_secret: \"${{SECRET}}\", resources: [\"{api}\"], scopes: [\"orgate:*\"], roles: [sso-manager] }}\n  \
         - {{ client_id: lent, organization: acme, name: Lent, type: machine, audience: owner, \
         client_secret: \"${{SECRET}}\", resources: [\"{api}\"], \
         scopes: [\"orgate:setup_links:manage\", \"orgate:connections:manage\"], roles: [everything] }}\n"
    ))
    .await;
    let (manager, lent) = (token_of(&app, "manager").await, token_of(&app, "lent").await);
    let ask = async |token: &str, purposes: &[&str], roles: &[&str]| {
        let wanted = json!({ "purposes": purposes, "roles": roles });
        let reply = call(&app, Some(token), ("POST", LINKS), Some(&wanted)).await;
        (reply.status, reply.body["errors"][0]["pointer"].as_str().unwrap_or_default().to_owned())
    };
    let refused = |pointer: &str| (403, pointer.to_owned());

    assert_eq!(ask(&manager, &["domains"], &[]).await, refused("/purposes"), "they may not manage domains");
    assert_eq!(ask(&manager, &["sso", "domains"], &[]).await, refused("/purposes"));
    assert_eq!(ask(&manager, &["sso"], &["writer"]).await, refused("/roles"), "they cannot write");
    assert_eq!(ask(&manager, &["sso"], &["sso-manager", "everything"]).await, refused("/roles"));
    // Whose roles they are holds everything; the token was lent less.
    assert_eq!(ask(&lent, &["domains"], &[]).await, refused("/purposes"));
    assert_eq!(ask(&lent, &["sso"], &["everything"]).await, refused("/roles"));
    let made = "select count(*) from setup_links";
    let made: i64 = sqlx::query_scalar(made).fetch_one(app.database.superuser()).await.expect("counted");
    assert_eq!(made, 0);
    let events = app.events("acme").await;
    assert!(events.contains(&"api.refused refused beyond_caller".to_owned()));

    assert_eq!(
        ask(&manager, &["sso"], &["reader"]).await,
        refused("/roles"),
        "of another name: applications ask for that"
    );
    assert_eq!(ask(&manager, &["sso"], &["empty"]).await, refused("/roles"));
    assert_eq!(ask(&manager, &["sso"], &["sso-manager"]).await.0, 201, "their own");
    assert_eq!(
        ask(&lent, &["sso"], &["sso-manager"]).await.0,
        403,
        "which may list links, and the token may not"
    );
}

/// A link gives nothing that its maker does not have any more.
#[tokio::test]
async fn a_link_falls_with_whoever_made_it() {
    let app = app().await;
    let ada = token_of_user(&app, ("acme", "ada@acme.test"), "orgate:*").await;
    let machine = token_of(&app, "all").await;
    let wanted = json!({ "purposes": ["sso", "domains"] });
    let mut links = Vec::new();
    for token in [&ada, &machine] {
        links.push(call(&app, Some(token), ("POST", LINKS), Some(&wanted)).await.text("url"));
    }
    let browser = app.browser();
    let open = async |link: &String| app.browser().get(link).await.status.as_u16();
    assert_eq!((open(&links[0]).await, open(&links[1]).await), (200, 200));
    let page = browser.get(&links[0]).await;
    let fields = [("link", page.field("link")), ("csrf", page.field("csrf"))];
    let fields = fields.each_ref().map(|(name, value)| (*name, value.as_str()));
    let begun = browser.post("/setup/begin", &fields).await;
    assert_eq!(browser.follow(begun).await.status, 200);
    let with = |what: &str| {
        format!(
            "organizations: [{{ slug: acme, name: Acme Inc, users: [{{ email: ada@acme.test, name: Ada, {what} }}] }}]"
        )
    };

    app.apply(&with("roles: [viewer]")).await;
    assert_eq!((open(&links[0]).await, open(&links[1]).await), (410, 200));
    let gone = browser.get("/setup/connections").await;
    assert_eq!(gone.status, 410, "also where it was open");
    assert!(gone.body.contains("setup_link_maker_fallen"));
    let listed = list_links(&app.env, &app.org("acme").await).await.expect("listed");
    let good: Vec<_> =
        listed.into_iter().map(|(link, good)| (link.created_by.starts_with("usr_"), good)).collect();
    assert_eq!(good, [(false, Ok(())), (true, Err(SetupLinkRefusal::MakerFallen))]);
    app.apply(&with("roles: [admin]")).await;
    assert_eq!(open(&links[0]).await, 200);
    app.apply(&with("status: deactivated")).await;
    assert_eq!(open(&links[0]).await, 410);

    let api = app.env.issuer.api();
    app.apply(&format!(
        "clients:\n  - {{ client_id: all, organization: acme, name: all, type: machine, audience: owner, \
         status: disabled, resources: [\"{api}\"], scopes: [\"orgate:*\", notes] }}\n"
    ))
    .await;
    assert_eq!(open(&links[1]).await, 410);
    let refused = "setup_link.refused refused maker_fallen".to_owned();
    assert!(app.events("acme").await.contains(&refused));
}

#[tokio::test]
async fn links_are_listed_latest_first_and_an_organization_makes_so_many_and_no_more() {
    let app = app().await;
    let token = token_of(&app, "all").await;
    let wanted = json!({ "purposes": ["domains"] });
    let mut made = Vec::new();
    for _ in 0..3 {
        made.push(call(&app, Some(&token), ("POST", LINKS), Some(&wanted)).await.text("id"));
        tokio::time::sleep(std::time::Duration::from_millis(2)).await; // ids of one millisecond have no order
    }
    made.reverse();

    let (mut listed, mut next) = (Vec::new(), String::new());
    for _ in 0..3 {
        let page = call(&app, Some(&token), ("GET", &format!("{LINKS}?limit=1{next}")), None).await;
        listed.push(page.body["items"][0]["id"].as_str().expect("an id").to_owned());
        next = page.body["next_cursor"].as_str().map_or_else(String::new, |next| format!("&cursor={next}"));
    }

    assert_eq!((listed, next), (made, String::new()));
    let many = "insert into setup_links
                    (org_id, id, token_hash, purposes, role_ceiling, created_by, created_at, expires_at)
                select org_id, gen_random_uuid(), sha256(number::text::bytea), purposes, role_ceiling, created_by,
                       created_at, expires_at
                from (select * from setup_links limit 1) one, generate_series(1, 497) number";
    sqlx::query(many).execute(app.database.superuser()).await.expect("made");
    let refused = call(&app, Some(&token), ("POST", LINKS), Some(&wanted)).await;
    assert_eq!((refused.status, refused.text("type").as_str()), (409, "urn:orgate:problem:limit_reached"));
    let wanted = WantedLink {
        purposes: [SetupPurpose::Sso].into(),
        roles: RoleSlugs::new(),
        lifetime: DEFAULT_LIFETIME,
    };
    let operators = create_link(&app.env, &app.org("acme").await, &wanted, Actor::Operator).await;
    assert!(operators.is_ok(), "what an organization does to itself shuts out nobody else");
}

/// The ceiling falls with its giver: who may still make links, but could not give these roles any more, gave them no longer.
#[tokio::test]
async fn a_link_gives_no_role_that_its_maker_could_not_give_any_more() {
    let app = app().await;
    let ada = token_of_user(&app, ("acme", "ada@acme.test"), "orgate:*").await;
    let make = async |roles: &[&str]| {
        let wanted = json!({ "purposes": ["sso"], "roles": roles });
        call(&app, Some(&ada), ("POST", LINKS), Some(&wanted)).await.text("url")
    };
    let (high, low) = (make(&["admin"]).await, make(&[]).await);
    let open = async |link: &String| app.browser().get(link).await.status.as_u16();
    assert_eq!((open(&high).await, open(&low).await), (200, 200));

    app.apply(
        "organizations: [{ slug: acme, name: Acme Inc, \
         roles: [{ slug: sso-manager, permissions: [\"orgate:connections:*\", \"orgate:setup_links:*\"] }], \
         users: [{ email: ada@acme.test, name: Ada, roles: [sso-manager] }] }]",
    )
    .await;

    assert_eq!((open(&high).await, open(&low).await), (410, 200));
}
