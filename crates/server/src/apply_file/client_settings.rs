//! How a client of a file may ask for tokens, checked.

use std::collections::BTreeSet;

use chrono::Duration;
use orgate_domain::clients::{
    ClientAuthentication, ClientIssuer, ClientKeySource, ClientSettings, Lifetimes, Party, Profile,
    parse_resource, parse_scope, parse_web_address,
};
use orgate_domain::policies::LONGEST_SECS;
use orgate_protocol::jose::{ClientKeys, SigningAlgorithm};
use orgate_protocol::oauth::redirect_uri::ClientKind;
use orgate_protocol::oauth::token::GrantType;
use serde_saphyr::Spanned;
use url::Url;

use super::format::{self, Text};
use super::reader::Reader;

impl Reader<'_> {
    /// The settings of a client: what the file leaves out is as its kind has it.
    pub(super) fn client_settings(
        &mut self,
        file: &format::Client,
        (kind, signing): (ClientKind, SigningAlgorithm),
    ) -> Option<ClientSettings> {
        let usual = ClientSettings::of(kind);
        let authentication = self.authentication(file, kind);
        let keys = self.keys(file);
        let grants = self.grants(file, kind);
        let scopes = self.optional(file.scopes.as_ref(), |r, list| {
            r.each::<_, _, BTreeSet<String>>(list, |r, text| r.plain("scopes", text, parse_scope))
        });
        let resources = self.each(&file.resources, |r, text| r.filled("resources", text, parse_resource));
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
        self.check_together(file, (kind, signing), settings)
    }

    /// What must fit together, told at what does not.
    fn check_together(
        &mut self,
        file: &format::Client,
        (kind, signing): (ClientKind, SigningAlgorithm),
        settings: ClientSettings,
    ) -> Option<ClientSettings> {
        let Err(problem) = settings.check(kind, signing) else { return Some(settings) };
        let said = match problem.key {
            "authentication" => file.authentication.as_ref().map(|text| text.referenced),
            "claims" => {
                let unnamed = settings.claims.iter().position(|mapping| !mapping.has_own_scope());
                unnamed.and_then(|place| file.claims.get(place)).map(|claim| claim.referenced)
            }
            "signing_algorithm" => file.signing_algorithm.as_ref().map(|text| text.referenced),
            "userinfo_signing_algorithm" => {
                file.userinfo_signing_algorithm.as_ref().map(|text| text.referenced)
            }
            _ => None,
        };
        self.refuse(&said.unwrap_or(file.id.referenced), problem.to_string())
    }

    fn authentication(&mut self, file: &format::Client, kind: ClientKind) -> Option<ClientAuthentication> {
        let words = ClientAuthentication::ALL.map(|method| (method.as_str(), method));
        let given =
            self.optional(file.authentication.as_ref(), |r, text| r.choice("authentication", text, &words))?;
        Some(given.unwrap_or(ClientSettings::of(kind).authentication))
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
        self.each(list, |r, text| r.choice("grants", text, &words))
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
        self.optional(text, |r, text| r.filled(key, text, parse_web_address))
    }
}
