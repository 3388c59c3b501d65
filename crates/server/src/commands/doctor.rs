//! `orgate doctor`. Looks, and changes nothing.

use std::sync::Arc;

use orgate_flows::{SystemClock, bootstrap};
use orgate_storage::Store;

use super::{ConfigFile, explained, told, unopened};
use crate::settings::Settings;
use crate::wiring;

pub(super) async fn doctor(file: ConfigFile) -> anyhow::Result<()> {
    let mut report = Report::default();
    let settings = report.check("configuration", Settings::load(file.config.as_deref()));
    if let Some(settings) = settings {
        examine(&mut report, &settings).await;
    }
    match report.failed {
        0 => Ok(()),
        1 => anyhow::bail!("a check failed"),
        count => anyhow::bail!("{count} checks failed"),
    }
}

async fn examine(report: &mut Report, settings: &Settings) {
    match wiring::mailer(settings) {
        Ok(None) => report.note("mail", "no mail server is set; mails wait in the outbox"),
        other => {
            report.check("mail", other);
        }
    }
    let master_key = report.check("master key", wiring::master_key(settings));
    match wiring::previous_master_key(settings) {
        Ok(None) => {}
        Ok(Some(_)) => report
            .note("previous master key", "it is accepted, until `orgate keys rewrap` finds nothing left"),
        Err(error) => report.fail("previous master key", &told(&error.into())),
    }
    let Some(store) = report.check("database address", wiring::store(settings)) else { return };
    if report.check("database", store.ping().await.map_err(explained)).is_none() {
        return;
    }
    match store.is_migrated().await {
        Ok(true) => report.ok("schema"),
        Ok(false) => return report.fail("schema", "it is not up to date; run `orgate migrate`"),
        Err(error) => return report.fail("schema", &told(&explained(error))),
    }
    if master_key.is_some() {
        examine_keys(report, settings, store).await;
    }
}

async fn examine_keys(report: &mut Report, settings: &Settings, store: Store) {
    let env = match wiring::env(settings, store, Arc::new(SystemClock)) {
        Ok(env) => env,
        Err(error) => return report.fail("signing keys", &told(&error.into())),
    };
    match bootstrap::open(&env).await {
        Ok(Some(_)) => report.ok("signing keys"),
        Ok(None) => report.note("signing keys", "there are none yet; the first `orgate serve` makes them"),
        Err(failure) => report.fail("signing keys", &told(&unopened(failure))),
    }
}

#[derive(Default)]
struct Report {
    failed: usize,
}

impl Report {
    fn check<T, E: Into<anyhow::Error>>(&mut self, what: &str, result: Result<T, E>) -> Option<T> {
        match result {
            Ok(value) => {
                self.ok(what);
                Some(value)
            }
            Err(error) => {
                self.fail(what, &told(&error.into()));
                None
            }
        }
    }

    fn ok(&self, what: &str) {
        let _ = self;
        println!("ok    {what}");
    }

    fn note(&self, what: &str, note: &str) {
        let _ = self;
        println!("note  {what}: {note}");
    }

    fn fail(&mut self, what: &str, why: &str) {
        self.failed += 1;
        println!("FAIL  {what}: {why}");
    }
}
