//! Groups, and who is in them.

use std::collections::BTreeMap;

use orgate_domain::ids::{GroupId, UserId};
use orgate_domain::names::{DisplayName, Slug};
use orgate_domain::quotas::Quota;
use orgate_storage::{Group, MAX_ANCESTORS, Member, OrgTx, Page, PageOf, Role, StorageError};

use super::change::{Change, ChangeOfRights};
use super::{Caller, ChangeError, Once};
use crate::configure::{Assignment, Mark, save_group, save_membership};
use crate::quotas::check_room;
use crate::{Env, Failure};

/// Roles that a group gives at most.
pub const MAX_GIVEN: usize = 50;

/// What of a group may be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupSettings {
    /// Its name for people.
    pub name: DisplayName,
    /// Slugs of the roles that its members have by it.
    pub roles: Vec<Slug>,
    /// Slugs of the groups that it is inside of: its members are in these too.
    pub parents: Vec<Slug>,
}

/// A page of the organization's groups, in the order in which they were made.
///
/// # Errors
/// [`Failure`].
pub async fn list_groups(
    env: &Env,
    caller: &Caller,
    page: PageOf<GroupId>,
) -> Result<Page<Group, GroupId>, Failure> {
    caller.read(env, async |tx| tx.groups().list_page(page).await).await
}

/// One group; `None` if the organization has none of this id.
///
/// # Errors
/// [`Failure`].
pub async fn find_group(env: &Env, caller: &Caller, id: GroupId) -> Result<Option<Group>, Failure> {
    caller.read(env, async |tx| tx.groups().find(id).await).await
}

/// A group, and what is around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupAround {
    /// The group.
    pub group: Group,
    /// All others of the organization, by slug.
    pub others: Vec<Group>,
    /// A page of whoever was put into it by hand.
    pub members: Page<Member, UserId>,
}

/// One group with what is around it, in two questions; `None` if the organization has none of this id.
///
/// # Errors
/// [`Failure`].
pub async fn find_group_around(
    env: &Env,
    caller: &Caller,
    (id, page): (GroupId, PageOf<UserId>),
) -> Result<Option<GroupAround>, Failure> {
    let mut tx = env.store.begin(&caller.scope).await?;
    let mut others = tx.groups().list().await?;
    let Some(place) = others.iter().position(|group| group.id == id) else { return Ok(None) };
    let group = others.remove(place);
    let members = tx.groups().list_members(id, page).await?;
    tx.commit().await?;
    Ok(Some(GroupAround { group, others, members }))
}

/// Every group of the organization, by slug.
///
/// # Errors
/// [`Failure`].
pub async fn list_all_groups(env: &Env, caller: &Caller) -> Result<Vec<Group>, Failure> {
    caller.read(env, async |tx| tx.groups().list().await).await
}

/// The groups that somebody put a user into by hand, by slug.
///
/// # Errors
/// [`Failure`].
pub async fn list_groups_of(env: &Env, caller: &Caller, user: UserId) -> Result<Vec<Group>, Failure> {
    let question = async |tx: &mut OrgTx| {
        let slugs = tx.groups().list_of_member(user).await?;
        let mut groups = tx.groups().list().await?;
        groups.retain(|group| slugs.iter().any(|slug| slug == group.slug.as_str()));
        Ok(groups)
    };
    caller.read(env, question).await
}

/// A page of whoever was put into a group by hand. Connections put others into it.
///
/// # Errors
/// [`ChangeError::Missing`] if the organization has none of this id.
pub async fn list_members(
    env: &Env,
    caller: &Caller,
    (id, page): (GroupId, PageOf<UserId>),
) -> Result<Page<Member, UserId>, ChangeError> {
    let mut tx = env.store.begin(&caller.scope).await?;
    tx.groups().find(id).await?.ok_or(ChangeError::Missing)?;
    let members = tx.groups().list_members(id, page).await?;
    tx.commit().await?;
    Ok(members)
}

/// Makes a group, with no role that the caller may not give.
///
/// # Errors
/// [`ChangeError`].
pub async fn create_group(
    env: &Env,
    caller: &Caller,
    (slug, settings): (Slug, GroupSettings),
    once: Option<&Once>,
) -> Result<Group, ChangeError> {
    caller.conclude(env, create(env, caller, (slug, settings), once)).await
}

