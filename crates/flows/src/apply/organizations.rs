//! Comparing an organization: its own row, its domains, roles, groups and users.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use orgate_domain::connections::Attributes;
use orgate_domain::domains::{OrgDomain, is_public_mail};
use orgate_domain::email::DomainName;
use orgate_domain::groups::outermost_first;
use orgate_domain::ids::{GroupId, OrgId, RoleId, UserId};
use orgate_domain::joining::Joining;
use orgate_domain::names::{DisplayName, ExternalId, Slug};
use orgate_domain::organizations::{Branding, OrgStatus, Organization};
use orgate_domain::policies::PolicySettings;
use orgate_domain::standing::UserStatus;
use orgate_storage::system::OrgHint;
use orgate_storage::{Delegation, Group, OrgScope, Role, StorageError, StoredUser};

use super::plan::Subject;
use super::planner::{Known, Planner};
use super::wanted::{
    Kind, Placed, Secret, WantedDelegation, WantedGroup, WantedOrganization, WantedRole, WantedUser,
};
use crate::configure::{Mark, OrganizationState, QuotaSettings, UserState, new_roles};
use crate::passwords::Verdict;
use crate::{Env, Failure};

/// What is there of an organization, as far as an entry speaks of it.
#[derive(Default)]
struct Stored {
    organization: Option<Organization>,
    policy: Option<PolicySettings>,
    joining: Option<Joining>,
    domains: Vec<OrgDomain>,
    delegations: Vec<Delegation>,
    roles: Vec<Role>,
    groups: Vec<Group>,
    attributes: Attributes,
    quotas: QuotaSettings,
    external_id: Option<ExternalId>,
    /// By normalized address.
    users: BTreeMap<String, Member>,
}

/// A user who is there.
struct Member {
    user: StoredUser,
    /// What is kept about them.
    attributes: Attributes,
    /// Slugs of the groups that somebody put them into.
    groups: Vec<String>,
}

impl Stored {
    async fn read(env: &Env, known: &Known, wanted: &WantedOrganization) -> Result<Self, StorageError> {
        if known.is_new {
            return Ok(Self::default());
        }
        let mut tx = env.store.begin(&known.scope).await?;
        let mut users = BTreeMap::new();
        for user in &wanted.users {
            if let Some(stored) = tx.users().find_by_email(&user.email.value).await? {
                let attributes = tx.attributes().find_of_user(stored.id).await?;
                let groups = tx.groups().list_of_member(stored.id).await?;
                let member = Member { user: stored, attributes, groups };
                users.insert(user.email.value.normalized().to_owned(), member);
            }
        }
        let stored = Self {
            organization: tx.organization().find().await?,
            policy: tx.organization().find_policy().await?,
            joining: tx.joining().find().await?,
            domains: tx.domains().list().await?,
            delegations: tx.delegations().list().await?,
            roles: tx.roles().list().await?,
            groups: tx.groups().list().await?,
            attributes: tx.attributes().find_of_organization().await?,
            quotas: QuotaSettings::find(&mut tx).await?,
            external_id: tx.organization().find_record().await?.and_then(|record| record.external_id),
            users,
        };
        tx.commit().await?;
        Ok(stored)
    }
}

/// What a user is to have; `None` where the files are silent.
struct Rights {
    roles: Option<BTreeMap<Slug, RoleId>>,
    groups: Option<BTreeMap<Slug, GroupId>>,
}

