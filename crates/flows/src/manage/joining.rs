//! Who may join the organization without an invitation, as its administrators say.

use orgate_domain::joining::{Entry, Joining};
use orgate_domain::names::Slug;
use orgate_storage::{OrgTx, Role, StorageError};

use super::change::Change;
use super::{Caller, ChangeError};
use crate::configure::save_joining;
use crate::invitations::make::{Known, MAX_GIVEN};
use crate::{Env, Failure};

/// What is to be allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoiningTerms {
    /// Whoever has an address of a verified domain.
    pub domains: Entry,
    /// Whoever has another one.
    pub others: Entry,
    /// Slugs of the roles that whoever joins is given.
    pub roles: Vec<Slug>,
}

/// What the organization said; `None`: nothing, and nobody joins.
///
/// # Errors
/// [`Failure`].
pub async fn find_joining(env: &Env, caller: &Caller) -> Result<Option<Joining>, Failure> {
    caller.read(env, async |tx| tx.joining().find().await).await
}

/// Says it anew: `edit` is shown what was said, and says what is to be. Whoever does vouches for the roles, and gives none that
/// they may not give.
///
/// # Errors
/// [`ChangeError`], also what `edit` says.
pub async fn update_joining(
    env: &Env,
    caller: &Caller,
    edit: impl FnOnce(Option<&Joining>) -> Result<JoiningTerms, ChangeError>,
) -> Result<Joining, ChangeError> {
    let change = async {
        let lock = async |tx: &mut OrgTx| {
            tx.roles().seize().await?; // what it gives is not changed meanwhile
            tx.joining().seize().await
        };
        let mut change = Change::begin(env, caller, lock).await?;
        let Change { tx, caller, .. } = &mut change;
        let before = tx.joining().find().await?;
        let JoiningTerms { domains, others, roles } = edit(before.as_ref())?;
        if others == Entry::Automatic {
            let detail = "closed or request: nobody's word is behind an address elsewhere";
            return Err(ChangeError::invalid("/others", detail));
        }
        if roles.len() > MAX_GIVEN {
            return Err(ChangeError::invalid("/roles", format!("at most {MAX_GIVEN}")));
        }
        let maker = caller.invites();
        let known = Known::read(tx).await?;
        let found = known.roles_of(&roles)?;
        // Those that somebody else put there, and that nobody is given by this word, are nobody's gift.
        let had = before.as_ref().map(|before| &before.roles);
        let is_given = |role: &&Role| {
            domains == Entry::Automatic || !had.is_some_and(|had| had.contains(role.slug.as_str()))
        };
        let given: Vec<_> = found.iter().copied().filter(is_given).collect();
        maker.check_gift(&known, (&given, &[]))?;
        let roles = roles.iter().map(|slug| slug.as_str().to_owned()).collect();
        let after = Joining { domains, others, roles, set_by: maker.id.clone(), set_at: env.clock.now() };
        if let Some(before) = before.filter(|before| is_same(before, &after))
            && covers_all(tx, &before).await?
        {
            return Ok(before);
        }
        save_joining(env, tx, &caller.author(), &after).await?;
        let after = tx.joining().find().await?.ok_or(ChangeError::Missing)?;
        change.commit().await?;
        Ok(after)
    };
    caller.conclude(env, change).await
}

/// Whether it was said of all domains that are verified by now: it is said anew otherwise.
async fn covers_all(tx: &mut OrgTx, said: &Joining) -> Result<bool, StorageError> {
    let domains = tx.domains().list().await?;
    Ok(domains.iter().filter_map(|domain| domain.verified_at).all(|at| said.covers(at)))
}

/// Whether it says the same, by the same word.
fn is_same(before: &Joining, after: &Joining) -> bool {
    *before == Joining { set_at: before.set_at, ..after.clone() }
}
