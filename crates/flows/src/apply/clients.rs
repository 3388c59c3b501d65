//! Comparing clients, and which organizations may use those of audience `granted`.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use orgate_domain::clients::{Audience, Client, ClientStatus};
use orgate_domain::credentials::SecretHash;
use orgate_domain::ids::{ClientId, OrgId, RoleId};
use orgate_domain::names::Slug;
use orgate_protocol::oauth::redirect_uri::ClientKind;
use orgate_storage::system::OrgHint;

use super::plan::{Change, SecretChange, Step, Subject, Why};
use super::planner::{Known, Planner};
use super::wanted::{Wanted, WantedClient};
use crate::Failure;
use crate::configure::{Mark, changes_of};

/// A client as other organizations' rows name it: its owner and its id.
pub(super) type Owned = (OrgId, ClientId);

impl Planner<'_> {
    /// Compares a client with what is there, and says what it is known by.
    pub(super) async fn client(&mut self, wanted: &WantedClient) -> Result<Option<Owned>, Failure> {
        let Some(owner) = self.refer(&wanted.organization).await? else { return Ok(None) };
        let stored = match self.env.store.resolve_client(&wanted.client_id.value).await? {
            Some(place) if place.owner != owner.scope => {
                let other = self.env.store.resolve(OrgHint::Id(place.owner.org_id())).await?;
                let text = format!(
                    "the client {} is the organization {}'s, and a client_id is never given to another",
                    wanted.client_id.value,
                    other.map_or_else(String::new, |other| other.slug.to_string()),
                );
                self.problems.add(&wanted.client_id.place, text);
                return Ok(None);
            }
            Some(place) => {
                let mut tx = self.env.store.begin(&place.owner).await?;
                let stored = tx.clients().find(place.id).await?;
                tx.commit().await?;
                stored
            }
            None => None,
        };
        let now = self.env.clock.now();
        let id = match &stored {
            Some(stored) => stored.id,
            None => ClientId::from_uuid(self.env.random.uuid(now)?),
        };
        let client = as_wanted(wanted, id, owner.scope.org_id(), stored.as_ref());
        let secret = secret_change(wanted, &client, stored.as_ref(), now);
        self.check_machine(wanted, &owner).await?;
        let roles = self.client_roles(wanted, &owner, client.key()).await?;
        let mark = match &stored {
            Some(stored) => {
                changes_of((&client, stored), (roles.is_some(), !matches!(secret, SecretChange::Keep)))
            }
            None => Some(Mark::Created),
        };
        let here = (&wanted.organization.value, owner.scope);
        self.note(here, mark, Subject::Client { client: Box::new(client), secret, roles });
        Ok(Some((owner.scope.org_id(), id)))
    }

    /// A machine belongs to one organization; only the operator's may act in others, and must then
    /// name the one.
    async fn check_machine(&mut self, wanted: &WantedClient, owner: &Known) -> Result<(), Failure> {
        if wanted.kind != ClientKind::Machine || wanted.audience == Audience::Owner {
            return Ok(());
        }
        let operator = self.env.store.resolve(OrgHint::Operator).await?;
        if operator.is_none_or(|operator| operator.scope != owner.scope) {
            let text = "a machine client belongs to one organization: audience is owner";
            self.problems.add(&wanted.client_id.place, text);
        }
        Ok(())
    }

    /// The roles that a machine client will hold in its owner's organization; `None` if they stay.
    async fn client_roles(
        &mut self,
        wanted: &WantedClient,
        owner: &Known,
        client: Owned,
    ) -> Result<Option<BTreeMap<Slug, RoleId>>, Failure> {
        let Some(list) = &wanted.roles else { return Ok(None) };
        let (mut known, mut held) = (BTreeMap::new(), Vec::new());
        if !owner.is_new {
            let mut tx = self.env.store.begin(&owner.scope).await?;
            known = tx.roles().list().await?.into_iter().map(|role| (role.slug, role.id)).collect();
            held = tx.clients().list_roles(client).await?;
            tx.commit().await?;
        }
        known.extend(self.roles.get(&owner.scope.org_id()).cloned().unwrap_or_default());
        let roles = self.resolve_roles(&wanted.organization.value, Some(list), &known);
        Ok(roles.filter(|roles| !roles.keys().eq(held.iter())))
    }

    /// Compares who may use the clients that say it. After everything else, since it refers to
    /// organizations and clients both.
    pub(super) async fn access(
        &mut self,
        wanted: &Wanted,
        owned: &BTreeMap<&str, Owned>,
    ) -> Result<(), Failure> {
        let mut grants = Vec::new();
        let mut organizations = BTreeMap::new();
        for client in &wanted.clients {
            let (Some(granted_to), Some(pair)) =
                (&client.granted_to, owned.get(client.client_id.value.as_str()))
            else {
                continue;
            };
            let mut granted = BTreeSet::new();
            for slug in granted_to {
                if let Some(known) = self.refer(slug).await? {
                    granted.insert(known.scope.org_id());
                    organizations.insert(slug.value.clone(), known);
                }
            }
            grants.push((client.client_id.value.as_str(), *pair, granted));
        }
        if grants.is_empty() {
            return Ok(());
        }
        organizations.extend(self.described().map(|(slug, known)| (slug.clone(), known.clone())));
        let mut steps = Vec::new();
        for (slug, known) in organizations {
            let changes = self.grants_of(&known, &grants).await?;
            if !changes.is_empty() {
                steps.push(Step { scope: known.scope, slug, changes });
            }
        }
        self.note_last(steps);
        Ok(())
    }

    async fn grants_of(
        &mut self,
        organization: &Known,
        grants: &[(&str, Owned, BTreeSet<OrgId>)],
    ) -> Result<Vec<Change>, Failure> {
        let mut held = Vec::new();
        if !organization.is_new {
            let mut tx = self.env.store.begin(&organization.scope).await?;
            held = tx.clients().list_access().await?;
            tx.commit().await?;
        }
        let mut changes = Vec::new();
        for (client_id, client, granted) in grants {
            let wanted = granted.contains(&organization.scope.org_id());
            let mark = match (wanted, held.contains(client)) {
                (true, false) => Mark::Created,
                (false, true) => Mark::Removed,
                (true, true) => {
                    self.count_unchanged();
                    continue;
                }
                (false, false) => continue,
            };
            let subject = Subject::Access { client: *client, client_id: (*client_id).to_owned() };
            changes.push(Change { mark, subject, why: Why::Wanted });
        }
        Ok(changes)
    }
}

