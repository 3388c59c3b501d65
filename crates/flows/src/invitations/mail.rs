//! The mail with an invitation's link.

use chrono::{DateTime, Utc};
use lettre::Message;
use lettre::message::Mailbox;
use orgate_domain::credentials::{Credential, InvitationLink};
use orgate_storage::OrgScope;
use serde::{Deserialize, Serialize};

use crate::mails::{About, Occasion};
use crate::sealed::Sealed;
use crate::{Env, Failure, mails};

/// What the outbox calls it.
pub(crate) const INVITATION: &str = "invitation";

/// What it says. It rests encrypted: the link is a secret.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct InvitationMail {
    /// The invited address.
    pub(crate) to: String,
    /// The organization's name.
    pub(crate) organization: String,
    /// The name of the user who invites, where it is one.
    pub(crate) inviter: Option<String>,
    /// The name and the language of who is invited, as far as they are known. Mails that were ordered from the release before
    /// say neither.
    #[serde(default)]
    pub(crate) name: Option<String>,
    #[serde(default)]
    pub(crate) locale: Option<String>,
    /// The link's secret.
    pub(crate) secret: String,
    /// From when on it is worth nothing.
    pub(crate) expires_at: DateTime<Utc>,
}

impl InvitationMail {
    /// Encrypts it, before the transaction that it waits in is opened.
    pub(crate) async fn seal(&self, env: &Env, scope: &OrgScope) -> Result<Sealed, Failure> {
        Sealed::of(env, scope, INVITATION, self).await
    }

    /// Whether its link still leads somewhere: nobody gets a mail with one that was taken back, or replaced.
    pub(crate) async fn is_current(&self, env: &Env, scope: &OrgScope) -> Result<bool, Failure> {
        let Ok(secret) = Credential::<InvitationLink>::parse(&self.secret) else { return Ok(false) };
        let mut tx = env.store.begin(scope).await?;
        let found = tx.invitations().find_by_token(&secret.hash()).await?;
        tx.commit().await?;
        Ok(found.is_some_and(|invitation| invitation.check(env.clock.now()).is_ok()))
    }

    /// As it is sent, in the organization's words or ours; `None` if it cannot be.
    pub(crate) async fn compose(
        &self,
        env: &Env,
        scope: &OrgScope,
        from: &Mailbox,
    ) -> Result<Option<Message>, Failure> {
        let url = &env.issuer.at(&format!("/invitations?invitation={}", self.secret));
        let occasion = Occasion {
            about: About::Invitation { inviter: self.inviter.as_deref(), url, expires_at: self.expires_at },
            locale: self.locale.as_deref(),
            organization: &self.organization,
            name: self.name.as_deref(),
            email: &self.to,
        };
        let composed = mails::compose(env, scope, &occasion).await?;
        Ok(composed.and_then(|composed| composed.message(from, &self.to)))
    }
}
