//! From what an identity provider proved to a user of the organization.
//!
//! **Invariant:** a user is bound by (connection, provider, subject). An address finds a user only where the
//! organization verified its domain, the connection serves it and the provider vouches for it, and
//! only a user whom this connection knows under no other subject: an address may have been given to
//! another person since.

use orgate_domain::audit::{Action, Actor, Event};
use orgate_domain::connections::{ConnectionSettings, Mapped};
use orgate_domain::email::Email;
use orgate_domain::ids::{ConnectionId, InvitationId, UserId};
use orgate_domain::names::DisplayName;
use orgate_domain::standing::UserStatus;
use orgate_storage::{Connection, FederatedUser, IdentityKey, NewFederatedUser, OrgTx, StorageError};

use super::trace::{Rejection, Trace};
use crate::invitations::seats::{check_seats, hold_seats};
use crate::invitations::{Closed, Newcomer, NoSeat, find_good, redeem};
use crate::{Browser, Env, Failure, events};

/// What an identity is looked up with.
pub(super) struct Identification<'a> {
    pub(super) env: &'a Env,
    pub(super) connection: &'a Connection,
    pub(super) settings: &'a ConnectionSettings,
    pub(super) mapped: &'a Mapped,
    pub(super) browser: &'a Browser,
}

/// Whom it would find, before anything is changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    /// The user that the identity is bound to.
    Bound(FederatedUser),
    /// The user whose own address it asserts.
    ByAddress(FederatedUser),
    /// Nobody yet: whoever has the address is invited.
    Invited(InvitationId),
    /// Nobody: a user would be made.
    Nobody,
}

