//! Who may call what: every operation, every kind of caller.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use orgate_api::v1::{OPERATIONS, Operation, document};
use orgate_domain::setup::{DEFAULT_LIFETIME, MAX_LIFETIME};
use orgate_flows::Clock;
use orgate_flows::manage::MAX_PAGE;
use orgate_flows::manage::access::Holder;
use orgate_tests::app::{App, Reply, SECRET, client};
use orgate_tests::signer::Signer;
use serde_json::{Value, json};
use url::Url;

use super::{Things, app, body_of, but, call, of_operator, only, operations, token_of, token_of_user};

/// A route that is not in the table is refused to everybody; here, that the table and the description are the same.
#[tokio::test]
async fn every_operation_is_in_the_table_and_described_with_what_it_takes() {
    let app = app().await;

    let served = app.get("/api/v1/openapi.json").await;

    assert_eq!(served.status, 200);
    assert_eq!(served.body, document(&app.env.issuer.at("/api/v1")));
    assert_eq!(served.body["servers"][0]["url"], app.env.issuer.at("/api/v1"));
    assert_eq!(served.body["openapi"], "3.1.0");
    let mut described = BTreeSet::new();
    let mut names = BTreeSet::new();
    for (path, operations) in served.body["paths"].as_object().expect("paths") {
        for (method, operation) in operations.as_object().expect("operations") {
            let takes = operation["security"][0]["access_token"][0].as_str().unwrap_or("nothing");
            described.insert((method.to_uppercase(), path.clone(), takes.to_owned()));
            assert!(names.insert(operation["operationId"].as_str().expect("a name").to_owned()));
            let first = &operation["parameters"][0]["name"];
            assert_eq!(path.contains("{organization}"), first == "organization", "{path}");
            let problem =
                &operation["responses"]["default"]["content"]["application/problem+json"]["schema"]["$ref"];
            assert_eq!(problem, "#/components/schemas/Problem", "{path}: problems are described");
        }
    }
    let table: BTreeSet<_> = OPERATIONS
        .iter()
        .map(|operation| {
            (operation.method.to_owned(), operation.path.to_owned(), operation.permission.as_str().to_owned())
        })
        .collect();
    assert_eq!(described, table);
}

/// What a program that is made from the description relies on.
#[test]
fn the_description_names_its_types_and_their_bounds() {
    let document = document("");
    let schemas = &document["components"]["schemas"];
    let names: Vec<_> = schemas.as_object().expect("schemas").keys().collect();
    let limit = &document["paths"]["/organizations/{organization}/users"]["get"]["parameters"][1];
    let hours = &schemas["NewSetupLink"]["properties"]["expires_in_hours"];
    let mut references = Vec::new();
    collect(&document, &mut references);

    insta::assert_snapshot!(names.into_iter().cloned().collect::<Vec<_>>().join(" "), @"Allowance ApiKey ApiKeyPage AttributeMapping AuditActor AuditEvent AuditEventPage Backlog Backlogs Client ClientAuthentication ClientPage ClientSecret ClientSettings ClientSettingsPatch ClientSummary ClientWithSecret Connection ConnectionPage ConnectionProfile ConnectionProfilePatch ConnectionProtocol ConnectionSettings ConnectionState ConnectionStateChange ConnectionSummary CreatedApiKey CreatedSetupLink DayOfStatistics Delegation DelegationTerms Delegations DnsRecord Domain DomainOutcome DomainPage DomainTerms DomainVerification EffectivePolicy Entry Event EventStream Fault Group GroupMember GroupMemberPage GroupPage GroupSettings GroupSettingsPatch IdentityProvider ImportReport Invitation InvitationPage InvitationStatus JoinApproval JoinRequest JoinRequestPage JoinRequestStatus Joining JoiningSettings JoiningSettingsPatch JustInTime MailPreview MailPreviewRequest MailTemplate MailTemplates MailWording NewApiKey NewClient NewClientSecret NewConnection NewConnectionVersion NewDomain NewGroup NewInvitation NewOrganization NewRole NewSetupLink NewUser NewWebhook Nothing OidcProvider Organization OrganizationExternalIdChange OrganizationPage OrganizationParentChange OrganizationSettings OrganizationSettingsPatch OrganizationStatus OrganizationStatusChange OrganizationSummary Policy PolicySettings PolicySettingsPatch Problem Quota QuotaChange Quotas Role RoleBlueprint RoleBlueprintSettings RoleBlueprints RolePage RoleRule RoleSettings RoleSettingsPatch RowFault SamlProvider Seats SeatsChange SecretRotation ServiceProvider Session SessionPage SettledMailTemplate SettledUser SettledWebhook SetupLink SetupLinkPage SetupPurpose SigningKey SigningKeyRotation SigningKeys SsoEnforcement Statistics Suborganization SuborganizationPage User UserPage UserSettings UserSettingsPatch UserStatus Webhook WebhookDelivery WebhookDeliveryPage WebhookPage WebhookReplay WebhookScope WebhookSettings WebhookSettingsPatch WebhookWithSecret");
    assert_eq!(schemas["UserPage"]["properties"]["items"]["items"]["$ref"], "#/components/schemas/User");
    assert_eq!(limit["name"], "limit");
    assert_eq!(
        (limit["schema"]["maximum"].as_u64(), limit["schema"]["minimum"].as_u64()),
        (Some(MAX_PAGE as u64), Some(1))
    );
    assert_eq!(hours["maximum"].as_i64(), Some(MAX_LIFETIME.num_hours()));
    assert_eq!(hours["default"].as_i64(), Some(DEFAULT_LIFETIME.num_hours()));
    assert!(references.len() > 10);
    for reference in references {
        assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
    }
}

