//! What is asked of the server: an operation each.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt::Write as _;
use std::rc::Rc;

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use orgate_protocol::oauth::pkce::{CodeChallenge, CodeVerifier};

use crate::http::{Response, between};
use crate::load::{Request, Workload};
use crate::seed::{
    CLIENT_ID, CLIENT_SECRET, MACHINE_ID, PASSWORD, Population, REDIRECT_URI, SCOPE, User, VERIFIER, Whose,
};

/// The same request again and again; answered 200.
pub(crate) struct Same {
    request: Rc<[u8]>,
}

/// `POST /token` with a code.
pub(crate) struct RedeemCodes {
    codes: RefCell<Vec<String>>,
    /// Access tokens that came of it.
    pub(crate) access_tokens: RefCell<Vec<String>>,
}

/// `POST /token` with a refresh token, then with the one that came back.
pub(crate) struct Refresh {
    tokens: RefCell<VecDeque<String>>,
}

/// `POST /token` of a machine, in each organization in turn.
pub(crate) struct ClientCredentials {
    users: Users,
}

/// The same asked of `oidc-provider`, which knows no organizations.
pub(crate) struct ForeignClientCredentials {
    request: Rc<[u8]>,
}

/// `POST /introspect`.
pub(crate) struct Introspect {
    tokens: Vec<String>,
    asked: Cell<usize>,
}

/// `GET /userinfo`.
pub(crate) struct Userinfo {
    tokens: Vec<String>,
    asked: Cell<usize>,
}

/// `GET /authorize` of a browser in which nobody is signed in: leads to the sign-in page.
pub(crate) struct Authorize {
    users: Users,
    /// Sign-ins begun.
    pub(crate) begun: RefCell<Vec<SigningIn>>,
}

/// `GET /authorize` of a browser in which somebody is signed in: leads back with a code.
pub(crate) struct SilentSso {
    users: Users,
}

/// `GET /sign-in`.
pub(crate) struct SignInPage {
    pages: RefCell<Vec<SigningIn>>,
    asked: Cell<usize>,
}

/// `POST /sign-in` with the right password: leads back with a code.
pub(crate) struct SignIn {
    pages: RefCell<Vec<SigningIn>>,
}

/// A sign-in under way.
#[derive(Clone)]
pub(crate) struct SigningIn {
    user: User,
    handle: String,
    cookie: String,
    csrf: Option<String>,
}

/// Users in turn.
pub(crate) struct Users {
    population: Rc<Population>,
    whose: Whose,
    next: Cell<usize>,
}

impl Users {
    pub(crate) fn new(population: &Rc<Population>, whose: Whose, first: usize) -> Self {
        Self { population: Rc::clone(population), whose, next: Cell::new(first) }
    }

    pub(crate) fn take(&self, count: usize) -> Vec<User> {
        (0..count).filter_map(|_| self.next()).map(|(_, user)| user).collect()
    }

    fn next(&self) -> Option<(usize, User)> {
        let number = self.next.get();
        self.next.set(number + 1);
        Some((number, self.at(number)?))
    }

    fn at(&self, number: usize) -> Option<User> {
        self.population.user(number, self.whose)
    }
}

impl Same {
    pub(crate) fn get(path: &str) -> Self {
        Self { request: get(path, "").bytes }
    }

    pub(crate) fn post(path: &str, body: &str) -> Self {
        Self { request: post(path, "text/plain; charset=utf-8", body, "").bytes }
    }
}

impl Workload for Same {
    fn next(&self) -> Option<Request> {
        Some(Request { tag: 0, bytes: Rc::clone(&self.request) })
    }

    fn accept(&self, _: usize, response: &Response<'_>) -> Result<()> {
        response.expect(200)
    }
}

impl RedeemCodes {
    pub(crate) fn new(codes: Vec<String>) -> Self {
        Self { codes: RefCell::new(codes), access_tokens: RefCell::default() }
    }
}

