//! Bringing users from another system, many at once.
//!
//! Organizations, roles, groups and connections come first, as a wanted state that [`apply`](crate::apply) carries out:
//! [`foreign`] says what becomes of what other systems call so. Then users come, batch by batch, each batch a transaction of
//! one organization with an audit event for each user.
//!
//! **Invariant:** an import adds, and changes nothing that is there: a user whose address is known stays as they are. So it can
//! be run again after it was stopped anywhere, and makes nobody twice.

pub mod foreign;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use orgate_domain::attributes::check_attributes;
use orgate_domain::audit::{Action, Event};
use orgate_domain::connections::Attributes;
use orgate_domain::email::Email;
use orgate_domain::ids::{GroupId, RoleId, UserId};
use orgate_domain::names::{DisplayName, Slug};
use orgate_domain::organizations::OrgStatus;
use orgate_domain::standing::UserStatus;
use orgate_storage::system::OrgHint;
use orgate_storage::{BroughtUser, OrgScope, OrgTx, StorageError};

use crate::apply::Wanted;
use crate::configure::{Author, Mark, find_blueprints, first_roles};
use crate::invitations::seats::{check_seats, hold_seats};
use crate::passwords::ForeignHash;
use crate::{Env, Failure};

/// Users of one transaction, at most.
pub const BATCH: usize = 250;

/// A user as another system knew them.
#[derive(Debug, Clone)]
pub struct ImportedUser {
    /// The organization that they come to.
    pub organization: Slug,
    /// Their address.
    pub email: Email,
    /// Whether it was proven there.
    pub verified: bool,
    /// Their name.
    pub name: DisplayName,
    /// Whether they may sign in.
    pub status: UserStatus,
    /// What their password was hashed to.
    pub password: Option<ForeignHash>,
    /// Slugs of the roles that they are given.
    pub roles: BTreeSet<Slug>,
    /// Slugs of the groups that they are put into.
    pub groups: BTreeSet<Slug>,
    /// What is kept about them.
    pub attributes: Attributes,
}

/// Something of a source, and where it stands there.
#[derive(Debug, Clone)]
pub struct Row {
    /// Where: `users.csv:17`.
    pub place: String,
    /// The user, or why there is none.
    pub user: Result<Box<ImportedUser>, String>,
}

/// A row that is not imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Where it stands.
    pub place: String,
    /// Why, without anything secret.
    pub why: String,
}

/// How many rows were what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Users who are made.
    pub made: usize,
    /// Users who were there, and stay as they are.
    pub there: usize,
    /// Rows that cannot be imported.
    pub refused: usize,
}

/// What an import does with what it can import.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Nothing: it says what it would do.
    Check,
    /// It makes users as they come.
    Stream,
    /// It makes the users of an organization in one transaction, when all have come and none was refused.
    Whole,
}

/// An import that goes on.
pub struct Importer<'a> {
    env: &'a Env,
    mode: Mode,
    /// What is made first, and is not there yet when it is only checked.
    planned: &'a Wanted,
    targets: BTreeMap<Slug, Option<Target>>,
    /// The addresses that came, by organization.
    seen: HashMap<Slug, HashSet<String>>,
    /// Those of [`Mode::Whole`].
    waiting: BTreeMap<Slug, Vec<ImportedUser>>,
    tally: Tally,
}

/// An organization that users come to.
struct Target {
    /// `None`: it is made first.
    scope: Option<OrgScope>,
    roles: BTreeMap<Slug, Option<RoleId>>,
    groups: BTreeMap<Slug, Option<GroupId>>,
}

/// Where users come from, for the events about them.
const SOURCE: &str = "import";

impl<'a> Importer<'a> {
    /// Begins one; `planned` is made before anything but a check.
    pub fn new(env: &'a Env, mode: Mode, planned: &'a Wanted) -> Self {
        Self {
            env,
            mode,
            planned,
            targets: BTreeMap::new(),
            seen: HashMap::new(),
            waiting: BTreeMap::new(),
            tally: Tally::default(),
        }
    }

    /// How many were what so far.
    pub const fn tally(&self) -> Tally {
        self.tally
    }

    /// Takes rows, at most [`BATCH`], and says which it refuses.
    ///
    /// # Errors
    /// [`Failure`]: what was made of these rows is nothing.
    pub async fn take(&mut self, rows: Vec<Row>) -> Result<Vec<Refused>, Failure> {
        let mut refused = Vec::new();
        let mut accepted: BTreeMap<Slug, Vec<ImportedUser>> = BTreeMap::new();
        for row in rows {
            match self.check(row.user).await? {
                Ok(user) => accepted.entry(user.organization.clone()).or_default().push(*user),
                Err(why) => refused.push(Refused { place: row.place, why }),
            }
        }
        self.tally.refused += refused.len();
        for (organization, users) in accepted {
            if self.mode == Mode::Whole {
                self.waiting.entry(organization).or_default().extend(users);
            } else {
                self.bring(&organization, users).await?;
            }
        }
        Ok(refused)
    }

    /// Ends it: what waited for the last row is made.
    ///
    /// # Errors
    /// [`Failure`]: organizations whose users were made before have them.
    pub async fn finish(mut self) -> Result<Tally, Failure> {
        if self.tally.refused == 0 {
            for (organization, users) in std::mem::take(&mut self.waiting) {
                self.bring(&organization, users).await?;
            }
        }
        Ok(self.tally)
    }

