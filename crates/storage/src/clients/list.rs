//! Which clients there are: the organization's own, and all that it may use.

use std::collections::{BTreeMap, BTreeSet};

use orgate_domain::clients::{Audience, ClientStatus, Party};
use orgate_domain::ids::{ClientId, OrgId};
use orgate_domain::names::DisplayName;
use uuid::Uuid;

use super::Clients;
use crate::row::parsed;
use crate::{Page, PageOf, StorageError};

const TABLE: &str = "client_directory";

/// A client, in short. Those that nobody registered are in no list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedClient {
    /// Its id inside its owner.
    pub id: ClientId,
    /// Whose it is.
    pub owner: OrgId,
    /// Its public `client_id`.
    pub client_id: String,
    /// Its name for people.
    pub name: DisplayName,
    /// Which organizations may use it.
    pub audience: Audience,
    /// Whether it may be used at all.
    pub status: ClientStatus,
    /// Whose it is to people.
    pub party: Party,
}

/// A client that is switched on, and the permissions that it declares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaringClient {
    /// Its id inside its owner.
    pub id: ClientId,
    /// Whose it is.
    pub owner: OrgId,
    /// Its name for people.
    pub name: DisplayName,
    /// What it declares, of the organization's own: of others' clients, their owner's data says it.
    pub permissions: BTreeSet<String>,
}

struct Row {
    id: Uuid,
    owner: Uuid,
    client_id: String,
    name: String,
    audience: String,
    status: String,
    party: String,
}

impl TryFrom<Row> for ListedClient {
    type Error = StorageError;

    fn try_from(row: Row) -> Result<Self, StorageError> {
        Ok(Self {
            id: ClientId::from_uuid(row.id),
            owner: OrgId::from_uuid(row.owner),
            client_id: row.client_id,
            name: parsed(DisplayName::parse(&row.name).ok(), TABLE, "name")?,
            audience: parsed(Audience::from_text(&row.audience), TABLE, "audience")?,
            status: parsed(ClientStatus::from_text(&row.status), TABLE, "status")?,
            party: parsed(Party::from_text(&row.party), TABLE, "party")?,
        })
    }
}

impl Clients<'_> {
    /// A page of the clients that the organization owns.
    pub async fn list_page(
        &mut self,
        page: PageOf<ClientId>,
    ) -> Result<Page<ListedClient, ClientId>, StorageError> {
        let rows = sqlx::query_as!(
            Row,
            "select entry.id, entry.org_id as owner, entry.client_id, entry.name, entry.audience, entry.status, entry.party
             from client_directory entry
             where entry.org_id = $1 and entry.id > $2 and entry.party <> 'unregistered'
             order by entry.id limit $3",
            self.org_id,
            page.after.map_or(Uuid::nil(), ClientId::as_uuid),
            page.rows(),
        )
        .fetch_all(&mut *self.conn)
        .await?;
        let clients: Result<Vec<ListedClient>, _> = rows.into_iter().map(TryInto::try_into).collect();
        Ok(page.cut(clients?, |client| client.id))
    }

    /// A page of all clients that the organization may use, disabled ones too: its own and others'.
    pub async fn list_admitted(
        &mut self,
        page: PageOf<ClientId>,
    ) -> Result<Page<ListedClient, ClientId>, StorageError> {
        let rows = sqlx::query_as!(
            Row,
            r#"select entry.id, entry.org_id as owner, entry.client_id, entry.name, entry.audience, entry.status, entry.party
               from admitted_clients admitted
               join client_directory entry on entry.org_id = admitted.client_org_id and entry.id = admitted.client_id
               where admitted.org_id = $1 and admitted.client_id > $2 and entry.party <> 'unregistered'
               order by admitted.client_id limit $3"#,
            self.org_id,
            page.after.map_or(Uuid::nil(), ClientId::as_uuid),
            page.rows(),
        )
        .fetch_all(&mut *self.conn)
        .await?;
        let clients: Result<Vec<ListedClient>, _> = rows.into_iter().map(TryInto::try_into).collect();
        Ok(page.cut(clients?, |client| client.id))
    }

    /// Clients that the organization may use and that are switched on, `limit` at most, with what its own declare.
    pub async fn list_declaring(&mut self, limit: i64) -> Result<Vec<DeclaringClient>, StorageError> {
        let rows = sqlx::query!(
            r#"select entry.id, entry.org_id as owner, entry.name,
                      array(select known.permission from client_permissions known
                            where known.org_id = $1 and known.org_id = entry.org_id and known.client_id = entry.id
                            order by known.permission) as "permissions!"
               from admitted_clients admitted
               join client_directory entry on entry.org_id = admitted.client_org_id and entry.id = admitted.client_id
               where admitted.org_id = $1 and admitted.status = 'active' and entry.party <> 'unregistered'
               order by admitted.client_id limit $2"#,
            self.org_id,
            limit,
        )
        .fetch_all(&mut *self.conn)
        .await?;
        let clients = rows.into_iter().map(|row| {
            Ok(DeclaringClient {
                id: ClientId::from_uuid(row.id),
                owner: OrgId::from_uuid(row.owner),
                name: parsed(DisplayName::parse(&row.name).ok(), TABLE, "name")?,
                permissions: row.permissions.into_iter().collect(),
            })
        });
        clients.collect()
    }

    /// What these clients of the organization's own declare; those that declare nothing are left out.
    pub async fn list_permissions(
        &mut self,
        clients: &[ClientId],
    ) -> Result<BTreeMap<ClientId, BTreeSet<String>>, StorageError> {
        let ids: Vec<Uuid> = clients.iter().map(|id| id.as_uuid()).collect();
        let rows = sqlx::query!(
            "select client_id, permission from client_permissions where org_id = $1 and client_id = any($2)",
            self.org_id,
            &ids,
        )
        .fetch_all(&mut *self.conn)
        .await?;
        let mut declared: BTreeMap<ClientId, BTreeSet<String>> = BTreeMap::new();
        for row in rows {
            declared.entry(ClientId::from_uuid(row.client_id)).or_default().insert(row.permission);
        }
        Ok(declared)
    }

    /// How many applications the organization made: no client that registered itself, or is known by its document.
    pub async fn count(&mut self) -> Result<i64, StorageError> {
        let count = sqlx::query_scalar!(
            r#"select count(*) as "count!" from client_directory entry
               where entry.org_id = $1 and entry.party <> 'unregistered'
                 and not exists (select from client_registrations itself
                                 where itself.org_id = entry.org_id and itself.client_id = entry.id)"#,
            self.org_id,
        );
        Ok(count.fetch_one(&mut *self.conn).await?)
    }
}
