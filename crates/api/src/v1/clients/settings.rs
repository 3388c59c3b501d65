//! What of a client may be set, as the API says it: by the names of files.

use std::collections::BTreeSet;
use std::fmt::Display;

use chrono::Duration;
use orgate_domain::clients::claims::{ClaimMapping, MAX_BUDGET};
use orgate_domain::clients::{
    Audience, Client, ClientAuthentication, ClientIssuer, ClientKeySource, ClientSettings, ClientStatus,
    Lifetimes, Party, Profile, parse_audience, parse_own_permission, parse_resource, parse_scope,
    parse_web_address,
};
use orgate_domain::policies::LONGEST_SECS;
use orgate_flows::manage::ChangeError;
use orgate_protocol::jose::{ClientKeys, SigningAlgorithm};
use orgate_protocol::oauth::redirect_uri::{ClientKind, RegisteredRedirectUri};
use orgate_protocol::oauth::token::GrantType;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::Url;
use utoipa::ToSchema;

use super::super::organizations::name;

/// What of an application may be changed. What is left out is as the type of the application has it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = ClientSettings)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// Its name for people: 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// Whether it may be used.
    #[serde(default = "active")]
    #[schema(pattern = "^(active|disabled)$", default = "active")]
    status: String,
    /// Which organizations may use it: `owner`, or, if it is the operator organization's, `all`, or those that are `granted` it.
    #[serde(default = "owner")]
    #[schema(pattern = "^(all|granted|owner)$", default = "owner")]
    audience: String,
    /// `first`: the product's own. `third`: somebody else's, for which people consent.
    #[serde(default = "first")]
    #[schema(pattern = "^(first|third)$", default = "first")]
    party: String,
    /// Where answers may go, compared exactly.
    #[serde(default)]
    #[schema(max_items = 100)]
    redirect_uris: Vec<String>,
    /// Where a sign-out may lead.
    #[serde(default)]
    #[schema(max_items = 100)]
    post_logout_redirect_uris: Vec<String>,
    /// Its own page, where people go on.
    home_url: Option<String>,
    /// Where it begins a sign-in that somebody else thought of.
    initiate_login_uri: Option<String>,
    /// Where it is told that a session ended.
    backchannel_logout_uri: Option<String>,
    /// What a browser loads when a session ended.
    frontchannel_logout_uri: Option<String>,
    /// The `aud` of its access tokens; its `client_id` if left out.
    #[schema(min_length = 1, max_length = 200)]
    resource: Option<String>,
    /// Other resources that it may ask tokens for (RFC 8707), such as `{issuer}/api`.
    #[serde(default)]
    #[schema(max_items = 100)]
    resources: Vec<String>,
    /// The permissions that its resource knows; only these reach its tokens. None: all.
    #[serde(default)]
    #[schema(max_items = 100)]
    permissions: Vec<String>,
    /// What it may ask for; null: what every application may. Nothing of Orgate's own that you do not hold.
    #[schema(max_items = 100)]
    scopes: Option<Vec<String>>,
    /// What it may present at the token endpoint.
    #[schema(max_items = 10)]
    grants: Option<Vec<String>>,
    /// How it proves who it is.
    #[schema(pattern = "^(none|client_secret|client_secret_basic|client_secret_post|private_key_jwt)$")]
    authentication: Option<String>,
    /// Its public keys, a JWK Set.
    jwks: Option<Map<String, Value>>,
    /// Where its public keys are.
    jwks_uri: Option<String>,
    /// How its tokens are signed.
    #[serde(default = "es256")]
    #[schema(pattern = "^(ES256|RS256|PS256|EdDSA)$", default = "ES256")]
    signing_algorithm: String,
    /// How its userinfo is signed; null: not.
    #[schema(pattern = "^(ES256|RS256|PS256|EdDSA)$")]
    userinfo_signing_algorithm: Option<String>,
    /// What it follows; `fapi2` is the FAPI 2.0 Security Profile, all of it.
    #[serde(default = "oauth")]
    #[schema(pattern = "^(oauth|fapi2)$", default = "oauth")]
    profile: String,
    /// Who issues its tokens: one issuer for all organizations, or each `organization` itself.
    #[serde(default = "shared")]
    #[schema(pattern = "^(shared|organization)$", default = "shared")]
    issuer: String,
    /// Whether its requests count only if it pushed them (RFC 9126).
    #[serde(default)]
    require_pushed_authorization_requests: bool,
    /// Whether its codes are bound to a challenge (RFC 7636). One that proves itself may be exempt, and sends a nonce.
    #[serde(default = "yes")]
    #[schema(default = true)]
    require_pkce: bool,
    /// Whether its tokens are bound to a key (RFC 9449).
    #[serde(default)]
    dpop_bound_access_tokens: bool,
    /// Seconds that access tokens and ID tokens are good for; null: as the organization has it, as with all that follow.
    #[schema(minimum = 30, maximum = 3600)]
    access_token_secs: Option<i64>,
    /// Seconds that a refresh token is good for, unless used.
    #[schema(minimum = 1, maximum = 315_360_000)]
    refresh_idle_secs: Option<i64>,
    /// Seconds after sign-in that tokens can be refreshed.
    #[schema(minimum = 1, maximum = 315_360_000)]
    refresh_absolute_secs: Option<i64>,
    /// Seconds after its last use that a session counts for it.
    #[schema(minimum = 60, maximum = 315_360_000)]
    session_idle_secs: Option<i64>,
    /// Seconds after sign-in that a session counts for it.
    #[schema(minimum = 60, maximum = 315_360_000)]
    session_absolute_secs: Option<i64>,
    /// What its tokens say beside what every token says: `name`, `from`, and as in files `type`, `in` and `scope`.
    #[serde(default)]
    #[schema(max_items = 50, value_type = Vec<Object>)]
    claims: Vec<ClaimMapping>,
    /// Bytes that these may take in one token.
    #[schema(minimum = 0, maximum = 8192)]
    claims_budget_bytes: Option<usize>,
}

