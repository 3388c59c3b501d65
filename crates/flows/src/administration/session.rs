//! Each request of a signed-in administrator: what their browser keeps is opened, refreshed if its time is over, and then asked
//! about as any program's token is.

use orgate_domain::clients::ADMINISTRATION;
use orgate_domain::names::DisplayName;
use orgate_domain::permissions::{self, OrgatePermission};
use orgate_protocol::oauth::token::GrantRequest;
use orgate_storage::{OrgScope, Role};

use super::kept::Tokens;
use super::sign_in::call;
use crate::limits::Limited;
use crate::manage::Caller;
use crate::manage::access::{Access, Asked, Holder, admit};
use crate::refresh::Refreshed;
use crate::revoke::revoke;
use crate::token::TokenOutcome;
use crate::{Browser, Called, Env, Failure};

/// Roles that are named to somebody who lacks a permission, at most.
const NAMED: usize = 10;

/// What a request comes to.
#[derive(Debug)]
pub struct Entry {
    /// Who it is, or why not; a [`Failure`] also of whoever asks too often.
    pub held: Result<Held, Failure>,
    /// What the browser keeps from now on, if it is something else than before: whatever `held` is, as what it kept until then
    /// was used up for that.
    pub kept: Option<String>,
}

/// What a page is about.
#[derive(Debug, Clone, Copy)]
pub enum Subject<'a> {
    /// All organizations: for people of the operator's.
    All,
    /// Another organization, for people of the operator's, or of one above it that it lets in.
    Other {
        /// Its id or slug.
        organization: &'a str,
        /// Who may do this.
        holder: Holder,
        /// Why they do, which operators have to say.
        reason: Option<&'a str>,
    },
    /// The organization that they are signed in to.
    Own,
}

/// Whether a browser is signed in, and may do what is asked.
#[derive(Debug)]
pub enum Held {
    /// It is, and may.
    Admitted(Box<Caller>),
    /// It is, and asks about an organization that is not theirs to ask about, whether it exists or not.
    Elsewhere,
    /// It is, and may not.
    Forbidden(Forbidden),
    /// It is, and may act in the organization that is asked about, but that does not let it do this.
    NotDelegated(OrgatePermission),
    /// It is, and may, once it says why.
    ReasonMissing,
    /// It is not, or not any more.
    SignedOut,
}

/// What somebody would have to hold.
#[derive(Debug)]
pub struct Forbidden {
    /// Which permission.
    pub permission: OrgatePermission,
    /// Names of roles of the organization that have it, a few: whom to ask is told to whoever may read nothing else of roles.
    pub roles: Vec<DisplayName>,
}

/// Lets a browser in that is signed in to the organization that the address names, to do what takes this permission: by `kept`,
/// which it kept for that organization.
pub async fn enter(
    env: &Env,
    (organization, kept): (&str, Option<&str>),
    (permission, subject): (OrgatePermission, Subject<'_>),
    browser: &Browser,
) -> Entry {
    let asked = match subject {
        Subject::All => Asked { organization: None, permission, holder: Holder::Operator, reason: None },
        Subject::Other { organization, holder, reason } => {
            Asked { organization: Some(organization), permission, holder, reason }
        }
        Subject::Own => {
            let (organization, holder) = (Some(organization), Holder::Organization);
            Asked { organization, permission, holder, reason: None }
        }
    };
    match open(env, (organization, kept), browser).await {
        Ok(Some((scope, tokens))) => {
            let mut opened = Opened { scope, tokens, renewed: None };
            let held = opened.hold(env, asked, browser).await;
            Entry { held, kept: opened.renewed }
        }
        Ok(None) => Entry { held: Ok(Held::SignedOut), kept: None },
        Err(failure) => Entry { held: Err(failure), kept: None },
    }
}

/// What a browser kept, while it is asked about.
struct Opened {
    scope: OrgScope,
    tokens: Tokens,
    /// The same, sealed, once it was refreshed.
    renewed: Option<String>,
}

impl Opened {
    async fn hold(&mut self, env: &Env, asked: Asked<'_>, browser: &Browser) -> Result<Held, Failure> {
        let permission = asked.permission;
        if !self.tokens.is_fresh(env) && !self.renew(env, browser).await? {
            return Ok(Held::SignedOut);
        }
        let mut access = self.admit(env, asked, browser).await?;
        // What they were given since the token was issued, another one lends.
        if matches!(access, Access::NotYetLent) && self.renewed.is_none() && self.renew(env, browser).await? {
            access = self.admit(env, asked, browser).await?;
        }
        Ok(match access {
            Access::Granted(caller) => Held::Admitted(caller),
            Access::Forbidden => Held::Forbidden(forbidden(env, &self.scope, permission).await?),
            Access::NotDelegated => Held::NotDelegated(permission),
            Access::OtherOrganization => Held::Elsewhere,
            Access::ReasonMissing => Held::ReasonMissing,
            Access::BeyondKey
            | Access::InsufficientScope
            | Access::InvalidProof
            | Access::InvalidToken
            | Access::NonceNeeded(_)
            | Access::NotYetLent => Held::SignedOut,
        })
    }

    async fn admit(&self, env: &Env, asked: Asked<'_>, browser: &Browser) -> Result<Access, Failure> {
        Ok(admit(env, (&self.tokens.access_token, None), asked, &browser.origin).await?.access)
    }

    /// Refreshes as `/token` does; `false` if there is nothing more to be had. Of two requests that do so at once with the same
    /// token, both are given the same next one.
    async fn renew(&mut self, env: &Env, browser: &Browser) -> Result<bool, Failure> {
        let refresh_token = self.tokens.refresh_token.clone();
        let grant = GrantRequest::RefreshToken { refresh_token, scope: None };
        let Some(TokenOutcome::Refresh(Refreshed::Granted(issued))) = call(env, &grant, browser).await?
        else {
            return Ok(false);
        };
        let Some(tokens) = Tokens::of(env, issued) else { return Ok(false) };
        self.renewed = Some(tokens.seal(env, &self.scope, browser).await?);
        self.tokens = tokens;
        Ok(true)
    }
}

/// What a browser kept for an organization. That takes the database and a key of whoever sends anything, and so of their budget.
async fn open(
    env: &Env,
    (organization, kept): (&str, Option<&str>),
    browser: &Browser,
) -> Result<Option<(OrgScope, Tokens)>, Failure> {
    let Some(kept) = kept else { return Ok(None) };
    env.limits.take(Limited::Pages, browser.origin.address)?;
    let Some(scope) = env.configuration.organization(&env.store, organization).await? else {
        return Ok(None);
    };
    let tokens = Tokens::open(env, (&scope, kept), browser).await?;
    Ok(tokens.map(|tokens| (scope, tokens)))
}

async fn forbidden(env: &Env, scope: &OrgScope, permission: OrgatePermission) -> Result<Forbidden, Failure> {
    let mut tx = env.store.begin(scope).await?;
    let roles = tx.roles().list().await?;
    tx.commit().await?;
    let holds =
        |role: &Role| permissions::Held::of(role.permissions.iter().map(String::as_str)).has(permission);
    let roles = roles.into_iter().filter(holds).take(NAMED).map(|role| role.name).collect();
    Ok(Forbidden { permission, roles })
}

/// Gives up what a browser kept for an organization, or could not keep: the whole family of its tokens.
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
