//! The fields of a client's form: what stands in them, and what that makes of a client.
//!
//! **Invariant:** what a form does not show, and what was not touched in it, stays as it is.

use std::collections::BTreeSet;
use std::fmt::Display;

use orgate_domain::clients::{Audience, Client, parse_resource, parse_scope, parse_web_address};
use orgate_domain::names::DisplayName;
use orgate_protocol::oauth::redirect_uri::{ClientKind, RegisteredRedirectUri};
use url::Url;

use crate::admin::change::Wrong;
use crate::admin::clients::audience;
use crate::admin::meanwhile::{ChangedField, Raced, merge};
use crate::admin::radio::Radio;
use crate::fields::Form;

/// A field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Name,
    Audience,
    RedirectUris,
    PostLogoutRedirectUris,
    HomeUrl,
    InitiateLoginUri,
    BackchannelLogoutUri,
    Scopes,
    Resources,
}

/// How much stands in one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// One of a few.
    Choice,
    Line,
    /// Something on each line.
    Lines,
    /// Words, with space between them.
    Words,
}

/// What stands in the fields of a form, as it is written there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Typed(Vec<(Field, String)>);

/// A field as the page shows it: `templates/admin/client_field.html`.
pub(super) struct Shown {
    pub(super) name: &'static str,
    pub(super) label: &'static str,
    pub(super) hint: String,
    pub(super) is_optional: bool,
    /// Whether an address belongs into it.
    pub(super) is_url: bool,
    /// Lines that there is room for, if there are several.
    pub(super) rows: Option<usize>,
    pub(super) text: String,
    /// What can be chosen.
    pub(super) choices: Vec<Radio>,
}

impl Field {
    const ALL: [Self; 9] = [
        Self::Name,
        Self::Audience,
        Self::RedirectUris,
        Self::PostLogoutRedirectUris,
        Self::HomeUrl,
        Self::InitiateLoginUri,
        Self::BackchannelLogoutUri,
        Self::Scopes,
        Self::Resources,
    ];

    /// Those that a client of this kind has, where others may use it or not.
    pub(super) fn of(kind: ClientKind, is_operators: bool) -> Vec<Self> {
        let is_shown = |field: &Self| match field {
            Self::Audience => is_operators,
            Self::Name | Self::Scopes | Self::Resources => true,
            _ => kind != ClientKind::Machine,
        };
        Self::ALL.into_iter().filter(is_shown).collect()
    }