impl Workload for RedeemCodes {
    fn next(&self) -> Option<Request> {
        let code = self.codes.borrow_mut().pop()?;
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", REDIRECT_URI),
            ("code_verifier", VERIFIER),
        ];
        Some(ask_for_tokens(&fields))
    }

    fn accept(&self, _: usize, response: &Response<'_>) -> Result<()> {
        response.expect(200)?;
        let mut tokens = self.access_tokens.borrow_mut();
        if tokens.len() < 1000 {
            tokens.push(between(response.body, r#""access_token":""#, "\"")?.to_owned());
        }
        Ok(())
    }
}

impl Refresh {
    pub(crate) fn new(tokens: Vec<String>) -> Self {
        Self { tokens: RefCell::new(tokens.into()) }
    }
}

impl Workload for Refresh {
    fn next(&self) -> Option<Request> {
        let token = self.tokens.borrow_mut().pop_front()?;
        Some(ask_for_tokens(&[("grant_type", "refresh_token"), ("refresh_token", &token)]))
    }

    fn accept(&self, _: usize, response: &Response<'_>) -> Result<()> {
        response.expect(200)?;
        let next = between(response.body, r#""refresh_token":""#, "\"")?.to_owned();
        self.tokens.borrow_mut().push_back(next);
        Ok(())
    }
}

impl ClientCredentials {
    pub(crate) fn new(users: Users) -> Self {
        Self { users }
    }
}

impl Workload for ClientCredentials {
    fn next(&self) -> Option<Request> {
        let (_, user) = self.users.next()?;
        let fields = [("grant_type", "client_credentials"), ("organization", &*user.organization_id())];
        Some(post_form("/token", &fields, &basic(MACHINE_ID)))
    }

    fn accept(&self, _: usize, response: &Response<'_>) -> Result<()> {
        response.expect(200)
    }
}

impl ForeignClientCredentials {
    pub(crate) fn new() -> Self {
        let fields = [("grant_type", "client_credentials"), ("scope", "sync")];
        Self { request: post_form("/token", &fields, &basic(MACHINE_ID)).bytes }
    }
}

impl Workload for ForeignClientCredentials {
    fn next(&self) -> Option<Request> {
        Some(Request { tag: 0, bytes: Rc::clone(&self.request) })
    }

    fn accept(&self, _: usize, response: &Response<'_>) -> Result<()> {
        response.expect(200)?;
        let header = between(response.body, r#""access_token":""#, ".")?;
        let header = BASE64_URL_SAFE_NO_PAD.decode(header).context("the token is no JWT")?;
        between(std::str::from_utf8(&header)?, r#""alg":"ES256"#, "\"").map(|_| ())
    }
}

impl Introspect {
    pub(crate) fn new(tokens: Vec<String>) -> Self {
        Self { tokens, asked: Cell::new(0) }
    }
}

impl Workload for Introspect {
    fn next(&self) -> Option<Request> {
        let number = self.asked.replace(self.asked.get() + 1);
        let token = self.tokens.get(number.checked_rem(self.tokens.len())?)?;
        Some(post_form("/introspect", &[("token", token)], &basic(CLIENT_ID)))
    }

    fn accept(&self, _: usize, response: &Response<'_>) -> Result<()> {
        response.expect(200)?;
        between(response.body, r#"{"active":"#, ",").and_then(|active| {
            anyhow::ensure!(active == "true", "a token is not active");
            Ok(())
        })
    }
}

impl Userinfo {
    pub(crate) fn new(tokens: Vec<String>) -> Self {
        Self { tokens, asked: Cell::new(0) }
    }
}

impl Workload for Userinfo {
    fn next(&self) -> Option<Request> {
        let number = self.asked.replace(self.asked.get() + 1);
        let token = self.tokens.get(number.checked_rem(self.tokens.len())?)?;
        Some(get("/userinfo", &format!("authorization: Bearer {token}\r\n")))
    }

    fn accept(&self, _: usize, response: &Response<'_>) -> Result<()> {
        response.expect(200)
    }
}

impl Authorize {
    pub(crate) fn new(users: Users) -> Self {
        Self { users, begun: RefCell::default() }
    }
}

impl Workload for Authorize {
    fn next(&self) -> Option<Request> {
        let (tag, user) = self.users.next()?;
        Some(Request { tag, ..get(&authorization(user), "") })
    }

    fn accept(&self, tag: usize, response: &Response<'_>) -> Result<()> {
        let location = location(response)?;
        let (_, handle) = location.split_once("/sign-in?request=").context(location.to_owned())?;
        let cookie = response.header("set-cookie:").context("the browser is not bound")?;
        let cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        let user = self.users.at(tag).context("there is no such user")?;
        let begun = SigningIn { user, handle: handle.to_owned(), cookie, csrf: None };
        self.begun.borrow_mut().push(begun);
        Ok(())
    }
}

impl SilentSso {
    pub(crate) fn new(users: Users) -> Self {
        Self { users }
    }
}

impl Workload for SilentSso {
    fn next(&self) -> Option<Request> {
        let (_, user) = self.users.next()?;
        Some(get(&authorization(user), &cookie_header(&user.cookie())))
    }

    fn accept(&self, _: usize, response: &Response<'_>) -> Result<()> {
        accept_code(response)
    }
}

impl SignInPage {
    pub(crate) fn new(pages: Vec<SigningIn>) -> Self {
        Self { pages: RefCell::new(pages), asked: Cell::new(0) }
    }

    /// The sign-ins whose page was shown, ready for the password.
    pub(crate) fn shown(&self) -> Vec<SigningIn> {
        self.pages.borrow().iter().filter(|page| page.csrf.is_some()).cloned().collect()
    }
}

impl Workload for SignInPage {
    fn next(&self) -> Option<Request> {
        let pages = self.pages.borrow();
        let tag = self.asked.replace(self.asked.get() + 1).checked_rem(pages.len())?;
        let page = pages.get(tag)?;
        let path = format!("/sign-in?request={}", page.handle);
        Some(Request { tag, ..get(&path, &cookie_header(&page.cookie)) })
    }

    fn accept(&self, tag: usize, response: &Response<'_>) -> Result<()> {
        response.expect(200)?;
        let csrf = between(response.body, r#"name="csrf" value=""#, "\"")?.to_owned();
        if let Some(page) = self.pages.borrow_mut().get_mut(tag) {
            page.csrf = Some(csrf);
        }
        Ok(())
    }
}

impl SignIn {
    pub(crate) fn new(pages: Vec<SigningIn>) -> Self {
        Self { pages: RefCell::new(pages) }
    }
}

impl Workload for SignIn {
    fn next(&self) -> Option<Request> {
        let page = self.pages.borrow_mut().pop()?;
        let csrf = page.csrf.unwrap_or_default();
        let (email, request) = (page.user.email(), page.handle);
        let fields = [("request", &*request), ("csrf", &csrf), ("email", &email), ("password", PASSWORD)];
        Some(post_form("/sign-in", &fields, &cookie_header(&page.cookie)))
    }

    fn accept(&self, _: usize, response: &Response<'_>) -> Result<()> {
        accept_code(response)
    }
}

pub(crate) fn accept_code(response: &Response<'_>) -> Result<()> {
    between(location(response)?, "code=ogac_", "&").map(|_| ())
}

pub(crate) fn location<'a>(response: &'a Response<'_>) -> Result<&'a str> {
    response.expect(303)?;
    response.header("location:").context("the redirect leads nowhere")
}

pub(crate) fn cookie_header(cookie: &str) -> String {
    format!("cookie: {cookie}\r\n")
}

/// The address that the application sends the user's browser to.
fn authorization(user: User) -> String {
    authorization_in(&user.slug())
}

/// The same, for anybody of an organization.
pub(crate) fn authorization_in(organization: &str) -> String {
    let challenge = CodeVerifier::parse(VERIFIER).map(|verifier| CodeChallenge::of(&verifier).to_string());
    let query = form(&[
        ("response_type", "code"),
        ("client_id", CLIENT_ID),
        ("redirect_uri", REDIRECT_URI),
        ("scope", SCOPE),
        ("state", "af0ifjsldkj"),
        ("nonce", "n-0S6_WzA2Mj"),
        ("code_challenge", &challenge.unwrap_or_default()),
        ("code_challenge_method", "S256"),
        ("organization", organization),
    ]);
    format!("/authorize?{query}")
}

fn ask_for_tokens(fields: &[(&str, &str)]) -> Request {
    post_form("/token", fields, &basic(CLIENT_ID))
}

pub(crate) fn basic(client_id: &str) -> String {
    let credentials = BASE64_STANDARD.encode(format!("{client_id}:{CLIENT_SECRET}"));
    format!("authorization: Basic {credentials}\r\n")
}

pub(crate) fn post_form(path: &str, fields: &[(&str, &str)], headers: &str) -> Request {
    post(path, "application/x-www-form-urlencoded", &form(fields), headers)
}

pub(crate) fn get(path: &str, headers: &str) -> Request {
    request(format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nuser-agent: orgate-bench\r\n{headers}\r\n"))
}

fn post(path: &str, content_type: &str, body: &str, headers: &str) -> Request {
    let length = body.len();
    request(format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\nuser-agent: orgate-bench\r\n{headers}\
         content-type: {content_type}\r\ncontent-length: {length}\r\n\r\n{body}"
    ))
}

fn request(text: String) -> Request {
    Request { tag: 0, bytes: text.into_bytes().into() }
}

/// `application/x-www-form-urlencoded`.
fn form(fields: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for (name, value) in fields {
        let separator = if text.is_empty() { "" } else { "&" };
        let _ = write!(text, "{separator}{name}="); // cannot fail
        for byte in value.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                text.push(char::from(byte));
            } else {
                let _ = write!(text, "%{byte:02X}");
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_keeps_values_apart_from_syntax() {
        assert_eq!(form(&[("a", "x y&z"), ("b", "ü")]), "a=x%20y%26z&b=%C3%BC");
    }
}
