//! Connections, made and changed by an organization's own administrators.

use orgate_tests::app::{App, Reply};
use orgate_tests::openid_provider::{CLIENT_ID, CLIENT_SECRET, OpenIdProvider};
use orgate_tests::saml_provider::{SamlProvider, Served};
use serde_json::{Value, json};

use super::changes::call_with;
use super::rights::initech;
use super::{call, machines, token_of};

const CONNECTIONS: &str = "/organizations/acme/connections";

/// Orgate that asks providers on this machine, and one of them.
pub(super) async fn world() -> (App, OpenIdProvider) {
    let app = App::start_with(|settings| settings.outgoing.allow_private_addresses = true).await;
    app.apply(&machines(&app)).await;
    (app, OpenIdProvider::start().await)
}

/// A connection to the provider, as wanted.
fn wanted(provider: &OpenIdProvider) -> Value {
    json!({
        "name": "Acme's provider",
        "vendor": "okta",
        "settings": {
            "provider": { "oidc": { "issuer": provider.issuer(), "client_id": CLIENT_ID } },
            "rules": [{ "value": "staff", "roles": ["viewer"] }],
        },
        "client_secret": CLIENT_SECRET,
    })
}

/// The same of a SAML provider, by its metadata.
fn saml(provider: &SamlProvider) -> Value {
    let metadata = provider.metadata(&provider.entity_id(), &[provider.key()], None);
    json!({ "name": "SAML", "settings": { "provider": { "saml": { "metadata": metadata } } } })
}

/// An answer, with what differs from run to run in its place.
fn steady(reply: &Reply, provider: &str) -> String {
    let (id, mut body) = (reply.text("id"), reply.body.clone());
    body["role_ceiling"] = json!("…"); // every role of Acme's
    let text = serde_json::to_string_pretty(&body).expect("JSON");
    let organization = text.split("/sso/").nth(1).and_then(|rest| rest.split('/').next()).unwrap_or_default();
    let text = text.replace(&id, "con_…").replace(organization, "org_…").replace(provider, "https://idp");
    let here = text.split("\"http://").nth(1).and_then(|rest| rest.split('/').next()).unwrap_or_default();
    text.replace(&format!("http://{here}"), "https://orgate")
}

/// The events of Acme's connections, as `action change`, and whether the event says that there was no test.
async fn events(app: &App) -> Vec<(String, String, Option<String>, String)> {
    sqlx::query_as(
        "select action, coalesce(detail ->> 'change', ''), detail ->> 'untested', actor_kind
         from audit_events where action like 'connection.%' order by id",
    )
    .fetch_all(app.database.superuser())
    .await
    .expect("the log")
}

