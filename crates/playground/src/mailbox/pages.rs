//! The pages of the mailbox.
//!
//! **Invariant:** a mail's HTML is only ever sent with [`MAIL_POLICY`], under which it can load nothing, run nothing
//! and is no part of the page around it.

use std::{net::IpAddr, sync::Arc};

use askama::Template;
use axum::{
    Json, Router,
    extract::{Path, Query, Request, State},
    http::{
        HeaderName, HeaderValue, StatusCode,
        header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST},
    },
    middleware::{Next, from_fn},
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Deserialize;

use super::{
    linkify::{Fragment, linkify},
    mails::{Mails, ReadMail},
};
use crate::http::{page, with_asset, with_security_headers};

const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; frame-src 'self'; form-action 'none'; \
                      base-uri 'none'; frame-ancestors 'none'";

/// Mails are styled inline. Links lead out of the frame: what they open is an ordinary page again.
const MAIL_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; \
                           frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox";

/// How often the list renews itself. A header, so that the page can be asked to hold still (WCAG 2.2.2).
const REFRESH: (HeaderName, HeaderValue) =
    (HeaderName::from_static("refresh"), HeaderValue::from_static("5"));

pub(super) fn router(mails: Arc<Mails>) -> Router {
    let router = Router::new()
        .route("/", get(list))
        .route("/mails.json", get(list_as_json))
        .route("/mails/{id}", get(show))
        .route("/mails/{id}/html", get(show_html))
        .with_state(mails);
    let router = with_asset(router, "/mailbox.css", "text/css", include_str!("../../assets/mailbox.css"));
    let router =
        with_asset(router, "/mailbox.svg", "image/svg+xml", include_str!("../../assets/mailbox.svg"));
    with_security_headers(router.layer(from_fn(check_host)), HeaderValue::from_static(POLICY))
}

/// Refuses names that a web site could point at this machine (DNS rebinding): mails hold sign-in links. An address
/// is no name, and `localhost` is always this machine (RFC 6761 §6.3).
async fn check_host(request: Request, next: Next) -> Response {
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    if is_own(host) {
        return next.run(request).await;
    }
    let advice = "Open the mailbox under localhost or an IP address.\n";
    (StatusCode::MISDIRECTED_REQUEST, advice).into_response()
}

fn is_own(host: &str) -> bool {
    let without_port =
        host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
    let name = without_port.map_or(host, |(name, _)| name).to_ascii_lowercase();
    let address = name.trim_start_matches('[').trim_end_matches(']');
    name == "localhost" || name.ends_with(".localhost") || address.parse::<IpAddr>().is_ok()
}

/// The list: `templates/mailbox/list.html`.
#[derive(Template)]
#[template(path = "mailbox/list.html")]
struct ListPage {
    mails: Vec<ReadMail>,
    paused: bool,
}

/// One mail: `templates/mailbox/mail.html`.
#[derive(Template)]
#[template(path = "mailbox/mail.html")]
struct MailPage<'a> {
    mail: &'a ReadMail,
    text: Vec<Fragment<'a>>,
}

#[derive(Template)]
#[template(path = "mailbox/missing.html")]
struct MissingPage;

#[derive(Deserialize)]
struct ListQuery {
    /// Present: the page holds still.
    paused: Option<String>,
}

async fn list(State(mails): State<Arc<Mails>>, Query(query): Query<ListQuery>) -> Response {
    let paused = query.paused.is_some();
    let page = page(&ListPage { mails: read_all(&mails), paused });
    if paused { page } else { ([REFRESH], page).into_response() }
}

async fn list_as_json(State(mails): State<Arc<Mails>>) -> Json<Vec<ReadMail>> {
    Json(read_all(&mails))
}

fn read_all(mails: &Mails) -> Vec<ReadMail> {
    mails.list().iter().map(|mail| ReadMail::new(mail)).collect()
}

async fn show(State(mails): State<Arc<Mails>>, Path(id): Path<u64>) -> Response {
    match mails.find(id) {
        Some(mail) => {
            let mail = ReadMail::new(&mail);
            page(&MailPage { text: linkify(&mail.text), mail: &mail })
        }
        None => (StatusCode::NOT_FOUND, page(&MissingPage)).into_response(),
    }
}

async fn show_html(State(mails): State<Arc<Mails>>, Path(id): Path<u64>) -> Response {
    match mails.find(id).and_then(|mail| ReadMail::new(&mail).html) {
        Some(html) => {
            let headers =
                [(CONTENT_TYPE, "text/html; charset=utf-8"), (CONTENT_SECURITY_POLICY, MAIL_POLICY)];
            (headers, format!("<!doctype html><base target=\"_blank\">{html}")).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_answered() {
        for own in
            ["localhost", "localhost:8092", "LOCALHOST:1", "mail.localhost", "127.0.0.1:8092", "[::1]:8091"]
        {
            assert!(is_own(own), "{own}");
        }
        for foreign in
            ["", "evil.test", "evil.test:8091", "localhost.evil.test", "127.0.0.1.evil.test", "x:y"]
        {
            assert!(!is_own(foreign), "{foreign}");
        }
    }
}
