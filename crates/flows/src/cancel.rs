//! Somebody does not want to sign in after all: the client hears `access_denied` (RFC 6749 §4.1.2.1).

use orgate_domain::audit::{Action, Event};
use orgate_domain::clients::ClientStatus;
use orgate_protocol::oauth::{ErrorCode, RequestError};

use crate::authorize::{Next, told};
use crate::waiting::{Waiting, WaitingError};
use crate::{Browser, Env, Failure, events};

/// Answers the request that waits, and ends it. A session that the browser has stays. A client that no organization has
/// let in yet hears of it only if somebody answers for it.
///
/// # Errors
/// [`WaitingError::Over`] if it was answered meanwhile.
pub async fn cancel(env: &Env, waiting: &Waiting, browser: &Browser) -> Result<Next, WaitingError> {
    let asked = waiting.asked();
    let event =
        events::refused(env, Action::SignInFailed, "cancelled", &browser.origin).map_err(Failure::from)?;
    // Nobody failed who did not try.
    let detail = vec![("purpose", "cancelled".to_owned())];
    let event = Event { client: Some(waiting.client().key()), detail, ..event };
    let mut tx = env.store.begin(waiting.scope()).await.map_err(Failure::from)?;
    if !tx.authorization_requests().consume(asked.id, env.clock.now()).await.map_err(Failure::from)? {
        return Err(WaitingError::Over);
    }
    tx.audit().insert(&event).await.map_err(Failure::from)?;
    tx.commit().await.map_err(Failure::from)?;
    let error = RequestError::new(ErrorCode::AccessDenied, "the sign-in was cancelled");
    let answer = waiting.pending.refuse(error);
    if waiting.is_resolved() && waiting.client().status == ClientStatus::Active {
        return Ok(Next::Answer(answer));
    }
    Ok(told(env, answer).await?)
}
