//! An organization's SAML identity provider: the request, our metadata, and the response.
//!
//! **Invariant:** a response is taken by the request that it answers, once: the id of our request is a
//! credential that only the browser, the provider and we have seen; the assertion's id is remembered for
//! as long as it could be presented again.

use std::sync::Arc;

use chrono::{DateTime, Duration, Utc};
use orgate_domain::connections::{Asserted, Attributes, ProviderSettings, SamlBinding, SamlSettings};
use orgate_domain::credentials::{Credential, UpstreamState};
use orgate_domain::ids::{ConnectionId, OrgId};
use orgate_saml::authn_request::{AuthnRequest, NameIdPolicy};
use orgate_saml::certificate::Certificate;
use orgate_saml::check::{Outcome, Trace as SamlTrace};
use orgate_saml::metadata::{
    NAME_ID_EMAIL, NAME_ID_PERSISTENT, NAME_ID_TRANSIENT, NAME_ID_UNSPECIFIED, SpMetadata,
};
use orgate_saml::response::{
    Authentication, InResponseTo, NameId, Options, ResponseCheck, Validation, validate,
};
use orgate_storage::OrgScope;
use orgate_storage::system::OrgHint;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::begin::{BeginError, Departure};
use super::saml_keys::{SamlKeys, keys_of};
use super::trace::{Check, Rejection, Trace};
use super::{UpstreamError, UpstreamIdentity, address, version_of};
use crate::{Env, Failure};

/// How far a provider's clock may be from ours.
const SKEW: Duration = Duration::minutes(2);

/// Values of one attribute that are looked at.
const MAX_VALUES: usize = 500;

/// What we are called at a connection's identity provider: the address of our metadata there.
pub fn entity_id(env: &Env, scope: &OrgScope, id: ConnectionId) -> String {
    address(env, scope, id, "/metadata")
}

/// Our metadata for a connection's identity provider; `None` where there is no such SAML connection.
///
/// # Errors
/// [`Failure`].
pub async fn find_metadata(env: &Env, org_id: OrgId, id: ConnectionId) -> Result<Option<String>, Failure> {
    let Some(organization) = env.store.resolve(OrgHint::Id(org_id)).await? else { return Ok(None) };
    metadata(env, &organization.scope, id).await
}

/// The same, inside the organization. The current and the next keys are in it.
///
/// # Errors
/// [`Failure`].
pub async fn metadata(env: &Env, scope: &OrgScope, id: ConnectionId) -> Result<Option<String>, Failure> {
    let mut tx = env.store.begin(scope).await?;
    let connection = tx.connections().find(id).await?;
    tx.commit().await?;
    let Some(connection) = connection else { return Ok(None) };
    if connection.protocol != orgate_domain::connections::ConnectionProtocol::Saml {
        return Ok(None);
    }
    let signs = match connection.live_version.unwrap_or(connection.latest_version) {
        0 => true,
        number => {
            let version = version_of(env, scope, (id, number)).await?;
            settings_of(&version.settings.provider).is_none_or(|settings| settings.sign_requests)
        }
    };
    let keys = keys_of(env, scope, id).await?;
    let (entity, acs) = (entity_id(env, scope, id), address(env, scope, id, "/acs"));
    let slo = address(env, scope, id, "/slo");
    let metadata = SpMetadata {
        entity_id: &entity,
        acs_url: &acs,
        slo_url: Some(&slo),
        name_id_formats: &[NAME_ID_PERSISTENT, NAME_ID_EMAIL, NAME_ID_UNSPECIFIED],
        signing_certificates: &keys.signing_certificates.iter().collect::<Vec<_>>(),
        encryption_certificates: &keys.encryption_certificates.iter().collect::<Vec<_>>(),
        authn_requests_signed: signs,
        want_assertions_signed: true,
        valid_until: None,
    };
    Ok(Some(metadata.to_xml()))
}

/// The request for a sign-in (SAML profiles §4.1.3.2), with what the application asked for.
pub(super) async fn depart(
    env: &Env,
    scope: &OrgScope,
    (id, settings): (ConnectionId, &SamlSettings),
    (state, force_authn): (&Credential<UpstreamState>, bool),
) -> Result<Departure, BeginError> {
    let keys = keys_of(env, scope, id).await?;
    let request = OwnedRequest {
        state: state.reveal().to_owned(),
        entity_id: entity_id(env, scope, id),
        acs_url: address(env, scope, id, "/acs"),
        force_authn: settings.force_authn || force_authn,
        settings: settings.clone(),
        now: env.clock.now(),
    };
    let departure = env.heavy.run(move || request.departure(&keys)).await.map_err(Failure::from)?;
    departure.map_err(|()| {
        let why = "the request could not be signed".to_owned();
        Arc::new(UpstreamError::Unusable { what: "saml", why }).into()
    })
}

