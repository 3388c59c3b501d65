//! What a client's description may say, and what of it must fit together: the same for files and programs.

use orgate_protocol::jose::SigningAlgorithm;
use orgate_protocol::oauth::ScopeSet;
use orgate_protocol::oauth::redirect_uri::ClientKind;
use orgate_protocol::oauth::token::GrantType;
use url::Url;

use super::claims::ClaimMapping;
use super::settings::{ClientAuthentication, ClientSettings, Party};
use crate::roles::Permission;

/// Something in a client's description that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {text}")]
pub struct ClientProblem {
    /// The key that it is about, as files and the management API call it.
    pub key: &'static str,
    /// What is wrong, and what is allowed.
    pub text: String,
}

/// Reads an address that people are sent to, that pages load or that is called: an absolute `https` one without credentials,
/// of at most 2048 characters; plain `http` only on this machine.
///
/// # Errors
/// What is allowed.
pub fn parse_web_address(text: &str) -> Result<Url, &'static str> {
    let wrong = "an https:// address, or an http:// one on localhost";
    let url = Url::parse(text).ok().filter(|_| text.len() <= 2048).ok_or(wrong)?;
    let local = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    let scheme = url.scheme() == "https" || url.scheme() == "http" && local;
    (scheme && url.username().is_empty() && url.password().is_none()).then_some(url).ok_or(wrong)
}

/// The `client_id` of the pages by which an organization is administered: Orgate's own, which nobody describes.
pub const ADMINISTRATION: &str = "orgate-admin";

/// Reads a public `client_id`.
///
/// # Errors
/// What is allowed.
pub fn parse_client_id(text: &str) -> Result<String, &'static str> {
    if text == ADMINISTRATION {
        return Err(
            "`orgate-admin` is Orgate's own: the application by which organizations are administered",
        );
    }
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    ((1..=100).contains(&text.len()) && text.bytes().all(allowed))
        .then(|| text.to_owned())
        .ok_or("1 to 100 letters, digits, `.`, `_` and `-`")
}

/// Reads what access tokens have as `aud` by default.
///
/// # Errors
/// What is allowed.
pub fn parse_audience(text: &str) -> Result<String, &'static str> {
    let plain = text.bytes().all(|b| b.is_ascii_graphic() && b != b'"' && b != b'\\');
    ((1..=200).contains(&text.len()) && plain)
        .then(|| text.to_owned())
        .ok_or("1 to 200 printable ASCII characters without spaces, quotes and backslashes")
}

/// Reads a resource that tokens may be asked for.
///
/// # Errors
/// What is allowed.
pub fn parse_resource(text: &str) -> Result<String, &'static str> {
    let plain = text.len() <= 2048 && !text.contains('#') && text.bytes().all(|byte| byte.is_ascii_graphic());
    let absolute = plain && Url::parse(text).is_ok();
    absolute.then(|| text.to_owned()).ok_or("an absolute URI without a fragment (RFC 8707 §2)")
}

/// Reads one scope.
///
/// # Errors
/// What is allowed.
pub fn parse_scope(text: &str) -> Result<String, &'static str> {
    let scope = ScopeSet::parse(text).ok().filter(|scope| scope.iter().count() == 1 && scope.contains(text));
    scope
        .map(|_| text.to_owned())
        .ok_or("one scope: printable ASCII characters, no space, quote or backslash")
}

/// Reads a permission of an application's own.
///
/// # Errors
/// What is allowed.
pub fn parse_own_permission(text: &str) -> Result<String, String> {
    let permission = Permission::parse(text).map_err(|error| error.to_string())?;
    if permission.is_reserved() {
        return Err("permissions that begin with `orgate:` are Orgate's own; no client has them".to_owned());
    }
    Ok(permission.to_string())
}

impl ClientSettings {
    /// Whether the settings fit one another, and a client of this kind whose ID tokens are signed so.
    ///
    /// # Errors
    /// The first [`ClientProblem`].
    pub fn check(&self, kind: ClientKind, signing: SigningAlgorithm) -> Result<(), ClientProblem> {
        self.check_authentication(kind)?;
        self.check_grants(kind)?;
        self.check_profile(signing)?;
        if !self.require_pkce && !self.authentication.is_confidential() {
            return problem("require_pkce", "only a confidential client can be exempt");
        }
        let unnamed = |mapping: &ClaimMapping| !mapping.has_own_scope();
        if self.party != Party::First && self.claims.iter().any(unnamed) {
            let text = "a third party's have a scope of its own, which people are asked for by its name";
            return problem("claims", text);
        }
        Ok(())
    }

