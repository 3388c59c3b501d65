//! Invitations, and what they give.

use chrono::{DateTime, Utc};
use orgate_domain::credentials::SecretHash;
use orgate_domain::email::Email;
use orgate_domain::ids::{ClientId, GroupId, InvitationId, OrgId, RoleId, UserId};
use orgate_domain::invitations::{Invitation, InvitationBasis, InvitationState};
use orgate_domain::names::DisplayName;
use uuid::Uuid;

use crate::row::parsed;
use crate::scope::repository;
use crate::{Page, PageOf, StorageError};

repository! {
    /// The organization's invitations.
    Invitations,
    /// The organization's invitations.
    invitations
}

/// An invitation about to be made.
#[derive(Debug)]
pub struct NewInvitation<'a> {
    /// Its id.
    pub id: InvitationId,
    /// The hash of its secret.
    pub token: SecretHash,
    /// Who is invited.
    pub email: &'a Email,
    /// Their name.
    pub name: Option<&'a DisplayName>,
    /// Their language.
    pub locale: Option<&'a str>,
    /// Where they land.
    pub client: Option<(OrgId, ClientId)>,
    /// What they are given.
    pub roles: &'a [RoleId],
    /// What they are put into.
    pub groups: &'a [GroupId],
    /// When it lapses.
    pub expires_at: DateTime<Utc>,
    /// By whose word it is.
    pub by: InvitationBasis,
}

/// A link that takes the place of an invitation's former one.
#[derive(Debug)]
pub struct NewInvitationLink<'a> {
    /// The hash of its secret.
    pub token: SecretHash,
    /// Who vouches for the invitation from now on.
    pub by: &'a str,
    /// When.
    pub at: DateTime<Utc>,
    /// When it lapses.
    pub expires_at: DateTime<Utc>,
}

struct Row {
    id: Uuid,
    email: String,
    name: Option<String>,
    locale: Option<String>,
    client_org_id: Option<Uuid>,
    client_id: Option<Uuid>,
    roles: Vec<String>,
    groups: Vec<String>,
    invited_by: String,
    created_at: DateTime<Utc>,
    sent_at: DateTime<Utc>,
    sends: i32,
    expires_at: DateTime<Utc>,
    accepted_at: Option<DateTime<Utc>>,
    user_id: Option<Uuid>,
    revoked_at: Option<DateTime<Utc>>,
    joins: bool,
}

const TABLE: &str = "invitations";

impl TryFrom<Row> for Invitation {
    type Error = StorageError;

    fn try_from(row: Row) -> Result<Self, StorageError> {
        let name = row.name.map(|text| parsed(DisplayName::parse(&text).ok(), TABLE, "name"));
        let client = row.client_org_id.zip(row.client_id);
        Ok(Self {
            id: InvitationId::from_uuid(row.id),
            email: parsed(Email::stored(&row.email).ok(), TABLE, "email")?,
            name: name.transpose()?,
            locale: row.locale,
            client: client.map(|(owner, id)| (OrgId::from_uuid(owner), ClientId::from_uuid(id))),
            roles: row.roles.into_iter().collect(),
            groups: row.groups.into_iter().collect(),
            invited_by: row.invited_by,
            created_at: row.created_at,
            sent_at: row.sent_at,
            sends: parsed(u32::try_from(row.sends).ok(), TABLE, "sends")?,
            expires_at: row.expires_at,
            by: if row.joins { InvitationBasis::Joining } else { InvitationBasis::Invited },
            state: match (row.accepted_at, row.user_id, row.revoked_at) {
                (Some(at), Some(user), _) => InvitationState::Accepted(at, UserId::from_uuid(user)),
                (_, _, Some(at)) => InvitationState::Revoked(at),
                _ => InvitationState::Open,
            },
        })
    }
}

/// Invitations with what they give, by a condition on `invited`, whose first parameter is the organization.
macro_rules! select {
    ($which:tt, $($argument:expr),+) => {
        sqlx::query_as!(
            Row,
            r#"select invited.id, invited.email, invited.name, invited.locale, invited.client_org_id, invited.client_id,
                      array(select role.slug from invitation_roles given
                            join roles role on role.org_id = given.org_id and role.id = given.role_id
                            where given.org_id = invited.org_id and given.invitation_id = invited.id
                            order by role.slug) as "roles!",
                      array(select joined.slug from invitation_groups given
                            join groups joined on joined.org_id = given.org_id and joined.id = given.group_id
                            where given.org_id = invited.org_id and given.invitation_id = invited.id
                            order by joined.slug) as "groups!",
                      invited.invited_by, invited.created_at, invited.sent_at, invited.sends, invited.expires_at,
                      invited.accepted_at, invited.user_id, invited.revoked_at, invited.joins
               from invitations invited
               where invited.org_id = $1 and "# + $which,
            $($argument),+
        )
    };
}

