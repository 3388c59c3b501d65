//! Domains that organizations prove by a DNS record.

mod answers;
mod names;

use chrono::Duration;
use orgate_domain::domains::{CHECK_PAUSE, GRACE, OrgDomain, RETRY_PAUSE, TRANSFER_COOL_OFF, TRANSFER_OFFER};
use orgate_domain::email::DomainName;
use orgate_flows::domains::{self, By, DomainError};
use orgate_storage::DomainTerms;
use orgate_tests::app::{App, Browser, Page};
use orgate_tests::mailbox::Mailbox;
use orgate_tests::name_server::NameServer;

const ALONE: DomainTerms = DomainTerms { shared: false, subdomains: false };
const SHARED: DomainTerms = DomainTerms { shared: true, subdomains: false };
const WITH_BELOW: DomainTerms = DomainTerms { shared: false, subdomains: true };

/// Orgate, and the name server that it asks.
struct World {
    app: App,
    dns: NameServer,
}

impl World {
    async fn start() -> Self {
        let dns = NameServer::start().await;
        let app = App::start_with(|settings| settings.dns.servers = vec![dns.address]).await;
        Self { app, dns }
    }

    async fn claim(&self, org: &str, domain: &str) -> OrgDomain {
        let scope = self.app.org(org).await;
        domains::claim(&self.app.env, By::operator(&scope), &name(domain)).await.expect("claimed")
    }

    async fn verify(&self, org: &str, domain: &str, terms: DomainTerms) -> Result<(), DomainError> {
        let scope = self.app.org(org).await;
        domains::verify(&self.app.env, By::operator(&scope), &name(domain), terms).await
    }

    async fn configure(&self, org: &str, domain: &str, terms: DomainTerms) -> Result<(), DomainError> {
        let scope = self.app.org(org).await;
        domains::configure(&self.app.env, By::operator(&scope), &name(domain), terms).await
    }

    /// Claims a domain and puts its record into the zone.
    async fn prepare(&self, org: &str, domain: &str) -> OrgDomain {
        let claimed = self.claim(org, domain).await;
        self.dns.set(&claimed.record_name(), &claimed.record_text().expect("a challenge"));
        claimed
    }

    async fn prove(&self, org: &str, domain: &str, terms: DomainTerms) -> OrgDomain {
        let claimed = self.prepare(org, domain).await;
        self.verify(org, domain, terms).await.expect("proven");
        claimed
    }

    async fn state(&self, org: &str, domain: &str) -> Option<OrgDomain> {
        let scope = self.app.org(org).await;
        let mut tx = self.app.env.store.begin(&scope).await.expect("a transaction");
        let found = tx.domains().find(&name(domain)).await.expect("read");
        tx.commit().await.expect("a commit");
        found
    }

    /// Where "Where do you work?" leads with this address.
    async fn lead(&self, address: &str) -> String {
        let browser = self.app.browser();
        let page = browser.follow(answer(&browser, address).await).await;
        let headings = ["Sign in to <bdi>", "<h1>"];
        let heading = headings.iter().find_map(|before| page.body.split(before).nth(1));
        heading.and_then(|rest| rest.split('<').next()).unwrap_or_default().to_owned()
    }

    async fn events(&self, org: &str) -> Vec<String> {
        let all = self.app.events(org).await;
        all.into_iter().filter(|event| event.starts_with("domain.")).collect()
    }

    async fn check_after(&self, time: Duration) {
        self.app.clock.advance(time);
        domains::check_due(&self.app.env).await.expect("checked");
    }
}

fn name(domain: &str) -> DomainName {
    DomainName::parse(domain).expect("a domain")
}

async fn answer(browser: &Browser, address: &str) -> Page {
    let question = browser.follow(browser.authorize(&[]).await).await;
    let (request, csrf) = (question.field("request"), question.field("csrf"));
    browser.post("/discover", &[("request", &request), ("csrf", &csrf), ("q", address)]).await
}

