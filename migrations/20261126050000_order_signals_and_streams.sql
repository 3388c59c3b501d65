-- A stream hears of everything that is written after it was answered for. So whoever writes an event and whoever makes an
-- organization's stream, or takes one into use again, come one after the other: an event that was written before has been
-- committed, and one that is written after sees the stream.
create or replace function signal_streams() returns trigger
    language plpgsql
    as $$
begin
    perform pg_advisory_xact_lock_shared(hashtextextended('signals ' || new.org_id::text, 0));
    insert into signals (org_id, occurred_at, audit_event)
    select new.org_id, new.occurred_at, new.id
    where exists (select from event_streams stream where stream.org_id = new.org_id and stream.status <> 'disabled');
    return null;
end
$$;
