//! Making invitations: one, or as many as a transaction takes.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Duration, Utc};
use orgate_domain::audit::{Action, Event};
use orgate_domain::clients::ClientStatus;
use orgate_domain::credentials::{Credential, InvitationLink, SecretHash};
use orgate_domain::email::Email;
use orgate_domain::ids::{ClientId, GroupId, InvitationId, OrgId, RoleId};
use orgate_domain::invitations::{A_DAY, InvitationBasis, MAX_LIFETIME, MAX_MAILS, MAX_TO_ONE, MIN_LIFETIME};
use orgate_domain::locales::is_locale;
use orgate_domain::names::{DisplayName, Slug};
use orgate_storage::{Group, NewInvitation, OrgScope, OrgTx, Role, StorageError};

use super::mail::InvitationMail;
use super::seats::NoSeat;
use crate::configure::Author;
use crate::sealed::Sealed;
use crate::{Env, Failure, events};

/// Open invitations of an organization at most.
const MAX_OPEN: i64 = 50_000;

/// What is said where an address got as many mails as it may.
pub(crate) const SATED: &str =
    "this address was sent invitations as often as it may be within a day; wait until tomorrow";

/// Roles, and groups, of one invitation at most.
pub const MAX_GIVEN: usize = 50;

/// An invitation as wanted.
#[derive(Debug, Clone)]
pub struct WantedInvitation {
    /// Who is invited.
    pub email: Email,
    /// Their name.
    pub name: Option<DisplayName>,
    /// Their language.
    pub locale: Option<String>,
    /// The application that they are sent to, by its `client_id`.
    pub client_id: Option<String>,
    /// Slugs of roles.
    pub roles: Vec<Slug>,
    /// Slugs of groups.
    pub groups: Vec<Slug>,
    /// How long it is good for.
    pub lifetime: Duration,
}

/// Why one is not made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Where in it.
    pub field: String,
    /// Of which kind it is.
    pub kind: FaultKind,
    /// What is wrong.
    pub detail: String,
}

/// What kind of fault it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// It would give what whoever invites may not give.
    Above,
    /// Something in it cannot be.
    Invalid,
    /// Whoever has the address is a user, or invited, already.
    Known,
    /// There are as many as there may be.
    Limit,
}

impl Fault {
    pub(crate) fn new(kind: FaultKind, field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { kind, field: field.into(), detail: detail.into() }
    }

    pub(crate) fn invalid(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(FaultKind::Invalid, field, detail)
    }
}

/// Who invites, as the deciding transaction knows them.
pub(crate) struct Maker {
    pub(crate) author: Author,
    /// As it is kept: `operator`, or an id.
    pub(crate) id: String,
    /// Whether they may give roles at all, and put others into groups.
    pub(crate) gives: (bool, bool),
    pub(crate) may_give: Box<dyn Fn(&Role) -> bool + Send + Sync>,
}

impl Maker {
    /// Whoever runs the installation.
    pub(crate) fn operator() -> Self {
        Self {
            author: Author::operator(),
            id: "operator".to_owned(),
            gives: (true, true),
            may_give: Box::new(|_| true),
        }
    }

    /// Whether they may give all of this.
    ///
    /// # Errors
    /// [`Fault`], of whichever they may not.
    pub(crate) fn check_gift(
        &self,
        known: &Known,
        (roles, groups): (&[&Role], &[&Group]),
    ) -> Result<(), Fault> {
        let above = |field: String, detail: String| Err(Fault::new(FaultKind::Above, field, detail));
        if !roles.is_empty() && !self.gives.0 {
            return above("roles".to_owned(), "to give roles takes orgate:roles:assign".to_owned());
        }
        if !groups.is_empty() && !self.gives.1 {
            return above(
                "groups".to_owned(),
                "to put somebody into groups takes orgate:groups:manage".to_owned(),
            );
        }
        if let Some((place, role)) = roles.iter().enumerate().find(|(_, role)| !(self.may_give)(role)) {
            let detail =
                format!("the role {} is not yours to give, or gives what you do not hold", role.slug);
            return above(format!("roles/{place}"), detail);
        }
        for (place, group) in groups.iter().enumerate() {
            let given = group.role_slugs();
            let mut given = known.roles.values().filter(|role| given.contains(role.slug.as_str()));
            if let Some(role) = given.find(|role| !(self.may_give)(role)) {
                let detail = format!(
                    "who is in {} has the role {}, which is not yours to give, or gives what you do not hold",
                    group.slug, role.slug
                );
                return above(format!("groups/{place}"), detail);
            }
        }
        Ok(())
    }
}

