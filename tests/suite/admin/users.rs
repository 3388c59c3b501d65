//! Users: found, given roles, signed out, let in or not.

use chrono::Duration;
use orgate_flows::Clock as _;
use orgate_tests::app::{App, Page, SAMPLES};

use super::{administrator, csrf, page_of, send};
use crate::management::count_sign_ins;

/// The rows of the list: the name, when they last signed in, and the state.
fn rows(page: &Page) -> Vec<[String; 3]> {
    let between = |row: &str, before: &str, after: &str| {
        let (_, rest) = row.split_once(before).unwrap_or_else(|| panic!("{before}: {row}"));
        rest.split(after).next().unwrap_or_default().to_owned()
    };
    let rows = page.body.split("<a class=\"person\"").skip(1);
    rows.map(|row| {
        let seen = between(row, "<td data-label=\"Last sign-in\">", "</td>");
        let (_, seen) =
            seen.trim_end_matches("</time>").trim_end_matches("</span>").rsplit_once('>').expect("a cell");
        let state = between(row, "<td data-label=\"Status\">", "</span>");
        let (_, state) = state.rsplit_once('>').expect("a cell");
        [between(row, "<b><bdi>", "</bdi></b>"), seen.to_owned(), state.to_owned()]
    })
    .collect()
}

/// Whom the list names.
fn names(page: &Page) -> Vec<String> {
    let mut names: Vec<_> = rows(page).into_iter().map(|[name, ..]| name).collect();
    names.sort();
    names
}

