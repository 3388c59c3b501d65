//! What is there, as the wanted state that [`apply`](crate::apply) takes: applied where it was read, it changes nothing.
//!
//! **Invariant:** no secret leaves, neither a client's nor a connection's nor the hash of a password. Silence about one is what
//! keeps it; [`Secrets::Named`] puts a reference to a variable there instead, for a server that does not have it yet.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use orgate_domain::clients::{Audience, Client, Party};
use orgate_domain::domains::OrgDomain;
use orgate_domain::email::{DomainName, Email};
use orgate_domain::ids::{ClientId, OrgId};
use orgate_domain::joining::Joining;
use orgate_domain::mail_templates::MailTemplate;
use orgate_domain::names::{DisplayName, Slug};
use orgate_domain::organizations::OrgStatus;
use orgate_protocol::oauth::redirect_uri::ClientKind;
use orgate_storage::system::{OrgHint, OrganizationFilter};
use orgate_storage::{
    Connection, Delegation, DescribedUser, Group, MAX_PAGE, OrgScope, OrgTx, PageOf, Role, RoleBlueprint,
    StorageError, Webhook, WebhookTerms,
};
use url::Url;

use crate::apply::{
    Kind, Place, Placed, Secret, Wanted, WantedClient, WantedConnection, WantedDelegation, WantedGroup,
    WantedJoining, WantedMailTemplate, WantedOrganization, WantedRole, WantedUser, WantedWebhook,
};
use crate::bootstrap::OPERATOR_SLUG;
use crate::configure::QuotaSettings;
use crate::federation::version_of;
use crate::{Env, Failure};

/// How a description speaks of secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secrets {
    /// Not at all: what is there is kept, and what is missing elsewhere is told by the plan.
    Kept,
    /// By the variable that holds one: `${ACME_OKTA_CLIENT_SECRET}`.
    Named,
}

/// A description.
#[derive(Debug)]
pub struct Description {
    /// What is there, in an order that depends on names alone.
    pub wanted: Wanted,
    /// What no file can say, one a line.
    pub left_out: Vec<String>,
}

/// Describes one organization, with the clients that it owns.
///
/// # Errors
/// [`Failure`].
pub async fn organization(env: &Env, scope: &OrgScope, secrets: Secrets) -> Result<Description, Failure> {
    describe(env, &[*scope], secrets, || ()).await
}

