//! Domains: claimed, proven by a record, given up.

use orgate_tests::app::{App, Browser, Page, SAMPLES};
use orgate_tests::name_server::NameServer;

use super::{administrator, copied, csrf, send};

const LIST: &str = "/admin/acme/domains";

/// Orgate, and the name server that it asks.
async fn world() -> (App, NameServer) {
    let dns = NameServer::start().await;
    let app = App::start_with(|settings| settings.dns.servers = vec![dns.address]).await;
    (app, dns)
}

/// Claims a domain; its page.
async fn claim(browser: &Browser, organization: &str, name: &str) -> (String, Page) {
    let list = format!("/admin/{organization}/domains");
    let claimed = send(browser, &browser.get(&list).await, &list, &[("name", name)]).await;
    (claimed.leads_to(), browser.follow(claimed).await)
}

#[tokio::test]
async fn a_domain_is_claimed_proven_by_its_record_and_given_up_once_it_was_typed() {
    let (app, dns) = world().await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let (of, claimed) = claim(&ada, "acme", "Proven.test").await;
    let (check, give_up) = (format!("{of}/verify"), format!("{of}/give-up"));

    let missing = send(&ada, &claimed, &check, &[("subdomains", "yes")]).await;
    dns.fail(true);
    let silent = send(&ada, &claimed, &check, &[]).await;
    dns.fail(false);
    dns.set(&copied(&claimed, "record-name"), &copied(&claimed, "record-value"));
    let found = send(&ada, &missing, &check, &[("subdomains", "yes")]).await;
    let verified = ada.follow(found).await;
    let list = ada.get(LIST).await;
    let confirm = ada.get(&give_up).await;
    let wrong = send(&ada, &confirm, &give_up, &[("word", "acme.test")]).await;
    let released = send(&ada, &confirm, &give_up, &[("word", "proven.test")]).await;
    let after = ada.follow(released).await;

    for text in ["The domain is claimed", "To be proven", "Check now", "data-copy=\"record-value\""] {
        assert!(claimed.body.contains(text), "{text}: {}", claimed.body);
    }
    assert_eq!(copied(&claimed, "record-name"), "_orgate-challenge.proven.test");
    assert_eq!((missing.status.as_u16(), silent.status.as_u16()), (422, 422));
    assert!(missing.body.contains("The record is not there yet"), "{}", missing.body);
    assert!(
        missing.body.contains("name=\"subdomains\" value=\"yes\" checked"),
        "what was ticked: {}",
        missing.body
    );
    assert!(silent.body.contains("The name servers did not answer"), "{}", silent.body);
    for text in ["The domain is verified", ">Verified<", "With everything below it", "Leave it where it is"] {
        assert!(verified.body.contains(text), "{text}: {}", verified.body);
    }
    assert!(list.body.contains("proven.test") && list.body.contains("acme.test"), "{}", list.body);
    assert!(wrong.status == 422 && wrong.body.contains("Type it as it stands above"), "{}", wrong.body);
    assert!(
        after.body.contains("The domain is given up") && !after.body.contains(">proven.test<"),
        "{}",
        after.body
    );
    let events = app.events("acme").await;
    for action in ["domain.claimed success", "domain.refused refused no_record", "domain.released success"] {
        assert!(events.iter().any(|event| event == action), "{action}: {events:?}");
    }
}

#[tokio::test]
async fn what_cannot_be_claimed_is_said_beside_the_field_and_what_was_typed_is_kept() {
    let (app, _dns) = world().await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let list = ada.get(LIST).await;

    for (typed, why) in [
        ("no domain", "That is not a domain"),
        ("gmail.com", "it is a provider of public mail"),
        ("co.uk", "it is a public suffix"),
    ] {
        let refused = send(&ada, &list, LIST, &[("name", typed)]).await;
        assert_eq!(refused.status, 422, "{typed}: {}", refused.body);
        assert_eq!(refused.body.matches(why).count(), 2, "{typed}: {}", refused.body);
        assert!(refused.body.contains("<a href=\"#name\">"), "{}", refused.body);
        assert!(refused.body.contains(&format!("value=\"{typed}\"")), "{}", refused.body);
        assert!(refused.body.contains("acme.test"), "the list is there still: {}", refused.body);
    }
}