/// What a request is made of, for another thread.
struct OwnedRequest {
    state: String,
    entity_id: String,
    acs_url: String,
    force_authn: bool,
    settings: SamlSettings,
    now: DateTime<Utc>,
}

impl OwnedRequest {
    fn departure(&self, keys: &SamlKeys) -> Result<Departure, ()> {
        let key = self.settings.sign_requests.then_some(&keys.signing);
        let format = self.settings.name_id_format.as_deref();
        let context: Vec<String> = self.settings.authn_context.iter().cloned().collect();
        let request = AuthnRequest {
            id: &self.state,
            issue_instant: self.now,
            destination: &self.settings.sso_url,
            acs_url: &self.acs_url,
            issuer: &self.entity_id,
            force_authn: self.force_authn,
            is_passive: false,
            // Without `AllowCreate` an identity provider may refuse whoever it has not sent here before.
            name_id_policy: Some(NameIdPolicy { format, allow_create: true }),
            authn_context: &context,
            subject: None,
        };
        match self.settings.sso_binding {
            SamlBinding::Redirect => request.redirect_url(None, key).map(Departure::Redirect).map_err(drop),
            SamlBinding::Post => {
                let form = request.post_form(key).map_err(drop)?;
                Ok(Departure::Post { to: form.action, fields: vec![(form.field, form.value)] })
            }
        }
    }
}

/// A response, and what it is held against.
pub(super) struct Received {
    pub(super) xml: Vec<u8>,
    /// The id of our request; `None`: nobody asked.
    pub(super) in_response_to: Option<String>,
}

/// What a good response says.
pub(super) struct Accepted {
    pub(super) identity: UpstreamIdentity,
    pub(super) assertion_id: String,
    /// The assertion's id is remembered until then.
    pub(super) remember_until: DateTime<Utc>,
}

/// Every check of a response, on the pool.
pub(super) async fn check(
    env: &Env,
    scope: &OrgScope,
    (id, settings): (ConnectionId, &SamlSettings),
    received: Received,
    trace: &mut Trace,
) -> Result<Result<Accepted, Rejection>, Failure> {
    let keys = keys_of(env, scope, id).await?;
    let (sp_entity_id, acs_url) = (entity_id(env, scope, id), address(env, scope, id, "/acs"));
    let (settings, now) = (settings.clone(), env.clock.now());
    let work = move || {
        let certificates = certificates_of(&settings);
        let context: Vec<String> = settings.authn_context.iter().cloned().collect();
        let check = ResponseCheck {
            idp_entity_id: &settings.entity_id,
            sp_entity_id: &sp_entity_id,
            acs_url: &acs_url,
            in_response_to: match &received.in_response_to {
                Some(id) => InResponseTo::Exactly(id),
                None => InResponseTo::Unsolicited,
            },
            now,
            clock_skew: SKEW,
            signing_certificates: &certificates,
            decryption_keys: &keys.decryption,
            options: Options {
                allow_cbc_without_signed_response: settings.allow_unauthenticated_cbc,
                require_encrypted: settings.require_encryption,
                required_authn_context: &context,
                ..Options::default()
            },
        };
        let validation = validate(&check, &received.xml);
        let pretty = validation.pretty_xml();
        (validation, pretty)
    };
    let (validation, pretty) = env.heavy.run(work).await?;
    let Validation { result, trace: steps, .. } = validation;
    trace.extend(checks_of(&steps));
    trace.show(&pretty);
    Ok(match result {
        Ok(authentication) => {
            trace.assert(&claims_of(&authentication));
            Ok(accepted(authentication))
        }
        Err(rejection) => Err(Rejection { check: rejection.check.name() }),
    })
}

/// The certificates that a response may be signed with. What does not parse was refused when the
/// settings were made, or is no certificate that a signature could be verified with.
pub(super) fn certificates_of(settings: &SamlSettings) -> Vec<Certificate> {
    settings.certificates.iter().filter_map(|text| Certificate::parse(text).ok()).collect()
}

