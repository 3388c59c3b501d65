//! Tokens, minted from what the issuing transaction read.
//!
//! **Invariant:** `org_id` and `org_name` come from the standing of session or client and from nowhere
//! else.

use chrono::{DateTime, Utc};
use orgate_domain::clients::Client;
use orgate_domain::clients::claims::{ClaimName, ClaimTarget, ClaimValues, map_claims};
use orgate_domain::credentials::base32;
use orgate_domain::ids::{ClientId, GrantId};
use orgate_domain::permissions::is_reserved;
use orgate_domain::policies::LONGEST_TOKEN;
use orgate_domain::standing::{ClientStanding, Standing};
use orgate_protocol::jose::JoseError;
use orgate_protocol::jose::claims::{
    ACCESS_TOKEN_TYPE, AccessTokenClaims, Actor, Confirmation, ID_TOKEN_TYPE, IdTokenClaims, ProfileClaims,
    SignInClaims, at_hash,
};
use orgate_protocol::oauth::{ClaimsRequest, RequestedClaims, ScopeSet};
use serde_json::{Map, Value, json};

use crate::{Env, Failure};

/// What one answer of the token endpoint says.
#[derive(Debug)]
pub(crate) struct Issuance<'a> {
    pub(crate) client: &'a Client,
    pub(crate) subject: Subject<'a>,
    /// The resource asked for, of those that the client may ask for.
    pub(crate) resource: Option<&'a str>,
    /// The thumbprint of the key that the access token is bound to.
    pub(crate) key: Option<&'a str>,
    /// Who acts for the subject.
    pub(crate) act: Option<Actor>,
    /// The token that was exchanged for this one, which has no right that that one had not.
    pub(crate) ceiling: Option<&'a AccessTokenClaims>,
    pub(crate) scope: &'a ScopeSet,
    /// What the client's own claims are made of.
    pub(crate) known: &'a ClaimValues,
    pub(crate) claims: &'a ClaimsRequest,
    pub(crate) nonce: Option<&'a str>,
    pub(crate) issuer: &'a str,
    pub(crate) uncapped_lifetime: chrono::Duration,
    pub(crate) now: DateTime<Utc>,
}

impl Issuance<'_> {
    /// No token outlives the time that its key stays published.
    fn lifetime(&self) -> chrono::Duration {
        self.uncapped_lifetime.min(LONGEST_TOKEN)
    }
}

