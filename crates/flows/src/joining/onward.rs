//! Whoever has joined goes on to where they were on the way to.

use orgate_storage::OrgScope;

use crate::authorize::Next;
use crate::choose::renew;
use crate::waiting::{WaitingError, take_up};
use crate::{Browser, Env, Failure};

/// Whether a request waits in this browser, in this organization.
///
/// # Errors
/// [`Failure`].
pub async fn waits(env: &Env, handle: &str, scope: &OrgScope, browser: &Browser) -> Result<bool, Failure> {
    match take_up(env, handle, browser).await {
        Ok(waiting) => Ok(waiting.is_resolved() && waiting.scope == *scope),
        Err(WaitingError::Over) => Ok(false),
        Err(WaitingError::Failure(failure)) => Err(failure),
    }
}

/// Ends the request that waited, once, and makes it anew in the session that the browser has meanwhile.
///
/// # Errors
/// [`WaitingError::Over`] also where the browser has no session of the organization, or another call was first.
pub async fn go_on(env: &Env, handle: &str, browser: &Browser) -> Result<Next, WaitingError> {
    let waiting = take_up(env, handle, browser).await?;
    let (scope, reason) = (waiting.scope, waiting.asked().resolved_by.ok_or(WaitingError::Over)?);
    if browser.session_of(scope.org_id()).is_none() {
        return Err(WaitingError::Over);
    }
    renew(env, waiting, (&scope, reason), browser).await
}
