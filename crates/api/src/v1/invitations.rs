//! `/organizations/{organization}/invitations`.

use axum::extract::{FromRequest, FromRequestParts as _, Request, State};
use axum::http::{StatusCode, header};
use axum::response::Response;
use chrono::{DateTime, Duration, Utc};
use orgate_domain::email::Email;
use orgate_domain::ids::InvitationId;
use orgate_domain::invitations::{DEFAULT_LIFETIME, Invitation, InvitationState};
use orgate_domain::names::Slug;
use orgate_edge::{AppState, QueryParams};
use orgate_flows::Env;
use orgate_flows::invitations::make::{MAX_GIVEN, WantedInvitation};
use orgate_flows::invitations::rows::{MAX_BYTES, Row, read};
use orgate_flows::manage::ChangeError;
use orgate_flows::manage::import::{ImportMode, ImportReport, import_invitations};
use orgate_flows::manage::invitations::{
    InvitationFilter, create_invitation, find_invitation, list_invitations, resend_invitation,
    revoke_invitation,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::admitted::Admitted;
use super::body::{Named, Private, found, private};
use super::change::New;
use super::organizations::{name, slug};
use super::page::{Filtered, PageQuery, page};
use super::problem::{Kind, Problem};

/// An invitation, without its link: that is in the mail, and nowhere else.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Invitation)]
pub(crate) struct View {
    /// Its id.
    id: String,
    /// Who is invited.
    email: String,
    /// Their name, as whoever invites them knows it.
    name: Option<String>,
    /// Their language (BCP 47).
    locale: Option<String>,
    /// Slugs of the roles that they are given.
    roles: Vec<String>,
    /// Slugs of the groups that they are put into.
    groups: Vec<String>,
    /// What became of it.
    status: Status,
    /// Who vouches for it, and could still give what it gives when it is used: an id, or `operator`.
    invited_by: String,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// When its mail was ordered last.
    sent_at: DateTime<Utc>,
    /// How often.
    sends: u32,
    /// From when on its link opens nothing.
    expires_at: DateTime<Utc>,
    /// When it was used.
    accepted_at: Option<DateTime<Utc>>,
    /// The user who came of it.
    user_id: Option<String>,
    /// When it was taken back.
    revoked_at: Option<DateTime<Utc>>,
}

/// What became of an invitation.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[schema(as = InvitationStatus)]
#[serde(rename_all = "snake_case")]
enum Status {
    Accepted,
    Open,
    Revoked,
}

/// An invitation as wanted.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewInvitation)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// Who is invited.
    email: String,
    /// Their name: 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200)]
    name: Option<String>,
    /// Their language (BCP 47).
    #[schema(min_length = 2, max_length = 35)]
    locale: Option<String>,
    /// Slugs of roles that you could give them.
    #[serde(default)]
    #[schema(max_items = 50)]
    roles: Vec<String>,
    /// Slugs of groups that you could put them into.
    #[serde(default)]
    #[schema(max_items = 50)]
    groups: Vec<String>,
    /// The application that they are sent to: one that begins sign-ins at an address of its own (`initiate_login_uri`).
    client_id: Option<String>,
    /// Hours that it is good for: 1 to 720.
    #[serde(default = "default_hours")]
    #[schema(minimum = 1, maximum = 720, default = 168)]
    expires_in_hours: u32,
}

/// Which invitations are listed.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what `list` reads")]
pub(crate) struct InvitationQuery {
    /// Only those to this address.
    email: Option<String>,
}

/// How a file is taken.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what `Import` reads")]
pub(crate) struct ImportQuery {
    /// All rows, or none if one is wrong.
    #[param(default = false)]
    atomic: Option<bool>,
    /// Nothing is done: what would come of each row is said.
    #[param(default = false)]
    dry_run: Option<bool>,
}

/// What came of a file.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ImportReport)]
pub(crate) struct ReportView {
    /// Rows, without the header.
    rows: usize,
    /// How many are invited by it; or would be, where nothing was done.
    invited: usize,
    /// How many were users, or invited, before: they stay as they are.
    unchanged: usize,
    /// Whether anything was done.
    applied: bool,
    /// What is wrong, by row.
    errors: Vec<RowFault>,
}

