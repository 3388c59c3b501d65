//! Clients of a file, checked.

use std::collections::BTreeSet;

use orgate_domain::clients::{
    Audience, ClientSettings, ClientStatus, parse_audience, parse_client_id, parse_own_permission,
};
use orgate_domain::names::{DisplayName, Slug};
use orgate_flows::apply::{Placed, Secret, WantedClient};
use orgate_protocol::jose::SigningAlgorithm;
use orgate_protocol::oauth::redirect_uri::{ClientKind, RegisteredRedirectUri};
use orgate_protocol::oauth::token::GrantType;

use super::format::{self, Text};
use super::reader::Reader;

/// Characters of a given client secret, at least: in hexadecimal, 128 bits. Secrets are stored as a
/// plain SHA-256, which is sound only for those that cannot be guessed.
const LEAST_SECRET: usize = 32;
const MOST_SECRET: usize = 512;

const TYPES: [(&str, ClientKind); 4] = [
    ("web", ClientKind::Web),
    ("spa", ClientKind::Spa),
    ("native", ClientKind::Native),
    ("machine", ClientKind::Machine),
];
const AUDIENCES: [(&str, Audience); 3] =
    [("all", Audience::All), ("granted", Audience::Granted), ("owner", Audience::Owner)];
const STATUSES: [(&str, ClientStatus); 2] =
    [("active", ClientStatus::Active), ("disabled", ClientStatus::Disabled)];

impl Reader<'_> {
    pub(super) fn client(&mut self, file: &format::Client) -> Option<WantedClient> {
        let client_id = self.placed("client_id", &file.id, parse_client_id);
        let organization = self.placed("organization", &file.organization, Slug::parse);
        let name = self.plain("name", &file.name, DisplayName::parse);
        let kind = self.choice("type", &file.kind, &TYPES);
        let audience = self.choice("audience", &file.audience, &AUDIENCES);
        let status = self.optional(file.status.as_ref(), |r, text| r.choice("status", text, &STATUSES));
        let home_url = self.address("home_url", file.home_url.as_ref());
        let initiate_login_uri = self.address("initiate_login_uri", file.initiate_login_uri.as_ref());
        let resource =
            self.optional(file.resource.as_ref(), |r, text| r.plain("resource", text, parse_audience));
        let algorithm = self.optional(file.signing_algorithm.as_ref(), |r, text| {
            let algorithms = SigningAlgorithm::ALL.map(|algorithm| (algorithm.as_str(), algorithm));
            r.choice("signing_algorithm", text, &algorithms)
        });
        let permissions =
            self.each(&file.permissions, |r, text| r.plain("permissions", text, parse_own_permission));
        let granted_to = self.granted_to(file, audience);
        let kind = kind?;
        let post_logout = self.each::<_, _, BTreeSet<_>>(&file.post_logout_redirect_uris, |r, text| {
            r.redirect_uri("post_logout_redirect_uris", text, kind).map(|uri| uri.to_string())
        });
        let signing_algorithm = algorithm?.unwrap_or(SigningAlgorithm::Es256);
        let settings = self.client_settings(file, (kind, signing_algorithm));
        let redirect_uris = self.redirect_uris(file, kind, settings.as_ref());
        let roles = self.client_roles(file, kind);
        let secret = self.client_secret(file, settings.as_ref());
        let client_id = client_id?;
        Some(WantedClient {
            resource: resource?.unwrap_or_else(|| client_id.value.clone()),
            client_id,
            organization: organization?,
            name: name?,
            kind,
            audience: audience?,
            status: status?,
            secret: secret?,
            redirect_uris: redirect_uris?,
            post_logout_redirect_uris: post_logout?,
            home_url: home_url?,
            initiate_login_uri: initiate_login_uri?,
            signing_algorithm,
            permissions: permissions?,
            settings: settings?,
            roles: roles?,
            granted_to: granted_to?,
        })
    }

    fn redirect_uris(
        &mut self,
        file: &format::Client,
        kind: ClientKind,
        settings: Option<&ClientSettings>,
    ) -> Option<Vec<RegisteredRedirectUri>> {
        let redirected =
            settings.is_some_and(|settings| settings.grants.contains(&GrantType::AuthorizationCode));
        if file.redirect_uris.is_empty() && redirected {
            let text = format!("redirect_uris: a {} client has at least one", kind.as_str());
            return self.refuse(&file.id.referenced, text);
        }
        self.each(&file.redirect_uris, |r, text| r.redirect_uri("redirect_uris", text, kind))
    }

    fn redirect_uri(&mut self, key: &str, text: &Text, kind: ClientKind) -> Option<RegisteredRedirectUri> {
        self.filled(key, text, |text| RegisteredRedirectUri::parse(text, kind))
    }

    #[expect(clippy::option_option, reason = "left out and refused are different things")]
    fn client_secret(
        &mut self,
        file: &format::Client,
        settings: Option<&ClientSettings>,
    ) -> Option<Option<Secret>> {
        self.optional(file.secret.as_ref(), |r, text| {
            if let Some(settings) = settings
                && !settings.authentication.uses_secret()
            {
                let reason = if settings.authentication.is_confidential() {
                    "client_secret: the client proves itself by its keys and has none".to_owned()
                } else {
                    format!("client_secret: a {} client is public and has none", file.kind.value)
                };
                return r.refuse(&text.referenced, reason);
            }
            r.secret("client_secret", text, check_client_secret)
        })
    }

    /// What a machine client holds in its owner's organization.
    #[expect(clippy::option_option, reason = "left out and refused are different things")]
    fn client_roles(&mut self, file: &format::Client, kind: ClientKind) -> Option<Option<Vec<Placed<Slug>>>> {
        self.optional(file.roles.as_ref(), |r, list| {
            if kind != ClientKind::Machine {
                return r.refuse(&file.id.referenced, "roles: only a machine client holds roles of its own");
            }
            r.each(list, |r, text| r.placed("roles", text, Slug::parse))
        })
    }

    #[expect(clippy::option_option, reason = "left out and refused are different things")]
    fn granted_to(
        &mut self,
        file: &format::Client,
        audience: Option<Audience>,
    ) -> Option<Option<Vec<Placed<Slug>>>> {
        self.optional(file.granted_to.as_ref(), |r, list| {
            if audience.is_some_and(|audience| audience != Audience::Granted) {
                return r.refuse(&file.audience.referenced, "granted_to: only with audience granted");
            }
            r.each(list, |r, text| r.placed("granted_to", text, Slug::parse))
        })
    }
}

fn check_client_secret(secret: &str) -> Result<(), String> {
    let printable = secret.bytes().all(|b| b.is_ascii_graphic()); // RFC 6749 A.2, without the space
    if printable && (LEAST_SECRET..=MOST_SECRET).contains(&secret.len()) {
        return Ok(());
    }
    Err(format!(
        "{LEAST_SECRET} to {MOST_SECRET} printable ASCII characters that nobody can guess; \
         leave the key out, and one is generated"
    ))
}
