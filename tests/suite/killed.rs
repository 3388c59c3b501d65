//! Nodes are killed while they work, at any moment, and what they have answered stands: what is good once is good
//! once, what was revoked stays revoked, what was promised is kept, and nobody is thrown out by it.
//!
//! A dozen are killed; with `cargo xtask test --long killed`, five hundred.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::sync::Arc;
use std::time::Duration;

use orgate_flows::{Clock as _, SystemClock};
use orgate_tests::app::{Browser, CALLBACK, CHALLENGE, Page, Reply, VERIFIER};
use orgate_tests::signer::Signer;
use orgate_tests::webhook_receiver::WebhookReceiver;
use tokio::task::JoinSet;

use self::world::{Ask, World, below, code_of};

mod erasure;
mod world;

/// Killed at random, or for what they have just answered.
const KILLS: usize = 12;

/// The same in the long form.
const MANY_KILLS: usize = 500;

/// Sent at once by those who race: enough to overlap, few enough that many races are run.
const RIVALS: usize = 6;

/// People who are invited at most: a mailbox keeps two hundred mails, and some come twice.
const INVITED: usize = 150;

/// What somebody did until there were kills enough: how often, and what is looked at in the end.
type Done = (usize, Vec<String>);

#[tokio::test]
async fn whatever_was_answered_stands_whoever_is_killed() {
    let kills = if env::var_os("ORGATE_TEST_LONG").is_some() { MANY_KILLS } else { KILLS };
    let world = World::start(kills).await;
    let mut browsers = Vec::new();
    for email in ["ada@acme.test", "vic@acme.test", "casey@consult.test", "ada@acme.test", "vic@acme.test"] {
        browsers.push(world.browser(email).await);
    }
    let [one, two, three, four, five] = browsers.try_into().expect("five");
    let receiver = WebhookReceiver::start().await;
    let secret = world.tell(&receiver).await;

    let mut working: JoinSet<Done> = JoinSet::new();
    let all = || Arc::clone(&world);
    working.spawn(rotate(all(), one));
    working.spawn(redeem(all(), two));
    working.spawn(revoke(all(), three));
    working.spawn(push(all(), four));
    working.spawn(let_devices_in(all(), five));
    working.spawn(prove(all()));
    working.spawn(act(all()));
    let inviting = tokio::spawn(invite(all()));
    while world.goes_on() {
        tokio::time::sleep(Duration::from_millis(20 + u64::try_from(below(300)).expect("small"))).await;
        world.kill(below(2)).await;
    }

    let (mut tokens, mut races) = (Vec::new(), Vec::new());
    for (times, given) in working.join_all().await {
        assert!(times > 0, "there was nothing that a kill could have spoiled");
        tokens.extend(given);
        races.push(times);
    }
    println!("killed {kills}; races, in the order of their ends: {races:?}");
    let recorded: i64 = sqlx::query_scalar(
        "select count(distinct detail ->> 'jti') from audit_events where detail ->> 'jti' = any($1)",
    )
    .bind(&tokens)
    .fetch_one(world.database.superuser())
    .await
    .expect("the log");
    assert_eq!(
        usize::try_from(recorded),
        Ok(tokens.len()),
        "every token that a machine was given is in the log"
    );
    assert_told(&receiver, (&secret, &tokens)).await;
    assert_written_to(&world, &inviting.await.expect("they were invited")).await;
}

