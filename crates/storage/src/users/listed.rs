//! Users, as lists show them.

use chrono::{DateTime, Utc};
use orgate_domain::email::Email;
use orgate_domain::ids::UserId;
use orgate_domain::names::ExternalId;
use orgate_domain::standing::{UserProfile, UserStatus};
use uuid::Uuid;

use super::{Users, external_id};
use crate::row::parsed;
use crate::{Page, PageOf, StorageError};

/// A user, as lists show them.
#[derive(Debug, Clone)]
pub struct ListedUser {
    /// Their id.
    pub id: UserId,
    /// Who they are.
    pub profile: UserProfile,
    /// What they are called in a system of the organization's own.
    pub external_id: Option<ExternalId>,
    /// The slugs of the roles assigned to them directly, in order.
    pub roles: Vec<String>,
    /// Whether they are exempt from enforced SSO, with a recovery code.
    pub break_glass: bool,
    /// When they last signed in, a few seconds ago or more; `None`: not since this is kept.
    pub signed_in_at: Option<DateTime<Utc>>,
    /// When they were made.
    pub created_at: DateTime<Utc>,
    /// When they were last changed.
    pub updated_at: DateTime<Utc>,
}

/// Which users are asked for: those that all of this fits.
#[derive(Debug, Clone, Copy, Default)]
pub struct UserSearch<'a> {
    /// Those of whose name, or of whose address before its `@`, each of these words begins a part, in whatever case. Of more than
    /// five, the first ones count.
    pub text: &'a str,
    /// Those who may sign in, or may not.
    pub status: Option<UserStatus>,
    /// Those who may sign in, and have not done so since, nor were made or let in again.
    pub inactive_since: Option<DateTime<Utc>>,
}

/// Words that are looked for at once.
const MAX_WORDS: usize = 5;

/// Entries that few users have of a word, at most.
const FEW: i32 = 1_000;

/// Users among whom a page of those is looked for first who have what many have.
const NEXT: i64 = 2_000;

/// What is looked for. What begins another word says nothing more.
fn words_of(text: &str) -> Vec<String> {
    let words: Vec<_> = text.split_whitespace().take(MAX_WORDS).collect();
    words
        .iter()
        .enumerate()
        .filter(|(at, word)| {
            let says_more = |(other_at, other): (usize, &&str)| {
                other.starts_with(**word) && (other.len() > word.len() || other_at < *at)
            };
            !words.iter().enumerate().any(says_more)
        })
        .map(|(_, word)| (*word).to_owned())
        .collect()
}

