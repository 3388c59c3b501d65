//! Requests to addresses that organizations name: discovery, keys, tokens, metadata, logouts.
//!
//! **Invariant:** such a request reaches no private, loopback or link-local address unless the operator
//! allows it, whatever a name resolves to; it follows no redirect, and is bounded in time and size. What
//! was resolved is what is connected to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Client, Request, StatusCode, redirect};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use url::{Host, Url};

/// Bytes of a body at most: metadata of a whole federation is refused, that of any one provider fits.
pub const MAX_BODY: usize = 1024 * 1024;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// From the first byte out to the last one in.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Requests under way to one host, so that one that hangs holds few of ours.
const PER_HOST: usize = 16;

/// How long a request waits for its host's turn.
const PATIENCE: Duration = Duration::from_secs(2);

/// Turns at hosts, each with as many at once.
#[derive(Debug)]
pub(crate) struct Hosts {
    known: Cache<String, Arc<Semaphore>>,
    each: usize,
}

impl Hosts {
    pub(crate) fn new(each: usize) -> Self {
        Self {
            known: Cache::builder().max_capacity(10_000).time_to_idle(Duration::from_mins(5)).build(),
            each,
        }
    }

    /// Those at a host.
    pub(crate) async fn turns(&self, host: String) -> Arc<Semaphore> {
        self.known.get_with(host, async { Arc::new(Semaphore::new(self.each)) }).await
    }
}

/// What addresses may be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Public ones, by https.
    Public,
    /// Any, by http too: development, and installations whose identity providers are inside.
    Anywhere,
}

/// The client.
#[derive(Debug)]
pub struct Outgoing {
    client: Client,
    reach: Reach,
    hosts: Hosts,
}

/// An answer, whole.
#[derive(Debug)]
pub struct Reply {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: http::HeaderMap,
    /// Its body, at most [`MAX_BODY`].
    pub body: Vec<u8>,
}

/// Why there is none. The text names no address that was resolved.
#[derive(Debug, thiserror::Error)]
pub enum OutgoingError {
    /// The address is not one that may be asked.
    #[error("the address may not be reached from here: it must be a public https address")]
    Forbidden,
    /// More are waiting for this host than it answers.
    #[error("too many requests are waiting for this host")]
    Busy,
    /// It answered with more than [`MAX_BODY`].
    #[error("the answer is longer than {MAX_BODY} bytes")]
    TooLong,
    /// It answered that it is out of order.
    #[error("the host answers with status {0}")]
    OutOfOrder(u16),
    /// It answered too late.
    #[error("no answer within {} seconds", TIMEOUT.as_secs())]
    TimedOut,
    /// It could not be reached, or broke off.
    #[error("the host cannot be reached")]
    Unreachable(#[source] reqwest::Error),
    /// The client could not be put together.
    #[error("the client for outgoing requests cannot be made")]
    Client(#[source] reqwest::Error),
}

/// Resolves names, and keeps the addresses that may be reached.
#[derive(Debug, Clone, Copy)]
struct Guarded(Reach);

#[derive(Debug, thiserror::Error)]
#[error("no address of this name may be reached")]
struct NoAddress;

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.0;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> = found.filter(|address| reach.allows(address.ip())).collect();
            if allowed.is_empty() {
                return Err(NoAddress.into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

impl Reach {
    /// Whether `address` may be connected to.
    pub fn allows(self, address: IpAddr) -> bool {
        self == Self::Anywhere || is_public(address)
    }
}

/// Whether an address is of the public internet. What wraps an IPv4 address is judged by that one.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => embedded_v4(v6).map_or_else(|| is_public_v6(v6), is_public_v4),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(a == 0
        || address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_broadcast()
        || address.is_documentation()
        || address.is_multicast()
        || a >= 240
        || (a == 100 && (64..128).contains(&b)) // shared by carriers (RFC 6598)
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (18..20).contains(&b)))
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    // Global unicast is 2000::/3; documentation, ORCHID and the like are in 2001::/23 and 2001:db8::/32.
    (first & 0xe000) == 0x2000
        && !(first == 0x2001 && (second < 0x0200 || second == 0x0db8))
        && first != 0x3fff
}

/// The IPv4 address inside of a mapped, compatible, translated (NAT64) or 6to4 address.
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let from = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff | 0, high, low] if (high, low) != (0, 0) && (high, low) != (0, 1) => {
            Some(from(high, low))
        }
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => Some(from(high, low)),
        _ => None,
    }
}

