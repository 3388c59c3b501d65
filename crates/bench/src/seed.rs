//! What the database holds before anything is measured.
//!
//! The client is made by `orgate apply`; organizations and their users, of which there are many, by SQL in
//! the form in which the server would have stored them.

use anyhow::{Context as _, Result};
use orgate_domain::credentials::{
    AuthorizationCode, Credential, CredentialKind, RefreshToken, SecretHash, SessionCookie,
};
use orgate_domain::email::Email;
use orgate_domain::ids::{OrgId, UserId};
use orgate_flows::vault::Vault;
use orgate_protocol::oauth::pkce::{CodeChallenge, CodeVerifier};
use sqlx::{PgPool, Postgres, Transaction};
use uuid::Uuid;

/// The client that everything is done through.
pub(crate) const CLIENT_ID: &str = "notes";
pub(crate) const CLIENT_SECRET: &str = "ogcs_0123456789abcdefghjkmnpqrstvwxyz0123456789abcdefghjk";
/// The machine that acts in any organization.
pub(crate) const MACHINE_ID: &str = "worker";
pub(crate) const REDIRECT_URI: &str = "http://localhost:8090/callback";
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const SCOPE: &str = "openid profile email offline_access";

/// Everybody's.
pub(crate) const PASSWORD: &str = "correct horse battery staple";

const USERS_PER_ORGANIZATION: usize = 5;

/// Organizations that are stored at once.
const BATCH: usize = 1000;

/// A prime, so that consecutive operations meet different organizations, and all of them in the end.
const STRIDE: usize = 7919;

/// How many organizations one human is a user of: the last user of each of the first so many.
pub(crate) const ORGANIZATIONS_OF_ONE_HUMAN: usize = 2000;

/// Each user has one of these, in turn.
const ROLES: [(&str, &[&str]); 3] = [
    ("admin", &["notes:read", "notes:write", "orgate:*"]),
    ("editor", &["notes:read", "notes:write"]),
    ("viewer", &["notes:read"]),
];

/// Organizations and their users in one database.
pub(crate) struct Population {
    pool: PgPool,
    client: (Uuid, Uuid),
    organizations: Vec<Uuid>,
    users: Vec<User>,
}

/// Whose turn it is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Whose {
    /// Users of this many organizations.
    Organizations(usize),
    /// The human who is in [`ORGANIZATIONS_OF_ONE_HUMAN`], wherever they are.
    OneHuman,
}

/// A user with a live session.
#[derive(Clone, Copy)]
pub(crate) struct User {
    number: usize,
    organization: usize,
    org_id: Uuid,
    id: Uuid,
    session_id: Uuid,
}

