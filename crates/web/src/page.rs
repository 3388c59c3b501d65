//! What every page is made of: the shared fields, the headers, and the page that says what went
//! wrong.

use std::collections::BTreeSet;

use askama::Template;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use orgate_domain::clients::{Client, ClientStatus, Party};
use orgate_domain::organizations::Organization;
use orgate_edge::{ParamsRejection, RequestOrigin};
use orgate_flows::{Env, Failure};
use url::Url;

use crate::assets::{VERSION, brand_path};
use crate::language::{Language, Markup, Message, Part};
use crate::moment::Moment;

/// What all pages share: `templates/layout.html`.
pub(crate) struct Page {
    pub(crate) language: Language,
    /// Part of the address of each asset.
    pub(crate) version: &'static str,
    /// The organization's stylesheet.
    pub(crate) brand_css: Option<String>,
    /// The host that people see in the address bar.
    pub(crate) host: String,
    /// Shown where something went wrong.
    pub(crate) request_id: Option<String>,
}

/// The organization on a page: `templates/parts/logo.html`.
pub(crate) struct Org {
    pub(crate) name: String,
    pub(crate) logo_url: Option<String>,
    pub(crate) monogram: String,
}

/// A link on a page.
pub(crate) struct Link {
    pub(crate) label: String,
    pub(crate) href: String,
}

/// `templates/error.html`.
#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    page: Page,
    headline: String,
    what_happened: String,
    what_next: String,
    /// The one thing to press.
    again: Option<Link>,
    back: Option<Link>,
    code: &'a str,
}

/// `templates/home.html`.
#[derive(Template)]
#[template(path = "home.html")]
struct HomePage {
    page: Page,
}

/// What went wrong, for whoever signs in: in their language.
pub(crate) struct Trouble<'a> {
    pub(crate) status: StatusCode,
    pub(crate) code: &'a str,
    /// The headline; what happened, and what can be done, belong to it as `.happened` and `.next`.
    pub(crate) about: Message,
    /// What is put into these.
    pub(crate) with: &'a [(&'a str, &'a str)],
    pub(crate) client: Option<&'a Client>,
}

impl Trouble<'_> {
    /// With nothing to put in, of no client.
    pub(crate) const fn of(status: StatusCode, code: &'static str, about: Message) -> Self {
        Self { status, code, about, with: &[], client: None }
    }
}

/// What went wrong, for whoever administers something: in English.
pub(crate) struct Problem<'a> {
    pub(crate) status: StatusCode,
    pub(crate) code: &'a str,
    pub(crate) headline: &'a str,
    pub(crate) what_happened: &'a str,
    pub(crate) what_next: &'a str,
}

impl Page {
    /// In English.
    pub(crate) fn new(env: &Env) -> Self {
        let url = env.issuer.url();
        let host = url.host_str().unwrap_or_default();
        let host = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        Self { language: Language::En, version: VERSION, brand_css: None, host, request_id: None }
    }

    pub(crate) fn branded(env: &Env, organization: &Organization) -> Self {
        let brand_css = organization.branding.primary_color.map(brand_path);
        Self { brand_css, ..Self::new(env) }
    }

    pub(crate) fn with_request_id(self, origin: &orgate_domain::audit::Origin) -> Self {
        Self { request_id: origin.request_id.clone(), ..self }
    }

    /// In the language of whoever sent this.
    pub(crate) fn read_by(self, origin: &orgate_domain::audit::Origin) -> Self {
        self.speaking(Language::of(origin))
    }

    pub(crate) fn speaking(self, language: Language) -> Self {
        Self { language, ..self }
    }

    /// For templates: see [`Language::say`].
    pub(crate) fn say(&self, id: &'static str) -> String {
        self.language.say(id)
    }

    /// For templates: see [`Language::say_with`].
    pub(crate) fn say_with(&self, id: &'static str, with: &[(&str, &str)]) -> String {
        self.language.say_with(id, with)
    }

    /// For templates: see [`Language::count`].
    pub(crate) fn count<N: Copy + TryInto<i64>>(&self, id: &'static str, count: &N) -> String {
        self.language.count(id, (*count).try_into().unwrap_or(i64::MAX))
    }

