//! What a client is told of a request that nobody signs in for.

use orgate_domain::clients::{ClientStatus, Party};
use orgate_domain::organizations::OrgStatus;
use orgate_protocol::oauth::{ErrorCode, RequestError};
use orgate_storage::system::OrgHint;

use super::facts::welcomes;
use super::{Answer, Destination, Next, Pending, Refused, RefusedBecause};
use crate::{Env, Failure};

/// Tells the client what went wrong before an organization let it in, if somebody here answers for it. A browser is
/// sent to no address that a stranger chose, or a link to us would lead wherever they like (RFC 9700 §4.11.2).
pub(crate) async fn told(env: &Env, answer: Answer) -> Result<Next, Failure> {
    let vouched_for = match (&answer.to, answer.client.settings.party) {
        (Destination::Device(_), _) => true,
        _ if answer.client.status == ClientStatus::Disabled => false,
        (_, Party::First) => true,
        (_, Party::Unregistered) => false,
        // Whoever owns it registered it, or gave somebody a token to.
        (_, Party::Third) => match env.store.resolve(OrgHint::Id(answer.client.owner)).await? {
            Some(owner) => {
                owner.status == OrgStatus::Active && welcomes(env, &answer.client, &owner.scope).await?
            }
            None => false,
        },
    };
    if vouched_for {
        return Ok(Next::Answer(answer));
    }
    Ok(Next::Refused(Refused { why: RefusedBecause::NotTold, client: answer.client, organization: None }))
}

/// The answer that a request gets without a page.
pub(super) fn answered(pending: &Pending, code: ErrorCode) -> Answer {
    let description = match code {
        ErrorCode::AccessDenied => "the organization cannot be used with this application",
        ErrorCode::AccountSelectionRequired => "several organizations are possible",
        ErrorCode::ConsentRequired => "the user has not consented to what the application asks for",
        ErrorCode::InteractionRequired => "organization_required: the request names no organization",
        ErrorCode::InvalidRequestUri => "the pushed request was answered before",
        ErrorCode::LoginRequired => "nobody is signed in to the organization",
        ErrorCode::OrganizationMismatch => "the request names two organizations",
        _ => "the request cannot be answered",
    };
    pending.refuse(RequestError::new(code, description))
}
