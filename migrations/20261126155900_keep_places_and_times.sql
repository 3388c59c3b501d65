-- An erased organization takes its events' places with it, and no other event gets them: webhooks that tell of all organizations
-- are past them. And whoever deletes an organization says until when it can be restored: what the release before left of an
-- earlier deletion, which it does not know, does not count.

alter table event_sequencer add column last_place bigint not null default 0;
grant update (last_place) on event_sequencer to orgate_sequence;

create or replace function sequence_events(most integer, at timestamptz) returns integer
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
    select seen, last_place into before, last from event_sequencer;
    -- Transactions begin anew where a dump is restored: everything is looked at once.
    if pg_snapshot_xmax(before) > pg_snapshot_xmax(pg_current_snapshot()) then
        before := null;
    end if;
    select greatest(last, coalesce(max(place), 0)) into last from event_positions;
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
        update event_sequencer set last_place = last + given;
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

create function forget_erasure() returns trigger
    language plpgsql
    as $$
begin
    new.erase_after := null;
    return new;
end
$$;
create trigger forget_erasure before update of status on organizations
    for each row when (old.status is distinct from new.status and new.erase_after is not distinct from old.erase_after)
    execute function forget_erasure();
