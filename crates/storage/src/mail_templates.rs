//! Mails that the organization words itself.

use std::str::FromStr as _;

use chrono::{DateTime, Utc};
use orgate_domain::mail_templates::{MailKind, MailLocale, MailTemplate, Wording};

use crate::StorageError;
use crate::scope::repository;

repository! {
    /// The organization's own words for its mails.
    MailTemplates,
    /// The organization's own words for its mails.
    mail_templates
}

struct Row {
    kind: String,
    locale: String,
    subject: String,
    body: String,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    failed_at: Option<DateTime<Utc>>,
}

impl TryFrom<Row> for MailTemplate {
    type Error = StorageError;

    fn try_from(row: Row) -> Result<Self, StorageError> {
        let corrupt = |column| StorageError::Corrupt { table: "mail_templates", column };
        Ok(Self {
            kind: MailKind::from_str(&row.kind).map_err(|_| corrupt("kind"))?,
            locale: MailLocale::from_str(&row.locale).map_err(|_| corrupt("locale"))?,
            wording: Wording { subject: row.subject, text: row.body },
            created_at: row.created_at,
            updated_at: row.updated_at,
            failed_at: row.failed_at,
        })
    }
}

impl MailTemplates<'_> {
    /// All of them, by kind and locale: there are few.
    pub async fn list(&mut self) -> Result<Vec<MailTemplate>, StorageError> {
        let rows = sqlx::query_as!(
            Row,
            r#"select kind, locale, subject, body, created_at, updated_at, failed_at
             from mail_templates where org_id = $1 order by kind collate "C", locale collate "C""#,
            self.org_id,
        )
        .fetch_all(&mut *self.conn)
        .await?;
        rows.into_iter().map(MailTemplate::try_from).collect()
    }

    /// The one of a kind and a locale.
    pub async fn find(
        &mut self,
        (kind, locale): (MailKind, &MailLocale),
    ) -> Result<Option<MailTemplate>, StorageError> {
        let row = sqlx::query_as!(
            Row,
            "select kind, locale, subject, body, created_at, updated_at, failed_at
             from mail_templates where org_id = $1 and kind = $2 and locale = $3",
            self.org_id,
            kind.as_str(),
            locale.as_str(),
        )
        .fetch_optional(&mut *self.conn)
        .await?;
        row.map(MailTemplate::try_from).transpose()
    }

    /// The first of these locales that there is one for.
    pub async fn find_first(
        &mut self,
        kind: MailKind,
        locales: &[MailLocale],
    ) -> Result<Option<MailTemplate>, StorageError> {
        let locales: Vec<_> = locales.iter().map(|locale| locale.as_str().to_owned()).collect();
        let row = sqlx::query_as!(
            Row,
            "select kind, locale, subject, body, created_at, updated_at, failed_at
             from mail_templates where org_id = $1 and kind = $2 and locale = any($3)
             order by array_position($3, locale) limit 1",
            self.org_id,
            kind.as_str(),
            &locales,
        )
        .fetch_optional(&mut *self.conn)
        .await?;
        row.map(MailTemplate::try_from).transpose()
    }

    /// Words a mail, from now on; what became of its former words is forgotten.
    pub async fn save(&mut self, template: &MailTemplate) -> Result<(), StorageError> {
        sqlx::query!(
            "insert into mail_templates (org_id, kind, locale, subject, body, created_at, updated_at)
             values ($1, $2, $3, $4, $5, $6, $6)
             on conflict (org_id, kind, locale)
             do update set subject = excluded.subject, body = excluded.body, updated_at = excluded.updated_at, failed_at = null",
            self.org_id,
            template.kind.as_str(),
            template.locale.as_str(),
            template.wording.subject,
            template.wording.text,
            template.updated_at,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }

    /// Notes that it could not be used as it is. `false` if that was known, or it is worded otherwise by now.
    pub async fn fail(&mut self, template: &MailTemplate, at: DateTime<Utc>) -> Result<bool, StorageError> {
        let done = sqlx::query!(
            "update mail_templates set failed_at = $5
             where org_id = $1 and kind = $2 and locale = $3 and updated_at = $4 and failed_at is null",
            self.org_id,
            template.kind.as_str(),
            template.locale.as_str(),
            template.updated_at,
            at,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(done.rows_affected() > 0)
    }

    /// Leaves a mail to the server's words. `false` if it was.
    pub async fn delete(&mut self, (kind, locale): (MailKind, &MailLocale)) -> Result<bool, StorageError> {
        let done = sqlx::query!(
            "delete from mail_templates where org_id = $1 and kind = $2 and locale = $3",
            self.org_id,
            kind.as_str(),
            locale.as_str(),
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(done.rows_affected() > 0)
    }
}
