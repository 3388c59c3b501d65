//! The organization itself, its settings and the domains that an operator vouches for.

use orgate_domain::audit::Action;
use orgate_domain::connections::Attributes;
use orgate_domain::email::{DomainName, Email};
use orgate_domain::ids::{DomainId, OrgId};
use orgate_domain::mail_templates::MailTemplate;
use orgate_domain::names::{DisplayName, ExternalId, Slug};
use orgate_domain::organizations::{Branding, OrgStatus, Organization};
use orgate_domain::policies::{PolicySettings, SsoEnforcement};
use orgate_storage::{NewOrganization, OrgTx, OrganizationChange};

use super::users::end_all;
use super::{Author, Mark};
use crate::end_sessions::end_sessions;
use crate::{Env, Failure};

/// An organization as wanted.
#[derive(Debug)]
pub(crate) struct OrganizationState {
    /// The organization above it, for one that is made or was moved.
    pub(crate) parent: Option<OrgId>,
    pub(crate) name: DisplayName,
    pub(crate) branding: Branding,
    pub(crate) status: OrgStatus,
    pub(crate) contact: Option<Email>,
    /// What is kept about it, if that changes.
    pub(crate) attributes: Option<Attributes>,
    /// What it is called in a system of the operator's own, if that changes.
    pub(crate) external_id: Option<ExternalId>,
    /// Its settings, if they change.
    pub(crate) policy: Option<PolicySettings>,
}

impl OrganizationState {
    /// An organization as it is: nothing changes.
    pub(crate) fn of(organization: &Organization) -> Self {
        Self {
            parent: None,
            name: organization.name.clone(),
            branding: organization.branding.clone(),
            status: organization.status,
            contact: organization.contact.clone(),
            attributes: None,
            external_id: None,
            policy: None,
        }
    }

    /// Whether sessions of anybody may have to end for it: [`Users::seize`] comes first then, before anything that a sign-in
    /// may wait for.
    ///
    /// [`Users::seize`]: orgate_storage::Users::seize
    pub(crate) fn shuts_out(&self) -> bool {
        self.status != OrgStatus::Active || self.enforcement() != SsoEnforcement::Off
    }

    /// What it says of SSO.
    fn enforcement(&self) -> SsoEnforcement {
        self.policy.as_ref().and_then(|policy| policy.sso_enforcement).unwrap_or_default()
    }
}

/// Writes the organization of the transaction.
pub(crate) async fn save_organization(
    env: &Env,
    tx: &mut OrgTx,
    (author, mark): (&Author, &Mark),
    (slug, state): (&Slug, &OrganizationState),
) -> Result<(), Failure> {
    let OrganizationState { parent, name, branding, status, contact, attributes, external_id, policy } =
        state;
    let at = env.clock.now();
    if *mark == Mark::Created {
        let new = NewOrganization { slug, name, parent: *parent, is_operator: false, at };
        tx.organization().insert(&new).await?;
    }
    let contact = contact.as_ref();
    // Somebody else may have changed it since what is wanted was compared with what was there.
    let status_to_be = *mark == Mark::Created || mark.touches("status");
    let status_to_be = status_to_be.then_some((*status, at + env.deleted_kept));
    let change = OrganizationChange { name, branding, status: status_to_be, contact, at };
    tx.organization().update(&change).await?;
    if let Some(attributes) = attributes {
        tx.attributes().save_of_organization(attributes).await?;
    }
    if let Some(external_id) = external_id {
        tx.organization().update_external_id(Some(external_id), at).await?;
    }
    let mut event = author.done(env, Action::OrganizationConfigured, mark)?;
    event.detail.extend([("slug", slug.to_string()), ("status", status.as_str().to_owned())]);
    if let Some(parent) =
        parent.map(|id| id.to_string()).or(mark.touches("parent").then(|| "none".to_owned()))
    {
        event.detail.push(("parent", parent));
    }
    if let Some(policy) = policy {
        let before = tx.organization().find_policy().await?.unwrap_or_default();
        event.detail.push(("policy", policy.differences(&before)));
        tx.organization().save_policy(policy, at).await?;
    }
    tx.audit().insert(&event).await?;
    match (*status, state.enforcement()) {
        (OrgStatus::Active, SsoEnforcement::Off) => Ok(()),
        // Nobody has been signed in since.
        (OrgStatus::Deleted | OrgStatus::Suspended, _) if !mark.touches("status") => Ok(()),
        (OrgStatus::Active, enforced) => end_without_sso(env, tx, enforced, author).await,
        (OrgStatus::Deleted, _) => end_all(env, tx, None, author.because("organization_deleted")).await,
        (OrgStatus::Suspended, _) => end_all(env, tx, None, author.because("organization_suspended")).await,
    }
}

/// Ends the sessions that a policy on SSO admits no more.
async fn end_without_sso(
    env: &Env,
    tx: &mut OrgTx,
    enforcement: SsoEnforcement,
    author: &Author,
) -> Result<(), Failure> {
    let open = tx.sessions().list_without_sso(env.clock.now()).await?;
    let shut_out = open.into_iter().filter(|(_, method, user)| !enforcement.allows(*method, *user));
    let sessions = shut_out.map(|(session, ..)| session);
    end_sessions(env, tx, sessions, author.because("sso_enforced")).await?;
    Ok(())
}

/// Vouches for a domain, or does not any more.
pub(crate) async fn save_domain(
    env: &Env,
    tx: &mut OrgTx,
    (author, mark): (&Author, &Mark),
    domain: &DomainName,
) -> Result<(), Failure> {
    let at = env.clock.now();
    if *mark == Mark::Removed {
        tx.domains().delete(domain).await?;
    } else {
        tx.domains().save_vouched(DomainId::from_uuid(env.random.uuid(at)?), domain, at).await?;
    }
    let mut event = author.done(env, Action::DomainConfigured, mark)?;
    event.detail.push(("domain", domain.to_string()));
    Ok(tx.audit().insert(&event).await?)
}

/// Words a mail, or leaves it to Orgate's words again.
pub(crate) async fn save_mail_template(
    env: &Env,
    tx: &mut OrgTx,
    (author, mark): (&Author, &Mark),
    template: &MailTemplate,
) -> Result<(), Failure> {
    if *mark == Mark::Removed {
        tx.mail_templates().delete((template.kind, &template.locale)).await?;
    } else {
        tx.mail_templates().save(template).await?;
    }
    let mut event = author.done(env, Action::MailTemplateConfigured, mark)?;
    event.detail.extend([("mail", template.kind.to_string()), ("locale", template.locale.to_string())]);
    Ok(tx.audit().insert(&event).await?)
}