fn as_wanted(wanted: &WantedClient, id: ClientId, owner: OrgId, stored: Option<&Client>) -> Client {
    Client {
        id,
        owner,
        client_id: wanted.client_id.value.clone(),
        name: wanted.name.clone(),
        kind: wanted.kind,
        audience: wanted.audience,
        status: wanted.status.or(stored.map(|stored| stored.status)).unwrap_or(ClientStatus::Active),
        redirect_uris: wanted.redirect_uris.clone(),
        post_logout_redirect_uris: wanted.post_logout_redirect_uris.clone(),
        home_url: wanted.home_url.clone(),
        initiate_login_uri: wanted.initiate_login_uri.clone(),
        resource: wanted.resource.clone(),
        signing_algorithm: wanted.signing_algorithm,
        permissions: wanted.permissions.clone(),
        settings: wanted.settings.clone(),
        secrets: Vec::new(),
    }
}

/// A client that proves itself by a secret always has one, any other never.
fn secret_change(
    wanted: &WantedClient,
    client: &Client,
    stored: Option<&Client>,
    now: DateTime<Utc>,
) -> SecretChange {
    let known = stored.map_or_else(Vec::new, |stored| stored.secrets.clone());
    let mut live = known.iter().filter(|secret| secret.expires_at.is_none_or(|end| now < end));
    match &wanted.secret {
        _ if !client.settings.authentication.uses_secret() && known.is_empty() => SecretChange::Keep,
        _ if !client.settings.authentication.uses_secret() => SecretChange::Remove,
        Some(secret) => {
            let hash = SecretHash::of(secret.reveal().as_bytes());
            if live.any(|known| known.hash.matches(&hash)) {
                SecretChange::Keep
            } else {
                SecretChange::Set(secret.clone())
            }
        }
        None if live.next().is_some() => SecretChange::Keep,
        None => SecretChange::Generate,
    }
}