fn active() -> String {
    ClientStatus::Active.as_str().to_owned()
}

fn owner() -> String {
    Audience::Owner.as_str().to_owned()
}

fn first() -> String {
    Party::First.as_str().to_owned()
}

fn es256() -> String {
    SigningAlgorithm::Es256.as_str().to_owned()
}

fn oauth() -> String {
    Profile::OAuth.as_str().to_owned()
}

fn shared() -> String {
    ClientIssuer::Shared.as_str().to_owned()
}

const fn yes() -> bool {
    true
}

fn text(url: Option<&Url>) -> Option<String> {
    url.map(|url| url.as_str().to_owned())
}

fn texts<'a>(items: impl IntoIterator<Item = &'a String>) -> Vec<String> {
    items.into_iter().cloned().collect()
}

impl From<&Client> for Settings {
    fn from(client: &Client) -> Self {
        let settings = &client.settings;
        let (jwks, jwks_uri) = match &settings.keys {
            None => (None, None),
            Some(ClientKeySource::Inline(keys)) => (serde_json::from_str(keys).ok(), None),
            Some(ClientKeySource::Url(url)) => (None, Some(url.as_str().to_owned())),
        };
        let secs = |life: Option<Duration>| life.map(|life| life.num_seconds());
        Self {
            name: client.name.as_str().to_owned(),
            status: client.status.as_str().to_owned(),
            audience: client.audience.as_str().to_owned(),
            party: settings.party.as_str().to_owned(),
            redirect_uris: client.redirect_uris.iter().map(|uri| uri.as_str().to_owned()).collect(),
            post_logout_redirect_uris: texts(&client.post_logout_redirect_uris),
            home_url: text(client.home_url.as_ref()),
            initiate_login_uri: text(client.initiate_login_uri.as_ref()),
            backchannel_logout_uri: text(settings.backchannel_logout_uri.as_ref()),
            frontchannel_logout_uri: text(settings.frontchannel_logout_uri.as_ref()),
            resource: Some(client.resource.clone()),
            resources: texts(&settings.resources),
            permissions: texts(&client.permissions),
            scopes: settings.scopes.as_ref().map(texts),
            grants: Some(settings.grants.iter().map(|grant| grant.as_str().to_owned()).collect()),
            authentication: Some(settings.authentication.as_str().to_owned()),
            jwks,
            jwks_uri,
            signing_algorithm: client.signing_algorithm.as_str().to_owned(),
            userinfo_signing_algorithm: settings
                .userinfo_signing_algorithm
                .map(|one| one.as_str().to_owned()),
            profile: settings.profile.as_str().to_owned(),
            issuer: settings.issuer.as_str().to_owned(),
            require_pushed_authorization_requests: settings.require_pushed_authorization_requests,
            require_pkce: settings.require_pkce,
            dpop_bound_access_tokens: settings.dpop_bound_access_tokens,
            access_token_secs: secs(settings.lifetimes.access_token),
            refresh_idle_secs: secs(settings.lifetimes.refresh_idle),
            refresh_absolute_secs: secs(settings.lifetimes.refresh_absolute),
            session_idle_secs: secs(settings.lifetimes.session_idle),
            session_absolute_secs: secs(settings.lifetimes.session_absolute),
            claims: settings.claims.clone(),
            claims_budget_bytes: Some(settings.claims_budget),
        }
    }
}

