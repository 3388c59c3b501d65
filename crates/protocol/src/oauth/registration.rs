//! Client metadata (RFC 7591 §2; `OpenID` Connect Dynamic Client Registration 1.0 §2): what a client says of itself.
//!
//! **Invariant:** what is not understood is passed over, as §2 demands, and registered nowhere; what is understood is
//! registered as it was asked for, or not at all.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use url::Url;

use crate::jose::{ClientKeys, SigningAlgorithm, json};
use crate::oauth::redirect_uri::{ClientKind, RegisteredRedirectUri};
use crate::oauth::token::GrantType;
use crate::oauth::{ErrorCode, RequestError, ScopeSet};

/// Longest document, in bytes.
pub const MAX_BYTES: usize = 32 * 1024;

/// Longest document at a `client_id`, in bytes.
pub const MAX_DOCUMENT_BYTES: usize = 10 * 1024;

/// Longest `client_id` that is an address.
const MAX_DOCUMENT_URL_BYTES: usize = 512;

/// Most addresses of one kind.
const MAX_URIS: usize = 10;

/// Longest address, in bytes.
const MAX_URI_BYTES: usize = 2048;

/// What may be registered here: a client that signs people in.
const GRANTS: [GrantType; 2] = [GrantType::AuthorizationCode, GrantType::RefreshToken];

/// How a client proves itself at the token endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegisteredAuthMethod {
    /// Not at all: it is public.
    None,
    /// By a key.
    PrivateKeyJwt,
    /// By a secret in the header.
    SecretBasic,
    /// By a secret in the form.
    SecretPost,
}

/// Where its public keys are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RegisteredKeys {
    /// A JWK Set.
    Inline(String),
    /// The address of one.
    Url(Url),
}

/// What a client says of itself, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientMetadata {
    /// Where it runs.
    pub kind: ClientKind,
    /// Where answers go; at least one.
    pub redirect_uris: Vec<RegisteredRedirectUri>,
    /// Where sign-outs lead.
    pub post_logout_redirect_uris: BTreeSet<String>,
    /// How it proves itself.
    pub authentication: RegisteredAuthMethod,
    /// By which keys.
    pub keys: Option<RegisteredKeys>,
    /// What it presents at the token endpoint.
    pub grants: BTreeSet<GrantType>,
    /// Its name for people.
    pub name: Option<String>,
    /// Its home: at a host that it is redirected to, so that a page may show it.
    pub client_uri: Option<Url>,
    /// What it wants to ask for; `None`: it does not say.
    pub scope: Option<ScopeSet>,
    /// How its ID tokens are signed.
    pub signing_algorithm: SigningAlgorithm,
    /// Whether its tokens are bound to a key (RFC 9449 §5.2).
    pub dpop_bound_access_tokens: bool,
    /// Whether it pushes all its requests (RFC 9126 §6).
    pub require_pushed_authorization_requests: bool,
    /// Where it is told that a session ended.
    pub backchannel_logout_uri: Option<Url>,
}

/// The document.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Document {
    client_id: Option<String>,
    client_secret: Option<Value>,
    client_secret_expires_at: Option<Value>,
    redirect_uris: Option<Vec<String>>,
    post_logout_redirect_uris: Option<Vec<String>>,
    token_endpoint_auth_method: Option<String>,
    grant_types: Option<Vec<String>>,
    response_types: Option<Vec<String>>,
    application_type: Option<String>,
    client_name: Option<String>,
    client_uri: Option<String>,
    scope: Option<String>,
    jwks: Option<Value>,
    jwks_uri: Option<String>,
    subject_type: Option<String>,
    id_token_signed_response_alg: Option<String>,
    dpop_bound_access_tokens: Option<bool>,
    require_pushed_authorization_requests: Option<bool>,
    backchannel_logout_uri: Option<String>,
}

/// Reads what a client says of itself.
///
/// # Errors
/// `invalid_redirect_uri` or `invalid_client_metadata` (RFC 7591 §3.2.2).
pub fn parse(body: &[u8]) -> Result<ClientMetadata, RequestError> {
    let document: Document = read_object(body, MAX_BYTES)?;
    let authentication = check_auth_method(&document)?;
    check(&document, authentication)
}