impl Planner<'_> {
    /// Compares what an entry says of an organization with what is there.
    pub(super) async fn organization(
        &mut self,
        wanted: &WantedOrganization,
        known: &Known,
    ) -> Result<(), Failure> {
        let stored = Stored::read(self.env, known, wanted).await?;
        let here = (&wanted.slug.value, known.scope);
        let (mark, state) = compare_organization(wanted, known, &stored);
        self.note(here, mark, Subject::Organization(Box::new(state)));
        self.domains(here, wanted.domains.as_deref(), &stored.domains).await?;
        self.delegations((here, known), wanted.delegations.as_deref(), &stored.delegations).await?;
        self.blueprints(here, wanted);
        self.mail_templates((here.0, known), wanted.mail_templates.as_deref()).await?;
        let mut roles: BTreeMap<_, _> =
            stored.roles.iter().map(|role| (role.slug.clone(), role.id)).collect();
        if self.prunes(wanted, Kind::Roles) {
            roles.clear(); // those that the entry names come back
        }
        for role in &wanted.roles {
            let (mark, role) = self.role(role, &stored.roles)?;
            roles.insert(role.slug.clone(), role.id);
            self.note(here, mark, Subject::Role(role));
        }
        if known.is_new && wanted.ready_roles {
            for role in new_roles(self.env, self.blueprints.wanted.clone())? {
                if let Entry::Vacant(free) = roles.entry(role.slug.clone()) {
                    free.insert(role.id);
                    self.note(here, Some(Mark::Created), Subject::Role(role));
                }
            }
        }
        // Before those who take the seats, if there are more from then on; else behind them.
        let seats_first = wanted.quotas.as_ref().is_some_and(|said| said.seats_more_than(&stored.quotas));
        if seats_first {
            self.quotas(here, wanted.quotas.as_ref(), &stored.quotas);
        }
        let is_verified = |name: &DomainName| {
            stored.domains.iter().any(|domain| domain.name == *name && domain.verified_at.is_some())
        };
        let has_new_domain = wanted.domains.iter().flatten().any(|domain| !is_verified(&domain.value));
        self.joining(here, (wanted.joining.as_ref(), &roles), (stored.joining.as_ref(), has_new_domain));
        let groups = self.groups(here, (wanted, &roles), &stored.groups)?;
        for user in &wanted.users {
            let rights = Rights {
                roles: self.resolve_roles(here.0, user.roles.as_deref(), &roles),
                groups: self.resolve(("group", here.0), user.groups.as_deref(), &groups),
            };
            let stored = stored.users.get(user.email.value.normalized());
            let (mark, state, password) = match stored {
                Some(stored) => changed_user(self.env, known.scope, (user, rights), stored).await?,
                None => (Some(Mark::Created), self.new_user(user, rights)?, user.password.clone()),
            };
            let (email, state) = (user.email.value.clone(), Box::new(state));
            self.note(here, mark, Subject::User { email, state, password });
        }
        if !seats_first {
            self.quotas(here, wanted.quotas.as_ref(), &stored.quotas);
        }
        self.connections(wanted, known, (&roles.keys().collect(), &groups.keys().collect())).await?;
        self.webhooks(wanted, known).await?;
        self.prune(wanted, known, (&stored.roles, &stored.groups)).await?;
        self.roles.insert(known.scope.org_id(), roles);
        self.groups.insert(known.scope.org_id(), groups);
        Ok(())
    }

    async fn domains(
        &mut self,
        here: (&Slug, OrgScope),
        wanted: Option<&[Placed<DomainName>]>,
        stored: &[OrgDomain],
    ) -> Result<(), Failure> {
        let Some(wanted) = wanted else { return Ok(()) };
        // What the organization proved itself is its own, whatever a file says.
        let vouched = stored.iter().filter(|stored| stored.challenge.is_none());
        for domain in vouched.filter(|stored| wanted.iter().all(|domain| domain.value != stored.name)) {
            self.note(here, Some(Mark::Removed), Subject::Domain(domain.name.clone()));
        }
        for domain in wanted {
            if is_public_mail(&domain.value) {
                self.problems.add(&domain.place, format!("{} is a provider's of public mail", domain.value));
            }
            if stored.iter().any(|stored| stored.name == domain.value && stored.verified_at.is_some()) {
                self.note(here, None, Subject::Domain(domain.value.clone()));
                continue;
            }
            let owner = self.env.store.resolve_domain_owner(&domain.value).await?;
            if let Some(owner) = owner.filter(|owner| *owner != here.1.org_id()) {
                let owner = self.env.store.resolve(OrgHint::Id(owner)).await?;
                let text = format!(
                    "the domain {} is, or was, the organization {}'s, and a domain is never given to another",
                    domain.value,
                    owner.map_or_else(String::new, |owner| owner.slug.to_string()),
                );
                self.problems.add(&domain.place, text);
            }
            self.note(here, Some(Mark::Created), Subject::Domain(domain.value.clone()));
        }
        Ok(())
    }

    async fn delegations(
        &mut self,
        (here, known): ((&Slug, OrgScope), &Known),
        wanted: Option<&[WantedDelegation]>,
        stored: &[Delegation],
    ) -> Result<(), Failure> {
        let Some(wanted) = wanted else { return Ok(()) };
        let mut gone: BTreeMap<OrgId, &Delegation> = stored.iter().map(|one| (one.delegate, one)).collect();
        for delegation in wanted {
            let slug = &delegation.organization;
            let Some(above) = self.refer(slug).await? else { continue };
            let delegate = above.scope.org_id();
            if !known.line.iter().skip(1).any(|ancestor| *ancestor == delegate) {
                let text = format!("{} is not above {}, and only what is can be let in", slug.value, here.0);
                self.problems.add(&slug.place, text);
                continue;
            }
            let now = self.env.clock.now();
            let before = gone.remove(&delegate);
            let permissions = delegation.permissions.clone();
            let mark = match before {
                None => Some(Mark::Created),
                Some(before) => Mark::of([("permissions", before.permissions != permissions)]),
            };
            let created_at = before.map_or(now, |before| before.created_at);
            let after = Delegation { delegate, permissions, created_at, updated_at: now };
            self.note(here, mark, Subject::Delegation(after, slug.value.clone()));
        }
        for delegation in gone.into_values() {
            let above = self.env.store.resolve(OrgHint::Id(delegation.delegate)).await?;
            let slug = above.map_or_else(|| here.0.clone(), |above| above.slug);
            self.note(here, Some(Mark::Removed), Subject::Delegation(delegation.clone(), slug));
        }
        Ok(())
    }

    fn role(&self, wanted: &WantedRole, stored: &[Role]) -> Result<(Option<Mark>, Role), Failure> {
        let slug = &wanted.slug.value;
        let permissions = wanted.permissions.clone();
        let Some(stored) = stored.iter().find(|role| role.slug == *slug) else {
            let id = RoleId::from_uuid(self.env.random.uuid(self.env.clock.now())?);
            let name = match &wanted.name {
                Some(name) => name.clone(),
                None => called_by(slug)?,
            };
            let permissions = permissions.unwrap_or_default();
            return Ok((Some(Mark::Created), Role { id, slug: slug.clone(), name, permissions }));
        };
        let role = Role {
            name: wanted.name.clone().unwrap_or_else(|| stored.name.clone()),
            permissions: permissions.unwrap_or_else(|| stored.permissions.clone()),
            ..stored.clone()
        };
        let mark = Mark::of([
            ("name", role.name != stored.name),
            ("permissions", role.permissions != stored.permissions),
        ]);
        Ok((mark, role))
    }

    /// The groups, those before that others are to be inside of: a group is made before what refers to it. All that there
    /// will be are answered.
    fn groups(
        &mut self,
        here: (&Slug, OrgScope),
        (wanted, roles): (&WantedOrganization, &BTreeMap<Slug, RoleId>),
        stored: &[Group],
    ) -> Result<BTreeMap<Slug, GroupId>, Failure> {
        let mut known: BTreeMap<Slug, GroupId> =
            stored.iter().map(|group| (group.slug.clone(), group.id)).collect();
        if self.prunes(wanted, Kind::Groups) {
            known.retain(|slug, _| wanted.groups.iter().any(|group| group.slug.value == *slug));
        }
        for group in &wanted.groups {
            if !known.contains_key(&group.slug.value) {
                let id = GroupId::from_uuid(self.env.random.uuid(self.env.clock.now())?);
                known.insert(group.slug.value.clone(), id);
            }
        }
        let mut planned = Vec::with_capacity(wanted.groups.len());
        for group in &wanted.groups {
            planned.push((group, self.group(here.0, (group, roles, &known), stored)?));
        }
        let all = stored.iter().map(|group| (&group.slug, group.parents.keys().collect::<Vec<_>>()));
        let mut inside: BTreeMap<&Slug, Vec<&Slug>> = all.collect();
        inside.extend(planned.iter().map(|(_, (_, group))| (&group.slug, group.parents.keys().collect())));
        let order = outermost_first(&inside);
        for (wanted, (_, group)) in &planned {
            if !order.contains(&&group.slug) {
                self.problems
                    .add(&wanted.slug.place, format!("the group {} is inside of itself", group.slug));
            }
        }
        let place = |slug: &Slug| order.iter().position(|known| *known == slug);
        let mut sorted: Vec<_> = planned.iter().map(|(_, change)| change).collect();
        sorted.sort_by_key(|(_, group)| place(&group.slug));
        for (mark, group) in sorted.into_iter().cloned().collect::<Vec<_>>() {
            self.note(here, mark, Subject::Group(group));
        }
        Ok(known)
    }

    fn group(
        &mut self,
        org: &Slug,
        (wanted, roles, known): (&WantedGroup, &BTreeMap<Slug, RoleId>, &BTreeMap<Slug, GroupId>),
        stored: &[Group],
    ) -> Result<(Option<Mark>, Group), Failure> {
        let slug = &wanted.slug.value;
        let roles = self.resolve(("role", org), wanted.roles.as_deref(), roles);
        let parents = self.resolve(("group", org), wanted.parents.as_deref(), known);
        let Some(stored) = stored.iter().find(|group| group.slug == *slug) else {
            let name = match &wanted.name {
                Some(name) => name.clone(),
                None => called_by(slug)?,
            };
            let corrupt = || StorageError::Corrupt { table: "groups", column: "id" };
            let group = Group {
                id: known.get(slug).copied().ok_or_else(corrupt)?,
                slug: slug.clone(),
                name,
                roles: roles.unwrap_or_default(),
                parents: parents.unwrap_or_default(),
                inherited: BTreeSet::new(),
            };
            return Ok((Some(Mark::Created), group));
        };
        let group = Group {
            name: wanted.name.clone().unwrap_or_else(|| stored.name.clone()),
            roles: roles.unwrap_or_else(|| stored.roles.clone()),
            parents: parents.unwrap_or_else(|| staying(&stored.parents, known)),
            ..stored.clone()
        };
        let mark = Mark::of([
            ("name", group.name != stored.name),
            ("roles", group.roles != stored.roles),
            ("parents", group.parents != stored.parents),
        ]);
        Ok((mark, group))
    }

    pub(super) fn resolve_roles(
        &mut self,
        org: &Slug,
        wanted: Option<&[Placed<Slug>]>,
        known: &BTreeMap<Slug, RoleId>,
    ) -> Option<BTreeMap<Slug, RoleId>> {
        self.resolve(("role", org), wanted, known)
    }

    /// What is called so in an organization; a problem, where nothing is.
    pub(super) fn resolve<Id: Copy>(
        &mut self,
        (what, org): (&str, &Slug),
        wanted: Option<&[Placed<Slug>]>,
        known: &BTreeMap<Slug, Id>,
    ) -> Option<BTreeMap<Slug, Id>> {
        let wanted = wanted?;
        let mut found = BTreeMap::new();
        for named in wanted {
            if let Some(id) = known.get(&named.value) {
                found.insert(named.value.clone(), *id);
            } else {
                let names: Vec<_> = known.keys().map(Slug::as_str).collect();
                let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
                let text = format!("{org} has no {what} {}; it has {names}", named.value);
                self.problems.add(&named.place, text);
            }
        }
        Some(found)
    }

    fn new_user(&self, wanted: &WantedUser, rights: Rights) -> Result<UserState, Failure> {
        Ok(UserState {
            id: UserId::from_uuid(self.env.random.uuid(self.env.clock.now())?),
            email: Some(wanted.email.value.clone()),
            vouched: wanted.vouched,
            name: wanted.name.clone(),
            status: wanted.status.unwrap_or(UserStatus::Active),
            roles: rights.roles,
            groups: rights.groups,
            break_glass: wanted.break_glass.unwrap_or_default(),
            attributes: wanted.attributes.clone(),
            external_id: wanted.external_id.clone(),
            ends_sessions: None,
        })
    }
}

