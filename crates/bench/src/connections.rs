//! Thousands of SAML connections whose metadata is due all at once: what looking after them costs the server,
//! and whether sign-ins feel it.

use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use axum::Router;
use axum::extract::{Path as UrlPath, State};
use orgate_domain::connections::{ConnectionSettings, ProviderSettings, SamlSettings};
use orgate_flows::federation::saml_metadata::follow;
use orgate_saml::metadata::IdpMetadata;
use serde_json::json;
use sqlx::PgPool;
use url::Url;
use uuid::Uuid;

use crate::beside::{Beside, Reserved};
use crate::identity_providers::metadata_at;
use crate::load::{Limit, Load};
use crate::measure::Meter;
use crate::process::{highest_resident, resident};
use crate::run::Plan;
use crate::seed::{Population, Whose};
use crate::server::Server;
use crate::statistics::{median, percentile};
use crate::workloads::{SilentSso, Users};

/// Connections that are stored at once.
const BATCH: usize = 1000;

/// Organizations whose users sign in meanwhile: few enough to be warm in both measurements.
const ACTIVE: usize = 100;

/// How often the schedule is looked at.
const PAUSE: Duration = Duration::from_millis(500);

/// The server looks for due connections every half a minute.
const BEGIN_LIMIT: Duration = Duration::from_mins(2);

/// All of them are looked after within this.
const END_LIMIT: Duration = Duration::from_mins(45);

/// What came out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Refreshing {
    /// How many were due.
    pub(crate) connections: usize,
    /// How many have been fetched and are due later, without an error.
    pub(crate) refreshed: usize,
    /// From the first to the last.
    pub(crate) took: Duration,
    /// The server's memory, in KiB: after sign-ins, before anything was due.
    pub(crate) before: u64,
    /// At its highest.
    pub(crate) highest: u64,
    /// After the last.
    pub(crate) after: u64,
    /// Of the server and of Postgres, in µs a connection, with nobody signing in.
    pub(crate) cpu: Option<(f64, f64)>,
    /// Silent sign-ins without it.
    pub(crate) alone: Latency,
    /// And while it runs.
    pub(crate) beside: Latency,
}

/// In ms; medians over windows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Latency {
    pub(crate) p50: f64,
    pub(crate) p99: f64,
}

/// Where each connection's metadata is.
struct Publisher {
    prefix: String,
    document: String,
    _serving: Beside,
}

/// A server with many connections.
pub(crate) struct Connections<'a> {
    pub(crate) server: &'a Server,
    pub(crate) population: &'a Rc<Population>,
    pub(crate) meter: Meter,
    pub(crate) plan: Plan,
}

/// How far the schedule is.
#[derive(Debug, Clone, Copy)]
struct Progress {
    waiting: usize,
    refreshed: usize,
    failed: usize,
}

impl Publisher {
    /// Serves a document for each number: the sample provider's, at an address of its own.
    fn start(key_file: &std::path::Path) -> Result<Self> {
        let reserved = Reserved::new()?;
        let prefix = format!("http://{}/0/", reserved.address);
        let document = metadata_at(Url::parse(&prefix)?, key_file)?;
        let state = (prefix.clone(), document.clone());
        let serving = reserved.serve(move |listener, stopped| async move {
            let router = Router::new().route("/{number}/saml/metadata", axum::routing::get(publish));
            let stopped = async move {
                let _ = stopped.await; // dropped, it ends as well
            };
            axum::serve(listener, router.with_state(state)).with_graceful_shutdown(stopped).await
        })?;
        Ok(Self { prefix, document, _serving: serving })
    }

    /// What a connection's settings say, without a number of its own yet.
    fn settings(&self) -> Result<String> {
        let metadata_url = format!("{}saml/metadata", self.prefix);
        let blank =
            json!({ "entity_id": "", "sso_url": "", "certificates": [], "metadata_url": metadata_url });
        let blank: SamlSettings = serde_json::from_value(blank)?;
        let settings = follow(&blank, &IdpMetadata::parse(self.document.as_bytes(), None)?)?;
        let document = json!({ "provider": ProviderSettings::Saml(settings) });
        let document: ConnectionSettings = serde_json::from_value(document)?;
        Ok(serde_json::to_string(&document)?)
    }
}

async fn publish(
    State((prefix, document)): State<(String, String)>,
    UrlPath(number): UrlPath<usize>,
) -> String {
    document.replace(&prefix, &numbered(&prefix, number))
}

fn numbered(prefix: &str, number: usize) -> String {
    prefix.replace("/0/", &format!("/{number}/"))
}

