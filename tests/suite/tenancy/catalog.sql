-- Whatever in the schema breaks a rule of the organization's boundary, a line each.
with
tables as (
    select relation.oid, relation.oid::regclass::text as name, relation.relispartition as is_partition,
           relation.relrowsecurity, relation.relforcerowsecurity
    from pg_class relation
    join pg_namespace schema on schema.oid = relation.relnamespace
    where relation.relkind in ('r', 'p')
      and schema.nspname <> 'information_schema' and schema.nspname !~ '^pg_'
      and relation.oid::regclass::text <> '_sqlx_migrations' -- sqlx's own: no role may touch it, see the privileges
),
org_ids as (
    select attribute.attrelid, attribute.attnum
    from pg_attribute attribute
    left join pg_attrdef fallback on fallback.adrelid = attribute.attrelid and fallback.adnum = attribute.attnum
    where attribute.attname = 'org_id' and attribute.atttypid = 'uuid'::regtype and attribute.attnotnull
      and pg_get_expr(fallback.adbin, fallback.adrelid) = 'current_org_id()'
),
foreign_keys as (
    select reference.*, near.columns, far.columns as referenced, near.columns[place.at] as own_org
    from pg_constraint reference
    cross join lateral (
        select array_agg(attribute.attname::text order by key.place) as columns
        from unnest(reference.conkey) with ordinality as key (attnum, place)
        join pg_attribute attribute on attribute.attrelid = reference.conrelid and attribute.attnum = key.attnum
    ) near
    cross join lateral (
        select array_agg(attribute.attname::text order by key.place) as columns
        from unnest(reference.confkey) with ordinality as key (attnum, place)
        join pg_attribute attribute on attribute.attrelid = reference.confrelid and attribute.attnum = key.attnum
    ) far
    cross join lateral (select array_position(far.columns, 'org_id') as at) place
    where reference.contype = 'f'
),
roles as (
    select * from pg_roles where rolname like 'orgate\_%' and rolname <> 'orgate_test_owner'
)

select format('%s: row-level security is not enabled', name) from tables where not relrowsecurity
union all
select format('%s: row-level security is not forced', name) from tables where not relforcerowsecurity
union all
select format('%s: the policy org_isolation is missing, or another', name) from tables
where not exists (
    select from pg_policy policy
    where policy.polrelid = tables.oid and policy.polname = 'org_isolation'
      and policy.polcmd = '*' and policy.polpermissive and policy.polroles = array['orgate_app'::regrole::oid]
      and pg_get_expr(policy.polqual, policy.polrelid) = '(org_id = current_org_id())'
      and pg_get_expr(policy.polwithcheck, policy.polrelid) = '(org_id = current_org_id())'
)
union all
select format('%s: the policy %s admits organizations to more', polrelid::regclass, polname) from pg_policy
where polname <> 'org_isolation' and polroles && array[0, 'orgate_app'::regrole]::oid[]

union all
select format('%s: no column org_id uuid not null default current_org_id()', name) from tables
where not exists (select from org_ids where org_ids.attrelid = tables.oid)
union all
select format('%s: the planner may take org_id for a key', name) from tables
join org_ids on org_ids.attrelid = tables.oid
join pg_attribute attribute on attribute.attrelid = tables.oid and attribute.attnum = org_ids.attnum
where not is_partition and not coalesce('n_distinct=200' = any(attribute.attoptions), false)
union all
select format('%s: the primary key does not begin with org_id', name) from tables
where not exists (
    select from pg_index index
    join org_ids on org_ids.attrelid = index.indrelid and org_ids.attnum = index.indkey[0]
    where index.indrelid = tables.oid and index.indisprimary
)
union all
select format('%s: the unique index %s does not begin with org_id', tables.name, index.indexrelid::regclass)
from pg_index index
join tables on tables.oid = index.indrelid
where (index.indisunique or index.indisexclusion) and not index.indisprimary
  and not exists (
      select from org_ids where org_ids.attrelid = index.indrelid and org_ids.attnum = index.indkey[0]
  )
union all
select format('%s: (%s) refers to %s (%s)', conrelid::regclass, array_to_string(columns, ', '), confrelid::regclass,
              array_to_string(referenced, ', '))
from foreign_keys
where own_org is distinct from 'org_id'

union all
select format('%s: %s refers to something, but by no foreign key', tables.name, attribute.attname)
from tables
join pg_attribute attribute on attribute.attrelid = tables.oid and attribute.attnum > 0 and not attribute.attisdropped
where attribute.atttypid = 'uuid'::regtype and attribute.attname not in ('id', 'org_id') and not tables.is_partition
  and not exists (
      select from pg_constraint reference
      where reference.contype = 'f' and reference.conrelid = tables.oid and attribute.attnum = any (reference.conkey)
  )

union all
select format('%s: a view that is not security_invoker', relation.oid::regclass) from pg_class relation
where relation.relkind = 'v' and relation.relnamespace = 'public'::regnamespace
  and not coalesce(relation.reloptions @> array['security_invoker=true'], false)
union all
select format('%s: a relation that row-level security cannot protect', relation.oid::regclass) from pg_class relation
where relation.relkind in ('m', 'f')
union all
select format('%s: runs as its owner', function.oid::regprocedure) from pg_proc function
where function.prosecdef and function.pronamespace = 'public'::regnamespace
union all
select format('%s: runs as its owner, on the caller''s search path', function.oid::regprocedure) from pg_proc function
where function.prosecdef and function.pronamespace = 'public'::regnamespace
  and not coalesce(function.proconfig @> array['search_path=public, pg_temp'], false)

union all
select format('%s: the role can log in', rolname) from roles where rolcanlogin
union all
select format('%s: the role is above row-level security', rolname) from roles where rolsuper or rolbypassrls
union all
select format('%s: the role can make roles, databases or copies', rolname) from roles
where rolcreaterole or rolcreatedb or rolreplication
union all
select format('%s: the role is a member of %s', roles.rolname, membership.roleid::regrole) from roles
join pg_auth_members membership on membership.member = roles.oid
union all
select format('%s: the role owns something', rolname) from roles
where exists (
    select from pg_shdepend dependency
    where dependency.refclassid = 'pg_authid'::regclass and dependency.refobjid = roles.oid and dependency.deptype = 'o'
)
union all
select format('%s: the role can make tables', rolname) from roles
where has_schema_privilege(oid, 'public', 'create') or has_database_privilege(oid, current_database(), 'create')
union all
select format('%s: everybody has the privilege to %s', relation.oid::regclass, lower(privilege.privilege_type))
from pg_class relation
cross join aclexplode(relation.relacl) privilege
where privilege.grantee = 0 and relation.relnamespace = 'public'::regnamespace
