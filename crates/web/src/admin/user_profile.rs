//! What a user is called and how they are reached: changed, unless somebody else changed it meanwhile.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use orgate_domain::email::Email;
use orgate_domain::ids::UserId;
use orgate_domain::locales::is_locale;
use orgate_domain::names::{DisplayName, ExternalId};
use orgate_flows::manage::users::{Touched, UserSettings, find_user, update_user};
use orgate_flows::manage::{ChangeError, ListedUser};

use super::answers::{Answer, Instead};
use super::change::{Wrong, Wrongs, done, refusal_on};
use super::frame::{Frame, Part};
use super::meanwhile::{ChangedFields, Unsaved};
use super::texts::{Fields, Texts};
use super::{Admin, Named, Submitted};
use crate::page::{Link, Page};

const FIELDS: Fields<4> =
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

type Typed = Texts<4>;

impl From<&ListedUser> for Typed {
    fn from(user: &ListedUser) -> Self {
        let all = [
            Some(user.profile.name.as_str()),
            user.profile.email.as_deref(),
            user.profile.locale.as_deref(),
            user.external_id.as_ref().map(ExternalId::as_str),
        ];
        // What a form brings is without the space around it.
        Self(all.map(|text| text.unwrap_or_default().trim().to_owned()))
    }
}

impl Typed {
    /// A user who is this, where they are anything else now; or everything that is wrong with it. Whether a new address may be is looked
    /// at by the use case.
    fn onto(&self, user: &ListedUser) -> Result<Result<UserSettings, Wrongs>, ChangeError> {
        let (mut wanted, is) = (UserSettings::try_from(user)?, Self::from(user));
        let mut wrongs = Vec::new();
        let touched = FIELDS.iter().zip(&self.0).zip(&is.0).filter(|((_, text), is)| text != is);
        for (((field, _), text), _) in touched {
            wrongs.extend(set(&mut wanted, field, text).err().map(|why| Wrong::with(field, &why)));
        }
        Ok(if wrongs.is_empty() { Ok(wanted) } else { Err(Wrongs(wrongs)) })
    }
}

/// Sets a field to what was typed, or says what is wrong with that.
fn set(wanted: &mut UserSettings, field: &str, text: &str) -> Result<(), String> {
    let some = Some(text).filter(|text| !text.is_empty());
    match field {
        "name" => wanted.name = DisplayName::parse(text).map_err(|error| error.to_string())?,
        "email" => {
            let wrong = |error| format!("{error}, like name@example.com");
            wanted.email = some.map(Email::parse).transpose().map_err(wrong)?;
        }
        "locale" => {
            if some.is_some_and(|text| !is_locale(text)) {
                return Err("it names no language, like de-CH".to_owned());
            }
            wanted.locale = some.map(str::to_owned);
        }
        _ => {
            let external_id = some.map(ExternalId::parse).transpose();
            wanted.external_id = external_id.map_err(|error| error.to_string())?;
        }
    }
    Ok(())
}

impl ProfileTemplate {
    /// What stands in a field.
    fn typed(&self, field: &str) -> &str {
        self.typed.text(&FIELDS, field)
    }

    /// What stood in each field when the form was shown.
    fn seen(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.seen.named(&FIELDS)
    }
}

/// `GET …/users/{user}/profile`.
pub(crate) async fn get(admin: Admin, Named(id): Named<UserId>) -> Answer {
    let user = find(&admin, id).await?;
    let is = Typed::from(&user);
    Ok(show(&admin, &user, Unsaved::of(is.clone(), is)))
}

/// `POST …/users/{user}/profile`.
pub(crate) async fn post(Named(id): Named<UserId>, Submitted { admin, form }: Submitted) -> Answer {
    let user = find(&admin, id).await?;
    let (typed, seen) = (Typed::read(&form, "", &FIELDS), Typed::read(&form, "seen.", &FIELDS));
    let unsaved = Unsaved::of(typed.clone(), seen.clone());
    let parsed = typed.onto(&user);
    if let Ok(Err(wrongs)) = parsed {
        return Ok(show(&admin, &user, unsaved.wrong(StatusCode::UNPROCESSABLE_ENTITY, wrongs)));
    }
    let touched = Touched { email: typed.0[1] != seen.0[1], status: false };
    let edit = |now: &ListedUser| {
        let is = Typed::from(now);
        // Whoever sends the form twice has it.
        if is != seen && is != typed {
            return Err(ChangeError::Stale);
        }
        typed.onto(now)?.map_err(|_| ChangeError::Stale)
    };
    let Err(error) = update_user(&admin.env, &admin.caller, (id, touched), edit).await else {
        return Ok(done(&admin, (&format!("/users/{id}"), Part::Users.permission()), "profile"));
    };
    let refusal = refusal_on(Part::Users.permission(), &admin, &error)?;
    if !matches!(error, ChangeError::Stale) {
        let (status, wrongs) = Wrongs::of(Some(refusal), &FIELDS.map(|(name, _)| name));
        return Ok(show(&admin, &user, unsaved.wrong(status, wrongs)));
    }
    let user = find(&admin, id).await?;
    let now = Typed::from(&user);
    let (merged, changes) = typed.merged((&seen, &now), &FIELDS);
    let theirs = admin.href(&format!("/users/{id}/profile"));
    let meanwhile = admin.read(ChangedFields::of_user(&admin, id, (changes, theirs)).await)?;
    Ok(show(&admin, &user, Unsaved::of(merged, seen).stale(now, meanwhile)))
}

/// The user, for whoever may see users.
async fn find(admin: &Admin, id: UserId) -> Result<ListedUser, Instead> {
    let reader = admin.reading(Part::Users.permission())?;
    admin.found(find_user(&admin.env, &reader, id).await)
}

fn show(admin: &Admin, user: &ListedUser, shown: Unsaved<Typed>) -> Response {
    let back = admin.href(&format!("/users/{}", user.id));
    let above = Link { label: user.profile.name.clone(), href: back.clone() };
    let template = ProfileTemplate {
        page: admin.page(),
        frame: Frame::below(admin, Part::Users, vec![above]),
        csrf: admin.token(),
        here: format!("{back}/profile"),
        back,
        who: user.profile.name.clone(),
        typed: shown.typed,
        seen: shown.seen,
        wrongs: shown.wrongs,
        meanwhile: shown.meanwhile,
    };
    admin.render(shown.status, &template)
}