/// Stores a connection for each organization, none of them due.
async fn insert(pool: &PgPool, publisher: &Publisher, organizations: &[Uuid]) -> Result<()> {
    let settings = publisher.settings()?;
    for (batch, organizations) in organizations.chunks(BATCH).enumerate() {
        let numbers = batch * BATCH..batch * BATCH + organizations.len();
        let documents: Vec<String> = numbers
            .map(|number| settings.replace(&publisher.prefix, &numbered(&publisher.prefix, number)))
            .collect();
        let ids: Vec<Uuid> = organizations.iter().map(|_| Uuid::now_v7()).collect();
        #[expect(clippy::disallowed_methods, reason = "nothing here is dropped half-way")]
        let mut tx = pool.begin().await?;
        // A connection and its version refer to each other, and are right by construction.
        sqlx::raw_sql("set local session_replication_role = replica").execute(&mut *tx).await?;
        sqlx::query(
            "with new as (
                 select org_id, id, settings from unnest($1::uuid[], $2::uuid[], $3::text[]) as new (org_id, id, settings)
             ), connection as (
                 insert into connections (org_id, id, slug, protocol, name, vendor, state, live_version,
                                          tested_version, created_at, updated_at)
                 select org_id, id, 'directory', 'saml', 'Directory', 'custom', 'active', 1, 1, now(), now() from new
             ), version as (
                 insert into connection_versions (org_id, connection_id, version, settings, created_at)
                 select org_id, id, 1, settings::jsonb, now() from new
             )
             insert into connection_refreshes (org_id, connection_id, due_at)
             select org_id, id, now() + interval '1 year' from new",
        )
        .bind(organizations)
        .bind(ids)
        .bind(documents)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
    }
    sqlx::raw_sql("vacuum (analyze)").execute(pool).await?;
    sqlx::raw_sql("checkpoint").execute(pool).await?;
    Ok(())
}

impl Connections<'_> {
    /// Measures sign-ins, makes every connection due, measures sign-ins again, and waits for the last one.
    pub(crate) async fn measure(&self, key_file: &std::path::Path) -> Result<Refreshing> {
        let pool = self.population.pool();
        let publisher = Publisher::start(key_file)?;
        insert(pool, &publisher, self.population.organization_ids()).await?;
        let pid = self.server.pid();
        self.sign_ins().await?; // a warm-up
        let alone = self.sign_ins().await?;
        let before = resident(pid)?;
        sqlx::raw_sql("update connection_refreshes set due_at = now()").execute(pool).await?;
        let due = self.population.organizations();
        let begin = self.wait(BEGIN_LIMIT, |progress| progress.waiting < due).await?;
        let beside = self.sign_ins().await?;
        let halfway = self.progress().await?;
        ensure!(
            halfway.waiting > 0,
            "everything was refreshed before sign-ins were measured: take more connections"
        );
        let (server, postgres) = self.meter.read(self.server)?;
        let end = self.wait(END_LIMIT, |progress| progress.waiting == 0).await?;
        let (server_after, postgres_after) = self.meter.read(self.server)?;
        let done = self.progress().await?;
        if done.failed > 0 {
            eprintln!("{} connections could not be refreshed", done.failed);
        }
        let rest = u32::try_from(done.refreshed.saturating_sub(halfway.refreshed))?;
        let micros = |spent: Duration| spent.as_secs_f64() * 1e6 / f64::from(rest);
        let spent = (server_after.saturating_sub(server), postgres_after.saturating_sub(postgres));
        Ok(Refreshing {
            connections: due,
            refreshed: done.refreshed,
            took: end.duration_since(begin),
            before,
            highest: highest_resident(pid)?,
            after: resident(pid)?,
            cpu: (rest > 0).then(|| (micros(spent.0), micros(spent.1))),
            alone,
            beside,
        })
    }

    /// Silent sign-ins one after another, so that what is seen is how long one takes, not a queue.
    async fn sign_ins(&self) -> Result<Latency> {
        let (mut p50, mut p99) = (Vec::new(), Vec::new());
        for round in 0..self.plan.rounds {
            let users = Users::new(self.population, Whose::Organizations(ACTIVE), round * BATCH);
            let workload = Rc::new(SilentSso::new(users));
            let load = Load::connect(self.server.address, 1, workload).await?;
            let outcome = load.run(Limit { time: self.plan.window, operations: usize::MAX }).await?;
            let millis = |percent| percentile(&outcome.latencies, percent).as_secs_f64() * 1e3;
            p50.push(millis(50));
            p99.push(millis(99));
        }
        let of = |values| median(values).context("nothing was done");
        Ok(Latency { p50: of(p50)?, p99: of(p99)? })
    }

    async fn wait(&self, limit: Duration, reached: impl Fn(Progress) -> bool) -> Result<Instant> {
        let deadline = Instant::now() + limit;
        loop {
            let progress = self.progress().await?;
            if reached(progress) {
                return Ok(Instant::now());
            }
            ensure!(Instant::now() < deadline, "the refresh goes on too long: {progress:?}");
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// A claim moves a connection by minutes, a failure by an hour, a success by six.
    async fn progress(&self) -> Result<Progress> {
        let counted: (i64, i64, i64) = sqlx::query_as(
            "select count(*) filter (where due_at < now() + interval '30 minutes'),
                    count(*) filter (where due_at > now() + interval '5 hours' and last_error is null),
                    count(*) filter (where last_error is not null)
             from connection_refreshes",
        )
        .fetch_one(self.population.pool())
        .await?;
        let (waiting, refreshed, failed) = counted;
        Ok(Progress {
            waiting: usize::try_from(waiting)?,
            refreshed: usize::try_from(refreshed)?,
            failed: usize::try_from(failed)?,
        })
    }
}

impl Refreshing {
    /// What it took in memory, in KiB.
    pub(crate) const fn memory(&self) -> u64 {
        self.highest.saturating_sub(self.before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_connection_has_an_address_of_its_own() {
        assert_eq!(numbered("http://127.0.0.1:10/0/", 7), "http://127.0.0.1:10/7/");
    }
}
