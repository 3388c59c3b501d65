//! `orgate serve`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use orgate_flows::{Env, SystemClock};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{ConfigFile, explained, log};
use crate::http::{self, Bounds};
use crate::settings::Settings;
use crate::{jobs, wiring};

/// How long to wait for a database that is not there yet, as when everything starts at once.
const DATABASE_PATIENCE: Duration = Duration::from_secs(30);

pub(super) async fn serve(file: ConfigFile) -> anyhow::Result<()> {
    let settings = Settings::load(file.config.as_deref())?;
    log(&settings.log)?;
    let metrics = record_metrics()?;
    let listener = bind(settings.server.listen).await?;
    let stop = stopped_by_signal()?;
    let running = start(&settings, metrics, &stop).await?;
    tracing::info!(issuer = %settings.server.issuer, listen = %settings.server.listen, "ready");
    running.serve(listener, stop).await
}

/// A server that is put together and whose jobs run.
pub(super) struct Running {
    pub(super) env: Env,
    router: axum::Router,
    tasks: TaskTracker,
}

/// Migrates, loads the keys, starts the jobs and the internal listener.
pub(super) async fn start(
    settings: &Settings,
    metrics: PrometheusHandle,
    stop: &CancellationToken,
) -> anyhow::Result<Running> {
    let store = wiring::store(settings)?;
    prepare(settings, &store).await?;
    let env = wiring::env(settings, store, Arc::new(SystemClock))?;
    orgate_flows::bootstrap::bootstrap(&env).await.context(
        "the signing keys could not be loaded; is the master key the one they were encrypted under?",
    )?;
    let tasks = TaskTracker::new();
    jobs::spawn(&env, wiring::mailer(settings)?, &tasks, stop);
    let state = wiring::state(settings, env.clone());
    if !settings.server.internal_listen.is_empty() {
        let address = settings.server.internal_listen.parse::<SocketAddr>();
        let listener = bind(address.context("server.internal_listen is not an address:port")?).await?;
        let router = http::internal_router(state.clone(), metrics);
        tasks.spawn(http::serve(listener, router, stop.clone().cancelled_owned()));
    }
    let bounds = Bounds {
        body: settings.server.max_body_bytes,
        timeout: Duration::from_secs(settings.server.request_timeout_secs),
    };
    Ok(Running { env, router: http::router(state, bounds), tasks })
}

/// Brings the schema up to date, or demands that it is; waits a while for the database to appear.
async fn prepare(settings: &Settings, store: &orgate_storage::Store) -> anyhow::Result<()> {
    let patience = tokio::time::Instant::now() + DATABASE_PATIENCE;
    while let Err(error) = store.ping().await {
        if tokio::time::Instant::now() >= patience {
            return Err(explained(error));
        }
        tracing::warn!(%error, "waiting for the database");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    if settings.database.migrate_on_start {
        store.migrate().await.map_err(explained)
    } else if store.is_migrated().await.map_err(explained)? {
        Ok(())
    } else {
        anyhow::bail!("the database's schema is not up to date: run `orgate migrate` first")
    }
}

impl Running {
    /// Serves until `stop`, then lets requests and jobs finish.
    pub(super) async fn serve(self, listener: TcpListener, stop: CancellationToken) -> anyhow::Result<()> {
        http::serve(listener, self.router, stop.clone().cancelled_owned()).await?;
        stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        self.env.store.close().await;
        Ok(())
    }
}

/// Binds, or says in one sentence why not.
pub(super) async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            anyhow::anyhow!("port {} is in use; stop what uses it or choose another", address.port())
        }
        _ => anyhow::anyhow!("cannot listen on {address}: {error}"),
    })
}

/// Cancelled by Ctrl-C or SIGTERM.
pub(super) fn stopped_by_signal() -> anyhow::Result<CancellationToken> {
    let stop = CancellationToken::new();
    let cancelled = stop.clone();
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::spawn(async move {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
        cancelled.cancel();
    });
    Ok(stop)
}

/// Installs the recorder of metrics.
pub(super) fn record_metrics() -> anyhow::Result<PrometheusHandle> {
    let buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &buckets)?
        .install_recorder()
        .context("metrics cannot be recorded")
}
