//! What answers a request: the page that was asked for, or another one in its place.

use axum::response::{IntoResponse, Response};
use orgate_domain::permissions::OrgatePermission;
use orgate_flows::Failure;
use orgate_flows::manage::Caller;

use super::{Admin, entry};

/// What answers a request.
pub(crate) type Answer = Result<Response, Instead>;

/// The page in the place of the one that was asked for.
#[derive(Debug)]
pub(crate) struct Instead(Box<Response>);

impl From<Response> for Instead {
    fn from(response: Response) -> Self {
        Self(Box::new(response))
    }
}

impl IntoResponse for Instead {
    fn into_response(self) -> Response {
        *self.0
    }
}

impl Admin {
    pub(crate) fn failed(&self, failure: &Failure) -> Instead {
        crate::page::failed(&self.env, &self.cookies.browser.origin, failure).into()
    }

    /// What was read.
    pub(crate) fn read<T>(&self, read: Result<T, Failure>) -> Result<T, Instead> {
        read.map_err(|failure| self.failed(&failure))
    }

    /// What was looked for, if it is there.
    pub(crate) fn found<T>(&self, found: Result<Option<T>, Failure>) -> Result<T, Instead> {
        self.read(found)?.ok_or_else(|| entry::missing(self).into())
    }

    /// The caller, asking for what takes this to read: what changes something takes another permission.
    pub(crate) fn reading(&self, permission: OrgatePermission) -> Result<Caller, Instead> {
        self.caller.asking(permission).ok_or_else(|| entry::lacks(self, permission).into())
    }
}
