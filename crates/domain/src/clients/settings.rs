//! How a client may ask for tokens, and what it must prove.
//!
//! **Invariant:** the FAPI 2.0 Security Profile is one switch: what it demands is asked of
//! [`ClientSettings`]' methods, never of the single settings, so no setting can loosen it.

use std::collections::BTreeSet;

use chrono::Duration;
use orgate_protocol::jose::SigningAlgorithm;
use orgate_protocol::oauth::redirect_uri::ClientKind;
use orgate_protocol::oauth::token::GrantType;
use orgate_protocol::oauth::{ClaimsRequest, ErrorCode, RequestError, ScopeSet};
use url::Url;

use super::claims::{ClaimMapping, DEFAULT_BUDGET};
use crate::policies::Policy;

/// Scopes that every client may ask for unless it has a list of its own (OIDC Core §5.4, §11).
pub const STANDARD_SCOPES: [&str; 4] = ["openid", "profile", "email", "offline_access"];

/// What a client's owner sets about its tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientSettings {
    /// How it proves who it is.
    pub authentication: ClientAuthentication,
    /// Where its public keys are: for its assertions and request objects.
    pub keys: Option<ClientKeySource>,
    /// What it may present at the token endpoint.
    pub grants: BTreeSet<GrantType>,
    /// What it may ask for; `None`: any scope.
    pub scopes: Option<BTreeSet<String>>,
    /// Resources that it may ask tokens for, besides its own (RFC 8707).
    pub resources: BTreeSet<String>,
    /// Limits beside the organization's; the stricter one counts.
    pub lifetimes: Lifetimes,
    /// What it follows.
    pub profile: Profile,
    /// See [`ClientSettings::must_push`].
    pub require_pushed_authorization_requests: bool,
    /// See [`ClientSettings::must_use_pkce`].
    pub require_pkce: bool,
    /// See [`ClientSettings::must_bind_tokens`].
    pub dpop_bound_access_tokens: bool,
    /// Whose it is.
    pub party: Party,
    /// Who issues its tokens, where it does not say by calling one.
    pub issuer: ClientIssuer,
    /// Its userinfo is signed so (OIDC Core §5.3.2); `None`: plain JSON.
    pub userinfo_signing_algorithm: Option<SigningAlgorithm>,
    /// Where it is told that a session ended (OIDC Back-Channel Logout §2.2).
    pub backchannel_logout_uri: Option<Url>,
    /// What a browser loads when a session ended (OIDC Front-Channel Logout §2).
    pub frontchannel_logout_uri: Option<Url>,
    /// What its tokens say beside what every token says; the first have precedence where room is short.
    pub claims: Vec<ClaimMapping>,
    /// Bytes that these may take in one token.
    pub claims_budget: usize,
}

/// How a client proves who it is (RFC 6749 §2.3, OIDC Core §9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ClientAuthentication {
    /// It cannot: it is public.
    None,
    /// By an assertion that it signs (RFC 7523 §3).
    PrivateKeyJwt,
    /// By a secret, in either way.
    Secret,
    /// By a secret in the header.
    SecretBasic,
    /// By a secret in the form.
    SecretPost,
}

/// Where a client's public keys are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientKeySource {
    /// A JWK Set, as it was given.
    Inline(String),
    /// The address of one.
    Url(Url),
}

/// What a client follows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Profile {
    /// OAuth 2.1 and `OpenID` Connect.
    #[default]
    OAuth,
    /// The FAPI 2.0 Security Profile.
    Fapi2,
}

/// Whose a client is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Party {
    /// The product's own: nobody is asked for consent.
    #[default]
    First,
    /// Somebody else's: people consent, organization by organization.
    Third,
    /// Somebody else's that nobody registered: known by the document at its `client_id`. People are asked each time.
    Unregistered,
}

/// Who issues a client's tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum ClientIssuer {
    /// One issuer for all organizations.
    #[default]
    Shared,
    /// Each organization itself.
    Organization,
}

/// Limits of a client; `None` leaves one to the organization.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lifetimes {
    /// Access tokens and ID tokens live this long.
    pub access_token: Option<Duration>,
    /// A refresh token dies this long after it was issued, unless used.
    pub refresh_idle: Option<Duration>,
    /// A token family dies this long after sign-in.
    pub refresh_absolute: Option<Duration>,
    /// It is not answered in a session that nobody used for this long.
    pub session_idle: Option<Duration>,
    /// It is not answered in a session whose user last proved who they are this long ago.
    pub session_absolute: Option<Duration>,
}