/// Describes every organization that was not deleted, the operator's too, and tells after each that it did.
///
/// # Errors
/// [`Failure`].
pub async fn installation(
    env: &Env,
    secrets: Secrets,
    described: impl FnMut(),
) -> Result<Description, Failure> {
    let mut known = BTreeMap::new();
    let mut after = None;
    loop {
        let page = env
            .store
            .survey_organizations(OrganizationFilter::default(), PageOf { after, limit: MAX_PAGE })
            .await?;
        for listed in page.items.into_iter().filter(|listed| listed.status != OrgStatus::Deleted) {
            if let Some(found) = env.store.resolve(OrgHint::Id(listed.id)).await? {
                known.insert(listed.slug, found.scope);
            }
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    describe(env, &known.into_values().collect::<Vec<_>>(), secrets, described).await
}

/// The organizations' clients that may be used elsewhere, by who may.
type Access = BTreeMap<(OrgId, ClientId), Vec<Slug>>;

async fn describe(
    env: &Env,
    scopes: &[OrgScope],
    secrets: Secrets,
    mut described: impl FnMut(),
) -> Result<Description, Failure> {
    let mut reading = Reading {
        env,
        secrets,
        left_out: Vec::new(),
        access: Access::new(),
        domains: BTreeSet::new(),
        variables: BTreeSet::new(),
    };
    let (mut wanted, mut clients) = (Wanted { lists_clients: true, ..Wanted::default() }, Vec::new());
    for scope in scopes {
        let Some((organization, owned)) = reading.organization(scope).await? else { continue };
        let slug = organization.slug.clone();
        wanted.organizations.push(organization);
        clients.extend(owned.into_iter().map(|client| (slug.clone(), client)));
        described();
    }
    for (slug, client) in clients {
        wanted.clients.extend(reading.client(slug, client).await?);
    }
    wanted.clients.sort_by(|one, other| one.client_id.value.cmp(&other.client_id.value));
    Ok(Description { wanted, left_out: reading.left_out })
}

struct Reading<'a> {
    env: &'a Env,
    secrets: Secrets,
    left_out: Vec<String>,
    access: Access,
    /// Those that were described: each can be in a file once.
    domains: BTreeSet<String>,
    /// Variables that a secret is in.
    variables: BTreeSet<String>,
}

impl Reading<'_> {
    /// The organization, and the clients that it owns; `None` if there is none.
    async fn organization(
        &mut self,
        scope: &OrgScope,
    ) -> Result<Option<(WantedOrganization, Vec<Client>)>, Failure> {
        let mut tx = self.env.store.begin(scope).await?;
        let Some(organization) = tx.organization().find().await? else { return Ok(None) };
        let policy = tx.organization().find_policy().await?.unwrap_or_default();
        let joining = tx.joining().find().await?;
        let attributes = tx.attributes().find_of_organization().await?;
        let external_id = tx.organization().find_record().await?.and_then(|record| record.external_id);
        let domains = tx.domains().list().await?;
        let (roles, groups) = (tx.roles().list().await?, tx.groups().list().await?);
        let users = list_users(&mut tx).await?;
        let connections = list_connections(&mut tx).await?;
        let delegations = tx.delegations().list().await?;
        let quotas = QuotaSettings::find(&mut tx).await?;
        let is_operator = organization.slug.as_str() == OPERATOR_SLUG;
        let blueprints = if is_operator { Some(tx.role_blueprints().list().await?) } else { None };
        let mail_templates = tx.mail_templates().list().await?;
        let webhooks = tx.webhooks().list().await?;
        self.leave_out_invitations(&mut tx, &organization.slug).await?;
        let clients = list_clients(&mut tx).await?;
        for client in tx.clients().list_access().await? {
            self.access.entry(client).or_default().push(organization.slug.clone());
        }
        tx.commit().await?;
        let slug = organization.slug.clone();
        let parent = self.parent_of(scope).await?.map(placed);
        let mut described = Vec::with_capacity(connections.len());
        for (connection, pilots) in connections {
            described.extend(self.connection((scope, &slug), connection, pilots).await?);
        }
        described.sort_by(|one, other| one.slug.value.cmp(&other.slug.value));
        let webhooks = self.webhooks(&slug, webhooks);
        let wanted = WantedOrganization {
            slug: placed(organization.slug),
            name: organization.name,
            parent,
            status: Some(placed(organization.status)),
            contact: organization.contact,
            domains: Some(self.domains(&slug, domains)),
            delegations: Some(self.delegations(delegations).await?),
            mail_templates: Some(mail_templates.into_iter().map(mail_template).collect()),
            branding: Some(organization.branding),
            attributes: Some(attributes),
            external_id,
            policy: Some(policy),
            quotas: Some(quotas),
            blueprints: blueprints.map(|kept| kept.into_iter().map(blueprint).collect()),
            joining: joining.map(wanted_joining),
            ready_roles: false,
            lists: [Kind::Roles, Kind::Groups, Kind::Users, Kind::Connections, Kind::Webhooks].into(),
            roles: roles.into_iter().map(role).collect(),
            groups: groups.into_iter().map(group).collect(),
            users: self.users(&slug, users)?,
            connections: described,
            webhooks,
            invitations: Vec::new(),
        };
        Ok(Some((wanted, clients)))
    }

    /// Whoever applied the file elsewhere would have people written to.
    async fn leave_out_invitations(&mut self, tx: &mut OrgTx, slug: &Slug) -> Result<(), StorageError> {
        let (_, open, _) = tx.invitations().count_seats(self.env.clock.now()).await?;
        if open > 0 {
            self.left_out.push(format!("{open} open invitations of {slug}"));
        }
        Ok(())
    }

    /// Those that are proven; each is in a file once.
    fn domains(&mut self, org: &Slug, stored: Vec<OrgDomain>) -> Vec<Placed<DomainName>> {
        let mut domains = Vec::new();
        for domain in stored.into_iter().filter(|domain| domain.verified_at.is_some()) {
            if self.domains.insert(domain.name.to_string()) {
                domains.push(placed(domain.name));
            } else {
                let text = format!("the domain {} of {org}: it is shared, and in the file once", domain.name);
                self.left_out.push(text);
            }
        }
        domains
    }

    /// What organizations above are let do.
    async fn delegations(&self, stored: Vec<Delegation>) -> Result<Vec<WantedDelegation>, Failure> {
        let mut wanted = Vec::with_capacity(stored.len());
        for Delegation { delegate, permissions, .. } in stored {
            if let Some(above) = self.env.store.resolve(OrgHint::Id(delegate)).await? {
                wanted.push(WantedDelegation { organization: placed(above.slug), permissions });
            }
        }
        wanted.sort_by(|one, other| one.organization.value.cmp(&other.organization.value));
        Ok(wanted)
    }

    async fn parent_of(&self, scope: &OrgScope) -> Result<Option<Slug>, Failure> {
        let Some(parent) = self.env.store.ancestors(scope).await?.get(1).copied() else { return Ok(None) };
        Ok(self.env.store.resolve(OrgHint::Id(parent)).await?.map(|parent| parent.slug))
    }

    fn users(&mut self, org: &Slug, stored: Vec<DescribedUser>) -> Result<Vec<WantedUser>, StorageError> {
        let mut users = Vec::with_capacity(stored.len());
        let mut nameless = 0_usize;
        for user in stored {
            let Some(email) = user.email else {
                nameless += 1;
                continue;
            };
            let corrupt = |column| StorageError::Corrupt { table: "users", column };
            users.push(WantedUser {
                email: placed(Email::stored(&email).map_err(|_| corrupt("email"))?),
                name: DisplayName::parse(&user.name).map_err(|_| corrupt("name"))?,
                vouched: user.email_verified,
                status: Some(user.status),
                password: None,
                break_glass: Some(user.break_glass),
                attributes: Some(user.attributes),
                external_id: user.external_id,
                roles: Some(slugs("roles", &user.roles)?),
                groups: Some(slugs("groups", &user.groups)?),
            });
        }
        if nameless > 0 {
            self.left_out.push(format!("{nameless} users of {org} without an address of their own"));
        }
        users.sort_by(|one, other| one.email.value.normalized().cmp(other.email.value.normalized()));
        Ok(users)
    }

    async fn connection(
        &mut self,
        (scope, org): (&OrgScope, &Slug),
        connection: Connection,
        pilots: Vec<String>,
    ) -> Result<Option<WantedConnection>, Failure> {
        let slug = connection.slug.clone();
        if connection.latest_version == 0 {
            self.left_out.push(format!("the connection {slug} of {org}: it was never set up"));
            return Ok(None);
        }
        let shown = connection.live_version.unwrap_or(connection.latest_version);
        if shown != connection.latest_version {
            self.left_out.push(format!("the version of the connection {slug} of {org} that is not live yet"));
        }
        let version = version_of(self.env, scope, (connection.id, shown)).await?;
        let secret = version.secrets.client_secret.is_some();
        let secret =
            secret.then(|| self.reference(&[org.as_str(), slug.as_str()], "client_secret")).flatten();
        let pilots = pilots.iter().map(|pilot| Email::stored(pilot).map(placed));
        let corrupt = StorageError::Corrupt { table: "connection_pilots", column: "email" };
        Ok(Some(WantedConnection {
            slug: placed(slug),
            name: Some(connection.name),
            vendor: Some(connection.vendor),
            state: Some(connection.state),
            position: Some(connection.position),
            icon_url: connection.icon_url,
            domains: Some(connection.domains.into_iter().map(|domain| placed(domain.name)).collect()),
            pilots: Some(pilots.collect::<Result<_, _>>().map_err(|_| corrupt)?),
            secret,
            settings: placed(version.settings.clone()),
        }))
    }

    /// Each address once, as it is what finds a webhook; by their order, in which variables are numbered.
    fn webhooks(&mut self, org: &Slug, mut stored: Vec<Webhook>) -> Vec<WantedWebhook> {
        for webhook in &mut stored {
            if let Ok(url) = Url::parse(&webhook.terms.url) {
                webhook.terms.url = url.into(); // of several spellings, the one that files are compared by
            }
        }
        stored.sort_by(|one, other| one.terms.url.cmp(&other.terms.url));
        let mut described: Vec<WantedWebhook> = Vec::with_capacity(stored.len());
        for Webhook { scope, terms, status, .. } in stored {
            let WebhookTerms { url, description, events } = terms;
            if described.last().is_some_and(|before| before.url.value == url) {
                self.left_out.push(format!("another webhook of {org} at {url}"));
                continue;
            }
            let host = Url::parse(&url).ok().and_then(|url| url.host_str().map(str::to_owned));
            let names = [org.as_str(), host.as_deref().unwrap_or_default(), "webhook"];
            let secret = self.reference(&names, "secret");
            let (url, status) = (placed(url), Some(status));
            described.push(WantedWebhook { url, scope, description, events, status, secret });
        }
        described
    }

    async fn client(&mut self, org: Placed<Slug>, client: Client) -> Result<Option<WantedClient>, Failure> {
        if !Party::REGISTERED.contains(&client.settings.party) || client.is_built_in() {
            return Ok(None); // known by its document, or to every release, which makes it again
        }
        let key = client.key();
        let roles = if client.kind == ClientKind::Machine {
            let owner = self.env.store.resolve(OrgHint::Id(client.owner)).await?;
            let owner = owner.ok_or(StorageError::Corrupt { table: "client_directory", column: "org_id" })?;
            let mut tx = self.env.store.begin(&owner.scope).await?;
            let held = tx.clients().list_roles(key).await?;
            tx.commit().await?;
            Some(held.into_iter().map(placed).collect())
        } else {
            None
        };
        let granted = self.access.get(&key).cloned().unwrap_or_default();
        let granted_to =
            (client.audience == Audience::Granted).then(|| granted.into_iter().map(placed).collect());
        let secret = (client.settings.authentication.uses_secret() && !client.secrets.is_empty())
            .then(|| self.reference(&[client.client_id.as_str()], "client_secret"))
            .flatten();
        Ok(Some(WantedClient {
            client_id: placed(client.client_id),
            organization: org,
            name: client.name,
            kind: client.kind,
            audience: client.audience,
            status: Some(client.status),
            secret,
            redirect_uris: client.redirect_uris,
            post_logout_redirect_uris: client.post_logout_redirect_uris,
            home_url: client.home_url,
            initiate_login_uri: client.initiate_login_uri,
            resource: client.resource,
            signing_algorithm: client.signing_algorithm,
            permissions: client.permissions,
            settings: client.settings,
            roles,
            granted_to,
        }))
    }

    /// The variable that a secret is to be in.
    fn reference(&mut self, names: &[&str], kind: &str) -> Option<Secret> {
        if self.secrets == Secrets::Kept {
            return None;
        }
        let words = names.iter().copied().chain([kind]).collect::<Vec<_>>().join("_");
        let name: String = words
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' })
            .collect();
        let first = if name.starts_with(|c: char| c.is_ascii_digit()) { "_" } else { "" };
        // Of two names that come to the same, the later one is numbered: a secret is nobody else's.
        let numbered = (2..).map(|number: u32| format!("{first}{name}_{number}"));
        let mut free = std::iter::once(format!("{first}{name}")).chain(numbered);
        let name = free.find(|name| self.variables.insert(name.clone()))?;
        Some(Secret::new(format!("${{{name}}}")))
    }
}