async fn create(
    env: &Env,
    caller: &Caller,
    (slug, settings): (Slug, GroupSettings),
    once: Option<&Once>,
) -> Result<Group, ChangeError> {
    let id = GroupId::from_uuid(env.random.uuid(env.clock.now())?);
    let mut change = begin(env, caller).await?;
    let Change { tx, caller, .. } = &mut *change;
    if let Some(before) = caller.claim(env, tx, once, id.as_uuid()).await? {
        return tx.groups().find(GroupId::from_uuid(before)).await?.ok_or(ChangeError::Gone);
    }
    let known = Known::read(tx).await?;
    check_room(tx, Quota::Groups, known.groups.len()).await??;
    let group = known.wanted(id, slug, settings)?;
    known.check_gift(caller, &group)?;
    let taken = ("/slug", "another group of the organization is called so");
    let saved = save_group(env, tx, (&caller.author(), &Mark::Created), &group).await;
    if !saved.map_err(|failure| ChangeError::taken(failure, taken))? {
        return Err(astray());
    }
    let made = tx.groups().find(id).await?.ok_or(ChangeError::Missing)?;
    change.commit().await?;
    Ok(made)
}

/// Changes a group: `edit` is shown what it is, and says what it is to be. Whoever is in it, or in one inside of it, has
/// what it gives from now on.
///
/// # Errors
/// [`ChangeError`], also what `edit` says; [`ChangeError::Above`] if it gave or would give what the caller may not.
pub async fn update_group(
    env: &Env,
    caller: &Caller,
    id: GroupId,
    edit: impl FnOnce(&Group) -> Result<GroupSettings, ChangeError>,
) -> Result<Group, ChangeError> {
    caller.conclude(env, update(env, caller, id, edit)).await
}

async fn update(
    env: &Env,
    caller: &Caller,
    id: GroupId,
    edit: impl FnOnce(&Group) -> Result<GroupSettings, ChangeError>,
) -> Result<Group, ChangeError> {
    let mut change = begin(env, caller).await?;
    let before = change.tx.groups().find(id).await?.ok_or(ChangeError::Missing)?;
    let settings = edit(&before)?;
    let known = Known::read(&mut change.tx).await?;
    let after = known.wanted(id, before.slug.clone(), settings)?;
    let mark = Mark::of([
        ("name", after.name != before.name),
        ("roles", after.roles != before.roles),
        ("parents", after.parents != before.parents),
    ]);
    let Some(mark) = mark else { return Ok(before) };
    known.check_gift(&change.caller, &before)?;
    known.check_gift(&change.caller, &after)?;
    if !save_group(env, &mut change.tx, (&caller.author(), &mark), &after).await? {
        return Err(astray());
    }
    let after = change.tx.groups().find(id).await?.ok_or(ChangeError::Missing)?;
    change.commit().await?;
    Ok(after)
}

/// Takes a group away that nobody is in, and no group is inside of.
///
/// # Errors
/// [`ChangeError`], also what `check` says of it; [`ChangeError::InUse`].
pub async fn delete_group(
    env: &Env,
    caller: &Caller,
    id: GroupId,
    check: impl FnOnce(&Group) -> Result<(), ChangeError>,
) -> Result<(), ChangeError> {
    caller.conclude(env, delete(env, caller, id, check)).await
}

async fn delete(
    env: &Env,
    caller: &Caller,
    id: GroupId,
    check: impl FnOnce(&Group) -> Result<(), ChangeError>,
) -> Result<(), ChangeError> {
    let mut change = begin(env, caller).await?;
    let group = change.tx.groups().find(id).await?.ok_or(ChangeError::Missing)?;
    check(&group)?;
    Known::read(&mut change.tx).await?.check_gift(&change.caller, &group)?;
    let in_use = || {
        let detail = "somebody is in it, or a group is inside of it; take these out first";
        ChangeError::InUse(detail.to_owned())
    };
    match save_group(env, &mut change.tx, (&caller.author(), &Mark::Removed), &group).await {
        Ok(true) => change.commit().await,
        Ok(false) | Err(Failure::Storage(StorageError::Reference { .. })) => Err(in_use()),
        Err(failure) => Err(failure.into()),
    }
}

/// Puts a user into a group; to do it again changes nothing.
///
/// # Errors
/// [`ChangeError`]; [`ChangeError::Above`] if the group gives what the caller may not give.
pub async fn add_member(env: &Env, caller: &Caller, of: (GroupId, UserId)) -> Result<(), ChangeError> {
    caller.conclude(env, change_members(env, caller, of, Assignment::Given)).await
}

