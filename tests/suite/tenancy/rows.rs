//! A row of every table, made from the catalog: a table that is added is in the tests from its first day.

use std::collections::BTreeMap;

use sqlx::{AssertSqlSafe, PgConnection, PgPool, Row as _};
use uuid::Uuid;

/// Values that the types do not suggest.
const VALUES: &[(&str, &str, &str)] = &[
    ("api_keys", "permitted", "'{orgate:*}'"),
    // One of audience `all` is seen by everybody, as it should be.
    ("client_directory", "audience", "'owner'"),
    ("connection_versions", "version", "1"),
    ("delegations", "allowed", "array['orgate:users:read']"),
    // Nobody is above themselves: the second one.
    (
        "delegations",
        "delegate_id",
        "(select ancestor_id from organization_ancestors where org_id = '{org}' and depth = 1)",
    ),
    ("device_requests", "interval_secs", "5"),
    ("quotas", "quota", "'roles'"),
    ("quotas", "most", "5"),
    ("mail_templates", "locale", "'de'"),
    ("invitations", "expires_at", "now() + interval '1 day'"),
    ("join_requests", "expires_at", "now() + interval '1 day'"),
    // No group is inside of itself: the second one.
    (
        "group_ancestors",
        "ancestor_id",
        "(select id from groups where org_id = '{org}' order by id desc limit 1)",
    ),
];

/// What a check demands beside a column that refers: the table, the column, and what comes with it.
const COMPANIONS: &[(&str, &str, (&str, &str))] = &[
    ("api_keys", "user_id", ("method", "'password'")),
    ("api_keys", "connection_id", ("method", "'connection'")),
    ("api_keys", "connection_id", ("user_id", "gen_random_uuid()")),
    ("sessions", "connection_id", ("method", "'connection'")),
    ("invitations", "client_id", ("client_org_id", "'{org}'")),
    ("join_requests", "client_id", ("client_org_id", "'{org}'")),
    ("invitations", "user_id", ("accepted_at", "now()")),
];

/// An organization that is above all others.
const ABOVE: &str = "insert into organizations (org_id, slug, name, created_at, updated_at)
                     values (md5('above')::uuid, 'above', 'Above', now(), now()) on conflict do nothing";

/// A table.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) name: String,
    /// Whether its rows are an organization's.
    pub(super) is_isolated: bool,
    /// Whether its rows are those of another table.
    pub(super) is_partition: bool,
    columns: Vec<Column>,
    pub(super) references: Vec<Reference>,
}

/// A column that a row cannot do without.
#[derive(Debug)]
struct Column {
    name: String,
    sql_type: String,
    /// The first of the values that its check allows.
    allowed: Option<String>,
}

/// A foreign key.
#[derive(Debug, Clone)]
pub(super) struct Reference {
    pub(super) constraint: String,
    table: String,
    /// Its own columns, and those they refer to.
    columns: BTreeMap<String, String>,
}

impl Reference {
    /// Whether it says of which organization the row is that it refers to.
    pub(super) fn is_composite(&self) -> bool {
        self.columns.len() > 1
    }
}

/// Every table, each after those it refers to.
pub(super) async fn tables(conn: &mut PgConnection) -> Vec<Table> {
    let names: Vec<(String, bool)> = sqlx::query_as(
        "select relname::text, relispartition from pg_class
         where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and relname <> '_sqlx_migrations'
         order by relname",
    )
    .fetch_all(&mut *conn)
    .await
    .expect("the catalog");
    let mut waiting = Vec::new();
    for (name, is_partition) in names {
        waiting.push(Table { is_partition, ..describe(conn, name).await });
    }
    let mut ordered: Vec<Table> = Vec::new();
    while !waiting.is_empty() {
        let is_known = |reference: &Reference| ordered.iter().any(|table| table.name == reference.table);
        let next = waiting.iter().position(|table| {
            let mut demanded = table.references.iter().filter(|reference| table.demands(reference));
            demanded.all(|reference| reference.table == table.name || is_known(reference))
        });
        ordered.push(waiting.remove(next.expect("references without a circle")));
    }
    ordered
}

/// The names of those tables whose rows are an organization's.
pub(super) async fn isolated_tables(superuser: &PgPool) -> Vec<String> {
    let mut conn = superuser.acquire().await.expect("a connection");
    let isolated = tables(&mut conn).await.into_iter().filter(|table| table.is_isolated);
    isolated.map(|table| table.name).collect()
}

