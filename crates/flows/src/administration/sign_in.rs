//! The way in: the authorization code flow with PKCE, as any application would go through it (RFC 6749 §4.1, RFC 9700 §2.1).

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use orgate_domain::clients::ADMINISTRATION;
use orgate_domain::policies::REQUEST_LIFETIME;
use orgate_protocol::oauth::client_auth::{ClientAuthMethod, PresentedClient};
use orgate_protocol::oauth::pkce::{CodeChallenge, CodeVerifier};
use orgate_protocol::oauth::token::GrantRequest;
use orgate_protocol::params::Params;
use orgate_storage::{OrgScope, StorageError};
use url::Url;

use super::client::{self, SCOPES};
use super::kept::{SignIn, Tokens};
use super::return_path::ReturnPath;
use crate::authenticate_client::{Authentication, authenticate_client};
use crate::issue::IssuedTokens;
use crate::limits::Limited;
use crate::redeem_code::Redemption;
use crate::token::{TokenCall, TokenOutcome, exchange};
use crate::{Browser, Called, Env, Failure, hints};

/// A sign-in that begins.
#[derive(Debug)]
pub struct Begun {
    /// Where the browser goes.
    pub to: String,
    /// By which its answer is told from others'.
    pub state: String,
    /// What the browser keeps until then.
    pub kept: String,
}

/// What an answer comes to.
#[derive(Debug)]
pub enum Finished {
    /// The person, or the organization, or the installation, said no: the error's code.
    Refused(String),
    /// They are signed in.
    SignedIn {
        /// To the organization with this slug.
        organization: String,
        /// What the browser keeps for it.
        kept: String,
        /// Where they wanted to go.
        to: ReturnPath,
    },
    /// It is no answer to a sign-in that this browser began here, or one that took too long.
    Unknown,
}

/// Begins a sign-in, to an organization if one is named. `None` if there can be none, as another application has the name of this one.
///
/// # Errors
/// [`Failure`].
pub async fn begin(
    env: &Env,
    organization: Option<&str>,
    return_to: &ReturnPath,
    browser: &Browser,
) -> Result<Option<Begun>, Failure> {
    env.limits.take(Limited::Pages, browser.origin.address)?;
    let Some(owner) = client::provide(env).await? else { return Ok(None) };
    let [state, verifier, nonce] = [secret(env)?, secret(env)?, secret(env)?];
    let corrupt = StorageError::Corrupt { table: "client_directory", column: "client_id" };
    let (Ok(parsed), Ok(mut to)) = (CodeVerifier::parse(&verifier), Url::parse(&env.issuer.at("/authorize")))
    else {
        return Err(corrupt.into());
    };
    to.query_pairs_mut().extend_pairs([
        ("response_type", "code"),
        ("client_id", ADMINISTRATION),
        ("redirect_uri", &client::redirect_uri(env)),
        ("scope", &SCOPES.join(" ")),
        ("state", &state),
        ("nonce", &nonce),
        ("code_challenge", &CodeChallenge::of(&parsed).to_string()),
        ("code_challenge_method", "S256"),
    ]);
    if let Some(organization) = organization {
        to.query_pairs_mut().append_pair("organization", organization);
    }
    let began_at = env.clock.now();
    let sign_in = SignIn { verifier, nonce, return_to: return_to.to_string(), began_at };
    let kept = sign_in.seal(env, (&owner, &state), browser).await?;
    Ok(Some(Begun { to: to.into(), state, kept }))
}

/// 256 bits, as 43 characters.
fn secret(env: &Env) -> Result<String, Failure> {
    Ok(BASE64_URL_SAFE_NO_PAD.encode(env.random.bytes::<32>()?))
}

/// Takes an answer up; `kept` is what the browser kept for its state.
///
/// # Errors
/// [`Failure`].
pub async fn finish(
    env: &Env,
    answer: &Params,
    kept: Option<&str>,
    browser: &Browser,
) -> Result<Finished, Failure> {
    let (Some(state), Some(kept)) = (answer.get("state"), kept) else { return Ok(Finished::Unknown) };
    env.limits.take(Limited::Pages, browser.origin.address)?;
    let owner = client::owner(env).await?;
    let sign_in = SignIn::open(env, (&owner, state, kept), browser).await?;
    let in_time = |sign_in: &SignIn| env.clock.now() < sign_in.began_at + REQUEST_LIFETIME;
    let Some(sign_in) = sign_in.filter(in_time) else { return Ok(Finished::Unknown) };
    // RFC 9207 §2.4: an answer of another server's is none.
    if answer.get("iss") != Some(env.issuer.as_str()) {
        return Ok(Finished::Unknown);
    }
    let Some(code) = answer.get("code") else {
        return Ok(Finished::Refused(answer.get("error").unwrap_or("invalid_request").to_owned()));
    };
    let Some(issued) = redeem(env, (code, &sign_in), browser).await? else {
        return Ok(Finished::Refused("invalid_grant".to_owned()));
    };
    signed_in(env, (issued, &sign_in), browser).await
}

/// Redeems the code as `/token` does.
async fn redeem(
    env: &Env,
    (code, sign_in): (&str, &SignIn),
    browser: &Browser,
) -> Result<Option<IssuedTokens>, Failure> {
    let grant = GrantRequest::AuthorizationCode {
        code: code.to_owned(),
        redirect_uri: client::redirect_uri(env),
        code_verifier: CodeVerifier::parse(&sign_in.verifier).ok(),
    };
    Ok(match call(env, &grant, browser).await? {
        Some(TokenOutcome::Code(Redemption::Granted(issued))) => Some(issued),
        _ => None,
    })
}

/// Follows a grant as `/token` does; `None` if the application may not be used.
pub(super) async fn call(
    env: &Env,
    grant: &GrantRequest,
    browser: &Browser,
) -> Result<Option<TokenOutcome>, Failure> {
    let (called, origin) = (Called::default(), &browser.origin);
    let (client_id, method) = (ADMINISTRATION.to_owned(), ClientAuthMethod::None);
    let presented = PresentedClient { client_id, method, proof: None };
    let Authentication::Proven(client) = authenticate_client(env, called, &presented, origin).await? else {
        return Ok(None);
    };
    let call = TokenCall { called, client: &client, resource: None, key: None, origin };
    Ok(Some(exchange(env, &call, grant).await?))
}

/// The session, once the ID token is the one that was asked for (OIDC Core §3.1.3.7): of this sign-in and no other.
async fn signed_in(
    env: &Env,
    (issued, sign_in): (IssuedTokens, &SignIn),
    browser: &Browser,
) -> Result<Finished, Failure> {
    let claims = hints::read(env, issued.id_token.as_deref().unwrap_or_default()).await?;
    let ours = claims.filter(|claims| claims.nonce.as_ref() == Some(&sign_in.nonce));
    let (Some(claims), Some(tokens)) = (ours, Tokens::of(env, issued)) else {
        return Ok(Finished::Unknown);
    };
    let scope: Option<OrgScope> = env.configuration.organization(&env.store, &claims.org_id).await?;
    let Some(scope) = scope else { return Ok(Finished::Unknown) };
    let wanted = ReturnPath::parse(&sign_in.return_to).unwrap_or_else(|| ReturnPath::of(&claims.org_name));
    Ok(Finished::SignedIn {
        kept: tokens.seal(env, &scope, browser).await?,
        to: wanted.within(&claims.org_name, &claims.org_id),
        organization: claims.org_name,
    })
}
