-- The roles that queries run as. None can log in, owns a table or bypasses row-level security: a
-- transaction takes one with set_config('role', …, true), so it holds on pooled connections too.
--
-- Roles belong to the cluster, not the database, so each is made tolerantly: another database's
-- migration may have made it already, or be making it now.
do $$
declare
    name text;
    -- Since 16 a role's maker is a member of it, and still may not take it.
    may_take text := case when current_setting('server_version_num')::integer < 160000 then 'member' else 'set' end;
begin
    foreach name in array array[
        'orgate_app',        -- one organization's transaction
        'orgate_resolve',    -- slug, domain, id or client id to organization
        'orgate_discover',   -- hashed e-mail address to organizations
        'orgate_choose',     -- the sessions that one browser proves
        'orgate_inherit',    -- the settings of an organization's ancestors
        'orgate_deliver',    -- claims messages of any organization's outbox
        'orgate_clean'       -- deletes what has expired
    ] loop
        begin
            execute format('create role %I nologin noinherit', name);
        exception when duplicate_object or unique_violation then
            null;
        end;
        if not pg_has_role(current_user, name, may_take) then
            -- Taken when it is needed, never held by the way: inherited, their policies would add up.
            execute format(
                case when may_take = 'set' then 'grant %I to current_user with inherit false, set true'
                     else 'grant %I to current_user' end,
                name
            );
        end if;
        execute format('grant usage on schema public to %I', name);
    end loop;
end
$$;

-- NULL, never an error, outside an organization's transaction: once one has ended, the setting
-- reads '' on that connection.
create function current_org_id() returns uuid
    language sql stable parallel safe
    as $$ select nullif(current_setting('orgate.org_id', true), '')::uuid $$;

-- What every table of an organization's data begins with: row-level security, enabled and forced
-- (so that it binds the owner too), and its one policy. `operations` is what the application may do.
create procedure isolate_by_organization(target regclass, operations text)
    language plpgsql
    as $$
begin
    execute format('alter table %s enable row level security', target);
    execute format('alter table %s force row level security', target);
    execute format(
        'create policy org_isolation on %s to orgate_app using (org_id = current_org_id()) with check (org_id = current_org_id())',
        target
    );
    execute format('grant %s on %s to orgate_app', operations, target);
end
$$;
revoke execute on procedure isolate_by_organization(regclass, text) from public;