    /// For templates: see [`Language::marked`].
    pub(crate) fn marked(&self, id: &'static str, parts: &[Part<'_>]) -> Markup {
        self.language.marked(id, parts)
    }

    /// For templates: see [`Part::bdi`].
    #[expect(clippy::unused_self, reason = "a template calls what belongs to its fields")]
    pub(crate) const fn bdi<'a>(&self, name: &'a str, text: &'a str) -> Part<'a> {
        Part::bdi(name, text)
    }

    /// For templates: see [`Part::strong`].
    #[expect(clippy::unused_self, reason = "a template calls what belongs to its fields")]
    pub(crate) const fn strong<'a>(&self, name: &'a str, text: &'a str) -> Part<'a> {
        Part::strong(name, text)
    }

    /// For templates: see [`Part::time`].
    #[expect(clippy::unused_self, reason = "a template calls what belongs to its fields")]
    pub(crate) fn time<'a>(&self, name: &'a str, at: &'a Moment) -> Part<'a> {
        Part::time(name, at)
    }

    /// For templates: see [`Part::em`].
    #[expect(clippy::unused_self, reason = "a template calls what belongs to its fields")]
    pub(crate) const fn em<'a>(&self, name: &'a str, text: &'a str) -> Part<'a> {
        Part::em(name, text)
    }
}

impl Org {
    pub(crate) fn of(organization: &Organization) -> Self {
        let logo_url = organization.branding.logo_url.as_ref().map(ToString::to_string);
        Self::named(organization.name.as_str(), logo_url)
    }

    pub(crate) fn named(name: &str, logo_url: Option<String>) -> Self {
        let monogram = name.chars().find(|c| c.is_alphanumeric()).map(|c| c.to_uppercase().collect());
        Self { name: name.to_owned(), logo_url, monogram: monogram.unwrap_or_default() }
    }
}

/// The way back to the application, if it has a page of its own and is the product's: our pages carry no link, under a name,
/// that somebody else chose, or that was switched off.
pub(crate) fn back_to(client: &Client, language: Language) -> Option<Link> {
    if client.settings.party != Party::First || client.status != ClientStatus::Active {
        return None;
    }
    let href = client.home_url.as_ref()?.to_string();
    Some(Link { label: language.say_with("back-to", &[("client", client.name.as_str())]), href })
}

/// Renders a page under the strict policy. `form_target` is a further address that forms, or the
/// redirects they lead to, may go to.
pub(crate) fn render(status: StatusCode, template: &impl Template, form_target: Option<&str>) -> Response {
    let html = match template.render() {
        Ok(html) => html,
        Err(error) => {
            tracing::error!(%error, "a page could not be rendered");
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
    };
    (status, page_headers(form_target), Html(html)).into_response()
}

/// The same for a page whose script asks for another page of ours.
pub(crate) fn render_live(status: StatusCode, template: &impl Template) -> Response {
    let mut response = render(status, template, None);
    allow(&mut response, "connect-src 'self'");
    response
}

/// The same for a page that loads these addresses unseen, if there are any.
pub(crate) fn render_framing(
    template: &impl Template,
    frames: &[Url],
    form_target: Option<&str>,
) -> Response {
    let mut response = render(StatusCode::OK, template, form_target);
    if !frames.is_empty() {
        let origins: BTreeSet<String> =
            frames.iter().map(|frame| frame.origin().ascii_serialization()).collect();
        allow(&mut response, &format!("frame-src {}", Vec::from_iter(origins).join(" ")));
    }
    response
}

/// Adds a directive to a page's policy.
fn allow(response: &mut Response, directive: &str) {
    let headers = response.headers_mut();
    let policy = headers.get(header::CONTENT_SECURITY_POLICY).and_then(|value| value.to_str().ok());
    let policy = policy.map(|policy| HeaderValue::from_str(&format!("{policy}; {directive}")));
    if let Some(Ok(policy)) = policy {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
}

/// A document of ours for the browser to keep, and not to show.
pub(crate) fn download(name: &str, media: &'static str, body: impl Into<Body>) -> Response {
    let mut headers = page_headers(None);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    match HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
        Ok(disposition) => headers.insert(header::CONTENT_DISPOSITION, disposition),
        Err(_) => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    };
    (headers, body.into()).into_response()
}

fn page_headers(form_target: Option<&str>) -> HeaderMap {
    let target = form_target.and_then(origin_of).map_or_else(String::new, |origin| format!(" {origin}"));
    let policy = format!(
        "default-src 'none'; style-src 'self'; img-src 'self' https: data:; script-src 'self'; \
         form-action 'self'{target}; frame-ancestors 'none'; base-uri 'none'"
    );
    let mut headers = HeaderMap::new();
    if let Ok(value) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, value);
    }
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers
}

