-- Whoever reads the log goes on from where it was: events get positions once their transactions have committed, so that
-- none is passed over that commits late, and none waits for a transaction that takes long. The release before writes
-- events as it did; the database adds which transaction wrote each, and in which order.

create sequence audit_writings;
grant usage on sequence audit_writings to orgate_app, orgate_journal;
alter table audit_events
    add column written_by xid8,   -- the transaction; of what was written before this was kept, nothing
    add column written_as bigint; -- of two events where one's writer waited for the other's, the later one has the higher
alter table audit_events
    alter column written_by set default pg_current_xact_id(),
    alter column written_as set default nextval('audit_writings');
create index audit_events_by_writing on audit_events (written_by);

-- Made as the first ones were. One gives positions, and reads nothing of what happened; the other reads what happened in
-- every organization, for the operator's own webhooks.
do $$
declare
    may_take text := case when current_setting('server_version_num')::integer < 160000 then 'member' else 'set' end;
    name text;
begin
    foreach name in array array['orgate_sequence', 'orgate_watch'] loop
        begin
            execute format('create role %I nologin noinherit', name);
        exception when duplicate_object or unique_violation then
            null;
        end;
        if not pg_has_role(current_user, name, may_take) then
            execute format(
                case when may_take = 'set' then 'grant %I to current_user with inherit false, set true'
                     else 'grant %I to current_user' end,
                name
            );
        end if;
    end loop;
end
$$;
grant usage on schema public to orgate_sequence, orgate_watch;

-- Where an event is in the order of commits.
create table event_positions (
    org_id      uuid not null default current_org_id() references organizations (org_id),
    position    bigint not null, -- among the events of its organization: 1, 2, 3 …
    place       bigint not null, -- among those of all organizations, which no organization is shown
    occurred_at timestamptz not null,
    audit_event uuid not null,   -- its id
    primary key (org_id, position),
    constraint event_positions_event_key unique (org_id, occurred_at, audit_event)
);

-- What there is already: nobody else is writing now, since the log's columns were added.
alter table audit_events no force row level security; -- or its owner would find nothing
insert into event_positions (org_id, position, place, occurred_at, audit_event)
select org_id, row_number() over (partition by org_id order by occurred_at, id),
       row_number() over (order by occurred_at, id), occurred_at, id
from audit_events;
alter table audit_events force row level security;

call isolate_by_organization('event_positions', 'select');
create index event_positions_by_place on event_positions (place);
create index event_positions_by_time on event_positions using brin (occurred_at);

-- Up to where positions were given: what was visible then. It is nobody's, and says nothing of anybody.
create table event_sequencer (
    is_only boolean primary key default true check (is_only),
    seen    pg_snapshot not null
);
insert into event_sequencer (seen) values (pg_current_snapshot());
alter table event_sequencer enable row level security;
alter table event_sequencer force row level security;
create policy sequence on event_sequencer to orgate_sequence using (true);
grant select, update (seen) on event_sequencer to orgate_sequence;

create policy sequence on audit_events for select to orgate_sequence using (true);
grant select (org_id, occurred_at, id, written_by, written_as) on audit_events to orgate_sequence;
create policy sequence on event_positions to orgate_sequence using (true);
grant select, insert on event_positions to orgate_sequence;

-- Where an organization wants to be told of what happens, at an address of its own.
create table webhooks (
    org_id               uuid not null default current_org_id() references organizations (org_id),
    id                   uuid not null,
    scope                text not null check (scope in ('organization', 'all')), -- all organizations: the operator's; never changes
    url                  text not null,
    host                 text generated always as (
        lower(substring(url from '^[a-z]+://(?:[^/?#@]*@)?(\[[^]]*\]|[^/?#:]*)'))
    ) stored,
    description          text,
    events               text[],      -- actions, or all of a noun's; NULL: whatever happens
    status               text not null default 'enabled' check (status in ('enabled', 'disabled')),
    status_reason        text,        -- why, if nobody disabled it
    secret               bytea not null, -- encrypted under the organization's data key
    previous_secret      bytea,       -- the same; it signs too, until then
    previous_until       timestamptz,
    last_position        bigint not null, -- up to where events were delivered, or set aside: with scope `all`, a place
    tries                integer not null default 0, -- of the event after that one
    retry_at             timestamptz, -- that event is not sent before
    failures             integer not null default 0, -- in a row, of whatever was sent
    failing_since        timestamptz,
    due_at               timestamptz, -- NULL: there is nothing to send
    leased_until         timestamptz, -- a node sends until then, and no other does
    created_at           timestamptz not null,
    updated_at           timestamptz not null, -- when somebody last decided about it
    primary key (org_id, id)
);
call isolate_by_organization('webhooks', 'select, insert, update, delete');
create index webhooks_due on webhooks (due_at) where due_at is not null;
create index webhooks_leased on webhooks (leased_until) where leased_until is not null;
create index webhooks_of_all on webhooks (org_id) where scope = 'all';