impl ClientSettings {
    /// What a client of this kind may do where nobody says more.
    pub fn of(kind: ClientKind) -> Self {
        let (authentication, grants): (_, &[GrantType]) = match kind {
            ClientKind::Machine => (ClientAuthentication::Secret, &[GrantType::ClientCredentials]),
            ClientKind::Native | ClientKind::Spa => {
                (ClientAuthentication::None, &[GrantType::AuthorizationCode, GrantType::RefreshToken])
            }
            ClientKind::Web => {
                (ClientAuthentication::Secret, &[GrantType::AuthorizationCode, GrantType::RefreshToken])
            }
        };
        Self {
            authentication,
            keys: None,
            grants: grants.iter().copied().collect(),
            scopes: None,
            resources: BTreeSet::new(),
            lifetimes: Lifetimes::default(),
            profile: Profile::default(),
            require_pushed_authorization_requests: false,
            require_pkce: true,
            dpop_bound_access_tokens: false,
            party: Party::default(),
            issuer: ClientIssuer::default(),
            userinfo_signing_algorithm: None,
            backchannel_logout_uri: None,
            frontchannel_logout_uri: None,
            claims: Vec::new(),
            claims_budget: DEFAULT_BUDGET,
        }
    }

    /// Whether it follows the FAPI 2.0 Security Profile.
    pub const fn is_fapi(&self) -> bool {
        matches!(self.profile, Profile::Fapi2)
    }

    /// What it may sign with: RS256 is for those that FAPI 2.0 §5.4 does not bind.
    pub const fn algorithms(&self) -> &'static [SigningAlgorithm] {
        if self.is_fapi() { &SigningAlgorithm::FAPI } else { &SigningAlgorithm::ALL }
    }

    /// Whether its authorization requests count only if it pushed them (RFC 9126 §6; FAPI 2.0 §5.3.2.2).
    pub const fn must_push(&self) -> bool {
        self.require_pushed_authorization_requests || self.is_fapi()
    }

    /// Whether its codes are bound to a challenge (RFC 7636). An exempt client is confidential and
    /// sends a nonce instead.
    pub const fn must_use_pkce(&self) -> bool {
        self.require_pkce || self.is_fapi()
    }

    /// Whether its tokens are bound to a key (RFC 9449 §5.2; FAPI 2.0 §5.3.2.1).
    pub const fn must_bind_tokens(&self) -> bool {
        self.dpop_bound_access_tokens || self.is_fapi()
    }

    /// Whether each refresh replaces the refresh token (FAPI 2.0 §5.3.2.1 wants none of it).
    pub const fn rotates_refresh_tokens(&self) -> bool {
        !self.is_fapi()
    }

    /// Whether it may present this grant at all.
    ///
    /// # Errors
    /// `unauthorized_client` (RFC 6749 §5.2).
    pub fn check_grant(&self, grant: GrantType) -> Result<(), RequestError> {
        let refuse =
            || RequestError::new(ErrorCode::UnauthorizedClient, "the client may not use this grant_type");
        self.grants.contains(&grant).then_some(()).ok_or_else(refuse)
    }

    /// Whether a client of this kind may ask for a scope, as far as its list says: without one, a machine may for none.
    pub fn may_ask_for(&self, kind: ClientKind, scope: &str) -> bool {
        self.scopes.as_ref().map_or(kind != ClientKind::Machine, |listed| listed.contains(scope))
    }

    /// Whether it may ask for all of this.
    ///
    /// # Errors
    /// `invalid_scope` (RFC 6749 §3.3).
    pub fn check_scope(&self, kind: ClientKind, asked: &ScopeSet) -> Result<(), RequestError> {
        let allowed = asked.iter().all(|scope| self.may_ask_for(kind, scope));
        let refuse = || RequestError::new(ErrorCode::InvalidScope, "the client may not ask for this scope");
        allowed.then_some(()).ok_or_else(refuse)
    }

    /// What of it a person can grant it: what exists and it may ask for. The rest is passed over
    /// (RFC 6749 §3.3 lets the server).
    pub fn grantable(&self, asked: &ScopeSet) -> ScopeSet {
        asked.iter().filter(|scope| self.may_be_granted(scope)).collect()
    }

    /// The same of claims that are asked for one by one (OIDC Core §5.5).
    pub fn grantable_claims(&self, asked: &ClaimsRequest) -> ClaimsRequest {
        asked.clone().within(|scope| self.may_be_granted(scope))
    }

    fn may_be_granted(&self, scope: &str) -> bool {
        match &self.scopes {
            None => STANDARD_SCOPES.contains(&scope),
            Some(allowed) => allowed.contains(scope),
        }
    }

    /// The mappings that its tokens are told by. Of somebody else's, those that a scope of its own lets out: what
    /// people were not asked for, and what hides behind the words of a standard scope, it does not get.
    pub fn told_claims(&self) -> impl Iterator<Item = &ClaimMapping> + Clone {
        self.claims.iter().filter(|mapping| self.party == Party::First || mapping.has_own_scope())
    }

    /// The organization's policy, tightened by the client's own limits.
    #[must_use]
    pub fn tighten(&self, policy: &Policy) -> Policy {
        let least = |of_client: Option<Duration>, of_policy: Duration| {
            of_client.map_or(of_policy, |limit| limit.min(of_policy))
        };
        Policy {
            access_token: least(self.lifetimes.access_token, policy.access_token),
            refresh_idle: least(self.lifetimes.refresh_idle, policy.refresh_idle),
            refresh_absolute: least(self.lifetimes.refresh_absolute, policy.refresh_absolute),
            session_idle: least(self.lifetimes.session_idle, policy.session_idle),
            ..*policy
        }
    }

    /// How long ago a user may have proven who they are, in seconds: what a request asks for (OIDC Core §3.1.2.1), or
    /// less. How long a session lasts stays the organization's to say, since other clients are answered in it too.
    pub fn max_age(&self, asked: Option<u32>) -> Option<u32> {
        let own = self.lifetimes.session_absolute.map(|limit| limit.num_seconds());
        let own = own.map(|seconds| u32::try_from(seconds).unwrap_or(u32::MAX));
        asked.into_iter().chain(own).min()
    }
}

