//! Sign-in through an organization's own identity provider: what is asked of the server when a browser comes
//! back, and everything that has to happen before.
//!
//! What is measured are repeated sign-ins: each user has signed in through each connection before. The browser
//! has a session at the identity provider, which so answers at once, and none at Orgate.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use orgate_domain::ids::ConnectionId;
use orgate_playground::SampleUser;
use sqlx::PgPool;
use tokio::task::LocalSet;
use uuid::Uuid;

use crate::http::{Connection, Response, between};
use crate::identity_providers::{IdentityProviders, Prepared};
use crate::load::{Request, Workload};
use crate::workloads::{accept_code, authorization_in, cookie_header, get, location, post_form};

/// Organizations with connections, beside those that have none.
const ORGANIZATIONS: usize = 10;

/// Users of each of them.
const USERS: usize = 10;

/// Browsers that are on their way at once.
const AT_ONCE: usize = 4;

/// The sample provider's codes live a minute, and must be redeemed within the window that follows.
const PATIENCE: Duration = Duration::from_secs(40);

/// What a connection speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    Oidc,
    Saml,
}

/// Organizations that sign in through identity providers.
pub(crate) struct Federation {
    pub(crate) providers: IdentityProviders,
    members: Vec<Member>,
    next: Cell<usize>,
}

/// A user, in the browser in which they are signed in at both providers.
struct Member {
    username: String,
    /// The organization's.
    slug: String,
    oidc: End,
    saml: End,
}

/// The other end of a user's sign-ins.
struct End {
    connection: ConnectionId,
    /// The session at the provider.
    cookie: String,
}

/// A browser that the identity provider has sent back.
#[derive(Clone)]
pub(crate) struct Arrival {
    path: String,
    /// What ties the browser to its sign-in.
    cookie: String,
    /// The form's field `SAMLResponse`.
    response: Option<String>,
}

/// A browser's connections.
struct Browser {
    server: Connection,
    provider: Connection,
}

/// `GET …/callback` or `GET …/finish`: leads back to the application with a code.
pub(crate) struct Return {
    arrivals: RefCell<Vec<Arrival>>,
}

/// `POST …/acs`: leads to `…/finish`.
pub(crate) struct PostResponse {
    arrivals: Vec<Arrival>,
    asked: Cell<usize>,
    /// The browsers that go on.
    pub(crate) accepted: RefCell<Vec<Arrival>>,
}

/// Everybody whom the identity providers know.
pub(crate) fn users() -> Vec<SampleUser> {
    let everybody =
        (0..ORGANIZATIONS).flat_map(|organization| (0..USERS).map(move |user| (organization, user)));
    let sample = |(organization, user)| SampleUser {
        username: username(organization, user),
        name: format!("Person Number{user}"),
        email: format!("person-{user}@{}.test", slug(organization)),
        groups: vec!["staff".to_owned()],
    };
    everybody.map(sample).collect()
}

fn slug(organization: usize) -> String {
    format!("federated-{organization}")
}

fn username(organization: usize, user: usize) -> String {
    format!("person-{organization}-{user}")
}

/// What a seed file of `orgate apply` says of the organizations.
pub(crate) fn file(providers: &Prepared) -> String {
    let organizations = (0..ORGANIZATIONS).map(|number| organization(&slug(number), providers));
    format!("organizations:\n{}", organizations.collect::<String>())
}

