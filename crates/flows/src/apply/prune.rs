//! Pruning: what an organization has of the kinds that the files list, and the files do not name.
//!
//! Roles and groups are taken away. Users are deactivated, and connections, webhooks and clients switched off: what they did stays in the
//! log, and a mistake can be taken back.
//!
//! **Invariant:** an organization that has an owner keeps one.

use std::collections::{BTreeMap, BTreeSet};

use orgate_domain::clients::{Client, ClientStatus, Party};
use orgate_domain::connections::ConnectionState;
use orgate_domain::email::Email;
use orgate_domain::groups::outermost_first;
use orgate_domain::names::{DisplayName, Slug};
use orgate_domain::permissions::EVERYTHING;
use orgate_domain::standing::UserStatus;
use orgate_storage::{DescribedUser, Group, OrgScope, Role, StorageError};

use super::connections::WantedState;
use super::plan::{SecretChange, Subject};
use super::planner::{Known, Planner};
use super::wanted::{Kind, Wanted, WantedOrganization};
use crate::Failure;
use crate::configure::{Mark, UserState};
use crate::export::list_users;

/// Whether what the files do not name goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pruning {
    /// It stays.
    Off,
    /// It goes, of the kinds that the files list.
    On,
}

impl Planner<'_> {
    /// Whether things of this kind that an entry does not name go.
    pub(super) fn prunes(&self, wanted: &WantedOrganization, kind: Kind) -> bool {
        self.pruning == Pruning::On && wanted.lists.contains(&kind)
    }

    /// Notes what goes of an organization, after everything else of it.
    pub(super) async fn prune(
        &mut self,
        wanted: &WantedOrganization,
        known: &Known,
        (roles, groups): (&[Role], &[Group]),
    ) -> Result<(), Failure> {
        if known.is_new || self.pruning == Pruning::Off {
            return Ok(());
        }
        let mut tx = self.env.store.begin(&known.scope).await?;
        let users = list_users(&mut tx).await?;
        let connections = tx.connections().list().await?;
        tx.commit().await?;
        let mut gone = Vec::new();
        if self.prunes(wanted, Kind::Connections) {
            let named: BTreeSet<_> = wanted.connections.iter().map(|one| &one.slug.value).collect();
            let unnamed = connections.into_iter().filter(|connection| !named.contains(&connection.slug));
            for mut connection in unnamed.filter(|connection| connection.state != ConnectionState::Disabled) {
                connection.state = ConnectionState::Disabled;
                let state = WantedState { connection, version: None, domains: None, pilots: None };
                gone.push((Mark::Changed(vec!["state"]), Subject::Connection(Box::new(state))));
            }
        }
        if self.prunes(wanted, Kind::Users) {
            for user in unnamed_users(wanted, &users) {
                gone.push(deactivated(user)?);
            }
        }
        if self.prunes(wanted, Kind::Groups) {
            gone.extend(unnamed_groups(wanted, groups));
        }
        if self.prunes(wanted, Kind::Roles) {
            let unnamed = unnamed_roles(wanted, roles);
            gone.extend(unnamed.into_iter().map(|role| (Mark::Removed, Subject::Role(role.clone()))));
        }
        self.check_owner(wanted, &users, roles);
        self.note_pruned((&wanted.slug.value, known.scope), gone);
        Ok(())
    }

    /// Whether somebody is left who may do everything, if somebody was before.
    fn check_owner(&mut self, wanted: &WantedOrganization, users: &[DescribedUser], roles: &[Role]) {
        let pruned_roles: BTreeSet<_> = if self.prunes(wanted, Kind::Roles) {
            unnamed_roles(wanted, roles).into_iter().map(|role| role.slug.as_str()).collect()
        } else {
            BTreeSet::new()
        };
        let owning = roles.iter().filter(|role| role.permissions.contains(EVERYTHING));
        let before: BTreeSet<_> = owning.map(|role| role.slug.as_str()).collect();
        let mut after: BTreeSet<_> =
            before.iter().copied().filter(|slug| !pruned_roles.contains(slug)).collect();
        for role in &wanted.roles {
            match &role.permissions {
                Some(permissions) if permissions.contains(EVERYTHING) => {
                    after.insert(role.slug.value.as_str())
                }
                Some(_) => after.remove(role.slug.value.as_str()),
                None => false,
            };
        }
        let named: BTreeMap<_, _> =
            wanted.users.iter().map(|user| (user.email.value.normalized(), user)).collect();
        let prunes_users = self.prunes(wanted, Kind::Users);
        let holds =
            |held: &BTreeSet<&str>, roles: &[String]| roles.iter().any(|role| held.contains(role.as_str()));
        let had = users.iter().any(|user| user.status == UserStatus::Active && holds(&before, &user.roles));
        let stays = users.iter().any(|user| {
            let entry = user.email.as_deref().and_then(|email| Email::stored(email).ok());
            let entry = entry.and_then(|email| named.get(email.normalized()).copied());
            match entry {
                // One who is named is as they are named, below.
                Some(entry) if entry.roles.is_some() => false,
                Some(entry) => {
                    entry.status.unwrap_or(user.status) == UserStatus::Active && holds(&after, &user.roles)
                }
                None => {
                    let goes = prunes_users && user.email.is_some();
                    !goes && user.status == UserStatus::Active && holds(&after, &user.roles)
                }
            }
        });
        let comes = wanted.users.iter().any(|user| {
            let roles = user.roles.as_deref().unwrap_or_default();
            let stored = users.iter().find(|known| {
                let email = known.email.as_deref().and_then(|email| Email::stored(email).ok());
                email.is_some_and(|email| email.normalized() == user.email.value.normalized())
            });
            let status = user.status.or(stored.map(|known| known.status)).unwrap_or(UserStatus::Active);
            status == UserStatus::Active && roles.iter().any(|role| after.contains(role.value.as_str()))
        });
        if had && !stays && !comes {
            let text = format!(
                "{} would be left without an owner: describe an active user with a role that has {EVERYTHING}",
                wanted.slug.value
            );
            self.problems.add(&wanted.slug.place, text);
        }
    }

    /// Notes the clients of described organizations that go.
    pub(super) async fn prune_clients(&mut self, wanted: &Wanted) -> Result<(), Failure> {
        if self.pruning == Pruning::Off || !wanted.lists_clients {
            return Ok(());
        }
        let named: BTreeSet<_> =
            wanted.clients.iter().map(|client| client.client_id.value.as_str()).collect();
        let described: Vec<_> = self
            .described()
            .filter(|(_, known)| !known.is_new)
            .map(|(slug, known)| (slug.clone(), known.scope))
            .collect();
        for (slug, scope) in described {
            let clients = self.owned_clients(&scope).await?;
            let unnamed = clients.into_iter().filter(|client| !named.contains(client.client_id.as_str()));
            let gone = unnamed.map(|mut client| {
                client.status = ClientStatus::Disabled;
                let subject =
                    Subject::Client { client: Box::new(client), secret: SecretChange::Keep, roles: None };
                (Mark::Changed(vec!["status"]), subject)
            });
            let gone: Vec<_> = gone.collect();
            self.note_pruned((&slug, scope), gone);
        }
        Ok(())
    }

    /// Those that are in use and that somebody registered: one that is known by a document, or to every release, makes itself
    /// again.
    async fn owned_clients(&self, scope: &OrgScope) -> Result<Vec<Client>, Failure> {
        let mut tx = self.env.store.begin(scope).await?;
        let mut clients = Vec::new();
        for id in tx.clients().list_owned().await? {
            clients.extend(tx.clients().find(id).await?);
        }
        tx.commit().await?;
        let registered = |client: &Client| Party::REGISTERED.contains(&client.settings.party);
        clients.retain(|client| {
            client.status == ClientStatus::Active && registered(client) && !client.is_built_in()
        });
        Ok(clients)
    }
}