fn compare_organization(
    wanted: &WantedOrganization,
    known: &Known,
    stored: &Stored,
) -> (Option<Mark>, OrganizationState) {
    let now = stored.organization.as_ref();
    let status = wanted.status.as_ref().map(|status| status.value);
    let branding = || now.map_or_else(Branding::default, |now| now.branding.clone());
    let state = OrganizationState {
        parent: known.line.get(1).copied(),
        name: wanted.name.clone(),
        branding: wanted.branding.clone().unwrap_or_else(branding),
        status: status.or(now.map(|now| now.status)).unwrap_or(OrgStatus::Active),
        contact: wanted.contact.clone().or_else(|| now.and_then(|now| now.contact.clone())),
        attributes: wanted.attributes.clone().filter(|attributes| *attributes != stored.attributes),
        external_id: wanted.external_id.clone().filter(|id| stored.external_id.as_ref() != Some(id)),
        policy: wanted.policy.filter(|policy| *policy != stored.policy.unwrap_or_default()),
    };
    let mark = match now {
        Some(now) => Mark::of([
            ("name", state.name != now.name),
            ("branding", state.branding != now.branding),
            ("status", state.status != now.status),
            ("contact", state.contact != now.contact),
            ("attributes", state.attributes.is_some()),
            ("external_id", state.external_id.is_some()),
            ("policy", state.policy.is_some()),
        ]),
        None => Some(Mark::Created),
    };
    (mark, state)
}

