//! Whom the files have invited: after everything else, as they may be sent to an application that the files describe.

use std::collections::{BTreeMap, BTreeSet};

use orgate_domain::audit::Action;
use orgate_domain::invitations::{InvitationBasis, InvitationState};
use orgate_domain::names::Slug;
use orgate_storage::OrgTx;

use super::ApplyError;
use super::plan::{Change, Step, Subject, Why};
use super::planner::{Known, Planner};
use super::wanted::{Placed, Wanted, WantedOrganization};
use crate::configure::{Author, Mark};
use crate::invitations::make::{Maker, WantedInvitation, event_of, find_client, invite, no_landing, prepare};
use crate::{Env, Failure};

impl Planner<'_> {
    /// Compares whom the files invite with who is there, and who was invited.
    pub(super) async fn invitations(&mut self, wanted: &Wanted) -> Result<(), Failure> {
        let mut steps = Vec::new();
        let known: BTreeMap<_, _> =
            self.described().map(|(slug, known)| (slug.clone(), known.clone())).collect();
        for organization in wanted.organizations.iter().filter(|one| !one.invitations.is_empty()) {
            let Some(known) = known.get(&organization.slug.value) else { continue };
            self.check_landings(wanted, organization).await?;
            let changes = self.invite(organization, known).await?;
            if !changes.is_empty() {
                steps.push(Step { scope: known.scope, slug: organization.slug.value.clone(), changes });
            }
        }
        self.note_last(steps);
        Ok(())
    }

    async fn invite(
        &mut self,
        organization: &WantedOrganization,
        known: &Known,
    ) -> Result<Vec<Change>, Failure> {
        let described: BTreeSet<_> =
            organization.users.iter().map(|user| user.email.value.normalized()).collect();
        let mut tx = self.env.store.begin(&known.scope).await?;
        let mut changes = Vec::new();
        for wanted in &organization.invitations {
            self.check_gift((&organization.slug.value, known), wanted);
            let joined = described.contains(wanted.value.email.normalized())
                || tx.users().find_by_email(&wanted.value.email).await?.is_some();
            let mark = if joined { None } else { find_difference(self.env, &mut tx, &wanted.value).await? };
            match mark {
                Some(mark) => {
                    let subject = Subject::Invitation(Box::new(wanted.value.clone()));
                    changes.push(Change { mark, subject, why: Why::Wanted });
                }
                None => self.count_unchanged(),
            }
        }
        tx.commit().await?;
        Ok(changes)
    }

    /// Whether there are, or will be, the applications that people are sent to.
    async fn check_landings(
        &mut self,
        files: &Wanted,
        organization: &WantedOrganization,
    ) -> Result<(), Failure> {
        for Placed { value, place } in &organization.invitations {
            let Some(client_id) = &value.client_id else { continue };
            let described = files.clients.iter().find(|client| client.client_id.value == *client_id);
            let fault = match described {
                Some(client) if client.initiate_login_uri.is_some() => None,
                Some(_) => Some(no_landing()),
                None => find_client(self.env, client_id).await?.err(),
            };
            if let Some(fault) = fault {
                self.problems.add(place, format!("{}: {}", fault.field, fault.detail));
            }
        }
        Ok(())
    }

    /// Whether there is, or will be, what an invitation gives.
    fn check_gift(&mut self, (slug, known): (&Slug, &Known), wanted: &Placed<WantedInvitation>) {
        let org = known.scope.org_id();
        let roles = self.roles.get(&org).cloned().unwrap_or_default();
        let groups = self.groups.get(&org).cloned().unwrap_or_default();
        let placed = |slugs: &[Slug]| -> Vec<Placed<Slug>> {
            slugs.iter().map(|slug| Placed { value: slug.clone(), place: wanted.place.clone() }).collect()
        };
        self.resolve(("role", slug), Some(&placed(&wanted.value.roles)), &roles);
        self.resolve(("group", slug), Some(&placed(&wanted.value.groups)), &groups);
    }
}

/// How an invitation differs from the one that is open; `None` if it does not.
async fn find_difference(
    env: &Env,
    tx: &mut OrgTx,
    wanted: &WantedInvitation,
) -> Result<Option<Mark>, Failure> {
    let open = tx.invitations().find_open(&wanted.email).await?;
    // One that came of joining gives what that gives, and falls with it.
    let open = open.filter(|open| {
        open.state == InvitationState::Open
            && open.by == InvitationBasis::Invited
            && env.clock.now() < open.expires_at
    });
    let Some(open) = open else { return Ok(Some(Mark::Created)) };
    let slugs = |slugs: &[Slug]| slugs.iter().map(Slug::to_string).collect::<BTreeSet<_>>();
    Ok(Mark::of([
        ("roles", slugs(&wanted.roles) != open.roles),
        ("groups", slugs(&wanted.groups) != open.groups),
    ]))
}

/// Invites all of a step, each in the place of any invitation to them that is open. Whoever joined, or was invited so, since the
/// plan is left alone.
pub(super) async fn send(env: &Env, step: &Step) -> Result<(), ApplyError> {
    let wanted = step.changes.iter().filter_map(|change| match &change.subject {
        Subject::Invitation(wanted) => Some((**wanted).clone()),
        _ => None,
    });
    let drafts = prepare(env, &step.scope, None, wanted.collect()).await?;
    let mut tx = env.store.begin(&step.scope).await.map_err(Failure::from)?;
    tx.invitations().seize().await.map_err(Failure::from)?;
    let mut due = Vec::with_capacity(drafts.len());
    for draft in drafts {
        if makes_room(env, &mut tx, &draft.wanted).await? {
            due.push(draft);
        }
    }
    let made = invite(env, &mut tx, &Maker::operator(), &due).await?;
    for (draft, made) in due.iter().zip(made) {
        if let Err(fault) = made {
            let (email, slug) = (draft.wanted.email.as_str(), &step.slug);
            let text = format!("{email} cannot be invited to {slug}: {}", fault.detail);
            return Err(ApplyError::NotInvited(text));
        }
    }
    Ok(tx.commit().await.map_err(Failure::from)?)
}

/// Whether an invitation is still to be made; what it takes the place of is taken back.
async fn makes_room(env: &Env, tx: &mut OrgTx, wanted: &WantedInvitation) -> Result<bool, Failure> {
    let joined = tx.users().find_by_email(&wanted.email).await?.is_some();
    if joined || find_difference(env, tx, wanted).await?.is_none() {
        return Ok(false);
    }
    if let Some(open) = tx.invitations().find_open(&wanted.email).await?
        && tx.invitations().revoke(open.id, env.clock.now()).await?
    {
        let event = event_of(env, &Author::operator(), (Action::InvitationRevoked, open.id))?;
        tx.audit().insert(&event).await?;
    }
    Ok(true)
}
