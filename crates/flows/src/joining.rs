//! Joining without an invitation: somebody types an address, proves it by the link that is mailed to it, and joins or asks to.
//!
//! **Invariant:** what is done for an address that is typed, and what is said of it, is the same whoever it is: whether it is a
//! user's, and what the organization allows it, is looked at by the job that sends the mail, and by whoever has proven it.
//! Nobody takes a seat, or an administrator's time, with an address that is not proven.

pub mod ask;
pub(crate) mod mail;
pub mod onward;
pub mod prove;

use orgate_domain::email::Email;
use orgate_domain::joining::{AddressAt, Entry, Joining};
use orgate_domain::permissions::Held;
use orgate_storage::{HeldRights, OrgScope, OrgTx, StorageError};

use crate::{Env, Failure};

/// Whether the organization lets anybody join or ask, as its pages say.
pub(crate) async fn is_offered(env: &Env, scope: &OrgScope) -> Result<bool, Failure> {
    let configuration = env.configuration.sign_in(&env.store, scope).await?;
    Ok(configuration.joins)
}

/// What whoever has this address may do, and what the organization said.
pub(crate) async fn entry_of(
    tx: &mut OrgTx,
    email: &Email,
) -> Result<Option<(Entry, Joining)>, StorageError> {
    let Some(joining) = tx.joining().find().await? else { return Ok(None) };
    let at = if tx.invitations().is_of_verified_domain(email).await? {
        AddressAt::VerifiedDomain
    } else {
        AddressAt::Elsewhere
    };
    let entry = joining.entry(at);
    if entry == Entry::Automatic && !is_vouched_for(tx, email, &joining).await? {
        return Ok(Some((Entry::Request, joining)));
    }
    Ok(Some((entry, joining)))
}

/// Whether somebody's word is behind it that whoever has this address joins: of who set it when the domain was the organization's
/// already, since others may prove domains, and could give what joining gives still.
async fn is_vouched_for(tx: &mut OrgTx, email: &Email, joining: &Joining) -> Result<bool, StorageError> {
    if !tx.invitations().is_of_domain_verified_by(email, joining.set_at).await? {
        return Ok(false);
    }
    let held = match joining.maker() {
        Some(maker) => tx.rights().find_of_maker((maker, joining.set_at)).await?,
        None => HeldRights::default(),
    };
    let mut roles = if joining.roles.is_empty() { Vec::new() } else { tx.roles().list().await? };
    roles.retain(|role| joining.roles.contains(role.slug.as_str()));
    let given = roles.iter().map(|role| (role.slug.as_str(), &role.permissions));
    let holds = Held::of(held.permissions.iter().map(String::as_str));
    Ok(joining.could_be_given((&held.roles, &holds), given))
}
