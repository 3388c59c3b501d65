//! Connections of a file, checked.

use orgate_domain::clients::parse_web_address;
use orgate_domain::connections::{AttributeMapping, ConnectionSettings, ConnectionState, Vendor};
use orgate_domain::email::Email;
use orgate_domain::names::{DisplayName, Slug};
use orgate_flows::apply::{Placed, WantedConnection};
use serde_json::Value;
use serde_saphyr::Spanned;

use super::format;
use super::organizations::read_domain;
use super::reader::Reader;

/// States that a file can ask for. An operator's word counts as a test.
const STATES: [(&str, ConnectionState); 5] = [
    ("draft", ConnectionState::Draft),
    ("tested", ConnectionState::Tested),
    ("pilot", ConnectionState::Pilot),
    ("active", ConnectionState::Active),
    ("disabled", ConnectionState::Disabled),
];

impl Reader<'_> {
    pub(super) fn connection(&mut self, file: &format::Connection) -> Option<WantedConnection> {
        let slug = self.placed("slug", &file.slug, Slug::parse);
        let name = self.optional(file.name.as_ref(), |r, text| r.plain("name", text, DisplayName::parse));
        let vendor = self.optional(file.vendor.as_ref(), |r, text| {
            let allowed = Vendor::ALL.map(|vendor| (vendor.as_str(), vendor));
            r.choice("vendor", text, &allowed)
        });
        let state = self.optional(file.state.as_ref(), |r, text| r.choice("state", text, &STATES));
        let position = self.optional(file.position.as_ref(), |r, number| {
            r.number("position", number, (-1000, 1000)).and_then(|number| i32::try_from(number).ok())
        });
        let icon_url = self.optional(file.icon_url.as_ref(), |r, text| {
            r.plain("icon_url", text, |text| {
                let url = parse_web_address(text).ok().filter(|url| url.scheme() == "https");
                url.map(String::from).ok_or("an https:// address")
            })
        });
        let domains = self.optional(file.domains.as_ref(), |r, list| {
            r.each(list, |r, text| r.placed("domains", text, read_domain))
        });
        let pilots = self.optional(file.pilots.as_ref(), |r, list| {
            r.each(list, |r, text| r.placed("pilots", text, Email::parse))
        });
        let secret = self.optional(file.secret.as_ref(), |r, text| {
            r.secret("client_secret", text, |secret| {
                if secret.is_empty() { Err("it is empty".to_owned()) } else { Ok(()) }
            })
        });
        let settings = self.connection_settings(&file.settings, vendor.flatten());
        Some(WantedConnection {
            slug: slug?,
            name: name?,
            vendor: vendor?,
            state: state?,
            position: position?,
            icon_url: icon_url?,
            domains: domains?,
            pilots: pilots?,
            secret: secret?,
            settings: settings?,
        })
    }

    /// The document, its variables filled in. Silent about the mapping, it has that of the vendor.
    fn connection_settings(
        &mut self,
        file: &Spanned<Value>,
        vendor: Option<Vendor>,
    ) -> Option<Placed<ConnectionSettings>> {
        let at = &file.referenced;
        let mut document = file.value.clone();
        self.fill_document(at, &mut document)?;
        let is_mapped = document.get("mapping").is_some();
        let mut settings: ConnectionSettings = match serde_json::from_value(document) {
            Ok(settings) => settings,
            Err(error) => return self.refuse(at, format!("settings: {error}")),
        };
        if let Some(vendor) = vendor.filter(|_| !is_mapped) {
            settings.mapping = AttributeMapping::preset(vendor, settings.protocol());
        }
        match settings.check() {
            Ok(()) => Some(Placed { value: settings, place: self.place(at) }),
            Err(problem) => self.refuse(at, format!("settings: {problem}")),
        }
    }

    fn fill_document(&mut self, at: &serde_saphyr::Location, value: &mut Value) -> Option<()> {
        match value {
            Value::String(text) => *text = self.fill_at("settings", at, text)?,
            Value::Array(list) => {
                for item in list {
                    self.fill_document(at, item)?;
                }
            }
            Value::Object(members) => {
                for item in members.values_mut() {
                    self.fill_document(at, item)?;
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
        Some(())
    }
}