/// What can be changed only as it was read has to be read with its tag.
#[test]
fn whatever_is_changed_only_as_it_was_read_is_read_with_its_tag() {
    for conditional in OPERATIONS.iter().filter(|operation| operation.is_conditional) {
        let reads = |operation: &&Operation| operation.method == "GET" && operation.path == conditional.path;
        let read = OPERATIONS.iter().find(reads).expect("it can be read");

        assert!(read.is_tagged, "{}", read.path);
    }
}

/// Every `$ref` below a value.
fn collect(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            into.extend(members.get("$ref").and_then(Value::as_str).map(str::to_owned));
            members.values().for_each(|member| collect(member, into));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, into)),
        _ => {}
    }
}

#[tokio::test]
async fn whoever_holds_the_permission_is_admitted_and_nobody_else() {
    let app = app().await;
    let acme = Things::of(&app, "acme").await;
    let mut seen = String::new();

    for operation in operations() {
        let path = acme.path(operation, None);
        let permission = operation.permission.as_str();
        let (holder, other, foreign) = match operation.holder {
            Holder::Organization => (only(permission), but(permission), "globex-all"),
            Holder::Operator => (of_operator(&only(permission)), of_operator(&but(permission)), "all"),
        };
        let mut outcomes = Vec::new();
        for machine in [None, Some(&*other), Some("plain"), Some(foreign), Some(&*holder)] {
            let token = match machine {
                Some(machine) => Some(token_of(&app, machine).await),
                None => None,
            };
            let body = body_of(operation);
            let reply = call(&app, token.as_deref(), (operation.method, &path), body.as_ref()).await;
            // Refused by what would be done, and not by the operation.
            let beyond = reply.status == 403 && reply.body["errors"].is_array();
            outcomes.push(if beyond { "beyond".to_owned() } else { reply.status.to_string() });
        }
        let outcomes = outcomes.join(" ");
        writeln!(seen, "{} {}: {outcomes}", operation.method, operation.path).expect("written");
    }

    // Nobody, everything but it, nothing of Orgate's, another organization's owner, nothing but it.
    insta::assert_snapshot!(seen, @"
    GET /organizations: 401 403 404 404 200
    POST /organizations: 401 403 404 404 422
    GET /organizations/{organization}: 401 403 403 404 200
    PATCH /organizations/{organization}: 401 403 403 404 422
    PUT /organizations/{organization}/status: 401 403 404 404 422
    PUT /organizations/{organization}/external-id: 401 403 404 404 422
    PUT /organizations/{organization}/parent: 401 403 404 404 422
    GET /backlog: 401 403 404 404 200
    GET /role-blueprints: 401 403 404 404 200
    PUT /role-blueprints/{blueprint}: 401 403 404 404 415
    GET /organizations/{organization}/api-keys: 401 403 403 404 200
    POST /organizations/{organization}/api-keys: 401 403 403 404 422
    GET /organizations/{organization}/api-keys/{api_key}: 401 403 403 404 200
    GET /organizations/{organization}/applications: 401 403 403 404 200
    PUT /organizations/{organization}/applications/{client}: 401 403 404 404 404
    GET /organizations/{organization}/audit-events: 401 403 403 404 200
    GET /organizations/{organization}/clients: 401 403 403 404 200
    POST /organizations/{organization}/clients: 401 403 403 404 422
    GET /organizations/{organization}/clients/{client}: 401 403 403 404 200
    PATCH /organizations/{organization}/clients/{client}: 401 403 403 404 422
    POST /organizations/{organization}/clients/{client}/secrets: 401 403 403 404 422
    PUT /organizations/{organization}/clients/{client}/roles/{role}: 401 403 403 404 beyond
    GET /organizations/{organization}/groups: 401 403 403 404 200
    POST /organizations/{organization}/groups: 401 403 403 404 422
    GET /organizations/{organization}/groups/{group}: 401 403 403 404 200
    PATCH /organizations/{organization}/groups/{group}: 401 403 403 404 422
    GET /organizations/{organization}/groups/{group}/members: 401 403 403 404 200
    PUT /organizations/{organization}/groups/{group}/members/{user}: 401 403 403 404 204
    GET /organizations/{organization}/invitations: 401 403 403 404 200
    POST /organizations/{organization}/invitations: 401 403 403 404 422
    POST /organizations/{organization}/invitations/import: 401 403 403 404 415
    GET /organizations/{organization}/invitations/{invitation}: 401 403 403 404 200
    POST /organizations/{organization}/invitations/{invitation}/resend: 401 403 403 404 409
    GET /organizations/{organization}/joining: 401 403 403 404 200
    PATCH /organizations/{organization}/joining: 401 403 403 404 422
    GET /organizations/{organization}/join-requests: 401 403 403 404 200
    GET /organizations/{organization}/join-requests/{join_request}: 401 403 403 404 200
    POST /organizations/{organization}/join-requests/{join_request}/approve: 401 403 403 404 422
    POST /organizations/{organization}/join-requests/{join_request}/deny: 401 403 403 404 200
    GET /organizations/{organization}/connections: 401 403 403 404 200
    POST /organizations/{organization}/connections: 401 403 403 404 422
    GET /organizations/{organization}/connections/{connection}: 401 403 403 404 200
    PATCH /organizations/{organization}/connections/{connection}: 401 403 403 404 422
    PUT /organizations/{organization}/connections/{connection}/settings: 401 403 403 404 422
    PUT /organizations/{organization}/connections/{connection}/state: 401 403 403 404 422
    GET /organizations/{organization}/delegations: 401 403 403 404 200
    PUT /organizations/{organization}/delegations/{delegate}: 401 403 403 404 404
    GET /organizations/{organization}/domains: 401 403 403 404 200
    POST /organizations/{organization}/domains: 401 403 403 404 422
    GET /organizations/{organization}/domains/{domain}: 401 403 403 404 200
    POST /organizations/{organization}/domains/{domain}/verify: 401 403 403 404 422
    GET /organizations/{organization}/events: 401 403 403 404 200
    GET /organizations/{organization}/mail-templates: 401 403 403 404 200
    GET /organizations/{organization}/mail-templates/{mail}/{locale}: 401 403 403 404 200
    PUT /organizations/{organization}/mail-templates/{mail}/{locale}: 401 403 403 404 422
    POST /organizations/{organization}/mail-templates/{mail}/{locale}/preview: 401 403 403 404 422
    GET /organizations/{organization}/policy: 401 403 403 404 200
    PATCH /organizations/{organization}/policy: 401 403 403 404 422
    GET /organizations/{organization}/quotas: 401 403 403 404 200
    PUT /organizations/{organization}/quotas/{quota}: 401 403 404 404 415
    GET /organizations/{organization}/roles: 401 403 403 404 200
    POST /organizations/{organization}/roles: 401 403 403 404 422
    GET /organizations/{organization}/roles/{role}: 401 403 403 404 200
    PATCH /organizations/{organization}/roles/{role}: 401 403 403 404 422
    GET /organizations/{organization}/seats: 401 403 403 404 200
    PUT /organizations/{organization}/seats: 401 403 404 404 422
    GET /organizations/{organization}/sessions: 401 403 403 404 200
    GET /organizations/{organization}/setup-links: 401 403 403 404 200
    POST /organizations/{organization}/setup-links: 401 403 403 404 422
    GET /organizations/{organization}/setup-links/{setup_link}: 401 403 403 404 200
    GET /organizations/{organization}/signing-keys: 401 403 403 404 200
    POST /organizations/{organization}/signing-keys/rotate: 401 403 403 404 422
    GET /organizations/{organization}/suborganizations: 401 403 403 404 200
    GET /organizations/{organization}/statistics: 401 403 403 404 200
    GET /organizations/{organization}/users: 401 403 403 404 200
    POST /organizations/{organization}/users: 401 403 403 404 422
    GET /organizations/{organization}/users/{user}: 401 403 403 404 200
    PATCH /organizations/{organization}/users/{user}: 401 403 403 404 422
    PUT /organizations/{organization}/users/{user}/roles/{role}: 401 403 403 404 beyond
    GET /organizations/{organization}/users/{user}/sessions: 401 403 403 404 200
    GET /organizations/{organization}/webhooks: 401 403 403 404 200
    POST /organizations/{organization}/webhooks: 401 403 403 404 422
    GET /organizations/{organization}/webhooks/{webhook}: 401 403 403 404 200
    PATCH /organizations/{organization}/webhooks/{webhook}: 401 403 403 404 422
    POST /organizations/{organization}/webhooks/{webhook}/replay: 401 403 403 404 422
    POST /organizations/{organization}/webhooks/{webhook}/rotate-secret: 401 403 403 404 422
    POST /organizations/{organization}/webhooks/{webhook}/test: 401 403 403 404 422
    GET /organizations/{organization}/webhooks/{webhook}/deliveries: 401 403 403 404 200
    GET /organizations/{organization}/webhooks/{webhook}/deliveries/{event}: 401 403 403 404 200
    POST /organizations/{organization}/webhooks/{webhook}/deliveries/{event}/redeliver: 401 403 403 404 422
    DELETE /role-blueprints/{blueprint}: 401 403 404 404 404
    DELETE /organizations/{organization}/api-keys/{api_key}: 401 403 403 404 204
    DELETE /organizations/{organization}/applications/{client}: 401 403 404 404 404
    DELETE /organizations/{organization}/clients/{client}/roles/{role}: 401 403 403 404 beyond
    DELETE /organizations/{organization}/groups/{group}: 401 403 403 404 409
    DELETE /organizations/{organization}/groups/{group}/members/{user}: 401 403 403 404 204
    DELETE /organizations/{organization}/invitations/{invitation}: 401 403 403 404 204
    DELETE /organizations/{organization}/delegations/{delegate}: 401 403 403 404 404
    DELETE /organizations/{organization}/domains/{domain}: 401 403 403 404 204
    DELETE /organizations/{organization}/mail-templates/{mail}/{locale}: 401 403 403 404 204
    DELETE /organizations/{organization}/roles/{role}: 401 403 403 404 409
    DELETE /organizations/{organization}/sessions/{session}: 401 403 403 404 204
    DELETE /organizations/{organization}/setup-links/{setup_link}: 401 403 403 404 204
    DELETE /organizations/{organization}/users/{user}/roles/{role}: 401 403 403 404 beyond
    DELETE /organizations/{organization}/users/{user}/sessions: 401 403 403 404 204
    DELETE /organizations/{organization}/users/{user}: 401 403 403 404 204
    DELETE /organizations/{organization}/webhooks/{webhook}: 401 403 403 404 204
    ");
}

#[tokio::test]
async fn a_key_for_everything_is_let_in_where_the_description_says_so_and_nowhere_else() {
    let app = app().await;
    let acme = Things::of(&app, "acme").await;
    let wanted = json!({ "name": "Everything", "permissions": ["orgate:*"] });
    let key_of = async |machine: &str, organization: &str| {
        let (token, path) =
            (token_of(&app, machine).await, format!("/organizations/{organization}/api-keys"));
        call(&app, Some(&token), ("POST", &path), Some(&wanted)).await.text("key")
    };
    let (own, operators) = (key_of("all", "acme").await, key_of("operator-all", "operator").await);
    let document = document("");

    for operation in operations() {
        let (method, path) = (operation.method, acme.path(operation, None));
        let key = if operation.holder == Holder::Operator { &operators } else { &own };
        // What is refused of a key alone is refused after the body was read.
        let body = if path.ends_with("/api-keys") { Some(wanted.clone()) } else { body_of(operation) };
        let body = body.filter(|_| method != "GET");

        let reply = call(&app, Some(key), (method, &path), body.as_ref()).await;

        let security = &document["paths"][operation.path][method.to_ascii_lowercase()]["security"];
        let ways = security.as_array().expect("a list");
        let is_described = ways.iter().any(|way| way["api_key"][0] == operation.permission.as_str());
        let is_let_in = ![401, 403].contains(&reply.status);
        assert_eq!(is_let_in, is_described, "{method} {path}: {} {:?}", reply.status, reply.body);
    }
}

#[tokio::test]
async fn an_administrator_who_signed_in_may_what_their_roles_say_now_and_the_scope_lends() {
    let app = app().await;
    let ada = token_of_user(&app, ("acme", "ada@acme.test"), "orgate:*").await;
    let narrow = token_of_user(&app, ("acme", "ada@acme.test"), "orgate:users:read").await;
    let vic = token_of_user(&app, ("acme", "vic@acme.test"), "orgate:*").await;
    let users = ("GET", "/organizations/acme/users");
    let organization = ("GET", "/organizations/acme");

    assert_eq!(call(&app, Some(&ada), users, None).await.status, 200);
    assert_eq!(call(&app, Some(&ada), organization, None).await.status, 200);
    assert_eq!(call(&app, Some(&narrow), users, None).await.status, 200);
    let lacking = call(&app, Some(&narrow), organization, None).await;
    assert_eq!(lacking.status, 403);
    let challenge = lacking.headers["www-authenticate"].to_str().expect("text");
    assert!(
        challenge.contains("insufficient_scope") && challenge.contains("orgate:organization:read"),
        "{challenge}"
    );
    let forbidden = call(&app, Some(&vic), users, None).await;
    insta::assert_json_snapshot!(forbidden.body, @r#"
    {
      "detail": "This takes the permission orgate:users:read. An administrator of the organization can give you a role that has it.",
      "status": 403,
      "title": "You may not do this",
      "type": "urn:orgate:problem:forbidden"
    }
    "#);
    assert_eq!(forbidden.headers["content-type"], "application/problem+json");

    // The role goes, and with it all that the token could do.
    app.apply("organizations: [{ slug: acme, name: Acme Inc, users: [{ email: ada@acme.test, name: Ada, roles: [viewer] }] }]").await;
    assert_eq!(call(&app, Some(&ada), users, None).await.status, 403);
    app.apply("organizations: [{ slug: acme, name: Acme Inc, users: [{ email: ada@acme.test, name: Ada, roles: [admin] }] }]").await;
    assert_eq!(call(&app, Some(&ada), users, None).await.status, 200);
    app.apply("organizations: [{ slug: acme, name: Acme Inc, users: [{ email: ada@acme.test, name: Ada, status: deactivated }] }]").await;
    assert_eq!(call(&app, Some(&ada), users, None).await.status, 401);
    let refused = |event: &String| event.starts_with("api.refused");
    let events: Vec<String> = app.events("acme").await.into_iter().filter(refused).collect();
    assert_eq!(
        events,
        [
            "api.refused refused scope_missing",
            "api.refused refused permission_missing",
            "api.refused refused permission_missing", // another's, by the same reason
        ]
    );
}

#[tokio::test]
async fn a_token_for_something_else_is_no_token_here() {
    let app = app().await;
    let users = ("GET", "/organizations/acme/users");
    let elsewhere = app.sign_in("acme", "ada@acme.test").await.text("access_token");
    let own = app.token_as("all", SECRET, &[("grant_type", "client_credentials")]).await.text("access_token");
    let good = token_of(&app, "all").await;
    let forged = format!("{}A", &good[..good.len() - 1]);

    for token in [&elsewhere, &own, &forged] {
        if *token == good {
            continue; // one time in 64
        }
        let reply = call(&app, Some(token), users, None).await;

        assert_eq!((reply.status, reply.text("type").as_str()), (401, "urn:orgate:problem:unauthorized"));
        assert!(reply.headers["www-authenticate"].to_str().is_ok_and(|text| text.contains("invalid_token")));
    }
    assert_eq!(call(&app, Some(&good), users, None).await.status, 200);
    let told = orgate_tests::app::claims(&good);
    assert_eq!(told["permissions"], json!(["orgate:*"]), "the API is told Orgate's own, and nothing else");
    let notes = orgate_tests::app::claims(&own);
    assert_eq!(notes["permissions"], Value::Array(Vec::new()), "and nobody else is told them");
}

#[tokio::test]
async fn a_token_that_is_held_for_another_is_no_token_here_and_carries_nothing_of_orgates() {
    let app = app().await;
    let users = ("GET", "/organizations/acme/users");
    exchangers(&app).await;
    let api = app.env.issuer.api();
    let subject = app.sign_in("acme", "ada@acme.test").await.text("access_token");

    let form = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("subject_token", subject.as_str()),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
        ("resource", &api),
    ];
    let exchanged = app.token_as("exchanger", SECRET, &form).await;

    assert_eq!(exchanged.status, 200, "{:?}", exchanged.body);
    assert_eq!(exchanged.claims("access_token")["permissions"], json!([]));
    assert!(exchanged.claims("access_token")["act"].is_object(), "it is held for another");
    let reply = call(&app, Some(&exchanged.text("access_token")), users, None).await;
    assert_eq!(reply.status, 401, "nobody acts here in the place of another");
}

#[tokio::test]
async fn what_is_given_after_a_token_was_issued_counts_from_the_next_one_on() {
    let app = app().await;
    let vic = ("acme", "vic@acme.test");
    let before = token_of_user(&app, vic, "orgate:*").await;
    app.apply("organizations: [{ slug: acme, name: Acme Inc, users: [{ email: vic@acme.test, name: Vic, roles: [admin] }] }]").await;
    let users = ("GET", "/organizations/acme/users");

    let newer = call(&app, Some(&before), users, None).await;

    assert_eq!(newer.status, 403);
    assert!(newer.text("detail").contains("Get a new one"), "{:?}", newer.body);
    assert!(app.events("acme").await.contains(&"api.refused refused permission_newer".to_owned()));
    let after = token_of_user(&app, vic, "orgate:*").await;
    assert_eq!(call(&app, Some(&after), users, None).await.status, 200);
}

#[tokio::test]
async fn who_asks_too_often_is_told_when_to_come_back_and_holds_up_nobody_else() {
    let app = App::start_with(|settings| settings.limits.api_per_minute = 3).await;
    app.apply(&super::machines(&app)).await;
    let (vic, ada) = (("acme", "vic@acme.test"), ("acme", "ada@acme.test"));
    let (vic, ada) = (token_of_user(&app, vic, "orgate:*").await, token_of_user(&app, ada, "orgate:*").await);
    let users = ("GET", "/organizations/acme/users");

    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(call(&app, Some(&vic), users, None).await.status);
    }

    assert_eq!(statuses, [403, 403, 403, 429]);
    let first = call(&app, Some(&ada), users, None).await;
    assert_eq!(first.headers["ratelimit-policy"], "\"api\";q=3;w=60");
    assert_eq!(first.headers["ratelimit"], "\"api\";r=2;t=20");
    let late = call(&app, Some(&vic), users, None).await;
    assert_eq!(late.text("type"), "urn:orgate:problem:too_many_requests");
    assert!(late.headers.contains_key("retry-after"));
    assert_eq!(call(&app, Some(&ada), users, None).await.status, 200, "through the same client");
}

