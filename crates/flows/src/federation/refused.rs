//! The browser is back, and what it brought was refused: it may choose another way to sign in.

use orgate_domain::audit::Action;
use orgate_domain::credentials::{Credential, RequestHandle};
use orgate_domain::organizations::{OrgStatus, Organization};
use orgate_storage::{Connection, OrgTx, StoredTrace, UpstreamPurpose};

use super::UpstreamError;
use super::callback::{Returned, Returning};
use super::trace::{Rejection, Trace};
use crate::Failure;
use crate::authorize::store;
use crate::waiting::{Waiting, WaitingError};

/// A sign-in through a connection that was refused.
#[derive(Debug)]
pub struct RefusedReturn {
    /// The check that failed. For whoever administers the connection; the person is told no more than
    /// that it did not work, but for what they can mend themselves.
    pub check: &'static str,
    /// The connection.
    pub connection: Connection,
    /// The organization.
    pub organization: Option<Organization>,
    /// For trying again; `None` if nothing waits any more.
    pub handle: Option<Credential<RequestHandle>>,
    /// The identity provider could not be asked.
    pub outage: bool,
    /// The request that was refused, where it was another than this.
    pub request_id: Option<String>,
    /// The languages that the application asked for, then the organization's.
    pub ui_locales: Vec<String>,
}

impl Returning<'_> {
    /// A failed check: an event, a trace, no session.
    pub(super) async fn reject(&self, rejection: Rejection, trace: Trace) -> Result<Returned, WaitingError> {
        self.refuse(rejection, trace, false).await
    }

    /// The identity provider could not be asked.
    pub(super) async fn fail(
        &self,
        error: &UpstreamError,
        mut trace: Trace,
    ) -> Result<Returned, WaitingError> {
        tracing::warn!(connection.id = %self.request.request.connection_id, %error, "an identity provider is out of order");
        let rejection = trace.fail("provider_unavailable", error.to_string());
        self.refuse(rejection, trace, true).await
    }

    async fn refuse(
        &self,
        rejection: Rejection,
        trace: Trace,
        outage: bool,
    ) -> Result<Returned, WaitingError> {
        let mut tx = self.begin().await?;
        if !self.consume(&mut tx).await? {
            return Err(WaitingError::Over);
        }
        let connection = self.connection(&mut tx).await?;
        let Some(waiting) = &self.waiting else {
            if let UpstreamPurpose::Link(_) | UpstreamPurpose::Invitation(_) = self.request.request.purpose {
                let organization = tx.organization().find().await.map_err(Failure::from)?;
                self.conclude(tx, &trace, (Action::UpstreamRefused, Some(rejection))).await?;
                return Ok(Returned::Refused(Box::new(RefusedReturn {
                    check: rejection.check,
                    ui_locales: self.languages(organization.as_ref()),
                    connection,
                    organization,
                    handle: None,
                    outage,
                    request_id: None,
                })));
            }
            let id = self.conclude(tx, &trace, (Action::ConnectionTested, Some(rejection))).await?;
            return Ok(Returned::Tested(connection.id, id));
        };
        let organization = tx.organization().find().await.map_err(Failure::from)?;
        let handle = self.renew(&mut tx, waiting).await?;
        self.conclude(tx, &trace, (Action::SignInFailed, Some(rejection))).await?;
        let organization = organization.filter(|found| found.status == OrgStatus::Active);
        let check = rejection.check;
        Ok(Returned::Refused(Box::new(RefusedReturn {
            check,
            ui_locales: self.languages(organization.as_ref()),
            connection,
            organization,
            handle,
            outage,
            request_id: None,
        })))
    }

    /// The answer was refused before this browser was back; `told` is what of it was kept.
    pub(super) async fn go_on(self, told: StoredTrace) -> Result<Returned, WaitingError> {
        let mut tx = self.begin().await?;
        if !self.consume(&mut tx).await? {
            return Err(WaitingError::Over);
        }
        let connection = self.connection(&mut tx).await?;
        if self.request.request.purpose == UpstreamPurpose::Test {
            tx.commit().await.map_err(Failure::from)?;
            return Ok(Returned::Tested(connection.id, told.id));
        }
        let organization = tx.organization().find().await.map_err(Failure::from)?;
        let handle = match &self.waiting {
            Some(waiting) => self.renew(&mut tx, waiting).await?,
            None => None,
        };
        tx.commit().await.map_err(Failure::from)?;
        Ok(Returned::Refused(Box::new(RefusedReturn {
            check: "response",
            ui_locales: self.languages(organization.as_ref()),
            connection,
            organization: organization.filter(|found| found.status == OrgStatus::Active),
            handle,
            outage: false,
            request_id: told.request_id,
        })))
    }

    /// The languages of the page that says so, the first that it speaks.
    fn languages(&self, organization: Option<&Organization>) -> Vec<String> {
        match &self.waiting {
            Some(waiting) => waiting.languages(),
            None => {
                organization.and_then(Organization::spoken).map(ToString::to_string).into_iter().collect()
            }
        }
    }

    /// The authorization request under a new handle: the old one's text is nobody's any more.
    async fn renew(
        &self,
        tx: &mut OrgTx,
        waiting: &Waiting,
    ) -> Result<Option<Credential<RequestHandle>>, Failure> {
        let mut asked = waiting.asked().clone();
        if !tx.authorization_requests().consume(asked.id, self.env.clock.now()).await? {
            return Ok(None);
        }
        store(self.env, tx, &mut asked).await.map(Some)
    }
}
