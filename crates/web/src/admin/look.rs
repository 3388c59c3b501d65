//! What the organization says of itself, and what its pages look like.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use orgate_domain::email::Email;
use orgate_domain::locales::Locale;
use orgate_domain::names::DisplayName;
use orgate_domain::organizations::{Branding, Color, Organization, parse_logo_url};
use orgate_domain::permissions::OrgatePermission;
use orgate_flows::manage::ChangeError;
use orgate_flows::manage::organization::{DescribedOrganization, OrganizationSettings, update_organization};

use super::answers::Answer;
use super::change::{Wrong, Wrongs, done, refusal_on};
use super::frame::{Frame, Part};
use super::meanwhile::{ChangedField, ChangedFields, Unsaved};
use super::sample::Sample;
use super::texts::{Fields, Texts};
use super::{Admin, Submitted};
use crate::form::LinkQuery;
use crate::language::{Language, called};
use crate::page::Page;

/// Where it is shown, and what that takes.
const SHOWN: (&str, OrgatePermission) = ("/look", OrgatePermission::OrganizationRead);

const FIELDS: Fields<5> = [
    ("name", "Name"),
    ("logo_url", "Logo"),
    ("primary_color", "Colour"),
    ("locale", "Language"),
    ("contact_email", "Contact address"),
];

/// `templates/admin/look.html`.
#[derive(Template)]
#[template(path = "admin/look.html")]
struct LookTemplate {
    page: Page,
    frame: Frame,
    csrf: String,
    here: String,
    /// Its short name, which stays.
    slug: String,
    /// Whether it can be changed.
    manages: bool,
    /// What stands in the fields.
    typed: Typed,
    /// What stood in them when the form was shown first.
    seen: Typed,
    wrongs: Wrongs,
    meanwhile: Option<ChangedFields>,
    sample: Sample,
}

type Typed = Texts<5>;

impl Typed {
    fn of(organization: &Organization) -> Self {
        let text = |value: Option<String>| value.unwrap_or_default();
        Self([
            organization.name.as_str().to_owned(),
            text(organization.branding.logo_url.as_ref().map(ToString::to_string)),
            text(organization.branding.primary_color.map(|color| color.to_string())),
            text(organization.branding.locale.as_ref().map(ToString::to_string)),
            text(organization.contact.as_ref().map(|contact| contact.as_str().to_owned())),
        ])
    }

    /// What they ask for, or everything that is wrong.
    fn parse(&self) -> Result<OrganizationSettings, Wrongs> {
        let [name, logo_url, color, locale, contact] = &self.0;
        let some = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        let hash = |text: String| if text.starts_with('#') { text } else { format!("#{text}") };
        let parsed = (
            DisplayName::parse(name).map_err(|error| Wrong::with("name", &error.to_string())),
            some(logo_url)
                .map(|text| parse_logo_url(&text))
                .transpose()
                .map_err(|error| Wrong::with("logo_url", &error.to_string())),
            some(color)
                .map(|text| Color::parse(&hash(text)))
                .transpose()
                .map_err(|error| Wrong::with("primary_color", &format!("{error}, like #0b5fff"))),
            some(locale)
                .map(|text| text.parse::<Locale>())
                .transpose()
                .map_err(|error| Wrong::with("locale", &error.to_string())),
            some(contact)
                .map(|text| Email::parse(&text))
                .transpose()
                .map_err(|error| Wrong::with("contact_email", &format!("{error}, like name@example.com"))),
        );
        match parsed {
            (Ok(name), Ok(logo_url), Ok(primary_color), Ok(locale), Ok(contact)) => {
                let branding = Branding { logo_url, primary_color, locale };
                Ok(OrganizationSettings { name, branding, contact })
            }
            (name, logo_url, color, locale, contact) => {
                let wrongs = [name.err(), logo_url.err(), color.err(), locale.err(), contact.err()];
                Err(Wrongs(wrongs.into_iter().flatten().collect()))
            }
        }
    }

    /// What can be shown of them, whatever is wrong with the rest.
    fn sample(&self) -> Sample {
        let [name, logo_url, color, locale, _] = &self.0;
        let branding = match self.parse() {
            Ok(settings) => settings.branding,
            Err(_) => Branding {
                logo_url: parse_logo_url(logo_url).ok(),
                primary_color: Color::parse(color).or_else(|_| Color::parse(&format!("#{color}"))).ok(),
                locale: locale.parse().ok(),
            },
        };
        Sample::of(name, &branding)
    }
}

impl LookTemplate {
    /// What stands in a field.
    fn typed(&self, field: &str) -> &str {
        self.typed.text(&FIELDS, field)
    }

    /// What stood in each field when the form was shown.
    fn seen(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.seen.named(&FIELDS)
    }

    /// The languages to choose from: those of pages, and any other that was chosen by the API, in which mails can be.
    fn languages(&self) -> Vec<(&str, String)> {
        let chosen = self.typed("locale");
        let mut tags = Vec::from(Language::ALL.map(Language::tag));
        if !chosen.is_empty() && !tags.contains(&chosen) {
            tags.push(chosen);
        }
        let named = tags.into_iter().map(|tag| (tag, called(tag)));
        [("", "As each browser says".to_owned())].into_iter().chain(named).collect()
    }

