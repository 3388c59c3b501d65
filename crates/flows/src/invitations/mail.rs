//! The mail with an invitation's link.

use chrono::{DateTime, Utc};
use lettre::Message;
use lettre::message::Mailbox;
use orgate_domain::credentials::{Credential, InvitationLink};
use orgate_domain::ids::MessageId;
use orgate_domain::mail_templates::MailKind;
use orgate_storage::{NewMessage, OrgScope};
use serde::{Deserialize, Serialize};

use crate::mails::{InvitationOccasion, Occasion};
use crate::vault::Purpose;
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

/// One that waits to be sent with the change that it is about.
#[derive(Debug)]
pub(crate) struct Sealed {
    pub(crate) id: MessageId,
    pub(crate) kind: &'static str,
    pub(crate) payload: Vec<u8>,
    pub(crate) at: DateTime<Utc>,
}

impl Sealed {
    /// As the outbox takes it.
    pub(crate) fn message(&self) -> NewMessage<'_> {
        NewMessage { id: self.id, kind: self.kind, payload: &self.payload, at: self.at }
    }
}

impl InvitationMail {
    /// Encrypts it, before the transaction that it waits in is opened.
    pub(crate) async fn seal(&self, env: &Env, scope: &OrgScope) -> Result<Sealed, Failure> {
        let plain = serde_json::to_vec(self).unwrap_or_default();
        let at = env.clock.now();
        let id = MessageId::from_uuid(env.random.uuid(at)?);
        let payload = env.vault.seal(env, scope, (Purpose::Message, &id.to_string()), &plain).await?;
        Ok(Sealed { id, kind: INVITATION, payload, at })
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
        let invitation =
            InvitationOccasion { inviter: self.inviter.as_deref(), url, expires_at: self.expires_at };
        let occasion = Occasion {
            kind: MailKind::Invitation,
            locale: self.locale.as_deref(),
            organization: &self.organization,
            name: self.name.as_deref(),
            email: &self.to,
            invitation: Some(invitation),
        };
        let composed = mails::compose(env, scope, &occasion).await?;
        Ok(composed.and_then(|composed| composed.message(from, &self.to)))
    }
}
