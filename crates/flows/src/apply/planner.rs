//! Making a plan: the organizations are found, parents first, then what is in them is compared.

use std::collections::{BTreeMap, BTreeSet};

use orgate_domain::ids::{GroupId, OrgId, RoleId};
use orgate_domain::names::Slug;
use orgate_domain::organizations::OrgStatus;
use orgate_storage::OrgScope;
use orgate_storage::system::OrgHint;

use super::blueprints::Blueprints;
use super::plan::{Change, Plan, Step, Subject, Why};
use super::prune::Pruning;
use super::wanted::{Placed, Problems, Wanted, WantedOrganization};
use crate::bootstrap::OPERATOR_SLUG;
use crate::configure::{Mark, QuotaSettings};
use crate::{Env, Failure};

/// A plan in the making. What cannot be goes to its problems, and planning goes on, so that one run
/// finds them all.
pub(super) struct Planner<'a> {
    pub(super) env: &'a Env,
    pub(super) problems: Problems,
    /// What the files describe; `None` where that has a problem.
    known: BTreeMap<Slug, Option<Known>>,
    /// The roles of organizations that the files describe, as they will be.
    pub(super) roles: BTreeMap<OrgId, BTreeMap<Slug, RoleId>>,
    /// Their groups, likewise.
    pub(super) groups: BTreeMap<OrgId, BTreeMap<Slug, GroupId>>,
    pub(super) pruning: Pruning,
    /// By which organizations are made.
    pub(super) blueprints: Blueprints,
    steps: Vec<Step>,
    unchanged: usize,
}

/// An organization that the files describe or refer to.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) scope: OrgScope,
    /// Whether the plan makes it.
    pub(super) is_new: bool,
    /// Itself, then its ancestors, parent first.
    pub(super) line: Vec<OrgId>,
}

impl<'a> Planner<'a> {
    pub(super) fn new(env: &'a Env, pruning: Pruning) -> Self {
        Self {
            env,
            problems: Problems::default(),
            known: BTreeMap::new(),
            roles: BTreeMap::new(),
            groups: BTreeMap::new(),
            pruning,
            blueprints: Blueprints::default(),
            steps: Vec::new(),
            unchanged: 0,
        }
    }

    /// Compares all that is wanted with all that is there.
    pub(super) async fn run(mut self, wanted: &Wanted) -> Result<Result<Plan, Problems>, Failure> {
        self.find_blueprints(wanted).await?;
        let (ordered, circular) = parents_first(&wanted.organizations);
        for organization in circular {
            let text = format!("the parents of {} lead in a circle", organization.slug.value);
            self.problems.add(&organization.slug.place, text);
            self.known.insert(organization.slug.value.clone(), None);
        }
        for organization in ordered {
            let known = self.locate(organization).await?;
            self.known.insert(organization.slug.value.clone(), known.clone());
            if let Some(known) = known {
                self.organization(organization, &known).await?;
            }
        }
        let mut owned = BTreeMap::new();
        for client in &wanted.clients {
            if let Some(pair) = self.client(client).await? {
                owned.insert(client.client_id.value.as_str(), pair);
            }
        }
        self.access(wanted, &owned).await?;
        self.prune_clients(wanted).await?;
        self.invitations(wanted).await?;
        let Self { problems, steps, unchanged, pruning, .. } = self;
        Ok(problems.or(Plan { steps, unchanged, pruning }))
    }

    /// Finds the organization that an entry describes, or makes room for it.
    async fn locate(&mut self, wanted: &WantedOrganization) -> Result<Option<Known>, Failure> {
        let slug = &wanted.slug;
        let parent = match &wanted.parent {
            Some(parent) => match self.refer(parent).await? {
                Some(parent) => Some(parent),
                None => return Ok(None),
            },
            None => None,
        };
        let known = match self.find(&slug.value).await? {
            Found::Known(known) => {
                let now = known.line.get(1);
                let differs = |parent: &Known| now != Some(&parent.scope.org_id());
                if let (Some(place), true) = (&wanted.parent, parent.as_ref().is_some_and(differs)) {
                    let text = "an organization keeps the parent that it was made with";
                    self.problems.add(&place.place, text);
                }
                known
            }
            Found::Nothing if slug.value.as_str() == OPERATOR_SLUG => {
                let text = "the operator organization is made by Orgate, at its first start on this database";
                self.problems.add(&slug.place, text);
                return Ok(None);
            }
            Found::Nothing => {
                let id = OrgId::from_uuid(self.env.random.uuid(self.env.clock.now())?);
                let ancestors = parent.map(|parent| parent.line).unwrap_or_default();
                let line = std::iter::once(id).chain(ancestors).collect();
                Known { scope: self.env.store.found(id).await?, is_new: true, line }
            }
            Found::Unusable(text) => {
                self.problems.add(&slug.place, text);
                return Ok(None);
            }
        };
        Ok(Some(known))
    }