/// The checks, in the order of §2.
fn check(document: &Document, authentication: RegisteredAuthMethod) -> Result<ClientMetadata, RequestError> {
    let kind = check_kind(document, authentication)?;
    let redirect_uris = check_redirect_uris(document, kind)?;
    check_response_types(document)?;
    check_subject_type(document)?;
    Ok(ClientMetadata {
        kind,
        post_logout_redirect_uris: check_post_logout(document, kind)?,
        authentication,
        keys: check_keys(document, authentication)?,
        grants: check_grants(document)?,
        name: document.client_name.clone(),
        client_uri: check_client_uri(document, &redirect_uris)?,
        scope: check_scope(document)?,
        signing_algorithm: check_algorithm(document)?,
        dpop_bound_access_tokens: document.dpop_bound_access_tokens.unwrap_or_default(),
        require_pushed_authorization_requests: document
            .require_pushed_authorization_requests
            .unwrap_or_default(),
        backchannel_logout_uri: check_address(
            "backchannel_logout_uri",
            document.backchannel_logout_uri.as_ref(),
        )?,
        redirect_uris,
    })
}

/// Reads an object: what a list would be taken for by its members' order is refused.
fn read_object<T: DeserializeOwned>(body: &[u8], most: usize) -> Result<T, RequestError> {
    if body.len() > most {
        return Err(invalid(format!("the metadata is longer than {most} bytes")));
    }
    let object =
        json::from_slice::<Map<String, Value>>(body).and_then(|object| T::deserialize(Value::Object(object)));
    object.map_err(|_| invalid("the metadata is not a JSON object as RFC 7591 section 2 has it"))
}

/// The address of a client's document, if `client_id` is one (client ID metadata documents, §3): `https`, with a path, and
/// already in the form to which a URL parser would bring it, so that what is compared is what is fetched. Plain `http`
/// only on this machine.
pub fn document_url(client_id: &str) -> Option<Url> {
    let url = Url::parse(client_id).ok().filter(|_| client_id.len() <= MAX_DOCUMENT_URL_BYTES)?;
    let local = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    let is_document = (url.scheme() == "https" || url.scheme() == "http" && local)
        && url.as_str() == client_id
        && url.path() != "/"
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    is_document.then_some(url)
}

/// Reads the document at a client's `client_id` (client ID metadata documents, §4): it names that very address, and has no
/// secret, which everybody could read.
///
/// # Errors
/// As of [`parse`].
pub fn parse_document(url: &Url, body: &[u8]) -> Result<ClientMetadata, RequestError> {
    let document: Document = read_object(body, MAX_DOCUMENT_BYTES)?;
    if document.client_id.as_deref() != Some(url.as_str()) {
        return Err(invalid("client_id is not the address of the document"));
    }
    if document.client_secret.is_some() || document.client_secret_expires_at.is_some() {
        return Err(invalid("a document that anybody can read has no secret in it"));
    }
    let authentication = match document.token_endpoint_auth_method.as_deref() {
        None | Some("none") => RegisteredAuthMethod::None,
        Some("private_key_jwt") => RegisteredAuthMethod::PrivateKeyJwt,
        Some(_) => return Err(invalid("token_endpoint_auth_method is none or private_key_jwt")),
    };
    // Its home is where the document is.
    check(&Document { client_uri: None, ..document }, authentication)
}

/// An error about metadata.
pub fn invalid(text: impl Into<std::borrow::Cow<'static, str>>) -> RequestError {
    RequestError::new(ErrorCode::InvalidClientMetadata, text)
}

impl RegisteredAuthMethod {
    /// Each of them.
    pub const ALL: [Self; 4] = [Self::None, Self::PrivateKeyJwt, Self::SecretBasic, Self::SecretPost];

    /// As in the document.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::PrivateKeyJwt => "private_key_jwt",
            Self::SecretBasic => "client_secret_basic",
            Self::SecretPost => "client_secret_post",
        }
    }

    /// Whether it takes a secret.
    pub const fn uses_secret(self) -> bool {
        matches!(self, Self::SecretBasic | Self::SecretPost)
    }
}

/// What an update says beside the metadata (RFC 7592 §2.2).
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Update {
    /// Whose metadata it is.
    pub client_id: Option<String>,
    /// The secret that the client has, if it says so.
    pub client_secret: Option<String>,
    registration_access_token: Option<Value>,
    registration_client_uri: Option<Value>,
    client_secret_expires_at: Option<Value>,
    client_id_issued_at: Option<Value>,
}

