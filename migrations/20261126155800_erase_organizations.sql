-- A deleted organization is erased once the time to restore it is over: all of its rows, in batches, and nobody else's. What stays
-- is that there was one of this id, its slugs, domains and client ids, which are never given to another. The release before shows
-- an organization that is being erased as a deleted one; those that it deleted are kept until they are deleted again.

-- Tables that sign-ins use are locked for a moment. Where one is in use for longer, this fails, and can be run again, instead of
-- holding up everybody.
set local lock_timeout = '10s';

alter table organizations
    add column erase_after    timestamptz, -- until then, a deleted one can be restored
    add column erasing_since  timestamptz, -- from then on, it cannot: it is found by nobody
    add column erased_at      timestamptz, -- nothing of it is left
    add constraint organizations_erasure_check
        check ((erasing_since is null or (status = 'deleted' and erase_after is not null))
               and (erased_at is null or erasing_since is not null));
create index organizations_to_erase on organizations (erase_after) where erase_after is not null and erased_at is null;

-- Who is due is found among all; what is done about one is done in its own transaction.
grant select (status, erase_after, erasing_since, erased_at) on organizations to orgate_refresh;
grant select (erase_after, erasing_since) on organizations to orgate_operate;
grant select (erasing_since) on organizations to orgate_resolve;
grant select (status) on organizations to orgate_arrange;

create policy erase on organizations to orgate_erase using (org_id = current_org_id());
grant select (org_id, erasing_since, erased_at) on organizations to orgate_erase;

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
create policy known on erased_tables using (true); -- grants say who reads it
grant select on erased_tables to orgate_erase;

do $$
declare
    target text;
begin
    for target in select name from erased_tables union all select 'connection_versions' loop
        if target = 'audit_events' then
            call admit_erasure('audit_events', 'org_id, occurred_at, id');
        elsif exists (select from pg_policy where polrelid = target::regclass and polname = 'erase') then
            execute format('grant select (ctid) on %I to orgate_erase', target); -- with users, already
        else
            call admit_erasure(target::regclass, 'org_id, ctid');
        end if;
    end loop;
end
$$;

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

-- Whether an organization that was not deleted is below this one, or the one above it was deleted. Changes of the tree wait for
-- this transaction.
create function look_around(asked_id uuid) returns table (live_below boolean, gone_above boolean)
    language plpgsql
    set role = orgate_arrange
    as $$
begin
    perform pg_advisory_xact_lock(hashtextextended('tree of organizations', 0));
    return query select
        exists (select from organizations below where below.parent_id = asked_id and below.status <> 'deleted'),
        exists (select from organizations own join organizations above on above.org_id = own.parent_id
                where own.org_id = asked_id and above.status = 'deleted');
end
$$;

-- As before, and below none that was deleted: `gone`.
create or replace function move_organization(moved_id uuid, new_parent_id uuid, moved_at timestamptz) returns text
    language plpgsql
    set role = orgate_arrange
    as $$
declare
    most constant integer := 10; -- organizations one above the other
    height integer;
    depth_there integer;
begin
    -- Two moves in the same moment could close a circle, or put something below what is just being moved.
    perform pg_advisory_xact_lock(hashtextextended('tree of organizations', 0));
    if exists (select from organizations above where above.org_id = new_parent_id and above.status = 'deleted') then
        return 'gone';
    end if;
    select coalesce(max(line.depth), 0) into height from organization_ancestors line where line.ancestor_id = moved_id;
    select coalesce(max(line.depth), -1) into depth_there from organization_ancestors line where line.org_id = new_parent_id;
    if exists (
        select from organization_ancestors line where line.org_id = new_parent_id and line.ancestor_id = moved_id
    ) then
        return 'circle';
    end if;
    if height + depth_there + 2 > most then
        return 'deep';
    end if;
    delete from organization_ancestors line
        using organization_ancestors below
        where below.ancestor_id = moved_id and line.org_id = below.org_id and line.depth > below.depth;
    insert into organization_ancestors (org_id, ancestor_id, depth)
        select below.org_id, above.ancestor_id, below.depth + 1 + above.depth
        from organization_ancestors below
        join organization_ancestors above on above.org_id = new_parent_id
        where below.ancestor_id = moved_id;
    update organizations moved set parent_id = new_parent_id, updated_at = moved_at where moved.org_id = moved_id;
    perform pg_notify('orgate_configuration', 'organizations:' || moved_id::text); -- for every node
    return 'moved';
end
$$;

-- Erases up to `most` rows of the organization of the transaction, which is being erased; how many, and 0 once none is left. What
-- refers to something goes before it. The role takes no other organization's row, and the function none of one that is in use.
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

create or replace function resolve_organization(asked_id uuid, asked_slug text, asked_operator boolean)
    returns table (found_id uuid, found_slug text, found_status text)
    language plpgsql
    set role = orgate_resolve
    as $$
begin
    -- One branch a hint, each by an index of its own: this must not slow down as organizations come.
    return query
        select organization.org_id, organization.slug, organization.status
        from organizations organization
        where organization.org_id = asked_id and organization.erasing_since is null
        union all
        select organization.org_id, organization.slug, organization.status
        from organizations organization
        where organization.org_id = (select former.org_id from organization_slugs former where former.slug = asked_slug)
          and organization.erasing_since is null
        union all
        select organization.org_id, organization.slug, organization.status
        from organizations organization where organization.is_operator and asked_operator;
end
$$;