/// Every view that says whose its rows are.
pub(super) async fn views(superuser: &PgPool) -> Vec<String> {
    sqlx::query_scalar(
        "select relname::text from pg_class join pg_attribute on attrelid = pg_class.oid and attname = 'org_id'
         where relnamespace = 'public'::regnamespace and relkind = 'v' order by relname",
    )
    .fetch_all(superuser)
    .await
    .expect("the catalog")
}

async fn describe(conn: &mut PgConnection, name: String) -> Table {
    let columns = sqlx::query(
        "select attribute.attname::text, attribute.atttypid::regtype::text as sql_type,
                substring(pg_get_constraintdef(allowed.oid) from '''[^'']*''') as allowed
         from pg_attribute attribute
         left join pg_constraint allowed on allowed.conrelid = attribute.attrelid and allowed.contype = 'c'
                                            and allowed.conkey = array[attribute.attnum]
         where attribute.attrelid = $1::regclass and attribute.attnum > 0 and not attribute.attisdropped
           and attribute.attnotnull and (not attribute.atthasdef or attribute.attname = 'org_id')",
    );
    let columns = columns.bind(&name).fetch_all(&mut *conn).await.expect("the catalog");
    let columns: Vec<_> = columns
        .iter()
        .map(|row| Column {
            name: row.get("attname"),
            sql_type: row.get("sql_type"),
            allowed: row.get("allowed"),
        })
        .collect();
    let references = sqlx::query(
        "select conname::text, confrelid::regclass::text as referenced,
                array(select attname::text from unnest(conkey) with ordinality as key (attnum, place)
                      join pg_attribute on attrelid = conrelid and pg_attribute.attnum = key.attnum
                      order by place) as near,
                array(select attname::text from unnest(confkey) with ordinality as key (attnum, place)
                      join pg_attribute on attrelid = confrelid and pg_attribute.attnum = key.attnum
                      order by place) as far
         from pg_constraint where conrelid = $1::regclass and contype = 'f' order by conname",
    );
    let references = references.bind(&name).fetch_all(&mut *conn).await.expect("the catalog");
    let references = references.iter().map(|row| {
        let (near, far): (Vec<String>, Vec<String>) = (row.get("near"), row.get("far"));
        Reference {
            constraint: row.get("conname"),
            table: row.get("referenced"),
            columns: near.into_iter().zip(far).collect(),
        }
    });
    Table {
        is_isolated: columns.iter().any(|column| column.name == "org_id"),
        is_partition: false,
        references: references.collect(),
        columns,
        name,
    }
}

impl Table {
    /// Whether a row cannot do without what `reference` refers to.
    fn demands(&self, reference: &Reference) -> bool {
        let is_given = |near: &String| self.columns.iter().any(|column| column.name == *near);
        reference.columns.keys().all(is_given)
    }

    /// Inserts a row of `org_id`; of groups two, one of which can be inside of the other, and of ancestors another one.
    pub(super) async fn insert(&self, conn: &mut PgConnection, org_id: Uuid) -> Result<(), sqlx::Error> {
        let (columns, values) = self.row(org_id, &BTreeMap::new());
        self.insert_values(conn, &columns, &values).await?;
        if self.name == "groups" {
            let second = [("id", "gen_random_uuid()"), ("slug", "'second'")];
            let second = second.map(|(column, value)| (column, value.to_owned())).into();
            let (columns, values) = self.row(org_id, &second);
            self.insert_values(conn, &columns, &values).await?;
        }
        if self.name == "organization_ancestors" {
            sqlx::query(ABOVE).execute(&mut *conn).await?;
            let above = "(select org_id from organizations where slug = 'above')".to_owned();
            let above = [("ancestor_id", above), ("depth", "1".to_owned())].into();
            let (columns, values) = self.row(org_id, &above);
            self.insert_values(conn, &columns, &values).await?;
        }
        Ok(())
    }

    /// Inserts a row of `org_id` that refers to a row of `other`, as if it were one of its own.
    pub(super) async fn insert_crossing(
        &self,
        conn: &mut PgConnection,
        org_id: Uuid,
        (reference, other): (&Reference, Uuid),
    ) -> Result<(), sqlx::Error> {
        let crossing = reference.columns.iter().filter(|(column, _)| !column.ends_with("org_id"));
        let crossing = crossing.map(|(near, far)| (near.as_str(), value_of(&reference.table, far, other)));
        let mut crossing: BTreeMap<_, _> = crossing.collect();
        for (table, column, (companion, value)) in COMPANIONS {
            if *table == self.name && crossing.contains_key(column) {
                crossing.insert(companion, value.replace("{org}", &org_id.to_string()));
            }
        }
        let (columns, values) = self.row(org_id, &crossing);
        self.insert_values(conn, &columns, &values).await
    }