/// What is wrong with a row.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RowFault {
    /// Its number: the first one after the header is 1.
    row: usize,
    /// The column; empty: the whole of it.
    field: String,
    /// What is wrong.
    detail: String,
}

fn default_hours() -> u32 {
    u32::try_from(DEFAULT_LIFETIME.num_hours()).unwrap_or(1)
}

impl From<Invitation> for View {
    fn from(invitation: Invitation) -> Self {
        let (status, accepted_at, user_id, revoked_at) = match invitation.state {
            InvitationState::Accepted(at, user) => (Status::Accepted, Some(at), Some(user.to_string()), None),
            InvitationState::Open => (Status::Open, None, None, None),
            InvitationState::Revoked(at) => (Status::Revoked, None, None, Some(at)),
        };
        Self {
            id: invitation.id.to_string(),
            email: invitation.email.as_str().to_owned(),
            name: invitation.name.map(|name| name.as_str().to_owned()),
            locale: invitation.locale,
            roles: invitation.roles.into_iter().collect(),
            groups: invitation.groups.into_iter().collect(),
            status,
            invited_by: invitation.invited_by,
            created_at: invitation.created_at,
            sent_at: invitation.sent_at,
            sends: invitation.sends,
            expires_at: invitation.expires_at,
            accepted_at,
            user_id,
            revoked_at,
        }
    }
}

/// Slugs of what somebody is to be given, from the field of this name.
pub(super) fn slugs(field: &str, texts: &[String]) -> Result<Vec<Slug>, ChangeError> {
    if texts.len() > MAX_GIVEN {
        return Err(ChangeError::invalid(format!("/{field}"), format!("at most {MAX_GIVEN}")));
    }
    texts.iter().enumerate().map(|(place, text)| slug(&format!("/{field}/{place}"), text)).collect()
}

impl TryFrom<Wanted> for WantedInvitation {
    type Error = ChangeError;

    fn try_from(wanted: Wanted) -> Result<Self, ChangeError> {
        let email = Email::parse(&wanted.email)
            .map_err(|error| ChangeError::invalid("/email", format!("{error}, like name@example.com")))?;
        Ok(Self {
            email,
            name: wanted.name.map(|text| name("/name", &text)).transpose()?,
            locale: wanted.locale,
            client_id: wanted.client_id,
            roles: slugs("roles", &wanted.roles)?,
            groups: slugs("groups", &wanted.groups)?,
            lifetime: Duration::hours(wanted.expires_in_hours.into()),
        })
    }
}

impl From<ImportReport> for ReportView {
    fn from(report: ImportReport) -> Self {
        let faults = report.faults.into_iter();
        let errors = faults.map(|(row, fault)| RowFault { row, field: fault.field, detail: fault.detail });
        Self {
            rows: report.rows,
            invited: report.invited,
            unchanged: report.unchanged,
            applied: report.applied,
            errors: errors.collect(),
        }
    }
}

page! {
    /// A page of invitations.
    Invitations as InvitationPage of View
}

/// List the invitations of an organization, latest first.
#[utoipa::path(
    get,
    path = "/organizations/{organization}/invitations",
    tag = "Invitations",
    operation_id = "listInvitations",
    params(PageQuery, InvitationQuery),
    responses((status = 200, description = "A page of them", body = Invitations)),
)]
pub(crate) async fn list(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    asked: Filtered<InvitationId>,
) -> Result<Private<Invitations>, Problem> {
    let mut filter = InvitationFilter::default();
    let page = asked.read(&["email"], |_, value| {
        let email = Email::parse(value).map_err(|error| format!("email: {error}"))?;
        filter.email = Some(email);
        Ok(())
    })?;
    Ok(Private(list_invitations(&env, &caller, (&filter, page)).await?.into()))
}

/// Invite somebody by e-mail, with roles and groups. The link is in the mail, and nowhere else.
#[utoipa::path(
    post,
    path = "/organizations/{organization}/invitations",
    tag = "Invitations",
    operation_id = "createInvitation",
    request_body = Wanted,
    responses((status = 201, description = "The invitation", body = View)),
)]
pub(crate) async fn post(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    New(wanted, once): New<Wanted>,
) -> Result<Response, Problem> {
    let made = create_invitation(&env, &caller, wanted.try_into()?, once.as_ref()).await?;
    let at = format!("{}/organizations/{}/invitations/{}", super::PATH, caller.org_id(), made.id);
    let at = [(header::LOCATION, env.issuer.at(&at))];
    Ok(private((StatusCode::CREATED, at, axum::Json(View::from(made)))))
}

