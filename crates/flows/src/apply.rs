//! Bringing an installation to a wanted state, as an operator's files describe it.
//!
//! First a [`Plan`], which changes nothing; then its execution, one transaction an organization
//! with the audit events of its changes in it. What the files are silent about stays as it is;
//! applying the same state again changes nothing.
//!
//! **Invariant:** if anything in the wanted state is wrong, nothing is changed.

mod blueprints;
mod check;
mod clients;
mod connections;
mod execute;
mod invitations;
mod joining;
mod mail_templates;
mod organizations;
mod plan;
mod planner;
mod prune;
mod wanted;
mod webhooks;

pub use plan::Plan;
pub use prune::Pruning;
pub use wanted::{
    Kind, Place, Placed, Problem, Problems, Secret, Wanted, WantedClient, WantedConnection, WantedDelegation,
    WantedGroup, WantedJoining, WantedMailTemplate, WantedOrganization, WantedRole, WantedUser,
    WantedWebhook,
};

pub use crate::configure::QuotaSettings;
use crate::{Env, Failure};

/// What was applied.
#[derive(Debug, Default)]
pub struct Applied {
    /// How many things were changed.
    pub changes: usize,
    /// Secrets that were made: they are stored as hashes only, so this is the one time to show them.
    pub generated_secrets: Vec<GeneratedSecret>,
}

/// A fresh secret.
#[derive(Debug)]
pub struct GeneratedSecret {
    /// Whose: a client by its public id, a webhook by its address and organization.
    pub of: String,
    /// Its secret.
    pub secret: Secret,
}

/// Why a wanted state was not, or not wholly, applied.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The work could not be done; trying again may help.
    #[error(transparent)]
    Failure(#[from] Failure),
    /// A step failed. The steps before it are in force, their secrets among them; applying again
    /// does the rest.
    #[error("stopped after {} changes, which are in force; apply again to do the rest", applied.changes)]
    Interrupted {
        /// What is in force. A secret of the step that failed may be among it, if it is unknown
        /// whether that was committed.
        applied: Applied,
        /// Why.
        #[source]
        cause: Box<Self>,
    },
    /// The wanted state is wrong. Nothing was changed.
    #[error(transparent)]
    Invalid(#[from] Problems),
    /// An organization's last owner would go, because somebody else changed it since the plan. Nothing of the step is in force.
    #[error("{0} would be left without an owner: somebody changed it meanwhile; apply again")]
    LastOwner(String),
    /// Somebody cannot be invited, by what is there by now. Nothing of the step is in force.
    #[error("{0}")]
    NotInvited(String),
    /// A unique name is another's; of a name that was free when the plan was made.
    #[error("{0}")]
    Taken(String),
}

/// Compares the wanted state with the database. Changes nothing.
///
/// # Errors
/// [`ApplyError::Invalid`] with every problem found; [`ApplyError::Failure`].
pub async fn plan(env: &Env, wanted: &Wanted) -> Result<Plan, ApplyError> {
    plan_pruning(env, wanted, Pruning::Off).await
}

/// The same, where what the files do not name may go.
///
/// # Errors
/// See [`plan()`].
pub async fn plan_pruning(env: &Env, wanted: &Wanted, pruning: Pruning) -> Result<Plan, ApplyError> {
    wanted.check()?;
    Ok(planner::Planner::new(env, pruning).run(wanted).await??)
}

/// Carries a plan out, and tells after each step how many changes it made. Where somebody cannot be invited, that organization invites
/// nobody, and the others do: invitations are last.
///
/// # Errors
/// [`ApplyError::Interrupted`].
pub async fn execute(env: &Env, plan: Plan, mut made: impl FnMut(usize)) -> Result<Applied, ApplyError> {
    let mut applied = Applied::default();
    let mut not_invited = Vec::new();
    for step in &plan.steps {
        match execute::execute(env, (step, plan.pruning), &mut applied).await {
            Ok(()) => made(step.changes.len()),
            Err(ApplyError::NotInvited(why)) => not_invited.push(why),
            Err(cause) => return Err(ApplyError::Interrupted { applied, cause: Box::new(cause) }),
        }
    }
    if not_invited.is_empty() {
        return Ok(applied);
    }
    let cause = Box::new(ApplyError::NotInvited(not_invited.join("\n")));
    Err(ApplyError::Interrupted { applied, cause })
}