#[tokio::test]
async fn a_domain_of_another_organization_is_none() {
    let (app, _dns) = world().await;
    let gus = administrator(&app, "globex", "gus@globex.test").await;
    let (of_gus, _) = claim(&gus, "globex", "proven.test").await;
    let foreign = of_gus.replace("globex", "acme");
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let token = csrf(&ada.get(LIST).await, LIST);

    for of in [foreign.as_str(), "/admin/acme/domains/dom_00000000000000000000000000"] {
        for below in ["", "/give-up"] {
            let page = ada.get(format!("{of}{below}")).await;
            assert!(page.status == 404 && !page.body.contains("proven"), "{of}{below}: {}", page.body);
        }
        for below in ["/verify", "/give-up"] {
            let page =
                ada.post(format!("{of}{below}"), &[("csrf", token.as_str()), ("word", "proven.test")]).await;
            assert_eq!(page.status, 404, "{of}{below}: {}", page.body);
        }
    }
    assert!(gus.get("/admin/globex/domains").await.body.contains("proven.test"));
}

/// What one organization has claimed or proven says nothing to another.
#[tokio::test]
async fn another_organizations_domain_is_claimed_like_any_and_told_of_once_the_record_is_there() {
    let (app, dns) = world().await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;

    let (of, claimed) = claim(&ada, "acme", "globex.test").await;
    dns.set(&copied(&claimed, "record-name"), &copied(&claimed, "record-value"));
    let held = send(&ada, &claimed, &format!("{of}/verify"), &[]).await;

    assert!(claimed.body.contains("The domain is claimed"), "{}", claimed.body);
    assert_eq!(held.status, 422);
    assert!(held.body.contains("Another organization has it here"), "{}", held.body);
    assert!(!held.body.contains("Globex"), "{}", held.body);
}

#[tokio::test]
async fn who_may_only_look_sees_no_forms_and_who_may_only_manage_reads_of_none() {
    let (app, _dns) = world().await;
    let may = async |permission: &str| {
        let held = format!("permissions: [\"orgate:organization:read\", \"{permission}\"] }}\n    users:");
        app.apply(&SAMPLES.replacen("permissions: [\"notes:read\"] }\n    users:", &held, 1)).await;
    };
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let (of, _) = claim(&ada, "acme", "proven.test").await;

    may("orgate:domains:read").await;
    let vic = administrator(&app, "acme", "vic@acme.test").await;
    let (list, page) = (vic.get(LIST).await, vic.get(&of).await);
    let refused = vic.post(LIST, &[("csrf", "x"), ("name", "other.test")]).await;
    may("orgate:domains:manage").await;
    let token = csrf(&ada.get(LIST).await, LIST);
    let foreign = vic.post(LIST, &[("csrf", token.as_str()), ("name", "other.test")]).await;
    let give_up = vic.get(format!("{of}/give-up")).await;

    assert!(list.status == 200 && !list.body.contains("name=\"name\""), "{}", list.body);
    assert!(page.status == 200 && page.body.contains("_orgate-challenge"), "{}", page.body);
    assert!(!page.body.contains("/verify") && !page.body.contains("/give-up"), "{}", page.body);
    assert!(refused.status == 403 && refused.body.contains("orgate:domains:manage"), "{}", refused.body);
    assert!(
        foreign.status == 403 && foreign.body.contains("grown old"),
        "of another user's page: {}",
        foreign.body
    );
    assert!(give_up.status == 403 && give_up.body.contains("orgate:domains:read"), "{}", give_up.body);
    assert!(!give_up.body.contains("proven.test"), "{}", give_up.body);
}
