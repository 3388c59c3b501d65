//! `orgate doctor`.

use std::sync::Arc;

use orgate_flows::SystemClock;

use super::ConfigFile;
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
    let Some(store) = report.check("database address", wiring::store(settings)) else { return };
    if report.check("database", store.ping().await).is_none() {
        return;
    }
    match store.is_migrated().await {
        Ok(false) => report.fail("schema", "it is not up to date; run `orgate migrate`"),
        other => {
            report.check("schema", other);
        }
    }
    let env = wiring::env(settings, store.clone(), Arc::new(SystemClock));
    if let Some(env) = report.check("master key", env)
        && store.is_migrated().await.unwrap_or_default()
    {
        report.check("signing keys", orgate_flows::bootstrap::bootstrap(&env).await);
    }
}

#[derive(Default)]
struct Report {
    failed: usize,
}

impl Report {
    fn check<T, E: std::fmt::Display>(&mut self, what: &str, result: Result<T, E>) -> Option<T> {
        match result {
            Ok(value) => {
                println!("ok    {what}");
                Some(value)
            }
            Err(error) => {
                self.fail(what, &error.to_string());
                None
            }
        }
    }

    fn fail(&mut self, what: &str, why: &str) {
        self.failed += 1;
        println!("FAIL  {what}: {why}");
    }

    fn note(&mut self, what: &str, note: &str) {
        let _ = self;
        println!("note  {what}: {note}");
    }
}
