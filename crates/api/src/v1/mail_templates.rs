//! `/organizations/{organization}/mail-templates`.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::{DateTime, Utc};
use orgate_domain::mail_templates::{MailKind, MailLocale, MailTemplate, Wording};
use orgate_flows::Env;
use orgate_flows::manage::ChangeError;
use orgate_flows::manage::mail_templates::{
    Composed, MailKey, delete_mail_template, find_mail_template, list_mail_templates, preview_mail,
    set_mail_template,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::admitted::Admitted;
use super::body::{Body, NamedPair, Private, private};
use super::change::{IfMatch, TaggedBy};
use super::problem::Problem;

/// A mail as an organization words it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MailTemplate)]
pub(crate) struct View {
    #[serde(flatten)]
    settled: Settled,
    /// When these words first could not be used, and the mail went out in Orgate's.
    failed_at: Option<DateTime<Utc>>,
}

/// What of a template changes only if somebody changes it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SettledMailTemplate)]
pub(crate) struct Settled {
    /// Which mail: `address_changed` or `invitation`.
    mail: &'static str,
    /// For whom: people of a language (BCP 47), or `default`.
    #[schema(example = "de")]
    locale: String,
    /// Its subject, a template.
    subject: String,
    /// Its text, a template.
    text: String,
    /// When it was first worded.
    created_at: DateTime<Utc>,
    /// When that was last changed.
    updated_at: DateTime<Utc>,
}

/// What a mail says: templates, with `{{ organization }}` and other names, and `{% if inviter %}…{% else %}…{% endif %}`.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = MailWording)]
#[serde(deny_unknown_fields)]
pub(crate) struct Words {
    /// A line.
    #[schema(min_length = 1, max_length = 200, example = "{{ organization }} is waiting for you")]
    subject: String,
    /// Paragraphs, with an empty line between two. The link of an invitation follows by itself.
    #[schema(min_length = 1, max_length = 16384, example = "Welcome!\n\n{{ inviter }} invites you.")]
    text: String,
}

/// Which words are to be looked at.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = MailPreviewRequest)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// Words that are not saved; null: those that go out now.
    #[serde(default)]
    wording: Option<Words>,
}

/// A mail as it would go out.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MailPreview)]
pub(crate) struct Preview {
    /// Its subject.
    subject: String,
    /// Its plain part.
    text: String,
    /// Its other part.
    html: String,
}

/// All templates of an organization.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MailTemplates)]
pub(crate) struct Views {
    items: Vec<View>,
}

impl From<Words> for Wording {
    fn from(Words { subject, text }: Words) -> Self {
        Self { subject, text }
    }
}

impl From<&MailTemplate> for Settled {
    fn from(template: &MailTemplate) -> Self {
        let Wording { subject, text } = template.wording.clone();
        Self {
            mail: template.kind.as_str(),
            locale: template.locale.to_string(),
            subject,
            text,
            created_at: template.created_at,
            updated_at: template.updated_at,
        }
    }
}

impl From<&MailTemplate> for View {
    fn from(template: &MailTemplate) -> Self {
        Self { settled: template.into(), failed_at: template.failed_at }
    }
}

impl From<Composed> for Preview {
    fn from(Composed { subject, text, html }: Composed) -> Self {
        Self { subject, text, html }
    }
}

/// A template, with the tag of what somebody can change of it.
fn tagged(template: &MailTemplate) -> TaggedBy<Settled, View> {
    TaggedBy(template.into(), template.into())
}

/// Which mail the path names, and for whom.
type Key = NamedPair<MailKind, MailLocale>;

fn key(NamedPair(kind, locale): Key) -> MailKey {
    (kind, locale)
}

/// List the mails that an organization words itself.
#[utoipa::path(
    get,
    path = "/organizations/{organization}/mail-templates",
    tag = "Mail templates",
    operation_id = "listMailTemplates",
    responses((status = 200, description = "All of them", body = Views)),
)]
pub(crate) async fn list(
    State(env): State<Env>,
    Admitted(caller): Admitted,
) -> Result<Private<Views>, Problem> {
    let items = list_mail_templates(&env, &caller).await?.iter().map(View::from).collect();
    Ok(Private(Views { items }))
}

/// Read how an organization words a mail. There is none where Orgate's words go out.
#[utoipa::path(
    get,
    path = "/organizations/{organization}/mail-templates/{mail}/{locale}",
    tag = "Mail templates",
    operation_id = "getMailTemplate",
    params(
        ("mail" = String, Path, description = "`address_changed` or `invitation`"),
        ("locale" = String, Path, description = "A language tag (BCP 47), or `default`"),
    ),
    responses((status = 200, description = "The template", body = View)),
)]
pub(crate) async fn get(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    named: Key,
) -> Result<TaggedBy<Settled, View>, Problem> {
    let found = find_mail_template(&env, &caller, &key(named)).await?;
    found.as_ref().map(tagged).ok_or_else(Problem::not_found)
}

/// Word a mail, from now on, for people of a language, or for all that no other template is for.
#[utoipa::path(
    put,
    path = "/organizations/{organization}/mail-templates/{mail}/{locale}",
    tag = "Mail templates",
    operation_id = "setMailTemplate",
    params(
        ("mail" = String, Path, description = "`address_changed` or `invitation`"),
        ("locale" = String, Path, description = "A language tag (BCP 47), or `default`"),
    ),
    request_body = Words,
    responses((status = 200, description = "The template", body = View)),
)]
pub(crate) async fn put(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    named: Key,
    only: IfMatch,
    Body(words): Body<Words>,
) -> Result<TaggedBy<Settled, View>, Problem> {
    let check = |before: Option<&MailTemplate>| only.check_if_any(before.map(Settled::from).as_ref());
    Ok(tagged(&set_mail_template(&env, &caller, key(named), (words.into(), check)).await?))
}

/// Leave a mail to Orgate's words again, for those whom this template was for.
#[utoipa::path(
    delete,
    path = "/organizations/{organization}/mail-templates/{mail}/{locale}",
    tag = "Mail templates",
    operation_id = "deleteMailTemplate",
    params(
        ("mail" = String, Path, description = "`address_changed` or `invitation`"),
        ("locale" = String, Path, description = "A language tag (BCP 47), or `default`"),
    ),
    responses((status = 204, description = "It is gone")),
)]
pub(crate) async fn delete(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    named: Key,
    only: IfMatch,
) -> Result<Response, Problem> {
    let check = |before: &MailTemplate| -> Result<(), ChangeError> { only.check(&Settled::from(before)) };
    delete_mail_template(&env, &caller, key(named), check).await?;
    Ok(private(StatusCode::NO_CONTENT))
}

/// Look at a mail as it would go out, with names that are made up. Nothing is sent, and nothing saved.
#[utoipa::path(
    post,
    path = "/organizations/{organization}/mail-templates/{mail}/{locale}/preview",
    tag = "Mail templates",
    operation_id = "previewMail",
    params(
        ("mail" = String, Path, description = "`address_changed` or `invitation`"),
        ("locale" = String, Path, description = "A language tag (BCP 47), or `default`"),
    ),
    request_body = Wanted,
    responses((status = 200, description = "The mail", body = Preview)),
)]
pub(crate) async fn preview(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    named: Key,
    Body(wanted): Body<Wanted>,
) -> Result<Private<Preview>, Problem> {
    let wording = wanted.wording.map(Wording::from);
    let composed = preview_mail(&env, &caller, key(named), wording).await?;
    Ok(Private(composed.into()))
}
