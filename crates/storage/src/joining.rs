//! Whom an organization lets join, and what they are given.

use chrono::{DateTime, Utc};
use orgate_domain::joining::{Entry, Joining};

use crate::StorageError;
use crate::row::parsed;
use crate::scope::repository;

repository! {
    /// The organization's word on joining.
    JoiningRules,
    /// The organization's word on joining.
    joining
}

struct Row {
    own_domains: String,
    others: String,
    roles: Vec<String>,
    set_by: String,
    set_at: DateTime<Utc>,
}

impl TryFrom<Row> for Joining {
    type Error = StorageError;

    fn try_from(row: Row) -> Result<Self, StorageError> {
        Ok(Self {
            domains: parsed(Entry::from_text(&row.own_domains), "joining", "own_domains")?,
            others: parsed(Entry::from_text(&row.others), "joining", "others")?,
            roles: row.roles.into_iter().collect(),
            set_by: row.set_by,
            set_at: row.set_at,
        })
    }
}

impl JoiningRules<'_> {
    /// Has others who would change it wait for this transaction.
    pub async fn seize(&mut self) -> Result<(), StorageError> {
        sqlx::query!(
            "select pg_advisory_xact_lock(hashtextextended('joining ' || $1::uuid::text, 0))",
            self.org_id
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }

    /// What the organization said; `None`: nothing yet.
    pub async fn find(&mut self) -> Result<Option<Joining>, StorageError> {
        let row = sqlx::query_as!(
            Row,
            r#"select said.own_domains, said.others, said.set_by, said.set_at,
                      array(select role.slug from joining_roles given
                            join roles role on role.org_id = given.org_id and role.id = given.role_id
                            where given.org_id = said.org_id order by role.slug) as "roles!"
               from joining said where said.org_id = $1"#,
            self.org_id,
        )
        .fetch_optional(&mut *self.conn)
        .await?;
        row.map(TryInto::try_into).transpose()
    }

    /// Says it anew. The roles are the organization's.
    pub async fn save(&mut self, joining: &Joining) -> Result<(), StorageError> {
        sqlx::query!(
            "insert into joining (org_id, own_domains, others, set_by, set_at) values ($1, $2, $3, $4, $5)
             on conflict (org_id) do update
             set own_domains = excluded.own_domains, others = excluded.others, set_by = excluded.set_by, set_at = excluded.set_at
             where joining.org_id = excluded.org_id",
            self.org_id,
            joining.domains.as_str(),
            joining.others.as_str(),
            joining.set_by,
            joining.set_at,
        )
        .execute(&mut *self.conn)
        .await?;
        sqlx::query!("delete from joining_roles where org_id = $1", self.org_id)
            .execute(&mut *self.conn)
            .await?;
        let roles: Vec<_> = joining.roles.iter().cloned().collect();
        sqlx::query!(
            "insert into joining_roles (org_id, role_id)
             select role.org_id, role.id from roles role where role.org_id = $1 and role.slug = any($2)",
            self.org_id,
            &roles,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }
}