impl Update {
    /// Reads it.
    ///
    /// # Errors
    /// `invalid_client_metadata`, also for members that an update must not have.
    pub fn parse(body: &[u8]) -> Result<Self, RequestError> {
        let update: Self = read_object(body, MAX_BYTES)?;
        let forbidden = [
            &update.registration_access_token,
            &update.registration_client_uri,
            &update.client_secret_expires_at,
            &update.client_id_issued_at,
        ];
        if forbidden.iter().any(|member| member.is_some()) {
            return Err(invalid(
                "an update has no registration_access_token, registration_client_uri, client_secret_expires_at or client_id_issued_at",
            ));
        }
        Ok(update)
    }
}

fn check_auth_method(document: &Document) -> Result<RegisteredAuthMethod, RequestError> {
    let Some(text) = &document.token_endpoint_auth_method else {
        return Ok(RegisteredAuthMethod::SecretBasic); // RFC 7591 §2
    };
    let known = RegisteredAuthMethod::ALL.into_iter().find(|method| method.as_str() == text);
    known.ok_or_else(|| invalid("token_endpoint_auth_method is not one that is supported"))
}

/// A client in a browser is one of the web that can keep no secret.
fn check_kind(document: &Document, method: RegisteredAuthMethod) -> Result<ClientKind, RequestError> {
    match (document.application_type.as_deref(), method) {
        (None | Some("web"), RegisteredAuthMethod::None) => Ok(ClientKind::Spa),
        (None | Some("web"), _) => Ok(ClientKind::Web),
        (Some("native"), method) if method.uses_secret() => {
            Err(invalid("a native client can keep no secret: token_endpoint_auth_method is none"))
        }
        (Some("native"), _) => Ok(ClientKind::Native),
        (Some(_), _) => Err(invalid("application_type is web or native")),
    }
}

fn check_redirect_uris(
    document: &Document,
    kind: ClientKind,
) -> Result<Vec<RegisteredRedirectUri>, RequestError> {
    let refuse = |text: String| RequestError::new(ErrorCode::InvalidRedirectUri, text);
    let given = document.redirect_uris.as_deref().unwrap_or_default();
    if given.is_empty() || given.len() > MAX_URIS {
        return Err(refuse(format!("redirect_uris has 1 to {MAX_URIS} addresses")));
    }
    let parsed = given.iter().map(|text| RegisteredRedirectUri::parse(text, kind));
    parsed.collect::<Result<_, _>>().map_err(|error| refuse(error.to_string()))
}

fn check_post_logout(document: &Document, kind: ClientKind) -> Result<BTreeSet<String>, RequestError> {
    let given = document.post_logout_redirect_uris.as_deref().unwrap_or_default();
    if given.len() > MAX_URIS {
        return Err(invalid(format!("post_logout_redirect_uris has at most {MAX_URIS} addresses")));
    }
    let parsed = given.iter().map(|text| RegisteredRedirectUri::parse(text, kind).map(|uri| uri.to_string()));
    parsed.collect::<Result<_, _>>().map_err(|error| invalid(format!("post_logout_redirect_uris: {error}")))
}

fn check_grants(document: &Document) -> Result<BTreeSet<GrantType>, RequestError> {
    let Some(given) = &document.grant_types else { return Ok([GrantType::AuthorizationCode].into()) };
    let known = |text: &String| GRANTS.into_iter().find(|grant| grant.as_str() == text);
    let grants = given.iter().map(known).collect::<Option<BTreeSet<_>>>();
    let grants = grants.ok_or_else(|| invalid("grant_types are authorization_code and refresh_token"))?;
    if grants.contains(&GrantType::AuthorizationCode) {
        Ok(grants)
    } else {
        Err(invalid("grant_types has authorization_code: the client signs people in by nothing else"))
    }
}

fn check_response_types(document: &Document) -> Result<(), RequestError> {
    let given = document.response_types.as_deref();
    match given {
        Some(types) if types != ["code"] => Err(invalid("response_types is code, and nothing else")),
        _ => Ok(()),
    }
}

fn check_subject_type(document: &Document) -> Result<(), RequestError> {
    let public = document.subject_type.as_deref().is_none_or(|text| text == "public");
    public.then_some(()).ok_or_else(|| invalid("subject_type is public"))
}

