//! What zones answer: records in pieces, too much for a datagram, too much altogether, or nothing that can be read.

use std::time::{Duration, Instant};

use orgate_flows::domains::DomainError;
use orgate_tests::name_server::Fault;

use super::{ALONE, World};

/// Longer than a look-up of an answer that is there.
const PROMPT: Duration = Duration::from_secs(5);

/// Records of one name that are looked at.
const LOOKED_AT: usize = 50;

/// A record of somebody else's, as long as one string may be.
fn filler(n: usize) -> Vec<String> {
    vec![format!("{n:0>255}")]
}

#[tokio::test]
async fn a_record_counts_however_it_comes() {
    let world = World::start().await;
    let text_of = async |domain: &str| {
        let claimed = world.claim("acme", domain).await;
        (claimed.record_name(), claimed.record_text().expect("a challenge"))
    };

    // In strings that are one text (RFC 7208 §3.3 says how such are read).
    let (name, text) = text_of("pieces.test").await;
    let (first, second) = text.split_at(20);
    world.dns.set_all(&name, vec![vec![first.to_owned(), second.to_owned()]]);
    world.verify("acme", "pieces.test", ALONE).await.expect("proven");
    assert_eq!(world.dns.asked_by_tcp(), 0);

    // Cut off by UDP.
    let (name, text) = text_of("cut.test").await;
    let records = (1..LOOKED_AT).map(filler).chain([vec![text]]).collect();
    world.dns.set_all(&name, records);
    world.verify("acme", "cut.test", ALONE).await.expect("proven");
    assert!(world.dns.asked_by_tcp() > 0, "what was cut off is asked for again");
}

#[tokio::test]
async fn what_is_not_all_of_a_text_or_more_than_is_looked_at_proves_nothing() {
    let world = World::start().await;
    let claimed = world.claim("acme", "proven.test").await;
    let (name, text) = (claimed.record_name(), claimed.record_text().expect("a challenge"));
    let (first, second) = text.split_at(20);
    let huge: Vec<_> = (0..200).map(filler).chain([vec![text.clone()]]).collect();
    let cases = [
        ("two records", vec![vec![first.to_owned()], vec![second.to_owned()]]),
        ("the wrong way round", vec![vec![second.to_owned(), first.to_owned()]]),
        ("with more before it", vec![vec!["x".to_owned(), text.clone()]]),
        ("with more after it", vec![vec![text.clone(), "x".to_owned()]]),
        ("in capitals", vec![vec![text.to_uppercase()]]),
        ("no text", vec![vec![String::new()]]),
        ("behind many others", huge),
    ];

    for (what, records) in cases {
        world.dns.set_all(&name, records);
        let began = Instant::now();
        let refused = world.verify("acme", "proven.test", ALONE).await;

        assert!(matches!(refused, Err(DomainError::NoRecord { .. })), "{what}: {refused:?}");
        assert!(began.elapsed() < PROMPT, "{what}: {:?}", began.elapsed());
    }

    assert!(world.state("acme", "proven.test").await.is_some_and(|domain| domain.verified_at.is_none()));
}

#[tokio::test]
async fn an_answer_that_cannot_be_had_in_full_says_neither_that_a_record_is_there_nor_that_it_is_gone() {
    let world = World::start().await;
    let claimed = world.prepare("acme", "proven.test").await;
    let (name, text) = (claimed.record_name(), claimed.record_text().expect("a challenge"));
    let long = (1..LOOKED_AT).map(filler).chain([vec![text]]).collect::<Vec<_>>();

    // Cut off, and the rest refused; then nonsense, instead of a short answer and of a long one.
    world.dns.set_all(&name, long.clone());
    for fault in [Fault::HangsUp, Fault::Babbles] {
        world.dns.fault(fault);
        let unreachable = world.verify("acme", "proven.test", ALONE).await;
        assert!(matches!(unreachable, Err(DomainError::Unreachable(_))), "{fault:?}: {unreachable:?}");
    }
    world.dns.fault(Fault::None);
    world.verify("acme", "proven.test", ALONE).await.expect("proven");
    world.dns.fault(Fault::HangsUp);
    world.check_after(orgate_domain::domains::CHECK_PAUSE).await;

    let state = world.state("acme", "proven.test").await.expect("still there");
    assert!(state.verified_at.is_some() && state.failing_since.is_none(), "{state:?}");
    let refusals = world.events("acme").await;
    assert_eq!(refusals.iter().filter(|event| *event == "domain.refused refused unreachable").count(), 2);
}
