//! How one can sign in: by a password, through identity providers, with a recovery code.

use std::slice;

use askama::Template;
use axum::http::{StatusCode, header};
use axum::response::Response;
use orgate_domain::connections::ConnectionState;
use orgate_domain::invitations::MIN_PASSWORD;
use orgate_domain::policies::LOCKOUT_WINDOW;
use orgate_flows::Failure;
use orgate_flows::account::{
    OwnConnection, OwnRecord, PasswordChange, PasswordTyped, change_password, find_record, list_connections,
};
use orgate_flows::limits::TooMany;

use super::frame::Part;
use super::{Member, Submitted};
use crate::frame::Frame;
use crate::invitation::why;
use crate::language::Message;
use crate::moment::Moment;
use crate::page::{Page, Trouble};

/// `templates/account/sign_in.html`.
#[derive(Template)]
#[template(path = "account/sign_in.html")]
struct SignInTemplate {
    page: Page,
    frame: Frame,
    record: OwnRecord,
    password: Option<Moment>,
    /// The form that changes it, if they may sign in with it.
    change: Option<Change>,
    providers: Vec<Provider>,
    /// Whether they signed in so lately that they may link another one.
    is_fresh: bool,
}

/// The form of another password.
struct Change {
    /// Whose it is, for what keeps passwords.
    email: String,
    /// Characters of one at least.
    least: usize,
    /// What is wrong with what was sent, and with which field; none: with the whole.
    wrong: Option<Wrong>,
}

/// Why a password was not changed.
struct Wrong {
    field: &'static str,
    why: String,
}

impl Change {
    /// What is wrong with a field.
    fn with(&self, field: &str) -> Option<&str> {
        self.wrong.as_ref().filter(|wrong| wrong.field == field).map(|wrong| wrong.why.as_str())
    }
}

/// An identity provider.
struct Provider {
    name: String,
    /// Whether one can sign in through it at the moment.
    is_open: bool,
    linked: Option<Linked>,
    /// Where an identity there is linked.
    link: String,
}

/// Who one is there.
struct Linked {
    email: Option<String>,
    since: Moment,
    used: Moment,
}

impl Provider {
    fn of(member: &Member, connection: &OwnConnection) -> Self {
        let linked = connection.link.as_ref().map(|link| Linked {
            email: link.asserted_email.clone(),
            since: member.moment(link.linked_at),
            used: member.moment(link.last_used_at),
        });
        Self {
            name: connection.name.clone(),
            is_open: matches!(connection.state, ConnectionState::Active | ConnectionState::Pilot),
            linked,
            link: format!("/sso/{}/{}/link", member.own.organization.id, connection.id),
        }
    }
}

/// `GET /account/sign-in`.
pub(crate) async fn get(member: Member) -> Response {
    show(&member, (StatusCode::OK, None)).await
}

/// `POST /account/sign-in`: another password.
pub(crate) async fn post(Submitted { member, form }: Submitted) -> Response {
    let text = |name| form.get(name).unwrap_or_default();
    let typed = PasswordTyped { current: text("current"), password: text("password"), again: text("again") };
    let (language, bad) = (member.language(), StatusCode::UNPROCESSABLE_ENTITY);
    let (status, field, why) =
        match change_password(&member.env, &member.own, typed, &member.cookies.browser).await {
            Ok(PasswordChange::Changed(cookie, lifetime)) => {
                let mut response = member.done("/sign-in", "password");
                member.cookies.set_session(response.headers_mut(), &cookie, lifetime);
                return response;
            }
            Ok(PasswordChange::ChangedMeanwhile) => return changed_meanwhile(&member),
            Ok(PasswordChange::Invalid(problem)) => {
                let why = why(language, slice::from_ref(&problem), problem.field);
                (bad, problem.field, why.unwrap_or_default())
            }
            Ok(PasswordChange::NoPassword) => return member.no_password(),
            Ok(PasswordChange::OrganizationBusy(TooMany { retry_after })) => {
                let why = language.say("account-password-busy");
                return wait(&member, why, retry_after.as_secs() + 1).await;
            }
            Ok(PasswordChange::TooManyTries) => {
                let why = language.count("recovery-too-many", LOCKOUT_WINDOW.num_minutes());
                return wait(&member, why, LOCKOUT_WINDOW.num_seconds().unsigned_abs()).await;
            }
            Ok(PasswordChange::WrongPassword) => (bad, "current", language.say("account-password-wrong")),
            Err(failure) => return member.failed(&failure),
        };
    show(&member, (status, Some(Wrong { field, why }))).await
}

/// Another request was first: as likely as not the same form, sent twice.
fn changed_meanwhile(member: &Member) -> Response {
    let about = Message("problem-account-changed");
    member.refuse("/sign-in", &Trouble::of(StatusCode::CONFLICT, "changed_meanwhile", about))
}

/// That no password is looked at for so many seconds.
async fn wait(member: &Member, why: String, seconds: u64) -> Response {
    let wrong = Wrong { field: "", why };
    let mut response = show(member, (StatusCode::TOO_MANY_REQUESTS, Some(wrong))).await;
    response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    response
}

async fn show(member: &Member, (status, wrong): (StatusCode, Option<Wrong>)) -> Response {
    match page(member, wrong).await {
        Ok(Some(template)) => member.render_as(status, &template),
        Ok(None) => member.not_signed_in(),
        Err(failure) => member.failed(&failure),
    }
}

async fn page(member: &Member, wrong: Option<Wrong>) -> Result<Option<SignInTemplate>, Failure> {
    let (env, own) = (&member.env, &member.own);
    let Some(record) = find_record(env, own).await? else { return Ok(None) };
    let connections = list_connections(env, own).await?;
    let may_change = own.takes_password && record.password_since.is_some();
    let email = own.user.email.clone().filter(|_| may_change);
    let is_changed = member.params.get("done") == Some("password");
    let said = is_changed.then(|| member.language().say("account-password-changed"));
    Ok(Some(SignInTemplate {
        page: member.page(),
        frame: member.frame(Part::SignIn).saying(said),
        password: record.password_since.map(|since| member.moment(since)),
        change: email.map(|email| Change { email, least: MIN_PASSWORD, wrong }),
        record,
        providers: connections.iter().map(|connection| Provider::of(member, connection)).collect(),
        is_fresh: own.is_fresh(env),
    }))
}