impl Outgoing {
    /// The client.
    ///
    /// # Errors
    /// [`OutgoingError::Client`].
    pub fn new(reach: Reach) -> Result<Self, OutgoingError> {
        let client = Client::builder()
            .dns_resolver(Arc::new(Guarded(reach)))
            .redirect(redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            .pool_max_idle_per_host(4)
            .pool_idle_timeout(Duration::from_secs(30))
            .user_agent("Orgate")
            .build()
            .map_err(OutgoingError::Client)?;
        Ok(Self { client, reach, hosts: Hosts::new(PER_HOST) })
    }

    /// Whether an address may be asked at all, as far as it tells by itself.
    ///
    /// # Errors
    /// [`OutgoingError::Forbidden`].
    pub fn check(&self, url: &Url) -> Result<(), OutgoingError> {
        let scheme = match self.reach {
            Reach::Public => url.scheme() == "https",
            Reach::Anywhere => matches!(url.scheme(), "http" | "https"),
        };
        // The resolver is not asked about addresses that are written out.
        let host = match url.host() {
            None => false,
            Some(Host::Domain(_)) => true,
            Some(Host::Ipv4(address)) => self.reach.allows(address.into()),
            Some(Host::Ipv6(address)) => self.reach.allows(address.into()),
        };
        if scheme && host { Ok(()) } else { Err(OutgoingError::Forbidden) }
    }

    /// Asks for `url`.
    ///
    /// # Errors
    /// [`OutgoingError`].
    pub async fn get(&self, url: &Url, accept: &'static str) -> Result<Reply, OutgoingError> {
        self.check(url)?;
        let request = self.client.get(url.clone()).header(http::header::ACCEPT, accept);
        self.send(request.build().map_err(OutgoingError::Unreachable)?).await
    }

    /// Sends a request of the `http` crate.
    ///
    /// # Errors
    /// [`OutgoingError`].
    pub async fn call(&self, request: http::Request<Vec<u8>>) -> Result<Reply, OutgoingError> {
        self.send(Request::try_from(request).map_err(OutgoingError::Unreachable)?).await
    }

    async fn send(&self, request: Request) -> Result<Reply, OutgoingError> {
        self.check(request.url())?;
        let _turn = self.turn(request.url()).await?;
        let mut response = self.client.execute(request).await.map_err(OutgoingError::from_reqwest)?;
        if response.content_length().is_some_and(|length| length > MAX_BODY as u64) {
            return Err(OutgoingError::TooLong);
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(OutgoingError::from_reqwest)? {
            if body.len() + chunk.len() > MAX_BODY {
                return Err(OutgoingError::TooLong);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Reply { status: response.status(), headers: std::mem::take(response.headers_mut()), body })
    }

    async fn turn(&self, url: &Url) -> Result<OwnedSemaphorePermit, OutgoingError> {
        let host = format!("{}:{:?}", url.host_str().unwrap_or_default(), url.port_or_known_default());
        let turns = self.hosts.turns(host).await;
        match tokio::time::timeout(PATIENCE, turns.acquire_owned()).await {
            Ok(Ok(turn)) => Ok(turn),
            _ => Err(OutgoingError::Busy),
        }
    }
}

impl OutgoingError {
    fn from_reqwest(error: reqwest::Error) -> Self {
        let mut cause = std::error::Error::source(&error);
        while let Some(inner) = cause {
            if inner.is::<NoAddress>() {
                return Self::Forbidden;
            }
            cause = inner.source();
        }
        if error.is_timeout() { Self::TimedOut } else { Self::Unreachable(error.without_url()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_are_public() {
        let public = ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "64:ff9b::5db8:d822"];
        let private = [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "192.0.0.8",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001:db8::1",
            "2001::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "ff02::1",
        ];

        for text in public {
            assert!(Reach::Public.allows(text.parse().expect("an address")), "{text}");
        }
        for text in private {
            assert!(!Reach::Public.allows(text.parse().expect("an address")), "{text}");
            assert!(Reach::Anywhere.allows(text.parse().expect("an address")), "{text}");
        }
    }

    #[tokio::test]
    async fn an_address_in_any_spelling_is_refused_before_anything_is_sent() {
        let outgoing = Outgoing::new(Reach::Public).expect("a client");
        for url in [
            "https://127.0.0.1/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://0177.0.0.1/",
            "https://[::1]/",
            "https://[::ffff:169.254.169.254]/",
            "https://localhost/",
            "http://93.184.216.34/",
            "file:///etc/passwd",
            "ftp://example.com/",
        ] {
            let url = Url::parse(url).expect("a URL");
            let asked = outgoing.get(&url, "*/*").await;
            assert!(matches!(asked, Err(OutgoingError::Forbidden)), "{url}: {asked:?}");
        }
    }
}
