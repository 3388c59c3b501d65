//! Limits by source address, on this node, before anything is read or written.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::time::Duration;

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

/// Requests a minute from one address (one /64 of IPv6), each kind with a budget of its own.
#[derive(Debug, Clone, Copy)]
pub struct LimitSettings {
    /// Attempts to prove a credential: passwords, typed codes.
    pub credentials: u32,
    /// Requests that make a page or a mail.
    pub pages: u32,
    /// Failed client authentications and forged codes and tokens.
    pub refusals: u32,
}

/// A kind of limited request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limited {
    /// See [`LimitSettings::credentials`].
    Credentials,
    /// See [`LimitSettings::pages`].
    Pages,
    /// See [`LimitSettings::refusals`].
    Refusals,
}

/// Too many requests; try again after this long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many requests")]
pub struct TooMany {
    /// Until then.
    pub retry_after: Duration,
}

/// The limiters.
pub struct Limits {
    credentials: DefaultKeyedRateLimiter<IpAddr>,
    pages: DefaultKeyedRateLimiter<IpAddr>,
    refusals: DefaultKeyedRateLimiter<IpAddr>,
}

impl std::fmt::Debug for Limits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Limits")
    }
}

impl Limits {
    /// Limiters with these budgets; a budget of 0 counts as 1.
    pub fn new(settings: &LimitSettings) -> Self {
        let limiter = |a_minute: u32| {
            RateLimiter::dashmap(Quota::per_minute(NonZeroU32::new(a_minute).unwrap_or(NonZeroU32::MIN)))
        };
        Self {
            credentials: limiter(settings.credentials),
            pages: limiter(settings.pages),
            refusals: limiter(settings.refusals),
        }
    }

    /// Takes one request of `address` from its budget.
    ///
    /// # Errors
    /// [`TooMany`]; nothing further is done then.
    pub fn take(&self, kind: Limited, address: Option<IpAddr>) -> Result<(), TooMany> {
        let key = source(address);
        let limiter = match kind {
            Limited::Credentials => &self.credentials,
            Limited::Pages => &self.pages,
            Limited::Refusals => &self.refusals,
        };
        limiter.check_key(&key).map_err(|until| {
            let now = governor::clock::Clock::now(&governor::clock::DefaultClock::default());
            TooMany { retry_after: until.wait_time_from(now) }
        })
    }

    /// Forgets the addresses whose budget is full again. Called by a job.
    pub fn forget_idle(&self) {
        for limiter in [&self.credentials, &self.pages, &self.refusals] {
            limiter.retain_recent();
        }
    }
}

/// One household or host: the address, or the /64 of an IPv6 address, which one host owns whole.
pub(crate) fn source(address: Option<IpAddr>) -> IpAddr {
    match address {
        Some(IpAddr::V6(v6)) => match v6.to_ipv4_mapped() {
            Some(v4) => IpAddr::V4(v4),
            None => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64))),
        },
        Some(v4) => v4,
        None => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_ipv6_network_shares_one_budget_and_others_have_their_own() {
        let limits = Limits::new(&LimitSettings { credentials: 1, pages: 1, refusals: 1 });
        let address = |text: &str| Some(text.parse().expect("an address"));

        assert!(limits.take(Limited::Credentials, address("2001:db8::1")).is_ok());
        let refused = limits.take(Limited::Credentials, address("2001:db8::ffff"));

        assert!(refused.is_err_and(|too_many| too_many.retry_after <= Duration::from_mins(1)));
        assert!(limits.take(Limited::Pages, address("2001:db8::1")).is_ok());
        assert!(limits.take(Limited::Credentials, address("2001:db8:0:1::1")).is_ok());
        assert_eq!(source(address("::ffff:10.0.0.1")), source(address("10.0.0.1")));
    }
}