    /// What is wrong, and the field that the summary leads to.
    fn summary(&self) -> impl Iterator<Item = (&str, String)> {
        self.wrongs.0.iter().map(|wrong| match FIELDS.iter().find(|(name, _)| *name == wrong.field) {
            Some((name, label)) => (*name, format!("{label}: {}", wrong.why)),
            None => ("name", wrong.why.clone()),
        })
    }
}

/// `GET …/look`.
pub(crate) async fn get(admin: Admin, LinkQuery(params): LinkQuery) -> Response {
    let done = (params.get("done") == Some("saved"))
        .then_some("The look is saved. Whoever opens a page from now on sees it.");
    show(&admin, done, None)
}

/// `POST …/look`: saves it, or shows what it would look like.
pub(crate) async fn post(Submitted { admin, form }: Submitted) -> Answer {
    let (typed, seen) = (Typed::read(&form, "", &FIELDS), Typed::read(&form, "seen.", &FIELDS));
    let unsaved = Unsaved::of(typed.clone(), seen.clone());
    let settings = match typed.parse() {
        Ok(settings) => settings,
        Err(wrongs) => {
            return Ok(unsaved.wrong(StatusCode::UNPROCESSABLE_ENTITY, wrongs).show(&admin));
        }
    };
    if form.text("action") != "save" {
        return Ok(unsaved.show(&admin));
    }
    let mut now = None;
    let edit = |described: &DescribedOrganization| {
        let is = Typed::of(&described.organization);
        if is == seen { Ok(settings) } else { Err(stale(&mut now, is)) }
    };
    let Err(error) = update_organization(&admin.env, &admin.caller, edit).await else {
        return Ok(done(&admin, SHOWN, "saved"));
    };
    let refusal = refusal_on(SHOWN.1, &admin, &error)?;
    if let Some(now) = now {
        return changed_meanwhile(&admin, typed.merged((&seen, &now), &FIELDS), now).await;
    }
    Ok(unsaved.refused(refusal).show(&admin))
}

/// Keeps what there is in the place of what was seen.
fn stale(now: &mut Option<Typed>, is: Typed) -> ChangeError {
    *now = Some(is);
    ChangeError::Stale
}

/// Offers both: what was typed, and what somebody changed since the form was shown.
async fn changed_meanwhile(
    admin: &Admin,
    (typed, changes): (Typed, Vec<ChangedField>),
    now: Typed,
) -> Answer {
    let theirs = admin.href(SHOWN.0);
    let parts = ["name", "branding", "contact"];
    let meanwhile = admin.read(ChangedFields::of(admin, &parts, (changes, theirs)).await)?;
    Ok(Unsaved::of(typed, now.clone()).stale(now, meanwhile).show(admin))
}

impl Unsaved<Typed> {
    fn show(self, admin: &Admin) -> Response {
        show(admin, None, Some(self))
    }
}

fn show(admin: &Admin, done: Option<&'static str>, unsaved: Option<Unsaved<Typed>>) -> Response {
    let organization = &admin.signed_in.organization;
    let shown = unsaved.unwrap_or_else(|| {
        let is = Typed::of(organization);
        Unsaved::of(is.clone(), is)
    });
    let template = LookTemplate {
        page: admin.page(),
        frame: Frame::of(admin, Part::Look).saying(done),
        csrf: admin.token(),
        here: admin.href(SHOWN.0),
        slug: organization.slug.to_string(),
        manages: admin.caller.asking(OrgatePermission::OrganizationManage).is_some(),
        sample: shown.typed.sample(),
        typed: shown.typed,
        seen: shown.seen,
        wrongs: shown.wrongs,
        meanwhile: shown.meanwhile,
    };
    admin.render_live(shown.status, &template)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(texts: [&str; 5]) -> Typed {
        Texts(texts.map(str::to_owned))
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let wrongs =
            typed(["", "http://acme.test/logo.svg", "red", "d", "nobody"]).parse().expect_err("wrong");

        let fields: Vec<_> = wrongs.0.iter().map(|wrong| wrong.field.as_str()).collect();
        assert_eq!(fields, ["name", "logo_url", "primary_color", "locale", "contact_email"]);
        assert!(typed(["Acme", "", "0B5FFF", "", ""]).parse().is_ok(), "the sign may be missing");
    }

    #[test]
    fn of_what_two_changed_each_keeps_their_own_and_is_told_where_both_did() {
        let seen = typed(["Acme", "", "#000000", "", ""]);
        let now = typed(["Acme Inc", "", "#ff0000", "", ""]);
        let mine = typed(["Acme Ltd", "", "#000000", "", "a@acme.test"]);

        let (merged, changes) = mine.merged((&seen, &now), &FIELDS);

        assert_eq!(merged, typed(["Acme Ltd", "", "#ff0000", "", "a@acme.test"]));
        let told: Vec<_> = changes.iter().map(|change| (change.field, change.yours.as_deref())).collect();
        assert_eq!(told, [("name", Some("Acme Ltd")), ("primary_color", None)]);
    }
}