/// Of every token that a machine was given the receiver is told, by one id however often, once whoever died with a lease is
/// waited for no longer.
async fn assert_told(receiver: &WebhookReceiver, (secret, tokens): (&str, &[String])) {
    let mut told: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut times = 0;
    for _ in 0..1_200 {
        for message in receiver.take() {
            assert!(message.is_signed_by(secret));
            let jti = message.event["data"]["detail"]["jti"].as_str().unwrap_or_default().to_owned();
            told.entry(jti).or_default().insert(message.id().to_owned());
            times += 1;
        }
        if tokens.iter().all(|token| told.contains_key(token)) {
            println!("told of {} tokens, {times} times", told.len());
            assert!(told.values().all(|ids| ids.len() == 1), "an event keeps its id");
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let missing = tokens.iter().filter(|token| !told.contains_key(*token)).count();
    panic!("the receiver was not told of {missing} of {} tokens", tokens.len());
}

/// Whoever was invited is, once, and is written to, by one link however often.
async fn assert_written_to(world: &World, invited: &[String]) {
    assert!(!invited.is_empty(), "there was nothing that a kill could have spoiled");
    let kept: i64 = sqlx::query_scalar("select count(*) from invitations")
        .fetch_one(world.database.superuser())
        .await
        .expect("the invitations");
    assert_eq!(usize::try_from(kept), Ok(invited.len()), "nobody is invited twice");
    let mut links: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for _ in 0..1_800 {
        for mail in world.mailbox.mails().await {
            let text = mail["text"].as_str().unwrap_or_default();
            let link = text.split_whitespace().find(|word| word.contains("/invitations"));
            let to = invited.iter().find(|email| mail["to"].to_string().contains(email.as_str()));
            if let (Some(link), Some(to)) = (link, to) {
                links.entry(to.clone()).or_default().insert(link.to_owned());
            }
        }
        if links.len() == invited.len() {
            println!("wrote to {} people", links.len());
            assert!(links.values().all(|links| links.len() == 1), "an invitation has one link");
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{} of {} people were not written to", invited.len() - links.len(), invited.len());
}

/// Tokens of a new family of the user of `browser`.
async fn begin(world: &Arc<World>, browser: &Browser) -> Reply {
    loop {
        let code = world.code(browser).await;
        // Whose answer was lost has to begin anew: a code is good once.
        if let Some(reply) = world.ask(below(2), &redemption(&code)).await {
            assert_eq!(reply.status, 200, "{}", reply.body);
            return reply;
        }
    }
}

fn redemption(code: &str) -> Ask {
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    Ask::new("/token", "notes", &form)
}

/// Neither token of the family is good for anything any more, at either node.
async fn assert_dead(world: &Arc<World>, tokens: &Reply) {
    let (access, refresh) = (tokens.text("access_token"), tokens.text("refresh_token"));
    for token in [&access, &refresh] {
        let (told, _) = world.insist(&Ask::new("/introspect", "notes", &[("token", token)])).await;
        assert_eq!(told.body["active"], false, "no revocation is lost");
    }
    let (refused, _) = world.insist(&Ask::refresh("notes", &refresh)).await;
    assert_eq!(refused.outcome(), "400 invalid_grant");
}

/// Whoever asks again with the token whose answer was lost goes on; who asks with an older one ends the family.
async fn rotate(world: Arc<World>, browser: Browser) -> Done {
    let mut times = 0;
    while world.goes_on() {
        let first = begin(&world, &browser).await;
        let mut current = first.clone();
        for _ in 0..5 {
            let (next, _) = world.insist(&Ask::refresh("notes", &current.text("refresh_token"))).await;
            assert_eq!(next.status, 200, "no kill ends a family: {}", next.body);
            current = next;
        }
        let together = world.at_once(RIVALS, &Ask::refresh("notes", &current.text("refresh_token"))).await;
        let mut successors: Vec<_> = together.iter().map(|reply| reply.text("refresh_token")).collect();
        successors.dedup();
        assert!(successors.len() <= 1 && !successors.contains(&String::new()), "one successor: {together:?}");

        let (replayed, node) = world.insist(&Ask::refresh("notes", &first.text("refresh_token"))).await;
        assert_eq!(replayed.outcome(), "400 invalid_grant");
        if times % 4 == 0 {
            world.kill(node).await;
        }
        assert_dead(&world, together.first().unwrap_or(&current)).await;
        times += 1;
    }
    (times, Vec::new())
}

/// Of those who redeem a code at once one wins; if another was refused, what was won is void.
async fn redeem(world: Arc<World>, browser: Browser) -> Done {
    let mut times = 0;
    while world.goes_on() {
        let code = world.code(&browser).await;
        let replies = world.at_once(RIVALS, &redemption(&code)).await;
        let (won, lost): (Vec<_>, Vec<_>) = replies.into_iter().partition(|reply| reply.status == 200);
        assert!(won.len() <= 1, "a code is good once");
        assert!(lost.iter().all(|reply| reply.outcome() == "400 invalid_grant"), "{lost:?}");
        if let (Some(tokens), false) = (won.first(), lost.is_empty()) {
            assert_dead(&world, tokens).await;
            times += 1;
        }
    }
    (times, Vec::new())
}

/// What was revoked stays so, though the node that said so is dead before anybody asks again.
async fn revoke(world: Arc<World>, browser: Browser) -> Done {
    let mut times = 0;
    while world.goes_on() {
        let tokens = begin(&world, &browser).await;
        let refresh_token = tokens.text("refresh_token");
        let (said, node) = world.insist(&Ask::new("/revoke", "notes", &[("token", &refresh_token)])).await;
        assert_eq!(said.status, 200);
        if times % 4 == 0 {
            world.kill(node).await;
        }
        assert_dead(&world, &tokens).await;
        times += 1;
    }
    (times, Vec::new())
}

/// A pushed request is answered once.
async fn push(world: Arc<World>, browser: Browser) -> Done {
    let mut times = 0;
    while world.goes_on() {
        let form = [
            ("response_type", "code"),
            ("redirect_uri", CALLBACK),
            ("scope", "openid"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
            ("organization", "acme"),
        ];
        let (pushed, _) = world.insist(&Ask::new("/par", "notes", &form)).await;
        assert_eq!(pushed.status, 201, "{}", pushed.body);
        let mut racing = JoinSet::new();
        for node in 0..RIVALS {
            let mut url = world.at(node, "/authorize");
            let request_uri = pushed.text("request_uri");
            url.query_pairs_mut().append_pair("client_id", "notes").append_pair("request_uri", &request_uri);
            let browser = browser.clone();
            racing.spawn(async move { browser.try_get(url).await });
        }
        let pages: Vec<Page> = racing.join_all().await.into_iter().flatten().collect();
        assert!(pages.iter().all(|page| page.status.as_u16() < 500), "{pages:?}");
        let answers = pages.iter().filter_map(code_of).count();
        assert!(answers <= 1, "a pushed request is answered once");
        times += answers;
    }
    (times, Vec::new())
}

/// Of those who ask for a device's tokens at once one gets them.
async fn let_devices_in(world: Arc<World>, browser: Browser) -> Done {
    let mut times = 0;
    while world.goes_on() {
        let form = [("scope", "openid offline_access"), ("organization", "acme")];
        let (device, _) = world.insist(&Ask::new("/device_authorization", "tv", &form)).await;
        assert_eq!(device.status, 200, "{}", device.body);
        if let_in(&world, &browser, &device.text("user_code")).await.is_none() {
            continue; // Nobody is at the door to say it twice: the device asks anew.
        }
        let grant = "urn:ietf:params:oauth:grant-type:device_code";
        let code = device.text("device_code");
        let poll = Ask::new("/token", "tv", &[("grant_type", grant), ("device_code", &code)]);
        let replies = world.at_once(RIVALS, &poll).await;
        let won = replies.iter().filter(|reply| reply.status == 200).count();
        assert!(won <= 1, "a device is let in once");
        times += won;
    }
    (times, Vec::new())
}

async fn let_in(world: &World, browser: &Browser, user_code: &str) -> Option<()> {
    let node = below(2);
    let at = |path: &str| world.at(node, path);
    let form = browser.try_get(at("/device")).await?;
    let typed = [("csrf", &*form.field("csrf")), ("user_code", user_code)];
    let found = browser.try_post(at("/device"), &typed).await?;
    let pressed = [("csrf", &*found.field("csrf")), ("user_code", &*found.field("user_code"))];
    let leads = browser.try_post(at("/device/continue"), &pressed).await?;
    let location = leads.location()?;
    let question = browser.try_get(at(&format!("{}?{}", location.path(), location.query()?))).await?;
    let (request, csrf) = (question.field("request"), question.field("csrf"));
    let decided = [("request", &*request), ("csrf", &*csrf), ("decision", "allow")];
    let page = browser.try_post(at("/device/approve"), &decided).await?;
    assert!(page.status.is_success() || page.status.is_redirection(), "{}", page.body);
    Some(())
}

/// A proof of possession is good once.
async fn prove(world: Arc<World>) -> Done {
    let (signer, mut times) = (Signer::default(), 0);
    while world.goes_on() {
        let ask = machine().proven(signer.proof(
            ("POST", &world.at(0, "/token")),
            SystemClock.now().timestamp(),
            None,
        ));
        let replies = world.at_once(RIVALS, &ask).await;
        let (won, lost): (Vec<_>, Vec<_>) = replies.iter().partition(|reply| reply.status == 200);
        assert!(won.len() <= 1, "a proof is good once");
        assert!(lost.iter().all(|reply| reply.outcome() == "400 invalid_dpop_proof"), "{lost:?}");
        times += won.len();
    }
    (times, Vec::new())
}

fn machine() -> Ask {
    Ask::new("/token", "worker", &[("grant_type", "client_credentials"), ("organization", "acme")])
}

/// What a machine was given is in the log before it is given; the ids of its tokens.
async fn act(world: Arc<World>) -> Done {
    let mut tokens = Vec::new();
    while world.goes_on() {
        let replies = world.at_once(RIVALS, &machine()).await;
        assert!(replies.iter().all(|reply| reply.status == 200), "{replies:?}");
        let id = |reply: &Reply| reply.claims("access_token")["jti"].as_str().map(str::to_owned);
        tokens.extend(replies.iter().filter_map(id));
    }
    (tokens.len(), tokens)
}

/// Somebody is invited, again and again until that is answered; whom.
async fn invite(world: Arc<World>) -> Vec<String> {
    let mut invited = Vec::new();
    while world.goes_on() && invited.len() < INVITED {
        let email = format!("number-{}@partner.test", invited.len());
        world.invite(&email).await;
        invited.push(email);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    invited
}
