//! Looking up the records that prove domains.
//!
//! **Invariant:** that a record is missing is said only where the zone's answer says so; a time-out or a
//! failing server says nothing.

use std::net::SocketAddr;
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::RData;
use orgate_domain::domains::Finding;
use tokio::sync::Semaphore;

/// How long a name server has to answer.
const TIMEOUT: Duration = Duration::from_secs(3);

/// How long a look-up may take, however many servers there are.
const LIMIT: Duration = Duration::from_secs(10);

/// Look-ups at once.
const LOOK_UPS: usize = 32;

/// Records of a name that are looked at.
const RECORDS: usize = 50;

/// The resolver.
#[derive(Debug)]
pub struct Dns {
    /// `None` where the system says no name server.
    resolver: Option<TokioResolver>,
    permits: Semaphore,
}

impl Dns {
    /// A resolver that asks `servers`, or those of the system if there are none.
    pub fn new(servers: &[SocketAddr]) -> Self {
        let builder = if servers.is_empty() {
            TokioResolver::builder_tokio()
        } else {
            let config = ResolverConfig::from_name_servers(servers.iter().map(name_server).collect());
            Ok(TokioResolver::builder_with_config(config, TokioRuntimeProvider::default()))
        };
        let built = builder.and_then(|mut builder| {
            let options = builder.options_mut();
            options.timeout = TIMEOUT;
            options.attempts = 2;
            // Answers that somebody else made up have one thing more to guess.
            options.case_randomization = true;
            // Whoever has just made a record does not wait for what we remember.
            options.cache_size = 0;
            builder.build()
        });
        if let Err(error) = &built {
            tracing::warn!(%error, "there is no name server: no domain can be proven");
        }
        Self { resolver: built.ok(), permits: Semaphore::new(LOOK_UPS) }
    }

    /// Whether a TXT record at `name` says `text`.
    pub async fn find_text(&self, name: &str, text: &str) -> Finding {
        let looked_up = async {
            let _permit = self.permits.acquire().await;
            self.look_up(name, text).await
        };
        tokio::time::timeout(LIMIT, looked_up).await.unwrap_or(Finding::Unknown)
    }

    async fn look_up(&self, name: &str, text: &str) -> Finding {
        let Some(resolver) = &self.resolver else { return Finding::Unknown };
        // With the dot at its end, no search list of the system is tried.
        match resolver.txt_lookup(format!("{name}.")).await {
            Ok(found) => {
                let texts = found.answers().iter().take(RECORDS).filter_map(|record| match &record.data {
                    RData::TXT(found) => Some(found.txt_data.concat()),
                    _ => None,
                });
                let says_it = |said: Vec<u8>| said.trim_ascii() == text.as_bytes();
                if texts.into_iter().any(says_it) { Finding::Present } else { Finding::Missing }
            }
            Err(error) if is_negative(&error) => Finding::Missing,
            Err(error) => {
                tracing::info!(%error, "a domain's record could not be looked up");
                Finding::Unknown
            }
        }
    }
}

fn is_negative(error: &NetError) -> bool {
    error.is_nx_domain() || error.is_no_records_found()
}

fn name_server(address: &SocketAddr) -> NameServerConfig {
    let on_port = |mut connection: ConnectionConfig| {
        connection.port = address.port();
        connection
    };
    let connections = vec![on_port(ConnectionConfig::udp()), on_port(ConnectionConfig::tcp())];
    NameServerConfig::new(address.ip(), true, connections)
}