/// Every user of an organization.
pub(crate) async fn list_users(tx: &mut OrgTx) -> Result<Vec<DescribedUser>, StorageError> {
    let (mut users, mut after) = (Vec::new(), None);
    loop {
        let page = tx.users().list_described(PageOf { after, limit: MAX_PAGE }).await?;
        users.extend(page.items);
        after = page.next;
        if after.is_none() {
            return Ok(users);
        }
    }
}

async fn list_connections(tx: &mut OrgTx) -> Result<Vec<(Connection, Vec<String>)>, StorageError> {
    let mut connections = Vec::new();
    for connection in tx.connections().list().await? {
        let pilots = tx.connections().list_pilots(connection.id).await?;
        connections.push((connection, pilots));
    }
    Ok(connections)
}

async fn list_clients(tx: &mut OrgTx) -> Result<Vec<Client>, StorageError> {
    let mut clients = Vec::new();
    for id in tx.clients().list_owned().await? {
        clients.extend(tx.clients().find(id).await?);
    }
    Ok(clients)
}

fn mail_template(template: MailTemplate) -> WantedMailTemplate {
    let MailTemplate { kind, locale, wording, .. } = template;
    WantedMailTemplate { kind: placed(kind), locale, wording }
}

fn role(role: Role) -> WantedRole {
    WantedRole { slug: placed(role.slug), name: Some(role.name), permissions: Some(role.permissions) }
}