/// Takes a user out who was put into a group by hand; to do it again changes nothing.
///
/// # Errors
/// As of [`add_member`].
pub async fn remove_member(env: &Env, caller: &Caller, of: (GroupId, UserId)) -> Result<(), ChangeError> {
    caller.conclude(env, change_members(env, caller, of, Assignment::Taken)).await
}

async fn change_members(
    env: &Env,
    caller: &Caller,
    (id, user): (GroupId, UserId),
    assignment: Assignment,
) -> Result<(), ChangeError> {
    let mut change = begin(env, caller).await?;
    let Change { tx, caller, .. } = &mut *change;
    let group = tx.groups().find(id).await?.ok_or(ChangeError::Missing)?;
    let user = tx.users().find(user).await?.ok_or(ChangeError::Missing)?;
    Known::read(tx).await?.check_gift(caller, &group)?;
    save_membership(env, tx, (&caller.author(), assignment), (&user, &group)).await?;
    change.commit().await
}

/// A change of groups. Whoever signs in meanwhile waits with what groups give them.
async fn begin(env: &Env, caller: &Caller) -> Result<ChangeOfRights, ChangeError> {
    let mut change = ChangeOfRights::begin(env, caller).await?;
    change.tx.groups().seize().await?;
    Ok(change)
}

fn astray() -> ChangeError {
    let detail =
        format!("the group, or one in it, would be inside of itself, or of more than {MAX_ANCESTORS} others");
    ChangeError::invalid("/parents", detail)
}

/// The roles and groups that there are.
struct Known {
    roles: Vec<Role>,
    groups: Vec<Group>,
}

impl Known {
    async fn read(tx: &mut OrgTx) -> Result<Self, StorageError> {
        Ok(Self { roles: tx.roles().list().await?, groups: tx.groups().list().await? })
    }

    /// A group as wanted, with what it would give by those that it is to be inside of.
    fn wanted(&self, id: GroupId, slug: Slug, settings: GroupSettings) -> Result<Group, ChangeError> {
        let GroupSettings { name, roles, parents } = settings;
        if roles.len() > MAX_GIVEN {
            return Err(ChangeError::invalid("/roles", format!("at most {MAX_GIVEN}")));
        }
        if parents.len() > MAX_ANCESTORS {
            return Err(ChangeError::invalid("/parents", format!("at most {MAX_ANCESTORS}")));
        }
        let known = self.roles.iter().map(|role| (&role.slug, role.id)).collect();
        let roles = named(("/roles", "role"), &roles, &known)?;
        let known = self.groups.iter().map(|group| (&group.slug, group.id)).collect();
        let parents = named(("/parents", "group"), &parents, &known)?;
        let above = self.groups.iter().filter(|group| parents.contains_key(&group.slug));
        let inherited = above.flat_map(Group::role_slugs).collect();
        Ok(Group { id, slug, name, roles, parents, inherited })
    }

    /// Whether the caller may give and take what a group's members have by it.
    fn check_gift(&self, caller: &Caller, group: &Group) -> Result<(), ChangeError> {
        match not_theirs(caller, group, &self.roles) {
            Some(role) => {
                let detail = format!(
                    "who is in {} has the role {}, which is not yours to give, or gives what you do not hold",
                    group.slug, role.slug
                );
                Err(ChangeError::above("", detail))
            }
            None => Ok(()),
        }
    }
}

/// A role that a group's members have by it, and that the caller may not give: the group is not theirs to change.
pub fn not_theirs<'r>(caller: &Caller, group: &Group, roles: &'r [Role]) -> Option<&'r Role> {
    let given = group.role_slugs();
    roles.iter().find(|role| given.contains(role.slug.as_str()) && !caller.may_give(role))
}

/// What is called so.
fn named<Id: Copy>(
    (pointer, what): (&str, &str),
    wanted: &[Slug],
    known: &BTreeMap<&Slug, Id>,
) -> Result<BTreeMap<Slug, Id>, ChangeError> {
    let mut found = BTreeMap::new();
    for (place, slug) in wanted.iter().enumerate() {
        let Some(id) = known.get(slug) else {
            let detail = format!("the organization has no {what} {slug}");
            return Err(ChangeError::invalid(format!("{pointer}/{place}"), detail));
        };
        found.insert(slug.clone(), *id);
    }
    Ok(found)
}