fn check_keys(
    document: &Document,
    method: RegisteredAuthMethod,
) -> Result<Option<RegisteredKeys>, RequestError> {
    let keys = match (&document.jwks, check_address("jwks_uri", document.jwks_uri.as_ref())?) {
        (Some(_), Some(_)) => return Err(invalid("jwks and jwks_uri exclude each other")),
        (None, uri) => uri.map(RegisteredKeys::Url),
        (Some(keys), None) => {
            let text = keys.to_string();
            ClientKeys::parse(text.as_bytes()).map_err(|error| invalid(format!("jwks: {error}")))?;
            if has_nul(keys) {
                return Err(invalid("jwks: no text has U+0000 in it")); // no database keeps it
            }
            Some(RegisteredKeys::Inline(text))
        }
    };
    if method == RegisteredAuthMethod::PrivateKeyJwt && keys.is_none() {
        return Err(invalid("private_key_jwt: jwks or jwks_uri says by which keys"));
    }
    Ok(keys)
}

fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(list) => list.iter().any(has_nul),
        Value::Object(members) => members.iter().any(|(name, value)| name.contains('\0') || has_nul(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// RFC 7591 §5: a page that names a home shows one that the client is really at.
fn check_client_uri(
    document: &Document,
    redirect_uris: &[RegisteredRedirectUri],
) -> Result<Option<Url>, RequestError> {
    let Some(home) = check_address("client_uri", document.client_uri.as_ref())? else { return Ok(None) };
    let is_there = |uri: &RegisteredRedirectUri| {
        Url::parse(uri.as_str())
            .is_ok_and(|uri| uri.scheme() == home.scheme() && uri.host_str() == home.host_str())
    };
    if redirect_uris.iter().any(is_there) {
        Ok(Some(home))
    } else {
        Err(invalid("client_uri is at the host of one of the redirect_uris"))
    }
}

fn check_scope(document: &Document) -> Result<Option<ScopeSet>, RequestError> {
    let parsed = document.scope.as_deref().map(ScopeSet::parse).transpose();
    parsed.map_err(|error| invalid(format!("scope: {error}")))
}

fn check_algorithm(document: &Document) -> Result<SigningAlgorithm, RequestError> {
    let Some(text) = &document.id_token_signed_response_alg else { return Ok(SigningAlgorithm::Es256) };
    SigningAlgorithm::from_text(text)
        .ok_or_else(|| invalid("id_token_signed_response_alg is not one that is supported"))
}

/// An `https` address without credentials and fragment.
fn check_address(name: &str, text: Option<&String>) -> Result<Option<Url>, RequestError> {
    let Some(text) = text else { return Ok(None) };
    let url = Url::parse(text).ok().filter(|url| {
        text.len() <= MAX_URI_BYTES
            && url.scheme() == "https"
            && url.username().is_empty()
            && url.password().is_none()
            && url.fragment().is_none()
    });
    url.map(Some).ok_or_else(|| invalid(format!("{name} is an https address")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(json: &str) -> (ErrorCode, String) {
        let error = parse(json.as_bytes()).expect_err("refused");
        (error.code, error.description.into_owned())
    }

    #[test]
    fn what_is_left_out_is_as_the_rfc_has_it() {
        let metadata = parse(br#"{"redirect_uris":["https://app.example/cb"],"contacts":["x"],"new":1}"#);

        let metadata = metadata.expect("metadata");
        assert_eq!(metadata.kind, ClientKind::Web);
        assert_eq!(metadata.authentication, RegisteredAuthMethod::SecretBasic);
        assert_eq!(metadata.grants, [GrantType::AuthorizationCode].into());
        assert_eq!((metadata.name, metadata.scope, metadata.keys), (None, None, None));
    }

    #[test]
    fn redirect_uris_have_an_error_of_their_own() {
        for redirect_uris in [
            "[]",
            r#"["http://app.example/cb"]"#,
            r#"["https://app.example/cb#fragment"]"#,
            r#"["javascript:alert(1)"]"#,
            r#"["https://u:p@app.example/"]"#,
            r#"["custom:/cb"]"#,
        ] {
            let json = format!(r#"{{"redirect_uris":{redirect_uris}}}"#);
            assert_eq!(error(&json).0, ErrorCode::InvalidRedirectUri, "{json}");
        }
        assert_eq!(error("{}").0, ErrorCode::InvalidRedirectUri);
    }

    #[test]
    fn what_cannot_be_had_is_refused() {
        for (name, value) in [
            ("token_endpoint_auth_method", r#""client_secret_jwt""#),
            ("grant_types", r#"["client_credentials"]"#),
            ("grant_types", r#"["authorization_code","implicit"]"#),
            ("grant_types", r#"["refresh_token"]"#),
            ("response_types", r#"["code","token"]"#),
            ("application_type", r#""service""#),
            ("application_type", r#""native""#), // with a secret
            ("subject_type", r#""pairwise""#),
            ("jwks_uri", r#""http://keys.example/jwks""#),
            ("jwks", r#"{"keys":[{"kty":"oct","k":"AAAA"}]}"#),
            ("token_endpoint_auth_method", r#""private_key_jwt""#), // without keys
            ("client_uri", r#""https://bank.example/""#),
            ("scope", r#""a\"b""#),
            ("id_token_signed_response_alg", r#""none""#),
            ("backchannel_logout_uri", r#""https://app.example/#x""#),
            ("client_name", "7"),
        ] {
            let json = format!(r#"{{"redirect_uris":["https://app.example/cb"],"{name}":{value}}}"#);
            assert_eq!(error(&json).0, ErrorCode::InvalidClientMetadata, "{json}");
        }
        assert_eq!(error("[]").0, ErrorCode::InvalidClientMetadata);
        assert_eq!(error(&" ".repeat(MAX_BYTES + 1)).0, ErrorCode::InvalidClientMetadata);
    }

    /// The set is kept in a database that has no such character.
    #[test]
    fn a_key_set_has_no_nul_in_it() {
        let with = |note: &str| {
            let keys = format!(
                r#"{{"keys":[{{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",{note}}}]}}"#
            );
            parse(format!(r#"{{"redirect_uris":["https://app.example/cb"],"jwks":{keys}}}"#).as_bytes())
                .map_err(|error| error.code)
        };

        assert!(with(r#""kid":"one\\u0000""#).is_ok(), "a backslash is not one");
        for note in [r#""kid":"\u0000""#, r#""x-\u0000":1"#, r#""x-note":[{"a":"b\u0000c"}]"#] {
            assert_eq!(with(note), Err(ErrorCode::InvalidClientMetadata), "{note}");
        }
    }

    #[test]
    fn a_client_id_is_the_address_of_a_document_only_in_its_one_form() {
        for (client_id, is_one) in [
            ("https://agent.example/client.json", true),
            ("https://agent.example:8443/a/b", true),
            ("http://localhost:9/client.json", true),
            ("http://agent.example/client.json", false),
            ("https://agent.example/", false),
            ("https://agent.example", false),
            ("https://agent.example/a/../client.json", false),
            ("https://AGENT.example/client.json", false),
            ("https://agent.example:443/client.json", false),
            ("https://u@agent.example/client.json", false),
            ("https://agent.example/client.json?x=1", false),
            ("https://agent.example/client.json#x", false),
            ("notes", false),
        ] {
            assert_eq!(document_url(client_id).is_some(), is_one, "{client_id}");
        }
        let long = format!("https://agent.example/{}", "x".repeat(MAX_DOCUMENT_URL_BYTES));
        assert_eq!(document_url(&long), None);
    }

    #[test]
    fn a_document_is_its_own_and_has_no_secret() {
        let url = Url::parse("https://agent.example/client.json").expect("an address");
        let document = |more: &str| {
            format!(r#"{{"redirect_uris":["https://agent.example/cb"],"client_id":"{url}"{more}}}"#)
        };
        let read = |json: &str| parse_document(&url, json.as_bytes());

        assert_eq!(read(&document("")).expect("metadata").authentication, RegisteredAuthMethod::None);
        for wrong in [
            r#"{"redirect_uris":["https://agent.example/cb"]}"#.to_owned(),
            document("").replace("client.json", "other.json"),
            document(r#","client_secret":"x""#),
            document(r#","token_endpoint_auth_method":"client_secret_basic""#),
            document(r#","token_endpoint_auth_method":"private_key_jwt""#),
            document(&" ".repeat(MAX_DOCUMENT_BYTES)),
        ] {
            assert_eq!(read(&wrong).expect_err("refused").code, ErrorCode::InvalidClientMetadata, "{wrong}");
        }
    }

    #[test]
    fn a_client_on_a_device_is_native_and_one_in_a_browser_keeps_no_secret() {
        let native = br#"{"redirect_uris":["http://127.0.0.1/cb"],"application_type":"native","token_endpoint_auth_method":"none"}"#;
        let spa = br#"{"redirect_uris":["https://app.example/cb"],"token_endpoint_auth_method":"none","client_uri":"https://app.example/"}"#;

        assert_eq!(parse(native).expect("metadata").kind, ClientKind::Native);
        assert_eq!(parse(spa).expect("metadata").kind, ClientKind::Spa);
    }
}
