//! Addresses that people are sent to or that pages load.

use url::Url;

/// An absolute `http` or `https` address without credentials, of at most 2048 characters; plain
/// `http` only on this machine.
pub(super) fn web_address(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok().filter(|_| text.len() <= 2048)?;
    let local = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    let scheme = url.scheme() == "https" || url.scheme() == "http" && local;
    (scheme && url.username().is_empty() && url.password().is_none()).then_some(url)
}
