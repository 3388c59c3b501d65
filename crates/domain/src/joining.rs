//! Joining without an invitation: whom an organization lets join by their address, and who asked to.
//!
//! **Invariant:** what somebody may do is decided in one place, [`Joining::entry`], of what the transaction that acts on it
//! has read; and nobody is given by joining what whoever set it could not give them.

use std::collections::BTreeSet;

use chrono::{DateTime, Duration, Utc};

use crate::email::Email;
use crate::ids::{ClientId, InvitationId, JoinRequestId, OrgId};
use crate::invitations::{Gift, Given};
use crate::names::{DisplayName, is_misleading};
use crate::permissions::Held;
use crate::setup::LinkMaker;

/// The link that proves an address is good for this long, and mails are counted for as long.
pub const LINK_LIFETIME: Duration = Duration::days(1);

/// Mails to one address within [`LINK_LIFETIME`] at most, asked for from one place.
pub const MAX_FROM_ONE_PLACE: i64 = 3;

/// Mails asked for from one place, to whichever addresses: an office, and not the whole of [`MAX_OPEN`].
pub const MAX_OF_ONE_PLACE: i64 = 100;

/// And from everywhere together.
pub const MAX_TO_ONE: i64 = 10;

/// Mails of one organization within [`LINK_LIFETIME`] at most.
pub const MAX_MAILS: i64 = 20_000;

/// Requests of one organization that wait to be decided, at most.
pub const MAX_OPEN: i64 = 1_000;

/// A request waits this long to be decided.
pub const REQUEST_LIFETIME: Duration = Duration::days(30);

/// Whoever was denied can ask again after this long.
pub const DENIED_FOR: Duration = Duration::days(30);

/// What a request that was decided says is kept for this long.
pub const DECIDED_KEPT: Duration = Duration::days(30);

/// What the link of somebody who may join opens is good for this long.
pub const JOIN_LIFETIME: Duration = Duration::days(1);

/// Characters of a requester's message at most.
pub const MAX_MESSAGE: usize = 500;

/// What somebody may do who has no invitation. Later ones let more.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Entry {
    /// Nothing.
    #[default]
    Closed,
    /// Ask: an administrator decides.
    Request,
    /// Join, once their address is proven.
    Automatic,
}

/// Whose word is behind an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressAt {
    /// It is of a domain that the organization has verified.
    VerifiedDomain,
    /// Of any other.
    Elsewhere,
}

/// What an organization allows whoever comes without an invitation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Joining {
    /// Whoever has an address of a verified domain.
    pub domains: Entry,
    /// Whoever has another one: never [`Entry::Automatic`].
    pub others: Entry,
    /// Slugs of the roles that whoever joins is given.
    pub roles: BTreeSet<String>,
    /// Who vouches for these: `operator`, or a user's or a client's id.
    pub set_by: String,
    /// When it was set so.
    pub set_at: DateTime<Utc>,
}

/// A request to join: of whoever has proven this address, and of nobody else.
#[derive(Debug, Clone)]
pub struct JoinRequest {
    /// Its id.
    pub id: JoinRequestId,
    /// The address.
    pub email: Email,
    /// The name, as it was typed.
    pub name: Option<DisplayName>,
    /// What they have to say, as it was typed.
    pub message: Option<String>,
    /// The application that they were on the way to.
    pub client: Option<(OrgId, ClientId)>,
    /// When the address was proven.
    pub requested_at: DateTime<Utc>,
    /// From when on it counts no more.
    pub expires_at: DateTime<Utc>,
    /// What became of it.
    pub state: JoinRequestState,
    /// Who decided it: `operator`, or an id.
    pub decided_by: Option<String>,
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JoinRequestState {
    /// They were invited.
    Approved(DateTime<Utc>, InvitationId),
    /// They were not, and are not told.
    Denied(DateTime<Utc>),
    /// Nothing, for as long as it counted.
    Lapsed,
    /// Nothing yet.
    Open,
}

/// A message that cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a message has at most {MAX_MESSAGE} characters")]
pub struct InvalidMessage;

impl Entry {
    /// Each of them, tightest first.
    pub const ALL: [Self; 3] = [Self::Closed, Self::Request, Self::Automatic];

