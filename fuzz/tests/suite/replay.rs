//! Every input of the corpora through the targets that the fuzzer calls.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use orgate_fuzz::{TARGETS, Verdict};

/// An input may take this long, in a debug build and on a busy machine.
const LIMIT: Duration = Duration::from_secs(2);

/// A machine that was busy with something else is asked again.
const TRIES: usize = 3;

fn inputs(target: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn fastest(run: impl Fn()) -> Duration {
    let mut best = Duration::MAX;
    for _ in 0..TRIES {
        let start = Instant::now();
        run();
        best = best.min(start.elapsed());
        if best <= LIMIT {
            break;
        }
    }
    best
}

/// Replays a target's corpus, in which something must be good: else nothing shows that anything can be.
fn replay(name: &str) {
    let (_, run) = TARGETS.into_iter().find(|(known, _)| *known == name).unwrap();
    let (mut accepted, mut wrong) = (0, Vec::new());

    let files = inputs(name);
    for file in &files {
        let input = fs::read(file).unwrap();
        match run(&input) {
            Ok(Verdict::Accepted) => accepted += 1,
            Ok(Verdict::Refused) => {}
            Err(violation) => wrong.push(format!("{}: {}", file.display(), violation.0)),
        }
        let took = fastest(|| drop(run(&input)));
        if took > LIMIT {
            wrong.push(format!("{}: took {took:?}", file.display()));
        }
    }

    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), files.len(), wrong.join("\n"));
    assert!(accepted > 0 && accepted < files.len(), "{accepted} of {} are accepted", files.len());
}

#[test]
fn id_tokens_of_the_corpus_break_nothing() {
    replay("id_token");
}

#[test]
fn redirect_queries_of_the_corpus_break_nothing() {
    replay("redirect_query");
}

#[test]
fn logout_messages_of_the_corpus_break_nothing() {
    replay("saml_logout");
}

#[test]
fn metadata_of_the_corpus_breaks_nothing() {
    replay("saml_metadata");
}

#[test]
fn responses_of_the_corpus_break_nothing() {
    replay("saml_response");
}

#[test]
fn every_corpus_belongs_to_a_target_and_is_small() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let mut found: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    found.sort();

    assert_eq!(found, TARGETS.map(|(name, _)| name));
    for (name, _) in TARGETS {
        let bytes: u64 = inputs(name).iter().map(|file| fs::metadata(file).unwrap().len()).sum();
        assert!(bytes <= 2 * 1024 * 1024, "{name}: {bytes} bytes");
    }
}
