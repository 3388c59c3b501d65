//! The administration in a browser: who gets in, and what they can do there.

mod access;
mod api_keys;
mod application;
mod audit;
mod audit_export;
mod blueprints;
mod clients;
mod connections;
mod console;
mod cost;
mod delegations;
mod domains;
mod groups;
mod health;
mod invitations;
mod join_requests;
mod joining;
mod look;
mod mails;
mod once;
mod overview;
mod policies;
mod roles;
mod setup_links;
mod sign_in;
mod signing_keys;
mod suborganizations;
mod user_life;
mod users;
mod webhooks;

use std::collections::BTreeMap;

use orgate_tests::app::{App, Browser, PASSWORD, Page};

/// A page's path with ids of what there is not.
pub(crate) fn nowhere(path: &str) -> String {
    let kinds = [
        ("api_key", "apk"),
        ("client", "cli"),
        ("connection", "con"),
        ("delegate", "org"),
        ("domain", "dom"),
        ("event", "evt"),
        ("group", "grp"),
        ("invitation", "inv"),
        ("join_request", "jrq"),
        ("locale", "loc"),
        ("mail", "mail"),
        ("other", "org"),
        ("role", "rol"),
        ("setup_link", "stl"),
        ("user", "usr"),
        ("webhook", "whk"),
    ];
    kinds.into_iter().fold(path.to_owned(), |path, (name, prefix)| {
        path.replace(&format!("{{{name}}}"), &format!("{prefix}_{}", "0".repeat(26)))
    })
}

/// A browser in which somebody is signed in to administer an organization.
async fn administrator(app: &App, organization: &str, email: &str) -> Browser {
    let browser = app.browser();
    let page = open_as(&browser, &format!("/admin/{organization}"), email).await;
    assert!(page.body.contains("Sign out"), "{email}: {} {}", page.status, page.body);
    browser
}

/// Opens a page of the administration in a browser in which nobody is signed in: what comes once they are.
async fn open_as(browser: &Browser, path: &str, email: &str) -> Page {
    let asked = browser.get(path).await;
    let answered = browser.sign_in(asked, email, PASSWORD).await;
    browser.follow(answered).await
}

/// Somebody's cookies for the administration of an organization, as a browser without a jar sends them.
struct Kept(BTreeMap<String, String>);

impl Kept {
    /// Signs in, and keeps every cookie that was set on the way.
    async fn of(app: &App, organization: &str, email: &str) -> Self {
        let browser = app.browser();
        let mut page = browser.get(format!("/admin/{organization}")).await;
        let mut kept = Self(BTreeMap::new());
        kept.take(&page);
        while let Some(to) = page.location() {
            page = browser.get(to.as_str()).await;
            kept.take(&page);
        }
        page = browser.sign_in(page, email, PASSWORD).await;
        kept.take(&page);
        while let Some(to) = page.location() {
            page = browser.get(to.as_str()).await;
            kept.take(&page);
        }
        kept
    }

    /// Takes what a page sets in the place of what there is.
    fn take(&mut self, page: &Page) {
        for line in page.cookies() {
            let (name, value) =
                line.split(';').next().and_then(|pair| pair.split_once('=')).expect("a cookie");
            if value.is_empty() {
                self.0.remove(name);
            } else {
                self.0.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    /// A cookie's value.
    fn value(&self, name: &str) -> &str {
        self.0.get(name).unwrap_or_else(|| panic!("no {name} in {:?}", self.0.keys()))
    }

    /// A browser that sends them, with others in the place of some.
    fn browser(&self, app: &App, changes: &[(&str, &str)]) -> Browser {
        let mut cookies = self.0.clone();
        cookies.extend(changes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let pairs: Vec<_> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        app.browser_with(&pairs.join("; "))
    }
}

/// By what a session is kept, and what ties pages to a browser.
const SESSION: &str = "orgate_admin_0";
const BINDING: &str = "orgate_browser";

/// The token of the form that goes to this address.
fn csrf(page: &Page, action: &str) -> String {
    let form = page.body.split_once(&format!("action=\"{action}\""));
    let (_, rest) = form.unwrap_or_else(|| panic!("no form for {action}: {} {}", page.status, page.body));
    let (_, rest) = rest.split_once("name=\"csrf\" value=\"").expect("a token");
    rest.split('"').next().unwrap_or_default().to_owned()
}

/// Sends the form that goes to this address, with these fields.
async fn send(browser: &Browser, page: &Page, action: &str, fields: &[(&str, &str)]) -> Page {
    let token = csrf(page, action);
    let fields = [&[("csrf", token.as_str())], fields].concat();
    browser.post(action, &fields).await
}

/// What a page shows to be copied.
fn copied(page: &Page, id: &str) -> String {
    let found = page.body.split_once(&format!("<code id=\"{id}\">"));
    let (_, rest) = found.unwrap_or_else(|| panic!("no {id}: {} {}", page.status, page.body));
    rest.split('<').next().unwrap_or_default().to_owned()
}

/// Every value of the hidden fields of this name.
fn hidden(page: &Page, field: &str) -> Vec<String> {
    let begins = format!("type=\"hidden\" name=\"{field}\" value=\"");
    let values = page.body.split(&begins).skip(1);
    values.map(|rest| rest.split('"').next().unwrap_or_default().to_owned()).collect()
}

/// Whether a box is ticked; `None` if it is not there, or closed.
fn ticked(page: &Page, field: &str, value: &str) -> Option<bool> {
    let (_, rest) = page.body.split_once(&format!("name=\"{field}\" value=\"{value}\""))?;
    let rest = rest.split('>').next().unwrap_or_default();
    (!rest.contains("disabled")).then(|| rest.contains("checked"))
}

/// The address of a user's page, by their name.
async fn page_of(browser: &Browser, organization: &str, email: &str) -> String {
    let found = browser.get(format!("/admin/{organization}/users?search={email}")).await;
    let marker = format!("href=\"/admin/{organization}/users/usr_");
    let (_, rest) = found.body.split_once(&marker).unwrap_or_else(|| panic!("{}", found.body));
    format!("/admin/{organization}/users/usr_{}", rest.split('"').next().unwrap_or_default())
}