/// An invitation that can be made: what takes work is done, before the deciding transaction is opened.
pub(crate) struct Draft {
    pub(crate) id: InvitationId,
    pub(crate) token: SecretHash,
    /// What is sent; of one that is opened where it is made, nothing.
    pub(crate) mail: Option<Sealed>,
    pub(crate) by: InvitationBasis,
    pub(crate) wanted: WantedInvitation,
    pub(crate) expires_at: DateTime<Utc>,
    client: Result<Option<(OrgId, ClientId)>, Fault>,
}

/// Prepares invitations; `inviter` is the name of the user who invites, where it is one.
pub(crate) async fn prepare(
    env: &Env,
    scope: &OrgScope,
    inviter: Option<&str>,
    wanted: Vec<WantedInvitation>,
) -> Result<Vec<Draft>, Failure> {
    let mut tx = env.store.begin(scope).await?;
    let organization = tx.organization().find().await?;
    tx.commit().await?;
    let name = organization.map(|organization| organization.name.as_str().to_owned()).unwrap_or_default();
    let mut clients = HashMap::new();
    let mut drafts = Vec::with_capacity(wanted.len());
    for wanted in wanted {
        let now = env.clock.now();
        let client = match &wanted.client_id {
            None => Ok(None),
            Some(text) => {
                if !clients.contains_key(text) {
                    clients.insert(text.clone(), find_client(env, text).await?);
                }
                clients.get(text).cloned().unwrap_or(Ok(None))
            }
        };
        let secret = env.random.credential::<InvitationLink>(scope.org_id())?;
        let expires_at = now + wanted.lifetime;
        let mail = InvitationMail {
            to: wanted.email.as_str().to_owned(),
            organization: name.clone(),
            inviter: inviter.map(str::to_owned),
            name: wanted.name.as_ref().map(|name| name.as_str().to_owned()),
            locale: wanted.locale.clone(),
            secret: secret.reveal().to_owned(),
            expires_at,
        };
        let mail = Some(mail.seal(env, scope).await?);
        let id = InvitationId::from_uuid(env.random.uuid(now)?);
        let token = Credential::hash(&secret);
        drafts.push(Draft { id, token, mail, by: InvitationBasis::Invited, wanted, expires_at, client });
    }
    Ok(drafts)
}

/// Prepares one for somebody who has proven the address, and opens it at once: no mail has its link.
pub(crate) async fn prepare_unsent(
    env: &Env,
    scope: &OrgScope,
    wanted: WantedInvitation,
) -> Result<(Draft, Credential<InvitationLink>), Failure> {
    let now = env.clock.now();
    let client = match &wanted.client_id {
        None => Ok(None),
        Some(text) => find_client(env, text).await?,
    };
    let secret = env.random.credential::<InvitationLink>(scope.org_id())?;
    let (id, token) = (InvitationId::from_uuid(env.random.uuid(now)?), secret.hash());
    let expires_at = now + wanted.lifetime;
    let draft = Draft { id, token, mail: None, by: InvitationBasis::Joining, wanted, expires_at, client };
    Ok((draft, secret))
}

pub(crate) type Landing = Result<Option<(OrgId, ClientId)>, Fault>;

/// An application that people can be sent to. Whether it is the organization's is asked when it is decided.
pub(crate) async fn find_client(env: &Env, client_id: &str) -> Result<Landing, Failure> {
    let found = env.configuration.client(&env.store, client_id).await?;
    let begins = found.filter(|client| client.initiate_login_uri.is_some());
    Ok(begins.map(|client| Some(client.key())).ok_or_else(no_landing))
}

/// What is said of an application that nobody can be sent to.
pub(crate) fn no_landing() -> Fault {
    let detail = "no application of this client_id is open to the organization and begins sign-ins at an address of \
                  its own (initiate_login_uri)";
    Fault::invalid("client_id", detail)
}

/// What is known of the organization when invitations to it are decided.
pub(crate) struct Known {
    pub(crate) roles: BTreeMap<Slug, Role>,
    pub(crate) groups: BTreeMap<Slug, Group>,
}

