//! Domains that organizations prove, and what a proof is worth.
//!
//! **Invariant:** a domain that one organization holds for itself is nobody else's; what an organization
//! holds below its domain it has chosen to.

use std::fmt;

use chrono::{DateTime, Duration, Utc};

use crate::email::DomainName;
use crate::ids::DomainId;

/// The label, below the domain, of the TXT record that proves it (RFC 8552: underscored).
pub const CHALLENGE_LABEL: &str = "_orgate-challenge";

/// What the record's text begins with.
pub const CHALLENGE_PREFIX: &str = "orgate-verification=";

/// A proven domain is looked at again after this long.
pub const CHECK_PAUSE: Duration = Duration::days(1);

/// One whose record is gone, or that could not be looked up, after this long.
pub const RETRY_PAUSE: Duration = Duration::hours(1);

/// A domain stays proven this long after its record is gone.
pub const GRACE: Duration = Duration::days(7);

/// And this long though its zone answers nothing at all.
pub const SILENCE: Duration = Duration::days(30);

/// A transfer takes effect this long after it was accepted: time for the former owner to object.
pub const TRANSFER_COOL_OFF: Duration = Duration::days(3);

/// An offer of a transfer lapses after this long.
pub const TRANSFER_OFFER: Duration = Duration::days(7);

/// Where anybody gets an address: proof of them would be proof of nothing.
const PUBLIC_MAIL: &str = include_str!("domains/public_mail.txt");

/// A domain of an organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrgDomain {
    /// Its id.
    pub id: DomainId,
    /// The domain.
    pub name: DomainName,
    /// The secret-free text that proves it; `None` where an operator vouches for it.
    pub challenge: Option<String>,
    /// When it was proven; `None` while it is claimed only.
    pub verified_at: Option<DateTime<Utc>>,
    /// When its zone last answered.
    pub checked_at: Option<DateTime<Utc>>,
    /// Since when its record is gone.
    pub failing_since: Option<DateTime<Utc>>,
    /// Whether other organizations may prove it too.
    pub shared: bool,
    /// Whether everything below it belongs to it.
    pub subdomains: bool,
}

/// What is known of a domain by its look-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// The record is there.
    Present,
    /// The zone answers, and the record is not there.
    Missing,
    /// Nobody answered: that says nothing.
    Unknown,
}

/// What follows from a [`Finding`] about a proven domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is proven.
    Proven,
    /// It is proven still; its grace runs from this moment.
    Failing(DateTime<Utc>),
    /// It is proven no more.
    Lapsed,
}

impl OrgDomain {
    /// The name of the TXT record that proves it.
    pub fn record_name(&self) -> String {
        format!("{CHALLENGE_LABEL}.{}", self.name)
    }

    /// The text of that record; `None` where an operator vouches.
    pub fn record_text(&self) -> Option<String> {
        self.challenge.as_ref().map(|challenge| format!("{CHALLENGE_PREFIX}{challenge}"))
    }

    /// What a look-up at `now` means for a domain that is proven.
    pub fn judge(&self, finding: Finding, now: DateTime<Utc>) -> Verdict {
        let answered_at = self.checked_at.or(self.verified_at).unwrap_or(now);
        match (finding, self.failing_since) {
            (Finding::Unknown, _) if now - answered_at >= SILENCE => Verdict::Lapsed,
            (Finding::Present, _) | (Finding::Unknown, None) => Verdict::Proven,
            (Finding::Missing, None) => Verdict::Failing(now),
            (Finding::Missing, Some(since)) if now - since >= GRACE => Verdict::Lapsed,
            (Finding::Missing | Finding::Unknown, Some(since)) => Verdict::Failing(since),
        }
    }
}

/// A verified domain, and how far it reaches.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct VerifiedDomain {
    /// The domain.
    pub name: DomainName,
    /// Whether everything below it belongs to it.
    pub subdomains: bool,
}

impl VerifiedDomain {
    /// Whether addresses of `domain` are this domain's.
    pub fn covers(&self, domain: &DomainName) -> bool {
        let (own, other) = (self.name.as_str(), domain.as_str());
        own == other || (self.subdomains && other.strip_suffix(own).is_some_and(|rest| rest.ends_with('.')))
    }
}

impl fmt::Display for VerifiedDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name.fmt(f)
    }
}

/// Whether anybody can get an address of `domain`, or of what it lies below, as at a provider of free mail.
pub fn is_public_mail(domain: &DomainName) -> bool {
    domain.and_above().any(|name| PUBLIC_MAIL.lines().any(|line| line == name))
}

/// Whether strangers register names below `domain`, as they do below `co.uk` or `github.io`: it is nobody's alone.
pub fn is_public_suffix(domain: &DomainName) -> bool {
    let suffix = psl::suffix(domain.as_str().as_bytes());
    suffix.is_some_and(|suffix| suffix.is_known() && suffix == domain.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> DomainName {
        DomainName::parse(text).expect("a domain")
    }

    #[test]
    fn a_domain_covers_what_is_below_it_only_by_choice() {
        let reach = |subdomains| VerifiedDomain { name: name("acme.test"), subdomains };

        assert!(reach(false).covers(&name("acme.test")));
        assert!(!reach(false).covers(&name("eng.acme.test")));
        assert!(reach(true).covers(&name("a.eng.acme.test")));
        assert!(!reach(true).covers(&name("evilacme.test")));
        assert!(!reach(true).covers(&name("acme.test.evil.test")));
    }

    #[test]
    fn free_mail_is_nobodys() {
        assert!(is_public_mail(&name("gmail.com")));
        assert!(is_public_mail(&name("mail.GMAIL.com")));
        assert!(!is_public_mail(&name("notgmail.com")));
        let lines: Vec<_> = PUBLIC_MAIL.lines().collect();
        let mut sorted = lines.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(lines, sorted);
        assert!(lines.iter().all(|line| name(line).as_str() == *line));
    }

    #[test]
    fn a_public_suffix_is_nobodys_and_what_is_registered_below_one_is() {
        for suffix in
            ["co.uk", "github.io", "CO.UK", "anything.ck", "xn--55qx5d.cn", "公司.cn", "s3.amazonaws.com"]
        {
            assert!(is_public_suffix(&name(suffix)), "{suffix}");
        }
        for own in
            ["acme.co.uk", "acme.github.io", "github.com", "acme.test", "a.b.acme.co.uk", "www.ck", "co.test"]
        {
            assert!(!is_public_suffix(&name(own)), "{own}");
        }
    }

    #[test]
    fn a_record_that_is_gone_costs_the_domain_only_after_its_grace() {
        let now = DateTime::UNIX_EPOCH;
        let mut domain = OrgDomain {
            id: DomainId::from_uuid(uuid::Uuid::nil()),
            name: name("acme.test"),
            challenge: Some("x".to_owned()),
            verified_at: Some(now),
            checked_at: None,
            failing_since: None,
            shared: false,
            subdomains: false,
        };

        assert_eq!(domain.judge(Finding::Missing, now), Verdict::Failing(now));
        domain.failing_since = Some(now);
        assert_eq!(domain.judge(Finding::Missing, now + GRACE / 2), Verdict::Failing(now));
        assert_eq!(domain.judge(Finding::Unknown, now + GRACE * 2), Verdict::Failing(now));
        assert_eq!(domain.judge(Finding::Missing, now + GRACE), Verdict::Lapsed);
        assert_eq!(domain.judge(Finding::Present, now + GRACE), Verdict::Proven);
        assert_eq!(domain.judge(Finding::Unknown, now + SILENCE), Verdict::Lapsed);
    }
}