impl Invitations<'_> {
    /// Has others who invite to the organization, or take a seat in it, wait for this transaction; or waits for them, which
    /// the next statement then sees.
    pub async fn seize(&mut self) -> Result<(), StorageError> {
        sqlx::query!(
            "select pg_advisory_xact_lock(hashtextextended('seats ' || $1::uuid::text, 0))",
            self.org_id
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }

    /// Seats that are left, once others who take some are done; `None`: there is no end of them. Less than none, if there
    /// were more once.
    pub async fn find_seats(&mut self, now: DateTime<Utc>) -> Result<Option<i64>, StorageError> {
        let seats = self.find_limit().await?;
        let Some(seats) = seats else { return Ok(None) };
        self.seize().await?;
        let (users, open, _) = self.count_seats(now).await?;
        Ok(Some(i64::from(seats) - users - open))
    }

    /// How many seats there are; `None`: there is no end of them.
    pub async fn find_limit(&mut self) -> Result<Option<i32>, StorageError> {
        let seats = sqlx::query_scalar!("select seats from organizations where org_id = $1", self.org_id)
            .fetch_optional(&mut *self.conn)
            .await?;
        Ok(seats.flatten())
    }

    /// Says how many seats there are.
    pub async fn update_limit(&mut self, seats: Option<i32>, at: DateTime<Utc>) -> Result<(), StorageError> {
        sqlx::query!(
            "update organizations set seats = $2, updated_at = $3 where org_id = $1",
            self.org_id,
            seats,
            at,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }

    /// Who takes seats: active users, and open invitations; with how many seats there are, as of [`Self::find_limit`].
    pub async fn count_seats(&mut self, now: DateTime<Utc>) -> Result<(i64, i64, Option<i32>), StorageError> {
        let row = sqlx::query!(
            r#"select (select seats from organizations where org_id = $1) as seats,
                      (select count(*) from users where org_id = $1 and status = 'active') as "users!",
                      (select count(*) from invitations
                       where org_id = $1 and accepted_at is null and revoked_at is null and expires_at > $2) as "open!""#,
            self.org_id,
            now,
        )
        .fetch_one(&mut *self.conn)
        .await?;
        Ok((row.users, row.open, row.seats))
    }

    /// How many mails of invitations were ordered, and which of these addresses got as many as `most`. Of an invitation that
    /// was sent since `since`, all mails count, and it counts whatever became of it.
    pub async fn count_sent(
        &mut self,
        since: DateTime<Utc>,
        (addresses, most): (&[String], u32),
    ) -> Result<(i64, Vec<String>), StorageError> {
        let row = sqlx::query!(
            r#"select (select coalesce(sum(sent.sends), 0)::bigint from invitations sent
                       where sent.org_id = $1 and sent.sent_at > $2) as "all!",
                      array(select sent.email_normalized from invitations sent
                            where sent.org_id = $1 and sent.email_normalized = any($3) and sent.sent_at > $2
                            group by sent.email_normalized having sum(sent.sends) >= $4) as "sated!""#,
            self.org_id,
            since,
            addresses,
            i64::from(most),
        )
        .fetch_one(&mut *self.conn)
        .await?;
        Ok((row.all, row.sated))
    }

    /// Keeps invitations. What was open for one of their addresses, and has lapsed, is taken back.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] if one is open for one of the addresses.
    pub async fn insert(
        &mut self,
        new: &[NewInvitation<'_>],
        (by, at): (&str, DateTime<Utc>),
    ) -> Result<(), StorageError> {
        let addresses: Vec<_> = new.iter().map(|one| one.email.normalized().to_owned()).collect();
        sqlx::query!(
            "update invitations set revoked_at = $3
             where org_id = $1 and email_normalized = any($2) and accepted_at is null and revoked_at is null
               and expires_at <= $3",
            self.org_id,
            &addresses,
            at,
        )
        .execute(&mut *self.conn)
        .await?;
        let ids: Vec<_> = new.iter().map(|one| one.id.as_uuid()).collect();
        let tokens: Vec<_> = new.iter().map(|one| one.token.as_bytes().to_vec()).collect();
        let emails: Vec<_> = new.iter().map(|one| one.email.as_str().to_owned()).collect();
        let names: Vec<_> = new.iter().map(|one| one.name.map(|name| name.as_str().to_owned())).collect();
        let locales: Vec<_> = new.iter().map(|one| one.locale.map(str::to_owned)).collect();
        let owners: Vec<_> = new.iter().map(|one| one.client.map(|(owner, _)| owner.as_uuid())).collect();
        let clients: Vec<_> = new.iter().map(|one| one.client.map(|(_, id)| id.as_uuid())).collect();
        let ends: Vec<_> = new.iter().map(|one| one.expires_at).collect();
        let joins: Vec<_> = new.iter().map(|one| one.by == InvitationBasis::Joining).collect();
        sqlx::query!(
            "insert into invitations (org_id, id, token_hash, email, email_normalized, name, locale, client_org_id, client_id,
                                      invited_by, created_at, sent_at, expires_at, joins)
             select $1, one.id, one.token, one.email, one.normalized, one.name, one.locale, one.owner, one.client, $11, $12, $12,
                    one.ends, one.joins
             from unnest($2::uuid[], $3::bytea[], $4::text[], $5::text[], $6::text[], $7::text[], $8::uuid[], $9::uuid[],
                         $10::timestamptz[], $13::boolean[])
                  as one (id, token, email, normalized, name, locale, owner, client, ends, joins)",
            self.org_id,
            &ids,
            &tokens,
            &emails,
            &addresses,
            &names as &[Option<String>],
            &locales as &[Option<String>],
            &owners as &[Option<Uuid>],
            &clients as &[Option<Uuid>],
            &ends,
            by,
            at,
            &joins,
        )
        .execute(&mut *self.conn)
        .await?;
        self.insert_gifts(new).await
    }

    async fn insert_gifts(&mut self, new: &[NewInvitation<'_>]) -> Result<(), StorageError> {
        let roles =
            new.iter().flat_map(|one| one.roles.iter().map(|role| (one.id.as_uuid(), role.as_uuid())));
        let (of, roles): (Vec<_>, Vec<_>) = roles.unzip();
        if !roles.is_empty() {
            sqlx::query!(
                "insert into invitation_roles (org_id, invitation_id, role_id)
                 select $1, given.id, given.role from unnest($2::uuid[], $3::uuid[]) as given (id, role)
                 on conflict do nothing",
                self.org_id,
                &of,
                &roles,
            )
            .execute(&mut *self.conn)
            .await?;
        }
        let groups =
            new.iter().flat_map(|one| one.groups.iter().map(|group| (one.id.as_uuid(), group.as_uuid())));
        let (of, groups): (Vec<_>, Vec<_>) = groups.unzip();
        if !groups.is_empty() {
            sqlx::query!(
                "insert into invitation_groups (org_id, invitation_id, group_id)
                 select $1, given.id, given.group_id from unnest($2::uuid[], $3::uuid[]) as given (id, group_id)
                 on conflict do nothing",
                self.org_id,
                &of,
                &groups,
            )
            .execute(&mut *self.conn)
            .await?;
        }
        Ok(())
    }

    /// A page of the invitations, latest first.
    pub async fn list(
        &mut self,
        page: PageOf<InvitationId>,
    ) -> Result<Page<Invitation, InvitationId>, StorageError> {
        let after = page.after.map_or(Uuid::max(), InvitationId::as_uuid);
        let rows =
            select!("invited.id < $2 order by invited.id desc limit $3", self.org_id, after, page.rows())
                .fetch_all(&mut *self.conn)
                .await?;
        let invitations: Result<Vec<Invitation>, _> = rows.into_iter().map(TryInto::try_into).collect();
        Ok(page.cut(invitations?, |invitation| invitation.id))
    }

    /// A page of the invitations to this address, latest first.
    pub async fn list_by_email(
        &mut self,
        (email, page): (&Email, PageOf<InvitationId>),
    ) -> Result<Page<Invitation, InvitationId>, StorageError> {
        let after = page.after.map_or(Uuid::max(), InvitationId::as_uuid);
        let rows = select!(
            "invited.email_normalized = $4 and invited.id < $2 order by invited.id desc limit $3",
            self.org_id,
            after,
            page.rows(),
            email.normalized()
        )
        .fetch_all(&mut *self.conn)
        .await?;
        let invitations: Result<Vec<Invitation>, _> = rows.into_iter().map(TryInto::try_into).collect();
        Ok(page.cut(invitations?, |invitation| invitation.id))
    }

    /// One invitation, whatever became of it.
    pub async fn find(&mut self, id: InvitationId) -> Result<Option<Invitation>, StorageError> {
        let row =
            select!("invited.id = $2", self.org_id, id.as_uuid()).fetch_optional(&mut *self.conn).await?;
        row.map(TryInto::try_into).transpose()
    }

    /// The invitation with this secret, whatever became of it.
    pub async fn find_by_token(&mut self, token: &SecretHash) -> Result<Option<Invitation>, StorageError> {
        let row = select!("invited.token_hash = $2", self.org_id, token.as_bytes().as_slice())
            .fetch_optional(&mut *self.conn)
            .await?;
        row.map(TryInto::try_into).transpose()
    }

    /// The invitation that is open for an address, lapsed or not.
    pub async fn find_open(&mut self, email: &Email) -> Result<Option<Invitation>, StorageError> {
        let row = select!(
            "invited.email_normalized = $2 and invited.accepted_at is null and invited.revoked_at is null",
            self.org_id,
            email.normalized()
        )
        .fetch_optional(&mut *self.conn)
        .await?;
        row.map(TryInto::try_into).transpose()
    }

    /// Has others who would use or change an invitation wait for this transaction, and reads it once it is this one's turn.
    pub async fn take(&mut self, id: InvitationId) -> Result<Option<Invitation>, StorageError> {
        sqlx::query!(
            "select id from invitations where org_id = $1 and id = $2 for no key update",
            self.org_id,
            id.as_uuid(),
        )
        .fetch_optional(&mut *self.conn)
        .await?;
        self.find(id).await
    }

    /// Which of these addresses, as they are compared, are a user's, and which are invited.
    pub async fn list_known(
        &mut self,
        addresses: &[String],
        now: DateTime<Utc>,
    ) -> Result<(Vec<String>, Vec<String>), StorageError> {
        let row = sqlx::query!(
            r#"select array(select member.email_normalized from users member
                            where member.org_id = $1 and member.email_normalized = any($2)) as "users!",
                      array(select invited.email_normalized from invitations invited
                            where invited.org_id = $1 and invited.email_normalized = any($2) and invited.accepted_at is null
                              and invited.revoked_at is null and invited.expires_at > $3) as "invited!""#,
            self.org_id,
            addresses,
            now,
        )
        .fetch_one(&mut *self.conn)
        .await?;
        Ok((row.users, row.invited))
    }

    /// Whether an address is of a domain that the organization has verified.
    pub async fn is_of_verified_domain(&mut self, email: &Email) -> Result<bool, StorageError> {
        let covered = sqlx::query_scalar!(
            r#"select exists (select from domains owned
                              where owned.org_id = $1 and owned.verified_at is not null
                                and domain_covers(owned.domain, owned.subdomains, split_part($2, '@', 2))) as "covered!""#,
            self.org_id,
            email.normalized(),
        )
        .fetch_one(&mut *self.conn)
        .await?;
        Ok(covered)
    }

    /// Whether an address is of a domain, and no subdomain of it, that the organization had verified by then.
    pub async fn is_of_domain_verified_by(
        &mut self,
        email: &Email,
        at: DateTime<Utc>,
    ) -> Result<bool, StorageError> {
        let known = sqlx::query_scalar!(
            r#"select exists (select from domains owned
                              where owned.org_id = $1 and owned.verified_at <= $3
                                and owned.domain = split_part($2, '@', 2)) as "known!""#,
            self.org_id,
            email.normalized(),
            at,
        )
        .fetch_one(&mut *self.conn)
        .await?;
        Ok(known)
    }

    /// Gives an open invitation another link, by somebody's word from now on. `false` if there is none, or it is open no more.
    pub async fn update_link(
        &mut self,
        id: InvitationId,
        link: &NewInvitationLink<'_>,
    ) -> Result<bool, StorageError> {
        let done = sqlx::query!(
            "update invitations
             set token_hash = $3, invited_by = $4, sent_at = $5, sends = sends + 1, expires_at = $6, joins = false
             where org_id = $1 and id = $2 and accepted_at is null and revoked_at is null",
            self.org_id,
            id.as_uuid(),
            link.token.as_bytes(),
            link.by,
            link.at,
            link.expires_at,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Takes an open invitation back. `false` if there is none, or it is open no more.
    pub async fn revoke(&mut self, id: InvitationId, at: DateTime<Utc>) -> Result<bool, StorageError> {
        let done = sqlx::query!(
            "update invitations set revoked_at = $3
             where org_id = $1 and id = $2 and accepted_at is null and revoked_at is null",
            self.org_id,
            id.as_uuid(),
            at,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Uses an invitation up, for the user who came of it. `false` if it was used or taken back before, or has lapsed: of two
    /// racing calls, one wins.
    pub async fn consume(
        &mut self,
        id: InvitationId,
        (user, at): (UserId, DateTime<Utc>),
    ) -> Result<bool, StorageError> {
        // The user is made after it, in the same transaction.
        sqlx::query!("set constraints invitations_user_fkey deferred").execute(&mut *self.conn).await?;
        let done = sqlx::query!(
            "update invitations set accepted_at = $4, user_id = $3
             where org_id = $1 and id = $2 and accepted_at is null and revoked_at is null and expires_at > $4",
            self.org_id,
            id.as_uuid(),
            user.as_uuid(),
            at,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(done.rows_affected() == 1)
    }
}