/// The id of a role, by the box that it has on a user's page.
fn role(body: &str, name: &str) -> String {
    let label = format!("<b><bdi>{name}</bdi></b>");
    let (before, _) = body.split_once(&label).unwrap_or_else(|| panic!("{name}: {body}"));
    let (_, rest) = before.rsplit_once("name=\"role\" value=\"").expect("a box");
    rest.split('"').next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn users_are_listed_page_by_page_and_found_by_their_address() {
    let app = App::start().await;
    let user =
        |number| format!("      - {{ email: user{number}@acme.test, name: User {number}, roles: [] }}\n");
    let more = (0..52).map(user).collect::<Vec<_>>().concat();
    app.apply(&SAMPLES.replacen("  - slug: globex", &format!("{more}  - slug: globex"), 1)).await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;

    let first = ada.get("/admin/acme/users").await;
    let (_, rest) = first.body.split_once("/users?after=").expect("another page");
    let after = rest.split('"').next().expect("a user").to_owned();
    let second = ada.get(format!("/admin/acme/users?after={after}")).await;
    let found = ada.get("/admin/acme/users?search=USER7@acme.test").await;
    let nobody = ada.get("/admin/acme/users?search=nobody@acme.test").await;

    let rows = |body: &str| body.matches("class=\"person\"").count();
    assert_eq!((rows(&first.body), rows(&second.body), rows(&found.body)), (50, 5, 1));
    assert!(second.body.contains("First page") && !second.body.contains("Next page"));
    assert!(found.body.contains("User 7"));
    assert!(nobody.body.contains("Nobody was found"), "{}", nobody.body);
}

#[tokio::test]
async fn who_may_sign_in_who_has_not_for_long_and_who_may_not_are_shown_apart_with_when_they_did() {
    let app = App::start_without_jobs(|_| {}).await;
    app.apply(
        "organizations: [{ slug: acme, name: Acme Inc, users: [{ email: gone@acme.test, name: Gone, status: deactivated }] }]",
    )
    .await;
    app.sign_in("acme", "vic@acme.test").await;
    count_sign_ins(&app).await;
    app.clock.advance(Duration::days(91));
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    count_sign_ins(&app).await;
    app.clock.advance(Duration::minutes(5));

    let shown = async |show: &str| ada.get(format!("/admin/acme/users?show={show}")).await;
    let (all, active, inactive, deactivated) =
        (shown("").await, shown("active").await, shown("inactive").await, shown("deactivated").await);
    let unknown = shown("owners").await;

    let everybody = ["Ada Adler", "Casey", "Gone", "Vic Viewer"];
    assert_eq!(
        (names(&all), names(&unknown)),
        (everybody.map(str::to_owned).into(), everybody.map(str::to_owned).into())
    );
    assert_eq!(names(&active), ["Ada Adler", "Casey", "Vic Viewer"]);
    assert_eq!(names(&inactive), ["Casey", "Vic Viewer"]);
    assert_eq!(names(&deactivated), ["Gone"]);
    for (page, chosen) in
        [(&all, ""), (&active, "active"), (&inactive, "inactive"), (&deactivated, "deactivated")]
    {
        assert!(
            page.body.contains(&format!("<option value=\"{chosen}\" selected>")),
            "{chosen}: {}",
            page.body
        );
        assert_eq!(page.body.matches(" selected").count(), 1, "{chosen}: {}", page.body);
    }
    let mut told = rows(&all);
    told.sort();
    let expected = [
        ["Ada Adler", "5 minutes ago", "You"],
        ["Casey", "Not known", "Active"],
        ["Gone", "Not known", "Deactivated"],
        ["Vic Viewer", "91 days ago", "Active"],
    ];
    assert_eq!(told, expected.map(|row| row.map(str::to_owned)));
    let exact = (app.clock.now() - Duration::days(91) - Duration::minutes(5))
        .format("title=\"%-d %B %Y, ")
        .to_string();
    assert!(all.body.contains(&exact), "{exact}: {}", all.body);
}

#[tokio::test]
async fn a_user_is_found_by_how_a_part_of_their_name_begins_and_by_no_more_than_anybody_types() {
    let app = App::start().await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let found = async |text: &str| ada.get(format!("/admin/acme/users?search={text}")).await;

    for (text, named) in [
        ("adl", vec!["Ada Adler"]),
        ("VIEW", vec!["Vic Viewer"]),
        ("adl%20ada", vec!["Ada Adler"]),
        ("%20vic%20", vec!["Vic Viewer"]),
        ("dler", vec![]),
        ("ada%20viewer", vec![]),
        ("gus", vec![]),
    ] {
        let page = found(text).await;
        assert_eq!(
            (page.status.as_u16(), names(&page)),
            (200, named.into_iter().map(str::to_owned).collect()),
            "{text}"
        );
    }
    let (most, more) = ("é".repeat(200), "é".repeat(201));
    let (in_bounds, beyond) = (found(&most).await, found(&more).await);
    let both = ada.get(format!("/admin/acme/users?search={more}&show=deactivated")).await;

    assert_eq!((in_bounds.status.as_u16(), in_bounds.body.contains("id=\"search-error\"")), (200, false));
    assert!(in_bounds.body.contains("Nobody was found"), "{}", in_bounds.body);
    for page in [&beyond, &both] {
        assert_eq!(page.status, 422, "{}", page.body);
        for text in [
            "id=\"search-error\">Enter fewer characters: 200 at most.<",
            "aria-invalid=\"true\"",
            " search-error\"",
        ] {
            assert!(page.body.contains(text), "{text}: {}", page.body);
        }
        assert!(page.body.contains(&format!("value=\"{more}\"")), "what was typed is kept: {}", page.body);
    }
}

#[tokio::test]
async fn other_pages_are_of_what_was_looked_for_and_who_was_to_be_shown() {
    let app = App::start().await;
    let user = |number: u8| {
        let status = if number < 53 { "active" } else { "deactivated" };
        format!("      - {{ email: user{number}@acme.test, name: User Number{number}, status: {status} }}\n")
    };
    let more = (0..56).map(user).collect::<Vec<_>>().concat();
    app.apply(&SAMPLES.replacen("  - slug: globex", &format!("{more}  - slug: globex"), 1)).await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let link = |page: &Page, label: &str| {
        let (before, _) = page
            .body
            .split_once(&format!(">{label}</a>"))
            .unwrap_or_else(|| panic!("{label}: {}", page.body));
        let (_, rest) = before.rsplit_once("href=\"").expect("a link");
        rest.split('"').next().unwrap_or_default().replace("&#38;", "&")
    };

    let first = ada.get("/admin/acme/users?search=user+num&show=active").await;
    let next = link(&first, "Next page");
    let second = ada.get(&next).await;
    let back = link(&second, "First page");

    assert!(next.starts_with("/admin/acme/users?search=user+num&show=active&after=usr_"), "{next}");
    assert_eq!(back, "/admin/acme/users?search=user+num&show=active");
    let (first, second) = (names(&first), names(&second));
    assert_eq!((first.len(), second.len()), (50, 3));
    let mut all = [first, second].concat();
    all.sort();
    all.dedup();
    let mut expected: Vec<_> = (0..53).map(|number| format!("User Number{number}")).collect();
    expected.sort();
    assert_eq!(all, expected);
}

#[tokio::test]
async fn roles_are_given_and_taken_as_ticked_and_what_the_form_did_not_show_stays() {
    let app = App::start().await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let of_vic = page_of(&ada, "acme", "vic@acme.test").await;
    let page = ada.get(&of_vic).await;
    let (admin, viewer) = (role(&page.body, "admin"), role(&page.body, "viewer"));
    let action = format!("{of_vic}/roles");

    let given = send(&ada, &page, &action, &[("role", &admin), ("role", &viewer), ("held", &viewer)]).await;
    let page = ada.follow(given).await;
    let taken = send(&ada, &page, &action, &[("held", &viewer), ("held", &admin)]).await;

    assert!(page.body.contains("The roles are saved"), "{}", page.body);
    assert_eq!(page.body.matches("name=\"held\"").count(), 2);
    let page = ada.follow(taken).await;
    assert_eq!(page.body.matches("name=\"held\"").count(), 0);
    let events = app.events("acme").await;
    assert_eq!(events.iter().filter(|event| *event == "user.configured success").count(), 3 + 3);
}

#[tokio::test]
async fn what_a_use_case_refuses_is_said_beside_the_roles_and_changes_nothing() {
    let app = App::start().await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let of_ada = page_of(&ada, "acme", "ada@acme.test").await;
    let page = ada.get(&of_ada).await;
    let (admin, viewer) = (role(&page.body, "admin"), role(&page.body, "viewer"));

    let refused = send(&ada, &page, &format!("{of_ada}/roles"), &[("held", &admin), ("role", &viewer)]).await;

    assert_eq!(refused.status, 409);
    assert_eq!(
        refused.body.matches("The organization would have no owner left").count(),
        2,
        "{}",
        refused.body
    );
    let is_ticked = |role: &str| refused.body.contains(&format!("value=\"{role}\" checked"));
    assert!(is_ticked(&viewer) && !is_ticked(&admin), "as they were ticked: {}", refused.body);
    let page = ada.get(&of_ada).await;
    assert_eq!(page.body.matches("name=\"held\"").count(), 1, "neither was changed");
}

#[tokio::test]
async fn who_may_see_and_not_give_sees_closed_boxes_and_is_refused() {
    let app = App::start().await;
    let helping = SAMPLES.replace(
        "permissions: [\"notes:read\"] }\n    users:",
        "permissions: [\"orgate:organization:read\", \"orgate:users:read\", \"orgate:roles:read\", \"orgate:roles:assign\"] }\n    users:",
    );
    app.apply(&helping).await;
    let vic = administrator(&app, "acme", "vic@acme.test").await;
    let of_casey = page_of(&vic, "acme", "casey@consult.test").await;

    let page = vic.get(&of_casey).await;
    let (admin, action) = (role(&page.body, "admin"), format!("{of_casey}/roles"));
    let refused = send(&vic, &page, &action, &[("role", &admin)]).await;

    assert!(page.body.contains("Not yours to give") && !page.body.contains("Where they are signed in"));
    assert!(!page.body.contains("/deactivate"), "{}", page.body);
    assert_eq!(refused.status, 403);
    assert!(refused.body.contains("The role admin is not yours to give"), "{}", refused.body);
}

#[tokio::test]
async fn one_session_ends_and_then_all_of_them() {
    let app = App::start().await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let (first, _second) =
        (app.sign_in("acme", "vic@acme.test").await, app.sign_in("acme", "vic@acme.test").await);
    let of_vic = page_of(&ada, "acme", "vic@acme.test").await;
    let action = format!("{of_vic}/sessions");
    let page = ada.get(&of_vic).await;
    let sid = first.claims("id_token")["sid"].as_str().expect("a sid").to_owned();

    let ended = send(&ada, &page, &action, &[("session", &sid)]).await;
    let page = ada.follow(ended).await;
    let foreign = send(&ada, &page, &action, &[("session", "ses_00000000000000000000000000")]).await;
    let all = send(&ada, &page, &action, &[]).await;

    assert!(page.body.contains("The session has ended") && !page.body.contains(&sid), "{}", page.body);
    assert_eq!(app.refresh(&first.text("refresh_token")).await.outcome(), "400 invalid_grant");
    assert_eq!(foreign.status, 404);
    let page = ada.follow(all).await;
    assert!(page.body.contains("Nowhere at the moment"), "{}", page.body);
    let ended = app.events("acme").await;
    assert_eq!(ended.iter().filter(|event| *event == "session.ended success ended_by_admin").count(), 2);
}

#[tokio::test]
async fn a_user_is_deactivated_once_their_address_was_typed_and_let_in_again() {
    let app = App::start().await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let of_vic = page_of(&ada, "acme", "vic@acme.test").await;
    let (off, on) = (format!("{of_vic}/deactivate"), format!("{of_vic}/reactivate"));

    let confirm = ada.get(&off).await;
    let wrong = send(&ada, &confirm, &off, &[("word", "ada@acme.test")]).await;
    let done = send(&ada, &confirm, &off, &[("word", "Vic@acme.test")]).await;
    let gone = ada.follow(done).await;
    let again = ada.get(&off).await;
    let confirm = ada.get(&on).await;
    let back = send(&ada, &confirm, &on, &[]).await;

    assert_eq!(wrong.status, 422);
    assert!(wrong.body.contains("Type it as it stands above"), "{}", wrong.body);
    assert!(gone.body.contains("Deactivated") && gone.body.contains("Let them in again"), "{}", gone.body);
    assert_eq!(again.leads_to(), of_vic, "they are already");
    assert!(ada.follow(back).await.body.contains("They may sign in again"));
    let own = page_of(&ada, "acme", "ada@acme.test").await;
    let action = format!("{own}/deactivate");
    let confirm = ada.get(&action).await;
    let last = send(&ada, &confirm, &action, &[("word", "ada@acme.test")]).await;
    assert_eq!(last.status, 409);
    assert!(last.body.contains("no owner left"), "{}", last.body);
}

#[tokio::test]
async fn there_is_no_page_of_a_user_of_another_organization() {
    let app = App::start().await;
    let (ada, gus) = (
        administrator(&app, "acme", "ada@acme.test").await,
        administrator(&app, "globex", "gus@globex.test").await,
    );
    let of_gus = page_of(&gus, "globex", "gus@globex.test").await.replace("globex", "acme");
    let token = csrf(&ada.get("/admin/acme/invitations/new").await, "/admin/acme/invitations/new");

    assert_eq!(ada.get(&of_gus).await.status, 404);
    let of_vic = page_of(&ada, "acme", "vic@acme.test").await;
    let admin = role(&ada.get(&of_vic).await.body, "admin");
    for below in ["/roles", "/sessions", "/deactivate", "/reactivate", "/delete", "/profile"] {
        for more in [("word", "gus@globex.test"), ("role", admin.as_str())] {
            let page = ada.post(format!("{of_gus}{below}"), &[("csrf", token.as_str()), more]).await;
            assert_eq!(page.status, 404, "{below}");
        }
    }
    assert_eq!(gus.get("/admin/globex").await.status, 200);
}

#[tokio::test]
async fn so_many_roles_are_changed_at_once_and_no_more() {
    let app = App::start().await;
    let roles =
        (0..51).map(|n| format!("      - {{ slug: role{n}, permissions: [] }}\n")).collect::<Vec<_>>();
    let viewer = "      - { slug: viewer, permissions: [\"notes:read\"] }\n";
    app.apply(&SAMPLES.replacen(viewer, &format!("{viewer}{}", roles.concat()), 1)).await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let of_vic = page_of(&ada, "acme", "vic@acme.test").await;
    let page = ada.get(&of_vic).await;
    let ids: Vec<_> = (0..51).map(|n| role(&page.body, &format!("role{n}"))).collect();
    let form = |count: usize| ids.iter().take(count).map(|id| ("role", id.as_str())).collect::<Vec<_>>();
    let action = format!("{of_vic}/roles");

    let many = send(&ada, &page, &action, &form(51)).await;
    let most = send(&ada, &page, &action, &form(50)).await;

    assert!(many.status == 422 && many.body.contains("up to 50 roles at once"), "{}", many.body);
    assert_eq!(many.body.matches(" checked").count(), 51, "what was ticked stays");
    assert_eq!(ada.follow(most).await.body.matches("name=\"held\"").count(), 50 + 1);
}

/// As many users of Acme as that, whose names are this and a number, who are met after `before` others.
async fn crowd(app: &App, (name, before, count): (&str, i32, i32)) {
    sqlx::query(
        "insert into users select (jsonb_populate_record(vic, jsonb_build_object(
             'id', ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'name', $1 || ' ' || n,
             'email', 'crowd' || n || '@acme.test', 'email_normalized', 'crowd' || n || '@acme.test',
             'external_id', null))).*
         from users vic, generate_series($2 + 1, $2 + $3) n where vic.email_normalized = 'vic@acme.test'",
    )
    .bind(name)
    .bind(before)
    .bind(count)
    .execute(app.database.superuser())
    .await
    .expect("made");
}