    /// The stored text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Request => "request",
            Self::Automatic => "automatic",
        }
    }

    /// Reads [`Entry::as_str`] back.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|entry| entry.as_str() == text)
    }
}

impl Joining {
    /// Whether it was said of a domain that is verified since then: others may prove domains, and could give what joining gives.
    pub fn covers(&self, verified_at: DateTime<Utc>) -> bool {
        verified_at <= self.set_at
    }

    /// Whether anybody may do anything.
    pub fn is_open(&self) -> bool {
        self.domains != Entry::Closed || self.others != Entry::Closed
    }

    /// Who vouches for what it gives, as far as that can be read.
    pub fn maker(&self) -> Option<LinkMaker> {
        LinkMaker::from_text(&self.set_by)
    }

    /// What somebody with such an address may do, as long as whoever set it [could](Self::could_be_given) give what it gives.
    pub fn entry(&self, at: AddressAt) -> Entry {
        match at {
            AddressAt::VerifiedDomain => self.domains.max(self.others),
            AddressAt::Elsewhere => self.others.min(Entry::Request),
        }
    }

    /// Whether whoever set it could give what it gives: `roles` and `held` are theirs, and `given` the roles that joining gives. If
    /// they could not, nobody gets these, and whoever could join asks instead.
    pub fn could_be_given<'a>(
        &self,
        (roles, held): (&[String], &Held),
        given: impl IntoIterator<Item = Given<'a>>,
    ) -> bool {
        let gift = Gift { roles: !self.roles.is_empty(), groups: false };
        gift.could_be_of(self.maker(), (roles, held), given)
    }
}

/// Reads what somebody has to say: text, of which line breaks are kept and other control characters are not; `None` if it is
/// empty.
///
/// # Errors
/// [`InvalidMessage`].
pub fn message(text: &str) -> Result<Option<String>, InvalidMessage> {
    let text = text.replace("\r\n", "\n");
    let kept: String = text.chars().filter(|c| *c == '\n' || !is_misleading(*c)).collect();
    let kept = kept.trim();
    if kept.chars().count() > MAX_MESSAGE {
        return Err(InvalidMessage);
    }
    Ok((!kept.is_empty()).then(|| kept.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joining(domains: Entry, others: Entry, set_by: &str) -> Joining {
        let roles = BTreeSet::from(["writer".to_owned()]);
        Joining { domains, others, roles, set_by: set_by.to_owned(), set_at: DateTime::UNIX_EPOCH }
    }

    #[test]
    fn whoever_has_an_address_of_a_verified_domain_may_at_least_what_others_may() {
        let entry = |domains, others, at| joining(domains, others, "operator").entry(at);

        assert_eq!(entry(Entry::Automatic, Entry::Closed, AddressAt::VerifiedDomain), Entry::Automatic);
        assert_eq!(entry(Entry::Automatic, Entry::Closed, AddressAt::Elsewhere), Entry::Closed);
        assert_eq!(entry(Entry::Closed, Entry::Request, AddressAt::VerifiedDomain), Entry::Request);
        assert_eq!(entry(Entry::Closed, Entry::Automatic, AddressAt::Elsewhere), Entry::Request);
    }

    #[test]
    fn nobody_joins_by_the_word_of_somebody_who_could_not_give_the_roles() {
        let user = crate::ids::UserId::from_uuid(uuid::Uuid::nil()).to_string();
        let joining = joining(Entry::Automatic, Entry::Closed, &user);
        let permissions = BTreeSet::from(["notes:write".to_owned()]);
        let writer = ["writer".to_owned()];
        let could = |roles: &[String], held: &[&'static str]| {
            joining.could_be_given((roles, &Held::of(held.iter().copied())), [("writer", &permissions)])
        };

        let all = ["orgate:invitations:manage", "orgate:roles:assign", "notes:write"];
        assert!(could(&writer, &all));
        assert!(!could(&writer, &all[..2]));
        assert!(!could(&writer, &all[1..]));
        assert!(!could(&[], &all));
    }

    #[test]
    fn a_message_is_text_and_bounded() {
        assert_eq!(message(" Hi,\r\n\u{202e}me\u{7} \n"), Ok(Some("Hi,\nme".to_owned())));
        assert_eq!(message(" \n"), Ok(None));
        assert_eq!(message(&"x".repeat(MAX_MESSAGE + 1)), Err(InvalidMessage));
    }
}