/// A program of the operator's that may exchange tokens, also for the API.
async fn exchangers(app: &App) {
    let api = app.env.issuer.api();
    app.apply(&format!(
        "clients:\n  - {{ client_id: exchanger, organization: operator, name: Exchanger, type: machine, audience: all, \
         client_secret: \"${{SECRET}}\", resource: notes, resources: [\"{api}\"], \
         grants: [client_credentials, \"urn:ietf:params:oauth:grant-type:token-exchange\"], \
         scopes: [openid, \"orgate:*\"] }}\n"
    ))
    .await;
}

#[tokio::test]
async fn a_token_that_is_bound_to_a_key_comes_with_a_proof_of_it_for_this_request() {
    let app = app().await;
    let api = app.env.issuer.api();
    app.apply(&format!(
        "clients:\n  - {{ client_id: bound, organization: acme, name: Bound, type: machine, audience: owner, \
         client_secret: \"${{SECRET}}\", resources: [\"{api}\"], scopes: [\"orgate:*\"], roles: [all], \
         dpop_bound_access_tokens: true }}\n"
    ))
    .await;
    let signer = Signer::default();
    let now = || Clock::now(&*app.clock).timestamp();
    let form = [("grant_type", "client_credentials"), ("resource", api.as_str())];
    let request = client()
        .post(app.at("/token"))
        .basic_auth("bound", Some(SECRET))
        .header("dpop", signer.proof(("POST", &app.at("/token")), now(), None))
        .form(&form);
    let token = Reply::of(request.send().await.expect("answered")).await.text("access_token");
    let users = app.at("/api/v1/organizations/acme/users");
    let ask = async |scheme: &str, proof: Option<String>| {
        let mut request = client().get(users.clone()).header("authorization", format!("{scheme} {token}"));
        if let Some(proof) = proof {
            request = request.header("dpop", proof);
        }
        request.send().await.expect("answered").status().as_u16()
    };
    let proof = |to: &Url| Some(signer.proof(("GET", to), now(), Some(&token)));

    assert_eq!(ask("Bearer", None).await, 401);
    assert_eq!(ask("DPoP", None).await, 401);
    assert_eq!(
        ask("DPoP", proof(&app.at("/api/v1/organizations/acme"))).await,
        401,
        "a proof for another path"
    );
    let good = proof(&users);
    assert_eq!(ask("DPoP", good.clone()).await, 200);
    assert_eq!(ask("DPoP", good).await, 401, "a proof is good once");
}

