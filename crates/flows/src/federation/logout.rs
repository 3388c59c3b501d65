//! Signing out at the identity provider as well: after a session of ours ended that began there, the
//! browser goes by its logout endpoint (OIDC RP-Initiated Logout 1.0, SAML profiles §4.4).
//!
//! Ours ends first, whatever happens there.

use chrono::Duration;
use orgate_domain::connections::{OidcSettings, ProviderSettings, SamlBinding, SamlSettings};
use orgate_domain::ids::ConnectionId;
use orgate_domain::sessions::Session;
use orgate_saml::binding::message_id;
use orgate_saml::logout::LogoutRequest;
use orgate_storage::{OrgScope, UpstreamEnd};
use serde::{Deserialize, Serialize};
use url::Url;

use super::begin::Departure;
use super::saml::{LogoutName, entity_id};
use super::saml_keys::keys_of;
use super::version_of;
use crate::vault::Purpose;
use crate::{Browser, Env, Failure};

/// A logout request is good for this long.
const LIFETIME: Duration = Duration::minutes(5);

/// A browser on its way past the identity provider's logout.
#[derive(Debug)]
pub struct LogoutDeparture {
    /// How it gets there.
    pub departure: Departure,
    /// What it keeps meanwhile, sealed against change: see [`open_after`].
    pub after: String,
}

/// What a browser knows of the logout that it comes back from.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct AfterLogout {
    /// Where to go, at an address that the client registered.
    pub to: Option<String>,
    /// The id of our SAML request.
    pub request_id: Option<String>,
}

/// Where the browser goes to end a session's other end; `None` if there is none, or its provider has no
/// logout, or cannot be asked now.
///
/// # Errors
/// [`Failure`].
pub(crate) async fn depart_for(
    env: &Env,
    (scope, session): (&OrgScope, &Session),
    to: Option<&str>,
    browser: &Browser,
) -> Result<Option<LogoutDeparture>, Failure> {
    let Some(connection_id) = session.method.connection() else { return Ok(None) };
    let mut tx = env.store.begin(scope).await?;
    let other = tx.upstream().find_session(session.id).await?;
    let connection = tx.connections().find(connection_id).await?;
    tx.commit().await?;
    let other = other.filter(|(of, _)| *of == connection_id).map(|(_, end)| end);
    let (Some(other), Some(live)) = (other, connection.and_then(|connection| connection.live_version)) else {
        return Ok(None);
    };
    let version = version_of(env, scope, (connection_id, live)).await?;
    let mut after = AfterLogout { to: to.map(str::to_owned), request_id: None };
    let departure = match &version.settings.provider {
        ProviderSettings::Oidc(settings) => {
            let hint = open_logout(env, (scope, connection_id), &other).await?;
            oidc(env, settings, hint).await
        }
        ProviderSettings::Saml(settings) => {
            let name = open_logout(env, (scope, connection_id), &other).await?;
            let id = message_id(env.random.bytes()?);
            after.request_id = Some(id.clone());
            saml(env, (scope, connection_id, settings), (&other, name), id).await?
        }
    };
    Ok(departure.map(|departure| LogoutDeparture { departure, after: seal_after(env, &after, browser) }))
}

/// The ID token or the `NameID` that was kept for this.
async fn open_logout(
    env: &Env,
    (scope, connection_id): (&OrgScope, ConnectionId),
    other: &UpstreamEnd,
) -> Result<Option<String>, Failure> {
    let Some(sealed) = &other.logout else { return Ok(None) };
    let row = connection_id.to_string();
    let plain = env.vault.open(env, scope, (Purpose::UpstreamLogout, &row), sealed).await?;
    Ok(String::from_utf8(plain.to_vec()).ok())
}

async fn oidc(env: &Env, settings: &OidcSettings, id_token: Option<String>) -> Option<Departure> {
    let provider = env.providers.find(&env.outgoing, &settings.issuer).await.ok()?;
    let mut url: Url = provider.document.additional_metadata().end_session_endpoint.clone()?;
    {
        let mut query = url.query_pairs_mut();
        query.append_pair("client_id", &settings.client_id);
        query.append_pair("post_logout_redirect_uri", &env.issuer.at("/sso/signed-out"));
        if let Some(hint) = &id_token {
            query.append_pair("id_token_hint", hint);
        }
    }
    Some(Departure::Redirect(url.into()))
}

async fn saml(
    env: &Env,
    (scope, connection_id, settings): (&OrgScope, ConnectionId, &SamlSettings),
    (other, name): (&UpstreamEnd, Option<String>),
    id: String,
) -> Result<Option<Departure>, Failure> {
    let name = name.and_then(|text| serde_json::from_str::<LogoutName>(&text).ok());
    let (Some(destination), Some(name)) = (settings.slo_url.clone(), name) else { return Ok(None) };
    let keys = keys_of(env, scope, connection_id).await?;
    let (issuer, now) = (entity_id(env, scope, connection_id), env.clock.now());
    let (indexes, binding) = (other.sid.iter().cloned().collect::<Vec<_>>(), settings.slo_binding);
    let work = move || {
        let request = LogoutRequest {
            id: &id,
            issue_instant: now,
            not_on_or_after: Some(now + LIFETIME),
            destination: &destination,
            issuer: &issuer,
            name_id: &name.to_name_id(),
            session_indexes: &indexes,
        };
        match binding {
            SamlBinding::Redirect => request.redirect_url(None, &keys.signing).ok().map(Departure::Redirect),
            SamlBinding::Post => request
                .post_form(&keys.signing)
                .ok()
                .map(|form| Departure::Post { to: form.action, fields: vec![(form.field, form.value)] }),
        }
    };
    Ok(env.heavy.run(work).await?)
}

/// What the browser keeps: readable, bound to it, and not to be changed.
fn seal_after(env: &Env, after: &AfterLogout, browser: &Browser) -> String {
    use base64::Engine as _;
    let text = serde_json::to_vec(after).unwrap_or_default();
    let text = base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(text);
    let tag = env.vault.form_token(&browser.binding, &format!("after logout {text}"));
    format!("{text}.{tag}")
}

/// Reads what [`LogoutDeparture::after`] sealed; nothing of another browser, and nothing that was changed.
pub fn open_after(env: &Env, sealed: &str, browser: &Browser) -> AfterLogout {
    use base64::Engine as _;
    let read = || {
        let (text, tag) = sealed.split_once('.')?;
        let ours = env.vault.check_form_token(&browser.binding, &format!("after logout {text}"), tag);
        let bytes = base64::prelude::BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        serde_json::from_slice(&bytes).ok().filter(|_| ours)
    };
    read().unwrap_or_default()
}
