-- Keeps look-ups by key look-ups by key. Where most organizations have one row in a table, the planner
-- believes that `org_id` alone finds one, uses any index that begins with it and filters the rest: in the
-- one organization with a hundred thousand rows that reads them all, at every request. So it is told to
-- expect many rows an organization in every table but the partitioned log, whatever it counts; then only the
-- full key will do.
-- Takes effect at the next `analyze`, which autovacuum sees to.
do $$
declare
    target regclass;
begin
    for target in
        select attribute.attrelid
        from pg_attribute attribute
        join pg_class class on class.oid = attribute.attrelid
        where attribute.attname = 'org_id' and class.relkind in ('r', 'p') and class.relrowsecurity
          and class.relnamespace = 'public'::regnamespace
    loop
        execute format('alter table %s alter column org_id set (n_distinct = 200)', target);
    end loop;
end
$$;

-- So does every table to come.
create or replace procedure isolate_by_organization(target regclass, operations text)
    language plpgsql
    as $$
begin
    execute format('alter table %s enable row level security', target);
    execute format('alter table %s force row level security', target);
    execute format('alter table %s alter column org_id set (n_distinct = 200)', target);
    execute format(
        'create policy org_isolation on %s to orgate_app using (org_id = current_org_id()) with check (org_id = current_org_id())',
        target
    );
    execute format('grant %s on %s to orgate_app', operations, target);
end
$$;
