//! What of an organization reaches others: webhooks, and whom it invites.

use std::str::FromStr as _;

use chrono::Duration;
use orgate_domain::email::Email;
use orgate_domain::invitations::DEFAULT_LIFETIME;
use orgate_domain::names::{DisplayName, Slug};
use orgate_flows::apply::{Placed, WantedWebhook};
use orgate_flows::invitations::make::WantedInvitation;
use orgate_flows::manage::{WebhookScope, WebhookStatus};
use orgate_protocol::webhooks::SigningSecret;
use url::Url;

use super::format::{self, Text};
use super::reader::Reader;

const SCOPES: [(&str, WebhookScope); 2] =
    [("organization", WebhookScope::Organization), ("all", WebhookScope::All)];

const STATUSES: [(&str, WebhookStatus); 2] =
    [("enabled", WebhookStatus::Enabled), ("disabled", WebhookStatus::Disabled)];

impl Reader<'_> {
    pub(super) fn webhook(&mut self, file: &format::Webhook) -> Option<WantedWebhook> {
        let place = self.place(&file.url.referenced);
        let url = self.filled("url", &file.url, |text| Url::parse(text).map(String::from));
        let scope = self.optional(file.scope.as_ref(), |r, text| r.choice("scope", text, &SCOPES));
        let description = self
            .optional(file.description.as_ref(), |r, text| r.plain("description", text, String::from_str));
        let events = self.optional(file.events.as_ref(), |r, list| {
            r.each(list, |r, text| r.plain("events", text, String::from_str))
        });
        let status = self.optional(file.status.as_ref(), |r, text| r.choice("status", text, &STATUSES));
        let secret = self.optional(file.secret.as_ref(), |r, text| {
            r.secret("secret", text, |secret| {
                SigningSecret::parse(secret).map(drop).map_err(|error| error.to_string())
            })
        });
        Some(WantedWebhook {
            url: Placed { value: url?, place },
            scope: scope?.unwrap_or(WebhookScope::Organization),
            description: description?,
            events: events?,
            status: status?,
            secret: secret?,
        })
    }

    pub(super) fn invitation(&mut self, file: &format::Invitation) -> Option<Placed<WantedInvitation>> {
        let email = self.placed("email", &file.email, |text| {
            Email::parse(text).map_err(|error| format!("{error}, like name@example.com"))
        });
        let name = self.optional(file.name.as_ref(), |r, text| r.plain("name", text, DisplayName::parse));
        let locale = self.optional(file.locale.as_ref(), |r, text| r.plain("locale", text, String::from_str));
        let client_id =
            self.optional(file.client_id.as_ref(), |r, text| r.plain("client_id", text, String::from_str));
        let mut slugs =
            |key, list: &[Text]| self.each(list, |r, text: &Text| r.plain(key, text, Slug::parse));
        let (roles, groups) = (slugs("roles", &file.roles), slugs("groups", &file.groups));
        let hours = file.expires_in_hours.as_ref().map_or(DEFAULT_LIFETIME.num_hours(), |hours| hours.value);
        let Placed { value: email, place } = email?;
        let value = WantedInvitation {
            email,
            name: name?,
            locale: locale?,
            client_id: client_id?,
            roles: roles?,
            groups: groups?,
            lifetime: Duration::try_hours(hours).unwrap_or_default(),
        };
        Some(Placed { value, place })
    }
}