fn organization(slug: &str, providers: &Prepared) -> String {
    let (oidc, saml) = providers.settings();
    let secret = Prepared::client_secret();
    let rules = "jit: { enabled: true, default_roles: [viewer] }
          rules:
            - { value: staff, roles: [editor] }";
    format!(
        "  - slug: {slug}
    name: Organization {slug}
    domains: [{slug}.test]
    roles:
      - {{ slug: admin, name: Administrator, permissions: [\"orgate:*\", \"notes:read\", \"notes:write\"] }}
      - {{ slug: editor, name: Editor, permissions: [\"notes:read\", \"notes:write\"] }}
      - {{ slug: viewer, name: Viewer, permissions: [\"notes:read\"] }}
    connections:
      - slug: workforce
        name: Workforce
        domains: [{slug}.test]
        client_secret: \"{secret}\"
        settings:
          provider:
            {oidc}
          {rules}
      - slug: directory
        name: Directory
        domains: [{slug}.test]
        settings:
          provider:
            {saml}
          trusts_addresses: true
          {rules}
"
    )
}

impl Federation {
    /// Has everybody sign in once through both connections of their organization, at `server`, which makes
    /// them users of it.
    pub(crate) async fn begin(
        pool: &PgPool,
        providers: IdentityProviders,
        server: SocketAddr,
    ) -> Result<Self> {
        let found = sqlx::query_as(
            "select organization.slug, oidc.id, saml.id
             from organizations organization
             join connections oidc on oidc.org_id = organization.org_id and oidc.protocol = 'oidc'
             join connections saml on saml.org_id = organization.org_id and saml.protocol = 'saml'
             order by organization.slug",
        );
        let found: Vec<(String, Uuid, Uuid)> = found.fetch_all(pool).await?;
        ensure!(found.len() == ORGANIZATIONS, "{} organizations have connections", found.len());
        let end = |id: Uuid| End { connection: ConnectionId::from_uuid(id), cookie: String::new() };
        // Consecutive sign-ins are of different organizations.
        let mut members = Vec::new();
        for user in 0..USERS {
            for (number, (slug, oidc, saml)) in found.iter().enumerate() {
                let username = username(number, user);
                members.push(Member { username, slug: slug.clone(), oidc: end(*oidc), saml: end(*saml) });
            }
        }
        let mut browser = Browser::open(server, providers.address).await?;
        for member in &mut members {
            for protocol in [Protocol::Oidc, Protocol::Saml] {
                let first = browser.sign_in_first(member, protocol).await;
                member.end_mut(protocol).cookie =
                    first.with_context(|| format!("{protocol:?}, {}", member.slug))?;
            }
        }
        Ok(Self { providers, members, next: Cell::new(0) })
    }

    /// Sends up to `count` browsers to the identity provider, and has it answer.
    pub(crate) async fn arrive(
        self: &Rc<Self>,
        server: SocketAddr,
        protocol: Protocol,
        count: usize,
    ) -> Result<Vec<Arrival>> {
        let deadline = Instant::now() + PATIENCE;
        let local = LocalSet::new();
        let tasks: Vec<_> = (0..AT_ONCE)
            .map(|_| {
                let federation = Rc::clone(self);
                local.spawn_local(async move {
                    let mut browser = Browser::open(server, federation.providers.address).await?;
                    let mut arrivals = Vec::new();
                    while arrivals.len() < count.div_ceil(AT_ONCE) && Instant::now() < deadline {
                        let Some(member) = federation.take() else { break };
                        arrivals.push(browser.arrive(member, protocol).await?);
                    }
                    anyhow::Ok(arrivals)
                })
            })
            .collect();
        local
            .run_until(async {
                let mut arrivals = Vec::new();
                for task in tasks {
                    arrivals.extend(task.await??);
                }
                Ok(arrivals)
            })
            .await
    }

    fn take(&self) -> Option<&Member> {
        let number = self.next.replace(self.next.get() + 1);
        self.members.get(number.checked_rem(self.members.len())?)
    }
}

impl Member {
    const fn end(&self, protocol: Protocol) -> &End {
        match protocol {
            Protocol::Oidc => &self.oidc,
            Protocol::Saml => &self.saml,
        }
    }

    const fn end_mut(&mut self, protocol: Protocol) -> &mut End {
        match protocol {
            Protocol::Oidc => &mut self.oidc,
            Protocol::Saml => &mut self.saml,
        }
    }
}

impl Browser {
    async fn open(server: SocketAddr, provider: SocketAddr) -> Result<Self> {
        Ok(Self { server: Connection::open(server).await?, provider: Connection::open(provider).await? })
    }

    /// From the application to the identity provider: its address, and what ties the browser to the sign-in.
    async fn depart(&mut self, member: &Member, protocol: Protocol) -> Result<(String, String)> {
        let asking = get(&authorization_in(&member.slug), "");
        let response = self.server.exchange(&asking.bytes).await?;
        let page = location(&response)?;
        let (_, handle) = page.split_once("/sign-in?request=").context(page.to_owned())?;
        let (handle, cookie) = (handle.to_owned(), set_cookie(&response)?);
        let connection = member.end(protocol).connection;
        let path = format!("/sign-in/connection?request={handle}&connection={connection}");
        let response = self.server.exchange(&get(&path, &cookie_header(&cookie)).bytes).await?;
        Ok((path_of(location(&response)?)?.to_owned(), cookie))
    }

    /// The whole way to the identity provider and back.
    async fn arrive(&mut self, member: &Member, protocol: Protocol) -> Result<Arrival> {
        let (path, cookie) = self.depart(member, protocol).await?;
        let session = cookie_header(&member.end(protocol).cookie);
        let response = self.provider.exchange(&get(&path, &session).bytes).await?;
        Arrival::read(&response, protocol, cookie)
    }

    /// A first sign-in, to its end; the session at the identity provider that it began.
    async fn sign_in_first(&mut self, member: &Member, protocol: Protocol) -> Result<String> {
        let (path, cookie) = self.depart(member, protocol).await?;
        let page = self.provider.exchange(&get(&path, "").bytes).await?;
        page.expect(200)?;
        let hidden = hidden_fields(page.body)?;
        let mut fields: Vec<(&str, &str)> = hidden.iter().map(|(name, value)| (&**name, &**value)).collect();
        fields.push(("username", &member.username));
        let action = match protocol {
            Protocol::Oidc => "/oidc/sign-in",
            Protocol::Saml => "/saml/sign-in",
        };
        let answer = self.provider.exchange(&post_form(action, &fields, "").bytes).await?;
        let session = set_cookie(&answer)?;
        let mut arrival = Arrival::read(&answer, protocol, cookie)?;
        if arrival.response.is_some() {
            let posted = self.server.exchange(&arrival.request(0).bytes).await?;
            arrival = arrival.go_on(&posted)?;
        }
        accept_code(&self.server.exchange(&arrival.request(0).bytes).await?)?;
        Ok(session)
    }
}

impl Arrival {
    /// Reads the identity provider's answer.
    fn read(answer: &Response<'_>, protocol: Protocol, cookie: String) -> Result<Self> {
        match protocol {
            Protocol::Oidc => {
                let path = path_of(location(answer)?)?.to_owned();
                ensure!(path.contains("code="), "the provider gave no code: {path}");
                Ok(Self { path, cookie, response: None })
            }
            Protocol::Saml => {
                answer.expect(200)?;
                let path = path_of(between(answer.body, "method=\"post\" action=\"", "\"")?)?.to_owned();
                let fields = hidden_fields(answer.body)?;
                let response = fields.into_iter().find(|(name, _)| name == "SAMLResponse");
                let (_, response) = response.context("the provider gave no response")?;
                Ok(Self { path, cookie, response: Some(response) })
            }
        }
    }

    /// The address that the form goes to, without the server's own part.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// The form's field `SAMLResponse`.
    pub(crate) fn response(&self) -> Option<&str> {
        self.response.as_deref()
    }

    /// What the browser asks of the server. A form that another site posts brings no cookies.
    fn request(&self, tag: usize) -> Request {
        match &self.response {
            Some(response) => Request { tag, ..post_form(&self.path, &[("SAMLResponse", response)], "") },
            None => Request { tag, ..get(&self.path, &cookie_header(&self.cookie)) },
        }
    }

    /// The same browser, after its response was accepted.
    fn go_on(&self, posted: &Response<'_>) -> Result<Self> {
        let path = path_of(location(posted)?)?.to_owned();
        ensure!(path.contains("/finish?state="), "the response was not accepted: {path}");
        Ok(Self { path, cookie: self.cookie.clone(), response: None })
    }
}

impl Return {
    pub(crate) fn new(arrivals: Vec<Arrival>) -> Self {
        Self { arrivals: RefCell::new(arrivals) }
    }
}

impl Workload for Return {
    fn next(&self) -> Option<Request> {
        Some(self.arrivals.borrow_mut().pop()?.request(0))
    }

    fn accept(&self, _: usize, response: &Response<'_>) -> Result<()> {
        accept_code(response)
    }
}

impl PostResponse {
    pub(crate) fn new(arrivals: Vec<Arrival>) -> Self {
        Self { arrivals, asked: Cell::new(0), accepted: RefCell::default() }
    }
}

impl Workload for PostResponse {
    fn next(&self) -> Option<Request> {
        let tag = self.asked.replace(self.asked.get() + 1);
        Some(self.arrivals.get(tag)?.request(tag))
    }

    fn accept(&self, tag: usize, response: &Response<'_>) -> Result<()> {
        let arrival = self.arrivals.get(tag).context("nobody asked")?;
        self.accepted.borrow_mut().push(arrival.go_on(response)?);
        Ok(())
    }
}

/// The first cookie that an answer sets, as the browser sends it back.
fn set_cookie(response: &Response<'_>) -> Result<String> {
    let cookie = response.header("set-cookie:").context("no cookie is set")?;
    Ok(cookie.split(';').next().unwrap_or_default().to_owned())
}

/// What follows the host in an address.
fn path_of(address: &str) -> Result<&str> {
    let (_, rest) = address.split_once("://").with_context(|| format!("{address} is not absolute"))?;
    rest.find('/').and_then(|at| rest.get(at..)).with_context(|| format!("{address} has no path"))
}

/// The hidden fields of a page's form.
fn hidden_fields(page: &str) -> Result<Vec<(String, String)>> {
    let fields = page.split("<input type=\"hidden\" name=\"").skip(1);
    let read = |field: &str| {
        let (name, rest) = field.split_once("\" value=\"").context("a field has no value")?;
        let (value, _) = rest.split_once('"').context("a value does not end")?;
        Ok((unescape(name), unescape(value)))
    };
    fields.map(read).collect()
}

fn unescape(text: &str) -> String {
    let escapes = [("&#60;", "<"), ("&#62;", ">"), ("&#34;", "\""), ("&#39;", "'"), ("&#38;", "&")];
    escapes.iter().fold(text.to_owned(), |text, (escaped, plain)| text.replace(escaped, plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read() {
        let page = "<form><input type=\"hidden\" name=\"a\" value=\"1&#38;2\">\n<input type=\"hidden\" name=\"b\" value=\"\"></form>";

        let fields = hidden_fields(page).expect("fields");

        assert_eq!(fields, [("a".to_owned(), "1&2".to_owned()), ("b".to_owned(), String::new())]);
    }

    #[test]
    fn an_address_is_followed_at_another_host() {
        assert_eq!(path_of("http://localhost:1/a?b=c://d").expect("a path"), "/a?b=c://d");
        assert!(path_of("/a").is_err());
    }
}
