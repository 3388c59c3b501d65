//! Further nodes of an installation: the same database, the same issuer, and nothing else in common.

use std::sync::Arc;

use orgate_flows::Env;
use orgate_server::settings::Settings;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use url::Url;

use crate::app::{App, Jobs, serve, settings};

/// A running node, beside the [`App`] whose installation it is of.
#[derive(Debug)]
pub struct Node {
    /// What its use cases are given.
    pub env: Env,
    port: u16,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Node {
    /// Starts one; it knows what the database does, and remembers nothing.
    pub async fn beside(app: &App) -> Self {
        Self::beside_with(app, |_| {}).await
    }

    /// The same, with settings changed.
    pub async fn beside_with(app: &App, change: impl FnOnce(&mut Settings)) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let mut settings = settings(&app.base, &app.database);
        settings.outgoing.allow_private_addresses = true;
        change(&mut settings);
        let (env, tasks, stop) =
            serve((&settings, &app.database), Arc::clone(&app.clock), (listener, Jobs::Running)).await;
        Self { env, port, tasks, stop }
    }

    /// An address of the installation, as this node answers it. Cookies do not tell ports apart.
    pub fn at(&self, address: &str) -> Url {
        let mut url = Url::parse(address).expect("an address");
        url.set_port(Some(self.port)).expect("a port");
        url
    }

    /// Stops it, and waits until everything has stopped.
    pub async fn stop(self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