impl Known {
    pub(crate) async fn read(tx: &mut OrgTx) -> Result<Self, StorageError> {
        let roles = tx.roles().list().await?.into_iter().map(|role| (role.slug.clone(), role)).collect();
        let groups = tx.groups().list().await?.into_iter().map(|group| (group.slug.clone(), group)).collect();
        Ok(Self { roles, groups })
    }

    pub(crate) fn roles_of(&self, wanted: &[Slug]) -> Result<Vec<&Role>, Fault> {
        let unknown = |place, slug| {
            Fault::invalid(format!("roles/{place}"), format!("the organization has no role {slug}"))
        };
        let found = wanted.iter().enumerate();
        found.map(|(place, slug)| self.roles.get(slug).ok_or_else(|| unknown(place, slug))).collect()
    }

    fn groups_of(&self, wanted: &[Slug]) -> Result<Vec<&Group>, Fault> {
        let unknown = |place, slug| {
            Fault::invalid(format!("groups/{place}"), format!("the organization has no group {slug}"))
        };
        let found = wanted.iter().enumerate();
        found.map(|(place, slug)| self.groups.get(slug).ok_or_else(|| unknown(place, slug))).collect()
    }
}

/// Decides about invitations, one by one and in their order.
struct Decision<'a> {
    maker: &'a Maker,
    known: Known,
    /// Addresses, as they are compared, of users.
    users: BTreeSet<String>,
    /// Addresses that are invited, before or by this.
    invited: BTreeSet<String>,
    /// Addresses that got as many mails as they may.
    sated: BTreeSet<String>,
    admitted: BTreeSet<(OrgId, ClientId)>,
    seats: Option<i64>,
    /// Open invitations and mails of the last day.
    room: (i64, i64),
}

/// What an invitation gives.
type Gift = (Vec<RoleId>, Vec<GroupId>);