impl Identification<'_> {
    /// Finds the user, without changing anything.
    pub(super) async fn find(
        &self,
        tx: &mut OrgTx,
        trace: &mut Trace,
    ) -> Result<Result<Found, Rejection>, Failure> {
        let key = self.key();
        if let Some(user) = tx.identities().find_user(key).await? {
            return Ok(active(&user, trace).map(|()| Found::Bound(user)));
        }
        if let Some(email) = self.mapped.address.own()
            && let Some(user) = tx.identities().find_user_by_email(email).await?
        {
            if tx.identities().is_linked(user.id, (key.connection, key.provider)).await? {
                // Perhaps under this very subject, by a sign-in in another tab that has just ended.
                if let Some(user) = tx.identities().find_user(key).await? {
                    return Ok(active(&user, trace).map(|()| Found::Bound(user)));
                }
                let why = "the address is of a user whom the identity provider knew under another subject; \
                           if it is the same person, they can sign in another way and link it";
                return Ok(Err(trace.fail("identity_changed", why)));
            }
            return Ok(active(&user, trace).map(|()| Found::ByAddress(user)));
        }
        if let Some(email) = self.mapped.address.own()
            && let Some(invitation) = find_good(self.env, tx, email).await?
        {
            trace.pass("user", "a first sign-in: the invitation is used");
            return Ok(Ok(Found::Invited(invitation)));
        }
        if !self.settings.jit.enabled {
            let why =
                "there is no such user, and the connection makes none (JIT is off): invite them, or allow it";
            return Ok(Err(trace.fail("user_unknown", why)));
        }
        trace.pass("user", "a first sign-in: the user is made");
        Ok(Ok(Found::Nobody))
    }

    /// Binds, makes or refreshes the user.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] if the identity or its address became a user's since [`Self::find`].
    pub(super) async fn apply(&self, tx: &mut OrgTx, found: &Found) -> Result<UserId, Failure> {
        let now = self.env.clock.now();
        let user_id = match found {
            Found::Bound(user) | Found::ByAddress(user) => {
                self.refresh(tx, (user, found)).await?;
                user.id
            }
            Found::Invited(id) => self.redeem(tx, *id).await?,
            Found::Nobody => self.make(tx).await?,
        };
        let asserted = self.mapped.address.email().map(Email::as_str);
        if !tx.identities().save_link(self.key(), user_id, (asserted, &self.mapped.kept), now).await? {
            // To another user, meanwhile.
            return Err(StorageError::Conflict { constraint: "identity_links_pkey".to_owned() }.into());
        }
        if matches!(found, Found::ByAddress(_)) {
            let event = events::done(self.env, Action::IdentityLinked, &self.browser.origin)?;
            tx.audit().insert(&self.about(user_id, Event { reason: Some("by_address"), ..event })).await?;
        }
        if !self.is_as_mapped(found) {
            let by = (self.connection.id, user_id);
            tx.identities().replace_mapped(by, &self.mapped.roles, &self.mapped.groups).await?;
        }
        Ok(user_id)
    }

    /// Whether the user has just these roles and groups by the connection already: most sign-ins change nothing.
    fn is_as_mapped(&self, found: &Found) -> bool {
        let Found::Bound(FederatedUser { mapped: Some((roles, groups)), .. }) = found else { return false };
        (roles, groups) == (&self.mapped.roles, &self.mapped.groups)
    }

    fn key(&self) -> IdentityKey<'_> {
        IdentityKey {
            connection: self.connection.id,
            provider: self.settings.provider.identifier(),
            subject: &self.mapped.subject,
        }
    }

    /// Brings the name up to date, and says what tokens say differently from now on.
    async fn refresh(&self, tx: &mut OrgTx, (user, found): (&FederatedUser, &Found)) -> Result<(), Failure> {
        let name = self.mapped.name.as_ref().filter(|name| name.as_str() != user.name);
        if let Some(name) = name {
            tx.identities().update_name(user.id, name, self.env.clock.now()).await?;
        }
        let gets = !self.mapped.roles.is_empty() || !self.mapped.groups.is_empty();
        let roles = !self.is_as_mapped(found) && (gets || user.mapped.is_some());
        let parts = [("name", name.is_some()), ("roles", roles)];
        let parts: Vec<_> = parts.into_iter().filter(|(_, changed)| *changed).map(|(part, _)| part).collect();
        if parts.is_empty() {
            return Ok(());
        }
        let event = events::done(self.env, Action::UserConfigured, &self.browser.origin)?;
        let mut event = self.about(user.id, Event { reason: Some("mapped"), ..event });
        event.detail.push(("change", parts.join(" ")));
        Ok(tx.audit().insert(&event).await?)
    }

    /// Uses the invitation to their address.
    async fn redeem(&self, tx: &mut OrgTx, id: InvitationId) -> Result<UserId, Failure> {
        let newcomer = Newcomer { name: self.mapped.name.clone(), phc: None, origin: &self.browser.origin };
        // One that is good no more was used, or taken back, since it was found.
        let changed = || StorageError::Conflict { constraint: "invitations".to_owned() };
        redeem(self.env, tx, id, &newcomer).await?.map_err(|closed| match closed {
            Closed::NoSeat => NoSeat.into(),
            _ => changed().into(),
        })
    }

    async fn make(&self, tx: &mut OrgTx) -> Result<UserId, Failure> {
        let now = self.env.clock.now();
        let id = UserId::from_uuid(self.env.random.uuid(now)?);
        let own = self.mapped.address.own();
        let name = self.mapped.name.clone().or_else(|| {
            let text = self.mapped.address.email().map_or(self.mapped.subject.as_str(), Email::as_str);
            DisplayName::parse(text.split('@').next().unwrap_or(text)).ok()
        });
        let name = match name {
            Some(name) => name,
            None => DisplayName::parse(&id.to_string())
                .map_err(|_| orgate_storage::StorageError::Corrupt { table: "users", column: "name" })?,
        };
        let email = own.map(|email| (email, self.env.vault.email_hash(email)));
        hold_seats(tx).await?;
        tx.identities().insert_user(&NewFederatedUser { id, email, name: &name, at: now }).await?;
        check_seats(self.env, tx).await?;
        let event = events::done(self.env, Action::UserConfigured, &self.browser.origin)?;
        tx.audit().insert(&self.about(id, Event { reason: Some("first_sign_in"), ..event })).await?;
        Ok(id)
    }

    fn about(&self, user_id: UserId, event: Event) -> Event {
        Event {
            actor: Actor::User(user_id),
            user_id: Some(user_id),
            detail: vec![("connection", self.connection.id.to_string())],
            ..event
        }
    }
}

fn active(user: &FederatedUser, trace: &mut Trace) -> Result<(), Rejection> {
    let active = user.status == UserStatus::Active;
    trace.check("user", active, || format!("the user {} is deactivated", user.id))
}

/// A connection, as the detail of events names it.
pub(super) fn connection_of(id: ConnectionId) -> Vec<(&'static str, String)> {
    vec![("connection", id.to_string())]
}