    async fn check(
        &mut self,
        user: Result<Box<ImportedUser>, String>,
    ) -> Result<Result<Box<ImportedUser>, String>, Failure> {
        let user = match user {
            Ok(user) => user,
            Err(why) => return Ok(Err(why)),
        };
        let organization = &user.organization;
        if !self.targets.contains_key(organization) {
            let target = self.target(organization).await?;
            self.targets.insert(organization.clone(), target);
        }
        let Some(Some(target)) = self.targets.get(organization) else {
            return Ok(Err(format!("there is no organization {organization}")));
        };
        if let Some(unknown) = user.roles.iter().find(|role| !target.roles.contains_key(*role)) {
            return Ok(Err(format!("{organization} has no role {unknown}")));
        }
        if let Some(unknown) = user.groups.iter().find(|group| !target.groups.contains_key(*group)) {
            return Ok(Err(format!("{organization} has no group {unknown}")));
        }
        if let Err(error) = check_attributes(&user.attributes) {
            return Ok(Err(format!("attributes: {error}")));
        }
        let seen = self.seen.entry(organization.clone()).or_default();
        if !seen.insert(user.email.normalized().to_owned()) {
            return Ok(Err(format!("{} comes to {organization} by an earlier row", user.email.as_str())));
        }
        Ok(Ok(user))
    }

    async fn target(&self, slug: &Slug) -> Result<Option<Target>, Failure> {
        let planned = self.planned.organizations.iter().find(|wanted| wanted.slug.value == *slug);
        let resolved = self.env.store.resolve(OrgHint::Slug(slug)).await?;
        let scope = resolved.filter(|found| found.slug == *slug && found.status != OrgStatus::Deleted);
        let scope = scope.map(|found| found.scope);
        let (mut roles, mut groups) = (BTreeMap::new(), BTreeMap::new());
        if let Some(planned) = planned.filter(|_| self.mode == Mode::Check) {
            roles.extend(planned.roles.iter().map(|role| (role.slug.value.clone(), None)));
            groups.extend(planned.groups.iter().map(|group| (group.slug.value.clone(), None)));
            if scope.is_none() && planned.ready_roles {
                let first = first_roles(find_blueprints(self.env).await?)?;
                roles.extend(first.into_iter().map(|role| (role.blueprint.slug, None)));
            }
        }
        if let Some(scope) = &scope {
            let mut tx = self.env.store.begin(scope).await?;
            roles.extend(tx.roles().list().await?.into_iter().map(|role| (role.slug, Some(role.id))));
            groups.extend(tx.groups().list().await?.into_iter().map(|group| (group.slug, Some(group.id))));
            tx.commit().await?;
        } else if planned.is_none() || self.mode != Mode::Check {
            return Ok(None);
        }
        Ok(Some(Target { scope, roles, groups }))
    }

    /// Makes those who are not there, or counts them.
    async fn bring(&mut self, organization: &Slug, users: Vec<ImportedUser>) -> Result<(), Failure> {
        let Some(Some(target)) = self.targets.get(organization) else { return Ok(()) };
        let Some(scope) = &target.scope else {
            self.tally.made += users.len(); // into an organization that is made first
            return Ok(());
        };
        let mut again = true;
        let made = loop {
            match bring(self.env, self.mode, (scope, target), &users).await {
                // Somebody else made one of them meanwhile, who is there now.
                Err(Failure::Storage(StorageError::Conflict { .. })) if again => again = false,
                made => break made?,
            }
        };
        self.tally.made += made;
        self.tally.there += users.len() - made;
        Ok(())
    }
}

/// Makes those of `users` who are not there, in one transaction. How many.
async fn bring(
    env: &Env,
    mode: Mode,
    (scope, target): (&OrgScope, &Target),
    users: &[ImportedUser],
) -> Result<usize, Failure> {
    let emails: Vec<String> = users.iter().map(|user| user.email.normalized().to_owned()).collect();
    let mut tx = env.store.begin(scope).await?;
    if mode != Mode::Check {
        hold_seats(&mut tx).await?;
        tx.roles().seize().await?; // as programs do that change who has which
        tx.groups().hold().await?;
    }
    let taken: HashSet<String> = tx.users().list_taken(&emails).await?.into_iter().collect();
    let fresh: Vec<_> = users.iter().filter(|user| !taken.contains(user.email.normalized())).collect();
    if mode != Mode::Check {
        for batch in fresh.chunks(BATCH) {
            insert(env, &mut tx, target, batch).await?;
        }
        check_seats(env, &mut tx).await?;
    }
    tx.commit().await?;
    Ok(fresh.len())
}

async fn insert(env: &Env, tx: &mut OrgTx, target: &Target, users: &[&ImportedUser]) -> Result<(), Failure> {
    let at = env.clock.now();
    let mut brought = Vec::with_capacity(users.len());
    for user in users {
        brought.push(BroughtUser {
            id: UserId::from_uuid(env.random.uuid(at)?),
            email: &user.email,
            verified: user.verified.then(|| env.vault.email_hash(&user.email)),
            name: &user.name,
            status: user.status,
            attributes: &user.attributes,
            phc: user.password.as_ref().map(ForeignHash::as_str),
            roles: user.roles.iter().filter_map(|role| target.roles.get(role).copied().flatten()).collect(),
            groups: user
                .groups
                .iter()
                .filter_map(|group| target.groups.get(group).copied().flatten())
                .collect(),
        });
    }
    tx.users().insert_all(&brought, at).await?;
    let words = |slugs: &BTreeSet<Slug>| slugs.iter().map(Slug::as_str).collect::<Vec<_>>().join(" ");
    for (user, made) in users.iter().zip(&brought) {
        let mut event = Author::operator().done(env, Action::UserConfigured, &Mark::Created)?;
        event.detail.extend([
            ("status", user.status.as_str().to_owned()),
            ("roles", words(&user.roles)),
            ("groups", words(&user.groups)),
            ("by", SOURCE.to_owned()),
        ]);
        tx.audit().insert(&Event { user_id: Some(made.id), ..event }).await?;
    }
    Ok(())
}
