//! Invitations: an organization's word that whoever has an address may become a user of it.
//!
//! **Invariant:** whether an invitation is good is decided in one place, [`Invitation::check`] and
//! [`Invitation::check_maker`], of what the transaction that acts on it has read.

use std::collections::BTreeSet;

use chrono::{DateTime, Duration, Utc};

use crate::email::Email;
use crate::ids::{ClientId, InvitationId, OrgId, UserId};
use crate::names::DisplayName;
use crate::permissions::{Held, OrgatePermission, is_reserved};
use crate::setup::LinkMaker;

/// An invitation lives this long unless its maker says otherwise.
pub const DEFAULT_LIFETIME: Duration = Duration::days(7);

/// And no longer than this, whatever they say.
pub const MAX_LIFETIME: Duration = Duration::days(30);

/// The shortest.
pub const MIN_LIFETIME: Duration = Duration::hours(1);

/// Mails of one invitation at most: whoever does not want it is not pestered.
pub const MAX_SENDS: u32 = 10;

/// Mails of invitations to one address within [`A_DAY`] at most, whatever became of those before.
pub const MAX_TO_ONE: u32 = 10;

/// Mails of invitations that an organization orders within [`A_DAY`] at most.
pub const MAX_MAILS: i64 = 20_000;

/// In what time mails are counted.
pub const A_DAY: Duration = Duration::days(1);

/// Between two mails of one invitation at least.
pub const RESEND_AFTER: Duration = Duration::minutes(1);

/// Characters of the password that somebody chooses, at least: it is all that there is to prove who they are.
pub const MIN_PASSWORD: usize = 12;

/// An invitation, without its secret.
#[derive(Debug, Clone)]
pub struct Invitation {
    /// Its id, by which it is revoked and by which events name it.
    pub id: InvitationId,
    /// Who is invited.
    pub email: Email,
    /// Their name, as whoever invites them knows it.
    pub name: Option<DisplayName>,
    /// Their language (BCP 47).
    pub locale: Option<String>,
    /// The application that they are sent to.
    pub client: Option<(OrgId, ClientId)>,
    /// Slugs of the roles that they are given.
    pub roles: BTreeSet<String>,
    /// Slugs of the groups that they are put into.
    pub groups: BTreeSet<String>,
    /// Who vouches for it, its maker or whoever sent it last: `operator`, or a user's or a client's id.
    pub invited_by: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When its mail was ordered last.
    pub sent_at: DateTime<Utc>,
    /// How often.
    pub sends: u32,
    /// From when on it is worth nothing.
    pub expires_at: DateTime<Utc>,
    /// Whether it is by somebody's word, or by the organization's on joining, with which it falls.
    pub by: InvitationBasis,
    /// What became of it.
    pub state: InvitationState,
}

/// By whose word an invitation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvitationBasis {
    /// Somebody's who invited.
    Invited,
    /// The organization's, on who may join: whoever is invited had proven the address before.
    Joining,
}

/// What became of an invitation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvitationState {
    /// It was used: by this user, who came of it.
    Accepted(DateTime<Utc>, UserId),
    /// Nothing yet.
    Open,
    /// It was taken back.
    Revoked(DateTime<Utc>),
}

/// Why an invitation is worth nothing any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvitationRefusal {
    /// It was used.
    #[error("used_invitation")]
    Accepted,
    /// Its time is over.
    #[error("expired_invitation")]
    Expired,
    /// It is by the organization's word on joining, which is another one now, or the domain is not the organization's any more.
    #[error("joining_changed")]
    JoiningChanged,
    /// Whoever vouches for it could not make it any more.
    #[error("maker_fallen")]
    MakerFallen,
    /// It was taken back.
    #[error("revoked_invitation")]
    Revoked,
}

/// A role that would be given: its slug, and what it bundles.
pub type Given<'a> = (&'a str, &'a BTreeSet<String>);

impl InvitationRefusal {
    /// The reason as events carry it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "used_invitation",
            Self::Expired => "expired_invitation",
            Self::JoiningChanged => "joining_changed",
            Self::MakerFallen => "maker_fallen",
            Self::Revoked => "revoked_invitation",
        }
    }
}

impl Invitation {
    /// Whether it is good at `now`, whoever vouches for it.
    ///
    /// # Errors
    /// [`InvitationRefusal`].
    pub fn check(&self, now: DateTime<Utc>) -> Result<(), InvitationRefusal> {
        match self.state {
            InvitationState::Accepted(..) => Err(InvitationRefusal::Accepted),
            InvitationState::Revoked(_) => Err(InvitationRefusal::Revoked),
            InvitationState::Open if now >= self.expires_at => Err(InvitationRefusal::Expired),
            InvitationState::Open => Ok(()),
        }
    }

    /// Who vouches for it, as far as that can be read.
    pub fn maker(&self) -> Option<LinkMaker> {
        LinkMaker::from_text(&self.invited_by)
    }

