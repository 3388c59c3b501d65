-- The one record of what happened. The application can insert and select, and nothing else.
create table audit_events (
    org_id        uuid not null default current_org_id() references organizations (org_id),
    occurred_at   timestamptz not null,
    id            uuid not null,
    action        text not null,
    outcome       text not null check (outcome in ('success', 'refused')),
    reason        text,
    actor_kind    text not null,
    actor_id      text,
    user_id       uuid,
    session_id    uuid,
    client_org_id uuid,
    client_id     uuid,
    address       inet,
    user_agent    text,
    request_id    text,
    detail        jsonb not null,
    primary key (org_id, occurred_at, id)
) partition by range (occurred_at);
call isolate_by_organization('audit_events', 'select, insert');

-- Makes the partition of the month of `day`, with the same protection as its parent. Runs as the
-- owner, because the application may create nothing. Events of that month that were written before
-- it was made move in from the default partition, which would else not let it be made.
create function ensure_audit_partition(day date) returns void
    language plpgsql security definer set search_path = public, pg_temp
    as $$
declare
    first date := date_trunc('month', day);
    next date := first + interval '1 month';
    name text := 'audit_events_' || to_char(first, 'YYYYMM');
begin
    perform pg_advisory_xact_lock(hashtext('ensure_audit_partition'));
    if to_regclass(name) is not null then
        return;
    end if;
    execute format('create table %I (like audit_events including all)', name);
    create temporary table audit_events_late (like audit_events);
    alter table audit_events_default no force row level security; -- or its owner would find nothing
    with late as (delete from audit_events_default where occurred_at >= first and occurred_at < next returning *)
    insert into audit_events_late select * from late;
    alter table audit_events_default force row level security;
    -- Empty, or its foreign key would be checked as the owner, who sees no organization.
    execute format('alter table audit_events attach partition %I for values from (%L) to (%L)', name, first, next);
    execute format('insert into %I select * from audit_events_late', name);
    drop table audit_events_late;
    execute format('alter table %I enable row level security', name);
    execute format('alter table %I force row level security', name);
    execute format(
        'create policy org_isolation on %I to orgate_app using (org_id = current_org_id()) with check (org_id = current_org_id())',
        name
    );
end
$$;
revoke execute on function ensure_audit_partition(date) from public;
grant execute on function ensure_audit_partition(date) to orgate_clean;

-- A clock that is wrong, or a job that did not run, must not lose an event.
create table audit_events_default partition of audit_events default;
alter table audit_events_default enable row level security;
alter table audit_events_default force row level security;
create policy org_isolation on audit_events_default to orgate_app
    using (org_id = current_org_id()) with check (org_id = current_org_id());