/// Compares a user who is there. A password is compared by checking it against the stored hash.
async fn changed_user(
    env: &Env,
    scope: OrgScope,
    (wanted, rights): (&WantedUser, Rights),
    Member { user: stored, attributes: kept, groups: inside }: &Member,
) -> Result<(Option<Mark>, UserState, Option<Secret>), Failure> {
    let status = wanted.status.unwrap_or(stored.status);
    let password = match &wanted.password {
        Some(password) => differing_password(env, scope, password, stored).await?,
        None => None,
    };
    let held: BTreeSet<_> = stored.roles.iter().map(String::as_str).collect();
    let roles = rights.roles.filter(|roles| !roles.keys().map(Slug::as_str).eq(held.iter().copied()));
    let inside: BTreeSet<_> = inside.iter().map(String::as_str).collect();
    let groups = rights.groups.filter(|groups| !groups.keys().map(Slug::as_str).eq(inside.iter().copied()));
    let attributes = wanted.attributes.clone().filter(|attributes| attributes != kept);
    let external_id = wanted.external_id.clone().filter(|id| stored.external_id.as_ref() != Some(id));
    let mark = Mark::of([
        ("name", wanted.name.as_str() != stored.name),
        ("external_id", external_id.is_some()),
        ("status", status != stored.status),
        ("verified", wanted.vouched && !stored.email_verified),
        ("password", password.is_some()),
        ("roles", roles.is_some()),
        ("groups", groups.is_some()),
        ("attributes", attributes.is_some()),
        ("break_glass", wanted.break_glass.is_some_and(|wanted| wanted != stored.break_glass)),
    ]);
    let ends_sessions = if status == UserStatus::Deactivated && stored.status == UserStatus::Active {
        Some("user_deactivated")
    } else {
        password.as_ref().map(|_| "password_changed")
    };
    let state = UserState {
        id: stored.id,
        email: Some(wanted.email.value.clone()),
        vouched: wanted.vouched,
        name: wanted.name.clone(),
        status,
        roles,
        groups,
        break_glass: wanted.break_glass.unwrap_or(stored.break_glass),
        attributes,
        external_id,
        ends_sessions,
    };
    Ok((mark, state, password))
}

async fn differing_password(
    env: &Env,
    scope: OrgScope,
    wanted: &Secret,
    stored: &StoredUser,
) -> Result<Option<Secret>, Failure> {
    let phc = stored.phc.as_deref();
    let verdict = match phc {
        Some(_) => {
            env.passwords
                .verify(&env.passwords.queue_up(scope.org_id())?, wanted.reveal(), (phc, None))
                .await?
        }
        None => Verdict::Wrong,
    };
    Ok((verdict == Verdict::Wrong).then(|| wanted.clone()))
}

/// Those that are not pruned.
fn staying(parents: &BTreeMap<Slug, GroupId>, known: &BTreeMap<Slug, GroupId>) -> BTreeMap<Slug, GroupId> {
    parents
        .iter()
        .filter(|(slug, _)| known.contains_key(slug))
        .map(|(slug, id)| (slug.clone(), *id))
        .collect()
}

/// A slug is also a name for people.
pub(super) fn called_by(slug: &Slug) -> Result<DisplayName, StorageError> {
    DisplayName::parse(slug.as_str()).map_err(|_| StorageError::Corrupt { table: "roles", column: "name" })
}