    async fn insert_values(
        &self,
        conn: &mut PgConnection,
        columns: &str,
        values: &str,
    ) -> Result<(), sqlx::Error> {
        let statement = format!("insert into {} ({columns}) values ({values})", self.name);
        sqlx::query(AssertSqlSafe(statement)).execute(conn).await.map(drop)
    }

    fn row(&self, org_id: Uuid, given: &BTreeMap<&str, String>) -> (String, String) {
        let more = given.keys().filter(|name| self.columns.iter().all(|column| column.name != **name));
        let names = self.columns.iter().map(|column| column.name.as_str());
        let names: Vec<_> = names.chain(more.clone().copied()).collect();
        let values = self.columns.iter().map(|column| {
            given.get(column.name.as_str()).cloned().unwrap_or_else(|| self.value(column, org_id))
        });
        let values = values.chain(more.filter_map(|name| given.get(name).cloned()));
        (names.join(", "), values.collect::<Vec<_>>().join(", "))
    }

    fn value(&self, column: &Column, org_id: Uuid) -> String {
        if column.name == "org_id" {
            return format!("'{org_id}'");
        }
        if let Some((_, _, value)) =
            VALUES.iter().find(|(table, name, _)| (*table, *name) == (&self.name, &column.name))
        {
            return value.replace("{org}", &org_id.to_string());
        }
        let mut demanded = self.references.iter().filter(|reference| self.demands(reference));
        let referred = demanded.find_map(|reference| {
            let far = reference.columns.get(&column.name)?;
            Some(value_of(&reference.table, far, org_id))
        });
        referred.or_else(|| column.allowed.clone()).unwrap_or_else(|| self.sample(column, org_id))
    }

    fn sample(&self, column: &Column, org_id: Uuid) -> String {
        let text = format!("{}.{} of {org_id}", self.name, column.name);
        match column.sql_type.as_str() {
            "boolean" => "false".to_owned(),
            "date" => "current_date".to_owned(),
            "bytea" => format!("sha256('{text}')"),
            "bigint" | "integer" => "0".to_owned(),
            "jsonb" | "text[]" => "'{}'".to_owned(),
            "text" => format!("'{text}'"),
            "timestamp with time zone" => "now()".to_owned(),
            "uuid" => format!("md5('{text}')::uuid"),
            other => panic!("{}.{}: a value for {other} has to be thought of here", self.name, column.name),
        }
    }
}

/// The value of a column in the row of this organization, or, of no organization's table, in the only row.
fn value_of(table: &str, column: &str, org_id: Uuid) -> String {
    match table {
        "persons" => format!("(select {column} from {table})"),
        // Itself: whoever is above it could be above others.
        "organization_ancestors" => {
            format!("(select {column} from {table} where org_id = '{org_id}' and depth = 0)")
        }
        _ => format!("(select {column} from {table} where org_id = '{org_id}' order by {column} limit 1)"),
    }
}

/// A hash of the rows of `org_id` in each of these tables.
pub(super) async fn hashes(superuser: &PgPool, tables: &[String], org_id: Uuid) -> Vec<(String, String)> {
    let hashes = tables.iter().map(|table| {
        format!(
            "select '{table}', md5(coalesce(string_agg(t::text, ',' order by t::text), ''))
             from {table} t where t.org_id = $1"
        )
    });
    let query = AssertSqlSafe(hashes.collect::<Vec<_>>().join(" union all "));
    sqlx::query_as(query).bind(org_id).fetch_all(superuser).await.expect("hashes")
}

/// A row of `org_id` in every table, and one in each partition of the audit log.
pub(super) async fn fill(conn: &mut PgConnection, tables: &[Table], org_id: Uuid) {
    // With a user's row comes one of `user_activity`.
    for table in tables.iter().filter(|table| !table.is_partition && table.name != "user_activity") {
        if table.is_isolated || is_empty(conn, &table.name).await {
            table.insert(conn, org_id).await.unwrap_or_else(|error| panic!("{}: {error}", table.name));
        }
    }
    sqlx::query(
        "insert into audit_events (org_id, occurred_at, id, action, outcome, actor_kind, detail)
         select $1, at, gen_random_uuid(), 'sample', 'success', 'system', '{}'
         from unnest(array[now() + interval '1 month', now() + interval '2 months', 'epoch']) as at",
    )
    .bind(org_id)
    .execute(conn)
    .await
    .expect("events of other times");
}

async fn is_empty(conn: &mut PgConnection, table: &str) -> bool {
    let exists =
        sqlx::query_scalar::<_, bool>(AssertSqlSafe(format!("select not exists (select from {table})")));
    exists.fetch_one(conn).await.expect("a table")
}
