//! What a password sign-in reads and counts.

use chrono::{DateTime, Duration, Utc};
use orgate_domain::clients::ClientStatus;
use orgate_domain::credentials::SecretHash;
use orgate_domain::ids::{ClientId, OrgId, UserId};
use orgate_domain::organizations::OrgStatus;
use orgate_domain::standing::{SsoSubject, UserStatus};

use crate::StorageError;
use crate::row::parsed;
use crate::scope::repository;

repository! {
    /// The organization's accounts, as a sign-in sees them.
    SignIns,
    /// The organization's accounts, as a sign-in sees them.
    sign_ins
}

/// What is known of an account before its password is checked: alike for one that does not exist.
#[derive(Debug)]
pub struct Account {
    /// The organization's status.
    pub org_status: OrgStatus,
    /// The status of the client, if the organization may use it.
    pub client: Option<ClientStatus>,
    /// The user, if there is one with this address.
    pub user: Option<(UserId, UserStatus)>,
    /// Their password hash, if they have one.
    pub phc: Option<String>,
    /// One of the hashes that another system made, if anybody of the organization still has any.
    pub foreign_phc: Option<String>,
    /// Failed sign-ins in the current window.
    pub failures: u32,
    /// What the policy on SSO needs to know; of an unknown user, what their address alone says.
    pub sso: SsoSubject,
    /// Whether this user signed in with this browser before.
    pub known_browser: bool,
}

impl SignIns<'_> {
    /// Everything about an account, in one statement. `account` is the keyed hash of the address; `client`, what they sign in to, if
    /// it is to anything.
    pub async fn find_account(
        &mut self,
        (email_normalized, account): (&str, &SecretHash),
        browser: &SecretHash,
        client: Option<(OrgId, ClientId)>,
        window_from: DateTime<Utc>,
    ) -> Result<Account, StorageError> {
        let row = sqlx::query!(
            r#"select organization.status as org_status, client.status as "client_status?",
                      member.id as "user_id?", member.status as "user_status?", password.phc as "phc?",
                      (select foreign_hash.phc from password_credentials foreign_hash
                       where foreign_hash.org_id = organization.org_id
                         and foreign_hash.phc not like '$argon2id$v=19$m=19456,t=2,p=1$%'
                       order by foreign_hash.user_id limit 1) as foreign_phc,
                      throttle.failures as "failures?", coalesce(member.break_glass, false) as "break_glass!",
                      exists (select from domains owned
                              where owned.org_id = organization.org_id and owned.verified_at is not null
                                and domain_covers(owned.domain, owned.subdomains, split_part($2, '@', 2))
                             ) as "domain_verified!",
                      exists (select from sessions before
                              where before.org_id = member.org_id and before.user_id = member.id
                                and before.browser_hash = $7) as "known_browser!"
               from organizations organization
               left join admitted_clients client
                    on client.org_id = organization.org_id and client.client_org_id = $4 and client.client_id = $5
               left join users member on member.org_id = organization.org_id and member.email_normalized = $2
               left join password_credentials password
                    on password.org_id = member.org_id and password.user_id = member.id
               left join sign_in_throttles throttle
                    on throttle.org_id = organization.org_id and throttle.account = $3
                       and throttle.window_started_at > $6
               where organization.org_id = $1"#,
            self.org_id,
            email_normalized,
            account.as_bytes(),
            client.map(|(owner, _)| owner.as_uuid()),
            client.map(|(_, client)| client.as_uuid()),
            window_from,
            browser.as_bytes(),
        )
        .fetch_one(&mut *self.conn)
        .await?;
        let user = match (row.user_id, row.user_status) {
            (Some(id), Some(status)) => {
                Some((UserId::from_uuid(id), parsed(UserStatus::from_text(&status), "users", "status")?))
            }
            _ => None,
        };
        let client = row
            .client_status
            .map(|text| parsed(ClientStatus::from_text(&text), "client_directory", "status"));
        Ok(Account {
            org_status: parsed(OrgStatus::from_text(&row.org_status), "organizations", "status")?,
            client: client.transpose()?,
            user,
            phc: row.phc,
            foreign_phc: row.foreign_phc,
            sso: SsoSubject { of_verified_domain: row.domain_verified, break_glass: row.break_glass },
            known_browser: row.known_browser,
            failures: row.failures.and_then(|count| u32::try_from(count).ok()).unwrap_or_default(),
        })
    }

    /// Takes one of the `limit` tries that an account has in a window, before its password is
    /// checked, so that no number of parallel guesses gets more. `false` if none is left.
    pub async fn take_try(
        &mut self,
        account: &SecretHash,
        limit: u32,
        now: DateTime<Utc>,
        window: Duration,
    ) -> Result<bool, StorageError> {
        let done = sqlx::query!(
            "insert into sign_in_throttles as throttle (org_id, account, failures, window_started_at)
             values ($1, $2, 1, $4)
             on conflict (org_id, account) do update
                 set failures = case when throttle.window_started_at > $5 then throttle.failures + 1 else 1 end,
                     window_started_at = case when throttle.window_started_at > $5
                                              then throttle.window_started_at else $4 end
                 where throttle.org_id = $1
                   and (throttle.window_started_at <= $5 or throttle.failures < $3)",
            self.org_id,
            account.as_bytes(),
            i32::try_from(limit).unwrap_or(i32::MAX),
            now,
            now - window,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Forgets the failures of an account that just proved its password.
    pub async fn clear_tries(&mut self, account: &SecretHash) -> Result<(), StorageError> {
        sqlx::query!(
            "delete from sign_in_throttles where org_id = $1 and account = $2",
            self.org_id,
            account.as_bytes(),
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }
}