/// Who saw a token that is bound to a key, and has not the key, uses up nothing of whoever has.
#[tokio::test]
async fn a_stolen_token_without_its_key_takes_nothing_from_its_owners_budget() {
    let app = App::start_with(|settings| settings.limits.api_per_minute = 3).await;
    let api = app.env.issuer.api();
    app.apply(&format!(
        "organizations: [{{ slug: acme, name: Acme Inc, roles: [{{ slug: all, permissions: [\"orgate:*\"] }}] }}]\n\
         clients:\n  - {{ client_id: bound, organization: acme, name: Bound, type: machine, audience: owner, \
         client_secret: \"${{SECRET}}\", resources: [\"{api}\"], scopes: [\"orgate:*\"], roles: [all], \
         dpop_bound_access_tokens: true }}\n"
    ))
    .await;
    let signer = Signer::default();
    let now = || Clock::now(&*app.clock).timestamp();
    let form = [("grant_type", "client_credentials"), ("resource", api.as_str())];
    let request = client()
        .post(app.at("/token"))
        .basic_auth("bound", Some(SECRET))
        .header("dpop", signer.proof(("POST", &app.at("/token")), now(), None))
        .form(&form);
    let token = Reply::of(request.send().await.expect("answered")).await.text("access_token");
    let users = app.at("/api/v1/organizations/acme/users");
    let ask = async |proof: String| {
        let request = client().get(users.clone()).header("authorization", format!("DPoP {token}"));
        request.header("dpop", proof).send().await.expect("answered").status().as_u16()
    };

    let stranger = Signer::default();
    for _ in 0..6 {
        assert_eq!(ask(stranger.proof(("GET", &users), now(), Some(&token))).await, 401);
    }

    for _ in 0..3 {
        assert_eq!(ask(signer.proof(("GET", &users), now(), Some(&token))).await, 200);
    }
    assert_eq!(ask(signer.proof(("GET", &users), now(), Some(&token))).await, 429);
}