    /// Finds an organization that an entry refers to: described before, or in the database. One
    /// that is described and has a problem is `None` without another problem.
    pub(super) async fn refer(&mut self, slug: &Placed<Slug>) -> Result<Option<Known>, Failure> {
        if let Some(known) = self.known.get(&slug.value) {
            return Ok(known.clone());
        }
        let text = match self.find(&slug.value).await? {
            Found::Known(known) => return Ok(Some(known)),
            Found::Nothing => {
                format!("there is no organization {}, neither in these files nor in the database", slug.value)
            }
            Found::Unusable(text) => text,
        };
        self.problems.add(&slug.place, text);
        Ok(None)
    }

    async fn find(&self, slug: &Slug) -> Result<Found, Failure> {
        let Some(resolved) = self.env.store.resolve(OrgHint::Slug(slug)).await? else {
            return Ok(Found::Nothing);
        };
        if resolved.slug != *slug {
            let text = format!(
                "the slug {slug} was the organization {}'s, and a slug is never given to another",
                resolved.slug
            );
            return Ok(Found::Unusable(text));
        }
        if resolved.status == OrgStatus::Deleted {
            return Ok(Found::Unusable(format!(
                "the organization {slug} was deleted; its slug is not used again"
            )));
        }
        let line = self.env.store.ancestors(&resolved.scope).await?;
        Ok(Found::Known(Known { scope: resolved.scope, is_new: false, line }))
    }

    /// The organizations that the files describe.
    pub(super) fn described(&self) -> impl Iterator<Item = (&Slug, &Known)> {
        self.known.iter().filter_map(|(slug, known)| Some((slug, known.as_ref()?)))
    }

    /// Counts something that is as wanted, or notes how it differs in the organization's step.
    pub(super) fn note(&mut self, place: (&Slug, OrgScope), mark: Option<Mark>, subject: Subject) {
        let Some(mark) = mark else { return self.count_unchanged() };
        let (slug, scope) = place;
        let change = Change { mark, subject, why: Why::Wanted };
        // From the end: what belongs to one organization is mostly noted in a row.
        match self.steps.iter_mut().rfind(|step| step.scope == scope) {
            Some(step) => step.changes.push(change),
            None => self.steps.push(Step { scope, slug: slug.clone(), changes: vec![change] }),
        }
    }

    /// Notes how much an organization may have.
    pub(super) fn quotas(
        &mut self,
        here: (&Slug, OrgScope),
        wanted: Option<&QuotaSettings>,
        stored: &QuotaSettings,
    ) {
        if let Some(wanted) = wanted {
            self.note(here, wanted.mark(stored), Subject::Quotas(wanted.clone()));
        }
    }

    /// Notes changes in a transaction of their own, after what was noted so far.
    pub(super) fn note_apart(
        &mut self,
        (slug, scope): (&Slug, OrgScope),
        subjects: impl IntoIterator<Item = (Option<Mark>, Subject)>,
    ) {
        let mut changes = Vec::new();
        for (mark, subject) in subjects {
            match mark {
                Some(mark) => changes.push(Change { mark, subject, why: Why::Wanted }),
                None => self.count_unchanged(),
            }
        }
        if !changes.is_empty() {
            self.steps.push(Step { scope, slug: slug.clone(), changes });
        }
    }

    /// Notes what goes, in a transaction of its own, after what was noted so far.
    pub(super) fn note_pruned(&mut self, (slug, scope): (&Slug, OrgScope), gone: Vec<(Mark, Subject)>) {
        let changes = gone.into_iter().map(|(mark, subject)| Change { mark, subject, why: Why::Pruned });
        let changes: Vec<_> = changes.collect();
        if !changes.is_empty() {
            self.steps.push(Step { scope, slug: slug.clone(), changes });
        }
    }

    /// Counts something that is as wanted.
    pub(super) fn count_unchanged(&mut self) {
        self.unchanged += 1;
    }

    /// Notes changes that come after every other step.
    pub(super) fn note_last(&mut self, steps: impl IntoIterator<Item = Step>) {
        self.steps.extend(steps);
    }
}

/// What a slug leads to.
enum Found {
    Known(Known),
    Nothing,
    Unusable(String),
}

/// The organizations in an order in which each comes after its parent, and those that cannot be
/// ordered, because they descend from themselves.
fn parents_first(wanted: &[WantedOrganization]) -> (Vec<&WantedOrganization>, Vec<&WantedOrganization>) {
    let mut ordered = Vec::with_capacity(wanted.len());
    let mut waiting: Vec<_> = wanted.iter().collect();
    loop {
        let slugs: BTreeSet<_> = waiting.iter().map(|organization| &organization.slug.value).collect();
        let (ready, rest): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|organization| {
            organization.parent.as_ref().is_none_or(|parent| !slugs.contains(&parent.value))
        });
        if ready.is_empty() {
            return (ordered, rest);
        }
        ordered.extend(ready);
        waiting = rest;
    }
}