impl ClientAuthentication {
    /// Each of them.
    pub const ALL: [Self; 5] =
        [Self::None, Self::Secret, Self::SecretBasic, Self::SecretPost, Self::PrivateKeyJwt];

    /// The stored text: the name of RFC 7591 §2, but for the one that means either way.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::PrivateKeyJwt => "private_key_jwt",
            Self::Secret => "client_secret",
            Self::SecretBasic => "client_secret_basic",
            Self::SecretPost => "client_secret_post",
        }
    }

    /// Reads [`ClientAuthentication::as_str`] back.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.as_str() == text)
    }

    /// Whether it proves anything.
    pub const fn is_confidential(self) -> bool {
        !matches!(self, Self::None)
    }

    /// Whether it takes a secret.
    pub const fn uses_secret(self) -> bool {
        matches!(self, Self::Secret | Self::SecretBasic | Self::SecretPost)
    }
}

impl Profile {
    /// Each of them.
    pub const ALL: [Self; 2] = [Self::OAuth, Self::Fapi2];

    /// The stored text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OAuth => "oauth",
            Self::Fapi2 => "fapi2",
        }
    }

    /// Reads [`Profile::as_str`] back.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|profile| profile.as_str() == text)
    }
}

impl ClientIssuer {
    /// Each of them.
    pub const ALL: [Self; 2] = [Self::Shared, Self::Organization];

    /// The stored text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Shared => "shared",
            Self::Organization => "organization",
        }
    }

    /// Reads [`ClientIssuer::as_str`] back.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|issuer| issuer.as_str() == text)
    }
}

impl Party {
    /// Each of them.
    pub const ALL: [Self; 3] = [Self::First, Self::Third, Self::Unregistered];

    /// Those that somebody can register.
    pub const REGISTERED: [Self; 2] = [Self::First, Self::Third];

    /// The stored text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Third => "third",
            Self::Unregistered => "unregistered",
        }
    }

    /// Reads [`Party::as_str`] back.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|party| party.as_str() == text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stricter_of_client_and_organization_counts() {
        let mut settings = ClientSettings::of(ClientKind::Web);
        settings.lifetimes.access_token = Some(Duration::minutes(2));
        settings.lifetimes.refresh_idle = Some(Duration::days(400));
        let policy = Policy::default();

        let tightened = settings.tighten(&policy);

        assert_eq!(tightened.access_token, Duration::minutes(2));
        assert_eq!(tightened.refresh_idle, policy.refresh_idle);
        assert_eq!(tightened.refresh_absolute, policy.refresh_absolute);
    }

    #[test]
    fn the_stricter_of_client_and_request_says_how_old_an_authentication_may_be() {
        let mut settings = ClientSettings::of(ClientKind::Web);
        assert_eq!([None, Some(60)].map(|asked| settings.max_age(asked)), [None, Some(60)]);

        settings.lifetimes.session_absolute = Some(Duration::hours(1));

        let asked = [None, Some(0), Some(60), Some(7200)].map(|asked| settings.max_age(asked));
        assert_eq!(asked, [Some(3600), Some(0), Some(60), Some(3600)]);
    }

    #[test]
    fn no_setting_loosens_the_fapi_profile() {
        let mut settings = ClientSettings::of(ClientKind::Web);
        settings.profile = Profile::Fapi2;
        settings.require_pkce = false;

        assert!(settings.must_push() && settings.must_use_pkce() && settings.must_bind_tokens());
        assert!(!settings.rotates_refresh_tokens());
    }

    #[test]
    fn a_scope_beyond_the_list_is_refused_whole() {
        let mut settings = ClientSettings::of(ClientKind::Machine);
        let check = |settings: &ClientSettings, kind, text| {
            settings.check_scope(kind, &ScopeSet::parse(text).unwrap()).map_err(|error| error.code)
        };

        assert_eq!(
            check(&settings, ClientKind::Machine, "notes:read"),
            Err(ErrorCode::InvalidScope),
            "no list"
        );
        assert_eq!(check(&settings, ClientKind::Web, "notes:read"), Ok(()), "no list, of people's");
        settings.scopes = Some(["notes:read".to_owned()].into());
        for kind in [ClientKind::Machine, ClientKind::Web] {
            assert_eq!(check(&settings, kind, "notes:read"), Ok(()));
            assert_eq!(check(&settings, kind, "notes:read notes:write"), Err(ErrorCode::InvalidScope));
        }
    }
}
