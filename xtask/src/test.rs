//! `cargo xtask test`: everything that must pass.
//!
//! **Invariant:** the last line is the total, and no way for tests not to have run (they do not compile, their
//! program is killed, a filter matches none) looks like success.

use std::env;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Error, Result, bail};

use crate::cluster::Cluster;
use crate::tally::Tally;
use crate::{apt, browser, workspace};

pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    let selection = Selection::parse(arguments)?;
    let mut total = run_selected(&selection).unwrap_or_else(|error| failed(&error));
    if total == Tally::default() {
        println!("no test was found");
        total = Tally::ONE_FAILED;
    }
    if total.skipped > 0 && workspace::is_ci() {
        println!("CI=true: {} skipped, which counts as failed", total.skipped);
        total = total.without_skipped();
    }
    println!("{total}");
    Ok(if total.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn failed(error: &Error) -> Tally {
    println!("error: {error:#}");
    Tally::ONE_FAILED
}

fn run_selected(selection: &Selection<'_>) -> Result<Tally> {
    let orgate = workspace::build_orgate()?;
    let database = Database::open()?;
    let environment = Environment { orgate: &orgate, database_url: &database.url, long: selection.long };

    let mut total = Tally::default();
    if selection.rust {
        total += rust_tests(selection, &environment).unwrap_or_else(|error| failed(&error));
        if selection.filter.is_none() {
            total += both_cores().unwrap_or_else(|error| failed(&error));
        }
    }
    if selection.journeys {
        total +=
            browser::run(&environment, selection.named_journeys()).unwrap_or_else(|error| failed(&error));
    }
    if let Err(error) = database.close() {
        total += failed(&error);
    }
    Ok(total)
}

/// What is to be run.
struct Selection<'a> {
    rust: bool,
    journeys: bool,
    filter: Option<&'a str>,
    /// Tests that have a long form run in it.
    long: bool,
    /// For the test programs.
    arguments: &'a [String],
}

impl<'a> Selection<'a> {
    fn parse(arguments: &'a [String]) -> Result<Self> {
        let separator = arguments.iter().position(|argument| argument == "--");
        let (own, others) = arguments.split_at(separator.unwrap_or(arguments.len()));
        let arguments = others.get(1..).unwrap_or_default();
        let (long, own) = match own {
            [first, rest @ ..] if first == "--long" => (true, rest),
            own => (false, own),
        };
        let filter = match own {
            [] => None,
            [filter] if !filter.starts_with('-') => Some(filter.as_str()),
            _ => bail!("--long, and one filter at most; arguments for the test programs go after `--`"),
        };
        let (rust, journeys) = (filter != Some("browser"), matches!(filter, None | Some("browser")));
        Ok(Self { rust, journeys, filter, long, arguments })
    }

    /// The journeys that are asked for by their names; none: all.
    fn named_journeys(&self) -> &'a [String] {
        if self.rust { &[] } else { self.arguments }
    }
}

/// What tests find in their environment.
pub(crate) struct Environment<'a> {
    /// The server's program, built.
    orgate: &'a Path,
    database_url: &'a str,
    long: bool,
}

impl Environment<'_> {
    pub(crate) fn give_to(&self, command: &mut Command) {
        command.env("ORGATE_BIN", self.orgate).env("ORGATE_TEST_DATABASE_URL", self.database_url);
        if self.long {
            command.env("ORGATE_TEST_LONG", "true");
        }
        // A server that a test starts would use it, and it may be somebody's.
        command.env_remove("DATABASE_URL");
    }
}

/// The Postgres of the run: given, or started for it.
struct Database {
    url: String,
    cluster: Option<Cluster>,
}

impl Database {
    fn open() -> Result<Self> {
        let given = ["ORGATE_TEST_DATABASE_URL", "DATABASE_URL"].iter().find_map(|name| env::var(name).ok());
        if let Some(url) = given.filter(|url| !url.is_empty()) {
            return Ok(Self { url, cluster: None });
        }
        let cluster = Cluster::start()?;
        Ok(Self { url: cluster.url(), cluster: Some(cluster) })
    }

    fn close(self) -> Result<()> {
        self.cluster.map_or(Ok(()), Cluster::stop)
    }
}

fn rust_tests(selection: &Selection<'_>, environment: &Environment<'_>) -> Result<Tally> {
    let mut cargo = workspace::cargo(["test", "--workspace", "--no-fail-fast"]);
    cargo.args(selection.filter).arg("--").args(selection.arguments);
    environment.give_to(&mut cargo);
    report_of(cargo)
}

/// The tests of SAML once more, with a second implementation of XML signatures that must agree with the first
/// on every message.
fn both_cores() -> Result<Tally> {
    if !has_second_core()? && apt::may_install()? {
        apt::install(&["libclang-dev", "libxmlsec1-dev", "pkg-config"])?;
    }
    if !has_second_core()? {
        println!(
            "SKIPPED: orgate-saml with xmlsec: libclang or libxmlsec1 is missing, and only root can install it"
        );
        return Ok(Tally::ONE_SKIPPED);
    }
    report_of(workspace::cargo(["test", "--package", "orgate-saml", "--features", "xmlsec"]))
}