/// Read an invitation.
#[utoipa::path(
    get,
    path = "/organizations/{organization}/invitations/{invitation}",
    tag = "Invitations",
    operation_id = "getInvitation",
    params(("invitation" = String, Path, description = "Its id")),
    responses((status = 200, description = "The invitation", body = View)),
)]
pub(crate) async fn get(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    Named(id): Named<InvitationId>,
) -> Result<Private<View>, Problem> {
    found(find_invitation(&env, &caller, id).await?)
}

/// Take an invitation back: its link opens nothing from now on. To do it again changes nothing.
#[utoipa::path(
    delete,
    path = "/organizations/{organization}/invitations/{invitation}",
    tag = "Invitations",
    operation_id = "revokeInvitation",
    params(("invitation" = String, Path, description = "Its id")),
    responses((status = 204, description = "It is taken back")),
)]
pub(crate) async fn delete(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    Named(id): Named<InvitationId>,
) -> Result<Response, Problem> {
    revoke_invitation(&env, &caller, id).await?;
    Ok(private(StatusCode::NO_CONTENT))
}

/// Send an open invitation again, with a new link and as much time as before. The former link opens nothing any more, and
/// you vouch for the invitation from now on.
#[utoipa::path(
    post,
    path = "/organizations/{organization}/invitations/{invitation}/resend",
    tag = "Invitations",
    operation_id = "resendInvitation",
    params(("invitation" = String, Path, description = "Its id")),
    responses((status = 200, description = "The invitation", body = View)),
)]
pub(crate) async fn resend(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    Named(id): Named<InvitationId>,
) -> Result<Private<View>, Problem> {
    Ok(Private(resend_invitation(&env, &caller, id).await?.into()))
}

/// Invite whoever a CSV file lists, up to 10,000: its first row names the columns, of which `email` is needed, and `name`,
/// `roles`, `groups`, `locale`, `client_id` and `expires_in_hours` are not. A row that is wrong is told, and the others are
/// invited nonetheless. Whoever is a user or invited already stays as they are, so that a file can be sent again.
#[utoipa::path(
    post,
    path = "/organizations/{organization}/invitations/import",
    tag = "Invitations",
    operation_id = "importInvitations",
    params(ImportQuery),
    request_body(content = String, content_type = "text/csv"),
    responses((status = 200, description = "What came of it", body = ReportView)),
)]
pub(crate) async fn import(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    Import(rows, mode): Import,
) -> Result<Private<ReportView>, Problem> {
    Ok(Private(import_invitations(&env, &caller, (rows, mode)).await?.into()))
}

/// A file, and how it is taken.
pub(crate) struct Import(Vec<Row>, ImportMode);

impl FromRequest<AppState> for Import {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        let QueryParams(params) = QueryParams::from_request_parts(&mut parts, state).await?;
        let (mut atomic, mut dry_run) = (false, false);
        for (name, value) in params.iter() {
            let flag = match name {
                "atomic" => &mut atomic,
                "dry_run" => &mut dry_run,
                _ => return Err(Problem::parameter("the parameters here are atomic, dry_run, and no other")),
            };
            *flag = value.parse().map_err(|_| Problem::parameter(format!("{name} is true or false")))?;
        }
        let media = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let media = media.and_then(|value| value.split(';').next()).unwrap_or_default().trim();
        if !media.eq_ignore_ascii_case("text/csv") {
            let problem = Problem::with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE, Kind::MediaType);
            return Err(problem.saying("send the file as text/csv"));
        }
        let bytes = axum::body::to_bytes(body, MAX_BYTES).await;
        let bytes = bytes.map_err(|_| Problem::with_status(StatusCode::PAYLOAD_TOO_LARGE, Kind::TooLarge))?;
        let rows = read(&bytes).map_err(|fault| Problem::fault("", fault.to_string()))?;
        let mode = match (dry_run, atomic) {
            (true, _) => ImportMode::DryRun,
            (false, true) => ImportMode::Atomic,
            (false, false) => ImportMode::RowByRow,
        };
        Ok(Self(rows, mode))
    }
}