/// Whom a token is about.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Subject<'a> {
    /// A machine client.
    Client(&'a ClientStanding, ClientId),
    /// A user, in the family that names the token.
    User(&'a Standing, GrantId),
}

/// Signed tokens. No `Debug`: they are secrets.
pub struct IssuedTokens {
    /// The access token (RFC 9068).
    pub access_token: String,
    /// Its `jti`.
    pub access_token_id: String,
    /// Whether it is bound to a key.
    pub bound: bool,
    /// Seconds until it expires.
    pub expires_in: u32,
    /// The ID token, if the scope says `openid`.
    pub id_token: Option<String>,
    /// The refresh token, if the scope says `offline_access`.
    pub refresh_token: Option<String>,
    /// What was granted.
    pub scope: ScopeSet,
}

/// Signs the tokens of one answer.
pub(crate) async fn issue(env: &Env, issuance: &Issuance<'_>) -> Result<IssuedTokens, Failure> {
    let tokens = issue_access_token(env, issuance).await?;
    let id_token = match issuance.subject {
        Subject::User(standing, _) if issuance.scope.contains("openid") => {
            let at_hash = at_hash(&tokens.access_token, issuance.client.signing_algorithm);
            Some(sign(env, issuance, ID_TOKEN_TYPE, &id_token(env, issuance, standing, at_hash)).await?)
        }
        Subject::User(..) | Subject::Client(..) => None,
    };
    Ok(IssuedTokens { id_token, ..tokens })
}

/// Signs an access token, and nothing beside it.
pub(crate) async fn issue_access_token(env: &Env, issuance: &Issuance<'_>) -> Result<IssuedTokens, Failure> {
    let claims = access_token(env, issuance)?;
    Ok(IssuedTokens {
        access_token: sign(env, issuance, ACCESS_TOKEN_TYPE, &claims).await?,
        access_token_id: claims.jti,
        bound: issuance.key.is_some(),
        expires_in: u32::try_from(issuance.lifetime().num_seconds()).unwrap_or_default(),
        id_token: None,
        refresh_token: None,
        scope: issuance.scope.clone(),
    })
}

async fn sign<T: serde::Serialize>(
    env: &Env,
    issuance: &Issuance<'_>,
    typ: &'static str,
    claims: &T,
) -> Result<String, Failure> {
    let payload = serde_json::to_vec(claims).map_err(|_| crate::keys::KeyError::Jose(JoseError::Claims))?;
    Ok(env.keys.sign(env, issuance.issuer, issuance.client.signing_algorithm, (typ, payload)).await?)
}

fn access_token(env: &Env, issuance: &Issuance<'_>) -> Result<AccessTokenClaims, Failure> {
    let random = env.random.bytes::<16>()?;
    let aud = issuance.resource.unwrap_or(&issuance.client.resource).to_owned();
    let of_api = aud == env.issuer.api();
    let permissions = |held: &[String]| {
        if of_api {
            held.iter().filter(|text| is_reserved(text)).cloned().collect()
        } else {
            known_permissions(issuance.client, held)
        }
    };
    let claims = AccessTokenClaims {
        iss: issuance.issuer.to_owned(),
        sub: String::new(),
        aud,
        client_id: issuance.client.client_id.clone(),
        iat: issuance.now.timestamp(),
        exp: (issuance.now + issuance.lifetime()).timestamp(),
        jti: String::new(),
        scope: issuance.scope.clone(),
        sign_in: None,
        org_id: String::new(),
        org_name: String::new(),
        roles: Vec::new(),
        permissions: Vec::new(),
        act: issuance.act.clone(),
        cnf: issuance.key.map(|jkt| Confirmation { jkt: jkt.to_owned() }),
        own: own_claims(issuance, ClaimTarget::AccessToken),
    };
    Ok(match issuance.subject {
        Subject::Client(standing, id) => AccessTokenClaims {
            sub: id.to_string(),
            jti: base32::encode(&random),
            org_id: standing.org_id.to_string(),
            org_name: standing.org_slug.to_string(),
            roles: held(issuance, &standing.roles, |claims| &claims.roles),
            permissions: held(issuance, &permissions(&standing.permissions), |claims| &claims.permissions),
            ..claims
        },
        Subject::User(standing, grant_id) => AccessTokenClaims {
            sub: standing.session.user_id.to_string(),
            jti: token_id(grant_id, &random),
            org_id: standing.session.org_id.to_string(),
            org_name: standing.org_slug.to_string(),
            roles: held(issuance, &standing.roles, |claims| &claims.roles),
            permissions: held(issuance, &permissions(&standing.permissions), |claims| &claims.permissions),
            sign_in: Some(SignInClaims {
                sid: standing.session.id.to_string(),
                auth_time: standing.session.auth_time.timestamp(),
                acr: standing.session.acr().as_str().to_owned(),
                amr: standing.session.amr.clone(),
            }),
            ..claims
        },
    })
}

/// A token's id names its family, so that one who shows the token can be asked whether the family
/// was revoked.
fn token_id(grant_id: GrantId, random: &[u8]) -> String {
    format!("{grant_id}.{}", base32::encode(random))
}

/// The family that a token's id names.
pub(crate) fn family_of(jti: &str) -> Option<GrantId> {
    jti.split_once('.')?.0.parse().ok()
}

/// What of it the exchanged token had too, if one was exchanged.
fn held(
    issuance: &Issuance<'_>,
    now: &[String],
    of: impl Fn(&AccessTokenClaims) -> &[String],
) -> Vec<String> {
    let had = |name: &&String| issuance.ceiling.is_none_or(|claims| of(claims).contains(name));
    now.iter().filter(had).cloned().collect()
}

/// Roles mean what the resource knows: with no list of its own, it is told everything but Orgate's
/// own permissions, which no application has a use for. Those are told to Orgate's own API, and nothing else is.
pub(crate) fn known_permissions(client: &Client, held: &[String]) -> Vec<String> {
    held.iter()
        .filter(|permission| {
            if client.permissions.is_empty() {
                !is_reserved(permission)
            } else {
                client.permissions.contains(*permission)
            }
        })
        .cloned()
        .collect()
}

fn id_token(env: &Env, issuance: &Issuance<'_>, standing: &Standing, at_hash: String) -> IdTokenClaims {
    let shared = issuance.issuer == env.issuer.as_str();
    IdTokenClaims {
        iss: issuance.issuer.to_owned(),
        sub: standing.session.user_id.to_string(),
        aud: issuance.client.client_id.clone(),
        iat: issuance.now.timestamp(),
        exp: (issuance.now + issuance.lifetime()).timestamp(),
        auth_time: standing.session.auth_time.timestamp(),
        nonce: issuance.nonce.map(str::to_owned),
        at_hash: Some(at_hash),
        acr: standing.session.acr().as_str().to_owned(),
        amr: standing.session.amr.clone(),
        sid: standing.session.id.to_string(),
        org_id: standing.session.org_id.to_string(),
        org_name: standing.org_slug.to_string(),
        tenant: shared.then(|| standing.session.org_id.to_string()),
        session_expiry: standing.session.expires_at.timestamp(),
        azp: None,
        profile: profile(standing, issuance.scope, &issuance.claims.id_token),
        own: own_claims(issuance, ClaimTarget::IdToken),
    }
}

/// Bytes of JSON that say which claims found no place: `/userinfo` has them, named or not.
const MAX_POINTERS: usize = 1024;

fn own_claims(issuance: &Issuance<'_>, target: ClaimTarget) -> Map<String, Value> {
    let settings = &issuance.client.settings;
    let granted = |scope: &str| issuance.scope.contains(scope);
    let within = (Some(target), settings.claims_budget);
    let mapped = map_claims(settings.told_claims(), issuance.known, granted, within);
    let mut told = mapped.told;
    let answered = matches!(issuance.subject, Subject::User(..)) && granted("openid");
    if !mapped.omitted.is_empty() && answered {
        // As OIDC Core §5.6.2 says where claims are that a token has no room for.
        let mut room = MAX_POINTERS;
        let fitting = mapped.omitted.iter().map(ClaimName::as_str).take_while(|name| {
            let left = room.checked_sub(name.len() + r#""":"userinfo","#.len());
            room = left.unwrap_or_default();
            left.is_some()
        });
        let names = fitting.map(|name| (name.to_owned(), "userinfo".into())).collect();
        told.insert("_claim_names".to_owned(), Value::Object(names));
        let endpoint = format!("{}/userinfo", issuance.issuer);
        told.insert("_claim_sources".to_owned(), json!({ "userinfo": { "endpoint": endpoint } }));
    }
    told
}

/// What the scope lets out about the user (OIDC Core §5.4), and what is asked for beside it (§5.5).
pub(crate) fn profile(standing: &Standing, scope: &ScopeSet, requested: &RequestedClaims) -> ProfileClaims {
    let user = &standing.user;
    let given = |of: &str, name: &str, value: Value| scope.contains(of) || requested.wants(name, &value);
    let text = |of: &str, name: &str, text: &String| given(of, name, text.as_str().into());
    let email_verified = user.email.is_some().then_some(user.email_verified);
    ProfileClaims {
        name: Some(user.name.clone()).filter(|name| text("profile", "name", name)),
        locale: user.locale.clone().filter(|locale| text("profile", "locale", locale)),
        email: user.email.clone().filter(|email| text("email", "email", email)),
        email_verified: email_verified
            .filter(|verified| given("email", "email_verified", (*verified).into())),
    }
}