struct ListedRow {
    id: Uuid,
    email: Option<String>,
    email_verified: bool,
    name: String,
    locale: Option<String>,
    status: String,
    external_id: Option<String>,
    roles: Vec<String>,
    break_glass: bool,
    signed_in_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl TryFrom<ListedRow> for ListedUser {
    type Error = StorageError;

    fn try_from(row: ListedRow) -> Result<Self, StorageError> {
        Ok(Self {
            id: UserId::from_uuid(row.id),
            profile: UserProfile {
                email: row.email,
                email_verified: row.email_verified,
                name: row.name,
                locale: row.locale,
                status: parsed(UserStatus::from_text(&row.status), "users", "status")?,
            },
            external_id: external_id(row.external_id)?,
            roles: row.roles,
            break_glass: row.break_glass,
            signed_in_at: row.signed_in_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

/// Users with the roles assigned to them, by a condition on `member`, whose first parameter is the organization.
macro_rules! select {
    ($which:tt $(+ $more:tt)?, $($argument:expr),+) => {
        sqlx::query_as!(
            ListedRow,
            r#"select member.id, member.email, member.email_verified, member.name, member.locale, member.status,
                      member.external_id,
                      array(select role.slug from role_assignments assignment
                            join roles role on role.org_id = assignment.org_id and role.id = assignment.role_id
                            where assignment.org_id = member.org_id and assignment.user_id = member.id
                            order by role.slug) as "roles!",
                      member.break_glass,
                      (select activity.signed_in_at from user_activity activity
                       where activity.org_id = member.org_id and activity.user_id = member.id) as signed_in_at,
                      member.created_at, member.updated_at
               from users member where member.org_id = $1 and "# + $which $(+ $more)?,
            $($argument),+
        )
    };
}

/// The same of whom each of the words `$4` begins a part of what they are called, by a condition on who is looked at. What is counted
/// is no join, which could be begun from its other end.
macro_rules! select_called {
    ($who:tt, $($argument:expr),+) => {
        select!(
            $who + r" member.id > $2
              and (select count(*) from unnest($4::text[]) as sought (word)
                   where not exists (select from user_words found
                                     where found.org_id = $1 and found.user_id = member.id
                                       and found.word >= sought_word(sought.word)
                                       and found.word < sought_word(sought.word) || e'\U0010FFFF')) = 0
              and ($5::text is null or member.status = $5)
              and ($6::timestamptz is null
                   or (select quiet.active_at < $6 from user_activity quiet
                       where quiet.org_id = $1 and quiet.user_id = member.id))
              order by member.id limit $3",
            $($argument),+
        )
    };
}

impl Users<'_> {
    /// A page of those users whom a search finds, in the order of their making. One round trip, up to three for words; it costs most
    /// where many have each of these, and hardly anybody has all.
    pub async fn search(
        &mut self,
        search: UserSearch<'_>,
        page: PageOf<UserId>,
    ) -> Result<Page<ListedUser, UserId>, StorageError> {
        let after = page.after.map_or(Uuid::nil(), UserId::as_uuid);
        let words = words_of(search.text);
        let status = search.status.map(UserStatus::as_str);
        // A statement each: where a condition may be there or not, no index is used for it.
        let rows = match (words.as_slice(), search.inactive_since, status) {
            (words @ [_, ..], ..) => self.find_by_words(words, search, page).await?,
            ([], Some(since), status) => {
                select!(
                    "member.id > $2 and ($5::text is null or member.status = $5)
                     and member.id in (select quiet.user_id from user_activity quiet
                                       where quiet.org_id = $1 and quiet.active_at < $4)
                     order by member.id limit $3",
                    self.org_id,
                    after,
                    page.rows(),
                    since,
                    status
                )
                .fetch_all(&mut *self.conn)
                .await?
            }
            ([], None, Some(status)) => {
                select!(
                    "member.id > $2 and member.status = $4 order by member.id limit $3",
                    self.org_id,
                    after,
                    page.rows(),
                    status
                )
                .fetch_all(&mut *self.conn)
                .await?
            }
            ([], None, None) => {
                select!("member.id > $2 order by member.id limit $3", self.org_id, after, page.rows())
                    .fetch_all(&mut *self.conn)
                    .await?
            }
        };
        let users: Result<Vec<ListedUser>, _> = rows.into_iter().map(TryInto::try_into).collect();
        Ok(page.cut(users?, |user| user.id))
    }

    /// Those of whom each of these words begins a part of what they are called. Where few have one of them, it is each of these who
    /// is looked at. Where many have each, a page of those who have all may be among the next users; if it is not, the words are
    /// looked up as a whole. As no plan knows which it is, it is asked.
    async fn find_by_words(
        &mut self,
        words: &[String],
        search: UserSearch<'_>,
        page: PageOf<UserId>,
    ) -> Result<Vec<ListedRow>, sqlx::Error> {
        let after = page.after.map_or(Uuid::nil(), UserId::as_uuid);
        let (status, since) = (search.status.map(UserStatus::as_str), search.inactive_since);
        let (org_id, limit) = (self.org_id, page.rows());
        if let Some(rare) = self.find_rare(words).await? {
            if rare.is_empty() {
                return Ok(Vec::new());
            }
            let these =
                select_called!("member.id = any($7) and", org_id, after, limit, words, status, since, &rare);
            return these.fetch_all(&mut *self.conn).await;
        }
        let next = select_called!(
            r"member.id = any(array(select later.id from users later
                                   where later.org_id = $1 and later.id > $2 order by later.id limit $7)) and",
            org_id,
            after,
            limit,
            words,
            status,
            since,
            NEXT
        );
        let found = next.fetch_all(&mut *self.conn).await?;
        if i64::try_from(found.len()).is_ok_and(|found| found >= limit) {
            return Ok(found);
        }
        let all = select_called!(
            r"member.id in (select having_all.user_id
                           from (select distinct sought.nth, entry.user_id
                                 from unnest($4::text[]) with ordinality as sought (word, nth)
                                 join user_words entry
                                      on entry.org_id = $1 and entry.word >= sought_word(sought.word)
                                         and entry.word < sought_word(sought.word) || e'\U0010FFFF') having_all
                           group by having_all.user_id having count(*) = cardinality($4)) and",
            org_id,
            after,
            limit,
            words,
            status,
            since
        );
        all.fetch_all(&mut *self.conn).await
    }

    /// Those who have a word that few have, of these the fewest; `None`, where many have each.
    async fn find_rare(&mut self, words: &[String]) -> Result<Option<Vec<Uuid>>, sqlx::Error> {
        sqlx::query_scalar!(
            r#"select array(select distinct unnest(candidates.ids)) as "ids!"
               from unnest($2::text[]) as sought (word)
               cross join lateral (
                   select array(select found.user_id from user_words found
                                where found.org_id = $1 and found.word >= sought_word(sought.word)
                                  and found.word < sought_word(sought.word) || e'\U0010FFFF'
                                limit $3 + 1) as ids
               ) candidates
               where cardinality(candidates.ids) <= $3
               order by cardinality(candidates.ids) limit 1"#,
            self.org_id,
            words,
            FEW,
        )
        .fetch_optional(&mut *self.conn)
        .await
    }

    /// One user.
    pub async fn find(&mut self, id: UserId) -> Result<Option<ListedUser>, StorageError> {
        let row =
            select!("member.id = $2", self.org_id, id.as_uuid()).fetch_optional(&mut *self.conn).await?;
        row.map(TryInto::try_into).transpose()
    }

    /// The user with this address, as lists show them.
    pub async fn find_listed_by_email(&mut self, email: &Email) -> Result<Option<ListedUser>, StorageError> {
        let row = select!("member.email_normalized = $2", self.org_id, email.normalized())
            .fetch_optional(&mut *self.conn)
            .await?;
        row.map(TryInto::try_into).transpose()
    }

    /// The user who is called this in a system of the organization's own.
    pub async fn find_by_external_id(
        &mut self,
        external_id: &ExternalId,
    ) -> Result<Option<ListedUser>, StorageError> {
        let row = select!("member.external_id = $2", self.org_id, external_id.as_str())
            .fetch_optional(&mut *self.conn)
            .await?;
        row.map(TryInto::try_into).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::words_of;

    #[test]
    fn no_word_is_looked_for_that_begins_another() {
        assert_eq!(words_of(" u a  us u anna zz "), ["us", "anna"], "the sixth word is one too many");
        assert_eq!(words_of("li li ma"), ["li", "ma"]);
        assert!(words_of("  ").is_empty());
    }
}