/// The origin of a proven redirect URI as a CSP source. One with a scheme of its own is admitted
/// by its scheme.
fn origin_of(uri: &str) -> Option<String> {
    let url = Url::parse(uri).ok()?;
    match url.scheme() {
        "http" | "https" => Some(url.origin().ascii_serialization()),
        scheme => Some(format!("{scheme}:")),
    }
}

/// The page that says what went wrong and what to do.
pub(crate) fn trouble(env: &Env, origin: &orgate_domain::audit::Origin, trouble: &Trouble<'_>) -> Response {
    trouble_with(env, origin, trouble, None)
}

/// The same, with a way on.
pub(crate) fn trouble_with(
    env: &Env,
    origin: &orgate_domain::audit::Origin,
    trouble: &Trouble<'_>,
    again: Option<Link>,
) -> Response {
    let language = Language::of(origin);
    let template = ErrorPage {
        page: Page::new(env).speaking(language).with_request_id(origin),
        headline: language.say_with(trouble.about, trouble.with),
        what_happened: language.say_more((trouble.about, "happened"), trouble.with),
        what_next: language.say_more((trouble.about, "next"), trouble.with),
        again,
        back: trouble.client.and_then(|client| back_to(client, language)),
        code: trouble.code,
    };
    render(trouble.status, &template, None)
}

/// The page that says so to whoever administers something.
pub(crate) fn problem(env: &Env, origin: &orgate_domain::audit::Origin, problem: &Problem<'_>) -> Response {
    problem_with(env, origin, problem, None)
}

/// The same, with a way on.
pub(crate) fn problem_with(
    env: &Env,
    origin: &orgate_domain::audit::Origin,
    problem: &Problem<'_>,
    again: Option<Link>,
) -> Response {
    let template = ErrorPage {
        page: Page::new(env).with_request_id(origin),
        headline: problem.headline.to_owned(),
        what_happened: problem.what_happened.to_owned(),
        what_next: problem.what_next.to_owned(),
        again,
        back: None,
        code: problem.code,
    };
    render(problem.status, &template, None)
}

/// A failure that is ours, or a limit.
pub(crate) fn failed(env: &Env, origin: &orgate_domain::audit::Origin, failure: &Failure) -> Response {
    let retry_after = failure.retry_after();
    let (status, code, about) = match (failure, retry_after) {
        (Failure::TooMany(_), _) => {
            (StatusCode::TOO_MANY_REQUESTS, "too_many_requests", Message("problem-too-many"))
        }
        (_, Some(_)) => {
            (StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable", Message("problem-unavailable"))
        }
        (_, None) => (StatusCode::INTERNAL_SERVER_ERROR, "server_error", Message("problem-failed")),
    };
    if status.is_server_error() {
        tracing::error!(error = failure as &dyn std::error::Error, "a request failed");
    }
    let mut response = trouble(env, origin, &Trouble::of(status, code, about));
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

/// A sign-in that is over: lapsed, finished, or begun in another browser.
pub(crate) fn over(env: &Env, origin: &orgate_domain::audit::Origin) -> Response {
    let (status, about) = (StatusCode::BAD_REQUEST, Message("problem-over"));
    trouble(env, origin, &Trouble::of(status, "sign_in_over", about))
}

/// What was sent is too large, or no form.
pub(crate) fn unreadable(
    env: &Env,
    origin: &orgate_domain::audit::Origin,
    rejection: &ParamsRejection,
) -> Response {
    let (status, about, why) = (rejection.status(), Message("problem-unreadable"), rejection.to_string());
    let with = [("why", why.as_str())];
    trouble(env, origin, &Trouble { status, code: "invalid_request", about, with: &with, client: None })
}

/// `GET /`: for who types the address.
pub(crate) async fn home(State(env): State<Env>, RequestOrigin(origin): RequestOrigin) -> Response {
    render(StatusCode::OK, &HomePage { page: Page::new(&env).read_by(&origin) }, None)
}

/// Any other address.
pub async fn not_found(State(env): State<Env>, RequestOrigin(origin): RequestOrigin) -> Response {
    nowhere(&env, &origin)
}

/// There is nothing at this address.
pub(crate) fn nowhere(env: &Env, origin: &orgate_domain::audit::Origin) -> Response {
    let (status, about) = (StatusCode::NOT_FOUND, Message("problem-nowhere"));
    trouble(env, origin, &Trouble::of(status, "not_found", about))
}
