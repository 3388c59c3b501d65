//! `orgate serve`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use orgate_flows::bootstrap::bootstrap;
use orgate_flows::{Env, SystemClock};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{ConfigFile, explained, log, unopened};
use crate::http::{self, Bounds};
use crate::settings::Settings;
use crate::{jobs, wiring};

/// How long to wait for a database that is not there yet, as when everything starts at once.
const DATABASE_PATIENCE: Duration = Duration::from_secs(30);

/// Connections to the internal listener: whoever scrapes metrics or asks for health needs few.
const INTERNAL_CONNECTIONS: usize = 100;

pub(super) async fn serve(file: ConfigFile) -> anyhow::Result<()> {
    let settings = Settings::load(file.config.as_deref())?;
    log(&settings.log)?;
    let metrics = record_metrics()?;
    let listener = TcpListener::from_std(bind(settings.server.listen, "server.listen")?)?;
    let stop = stopped_by_signal()?;
    let running = start(&settings, metrics, &stop).await?;
    tracing::info!(issuer = %settings.server.issuer, listen = %settings.server.listen, "ready");
    running.serve(listener, stop).await;
    Ok(())
}

/// A server that is put together and whose jobs run.
pub(super) struct Running {
    pub(super) env: Env,
    router: axum::Router,
    connections: usize,
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
    bootstrap(&env).await.map_err(unopened)?;
    let tasks = TaskTracker::new();
    jobs::spawn(&env, wiring::mailer(settings)?, &tasks, stop);
    let state = wiring::state(settings, env.clone());
    if let Some(address) = settings.server.internal_listen {
        let listener = TcpListener::from_std(bind(address, "server.internal_listen")?)?;
        let router = http::internal_router(state.clone(), metrics);
        tasks.spawn(http::serve(listener, router, INTERNAL_CONNECTIONS, stop.clone().cancelled_owned()));
    }
    let bounds = Bounds {
        body: settings.server.max_body_bytes,
        timeout: Duration::from_secs(settings.server.request_timeout_secs),
    };
    let connections = settings.server.max_connections;
    Ok(Running { env, router: http::router(state, bounds), connections, tasks })
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
    pub(super) async fn serve(self, listener: TcpListener, stop: CancellationToken) {
        http::serve(listener, self.router, self.connections, stop.clone().cancelled_owned()).await;
        stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        self.env.store.close().await;
    }
}

/// Binds, or says in one sentence why not; `setting` is what chooses another address.
pub(super) fn bind(address: SocketAddr, setting: &str) -> anyhow::Result<std::net::TcpListener> {
    let listener = std::net::TcpListener::bind(address).map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            anyhow::anyhow!(
                "port {} is in use; stop what uses it or choose another with {setting}",
                address.port()
            )
        }
        _ => anyhow::anyhow!("cannot listen on {address}, as {setting} says: {error}"),
    })?;
    listener.set_nonblocking(true)?;
    Ok(listener)
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