/// Users that no entry names and that have anything left to lose. One without an address cannot be named.
fn unnamed_users<'a>(wanted: &WantedOrganization, users: &'a [DescribedUser]) -> Vec<&'a DescribedUser> {
    let named: BTreeSet<_> = wanted.users.iter().map(|user| user.email.value.normalized()).collect();
    let is_named = |text: &str| Email::stored(text).is_ok_and(|email| named.contains(email.normalized()));
    let has_something = |user: &DescribedUser| {
        user.status == UserStatus::Active || !user.roles.is_empty() || !user.groups.is_empty()
    };
    let unnamed = users.iter().filter(|user| user.email.as_deref().is_some_and(|email| !is_named(email)));
    unnamed.filter(|user| has_something(user)).collect()
}

fn deactivated(user: &DescribedUser) -> Result<(Mark, Subject), StorageError> {
    let corrupt = |column| StorageError::Corrupt { table: "users", column };
    let email = user.email.as_deref().ok_or_else(|| corrupt("email"))?;
    let email = Email::stored(email).map_err(|_| corrupt("email"))?;
    let state = UserState {
        id: user.id,
        email: None,
        vouched: false,
        name: DisplayName::parse(&user.name).map_err(|_| corrupt("name"))?,
        status: UserStatus::Deactivated,
        roles: Some(BTreeMap::new()),
        groups: Some(BTreeMap::new()),
        break_glass: false,
        attributes: None,
        external_id: None,
        ends_sessions: Some("user_deactivated"),
    };
    let mark = Mark::Changed(vec!["status", "roles", "groups"]);
    Ok((mark, Subject::User { email, state: Box::new(state), password: None }))
}

fn unnamed_roles<'a>(wanted: &WantedOrganization, roles: &'a [Role]) -> Vec<&'a Role> {
    let named: BTreeSet<_> = wanted.roles.iter().map(|role| &role.slug.value).collect();
    roles.iter().filter(|role| !named.contains(&role.slug)).collect()
}

/// The groups that go, each after those that are inside of it.
fn unnamed_groups(wanted: &WantedOrganization, groups: &[Group]) -> Vec<(Mark, Subject)> {
    let named: BTreeSet<_> = wanted.groups.iter().map(|group| &group.slug.value).collect();
    let inside: BTreeMap<&Slug, Vec<&Slug>> =
        groups.iter().map(|group| (&group.slug, group.parents.keys().collect())).collect();
    let order = outermost_first(&inside);
    let gone = order.into_iter().rev().filter(|slug| !named.contains(slug));
    let gone = gone.filter_map(|slug| groups.iter().find(|group| group.slug == *slug));
    gone.map(|group| (Mark::Removed, Subject::Group(group.clone()))).collect()
}