/// What a seed file of `orgate apply` says.
pub(crate) fn file() -> String {
    format!(
        "clients:
  - client_id: {CLIENT_ID}
    organization: operator
    name: Notes
    type: web
    audience: all
    client_secret: \"{CLIENT_SECRET}\"
    redirect_uris: [\"{REDIRECT_URI}\"]
    resource: notes
    permissions: [\"notes:read\", \"notes:write\"]
  - client_id: {MACHINE_ID}
    organization: operator
    name: Worker
    type: machine
    audience: all
    client_secret: \"{CLIENT_SECRET}\"
    resource: notes
    scopes: [sync]
"
    )
}

impl User {
    fn new(number: usize, org_id: Uuid) -> Self {
        let organization = number / USERS_PER_ORGANIZATION;
        Self { number, organization, org_id, id: Uuid::now_v7(), session_id: Uuid::now_v7() }
    }

    pub(crate) fn email(self) -> String {
        if self.is_the_human() {
            return "human@everywhere.test".to_owned();
        }
        format!("user{}@{}.test", self.number, self.slug())
    }

    const fn is_the_human(self) -> bool {
        self.organization < ORGANIZATIONS_OF_ONE_HUMAN
            && self.number % USERS_PER_ORGANIZATION == USERS_PER_ORGANIZATION - 1
    }

    /// Their id, as it is shown.
    pub(crate) fn user_id(self) -> String {
        UserId::from_uuid(self.id).to_string()
    }

    /// The organization's.
    pub(crate) fn slug(self) -> String {
        slug(self.organization)
    }

    /// The organization's id, as it is shown.
    pub(crate) fn organization_id(self) -> String {
        OrgId::from_uuid(self.org_id).to_string()
    }

    /// The `Cookie` header of the browser in which the user is signed in.
    pub(crate) fn cookie(self) -> String {
        let credential = self.session();
        let suffix = credential.org_id().to_string().replace("org_", "");
        format!("orgate_session_{suffix}={}", credential.reveal())
    }

    fn session(self) -> Credential<SessionCookie> {
        self.credential(&format!("session {}", self.number))
    }

    /// Not secret at all, but as long.
    fn credential<K: CredentialKind>(self, what: &str) -> Credential<K> {
        Credential::new(OrgId::from_uuid(self.org_id), SecretHash::of(what.as_bytes()).as_bytes())
    }
}

fn slug(organization: usize) -> String {
    format!("organization-{organization}")
}

impl Population {
    /// Makes `count` organizations with five users each, all of whose passwords hash to `phc`.
    pub(crate) async fn make(pool: PgPool, vault: &Vault, phc: &str, count: usize) -> Result<Self> {
        let found = sqlx::query_as("select org_id, id from client_directory where client_id = $1");
        let client = found.bind(CLIENT_ID).fetch_one(&pool).await.context("there is no client")?;
        let organizations: Vec<Uuid> = (0..count).map(|_| Uuid::now_v7()).collect();
        let everyone = organizations.iter().flat_map(|id| [*id; USERS_PER_ORGANIZATION]).enumerate();
        let users: Vec<User> = everyone.map(|(number, org_id)| User::new(number, org_id)).collect();
        let batches = organizations.chunks(BATCH).zip(users.chunks(BATCH * USERS_PER_ORGANIZATION));
        for (batch, (organizations, users)) in batches.enumerate() {
            #[expect(clippy::disallowed_methods, reason = "nothing here is dropped half-way")]
            let mut tx = pool.begin().await?;
            // What refers to what is right by construction: checking each row would take most of the time.
            run(&mut *tx, "set local session_replication_role = replica").await?;
            insert_organizations(&mut tx, batch * BATCH, organizations).await?;
            insert_roles(&mut tx, organizations).await?;
            insert_users(&mut tx, vault, phc, users).await?;
            insert_sessions(&mut tx, users).await?;
            tx.commit().await?;
        }
        run(&pool, "vacuum (analyze)").await?;
        run(&pool, "checkpoint").await?;
        Ok(Self { pool, client, organizations, users })
    }

    /// Adds an organization with so many users, who are nobody's turn; they are given in the order of their ids.
    pub(crate) async fn add_organization(&self, vault: &Vault, phc: &str, count: usize) -> Result<Vec<User>> {
        let id = Uuid::now_v7();
        // Far enough from where the one human is.
        let organization = self.organizations.len().max(ORGANIZATIONS_OF_ONE_HUMAN);
        let user = |number| User { organization, ..User::new(number, id) };
        let users: Vec<User> = (0..count).map(user).collect();
        #[expect(clippy::disallowed_methods, reason = "nothing here is dropped half-way")]
        let mut tx = self.pool.begin().await?;
        run(&mut *tx, "set local session_replication_role = replica").await?;
        insert_organizations(&mut tx, organization, &[id]).await?;
        insert_roles(&mut tx, &[id]).await?;
        for users in users.chunks(BATCH * USERS_PER_ORGANIZATION) {
            insert_users(&mut tx, vault, phc, users).await?;
        }
        tx.commit().await?;
        run(&self.pool, "vacuum (analyze)").await?;
        Ok(users)
    }

    pub(crate) fn organizations(&self) -> usize {
        self.organizations.len()
    }

    /// Of the whole database.
    pub(crate) const fn pool(&self) -> &PgPool {
        &self.pool
    }

    pub(crate) fn organization_ids(&self) -> &[Uuid] {
        &self.organizations
    }

    /// The user of the operation with this number.
    pub(crate) fn user(&self, number: usize, whose: Whose) -> Option<User> {
        let in_turn = |count: usize| (number * STRIDE).checked_rem(count);
        let place = match whose {
            Whose::Organizations(count) => in_turn(self.users.len().min(count * USERS_PER_ORGANIZATION))?,
            Whose::OneHuman => {
                let organization = in_turn(self.organizations.len().min(ORGANIZATIONS_OF_ONE_HUMAN))?;
                organization * USERS_PER_ORGANIZATION + USERS_PER_ORGANIZATION - 1
            }
        };
        self.users.get(place).copied()
    }

    /// Issues codes for `users`, as an authorization would.
    pub(crate) async fn issue_codes(&self, users: &[User]) -> Result<Vec<String>> {
        let families = of(users, |_| Uuid::now_v7());
        let code = |(user, id): (&User, &Uuid)| user.credential::<AuthorizationCode>(&format!("code {id}"));
        let codes: Vec<_> = users.iter().zip(&families).map(code).collect();
        let hashes: Vec<Vec<u8>> = codes.iter().map(|code| code.hash().as_bytes().to_vec()).collect();
        let verifier = CodeVerifier::parse(VERIFIER)?;
        sqlx::query(
            "insert into authorization_codes
                 (org_id, code_hash, grant_id, user_id, session_id, client_org_id, client_id, redirect_uri,
                  code_challenge, scope, nonce, created_at, expires_at)
             select issued.org_id, issued.hash, issued.grant_id, issued.user_id, issued.session_id, $6, $7, $8,
                    $9, $10, 'n-0S6_WzA2Mj', now(), now() + interval '1 hour'
             from unnest($1::uuid[], $2::bytea[], $3::uuid[], $4::uuid[], $5::uuid[])
                      as issued (org_id, hash, grant_id, user_id, session_id)",
        )
        .bind(of(users, |user| user.org_id))
        .bind(hashes)
        .bind(families)
        .bind(of(users, |user| user.id))
        .bind(of(users, |user| user.session_id))
        .bind(self.client.0)
        .bind(self.client.1)
        .bind(REDIRECT_URI)
        .bind(CodeChallenge::of(&verifier).to_string())
        .bind(SCOPE)
        .execute(&self.pool)
        .await?;
        Ok(codes.iter().map(|code| code.reveal().to_owned()).collect())
    }

    /// Starts a token family for each of `users`, and gives their refresh tokens.
    pub(crate) async fn start_families(&self, issuer: &str, users: &[User]) -> Result<Vec<String>> {
        let families = of(users, |_| Uuid::now_v7());
        let token =
            |(user, id): (&User, &Uuid)| user.credential::<RefreshToken>(&format!("refresh token {id}"));
        let tokens: Vec<_> = users.iter().zip(&families).map(token).collect();
        sqlx::query(
            "with family as (
                 insert into grants (org_id, id, user_id, session_id, client_org_id, client_id, scope, issuer,
                                     created_at, expires_at)
                 select started.org_id, started.id, started.user_id, started.session_id, $6, $7, $8, $9, now(),
                        now() + interval '30 days'
                 from unnest($1::uuid[], $2::uuid[], $4::uuid[], $5::uuid[])
                          as started (org_id, id, user_id, session_id)
             )
             insert into refresh_tokens (org_id, token_hash, grant_id, issued_at, expires_at)
             select first.org_id, first.hash, first.grant_id, now(), now() + interval '1 day'
             from unnest($1::uuid[], $3::bytea[], $2::uuid[]) as first (org_id, hash, grant_id)",
        )
        .bind(of(users, |user| user.org_id))
        .bind(&families)
        .bind(tokens.iter().map(|token| token.hash().as_bytes().to_vec()).collect::<Vec<_>>())
        .bind(of(users, |user| user.id))
        .bind(of(users, |user| user.session_id))
        .bind(self.client.0)
        .bind(self.client.1)
        .bind(SCOPE)
        .bind(issuer)
        .execute(&self.pool)
        .await?;
        Ok(tokens.iter().map(|token| token.reveal().to_owned()).collect())
    }
}

/// A transaction of the seeding, whatever organizations it is about.
type Tx = Transaction<'static, Postgres>;

fn of<T>(users: &[User], field: impl Fn(&User) -> T) -> Vec<T> {
    users.iter().map(field).collect()
}

async fn run(executor: impl sqlx::Executor<'_, Database = Postgres>, statement: &'static str) -> Result<()> {
    sqlx::raw_sql(statement).execute(executor).await.context(statement)?;
    Ok(())
}

async fn insert_organizations(tx: &mut Tx, first: usize, organizations: &[Uuid]) -> Result<()> {
    let slugs: Vec<String> = (first..first + organizations.len()).map(slug).collect();
    sqlx::query(
        "with made as (
             insert into organizations (org_id, slug, name, created_at, updated_at)
             select new.id, new.slug, 'Organization ' || new.slug, now(), now()
             from unnest($1::uuid[], $2::text[]) as new (id, slug)
         ), line as (
             insert into organization_ancestors (org_id, ancestor_id, depth) select id, id, 0 from unnest($1) as id
         )
         insert into organization_slugs (org_id, slug)
         select new.id, new.slug from unnest($1, $2) as new (id, slug)",
    )
    .bind(organizations)
    .bind(slugs)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// A role's id is made from its organization's, so that [`insert_users`] knows it.
fn role_id(organization: Uuid, role: usize) -> Uuid {
    Uuid::from_u128(organization.as_u128() ^ (role as u128 + 1))
}

async fn insert_roles(tx: &mut Tx, organizations: &[Uuid]) -> Result<()> {
    for (place, (slug, permissions)) in ROLES.iter().enumerate() {
        let ids: Vec<Uuid> = organizations.iter().map(|id| role_id(*id, place)).collect();
        sqlx::query(
            "with role as (
                 insert into roles (org_id, id, slug, name, created_at, updated_at)
                 select new.org_id, new.id, $3, $3, now(), now()
                 from unnest($1::uuid[], $2::uuid[]) as new (org_id, id)
             ), known as (
                 insert into permissions (org_id, permission)
                 select org_id, permission from unnest($1) as org_id, unnest($4::text[]) as permission
                 on conflict do nothing
             )
             insert into role_permissions (org_id, role_id, permission)
             select new.org_id, new.id, permission
             from unnest($1, $2) as new (org_id, id), unnest($4) as permission",
        )
        .bind(organizations)
        .bind(ids)
        .bind(slug)
        .bind(permissions)
        .execute(&mut **tx)
        .await?;
    }
    Ok(())
}