-- What became of an event at a webhook. `waiting`: set aside, and tried again by itself.
create table webhook_deliveries (
    org_id      uuid not null default current_org_id(),
    webhook_id  uuid not null,
    audit_event uuid not null, -- its id,
    event_org   uuid not null, -- in whose log it is
    occurred_at timestamptz not null,
    status      text not null check (status in ('waiting', 'delivered', 'dead')),
    attempts    integer not null,
    http_status integer,       -- that was answered last
    failure     text,          -- why it was not taken, in our words
    tried_at    timestamptz not null,
    next_try_at timestamptz,
    primary key (org_id, webhook_id, audit_event),
    foreign key (org_id, webhook_id) references webhooks (org_id, id) on delete cascade
);
call isolate_by_organization('webhook_deliveries', 'select, insert, update');
create index webhook_deliveries_waiting on webhook_deliveries (org_id, webhook_id, next_try_at) where status = 'waiting';
create index webhook_deliveries_done on webhook_deliveries (tried_at) where status <> 'waiting';
create policy clean on webhook_deliveries to orgate_clean using (true);
grant select (org_id, webhook_id, audit_event, status, tried_at), delete on webhook_deliveries to orgate_clean;

create policy deliver on webhooks to orgate_deliver using (true);
grant select (org_id, id, host, status, due_at, leased_until), update (leased_until) on webhooks to orgate_deliver;
create policy sequence on webhooks to orgate_sequence using (true);
grant select (org_id, id, scope, status, retry_at, due_at), update (due_at) on webhooks to orgate_sequence;

create policy watch on audit_events for select to orgate_watch using (true);
grant select (
    org_id, occurred_at, id, action, outcome, reason, actor_kind, actor_id, user_id, session_id, client_id, address,
    user_agent, request_id, detail
) on audit_events to orgate_watch;
create policy watch on event_positions for select to orgate_watch using (true);
grant select on event_positions to orgate_watch;
create policy watch on webhooks for select to orgate_watch using (true);
grant select (org_id, id, scope) on webhooks to orgate_watch;
create policy watch on organizations for select to orgate_watch using (true);
grant select (org_id, is_operator) on organizations to orgate_watch;

-- Gives positions to events that have none, `most` at once, and wakes the webhooks that may have to tell of them; to how
-- many it did. Between two calls, what was visible is compared with what is: an event is found however late it commits,
-- and whatever else is under way.
create function sequence_events(most integer, at timestamptz) returns integer
    language plpgsql set lock_timeout = '2s'
    as $$
declare
    before pg_snapshot;
    after  pg_snapshot;
    last   bigint;
    given  integer;
    of     uuid[];
begin
    -- One transaction at a time: the next sees what this one gave.
    if not pg_try_advisory_xact_lock(hashtextextended('sequence_events', 0)) then
        return 0;
    end if;
    select seen into before from event_sequencer;
    -- Transactions begin anew where a dump is restored: everything is looked at once.
    if pg_snapshot_xmax(before) > pg_snapshot_xmax(pg_current_snapshot()) then
        before := null;
    end if;
    select coalesce(max(place), 0) into last from event_positions;
    with fresh as (
        select event.org_id, event.occurred_at, event.id, event.written_as
        from audit_events event
        where event.written_by >= coalesce(pg_snapshot_xmin(before), '0')
          and pg_visible_in_snapshot(event.written_by, before) is not true
          and not exists (
              select from event_positions given
              where given.org_id = event.org_id and given.occurred_at = event.occurred_at and given.audit_event = event.id
          )
        order by event.written_as
        limit most
    ), placed as (
        insert into event_positions (org_id, position, place, occurred_at, audit_event)
        select fresh.org_id,
               coalesce((select max(other.position) from event_positions other where other.org_id = fresh.org_id), 0)
                   + row_number() over (partition by fresh.org_id order by fresh.written_as),
               last + row_number() over (order by fresh.written_as), fresh.occurred_at, fresh.id
        from fresh
        returning org_id
    )
    select count(*), array_agg(distinct org_id), pg_current_snapshot() into given, of, after from placed;
    -- All that was visible has a position. Where nothing happens, nothing is written.
    if given < most and (given > 0 or before is null
            or pg_snapshot_xmax(after)::text::bigint - pg_snapshot_xmax(before)::text::bigint > 1000) then
        update event_sequencer set seen = after;
    end if;
    if given > 0 then
        -- Whoever has just found nothing to send, and is about to say so, comes before or after, not between.
        perform from webhooks
            where status = 'enabled' and (org_id = any(of) or scope = 'all') order by org_id, id for update;
        -- What was set aside may be due later; what failed in order is waited for.
        update webhooks set due_at = greatest(at, retry_at)
            where (due_at is null or due_at > greatest(at, retry_at))
              and status = 'enabled' and (org_id = any(of) or scope = 'all');
    end if;
    return given;
end
$$;
revoke execute on function sequence_events(integer, timestamptz) from public;
grant execute on function sequence_events(integer, timestamptz) to orgate_sequence;