fn blueprint(RoleBlueprint { slug, name, permissions }: RoleBlueprint) -> WantedRole {
    WantedRole { slug: placed(slug), name: Some(name), permissions: Some(permissions) }
}

fn group(group: Group) -> WantedGroup {
    WantedGroup {
        slug: placed(group.slug),
        name: Some(group.name),
        roles: Some(group.roles.into_keys().map(placed).collect()),
        parents: Some(group.parents.into_keys().map(placed).collect()),
    }
}

fn slugs(table: &'static str, texts: &[String]) -> Result<Vec<Placed<Slug>>, StorageError> {
    let corrupt = || StorageError::Corrupt { table, column: "slug" };
    texts.iter().map(|text| Slug::parse(text).map(placed).map_err(|_| corrupt())).collect()
}

/// A value that stands in no file yet.
fn placed<T>(value: T) -> Placed<T> {
    Placed { value, place: Place { file: Arc::from("export"), line: 1, column: 1 } }
}

/// Who vouches for it is not said: where the file makes it, whoever applies it does.
fn wanted_joining(joining: Joining) -> WantedJoining {
    let roles = joining.roles.into_iter().filter_map(|slug| Slug::parse(&slug).ok());
    WantedJoining { domains: joining.domains, others: joining.others, roles: roles.map(placed).collect() }
}