async fn insert_users(tx: &mut Tx, vault: &Vault, phc: &str, users: &[User]) -> Result<()> {
    let emails = of(users, |user| user.email());
    let hash = |email: &String| Ok(vault.email_hash(&Email::parse(email)?).as_bytes().to_vec());
    let hashes = emails.iter().map(hash).collect::<Result<Vec<Vec<u8>>>>()?;
    let roles = of(users, |user| role_id(user.org_id, user.number % ROLES.len()));
    sqlx::query(
        "with member as (
             insert into users (org_id, id, email, email_normalized, email_verified, name, created_at, updated_at)
             select new.org_id, new.id, new.email, new.email, true, 'User ' || new.email, now(), now()
             from unnest($1::uuid[], $2::uuid[], $3::text[]) as new (org_id, id, email)
         ), password as (
             insert into password_credentials (org_id, user_id, phc, updated_at)
             select new.org_id, new.id, $6, now() from unnest($1, $2) as new (org_id, id)
         ), entry as (
             insert into email_index (org_id, user_id, email_hash)
             select new.org_id, new.id, new.hash from unnest($1, $2, $4::bytea[]) as new (org_id, id, hash)
         )
         insert into role_assignments (org_id, user_id, role_id, assigned_at)
         select new.org_id, new.id, new.role_id, now() from unnest($1, $2, $5::uuid[]) as new (org_id, id, role_id)",
    )
    .bind(of(users, |user| user.org_id))
    .bind(of(users, |user| user.id))
    .bind(emails)
    .bind(hashes)
    .bind(roles)
    .bind(phc)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn insert_sessions(tx: &mut Tx, users: &[User]) -> Result<()> {
    let hashes: Vec<Vec<u8>> = of(users, |user| user.session().hash().as_bytes().to_vec());
    sqlx::query(
        "insert into sessions (org_id, id, user_id, token_hash, auth_time, amr, created_at, last_seen_at, expires_at,
                               address, user_agent)
         select new.org_id, new.id, new.user_id, new.hash, now(), '{pwd}', now(), now(), now() + interval '7 days',
                '127.0.0.1', 'orgate-bench'
         from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bytea[]) as new (org_id, id, user_id, hash)",
    )
    .bind(of(users, |user| user.org_id))
    .bind(of(users, |user| user.session_id))
    .bind(of(users, |user| user.id))
    .bind(hashes)
    .execute(&mut **tx)
    .await?;
    Ok(())
}