    fn check_authentication(&self, kind: ClientKind) -> Result<(), ClientProblem> {
        let public = matches!(kind, ClientKind::Spa | ClientKind::Native);
        let name = kind.as_str();
        if public && self.authentication.uses_secret() {
            return problem("authentication", &format!("a {name} client can keep no secret"));
        }
        if !public && !self.authentication.is_confidential() {
            return problem("authentication", &format!("a {name} client proves who it is"));
        }
        if self.authentication == ClientAuthentication::PrivateKeyJwt && self.keys.is_none() {
            return problem("authentication", "private_key_jwt: jwks or jwks_uri says by which keys");
        }
        Ok(())
    }

    fn check_grants(&self, kind: ClientKind) -> Result<(), ClientProblem> {
        let signs_in =
            |grant: &GrantType| matches!(grant, GrantType::AuthorizationCode | GrantType::DeviceCode);
        if kind == ClientKind::Machine && self.grants.iter().any(signs_in) {
            return problem("grants", "a machine client signs nobody in");
        }
        let proving = [GrantType::ClientCredentials, GrantType::JwtBearer, GrantType::TokenExchange];
        match proving.iter().find(|grant| self.grants.contains(grant)) {
            Some(grant) if !self.authentication.is_confidential() => {
                problem("grants", &format!("{} is for clients that prove who they are", grant.as_str()))
            }
            _ => Ok(()),
        }
    }

    fn check_profile(&self, signing: SigningAlgorithm) -> Result<(), ClientProblem> {
        if !self.is_fapi() {
            return Ok(());
        }
        if self.authentication != ClientAuthentication::PrivateKeyJwt {
            return problem("profile", "fapi2: authentication is private_key_jwt (FAPI 2.0 §5.3.2.1)");
        }
        let fits = |algorithm: SigningAlgorithm| self.algorithms().contains(&algorithm);
        let text = "profile fapi2: it is signed to with PS256, ES256 or EdDSA (FAPI 2.0 §5.4.1)";
        if !fits(signing) {
            return problem("signing_algorithm", text);
        }
        if self.userinfo_signing_algorithm.is_some_and(|algorithm| !fits(algorithm)) {
            return problem("userinfo_signing_algorithm", text);
        }
        Ok(())
    }
}

fn problem(key: &'static str, text: &str) -> Result<(), ClientProblem> {
    Err(ClientProblem { key, text: text.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clients::Profile;

    #[test]
    fn what_does_not_fit_is_said_by_its_key() {
        let of = ClientSettings::of;
        let public = ClientSettings { authentication: ClientAuthentication::None, ..of(ClientKind::Web) };
        let exempt = ClientSettings { require_pkce: false, ..of(ClientKind::Spa) };
        let keyless =
            ClientSettings { authentication: ClientAuthentication::PrivateKeyJwt, ..of(ClientKind::Web) };
        let fapi = ClientSettings { profile: Profile::Fapi2, ..of(ClientKind::Web) };
        let es256 = SigningAlgorithm::Es256;

        for (settings, kind, key) in [
            (of(ClientKind::Web), ClientKind::Spa, "authentication"),
            (of(ClientKind::Web), ClientKind::Machine, "grants"),
            (of(ClientKind::Machine), ClientKind::Native, "authentication"),
            (public, ClientKind::Web, "authentication"),
            (keyless, ClientKind::Web, "authentication"),
            (exempt, ClientKind::Spa, "require_pkce"),
            (fapi, ClientKind::Web, "profile"),
        ] {
            assert_eq!(settings.check(kind, es256).map_err(|problem| problem.key), Err(key), "{settings:?}");
        }
        for kind in [ClientKind::Web, ClientKind::Spa, ClientKind::Native, ClientKind::Machine] {
            assert_eq!(of(kind).check(kind, es256), Ok(()));
        }
    }

    #[test]
    fn addresses_are_encrypted_or_of_this_machine() {
        for good in ["https://app.example/x", "http://localhost:3000/", "http://[::1]/"] {
            assert!(parse_web_address(good).is_ok(), "{good}");
        }
        for bad in ["http://app.example/", "https://a:b@app.example/", "javascript:alert(1)", "/relative"] {
            assert!(parse_web_address(bad).is_err(), "{bad}");
        }
    }
}
