//! Clients, in their owner's organization.

use std::collections::BTreeSet;

use chrono::{DateTime, Duration, Utc};
use orgate_domain::clients::claims::ClaimMapping;
use orgate_domain::clients::{
    Audience, Client, ClientAuthentication, ClientIssuer, ClientKeySource, ClientSecret, ClientSettings,
    ClientStatus, Lifetimes, Party, Profile,
};
use orgate_domain::credentials::SecretHash;
use orgate_domain::ids::{ClientId, OrgId};
use orgate_domain::names::DisplayName;
use orgate_protocol::jose::SigningAlgorithm;
use orgate_protocol::oauth::redirect_uri::{ClientKind, RegisteredRedirectUri};
use orgate_protocol::oauth::token::GrantType;
use serde_json::Value;
use sqlx::types::Json;
use url::Url;
use uuid::Uuid;

mod access;
mod list;

pub use list::{DeclaringClient, ListedClient};

use crate::StorageError;
use crate::row::{hash, parsed};
use crate::scope::repository;

const TABLE: &str = "clients";

const DIRECTORY: &str = "client_directory";

repository! {
    /// The clients that the organization owns.
    Clients,
    /// The clients that the organization owns.
    clients
}

/// The wanted state of a client; its secrets are set apart.
#[derive(Debug)]
pub struct ClientChange<'a> {
    /// The client.
    pub client: &'a Client,
    /// Whether its status is part of the change. Otherwise one that exists keeps what it has by then: whoever switched it
    /// off meanwhile has switched it off.
    pub with_status: bool,
    /// When.
    pub at: DateTime<Utc>,
}

/// Reads the settings out of a row.
macro_rules! settings {
    ($row:ident) => {{
        let secs = |value: Option<i64>| value.map(Duration::seconds);
        let grants =
            $row.grant_types.iter().map(|text| parsed(GrantType::from_text(text), TABLE, "grant_types"));
        let keys = match ($row.jwks, $row.jwks_uri) {
            (Some(keys), _) => Some(ClientKeySource::Inline(keys.to_string())),
            (None, uri) => address(uri, "jwks_uri")?.map(ClientKeySource::Url),
        };
        let algorithm =
            |text: String| parsed(SigningAlgorithm::from_text(&text), TABLE, "userinfo_signing_algorithm");
        grants.collect::<Result<_, StorageError>>().and_then(|grants| {
            Ok(ClientSettings {
                authentication: parsed(
                    ClientAuthentication::from_text(&$row.authentication),
                    TABLE,
                    "authentication",
                )?,
                keys,
                grants,
                scopes: $row.scopes.map(|scopes| scopes.into_iter().collect()),
                resources: $row.resources.into_iter().collect(),
                lifetimes: Lifetimes {
                    access_token: secs($row.access_token_secs),
                    refresh_idle: secs($row.refresh_idle_secs),
                    refresh_absolute: secs($row.refresh_absolute_secs),
                    session_idle: secs($row.session_idle_secs),
                    session_absolute: secs($row.session_absolute_secs),
                },
                profile: parsed(Profile::from_text(&$row.profile), TABLE, "profile")?,
                require_pushed_authorization_requests: $row.require_pushed_authorization_requests,
                require_pkce: $row.require_pkce,
                dpop_bound_access_tokens: $row.dpop_bound_access_tokens,
                party: parsed(Party::from_text(&$row.party), TABLE, "party")?,
                issuer: parsed(ClientIssuer::from_text(&$row.issuer), TABLE, "issuer")?,
                userinfo_signing_algorithm: $row.userinfo_signing_algorithm.map(algorithm).transpose()?,
                backchannel_logout_uri: address($row.backchannel_logout_uri, "backchannel_logout_uri")?,
                frontchannel_logout_uri: address($row.frontchannel_logout_uri, "frontchannel_logout_uri")?,
                claims: claim_mappings($row.claims.0),
                claims_budget: parsed(usize::try_from($row.claims_budget).ok(), TABLE, "claims_budget")?,
            })
        })
    }};
}

fn address(text: Option<String>, column: &'static str) -> Result<Option<Url>, StorageError> {
    text.map(|text| parsed(Url::parse(&text).ok(), TABLE, column)).transpose()
}

