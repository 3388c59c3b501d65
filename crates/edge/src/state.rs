//! What every handler is given.

use std::sync::Arc;

use axum::extract::FromRef;
use ipnet::IpNet;
use orgate_flows::Env;

/// The state of both channels.
#[derive(Debug, Clone)]
pub struct AppState {
    /// What use cases need.
    pub env: Env,
    /// How the listener is set up.
    pub http: Arc<HttpSettings>,
}

/// How the listener is set up.
#[derive(Debug, Clone, Default)]
pub struct HttpSettings {
    /// Proxies whose `X-Forwarded-For` counts.
    pub trusted_proxies: Vec<IpNet>,
}

impl FromRef<AppState> for Env {
    fn from_ref(state: &AppState) -> Self {
        state.env.clone()
    }
}
