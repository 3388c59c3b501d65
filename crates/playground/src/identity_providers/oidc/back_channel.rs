//! Telling clients that a session is over (OIDC Back-Channel Logout §2).

use serde_json::json;

use super::OpenIdProvider;
use crate::{
    browser::random_token,
    identity_providers::{OpenIdClient, accounts::Session},
    timestamp::Timestamp,
};

/// How long a logout token is good for.
const LIFETIME_SECS: u64 = 120;

/// Tells those who know of the session, one after the other. Who cannot be reached is not asked again.
pub(super) async fn notify(provider: &OpenIdProvider, session: &Session) {
    for client_id in session.participants() {
        let Some(client) = provider.find_client(&client_id) else { continue };
        if let Err(error) = send(provider, client, session).await {
            tracing::warn!(client.id = client_id, %error, "a client could not be told of a sign-out");
        }
    }
}

async fn send(
    provider: &OpenIdProvider,
    client: &OpenIdClient,
    session: &Session,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let Some(url) = &client.backchannel_logout_uri else { return Ok(()) };
    let now = Timestamp::now().0;
    let claims = json!({
        "iss": provider.issuer,
        "aud": client.client_id,
        "sub": session.user.username,
        "sid": session.sid,
        "iat": now,
        "exp": now + LIFETIME_SECS,
        "jti": random_token()?,
        "events": { "http://schemas.openid.net/event/backchannel-logout": {} },
    });
    let token = provider.signer.sign("logout+jwt", &claims)?;
    let response = provider.http.post(url.clone()).form(&[("logout_token", token)]).send().await?;
    response.error_for_status()?;
    Ok(())
}