#[tokio::test]
async fn a_domain_leads_to_who_has_proven_it_and_only_then() {
    let world = World::start().await;
    let claimed = world.claim("acme", "proven.test").await;
    let again = world.claim("acme", "PROVEN.test.").await;

    assert_eq!(claimed.record_name(), "_orgate-challenge.proven.test");
    assert_eq!(again, claimed, "the record stays what it was");
    assert_eq!(world.lead("ada@proven.test").await, "Check your mail", "a claim leads nobody");

    let missing = world.verify("acme", "proven.test", ALONE).await;
    world.dns.set(&claimed.record_name(), "orgate-verification=another");
    let wrong = world.verify("acme", "proven.test", ALONE).await;
    world.dns.fail(true);
    let unreachable = world.verify("acme", "proven.test", ALONE).await;
    world.dns.fail(false);

    assert!(matches!(missing, Err(DomainError::NoRecord { .. })), "{missing:?}");
    assert!(matches!(wrong, Err(DomainError::NoRecord { .. })), "{wrong:?}");
    assert!(matches!(unreachable, Err(DomainError::Unreachable(_))), "{unreachable:?}");
    assert_eq!(world.lead("ada@proven.test").await, "Check your mail");

    world.dns.set(&claimed.record_name(), &claimed.record_text().expect("a challenge"));
    world.verify("acme", "proven.test", ALONE).await.expect("proven");

    assert_eq!(world.lead("ada@proven.test").await, "Acme Inc");
    assert_eq!(world.lead("ada@below.proven.test").await, "Check your mail", "what is below was not chosen");
    assert_eq!(
        world.events("acme").await,
        [
            "domain.configured success",
            "domain.claimed success",
            "domain.refused refused no_record",
            "domain.refused refused no_record",
            "domain.refused refused unreachable",
            "domain.verified success",
        ]
    );
}

#[tokio::test]
async fn a_proven_domain_is_nobody_elses_and_that_is_told_only_to_who_controls_the_zone() {
    let world = World::start().await;
    world.prove("acme", "proven.test", ALONE).await;
    let theirs = world.claim("globex", "proven.test").await;

    let stranger = world.verify("globex", "proven.test", ALONE).await;
    world.dns.set(&theirs.record_name(), &theirs.record_text().expect("a challenge"));
    let proven = world.verify("globex", "proven.test", ALONE).await;
    let shared = world.verify("globex", "proven.test", SHARED).await;
    let scope = world.app.org("acme").await;
    domains::release(&world.app.env, By::operator(&scope), &name("proven.test")).await.expect("released");
    let given_up = world.verify("globex", "proven.test", SHARED).await;

    assert!(matches!(stranger, Err(DomainError::NoRecord { .. })), "{stranger:?}");
    for refused in [proven, shared, given_up] {
        assert!(matches!(refused, Err(DomainError::Held(_))), "{refused:?}");
    }
    assert_eq!(world.lead("ada@proven.test").await, "Check your mail");
    assert!(world.state("globex", "proven.test").await.is_some_and(|domain| domain.verified_at.is_none()));
}

#[tokio::test]
async fn public_mail_is_nobodys() {
    let world = World::start().await;
    let scope = world.app.org("acme").await;

    let refused = domains::claim(&world.app.env, By::operator(&scope), &name("gmail.com")).await;

    assert!(matches!(refused, Err(DomainError::PublicMail(_))), "{refused:?}");
}

#[tokio::test]
async fn who_shares_a_domain_is_asked_about_and_the_answer_keeps_the_address() {
    let world = World::start().await;
    let acme = world.prove("acme", "group.test", SHARED).await;
    world.dns.remove(&acme.record_name());
    world.prove("globex", "group.test", SHARED).await;

    let browser = world.app.browser();
    let page = answer(&browser, "ada@group.test").await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("Which organization?"), "{}", page.body);
    assert!(page.body.contains("Acme Inc") && page.body.contains("Globex"), "{}", page.body);
    let (request, csrf) = (page.field("request"), page.field("csrf"));
    let fields = [("request", &*request), ("csrf", &csrf), ("address", "ada@group.test"), ("q", "globex")];
    let chosen = browser.follow(browser.post("/discover", &fields).await).await;
    assert!(chosen.body.contains("Sign in to <bdi>Globex"), "{}", chosen.body);
    assert!(chosen.body.contains("ada@group.test"), "the address is kept: {}", chosen.body);

    let hinted = world.app.browser();
    let undecided = hinted.follow(hinted.authorize(&[("login_hint", "ada@group.test")]).await).await;
    assert!(undecided.body.contains("Where do you work?"), "a shared domain decides nothing");

    let exclusive = world.configure("acme", "group.test", ALONE).await;
    assert!(matches!(exclusive, Err(DomainError::Shared(_))), "{exclusive:?}");
}

