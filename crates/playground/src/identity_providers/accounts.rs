//! The people that a provider knows, and who of them is signed in in which browser.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use aws_lc_rs::error::Unspecified;
use axum::http::HeaderMap;
use moka::future::Cache;

use super::{SampleUser, cache};
use crate::{
    browser::{CookieName, Cookies, random_token},
    timestamp::Timestamp,
};

const SESSION_LIFETIME: Duration = Duration::from_hours(12);

impl SampleUser {
    /// Their first name, and the others.
    pub(super) fn names(&self) -> (&str, &str) {
        self.name.split_once(' ').unwrap_or((&self.name, ""))
    }

    /// For those who look rather than read.
    pub(super) fn initials(&self) -> String {
        let (first, others) = self.names();
        first.chars().next().into_iter().chain(others.chars().next()).collect()
    }

    /// Whether a hint of whoever asks means them.
    pub(super) fn is_meant_by(&self, hint: &str) -> bool {
        self.username == hint || self.email.eq_ignore_ascii_case(hint)
    }
}

/// The people of one provider.
pub(super) struct Accounts {
    users: Vec<SampleUser>,
    cookie: CookieName,
    cookies: Cookies,
    /// By cookie.
    sessions: Cache<String, Arc<Session>>,
}

/// Somebody, signed in in one browser.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) user: SampleUser,
    /// The session's public name.
    pub(super) sid: String,
    pub(super) authenticated_at: Timestamp,
    /// The clients that have been told of it.
    participants: Mutex<BTreeSet<String>>,
}

impl Session {
    pub(super) fn add_participant(&self, client_id: &str) {
        self.participants.lock().unwrap_or_else(PoisonError::into_inner).insert(client_id.to_owned());
    }

    pub(super) fn participants(&self) -> BTreeSet<String> {
        self.participants.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What signing in has changed.
pub(super) struct SignedIn {
    pub(super) session: Arc<Session>,
    pub(super) set_cookie: String,
    /// The session that the browser had before, of somebody else.
    pub(super) ended: Option<Arc<Session>>,
}

impl Accounts {
    pub(super) fn new(users: Vec<SampleUser>, cookie: CookieName, cookies: Cookies) -> Self {
        Self { users, cookie, cookies, sessions: cache(SESSION_LIFETIME) }
    }

    pub(super) fn find_user(&self, username: &str) -> Option<&SampleUser> {
        self.users.iter().find(|user| user.username == username)
    }

    /// Who a hint means, if anybody.
    pub(super) fn find_hinted(&self, hint: Option<&str>) -> Option<&SampleUser> {
        hint.and_then(|hint| self.users.iter().find(|user| user.is_meant_by(hint)))
    }

    /// Everybody; whom the hint means comes first.
    pub(super) fn list(&self, hint: Option<&str>) -> Vec<&SampleUser> {
        let mut users: Vec<_> = self.users.iter().collect();
        users.sort_by_key(|user| !hint.is_some_and(|hint| user.is_meant_by(hint)));
        users
    }

    /// The session of the browser that asks.
    pub(super) async fn session(&self, headers: &HeaderMap) -> Option<Arc<Session>> {
        self.sessions.get(&self.cookies.find(headers, self.cookie)?).await
    }

    /// The cookie gets a new value. The session stays the same one if it is the same person's.
    pub(super) async fn sign_in(
        &self,
        headers: &HeaderMap,
        user: &SampleUser,
    ) -> Result<SignedIn, Unspecified> {
        let before = self.take_session(headers).await;
        let (again, ended) = match before {
            Some(session) if session.user.username == user.username => (Some(session), None),
            other => (None, other),
        };
        let session = Arc::new(Session {
            user: user.clone(),
            sid: again.as_ref().map_or_else(random_token, |session| Ok(session.sid.clone()))?,
            authenticated_at: Timestamp::now(),
            participants: Mutex::new(again.map(|session| session.participants()).unwrap_or_default()),
        });
        let key = random_token()?;
        let set_cookie = self.cookies.set(self.cookie, &key);
        self.sessions.insert(key, Arc::clone(&session)).await;
        Ok(SignedIn { session, set_cookie, ended })
    }

    /// The session that ends, if there was one, and the `Set-Cookie` that says so.
    pub(super) async fn sign_out(&self, headers: &HeaderMap) -> (Option<Arc<Session>>, String) {
        (self.take_session(headers).await, self.cookies.remove(self.cookie))
    }

    async fn take_session(&self, headers: &HeaderMap) -> Option<Arc<Session>> {
        self.sessions.remove(&self.cookies.find(headers, self.cookie)?).await
    }
}
