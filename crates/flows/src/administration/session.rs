//! Each request of a signed-in administrator: what their browser keeps is opened, refreshed if its time is over, and then asked
//! about as any program's token is.

use orgate_domain::clients::ADMINISTRATION;
use orgate_domain::names::DisplayName;
use orgate_domain::permissions::{self, OrgatePermission};
use orgate_protocol::oauth::token::GrantRequest;
use orgate_storage::{OrgScope, Role};

use super::kept::Tokens;
use super::sign_in::call;
use crate::manage::Caller;
use crate::manage::access::{Access, Asked, Holder, admit};
use crate::refresh::Refreshed;
use crate::revoke::revoke;
use crate::token::TokenOutcome;
use crate::{Browser, Called, Env, Failure};

/// What a request comes to.
#[derive(Debug)]
pub struct Entry {
    /// Who it is, or why not.
    pub held: Held,
    /// What the browser keeps from now on, if it is something else than before.
    pub kept: Option<String>,
}

/// Whether a browser is signed in, and may do what is asked.
#[derive(Debug)]
pub enum Held {
    /// It is, and may.
    Admitted(Box<Caller>),
    /// It is, and may not.
    Forbidden(Forbidden),
    /// It is not, or not any more.
    SignedOut,
}

/// What somebody would have to hold.
#[derive(Debug)]
pub struct Forbidden {
    /// Which permission.
    pub permission: OrgatePermission,
    /// Names of the roles of the organization that have it.
    pub roles: Vec<DisplayName>,
}

/// Lets a browser in, to do what takes this permission in the organization that the address names: by `kept`, which it kept for
/// that organization.
///
/// # Errors
/// [`Failure`], also of whoever asks too often.
pub async fn enter(
    env: &Env,
    (organization, kept): (&str, Option<&str>),
    permission: OrgatePermission,
    browser: &Browser,
) -> Result<Entry, Failure> {
    let signed_out = Entry { held: Held::SignedOut, kept: None };
    let Some((scope, mut tokens)) = open(env, (organization, kept), browser).await? else {
        return Ok(signed_out);
    };
    let mut renewed = false;
    loop {
        if !renewed && !tokens.is_fresh(env) {
            let Some(fresh) = renew(env, &tokens, browser).await? else { return Ok(signed_out) };
            (tokens, renewed) = (fresh, true);
        }
        let asked = Asked {
            organization: Some(organization),
            permission,
            holder: Holder::Organization,
            reason: None,
        };
        let admission = admit(env, (&tokens.access_token, None), asked, &browser.origin).await?;
        let held = match admission.access {
            Access::Granted(caller) => Held::Admitted(caller),
            Access::Forbidden => Held::Forbidden(forbidden(env, &scope, permission).await?),
            // What they were given since the token was issued, another one lends.
            Access::NotYetLent if !renewed => {
                let Some(fresh) = renew(env, &tokens, browser).await? else { return Ok(signed_out) };
                (tokens, renewed) = (fresh, true);
                continue;
            }
            _ => return Ok(signed_out),
        };
        let kept = if renewed { Some(tokens.seal(env, &scope, browser).await?) } else { None };
        return Ok(Entry { held, kept });
    }
}

async fn open(
    env: &Env,
    (organization, kept): (&str, Option<&str>),
    browser: &Browser,
) -> Result<Option<(OrgScope, Tokens)>, Failure> {
    let Some(kept) = kept else { return Ok(None) };
    let Some(scope) = env.configuration.organization(&env.store, organization).await? else {
        return Ok(None);
    };
    let tokens = Tokens::open(env, (&scope, kept), browser).await?;
    Ok(tokens.map(|tokens| (scope, tokens)))
}

/// Refreshes as `/token` does. Of two requests that do so at once with the same token, both are given the same next one.
async fn renew(env: &Env, tokens: &Tokens, browser: &Browser) -> Result<Option<Tokens>, Failure> {
    let grant = GrantRequest::RefreshToken { refresh_token: tokens.refresh_token.clone(), scope: None };
    Ok(match call(env, &grant, browser).await? {
        Some(TokenOutcome::Refresh(Refreshed::Granted(issued))) => Tokens::of(env, issued),
        _ => None,
    })
}

async fn forbidden(env: &Env, scope: &OrgScope, permission: OrgatePermission) -> Result<Forbidden, Failure> {
    let mut tx = env.store.begin(scope).await?;
    let roles = tx.roles().list().await?;
    tx.commit().await?;
    let holds =
        |role: &Role| permissions::Held::of(role.permissions.iter().map(String::as_str)).has(permission);
    let roles = roles.into_iter().filter(holds).map(|role| role.name).collect();
    Ok(Forbidden { permission, roles })
}

/// Gives up what a browser kept for an organization: the whole family of its tokens.
///
/// # Errors
/// [`Failure`]: the tokens may still be good.
pub async fn leave(
    env: &Env,
    (organization, kept): (&str, Option<&str>),
    browser: &Browser,
) -> Result<(), Failure> {
    let Some((_, tokens)) = open(env, (organization, kept), browser).await? else { return Ok(()) };
    let Some(client) = env.configuration.client(&env.store, ADMINISTRATION).await? else { return Ok(()) };
    revoke(env, (Called::default(), &client), &tokens.refresh_token, &browser.origin).await
}