    /// As the management API calls it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Audience => "audience",
            Self::RedirectUris => "redirect_uris",
            Self::PostLogoutRedirectUris => "post_logout_redirect_uris",
            Self::HomeUrl => "home_url",
            Self::InitiateLoginUri => "initiate_login_uri",
            Self::BackchannelLogoutUri => "backchannel_logout_uri",
            Self::Scopes => "scopes",
            Self::Resources => "resources",
        }
    }

    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Name => "Name",
            Self::Audience => "Which organizations may use it?",
            Self::RedirectUris => "Redirect URIs",
            Self::PostLogoutRedirectUris => "Post-logout redirect URIs",
            Self::HomeUrl => "Home page",
            Self::InitiateLoginUri => "Initiate login URI",
            Self::BackchannelLogoutUri => "Back-channel logout URI",
            Self::Scopes => "Scopes",
            Self::Resources => "Resources",
        }
    }

    fn hint(self, kind: ClientKind, api: &str) -> String {
        let hint = match (self, kind) {
            (Self::Name, ClientKind::Machine) => "The log calls it so.",
            (Self::Name, _) => "People read it where they sign in.",
            (Self::Audience, _) => "",
            (Self::RedirectUris, ClientKind::Native) => {
                "One a line: where answers may go, compared exactly. https; http only on localhost. A native application may have a \
                 scheme of its own, like com.example.app:/callback."
            }
            (Self::RedirectUris, _) => {
                "One a line: where answers may go, compared exactly. https; http only on localhost."
            }
            (Self::PostLogoutRedirectUris, _) => "One a line: where a sign-out may lead, compared exactly.",
            (Self::HomeUrl, _) => "Its own page, where people go on.",
            (Self::InitiateLoginUri, _) => {
                "Where it begins a sign-in that somebody else thought of: an identity provider’s, or an invitation’s."
            }
            (Self::BackchannelLogoutUri, _) => "Where it is told that a session ended.",
            (Self::Scopes, ClientKind::Machine) => {
                "With space between them: exactly what it may ask for. Without any, it gets none."
            }
            (Self::Scopes, _) => {
                "With space between them: exactly what it may ask for. Empty: what every application may."
            }
            (Self::Resources, _) => {
                return format!("One a line: what else it may ask tokens for. The management API is {api}");
            }
        };
        hint.to_owned()
    }

    const fn shape(self) -> Shape {
        match self {
            Self::Audience => Shape::Choice,
            Self::RedirectUris | Self::PostLogoutRedirectUris | Self::Resources => Shape::Lines,
            Self::Scopes => Shape::Words,
            Self::Name | Self::HomeUrl | Self::InitiateLoginUri | Self::BackchannelLogoutUri => Shape::Line,
        }
    }

    /// What stands in it of a client.
    pub(super) fn text(self, client: &Client) -> String {
        let url = |url: &Option<Url>| url.as_ref().map(Url::to_string).unwrap_or_default();
        let joined = |texts: &BTreeSet<String>, by: &str| texts.iter().cloned().collect::<Vec<_>>().join(by);
        match self {
            Self::Name => client.name.as_str().trim().to_owned(),
            Self::Audience => client.audience.as_str().to_owned(),
            Self::RedirectUris => {
                client.redirect_uris.iter().map(RegisteredRedirectUri::as_str).collect::<Vec<_>>().join("\n")
            }
            Self::PostLogoutRedirectUris => joined(&client.post_logout_redirect_uris, "\n"),
            Self::HomeUrl => url(&client.home_url),
            Self::InitiateLoginUri => url(&client.initiate_login_uri),
            Self::BackchannelLogoutUri => url(&client.settings.backchannel_logout_uri),
            Self::Scopes => {
                client.settings.scopes.as_ref().map(|scopes| joined(scopes, " ")).unwrap_or_default()
            }
            Self::Resources => joined(&client.settings.resources, "\n"),
        }
    }

    /// Sets a client to what stands in it, or says what is wrong with that.
    fn set(self, text: &str, client: &mut Client) -> Result<(), String> {
        let kind = client.kind;
        let url = || Some(text).filter(|text| !text.is_empty()).map(parse_web_address).transpose();
        match self {
            Self::Name => client.name = DisplayName::parse(text).map_err(|error| error.to_string())?,
            Self::Audience => client.audience = Audience::from_text(text).ok_or("choose one of these")?,
            Self::RedirectUris => {
                client.redirect_uris =
                    each(text.lines(), "line", |line| RegisteredRedirectUri::parse(line, kind))?;
            }
            Self::PostLogoutRedirectUris => {
                let parse = |line: &str| RegisteredRedirectUri::parse(line, kind).map(|uri| uri.to_string());
                client.post_logout_redirect_uris = each(text.lines(), "line", parse)?;
            }
            Self::HomeUrl => client.home_url = url()?,
            Self::InitiateLoginUri => client.initiate_login_uri = url()?,
            Self::BackchannelLogoutUri => client.settings.backchannel_logout_uri = url()?,
            Self::Scopes => {
                let scopes: BTreeSet<String> = each(text.split(' '), "scope", parse_scope)?;
                // A machine that may ask for nothing is not one of which nothing is said.
                let is_said = !text.is_empty() || kind == ClientKind::Machine;
                client.settings.scopes = Some(scopes).filter(|_| is_said);
            }
            Self::Resources => client.settings.resources = each(text.lines(), "line", parse_resource)?,
        }
        Ok(())
    }
}

