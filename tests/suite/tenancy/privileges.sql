-- What each role may do, and which rows row-level security shows it, a line each.
with
privileges as (
    select privilege.grantee, relation.oid::regclass::text as object, lower(privilege.privilege_type) as privilege
    from pg_class relation
    cross join aclexplode(relation.relacl) privilege
    union all
    select privilege.grantee, attribute.attrelid::regclass::text,
           format('%s (%s)', lower(privilege.privilege_type),
                  string_agg(attribute.attname, ', ' order by attribute.attnum))
    from pg_attribute attribute
    cross join aclexplode(attribute.attacl) privilege
    group by privilege.grantee, attribute.attrelid, privilege.privilege_type
    union all
    select privilege.grantee, function.oid::regprocedure::text, lower(privilege.privilege_type)
    from pg_proc function
    cross join aclexplode(function.proacl) privilege
    union all
    select privilege.grantee, format('schema %s', schema.nspname), lower(privilege.privilege_type)
    from pg_namespace schema
    cross join aclexplode(schema.nspacl) privilege
),
lines as (
    select grantee, object, string_agg(privilege, ', ' order by privilege) as line
    from privileges
    group by grantee, object
    union all
    select grantee, polrelid::regclass::text,
           format('rows: %s', coalesce(regexp_replace(pg_get_expr(polqual, polrelid), '\s+', ' ', 'g'), 'none'))
    from pg_policy
    cross join unnest(polroles) as grantee
    where polname <> 'org_isolation' -- for which there is a rule
)
select format('%s: %s: %s', role.rolname, object, line)
from lines
join pg_roles role on role.oid = lines.grantee
where role.rolname like 'orgate\_%' and role.rolname <> 'orgate_test_owner'
order by role.rolname, object, line like 'rows%', line collate "C"