/// Whether few have a word, many have all, or many have each and few have all, however far they are from one another.
#[tokio::test]
async fn those_who_have_all_words_are_found_whoever_has_some() {
    let app = App::start().await;
    crowd(&app, ("Maria Rare", 0, 2)).await;
    crowd(&app, ("Maria", 2, 1_500)).await;
    crowd(&app, ("Schmidt", 1_502, 1_500)).await;
    crowd(&app, ("Maria Schmidt", 3_002, 60)).await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let found = async |query: &str| {
        let page = ada.get(format!("/admin/acme/users?{query}")).await;
        rows(&page).into_iter().map(|[name, ..]| name).collect::<Vec<_>>()
    };

    let rare = found("search=maria+rare").await;
    let dense = found("search=maria+crowd").await;
    let sparse = ada.get("/admin/acme/users?search=schmidt+maria").await;
    let next = sparse.body.split("rel=\"next\"").next().and_then(|before| before.rsplit("href=\"").next());
    let next = next.and_then(|rest| rest.split('"').next()).expect("a next page").replace("&#38;", "&");
    let last = ada.get(next).await;

    assert_eq!(rare, ["Maria Rare 1", "Maria Rare 2"]);
    assert_eq!((dense.len(), dense[0].as_str(), dense[2].as_str()), (50, "Maria Rare 1", "Maria 3"));
    let names: Vec<_> = rows(&sparse).into_iter().chain(rows(&last)).map(|[name, ..]| name).collect();
    let all: Vec<_> = (3_003..=3_062).map(|n| format!("Maria Schmidt {n}")).collect();
    assert_eq!(names, all);
    assert_eq!(found("search=maria+schmidt+rare").await, Vec::<String>::new());
    assert_eq!(found("search=maria+schmidt&show=deactivated").await, Vec::<String>::new());
}

/// By a whole address, also of a domain in another script, which is kept as it is compared.
#[tokio::test]
async fn an_address_is_found_as_it_is_written() {
    let app = App::start().await;
    let users = "users:\n      - { email: \"uwe@bücher.example\", name: Uwe }\n";
    app.apply(&SAMPLES.replacen("users:\n", users, 1)).await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;

    for written in ["uwe%40b%C3%BCcher.example", "Uwe%40B%C3%9CCHER.example", "uwe%40xn--bcher-kva.example"] {
        let page = ada.get(format!("/admin/acme/users?search={written}")).await;
        assert_eq!(rows(&page).len(), 1, "{written}: {}", page.body);
    }
}