/// Reads each of several; what is wrong with one says which, unless there is one alone.
fn each<'a, T, E: Display, List: FromIterator<T>>(
    texts: impl Iterator<Item = &'a str> + Clone,
    what: &str,
    read: impl Fn(&str) -> Result<T, E>,
) -> Result<List, String> {
    let is_alone = texts.clone().count() == 1;
    let wrong = |place: usize, error: E| {
        if is_alone { error.to_string() } else { format!("{what} {}: {error}", place + 1) }
    };
    let texts = texts.filter(|text| !text.is_empty()).enumerate();
    texts.map(|(place, text)| read(text).map_err(|error| wrong(place, error))).collect()
}

impl Typed {
    /// What stands in these fields of a client.
    pub(super) fn of(client: &Client, fields: &[Field]) -> Self {
        Self(fields.iter().map(|field| (*field, field.text(client))).collect())
    }

    /// Those of a form whose names begin so.
    pub(super) fn read(form: &Form, prefix: &str, fields: &[Field]) -> Self {
        let read = |field: &Field| {
            let text = form.text(&format!("{prefix}{}", field.name()));
            let lines = || text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>();
            let text = match field.shape() {
                Shape::Choice | Shape::Line => text.to_owned(),
                Shape::Lines => lines().join("\n"),
                Shape::Words => text.split_whitespace().collect::<Vec<_>>().join(" "),
            };
            (*field, text)
        };
        Self(fields.iter().map(read).collect())
    }

    /// A client that is this, where it is anything else now; or everything that is wrong with it.
    pub(super) fn onto(&self, client: &Client) -> Result<Client, Vec<Wrong>> {
        let mut wanted = client.clone();
        let touched = self.0.iter().filter(|(field, text)| field.text(client) != *text);
        let wrong = |(field, text): &(Field, String)| {
            field.set(text, &mut wanted).err().map(|why| Wrong::with(field.name(), &why))
        };
        let wrongs: Vec<_> = touched.filter_map(wrong).collect();
        if wrongs.is_empty() { Ok(wanted) } else { Err(wrongs) }
    }

    /// These, with what others changed since `seen` where they were not touched themselves; and what that was.
    pub(super) fn merged(mut self, seen: &Self, now: &Self) -> (Self, Vec<ChangedField>) {
        let states = self.0.iter_mut().zip(&seen.0).zip(&now.0);
        let raced = states.map(|(((field, mine), (_, seen)), (_, now))| Raced {
            named: (field.name(), field.label()),
            mine,
            seen,
            now,
        });
        let changes = merge(raced);
        (self, changes)
    }

    /// By the fields' names.
    pub(super) fn named(&self) -> Vec<(&'static str, String)> {
        self.0.iter().map(|(field, text)| (field.name(), text.clone())).collect()
    }

    /// The fields as a page shows them; `api` is what tokens for the management API are asked for by.
    pub(super) fn shown(&self, kind: ClientKind, api: &str) -> Vec<Shown> {
        self.0.iter().map(|(field, text)| Shown::of((*field, kind), (text, api))).collect()
    }
}

impl Shown {
    /// Chooses this, where something can be chosen.
    pub(super) fn choose(&mut self, value: &str) {
        for choice in &mut self.choices {
            choice.is_chosen = choice.value == value;
        }
    }

    fn of((field, kind): (Field, ClientKind), (text, api): (&str, &str)) -> Self {
        let shape = field.shape();
        let choice = |one: Audience, meaning| Radio::of((one.as_str(), audience(one), meaning), text);
        Self {
            name: field.name(),
            label: field.label(),
            hint: field.hint(kind, api),
            is_optional: !matches!(field, Field::Name | Field::Audience | Field::RedirectUris),
            is_url: matches!(field, Field::HomeUrl | Field::InitiateLoginUri | Field::BackchannelLogoutUri),
            rows: (shape == Shape::Lines).then(|| (text.lines().count() + 1).clamp(2, 8)),
            text: text.to_owned(),
            choices: if shape == Shape::Choice {
                vec![
                    choice(Audience::Owner, "Its own people alone."),
                    choice(Audience::Granted, "Those that you let use it, one by one."),
                    choice(Audience::All, "Also those that are made later."),
                ]
            } else {
                Vec::new()
            },
        }
    }
}