fn checks_of(steps: &SamlTrace) -> Vec<Check> {
    // What was not reached, or not asked for, has nothing to tell.
    let made = steps.steps().iter().filter(|step| matches!(step.outcome, Outcome::Passed | Outcome::Failed));
    made.map(|step| {
        let passed = step.outcome == Outcome::Passed;
        let detail =
            if passed { step.detail.clone() } else { format!("{}. {}", step.detail, step.check.remedy()) };
        Check { name: step.check.name().to_owned(), passed, detail }
    })
    .collect()
}

fn claims_of(authentication: &Authentication) -> Map<String, Value> {
    let mut claims = Map::new();
    claims.insert("NameID".to_owned(), authentication.name_id.value.clone().into());
    let format = authentication.name_id.format.clone();
    claims.insert("NameID format".to_owned(), format.map_or(Value::Null, Value::from));
    for attribute in &authentication.attributes {
        claims.insert(attribute.name.clone(), attribute.values.clone().into());
    }
    claims
}

pub(super) fn accepted(authentication: Authentication) -> Accepted {
    let mut attributes = Attributes::new();
    for attribute in &authentication.attributes {
        let values = attributes.entry(attribute.name.clone()).or_default();
        values.extend(attribute.values.iter().take(MAX_VALUES).cloned());
    }
    // Providers that name attributes by OID often say the readable name too.
    for attribute in &authentication.attributes {
        if let Some(name) = &attribute.friendly_name {
            attributes
                .entry(name.clone())
                .or_insert_with(|| attribute.values.iter().take(MAX_VALUES).cloned().collect());
        }
    }
    if authentication.name_id.format.as_deref() == Some(NAME_ID_EMAIL) {
        attributes.entry("email".to_owned()).or_insert_with(|| vec![authentication.name_id.value.clone()]);
    }
    let logout = LogoutName::of(&authentication.name_id);
    // It identifies nobody the next time (SAML core §8.3.8).
    let is_transient = authentication.name_id.format.as_deref() == Some(NAME_ID_TRANSIENT);
    let identity = UpstreamIdentity {
        named: authentication.name_id.value.clone(),
        asserted: Asserted {
            subject: if is_transient { String::new() } else { authentication.name_id.value.clone() },
            address_verified: false, // SAML has no way to say so
            attributes,
        },
        sid: authentication.session_index,
        logout: serde_json::to_vec(&logout).ok(),
        auth_time: Some(authentication.authn_instant),
        amr: amr_of(authentication.authn_context.as_deref()),
        ends_by: authentication.session_not_on_or_after,
    };
    Accepted {
        identity,
        assertion_id: authentication.assertion_id,
        remember_until: authentication.valid_until,
    }
}

/// RFC 8176, as far as a context class says it.
fn amr_of(context: Option<&str>) -> Vec<String> {
    let amr = match context {
        Some(
            "urn:oasis:names:tc:SAML:2.0:ac:classes:Password"
            | "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",
        ) => "pwd",
        Some(
            "http://schemas.microsoft.com/claims/multipleauthn"
            | "https://refeds.org/profile/mfa"
            | "urn:oasis:names:tc:SAML:2.0:ac:classes:MobileTwoFactorContract"
            | "urn:oasis:names:tc:SAML:2.0:ac:classes:TimeSyncToken",
        ) => "mfa",
        Some("urn:oasis:names:tc:SAML:2.0:ac:classes:Kerberos") => "wia",
        _ => return Vec::new(),
    };
    vec![amr.to_owned()]
}

/// A `NameID` as it is kept for a logout.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct LogoutName {
    value: String,
    format: Option<String>,
    name_qualifier: Option<String>,
    sp_name_qualifier: Option<String>,
}

impl LogoutName {
    fn of(name: &NameId) -> Self {
        Self {
            value: name.value.clone(),
            format: name.format.clone(),
            name_qualifier: name.name_qualifier.clone(),
            sp_name_qualifier: name.sp_name_qualifier.clone(),
        }
    }

    pub(super) fn to_name_id(&self) -> NameId {
        NameId {
            value: self.value.clone(),
            format: self.format.clone(),
            name_qualifier: self.name_qualifier.clone(),
            sp_name_qualifier: self.sp_name_qualifier.clone(),
        }
    }
}

/// The SAML settings of a version, if it has such.
pub(crate) const fn settings_of(provider: &ProviderSettings) -> Option<&SamlSettings> {
    match provider {
        ProviderSettings::Saml(settings) => Some(settings),
        ProviderSettings::Oidc(_) => None,
    }
}