impl Settings {
    /// The client, set to this. Its ids, its type, its owner and its secrets stay.
    pub(super) fn onto(self, client: &Client) -> Result<Client, ChangeError> {
        let kind = client.kind;
        let uris =
            |key: &str, list: &[String]| list_of(key, list, |text| RegisteredRedirectUri::parse(text, kind));
        let post_logout: Vec<_> = uris("post_logout_redirect_uris", &self.post_logout_redirect_uris)?;
        let resource =
            self.resource.as_deref().map(|text| one("resource", parse_audience(text))).transpose()?;
        Ok(Client {
            name: name("/name", &self.name)?,
            status: choice("status", &self.status, ClientStatus::from_text)?,
            audience: choice("audience", &self.audience, Audience::from_text)?,
            redirect_uris: uris("redirect_uris", &self.redirect_uris)?,
            post_logout_redirect_uris: post_logout.iter().map(ToString::to_string).collect(),
            home_url: address("home_url", self.home_url.as_deref())?,
            initiate_login_uri: address("initiate_login_uri", self.initiate_login_uri.as_deref())?,
            resource: resource.unwrap_or_else(|| client.client_id.clone()),
            signing_algorithm: choice(
                "signing_algorithm",
                &self.signing_algorithm,
                SigningAlgorithm::from_text,
            )?,
            permissions: list_of("permissions", &self.permissions, parse_own_permission)?,
            settings: self.settings(kind)?,
            ..client.clone()
        })
    }

