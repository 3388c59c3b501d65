//! How one can sign in: by a password, through identity providers, with a recovery code.

use askama::Template;
use axum::response::Response;
use orgate_domain::connections::ConnectionState;
use orgate_flows::Failure;
use orgate_flows::account::{OwnConnection, OwnRecord, find_record, list_connections};

use super::frame::Part;
use super::{Member, not_signed_in};
use crate::frame::Frame;
use crate::moment::Moment;
use crate::page::Page;

/// `templates/account/sign_in.html`.
#[derive(Template)]
#[template(path = "account/sign_in.html")]
struct SignInTemplate {
    page: Page,
    frame: Frame,
    record: OwnRecord,
    password: Option<Moment>,
    providers: Vec<Provider>,
    /// Whether they signed in so lately that they may link another one.
    is_fresh: bool,
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
        let now = member.env.clock.now();
        let linked = connection.link.as_ref().map(|link| Linked {
            email: link.asserted_email.clone(),
            since: Moment::of(link.linked_at, now),
            used: Moment::of(link.last_used_at, now),
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
    match page(&member).await {
        Ok(Some(template)) => member.render(&template),
        Ok(None) => not_signed_in(&member.env, &member.cookies),
        Err(failure) => member.failed(&failure),
    }
}

async fn page(member: &Member) -> Result<Option<SignInTemplate>, Failure> {
    let (env, own, now) = (&member.env, &member.own, member.env.clock.now());
    let Some(record) = find_record(env, own).await? else { return Ok(None) };
    let connections = list_connections(env, own).await?;
    Ok(Some(SignInTemplate {
        page: member.page(),
        frame: member.frame(Part::SignIn),
        password: record.password_since.map(|since| Moment::of(since, now)),
        record,
        providers: connections.iter().map(|connection| Provider::of(member, connection)).collect(),
        is_fresh: own.is_fresh(env),
    }))
}