impl<'a> Decision<'a> {
    async fn read(
        env: &Env,
        tx: &mut OrgTx,
        (maker, drafts): (&'a Maker, &[Draft]),
    ) -> Result<Self, StorageError> {
        let now = env.clock.now();
        tx.invitations().seize().await?;
        let addresses: Vec<_> =
            drafts.iter().map(|draft| draft.wanted.email.normalized().to_owned()).collect();
        let (users, invited) = tx.invitations().list_known(&addresses, now).await?;
        let seats = tx.invitations().find_seats(now).await?;
        let (_, open, _) = tx.invitations().count_seats(now).await?;
        let (sent, sated) = tx.invitations().count_sent(now - A_DAY, (&addresses, MAX_TO_ONE)).await?;
        let mut admitted = BTreeSet::new();
        let clients: BTreeSet<_> =
            drafts.iter().filter_map(|draft| draft.client.clone().ok().flatten()).collect();
        for client in clients {
            if tx.clients().find_admission(client).await? == Some(ClientStatus::Active) {
                admitted.insert(client);
            }
        }
        Ok(Self {
            maker,
            known: Known::read(tx).await?,
            users: users.into_iter().collect(),
            invited: invited.into_iter().collect(),
            sated: sated.into_iter().collect(),
            admitted,
            seats,
            room: (MAX_OPEN - open, MAX_MAILS - sent),
        })
    }

    /// Whether one is made, and what it gives then.
    fn judge(&mut self, draft: &Draft) -> Result<Gift, Fault> {
        let wanted = &draft.wanted;
        check(wanted)?;
        let client = draft.client.clone()?;
        if client.is_some_and(|client| !self.admitted.contains(&client)) {
            return Err(no_landing());
        }
        let (roles, groups) = (self.known.roles_of(&wanted.roles)?, self.known.groups_of(&wanted.groups)?);
        self.maker.check_gift(&self.known, (&roles, &groups))?;
        let known = |detail| Err(Fault::new(FaultKind::Known, "email", detail));
        if self.users.contains(wanted.email.normalized()) {
            return known("a user of the organization has this address already");
        }
        if self.invited.contains(wanted.email.normalized()) {
            return known("an invitation to this address is open already: resend it, or take it back first");
        }
        if self.sated.contains(wanted.email.normalized()) {
            return Err(Fault::new(FaultKind::Limit, "email", SATED));
        }
        let gift =
            (roles.iter().map(|role| role.id).collect(), groups.iter().map(|group| group.id).collect());
        self.take_room()?;
        self.invited.insert(wanted.email.normalized().to_owned());
        Ok(gift)
    }

    fn take_room(&mut self) -> Result<(), Fault> {
        let full = |detail: String| Err(Fault::new(FaultKind::Limit, "email", detail));
        if self.seats.is_some_and(|left| left < 1) {
            return full(NoSeat.to_string());
        }
        match self.room {
            (..=0, _) => full(format!("an organization has up to {MAX_OPEN} open invitations")),
            (_, ..=0) => full(format!("an organization sends up to {MAX_MAILS} invitations a day")),
            (open, mails) => {
                self.room = (open - 1, mails - 1);
                self.seats = self.seats.map(|left| left - 1);
                Ok(())
            }
        }
    }
}

/// What can be said of an invitation by itself.
pub(crate) fn check(wanted: &WantedInvitation) -> Result<(), Fault> {
    if wanted.lifetime < MIN_LIFETIME || wanted.lifetime > MAX_LIFETIME {
        let detail = format!("an invitation is good for one hour to {} days", MAX_LIFETIME.num_days());
        return Err(Fault::invalid("expires_in_hours", detail));
    }
    if wanted.locale.as_deref().is_some_and(|text| !is_locale(text)) {
        return Err(Fault::invalid("locale", "a language tag (BCP 47), like de or pt-BR"));
    }
    for (field, given) in [("roles", &wanted.roles), ("groups", &wanted.groups)] {
        if given.len() > MAX_GIVEN {
            return Err(Fault::invalid(field, format!("at most {MAX_GIVEN}")));
        }
    }
    Ok(())
}

/// Makes those invitations that can be made, with their mails and events, in a transaction that is the caller's to commit:
/// what came of each, in their order.
pub(crate) async fn invite(
    env: &Env,
    tx: &mut OrgTx,
    maker: &Maker,
    drafts: &[Draft],
) -> Result<Vec<Result<InvitationId, Fault>>, Failure> {
    let mut decision = Decision::read(env, tx, (maker, drafts)).await?;
    let judged: Vec<_> = drafts.iter().map(|draft| decision.judge(draft)).collect();
    let made: Vec<_> =
        drafts.iter().zip(&judged).filter_map(|(draft, gift)| Some((draft, gift.as_ref().ok()?))).collect();
    let new: Vec<_> = made.iter().map(|(draft, gift)| draft.as_new(gift)).collect();
    if !new.is_empty() {
        tx.invitations().insert(&new, (&maker.id, env.clock.now())).await?;
        let messages: Vec<_> =
            made.iter().filter_map(|(draft, _)| draft.mail.as_ref().map(Sealed::message)).collect();
        tx.outbox().insert_all(&messages).await?;
    }
    for (draft, _) in made {
        let mut event =
            maker.author.about(events::done(env, Action::InvitationCreated, &maker.author.origin)?);
        event.detail = [draft.detail(), maker.author.detail.clone()].concat();
        tx.audit().insert(&event).await?;
    }
    Ok(drafts.iter().zip(judged).map(|(draft, gift)| gift.map(|_| draft.id)).collect())
}

impl Draft {
    fn as_new<'a>(&'a self, (roles, groups): &'a Gift) -> NewInvitation<'a> {
        NewInvitation {
            id: self.id,
            token: self.token,
            email: &self.wanted.email,
            name: self.wanted.name.as_ref(),
            locale: self.wanted.locale.as_deref(),
            client: self.client.clone().ok().flatten(),
            roles,
            groups,
            expires_at: self.expires_at,
            by: self.by,
        }
    }

    fn detail(&self) -> Vec<(&'static str, String)> {
        let words = |slugs: &[Slug]| slugs.iter().map(Slug::as_str).collect::<Vec<_>>().join(" ");
        let mut detail =
            vec![("invitation", self.id.to_string()), ("expires_at", self.expires_at.to_rfc3339())];
        for (name, slugs) in [("roles", &self.wanted.roles), ("groups", &self.wanted.groups)] {
            if !slugs.is_empty() {
                detail.push((name, words(slugs)));
            }
        }
        detail
    }
}

/// That something happened to an invitation.
pub(crate) fn event_of(
    env: &Env,
    author: &Author,
    (action, id): (Action, InvitationId),
) -> Result<Event, Failure> {
    let event = author.about(events::done(env, action, &author.origin)?);
    let detail = [vec![("invitation", id.to_string())], author.detail.clone()].concat();
    Ok(Event { detail, ..event })
}
