//! The table of commands: what each is called, takes, does.

use std::process::ExitCode;

use anyhow::Result;

use crate::{check, fuzz, generate, migrations, page_times, prepare, programs, screenshots, size, test};

/// One command.
pub(crate) struct Command {
    pub(crate) name: &'static str,
    arguments: &'static str,
    /// One line.
    summary: &'static str,
    details: &'static str,
    pub(crate) run: fn(&[String]) -> Result<ExitCode>,
}

impl Command {
    pub(crate) fn print_help(&self) {
        println!("{}\n\nUsage: cargo xtask {} {}\n", self.summary, self.name, self.arguments);
        println!("{}", self.details);
    }
}

/// Lists every command.
pub(crate) fn print_overview() {
    println!("Usage: cargo xtask COMMAND [ARGUMENTS]\n");
    for command in COMMANDS {
        println!("  {:<11} {}", command.name, command.summary);
    }
    println!("\n`cargo xtask COMMAND --help` tells more.");
}

/// All of them, the most used first.
pub(crate) const COMMANDS: &[Command] = &[
    Command {
        name: "dev",
        arguments: "[ARGUMENTS]",
        summary: "Runs everything on this machine, with samples: `cargo run -- dev`",
        details: "`cargo run -- dev --help` lists the arguments.",
        run: programs::dev,
    },
    Command {
        name: "test",
        arguments: "[--long] [FILTER] [-- ARGUMENTS]",
        summary: "Runs everything that must pass, and ends with one line: N passed, N failed, N skipped",
        details: "\
Starts one Postgres for the run, runs the Rust tests and doctests, then the browser journeys.

  --long      tests that can go on for long do so: `cargo xtask test --long killed` kills nodes for minutes
  FILTER      only Rust tests whose name contains it, and no journeys; `browser`: only the journeys
  ARGUMENTS   for the test programs, such as --nocapture or --test-threads=1; with `browser`, the journeys to run:
              `cargo xtask test browser -- every_page markup`

ORGATE_TEST_DATABASE_URL or DATABASE_URL: a superuser's URL of the Postgres to use instead.
CHROMIUM: the browser to use. CI=true: what is skipped counts as failed.",
        run: test::run,
    },
    Command {
        name: "check",
        arguments: "[LINTER...]",
        summary: "Runs the linters, all or those named",
        details: "In this order: fmt clippy doc size migrations dependencies text prepare generate deny typos.",
        run: check::run,
    },
    Command {
        name: "screenshots",
        arguments: "[--long] [NAME]",
        summary: "Writes pictures of every hosted page: target/screenshots",
        details: "\
Each page of tests/browser/lib/pages.mjs, at 360, 768 and 1440 pixels, light and dark, of an organization with no data and
of one with some: target/screenshots/no-data/administrator/…-360-dark.png. It starts an Orgate of its own.

  --long  also of an organization of 100,000 users
  NAME    only pages whose path contains it, such as `roles` or `/setup`; if there are none, it lists what there is

CHROMIUM: the browser to use.",
        run: screenshots::run,
    },
    Command {
        name: "page-times",
        arguments: "[--long]",
        summary: "Measures how long the server takes for each hosted page",
        details: "\
Each page of tests/browser/lib/pages.mjs, twenty times, of an organization of 2,000 users and 20,000 events in its
audit log, and what is looked for in lists: fails if one takes longer than 100 ms half of the times. It starts an Orgate of its own, of
the development profile.

  --long  100,000 users, and 1,000,000 events

CHROMIUM: the browser to use.",
        run: page_times::run,
    },
    Command {
        name: "prepare",
        arguments: "[--check]",
        summary: "Writes the data that checks queries without a database: crates/storage/.sqlx",
        details: "Applies migrations/ to a Postgres of its own and compiles the queries against it.\n\n  --check   changes nothing; fails if the data is not up to date",
        run: prepare::run,
    },
    Command {
        name: "generate",
        arguments: "[--check]",
        summary: "Writes what is made from the code: docs/reference/",
        details: "  --check   changes nothing; fails if a page is not up to date",
        run: generate::run,
    },
    Command {
        name: "migration",
        arguments: "VERB_OBJECT",
        summary: "Begins a migration: migrations/YYYYMMDDHHMMSS_VERB_OBJECT.sql",
        details: "For example: cargo xtask migration create_webhooks",
        run: migrations::create,
    },
    Command {
        name: "size",
        arguments: "",
        summary: "Fails for files over 500 lines without their tests; lists the longest functions",
        details: "Test suites do not count. Clippy holds the limit for functions.",
        run: size::run,
    },
    Command {
        name: "fuzz",
        arguments: "TARGET [--long | --seconds N | --minimize]",
        summary: "Looks for inputs that break a parser of what strangers send: docs/guides/fuzzing.md",
        details: "\
Builds the target with coverage and runs it, for a minute unless told otherwise. What it finds is kept under
target/fuzz-work/; what breaks the target is named, and fails the command.

  TARGET       id_token, redirect_query, saml_logout, saml_metadata or saml_response
  --long       for half an hour
  --seconds N  for so long
  --minimize   runs nothing new: writes fuzz/corpus/TARGET, with the fewest inputs that reach all that was reached

Needs a C++ compiler.",
        run: fuzz::run,
    },
    Command {
        name: "bench",
        arguments: "[--long] [ARGUMENTS]",
        summary: "Measures a release build, with the figures of docs/PERFORMANCE.md",
        details: "The arguments go to crates/bench.",
        run: programs::bench,
    },
];
