//! How a client of a file may ask for tokens, checked.

use std::collections::BTreeSet;

use chrono::Duration;
use orgate_domain::clients::claims::ClaimMapping;
use orgate_domain::clients::{
    ClientAuthentication, ClientIssuer, ClientKeySource, ClientSettings, Lifetimes, Party, Profile,
};
use orgate_domain::policies::LONGEST_SECS;
use orgate_protocol::jose::{ClientKeys, SigningAlgorithm};
use orgate_protocol::oauth::ScopeSet;
use orgate_protocol::oauth::redirect_uri::ClientKind;
use orgate_protocol::oauth::token::GrantType;
use serde_saphyr::Spanned;
use url::Url;

use super::addresses::web_address;
use super::format::{self, Text};
use super::reader::Reader;

impl Reader<'_> {
    /// The settings of a client: what the file leaves out is as its kind has it.
    pub(super) fn client_settings(
        &mut self,
        file: &format::Client,
        kind: ClientKind,
    ) -> Option<ClientSettings> {
        let usual = ClientSettings::of(kind);
        let authentication = self.authentication(file, kind);
        let keys = self.keys(file);
        let grants = self.grants(file, kind);
        let scopes = self.optional(file.scopes.as_ref(), |r, list| {
            r.each::<_, _, BTreeSet<String>>(list, |r, text| r.plain("scopes", text, read_scope))
        });
        let resources = self.each(&file.resources, |r, text| r.filled("resources", text, read_resource));
        let lifetimes = self.lifetimes(file);
        let profile = self.optional(file.profile.as_ref(), |r, text| {
            r.choice("profile", text, &Profile::ALL.map(|profile| (profile.as_str(), profile)))
        });
        let party = self.optional(file.party.as_ref(), |r, text| {
            r.choice("party", text, &Party::REGISTERED.map(|party| (party.as_str(), party)))
        });
        let issuer = self.optional(file.issuer.as_ref(), |r, text| {
            r.choice("issuer", text, &ClientIssuer::ALL.map(|issuer| (issuer.as_str(), issuer)))
        });
        let userinfo = self.optional(file.userinfo_signing_algorithm.as_ref(), |r, text| {
            r.choice(
                "userinfo_signing_algorithm",
                text,
                &SigningAlgorithm::ALL.map(|alg| (alg.as_str(), alg)),
            )
        });
        let claims = self.claims(file);
        let claims_budget = self.optional(file.claims_budget_bytes.as_ref(), Self::claims_budget);
        let backchannel = self.address("backchannel_logout_uri", file.backchannel_logout_uri.as_ref());
        let frontchannel = self.address("frontchannel_logout_uri", file.frontchannel_logout_uri.as_ref());
        let settings = ClientSettings {
            authentication: authentication?,
            keys: keys?,
            grants: grants?,
            scopes: scopes?,
            resources: resources?,
            lifetimes: lifetimes?,
            profile: profile?.unwrap_or_default(),
            require_pushed_authorization_requests: file
                .require_pushed_authorization_requests
                .unwrap_or(usual.require_pushed_authorization_requests),
            require_pkce: file.require_pkce.unwrap_or(usual.require_pkce),
            dpop_bound_access_tokens: file.dpop_bound_access_tokens.unwrap_or(usual.dpop_bound_access_tokens),
            party: party?.unwrap_or_default(),
            issuer: issuer?.unwrap_or_default(),
            userinfo_signing_algorithm: userinfo?,
            backchannel_logout_uri: backchannel?,
            frontchannel_logout_uri: frontchannel?,
            claims: claims?,
            claims_budget: claims_budget?.unwrap_or(usual.claims_budget),
        };
        self.check_together(file, &settings)
    }

    /// What must fit together.
    fn check_together(&mut self, file: &format::Client, settings: &ClientSettings) -> Option<ClientSettings> {
        let at = &file.id.referenced;
        let proves_by_key = settings.authentication == ClientAuthentication::PrivateKeyJwt;
        if proves_by_key && settings.keys.is_none() {
            return self.refuse(at, "authentication private_key_jwt: jwks or jwks_uri says by which keys");
        }
        if settings.is_fapi() && !proves_by_key {
            return self.refuse(at, "profile fapi2: authentication is private_key_jwt (FAPI 2.0 §5.3.2.1)");
        }
        let fitting = |text: &&Text| settings.algorithms().iter().any(|known| known.as_str() == text.value);
        let mut signed = [&file.signing_algorithm, &file.userinfo_signing_algorithm].into_iter().flatten();
        if settings.is_fapi()
            && let Some(other) = signed.find(|text| !fitting(text))
        {
            let text = "profile fapi2: it is signed to with PS256, ES256 or EdDSA (FAPI 2.0 §5.4.1)";
            return self.refuse(&other.referenced, text);
        }
        if !settings.require_pkce && !settings.authentication.is_confidential() {
            return self.refuse(at, "require_pkce: only a confidential client can be exempt");
        }
        let proving = [GrantType::ClientCredentials, GrantType::JwtBearer, GrantType::TokenExchange];
        if !settings.authentication.is_confidential()
            && let Some(grant) = proving.iter().find(|grant| settings.grants.contains(grant))
        {
            return self
                .refuse(at, format!("grants: {} is for clients that prove who they are", grant.as_str()));
        }
        let unnamed = |mapping: &ClaimMapping| !mapping.has_own_scope();
        if settings.party != Party::First
            && let Some(place) = settings.claims.iter().position(unnamed)
        {
            let at = file.claims.get(place).map_or(at, |claim| &claim.referenced);
            let text =
                "claims: a third party's have a scope of its own, which people are asked for by its name";
            return self.refuse(at, text);
        }
        Some(settings.clone())
    }

    fn authentication(&mut self, file: &format::Client, kind: ClientKind) -> Option<ClientAuthentication> {
        let words = ClientAuthentication::ALL.map(|method| (method.as_str(), method));
        let given =
            self.optional(file.authentication.as_ref(), |r, text| r.choice("authentication", text, &words))?;
        let method = given.unwrap_or(ClientSettings::of(kind).authentication);
        let public = matches!(kind, ClientKind::Spa | ClientKind::Native);
        let at = file.authentication.as_ref().map_or(&file.id.referenced, |text| &text.referenced);
        match (public, method) {
            (true, method) if method.uses_secret() => {
                let text = format!("authentication: a {} client can keep no secret", kind.as_str());
                self.refuse(at, text)
            }
            (false, ClientAuthentication::None) => {
                let text = format!("authentication: a {} client proves who it is", kind.as_str());
                self.refuse(at, text)
            }
            _ => Some(method),
        }
    }

    #[expect(clippy::option_option, reason = "left out and refused are different things")]
    fn keys(&mut self, file: &format::Client) -> Option<Option<ClientKeySource>> {
        match (&file.jwks, &file.jwks_uri) {
            (Some(_), Some(uri)) => self.refuse(&uri.referenced, "jwks_uri: not beside jwks"),
            (Some(keys), None) => self.inline_keys(keys).map(Some),
            (None, uri) => Some(self.address("jwks_uri", uri.as_ref())?.map(ClientKeySource::Url)),
        }
    }

    fn inline_keys(&mut self, keys: &Spanned<serde_json::Value>) -> Option<ClientKeySource> {
        let text = keys.value.to_string();
        match ClientKeys::parse(text.as_bytes()) {
            Ok(_) => Some(ClientKeySource::Inline(text)),
            Err(error) => self.refuse(&keys.referenced, format!("jwks: {error}")),
        }
    }

    fn grants(&mut self, file: &format::Client, kind: ClientKind) -> Option<BTreeSet<GrantType>> {
        let Some(list) = &file.grants else { return Some(ClientSettings::of(kind).grants) };
        let words = GrantType::ALL.map(|grant| (grant.as_str(), grant));
        self.each(list, |r, text| {
            let grant = r.choice("grants", text, &words)?;
            let signs_in = matches!(grant, GrantType::AuthorizationCode | GrantType::DeviceCode);
            if kind == ClientKind::Machine && signs_in {
                return r.refuse(&text.referenced, "grants: a machine client signs nobody in");
            }
            Some(grant)
        })
    }

    fn lifetimes(&mut self, file: &format::Client) -> Option<Lifetimes> {
        let mut seconds = |key, number: &Option<Spanned<i64>>, (least, most)| {
            self.optional(number.as_ref(), |r, number| {
                r.number(key, number, (least, most)).and_then(Duration::try_seconds)
            })
        };
        let access_token = seconds("access_token_secs", &file.access_token_secs, (30, 3600));
        let refresh_idle = seconds("refresh_idle_secs", &file.refresh_idle_secs, (1, LONGEST_SECS));
        let refresh_absolute =
            seconds("refresh_absolute_secs", &file.refresh_absolute_secs, (1, LONGEST_SECS));
        let session_idle = seconds("session_idle_secs", &file.session_idle_secs, (60, LONGEST_SECS));
        let session_absolute =
            seconds("session_absolute_secs", &file.session_absolute_secs, (60, LONGEST_SECS));
        Some(Lifetimes {
            access_token: access_token?,
            refresh_idle: refresh_idle?,
            refresh_absolute: refresh_absolute?,
            session_idle: session_idle?,
            session_absolute: session_absolute?,
        })
    }

    #[expect(clippy::option_option, reason = "left out and refused are different things")]
    pub(super) fn address(&mut self, key: &str, text: Option<&Text>) -> Option<Option<Url>> {
        self.optional(text, |r, text| {
            r.filled(key, text, |text| {
                web_address(text).ok_or("an https:// address, or an http:// one on localhost")
            })
        })
    }
}

fn read_scope(text: &str) -> Result<String, &'static str> {
    let scope = ScopeSet::parse(text).ok().filter(|scope| scope.iter().count() == 1 && scope.contains(text));
    scope
        .map(|_| text.to_owned())
        .ok_or("one scope: printable ASCII characters, no space, quote or backslash")
}

fn read_resource(text: &str) -> Result<String, &'static str> {
    let plain = text.len() <= 2048 && !text.contains('#') && text.bytes().all(|byte| byte.is_ascii_graphic());
    let absolute = plain && Url::parse(text).is_ok();
    absolute.then(|| text.to_owned()).ok_or("an absolute URI without a fragment (RFC 8707 §2)")
}