    fn settings(&self, kind: ClientKind) -> Result<ClientSettings, ChangeError> {
        let usual = ClientSettings::of(kind);
        let authentication = match &self.authentication {
            Some(text) => choice("authentication", text, ClientAuthentication::from_text)?,
            None => usual.authentication,
        };
        let grants = match &self.grants {
            Some(list) => list_of("grants", list, |text| GrantType::from_text(text).ok_or("no such grant"))?,
            None => usual.grants,
        };
        let registered = |text: &str| Party::from_text(text).filter(|party| *party != Party::Unregistered);
        let scopes: Option<BTreeSet<String>> =
            self.scopes.as_deref().map(|list| list_of("scopes", list, parse_scope)).transpose()?;
        let signed = self.userinfo_signing_algorithm.as_deref();
        let signed = signed
            .map(|text| choice("userinfo_signing_algorithm", text, SigningAlgorithm::from_text))
            .transpose()?;
        Ok(ClientSettings {
            authentication,
            keys: self.keys()?,
            grants,
            scopes,
            resources: list_of("resources", &self.resources, parse_resource)?,
            lifetimes: self.lifetimes()?,
            profile: choice("profile", &self.profile, Profile::from_text)?,
            require_pushed_authorization_requests: self.require_pushed_authorization_requests,
            require_pkce: self.require_pkce,
            dpop_bound_access_tokens: self.dpop_bound_access_tokens,
            party: choice("party", &self.party, registered)?,
            issuer: choice("issuer", &self.issuer, ClientIssuer::from_text)?,
            userinfo_signing_algorithm: signed,
            backchannel_logout_uri: address(
                "backchannel_logout_uri",
                self.backchannel_logout_uri.as_deref(),
            )?,
            frontchannel_logout_uri: address(
                "frontchannel_logout_uri",
                self.frontchannel_logout_uri.as_deref(),
            )?,
            claims: self.claims.clone(),
            claims_budget: self.budget(usual.claims_budget)?,
        })
    }

    fn keys(&self) -> Result<Option<ClientKeySource>, ChangeError> {
        match (&self.jwks, &self.jwks_uri) {
            (Some(_), Some(_)) => Err(ChangeError::invalid("/jwks_uri", "not beside jwks")),
            (None, uri) => Ok(address("jwks_uri", uri.as_deref())?.map(ClientKeySource::Url)),
            (Some(keys), None) => {
                let keys = Value::Object(keys.clone()).to_string();
                one("jwks", ClientKeys::parse(keys.as_bytes()))?;
                Ok(Some(ClientKeySource::Inline(keys)))
            }
        }
    }

    fn budget(&self, usual: usize) -> Result<usize, ChangeError> {
        let budget = self.claims_budget_bytes.unwrap_or(usual);
        one(
            "claims_budget_bytes",
            (budget <= MAX_BUDGET).then_some(budget).ok_or(format!("0 to {MAX_BUDGET}")),
        )
    }

    fn lifetimes(&self) -> Result<Lifetimes, ChangeError> {
        let secs = |key: &str, number: Option<i64>, (least, most): (i64, i64)| match number {
            Some(number) if !(least..=most).contains(&number) => {
                Err(ChangeError::invalid(format!("/{key}"), format!("{least} to {most}")))
            }
            number => Ok(number.and_then(Duration::try_seconds)),
        };
        Ok(Lifetimes {
            access_token: secs("access_token_secs", self.access_token_secs, (30, 3600))?,
            refresh_idle: secs("refresh_idle_secs", self.refresh_idle_secs, (1, LONGEST_SECS))?,
            refresh_absolute: secs("refresh_absolute_secs", self.refresh_absolute_secs, (1, LONGEST_SECS))?,
            session_idle: secs("session_idle_secs", self.session_idle_secs, (60, LONGEST_SECS))?,
            session_absolute: secs("session_absolute_secs", self.session_absolute_secs, (60, LONGEST_SECS))?,
        })
    }
}

fn one<T>(key: &str, read: Result<T, impl Display>) -> Result<T, ChangeError> {
    read.map_err(|error| ChangeError::invalid(format!("/{key}"), error.to_string()))
}

fn choice<T>(key: &str, text: &str, read: impl Fn(&str) -> Option<T>) -> Result<T, ChangeError> {
    one(key, read(text).ok_or("none of those that there are"))
}

fn address(key: &str, text: Option<&str>) -> Result<Option<Url>, ChangeError> {
    text.map(|text| one(key, parse_web_address(text))).transpose()
}

fn list_of<T, E: Display, List: FromIterator<T>>(
    key: &str,
    list: &[String],
    read: impl Fn(&str) -> Result<T, E>,
) -> Result<List, ChangeError> {
    let items = list.iter().enumerate();
    items.map(|(place, text)| one(&format!("{key}/{place}"), read(text))).collect()
}
