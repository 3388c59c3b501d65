//! What a user is called and how they are reached: changed, unless somebody else changed it meanwhile.

use askama::Template;
use axum::http::StatusCode;
use orgate_domain::email::Email;
use orgate_domain::ids::UserId;
use orgate_domain::locales::is_locale;
use orgate_domain::names::{DisplayName, ExternalId};
use orgate_domain::standing::UserStatus;
use orgate_flows::manage::users::{Touched, UserSettings, find_user, update_user};
use orgate_flows::manage::{ChangeError, ListedUser};

use super::answers::Answer;
use super::change::{Wrong, Wrongs, done, refusal_on};
use super::frame::{Frame, Part};
use super::meanwhile::{ChangedField, ChangedFields, Raced, Unsaved, merge};
use super::{Admin, Named, Submitted};
use crate::fields::Form;
use crate::page::{Link, Page};

/// The fields: as the management API calls them, and as people do.
const FIELDS: [(&str, &str); 4] =
    [("name", "Name"), ("email", "Address"), ("locale", "Language"), ("external_id", "External id")];

/// `templates/admin/user_profile.html`.
#[derive(Template)]
#[template(path = "admin/user_profile.html")]
struct ProfileTemplate {
    page: Page,
    frame: Frame,
    csrf: String,
    here: String,
    back: String,
    /// Who it is about.
    who: String,
    typed: Typed,
    seen: Typed,
    wrongs: Wrongs,
    meanwhile: Option<ChangedFields>,
}

/// What stands in the fields, in their order; empty: nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Typed([String; 4]);

impl Typed {
    fn of(user: &ListedUser) -> Self {
        let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
        let all = [
            user.profile.name.clone(),
            text(user.profile.email.as_deref()),
            text(user.profile.locale.as_deref()),
            text(user.external_id.as_ref().map(ExternalId::as_str)),
        ];
        // What a form brings is without the space around it.
        Self(all.map(|text| text.trim().to_owned()))
    }

    /// Those of a form whose names begin so.
    fn read(form: &Form, prefix: &str) -> Self {
        Self(FIELDS.map(|(name, _)| form.text(&format!("{prefix}{name}")).to_owned()))
    }

    /// What they ask for, of a user of this status; or everything that is wrong. Whether a new address may be is looked at once it is
    /// known to be one.
    fn parse(&self, status: UserStatus) -> Result<UserSettings, Wrongs> {
        let [name, email, locale, external_id] = &self.0;
        let some = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        let parsed = (
            DisplayName::parse(name).map_err(|error| Wrong::with("name", &error.to_string())),
            some(email)
                .map(|text| Email::stored(&text))
                .transpose()
                .map_err(|error| Wrong::with("email", &format!("{error}, like name@example.com"))),
            some(locale)
                .map(|text| if is_locale(&text) { Ok(text) } else { Err(text) })
                .transpose()
                .map_err(|_| Wrong::with("locale", "it names no language, like de-CH")),
            some(external_id)
                .map(|text| ExternalId::parse(&text))
                .transpose()
                .map_err(|error| Wrong::with("external_id", &error.to_string())),
        );
        match parsed {
            (Ok(name), Ok(email), Ok(locale), Ok(external_id)) => {
                Ok(UserSettings { email, name, locale, external_id, status })
            }
            (name, email, locale, external_id) => {
                let wrongs = [name.err(), email.err(), locale.err(), external_id.err()];
                Err(Wrongs(wrongs.into_iter().flatten().collect()))
            }
        }
    }

    /// These, with what others changed since `seen` where they were not touched themselves; and what that was.
    fn merged(mut self, seen: &Self, now: &Self) -> (Self, Vec<ChangedField>) {
        let states = self.0.iter_mut().zip(&seen.0).zip(&now.0).zip(FIELDS);
        let changes = merge(states.map(|(((mine, seen), now), named)| Raced { named, mine, seen, now }));
        (self, changes)
    }
}

