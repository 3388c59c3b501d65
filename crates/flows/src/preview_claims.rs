//! What a client's own claims would be, before anybody signs in: of the mappings that are kept, or of others.

use orgate_domain::clients::ClientSettings;
use orgate_domain::clients::claims::{ClaimTarget, ClaimValues, MappedClaims, map_claims};
use orgate_domain::ids::UserId;
use orgate_protocol::oauth::ScopeSet;
use orgate_storage::OrgScope;

use crate::sessions::list_sessions;
use crate::{Env, Failure};

/// What each place would say.
#[derive(Debug)]
pub struct ClaimsPreview {
    /// The access token.
    pub access_token: MappedClaims,
    /// The ID token; `None` for a machine, which has none.
    pub id_token: Option<MappedClaims>,
    /// The answer of `/userinfo`, likewise.
    pub userinfo: Option<MappedClaims>,
}

/// What they come to for a user with what was granted; for the client itself, if no user is named. What a connection
/// says of a user is taken from the session that they used last, and from none if they have none open. Nothing is
/// changed.
///
/// # Errors
/// [`Failure`].
pub async fn preview_claims(
    env: &Env,
    scope: &OrgScope,
    settings: &ClientSettings,
    (user, granted): (Option<UserId>, &ScopeSet),
) -> Result<ClaimsPreview, Failure> {
    let newest = match user {
        Some(user) => list_sessions(env, scope, Some(user)).await?.first().map(|session| session.id),
        None => None,
    };
    let mut tx = env.store.begin(scope).await?;
    let known = match user {
        Some(user) => tx.attributes().find_claim_values_of_user(user, newest).await?,
        None => ClaimValues {
            user: None,
            organization_name: tx
                .organization()
                .find()
                .await?
                .map_or_else(String::new, |found| found.name.as_str().to_owned()),
            organization_attributes: tx.attributes().find_of_organization().await?,
        },
    };
    tx.commit().await?;
    let told = |target: Option<ClaimTarget>| {
        let budget = target.map_or(usize::MAX, |_| settings.claims_budget);
        map_claims(settings.told_claims(), &known, |scope| granted.contains(scope), (target, budget))
    };
    Ok(ClaimsPreview {
        access_token: told(Some(ClaimTarget::AccessToken)),
        id_token: user.map(|_| told(Some(ClaimTarget::IdToken))),
        userinfo: user.map(|_| told(None)),
    })
}