fn has_second_core() -> Result<bool> {
    let linker = Command::new("pkg-config").args(["--exists", "xmlsec1"]).status();
    let libraries = Path::new("/usr/lib").read_dir()?.filter_map(Result::ok);
    let has_libclang = env::var_os("LIBCLANG_PATH").is_some()
        || libraries
            .filter(|entry| entry.file_name().to_string_lossy().starts_with("llvm-"))
            .any(|entry| entry.path().join("lib/libclang.so").exists());
    Ok(has_libclang && linker.is_ok_and(|status| status.success()))
}

fn report_of(cargo: Command) -> Result<Tally> {
    let mut report = Report::default();
    let status = workspace::stream(cargo, |line| report.read(line))?;
    Ok(report.close(status.success()))
}

/// What `cargo test` has printed so far.
#[derive(Default)]
struct Report {
    tally: Tally,
    /// Tests that said they are skipped. To libtest they pass.
    skipped: u64,
    /// The test program that was announced and has given no result yet.
    running: Option<String>,
}

impl Report {
    fn read(&mut self, line: &str) {
        if let Some(counts) = Tally::parse_libtest(line) {
            self.tally += counts;
            self.running = None;
        } else if let Some(program) = announced(line) {
            self.expect_result();
            self.running = Some(program.to_owned());
        } else if says_skipped(line) {
            self.skipped += 1;
        }
    }

    fn expect_result(&mut self) {
        if let Some(program) = self.running.take() {
            println!("error: {program} ended without a result");
            self.tally.failed += 1;
        }
    }

    fn close(mut self, succeeded: bool) -> Tally {
        self.expect_result();
        if !succeeded && self.tally.failed == 0 {
            println!("error: cargo test failed, though no test did");
            self.tally.failed = 1;
        }
        self.tally.passed = self.tally.passed.saturating_sub(self.skipped);
        self.tally.skipped += self.skipped;
        self.tally
    }
}

/// The test program in cargo's `     Running unittests src/lib.rs (target/…)` or `   Doc-tests orgate_verify`.
fn announced(line: &str) -> Option<&str> {
    let line = line.strip_prefix("   ")?.trim_start();
    let is_program = line.starts_with("Running ") && line.ends_with(')');
    (is_program || line.starts_with("Doc-tests ")).then_some(line)
}

/// A test that cannot run here says `SKIPPED: why`, perhaps after libtest's `test its_name ... `.
fn says_skipped(line: &str) -> bool {
    line.split_once("SKIPPED: ").is_some_and(|(before, _)| before.is_empty() || before.ends_with(" ... "))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUNNING: &str = "     Running unittests src/lib.rs (target/debug/deps/orgate_domain-1a2b)";
    const OK: &str =
        "test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s";

    fn report(lines: &[&str], succeeded: bool) -> Tally {
        let mut report = Report::default();
        for line in lines {
            report.read(line);
        }
        report.close(succeeded)
    }

    #[test]
    fn programs_and_doctests_add_up() {
        let tally = report(&[RUNNING, OK, "   Doc-tests orgate_domain", OK, OK], true);

        assert_eq!(tally, Tally { passed: 6, failed: 0, skipped: 0 });
    }

    #[test]
    fn a_program_that_is_killed_has_failed_whichever_comes_next() {
        let killed_first = report(&[RUNNING, RUNNING, OK], false);
        let killed_last = report(&[RUNNING, OK, RUNNING], false);

        assert_eq!(killed_first, Tally { passed: 2, failed: 1, skipped: 0 });
        assert_eq!(killed_last, killed_first);
    }

    #[test]
    fn a_run_that_failed_is_never_without_failures() {
        assert_eq!(report(&["error: could not compile"], false), Tally::ONE_FAILED);
    }

    #[test]
    fn a_test_that_says_so_is_skipped_and_did_not_pass() {
        let tally = report(&[RUNNING, "SKIPPED: no such server", "running 2 tests", OK], true);
        let after_its_name = report(&[RUNNING, "test it ... SKIPPED: no such server", OK], true);

        assert_eq!(tally, Tally { passed: 1, failed: 0, skipped: 1 });
        assert_eq!(after_its_name, tally);
    }

    #[test]
    fn a_filter_selects_rust_tests_and_browser_the_journeys() {
        let select = |arguments: &[&str]| {
            let arguments: Vec<_> = arguments.iter().map(ToString::to_string).collect();
            Selection::parse(&arguments)
                .map(|chosen| (chosen.rust, chosen.journeys, chosen.arguments.len()))
                .ok()
        };

        assert_eq!(select(&[]), Some((true, true, 0)));
        assert_eq!(select(&["codes", "--", "--nocapture"]), Some((true, false, 1)));
        assert_eq!(select(&["browser"]), Some((false, true, 0)));
        assert_eq!(select(&["browser", "--", "every_page"]), Some((false, true, 1)));
        assert_eq!(select(&["--nocapture"]), None);
    }
}
