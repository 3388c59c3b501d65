-- Operators say which roles new organizations begin with, beside those that Orgate comes with, or in their place. And what is erased
-- with an organization, in which order, is said once, in rows: a new table adds one, and copies no function. The release before
-- knows no blueprints, and gives new organizations the roles that it comes with.

-- Tables that others use are locked for a moment. Where one is in use for longer, this fails, and can be run again, instead of
-- holding up everybody.
set local lock_timeout = '10s';

create table role_blueprints (
    org_id      uuid not null default current_org_id() references organizations (org_id),
    slug        text not null,
    name        text not null,
    bundled     text[] not null check (cardinality(bundled) <= 200), -- permissions
    created_at  timestamptz not null,
    updated_at  timestamptz not null,
    primary key (org_id, slug)
);
call isolate_by_organization('role_blueprints', 'select, insert, update, delete');

-- What is erased with an organization: from the lowest place on, so that what refers to something goes before it. Not all that is
-- there has a row: some goes with what it refers to.
create table erased_tables (
    name  name primary key,
    place numeric not null
);
insert into erased_tables (place, name)
select place, name from unnest(array[
    -- First: what rests encrypted is nobody's to read from here on.
    'data_keys',
    'outbox', 'idempotency_keys', 'signals', 'stream_events', 'stream_exclusions', 'event_streams',
    'webhook_deliveries', 'webhooks', 'refresh_tokens', 'authorization_codes', 'consents', 'discovery_challenges',
    'upstream_sessions', 'upstream_requests', 'device_user_codes', 'device_requests', 'pushed_requests',
    'authorization_requests', 'grants', 'sessions', 'delegations', 'invitation_roles', 'invitation_groups', 'invitations',
    'recovery_codes', 'password_credentials', 'identity_links', 'mapped_roles', 'mapped_groups', 'group_members',
    'role_assignments', 'email_index', 'person_links', 'sign_in_throttles', 'api_keys', 'users', 'sign_in_traces',
    'consumed_assertions', 'consumed_ids', 'revoked_tokens', 'connection_refreshes', 'connection_keys',
    'connection_domains', 'connection_pilots', 'connections', 'shared_domains', 'domain_transfers', 'domains',
    'setup_links', 'client_roles', 'client_access', 'client_permissions', 'client_registrations', 'client_documents',
    'client_secrets', 'clients', 'registration_tokens', 'group_roles', 'group_ancestors', 'group_parents', 'groups',
    'role_permissions', 'roles', 'permissions', 'policies', 'signing_keys', 'key_rings', 'event_positions', 'audit_events'
]) with ordinality as listed (name, place);
alter table erased_tables enable row level security;
alter table erased_tables force row level security;
create policy upkeep on erased_tables to current_user using (true); -- migrations add rows
create policy erase on erased_tables for select to orgate_erase using (true);
grant select on erased_tables to orgate_erase;

-- Has a table erased with its organization, before another one that is.
create procedure erase_before(target regclass, next name)
    language plpgsql
    as $$
declare
    after_it numeric;
    before_it numeric;
begin
    select place into strict after_it from erased_tables where erased_tables.name = next;
    select coalesce(max(place), 0) into before_it from erased_tables where place < after_it;
    insert into erased_tables (place, name)
        select (before_it + after_it) / 2, relname from pg_class where oid = target;
    call admit_erasure(target, 'org_id, ctid');
end
$$;
revoke execute on procedure erase_before(regclass, name) from public;
call erase_before('role_blueprints', 'event_positions');

-- As before, by these rows.
drop function erase_some(integer);
create function erase_some(most integer) returns bigint
    language plpgsql
    set role = orgate_erase
    as $$
declare
    target text;
    erased bigint;
begin
    if not exists (select from organizations own
                   where own.org_id = current_org_id() and own.erasing_since is not null and own.erased_at is null) then
        return 0;
    end if;
    for target in select name from erased_tables order by place loop
        case target
            when 'connections' then
                -- Each refers to the other.
                with gone as (delete from connections where org_id = current_org_id() returning org_id)
                delete from connection_versions where org_id = current_org_id();
            when 'audit_events' then
                -- Of several partitions, in which a row's place is not its own alone.
                delete from audit_events event
                    using (select early.occurred_at, early.id from audit_events early
                           where early.org_id = current_org_id() order by early.occurred_at, early.id limit most) first
                    where event.org_id = current_org_id() and event.occurred_at = first.occurred_at and event.id = first.id;
            else
                execute format(
                    'delete from %1$I where org_id = current_org_id()
                     and ctid = any (array(select ctid from %1$I where org_id = current_org_id() limit $1))', target
                ) using most;
        end case;
        get diagnostics erased = row_count;
        if erased > 0 then
            return erased;
        end if;
    end loop;
    return 0;
end
$$;
revoke execute on function erase_some(integer) from public;
grant execute on function erase_some(integer) to orgate_app;