#[tokio::test]
async fn what_lies_below_belongs_to_who_chose_it_unless_another_has_proven_it() {
    let world = World::start().await;
    world.prove("acme", "tree.test", WITH_BELOW).await;
    world.prepare("globex", "branch.tree.test").await;

    let below = world.verify("globex", "branch.tree.test", ALONE).await;
    assert!(matches!(below, Err(DomainError::Held(_))), "{below:?}");
    assert_eq!(world.lead("ada@branch.tree.test").await, "Acme Inc");
    assert_eq!(world.lead("ada@eviltree.test").await, "Check your mail");

    world.configure("acme", "tree.test", ALONE).await.expect("changed");
    world.verify("globex", "branch.tree.test", ALONE).await.expect("proven");
    let reaching = world.configure("acme", "tree.test", WITH_BELOW).await;

    assert!(matches!(reaching, Err(DomainError::Held(_))), "{reaching:?}");
    assert!(world.lead("ada@branch.tree.test").await.starts_with("Globex"));
}

#[tokio::test]
async fn enforced_sso_holds_for_addresses_below_a_domain_that_reaches_down() {
    let world = World::start().await;
    world
        .app
        .apply(
            "organizations:
  - slug: acme
    name: Acme Inc
    policy: { sso_enforcement: domains }
    users: [{ email: dana@eng.tree.test, name: Dana, password: \"${PASSWORD}\" }]
",
        )
        .await;
    let sign_in = async || {
        let browser = world.app.browser();
        let page = browser.follow(browser.authorize(&[("organization", "acme")]).await).await;
        browser.sign_in(page, "dana@eng.tree.test", orgate_tests::app::PASSWORD).await
    };
    assert_eq!(sign_in().await.status, 303, "not a verified domain's");

    world.prove("acme", "tree.test", ALONE).await;
    assert_eq!(sign_in().await.status, 303, "nor one below it");
    world.configure("acme", "tree.test", WITH_BELOW).await.expect("changed");

    assert_eq!(sign_in().await.status, 422);
}

#[tokio::test]
async fn a_record_that_is_gone_is_told_and_costs_the_domain_after_its_grace() {
    let world = World::start().await;
    let mailbox = Mailbox::open().await;
    world.app.apply("organizations: [{ slug: acme, name: Acme Inc, contact: it@acme.test }]").await;
    let claimed = world.prove("acme", "proven.test", ALONE).await;
    let text = claimed.record_text().expect("a challenge");

    world.dns.remove(&claimed.record_name());
    world.check_after(CHECK_PAUSE / 2).await;
    assert!(world.state("acme", "proven.test").await.is_some_and(|domain| domain.failing_since.is_none()));
    world.check_after(CHECK_PAUSE).await;
    world.check_after(RETRY_PAUSE).await;
    assert!(world.state("acme", "proven.test").await.is_some_and(|domain| domain.failing_since.is_some()));
    assert_eq!(world.lead("ada@proven.test").await, "Acme Inc", "its grace runs");

    world.dns.fail(true);
    world.check_after(GRACE * 2).await;
    assert_eq!(world.lead("ada@proven.test").await, "Acme Inc", "a server that fails says nothing");
    world.dns.fail(false);
    world.dns.set(&claimed.record_name(), &text);
    world.check_after(RETRY_PAUSE).await;
    assert!(world.state("acme", "proven.test").await.is_some_and(|domain| domain.failing_since.is_none()));

    world.dns.remove(&claimed.record_name());
    world.check_after(CHECK_PAUSE).await;
    world.check_after(GRACE).await;
    assert_eq!(world.lead("ada@proven.test").await, "Check your mail");
    assert!(world.state("acme", "proven.test").await.is_some_and(|domain| domain.verified_at.is_none()));

    mailbox.collect(&world.app).await;
    let mails = mailbox.mails().await;
    let subjects: Vec<_> =
        mails.iter().rev().map(|mail| mail["subject"].as_str().unwrap_or_default()).collect();
    let missing = "The proof of proven.test is missing";
    assert_eq!(subjects, [missing, missing, "proven.test is not verified any more"]);
    assert!(
        mails.iter().all(|mail| mail["text"].as_str().is_some_and(|said| said.contains(&text))),
        "{mails:?}"
    );
    assert_eq!(
        mails.iter().filter(|mail| mail["to"].to_string().contains("it@acme.test")).count(),
        3,
        "{mails:?}"
    );
    assert_eq!(
        world.events("acme").await.split_off(3),
        [
            "domain.failing success",
            "domain.verified success",
            "domain.failing success",
            "domain.lapsed success"
        ]
    );

    world.dns.set(&claimed.record_name(), &text);
    world.verify("acme", "proven.test", ALONE).await.expect("proven again");
    assert_eq!(world.lead("ada@proven.test").await, "Acme Inc");
}

#[tokio::test]
async fn a_domain_changes_hands_when_both_consent_and_the_time_to_object_is_over() {
    let world = World::start().await;
    let (acme, globex) = (world.app.org("acme").await, world.app.org("globex").await);
    let env = &world.app.env;
    let domain = name("moving.test");
    world.prove("acme", "moving.test", ALONE).await;
    world.dns.remove("_orgate-challenge.moving.test");

    let offer = async || domains::offer(env, By::operator(&acme), &domain).await.expect("offered");
    let accept = async |code: &str| domains::accept(env, By::operator(&globex), code).await;
    let lapsed = offer().await;
    world.app.clock.advance(TRANSFER_OFFER);
    assert!(matches!(accept(lapsed.reveal()).await, Err(DomainError::NoOffer)));
    let voided = offer().await;
    let code = offer().await;
    assert!(matches!(accept(voided.reveal()).await, Err(DomainError::NoOffer)));
    assert!(matches!(accept("ogtc_nonsense").await, Err(DomainError::NoOffer)));
    let own = domains::accept(env, By::operator(&acme), code.reveal()).await;
    assert!(matches!(own, Err(DomainError::NoOffer)), "to oneself: {own:?}");

    let (claimed, due) = accept(code.reveal()).await.expect("accepted");
    assert!(matches!(accept(code.reveal()).await, Err(DomainError::NoOffer)), "once");
    world.dns.set(&claimed.record_name(), &claimed.record_text().expect("a challenge"));
    let early = world.verify("globex", "moving.test", ALONE).await;
    assert!(matches!(early, Err(DomainError::CoolingOff(_, until)) if until == due), "{early:?}");
    assert_eq!(world.lead("ada@moving.test").await, "Acme Inc");

    domains::withdraw(env, By::operator(&acme), &domain).await.expect("withdrawn");
    world.app.clock.advance(TRANSFER_COOL_OFF);
    let withdrawn = world.verify("globex", "moving.test", ALONE).await;
    assert!(matches!(withdrawn, Err(DomainError::Held(_))), "{withdrawn:?}");

    let code = offer().await;
    accept(code.reveal()).await.expect("accepted");
    world.app.clock.advance(TRANSFER_COOL_OFF);
    world.dns.remove(&claimed.record_name());
    let unproven = world.verify("globex", "moving.test", ALONE).await;
    assert!(
        matches!(unproven, Err(DomainError::NoRecord { .. })),
        "the successor proves it, too: {unproven:?}"
    );
    world.dns.set(&claimed.record_name(), &claimed.record_text().expect("a challenge"));
    world.verify("globex", "moving.test", ALONE).await.expect("taken over");

    assert!(world.lead("ada@moving.test").await.starts_with("Globex"));
    assert_eq!(world.state("acme", "moving.test").await, None);
    world.prepare("acme", "moving.test").await;
    let back = world.verify("acme", "moving.test", ALONE).await;
    assert!(matches!(back, Err(DomainError::Held(_))), "it is Globex's now: {back:?}");
}
