//! Seats: how many active users and open invitations an organization may have together. The operator says so.
//!
//! **Invariant:** whatever makes a user, has one sign in again, or invites, asks here after its change, in its transaction;
//! those who ask wait for one another. An invitation that is used has its seat already.

use orgate_storage::OrgTx;

use crate::{Env, Failure};

/// There is no seat left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the organization has no seat left: deactivate a user, take back an invitation, or ask the operator for more"
)]
pub struct NoSeat;

/// Has others who take seats wait for this transaction, or waits for them, where there is an end of seats: before anything
/// else is locked that they might wait for.
pub(crate) async fn hold_seats(tx: &mut OrgTx) -> Result<(), Failure> {
    if tx.invitations().find_limit().await?.is_some() {
        tx.invitations().seize().await?;
    }
    Ok(())
}

/// Whether there were seats enough for a change.
///
/// # Errors
/// [`Failure::NoSeat`].
pub(crate) async fn check_seats(env: &Env, tx: &mut OrgTx) -> Result<(), Failure> {
    match tx.invitations().find_seats(env.clock.now()).await? {
        Some(..0) => Err(NoSeat.into()),
        Some(_) | None => Ok(()),
    }
}
