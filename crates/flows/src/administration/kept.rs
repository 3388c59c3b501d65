//! What a browser keeps for the pages: sealed, so that neither it nor whoever copies it can read or change it, and bound to that
//! browser, so that it is worth nothing in another one.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, Duration, Utc};
use orgate_storage::OrgScope;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::issue::IssuedTokens;
use crate::vault::{Purpose, VaultError};
use crate::{Browser, Env, Failure};

/// An access token is replaced this long before it expires: a request has to come to its end with it.
const BEFORE_EXPIRY: Duration = Duration::seconds(15);

/// By what an administrator is signed in.
#[derive(Serialize, Deserialize)]
pub(super) struct Tokens {
    pub(super) access_token: String,
    pub(super) refresh_token: String,
    expires_at: DateTime<Utc>,
}

/// A sign-in under way.
#[derive(Serialize, Deserialize)]
pub(super) struct SignIn {
    pub(super) verifier: String,
    pub(super) nonce: String,
    pub(super) return_to: String,
    pub(super) began_at: DateTime<Utc>,
}

impl Tokens {
    /// What was issued; `None` without a refresh token, which the scope asks for.
    pub(super) fn of(env: &Env, issued: IssuedTokens) -> Option<Self> {
        let lifetime = Duration::seconds(issued.expires_in.into());
        Some(Self {
            access_token: issued.access_token,
            refresh_token: issued.refresh_token?,
            expires_at: env.clock.now() + lifetime - BEFORE_EXPIRY,
        })
    }

    /// Whether there is time left for another request.
    pub(super) fn is_fresh(&self, env: &Env) -> bool {
        env.clock.now() < self.expires_at
    }

    pub(super) async fn seal(
        &self,
        env: &Env,
        scope: &OrgScope,
        browser: &Browser,
    ) -> Result<String, Failure> {
        seal(env, scope, (Purpose::AdministrationSession, &row("", browser)), self).await
    }

    /// What [`Tokens::seal`] made, in this organization and browser.
    pub(super) async fn open(
        env: &Env,
        (scope, sealed): (&OrgScope, &str),
        browser: &Browser,
    ) -> Result<Option<Self>, Failure> {
        open(env, scope, (Purpose::AdministrationSession, &row("", browser)), sealed).await
    }
}

impl SignIn {
    pub(super) async fn seal(
        &self,
        env: &Env,
        (owner, state): (&OrgScope, &str),
        browser: &Browser,
    ) -> Result<String, Failure> {
        seal(env, owner, (Purpose::AdministrationSignIn, &row(state, browser)), self).await
    }

    /// What [`SignIn::seal`] made, for this state and browser.
    pub(super) async fn open(
        env: &Env,
        (owner, state, sealed): (&OrgScope, &str, &str),
        browser: &Browser,
    ) -> Result<Option<Self>, Failure> {
        open(env, owner, (Purpose::AdministrationSignIn, &row(state, browser)), sealed).await
    }
}

/// Of what it is a part: this browser, and the state of its sign-in.
fn row(state: &str, browser: &Browser) -> String {
    format!("{}/{state}", BASE64_URL_SAFE_NO_PAD.encode(browser.binding.as_bytes()))
}

async fn seal(
    env: &Env,
    scope: &OrgScope,
    place: (Purpose, &str),
    kept: &impl Serialize,
) -> Result<String, Failure> {
    let plain = serde_json::to_vec(kept).map_err(|_| VaultError::Ciphertext)?;
    let sealed = env.vault.seal(env, scope, place, &plain).await?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(sealed))
}

/// What was sealed; what does not open is as good as none: whoever sends it signs in anew.
async fn open<T: DeserializeOwned>(
    env: &Env,
    scope: &OrgScope,
    place: (Purpose, &str),
    sealed: &str,
) -> Result<Option<T>, Failure> {
    let Ok(sealed) = BASE64_URL_SAFE_NO_PAD.decode(sealed) else { return Ok(None) };
    match env.vault.open(env, scope, place, &sealed).await {
        Ok(plain) => Ok(serde_json::from_slice(&plain).ok()),
        Err(VaultError::Ciphertext) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