/// A name that tokens have got a meaning for since is left out: the client goes on without that claim.
fn claim_mappings(stored: Vec<Value>) -> Vec<ClaimMapping> {
    let read = |mapping: Value| match serde_json::from_value(mapping) {
        Ok(mapping) => Some(mapping),
        Err(error) => {
            tracing::warn!(%error, "a mapped claim is passed over");
            None
        }
    };
    stored.into_iter().filter_map(read).collect()
}

impl Clients<'_> {
    /// The client with this id, with its secrets.
    pub async fn find(&mut self, id: ClientId) -> Result<Option<Client>, StorageError> {
        Ok(self.list_whole(&[id]).await?.pop())
    }

    /// Those of these clients that the organization owns, with their secrets.
    pub async fn list_whole(&mut self, ids: &[ClientId]) -> Result<Vec<Client>, StorageError> {
        let ids: Vec<Uuid> = ids.iter().map(|id| id.as_uuid()).collect();
        let rows = sqlx::query!(
            r#"select entry.id, entry.client_id, entry.name, entry.audience, entry.status, entry.redirect_uris, client.kind,
                      client.post_logout_redirect_uris, client.home_url, client.initiate_login_uri, client.resource, client.signing_algorithm,
                      client.authentication, client.jwks, client.jwks_uri, client.grant_types, client.scopes, client.resources,
                      client.access_token_secs, client.refresh_idle_secs, client.refresh_absolute_secs, client.session_idle_secs,
                      client.session_absolute_secs, client.profile,
                      client.require_pushed_authorization_requests, client.require_pkce, client.dpop_bound_access_tokens,
                      client.party, client.userinfo_signing_algorithm, client.backchannel_logout_uri,
                       client.frontchannel_logout_uri, client.claims as "claims: Json<Vec<Value>>", client.claims_budget,
                       client.issuer,
                      array(select known.permission from client_permissions known
                            where known.org_id = client.org_id and known.client_id = client.id
                            order by known.permission) as "permissions!",
                      array(select secret.secret_hash from client_secrets secret
                            where secret.org_id = client.org_id and secret.client_id = client.id
                            order by secret.secret_hash) as "secret_hashes!",
                      array(select secret.expires_at from client_secrets secret
                            where secret.org_id = client.org_id and secret.client_id = client.id
                            order by secret.secret_hash) as "secret_ends!: Vec<Option<DateTime<Utc>>>"
               from clients client
               join client_directory entry on entry.org_id = client.org_id and entry.id = client.id
               where client.org_id = $1 and client.id = any($2)"#,
            self.org_id,
            &ids,
        );
        let owner = OrgId::from_uuid(self.org_id);
        let rows = rows.fetch_all(&mut *self.conn).await?.into_iter();
        let clients = rows.map(|row| {
            let kind = parsed(ClientKind::from_text(&row.kind), TABLE, "kind")?;
            let redirect_uri =
                |uri| parsed(RegisteredRedirectUri::parse(uri, kind).ok(), DIRECTORY, "redirect_uris");
            let redirect_uris = row.redirect_uris.iter().map(String::as_str).map(redirect_uri);
            let secrets = row.secret_hashes.iter().zip(row.secret_ends).map(|(bytes, expires_at)| {
                Ok(ClientSecret { hash: hash(bytes, "client_secrets", "secret_hash")?, expires_at })
            });
            let signing_algorithm = SigningAlgorithm::from_text(&row.signing_algorithm);
            Ok(Client {
                id: ClientId::from_uuid(row.id),
                owner,
                client_id: row.client_id,
                name: parsed(DisplayName::parse(&row.name).ok(), DIRECTORY, "name")?,
                kind,
                audience: parsed(Audience::from_text(&row.audience), DIRECTORY, "audience")?,
                status: parsed(ClientStatus::from_text(&row.status), DIRECTORY, "status")?,
                redirect_uris: redirect_uris.collect::<Result<_, _>>()?,
                post_logout_redirect_uris: row.post_logout_redirect_uris.into_iter().collect(),
                home_url: address(row.home_url, "home_url")?,
                initiate_login_uri: address(row.initiate_login_uri, "initiate_login_uri")?,
                resource: row.resource,
                signing_algorithm: parsed(signing_algorithm, TABLE, "signing_algorithm")?,
                permissions: row.permissions.into_iter().collect(),
                settings: settings!(row)?,
                secrets: secrets.collect::<Result<_, StorageError>>()?,
            })
        });
        clients.collect()
    }

    /// Creates the client or brings it to the wanted state.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] if another organization has, or had, a client of this `client_id`.
    pub async fn save(&mut self, change: &ClientChange<'_>) -> Result<(), StorageError> {
        let ClientChange { client, with_status, at } = change;
        let redirect_uris: Vec<String> =
            client.redirect_uris.iter().map(|uri| uri.as_str().to_owned()).collect();
        let origins: Vec<String> = client.script_origins().into_iter().collect();
        let post_logout: Vec<String> = client.post_logout_redirect_uris.iter().cloned().collect();
        sqlx::query!(
            "insert into client_directory (org_id, id, client_id, name, audience, status, redirect_uris, backchannel_logout,
                                           origins, party, initiates_login)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
             on conflict (org_id, id) do update
                 set name = excluded.name, audience = excluded.audience,
                     status = case when $12 then excluded.status else client_directory.status end,
                     redirect_uris = excluded.redirect_uris, backchannel_logout = excluded.backchannel_logout,
                     origins = excluded.origins, party = excluded.party, initiates_login = excluded.initiates_login
                 where client_directory.org_id = excluded.org_id",
            self.org_id,
            client.id.as_uuid(),
            client.client_id,
            client.name.as_str(),
            client.audience.as_str(),
            client.status.as_str(),
            &redirect_uris,
            client.settings.backchannel_logout_uri.is_some(),
            &origins,
            client.settings.party.as_str(),
            client.initiate_login_uri.is_some(),
            with_status,
        )
        .execute(&mut *self.conn)
        .await?;
        sqlx::query!(
            "insert into clients (org_id, id, kind, post_logout_redirect_uris, home_url, resource,
                                  signing_algorithm, created_at, updated_at, initiate_login_uri, party)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9, $10)
             on conflict (org_id, id) do update
                 set kind = excluded.kind, post_logout_redirect_uris = excluded.post_logout_redirect_uris,
                     home_url = excluded.home_url, resource = excluded.resource,
                     signing_algorithm = excluded.signing_algorithm, updated_at = excluded.updated_at,
                     initiate_login_uri = excluded.initiate_login_uri, party = excluded.party
                 where clients.org_id = excluded.org_id",
            self.org_id,
            client.id.as_uuid(),
            client.kind.as_str(),
            &post_logout,
            client.home_url.as_ref().map(Url::as_str),
            client.resource,
            client.signing_algorithm.as_str(),
            at,
            client.initiate_login_uri.as_ref().map(Url::as_str),
            client.settings.party.as_str(), // before its notification: see the trigger `notify`
        )
        .execute(&mut *self.conn)
        .await?;
        self.save_settings(client.id, &client.settings).await?;
        self.save_permissions(client.id, &client.permissions).await
    }

    /// Makes the client active or disabled. `false` if it is that already, or there is none.
    pub async fn update_status(&mut self, id: ClientId, status: ClientStatus) -> Result<bool, StorageError> {
        let done = sqlx::query!(
            "update client_directory set status = $3 where org_id = $1 and id = $2 and status <> $3",
            self.org_id,
            id.as_uuid(),
            status.as_str(),
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    async fn save_settings(&mut self, id: ClientId, settings: &ClientSettings) -> Result<(), StorageError> {
        let ClientSettings { lifetimes, .. } = settings;
        let grants: Vec<String> = settings.grants.iter().map(|grant| grant.as_str().to_owned()).collect();
        let scopes: Option<Vec<String>> =
            settings.scopes.as_ref().map(|scopes| scopes.iter().cloned().collect());
        let resources: Vec<String> = settings.resources.iter().cloned().collect();
        let (jwks, jwks_uri) = match &settings.keys {
            None => (None, None),
            Some(ClientKeySource::Inline(text)) => {
                let corrupt = |_| StorageError::Corrupt { table: "clients", column: "jwks" };
                (Some(serde_json::from_str::<serde_json::Value>(text).map_err(corrupt)?), None)
            }
            Some(ClientKeySource::Url(url)) => (None, Some(url.as_str())),
        };
        sqlx::query!(
            "update clients
             set authentication = $3, jwks = $4, jwks_uri = $5, grant_types = $6, scopes = $7, resources = $8,
                 access_token_secs = $9, refresh_idle_secs = $10, refresh_absolute_secs = $11, profile = $12,
                 require_pushed_authorization_requests = $13, require_pkce = $14, dpop_bound_access_tokens = $15,
                 userinfo_signing_algorithm = $16, backchannel_logout_uri = $17,
                 frontchannel_logout_uri = $18, session_idle_secs = $19, session_absolute_secs = $20, claims = $21,
                 claims_budget = $22, issuer = $23
             where org_id = $1 and id = $2",
            self.org_id,
            id.as_uuid(),
            settings.authentication.as_str(),
            jwks,
            jwks_uri,
            &grants,
            scopes.as_deref(),
            &resources,
            lifetimes.access_token.map(|life| life.num_seconds()),
            lifetimes.refresh_idle.map(|life| life.num_seconds()),
            lifetimes.refresh_absolute.map(|life| life.num_seconds()),
            settings.profile.as_str(),
            settings.require_pushed_authorization_requests,
            settings.require_pkce,
            settings.dpop_bound_access_tokens,
            settings.userinfo_signing_algorithm.map(SigningAlgorithm::as_str),
            settings.backchannel_logout_uri.as_ref().map(Url::as_str),
            settings.frontchannel_logout_uri.as_ref().map(Url::as_str),
            lifetimes.session_idle.map(|life| life.num_seconds()),
            lifetimes.session_absolute.map(|life| life.num_seconds()),
            Json(&settings.claims) as _,
            i32::try_from(settings.claims_budget).unwrap_or(i32::MAX),
            settings.issuer.as_str(),
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }

    async fn save_permissions(
        &mut self,
        id: ClientId,
        permissions: &BTreeSet<String>,
    ) -> Result<(), StorageError> {
        let wanted: Vec<String> = permissions.iter().cloned().collect();
        sqlx::query!(
            "with dropped as (
                 delete from client_permissions
                 where org_id = $1 and client_id = $2 and permission <> all($3)
             )
             insert into client_permissions (org_id, client_id, permission)
             select $1, $2, wanted.permission from unnest($3::text[]) as wanted (permission)
             on conflict do nothing",
            self.org_id,
            id.as_uuid(),
            &wanted,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }

    /// Replaces the client's secrets by one.
    pub async fn replace_secrets(
        &mut self,
        id: ClientId,
        secret: &SecretHash,
        at: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        self.delete_secrets(id).await?;
        sqlx::query!(
            "insert into client_secrets (org_id, client_id, secret_hash, created_at) values ($1, $2, $3, $4)",
            self.org_id,
            id.as_uuid(),
            secret.as_bytes(),
            at,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }

    /// Adds a secret; those before it are accepted until `until`, or until they end anyway.
    pub async fn add_secret(
        &mut self,
        id: ClientId,
        (secret, at): (&SecretHash, DateTime<Utc>),
        until: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        sqlx::query!(
            "with before as (
                 delete from client_secrets
                 where org_id = $1 and client_id = $2 and (secret_hash = $3 or expires_at <= $4)
             ), ending as (
                 update client_secrets set expires_at = least(expires_at, $5)
                 where org_id = $1 and client_id = $2 and secret_hash <> $3 and (expires_at is null or expires_at > $4)
             )
             insert into client_secrets (org_id, client_id, secret_hash, created_at) values ($1, $2, $3, $4)",
            self.org_id,
            id.as_uuid(),
            secret.as_bytes(),
            at,
            until,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }

    /// Takes the client's secrets away.
    pub async fn delete_secrets(&mut self, id: ClientId) -> Result<(), StorageError> {
        sqlx::query!(
            "delete from client_secrets where org_id = $1 and client_id = $2",
            self.org_id,
            id.as_uuid(),
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }
}