#[tokio::test]
async fn an_administrator_connects_a_provider_wholly_by_api_and_its_users_sign_in() {
    let (app, provider) = world().await;
    let token = token_of(&app, "all").await;

    let made = call(&app, Some(&token), ("POST", CONNECTIONS), Some(&wanted(&provider))).await;

    assert_eq!(made.status, 201, "{:?}", made.body);
    insta::assert_snapshot!(steady(&made, provider.issuer()), @r#"
    {
      "domains": [],
      "has_client_secret": true,
      "id": "con_…",
      "latest_version": 1,
      "live_version": null,
      "name": "Acme's provider",
      "pilots": [],
      "protocol": "oidc",
      "role_ceiling": "…",
      "service_provider": {
        "acs_url": null,
        "backchannel_logout_uri": "https://orgate/sso/org_…/con_…/backchannel-logout",
        "entity_id": null,
        "jwks_uri": null,
        "metadata_url": null,
        "redirect_uri": "https://orgate/sso/org_…/con_…/callback",
        "slo_url": null
      },
      "settings": {
        "jit": {
          "default_roles": [],
          "enabled": true
        },
        "mapping": {
          "email": [
            "email"
          ],
          "first_name": [
            "given_name"
          ],
          "groups": [
            "groups"
          ],
          "groups_separator": null,
          "keep": [],
          "last_name": [
            "family_name"
          ],
          "name": [
            "name"
          ],
          "subject": []
        },
        "provider": {
          "oidc": {
            "algorithms": [
              "ES256"
            ],
            "authentication": "client_secret_basic",
            "client_id": "orgate-at-the-provider",
            "hosted_domains": [],
            "issuer": "https://idp",
            "scopes": [
              "openid",
              "profile",
              "email"
            ],
            "tenants": []
          }
        },
        "rules": [
          {
            "attribute": null,
            "groups": [],
            "roles": [
              "viewer"
            ],
            "value": "staff"
          }
        ],
        "trusts_addresses": false
      },
      "slug": "okta",
      "state": "draft",
      "tested_version": null,
      "vendor": "okta"
    }
    "#);
    let path = format!("{CONNECTIONS}/{}", made.text("id"));
    assert!(made.headers["location"].to_str().is_ok_and(|at| at.ends_with(&made.text("id"))));
    let read = call(&app, Some(&token), ("GET", &path), None).await;
    assert_eq!((&read.body, &read.headers["etag"]), (&made.body, &made.headers["etag"]));
    let listed = call(&app, Some(&token), ("GET", CONNECTIONS), None).await;
    assert_eq!(listed.body["items"][0]["id"], made.body["id"]);

    let served = call(&app, Some(&token), ("PATCH", &path), Some(&json!({ "domains": ["acme.test"] }))).await;
    assert_eq!((served.status, &served.body["domains"]), (200, &json!(["acme.test"])), "{:?}", served.body);
    let state = format!("{path}/state");
    let live = json!({ "state": "active", "version": 1 });
    let untested = call(&app, Some(&token), ("PUT", &state), Some(&live)).await;
    assert_eq!((untested.status, &untested.body["errors"][0]["pointer"]), (422, &json!("/untested")));
    let live = json!({ "state": "active", "version": 1, "untested": true });
    for _ in 0..2 {
        let active = call(&app, Some(&token), ("PUT", &state), Some(&live)).await;
        assert_eq!(active.status, 200, "{:?}", active.body);
        assert_eq!(
            (&active.body["state"], &active.body["live_version"], &active.body["tested_version"]),
            (&json!("active"), &json!(1), &Value::Null)
        );
    }

    assert_eq!(sign_in(&app, &provider, "nina", &["staff"]).await, json!(["viewer"]));
    let told = |action: &str, change: &str, untested: Option<&str>| {
        (action.to_owned(), change.to_owned(), untested.map(str::to_owned), "application".to_owned())
    };
    let seen = events(&app).await;
    assert_eq!(
        seen,
        [
            told("connection.configured", "created", None),
            told("connection.configured", "domains", None),
            told("connection.activated", "state", Some("true")),
        ]
    );
    let off = json!({ "state": "disabled", "version": 1 });
    let off = call(&app, Some(&token), ("PUT", &state), Some(&off)).await;
    assert_eq!(off.body["state"], "disabled");
}

/// Signs somebody in through the provider; their roles.
async fn sign_in(app: &App, provider: &OpenIdProvider, sub: &str, groups: &[&str]) -> Value {
    provider.user(json!({
        "sub": sub, "email": format!("{sub}@acme.test"), "email_verified": true, "name": sub, "groups": groups,
    }));
    let code = code_through(app, provider, &[("organization", "acme")]).await;
    let tokens = app.redeem(&code).await;
    tokens.claims("access_token")["roles"].clone()
}

/// Has whom the provider signs in sign in through it, in a browser of their own; the code.
pub(super) async fn code_through(app: &App, provider: &OpenIdProvider, asked: &[(&str, &str)]) -> String {
    let browser = app.browser();
    let page = browser.follow(browser.authorize(asked).await).await;
    let departure = if let Some(away) = page.location() {
        away
    } else {
        let button = page.body.split("href=\"/sign-in/connection").nth(1).expect("a button");
        let query = button.split('"').next().unwrap_or_default().replace("&#38;", "&");
        let left = browser.get(format!("/sign-in/connection{query}")).await;
        left.location().expect("on the way to the provider")
    };
    browser.get(provider.answer(&departure)).await.answer("code")
}

#[tokio::test]
async fn a_secret_never_comes_back_and_stays_for_the_same_application_alone() {
    let (app, provider) = world().await;
    let token = token_of(&app, "all").await;
    let mut answers = Vec::new();
    let made = call(&app, Some(&token), ("POST", CONNECTIONS), Some(&wanted(&provider))).await;
    let path = format!("{CONNECTIONS}/{}", made.text("id"));
    let put = async |version: i32, settings: &Value, secret: Option<&str>| {
        let mut body = json!({ "version": version, "settings": settings });
        if let Some(secret) = secret {
            body["client_secret"] = json!(secret);
        }
        call(&app, Some(&token), ("PUT", &format!("{path}/settings")), Some(&body)).await
    };
    let asked = provider.asked().discovery;

    let same = put(1, &made.body["settings"], None).await;
    assert_eq!(
        (same.status, &same.body["latest_version"]),
        (200, &json!(1)),
        "nothing is new: {:?}",
        same.body
    );
    assert_eq!(provider.asked().discovery, asked, "and nobody was asked");
    let mut mapped = made.body["settings"].clone();
    mapped["jit"] = json!({ "enabled": true, "default_roles": ["viewer"] });
    let mapped = put(1, &mapped, None).await;
    assert_eq!((mapped.status, &mapped.body["latest_version"]), (200, &json!(2)), "{:?}", mapped.body);
    assert_eq!(mapped.body["has_client_secret"], true);
    let stale = put(1, &made.body["settings"], Some("another")).await;
    assert_eq!((stale.status, stale.text("type").as_str()), (412, "urn:orgate:problem:precondition_failed"));
    let mut other = made.body["settings"].clone();
    other["provider"]["oidc"]["client_id"] = json!("another-application");
    let unproven = put(2, &other, None).await;
    assert_eq!((unproven.status, &unproven.body["errors"][0]["pointer"]), (422, &json!("/client_secret")));
    other["provider"]["oidc"]["authentication"] = json!("private_key_jwt");
    let both = put(2, &other, Some("another")).await;
    assert_eq!((both.status, &both.body["errors"][0]["pointer"]), (422, &json!("/client_secret")));
    let keyed = put(2, &other, None).await;
    assert_eq!((keyed.status, &keyed.body["has_client_secret"]), (200, &json!(false)), "{:?}", keyed.body);
    assert!(keyed.body["service_provider"]["jwks_uri"].as_str().is_some_and(|uri| uri.ends_with("/jwks")));

    answers.extend([made, same, mapped, stale, unproven, keyed].map(|reply| reply.body.to_string()));
    answers.push(call(&app, Some(&token), ("GET", CONNECTIONS), None).await.body.to_string());
    let log = "select coalesce(string_agg(detail::text, ' '), '') from audit_events";
    answers.push(sqlx::query_scalar(log).fetch_one(app.database.superuser()).await.expect("the log"));
    for answer in answers {
        assert!(!answer.contains(CLIENT_SECRET) && !answer.contains("assertion_key"), "{answer}");
    }
}

#[tokio::test]
async fn a_saml_provider_is_connected_by_its_metadata_or_by_what_it_says() {
    let (app, _) = world().await;
    let provider = SamlProvider::start().await;
    let token = token_of(&app, "all").await;
    let post = async |body: &Value| call(&app, Some(&token), ("POST", CONNECTIONS), Some(body)).await;

    let made = post(&saml(&provider)).await;

    assert_eq!(made.status, 201, "{:?}", made.body);
    let certificate =
        made.body["settings"]["provider"]["saml"]["certificates"][0].as_str().expect("one").to_owned();
    let base = provider.sso_url().trim_end_matches("/sso").to_owned();
    insta::assert_snapshot!(steady(&made, &base).replace(&certificate, "MII…"), @r#"
    {
      "domains": [],
      "has_client_secret": false,
      "id": "con_…",
      "latest_version": 1,
      "live_version": null,
      "name": "SAML",
      "pilots": [],
      "protocol": "saml",
      "role_ceiling": "…",
      "service_provider": {
        "acs_url": "https://orgate/sso/org_…/con_…/acs",
        "backchannel_logout_uri": null,
        "entity_id": "https://orgate/sso/org_…/con_…/metadata",
        "jwks_uri": null,
        "metadata_url": "https://orgate/sso/org_…/con_…/metadata",
        "redirect_uri": null,
        "slo_url": "https://orgate/sso/org_…/con_…/slo"
      },
      "settings": {
        "jit": {
          "default_roles": [],
          "enabled": true
        },
        "mapping": {
          "email": [
            "email",
            "mail",
            "emailAddress",
            "Email",
            "urn:oid:0.9.2342.19200300.100.1.3",
            "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress"
          ],
          "first_name": [
            "given_name",
            "firstName",
            "givenName",
            "urn:oid:2.5.4.42",
            "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname"
          ],
          "groups": [
            "groups",
            "Groups",
            "memberOf",
            "isMemberOf",
            "http://schemas.microsoft.com/ws/2008/06/identity/claims/groups",
            "http://schemas.xmlsoap.org/claims/Group"
          ],
          "groups_separator": null,
          "keep": [],
          "last_name": [
            "family_name",
            "lastName",
            "sn",
            "urn:oid:2.5.4.4",
            "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname"
          ],
          "name": [
            "name",
            "displayName",
            "urn:oid:2.16.840.1.113730.3.1.241",
            "http://schemas.microsoft.com/identity/claims/displayname"
          ],
          "subject": []
        },
        "provider": {
          "saml": {
            "authn_context": null,
            "certificates": [
              "MII…"
            ],
            "entity_id": "https://idp/metadata",
            "force_authn": false,
            "metadata_url": null,
            "name_id_format": null,
            "require_encryption": false,
            "sign_requests": true,
            "sso_url": "https://idp/sso",
            "unsolicited_client": null
          }
        },
        "rules": [],
        "trusts_addresses": true
      },
      "slug": "sso",
      "state": "draft",
      "tested_version": null,
      "vendor": "custom"
    }
    "#);
    let typed = json!({ "saml": {
        "entity_id": provider.entity_id(), "sso_url": provider.sso_url(), "certificates": [certificate],
        "require_encryption": true,
    } });
    let typed = post(&json!({ "name": "Typed", "settings": { "provider": typed } })).await;
    assert_eq!(typed.status, 201, "{:?}", typed.body);
    assert_eq!(typed.body["settings"]["provider"]["saml"]["require_encryption"], true);

    let metadata = provider.metadata(&provider.entity_id(), &[provider.key()], None);
    provider.serve(Served::Document(metadata));
    let followed = json!({ "saml": { "metadata_url": provider.entity_id() } });
    let followed = post(&json!({ "name": "Followed", "settings": { "provider": followed } })).await;
    assert_eq!(followed.status, 201, "{:?}", followed.body);
    provider.serve(Served::Nothing);
    let mut settings = followed.body["settings"].clone();
    assert_eq!(settings["provider"]["saml"]["metadata_url"], provider.entity_id());
    settings["provider"]["saml"]["sign_requests"] = json!(false);
    let path = format!("{CONNECTIONS}/{}/settings", followed.text("id"));
    let body = json!({ "version": 1, "settings": settings });
    let kept = call(&app, Some(&token), ("PUT", &path), Some(&body)).await;
    assert_eq!((kept.status, &kept.body["settings"]), (200, &settings), "nobody was asked: {:?}", kept.body);

    let both = json!({ "saml": { "metadata": "<md/>", "metadata_url": "https://idp.test/metadata" } });
    for (provider, pointer) in [
        (json!({ "saml": {} }), "/settings/provider/saml/entity_id"),
        (json!({ "saml": { "metadata": "<md/>" } }), "/settings/provider/saml/metadata"),
        (json!({ "saml": { "metadata_url": "idp" } }), "/settings/provider/saml/metadata_url"),
        (both, "/settings/provider/saml/metadata_url"),
        (
            json!({ "saml": { "entity_id": "a", "sso_url": "https://b.test", "certificates": ["c"] } }),
            "/settings/provider/saml/certificates",
        ),
        (
            json!({ "saml": { "allow_unauthenticated_cbc": true } }),
            "/settings/provider/saml/allow_unauthenticated_cbc",
        ),
        (json!({ "oidc": { "issuer": "idp", "client_id": "x" } }), "/client_secret"),
        (json!({ "ldap": {} }), "/settings/provider"),
    ] {
        let refused = post(&json!({ "name": "None", "settings": { "provider": provider } })).await;
        assert_eq!(
            (refused.status, &refused.body["errors"][0]["pointer"]),
            (422, &json!(pointer)),
            "{:?}",
            refused.body
        );
    }
}

#[tokio::test]
async fn what_is_not_theirs_to_give_no_connection_gives() {
    let (app, _) = world().await;
    initech(&app).await;
    let provider = SamlProvider::start().await;
    let (owner, manager) =
        (token_of(&app, "initech-owner").await, token_of(&app, "initech-sso-manager").await);
    let connections = "/organizations/initech/connections";
    let with = |rules: Value, jit: Value| {
        let mut body = saml(&provider);
        body["settings"]["rules"] = rules;
        body["settings"]["jit"] = jit;
        body
    };
    let plain = json!({ "enabled": true });
    let owners = json!([{ "value": "staff", "roles": ["owner"] }]);

    for (rules, jit, status, pointer) in [
        (owners.clone(), plain.clone(), 403, "/settings/rules"),
        (
            json!([]),
            json!({ "enabled": true, "default_roles": ["help-desk"] }),
            403,
            "/settings/jit/default_roles",
        ),
        (json!([{ "value": "staff", "roles": ["nobody"] }]), plain.clone(), 422, "/settings/rules"),
        (json!([{ "value": "staff", "groups": ["nobody"] }]), plain.clone(), 422, "/settings/rules"),
    ] {
        let refused = call(&app, Some(&manager), ("POST", connections), Some(&with(rules, jit))).await;
        assert_eq!(
            (refused.status, &refused.body["errors"][0]["pointer"]),
            (status, &json!(pointer)),
            "{:?}",
            refused.body
        );
    }
    assert!(app.events("initech").await.contains(&"api.refused refused beyond_caller".to_owned()));
    let own = json!([{ "value": "sso", "roles": ["sso-manager"] }]);
    let made = call(&app, Some(&manager), ("POST", connections), Some(&with(own, plain.clone()))).await;
    assert_eq!((made.status, &made.body["role_ceiling"]), (201, &json!(["sso-manager"])), "{:?}", made.body);

    // What an owner wrote may stay; from the manager's version on it gives no more than the manager may.
    let made = call(&app, Some(&owner), ("POST", connections), Some(&with(owners, plain))).await;
    assert_eq!(made.status, 201, "{:?}", made.body);
    let mut settings = made.body["settings"].clone();
    settings["provider"]["saml"]["force_authn"] = json!(true);
    let path = format!("{connections}/{}/settings", made.text("id"));
    let put =
        call(&app, Some(&manager), ("PUT", &path), Some(&json!({ "version": 1, "settings": settings })))
            .await;
    assert_eq!((put.status, &put.body["role_ceiling"]), (200, &json!(["sso-manager"])), "{:?}", put.body);
}

#[tokio::test]
async fn a_connection_is_made_once_and_changed_only_as_it_was_read() {
    let (app, _) = world().await;
    let provider = SamlProvider::start().await;
    let token = token_of(&app, "all").await;
    let wanted = saml(&provider);
    let post = async |body: &Value| {
        call_with(&app, &token, ("POST", CONNECTIONS), (&[("idempotency-key", "k")], body)).await
    };

    let made = tokio::join!(post(&wanted), post(&wanted), post(&wanted));

    for reply in [&made.0, &made.1, &made.2] {
        assert_eq!((reply.status, &reply.body["id"]), (201, &made.0.body["id"]), "{:?}", reply.body);
    }
    let mut other = wanted.clone();
    other["name"] = json!("Other");
    assert_eq!(post(&other).await.text("type"), "urn:orgate:problem:idempotency_key_reused");
    let at = format!("{CONNECTIONS}/{}", made.0.text("id"));
    let tag = made.0.headers["etag"].to_str().expect("text");
    let patch =
        async |body: Value| call_with(&app, &token, ("PATCH", &at), (&[("if-match", tag)], &body)).await;
    let renamed = patch(json!({ "name": "Renamed", "pilots": ["Ada@Acme.test", "ada@acme.test"] })).await;
    assert_eq!(
        (renamed.status, &renamed.body["pilots"]),
        (200, &json!(["ada@acme.test"])),
        "{:?}",
        renamed.body
    );
    assert_eq!(patch(json!({ "name": "Lost" })).await.status, 412);
    for (body, pointer) in [
        (json!({ "name": "" }), "/name"),
        (json!({ "domains": ["globex.test"] }), "/domains"),
        (json!({ "domains": ["no domain"] }), "/domains/0"),
        (json!({ "pilots": ["ada"] }), "/pilots/0"),
        (json!({ "state": "active" }), "/state"),
    ] {
        let refused = call(&app, Some(&token), ("PATCH", &at), Some(&body)).await;
        assert_eq!(
            (refused.status, &refused.body["errors"][0]["pointer"]),
            (422, &json!(pointer)),
            "{:?}",
            refused.body
        );
    }
    let state = format!("{at}/state");
    for (body, status) in [
        (json!({ "state": "tested", "version": 1 }), 422),
        (json!({ "state": "pilot", "version": 2, "untested": true }), 412),
        (json!({ "state": "pilot", "version": 1, "untested": true }), 200),
        (json!({ "state": "draft", "version": 1 }), 422),
        (json!({ "state": "disabled", "version": 1 }), 200),
        (json!({ "state": "draft", "version": 1 }), 200),
    ] {
        let reply = call(&app, Some(&token), ("PUT", &state), Some(&body)).await;
        assert_eq!(reply.status, status, "{body}: {:?}", reply.body);
    }
}

#[tokio::test]
async fn what_an_operator_sets_up_says_who_and_why() {
    let (app, _) = world().await;
    let provider = SamlProvider::start().await;
    let token = token_of(&app, "operator-all").await;

    let made = call(&app, Some(&token), ("POST", CONNECTIONS), Some(&saml(&provider))).await;
    let domains = "/organizations/acme/domains";
    let claimed = call(&app, Some(&token), ("POST", domains), Some(&json!({ "name": "claimed.test" }))).await;

    assert_eq!((made.status, claimed.status), (201, 201), "{:?} {:?}", made.body, claimed.body);
    let told: Vec<(String, String, bool)> = sqlx::query_as(
        "select actor_kind, detail ->> 'operator_reason', detail ->> 'operator' like 'cli_%' from audit_events
         where (action, detail ->> 'change') = ('connection.configured', 'created') or action = 'domain.claimed'",
    )
    .fetch_all(app.database.superuser())
    .await
    .expect("the log");
    let one = ("operator".to_owned(), "to try what happens".to_owned(), true);
    assert_eq!(told, [one.clone(), one]);
}

/// Between what somebody might give and what is written stand their provider's answers, as slow as they like.
#[tokio::test]
async fn a_version_gives_no_more_than_its_author_may_give_when_it_is_written() {
    let (app, provider) = world().await;
    let token = token_of(&app, "all").await;
    let made = call(&app, Some(&token), ("POST", CONNECTIONS), Some(&wanted(&provider))).await;
    let path = format!("{CONNECTIONS}/{}/settings", made.text("id"));
    let mut holding = app.database.superuser().acquire().await.expect("a connection");
    sqlx::raw_sql("begin; select id from connections for update").execute(&mut *holding).await.expect("held");
    let mut again = wanted(&provider)["settings"].clone();
    again["jit"] = json!({ "enabled": true, "default_roles": ["admin"] });
    let again = json!({ "version": 1, "settings": again });

    let late = call(&app, Some(&token), ("PUT", &path), Some(&again));
    let meanwhile = async {
        app.blocked().await;
        let narrowed =
            "delete from role_permissions where role_id = (select id from roles where slug = 'all')";
        let given = "insert into permissions (org_id, permission)
                     select org_id, 'orgate:connections:manage' from roles where slug = 'all' on conflict do nothing";
        let left = "insert into role_permissions (org_id, role_id, permission)
                    select org_id, id, 'orgate:connections:manage' from roles where slug = 'all'";
        for change in [narrowed, given, left] {
            sqlx::query(change).execute(app.database.superuser()).await.expect("changed");
        }
        sqlx::raw_sql("commit").execute(&mut *holding).await.expect("let go");
    };
    let (written, ()) = tokio::join!(late, meanwhile);

    assert_eq!(written.status, 200, "{:?}", written.body);
    let before = made.body["role_ceiling"].as_array().expect("slugs");
    assert!(before.contains(&json!("owner")) && before.len() > 5, "{before:?}");
    assert_eq!(written.body["role_ceiling"], json!(["all"]), "not what they could give before");
}