    /// Whether whoever vouches for it could still make it, by the roles and what they hold: nothing, if they do not stand.
    /// `given` are the roles that it gives, by itself or by a group. What the operator made stands by itself.
    ///
    /// # Errors
    /// [`InvitationRefusal::MakerFallen`].
    pub fn check_maker<'a>(
        &self,
        (roles, held): (&[String], &Held),
        given: impl IntoIterator<Item = Given<'a>>,
    ) -> Result<(), InvitationRefusal> {
        let gift = Gift { roles: !self.roles.is_empty(), groups: !self.groups.is_empty() };
        let could = gift.could_be_of(self.maker(), (roles, held), given);
        if could { Ok(()) } else { Err(InvitationRefusal::MakerFallen) }
    }
}

/// Of what kinds something is that is given to whoever becomes a user.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Gift {
    pub(crate) roles: bool,
    pub(crate) groups: bool,
}

impl Gift {
    /// Whether somebody could give it: see [`Invitation::check_maker`].
    pub(crate) fn could_be_of<'a>(
        self,
        maker: Option<LinkMaker>,
        (roles, held): (&[String], &Held),
        given: impl IntoIterator<Item = Given<'a>>,
    ) -> bool {
        if maker == Some(LinkMaker::Operator) {
            return true;
        }
        let gives_any = held.has(OrgatePermission::ApplicationsGrant);
        let may_give = |(slug, permissions): Given<'_>| {
            (gives_any || roles.iter().any(|role| role == slug))
                && permissions.iter().all(|text| held.covers(text) || (gives_any && !is_reserved(text)))
        };
        held.has(OrgatePermission::InvitationsManage)
            && (!self.roles || held.has(OrgatePermission::RolesAssign))
            && (!self.groups || held.has(OrgatePermission::GroupsManage))
            && given.into_iter().all(may_give)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn invitation(roles: &[&str], groups: &[&str]) -> Invitation {
        let now = DateTime::<Utc>::UNIX_EPOCH;
        let slugs = |slugs: &[&str]| slugs.iter().map(|slug| (*slug).to_owned()).collect();
        Invitation {
            id: InvitationId::from_uuid(Uuid::nil()),
            email: Email::parse("ada@acme.test").expect("an address"),
            name: None,
            locale: None,
            client: None,
            roles: slugs(roles),
            groups: slugs(groups),
            invited_by: UserId::from_uuid(Uuid::nil()).to_string(),
            created_at: now,
            sent_at: now,
            sends: 1,
            expires_at: now + DEFAULT_LIFETIME,
            by: InvitationBasis::Invited,
            state: InvitationState::Open,
        }
    }

    #[test]
    fn an_invitation_is_good_until_it_is_used_taken_back_or_over() {
        let open = invitation(&[], &[]);
        let now = open.created_at;
        let used = InvitationState::Accepted(now, UserId::from_uuid(Uuid::nil()));
        let of = |state| Invitation { state, ..open.clone() };

        assert_eq!(open.check(now), Ok(()));
        assert_eq!(open.check(open.expires_at), Err(InvitationRefusal::Expired));
        assert_eq!(of(used).check(now), Err(InvitationRefusal::Accepted));
        assert_eq!(of(InvitationState::Revoked(now)).check(now), Err(InvitationRefusal::Revoked));
    }

    #[test]
    fn whoever_vouches_for_it_could_give_all_of_it_themselves() {
        let plain = BTreeSet::from(["notes:write".to_owned()]);
        let own = BTreeSet::from(["orgate:users:read".to_owned()]);
        let holds = |texts: &[&'static str]| Held::of(texts.iter().copied());
        let inviter = ["orgate:invitations:manage", "orgate:roles:assign"];
        let writer = ["writer".to_owned()];
        let gives = invitation(&["writer"], &[]);
        let fallen = Err(InvitationRefusal::MakerFallen);

        assert_eq!(invitation(&[], &[]).check_maker((&[], &holds(&inviter[..1])), []), Ok(()));
        assert_eq!(invitation(&[], &[]).check_maker((&[], &holds(&[])), []), fallen);
        assert_eq!(gives.check_maker((&writer, &holds(&inviter)), [("writer", &plain)]), fallen);
        let with = |more| holds(&[inviter[0], inviter[1], more]);
        assert_eq!(gives.check_maker((&writer, &with("notes:write")), [("writer", &plain)]), Ok(()));
        assert_eq!(
            gives.check_maker((&[], &with("notes:write")), [("writer", &plain)]),
            fallen,
            "its name too"
        );
        let grants = with("orgate:applications:grant");
        assert_eq!(gives.check_maker((&[], &grants), [("writer", &plain)]), Ok(()));
        assert_eq!(gives.check_maker((&[], &grants), [("writer", &own)]), fallen, "Orgate's own");
        assert_eq!(gives.check_maker((&writer, &holds(&["orgate:invitations:*"])), []), fallen);
        assert_eq!(invitation(&[], &["staff"]).check_maker((&[], &holds(&inviter)), []), fallen);
        let operators = Invitation { invited_by: "operator".to_owned(), ..gives };
        assert_eq!(operators.check_maker((&[], &holds(&[])), [("writer", &own)]), Ok(()));
    }
}