impl ProfileTemplate {
    /// What stands in a field.
    fn typed(&self, field: &str) -> &str {
        let found = FIELDS.iter().zip(&self.typed.0).find(|((name, _), _)| *name == field);
        found.map(|(_, text)| text.as_str()).unwrap_or_default()
    }

    /// What stood in each field when the form was shown.
    fn seen(&self) -> impl Iterator<Item = (&'static str, &str)> {
        FIELDS.iter().map(|(name, _)| *name).zip(self.seen.0.iter().map(String::as_str))
    }
}

/// `GET …/users/{user}/profile`.
pub(crate) async fn get(admin: Admin, Named(id): Named<UserId>) -> Answer {
    let user = find(&admin, id).await?;
    let is = Typed::of(&user);
    Ok(show(&admin, &user, Unsaved::of(is.clone(), is)))
}

/// `POST …/users/{user}/profile`.
pub(crate) async fn post(Named(id): Named<UserId>, Submitted { admin, form }: Submitted) -> Answer {
    let user = find(&admin, id).await?;
    let (typed, seen) = (Typed::read(&form, ""), Typed::read(&form, "seen."));
    let unsaved = Unsaved::of(typed.clone(), seen.clone());
    let wanted = match typed.parse(user.profile.status) {
        Ok(wanted) => wanted,
        Err(wrongs) => {
            return Ok(show(&admin, &user, unsaved.wrong(StatusCode::UNPROCESSABLE_ENTITY, wrongs)));
        }
    };
    let touched = Touched { email: typed.0[1] != seen.0[1], status: false };
    let edit = |user: &ListedUser| {
        let is = Typed::of(user);
        if is == typed {
            return user.try_into(); // as of whoever sends the form twice
        }
        if is != seen {
            return Err(ChangeError::Stale);
        }
        // What was not touched stays as it is, also with the space around it.
        let external_id =
            if typed.0[3] == seen.0[3] { user.external_id.clone() } else { wanted.external_id.clone() };
        Ok(UserSettings { status: user.profile.status, external_id, ..wanted.clone() })
    };
    let Err(error) = update_user(&admin.env, &admin.caller, (id, touched), edit).await else {
        return Ok(done(&admin, (&format!("/users/{id}"), Part::Users.permission()), "profile"));
    };
    let refusal = refusal_on(Part::Users.permission(), &admin, &error)?;
    if !matches!(error, ChangeError::Stale) {
        return Ok(show(&admin, &user, unsaved.refused(refusal)));
    }
    let user = find(&admin, id).await?;
    let now = Typed::of(&user);
    let (merged, changes) = typed.merged(&seen, &now);
    let theirs = admin.href(&format!("/users/{id}/profile"));
    let meanwhile = admin.read(ChangedFields::of_user(&admin, id, (changes, theirs)).await)?;
    Ok(show(&admin, &user, Unsaved::of(merged, seen).stale(now, meanwhile)))
}

/// The user, for whoever may see users.
async fn find(admin: &Admin, id: UserId) -> Result<ListedUser, super::answers::Instead> {
    let reader = admin.reading(Part::Users.permission())?;
    admin.found(find_user(&admin.env, &reader, id).await)
}

fn show(admin: &Admin, user: &ListedUser, shown: Unsaved<Typed>) -> axum::response::Response {
    let back = admin.href(&format!("/users/{}", user.id));
    let above = Link { label: user.profile.name.clone(), href: back.clone() };
    let Wrongs(mut wrongs) = shown.wrongs;
    for wrong in &mut wrongs {
        if !FIELDS.iter().any(|(name, _)| *name == wrong.field) {
            wrong.field.clear();
        }
    }
    let template = ProfileTemplate {
        page: admin.page(),
        frame: Frame::below(admin, Part::Users, vec![above]),
        csrf: admin.token(),
        here: format!("{back}/profile"),
        back,
        who: user.profile.name.clone(),
        typed: shown.typed,
        seen: shown.seen,
        wrongs: Wrongs(wrongs),
        meanwhile: shown.meanwhile,
    };
    admin.render(shown.status, &template)
}
