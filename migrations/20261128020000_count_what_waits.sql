-- How much waits to be done in the background, and since when, for whoever runs the installation.

set local lock_timeout = '10s';

-- A role of its own: what is due when, and neither whose nor what. Made as the first ones were.
do $$
declare
    may_take text := case when current_setting('server_version_num')::integer < 160000 then 'member' else 'set' end;
begin
    begin
        create role orgate_observe nologin noinherit;
    exception when duplicate_object or unique_violation then
        null;
    end;
    if not pg_has_role(current_user, 'orgate_observe', may_take) then
        execute case when may_take = 'set' then 'grant orgate_observe to current_user with inherit false, set true'
                     else 'grant orgate_observe to current_user' end;
    end if;
end
$$;
grant usage on schema public to orgate_observe;

-- The oldest of each kind, however many wait of the other.
create index outbox_mails_by_age on outbox (created_at)
    where delivered_at is null and failed_at is null and kind <> 'backchannel_logout';
create index outbox_logouts_by_age on outbox (created_at)
    where delivered_at is null and failed_at is null and kind = 'backchannel_logout';
create policy observe on outbox for select to orgate_observe using (true);
grant select (kind, created_at, delivered_at, failed_at) on outbox to orgate_observe;
create policy observe on webhooks for select to orgate_observe using (true);
grant select (due_at) on webhooks to orgate_observe;
create policy observe on event_streams for select to orgate_observe using (true);
grant select (due_at) on event_streams to orgate_observe;
create policy observe on connection_refreshes for select to orgate_observe using (true);
grant select (due_at) on connection_refreshes to orgate_observe;
create policy observe on domains for select to orgate_observe using (true);
grant select (due_at) on domains to orgate_observe;
create policy observe on key_rings for select to orgate_observe using (true);
grant select (due_at) on key_rings to orgate_observe;
create policy observe on organizations for select to orgate_observe using (true);
grant select (status, erase_after, erased_at) on organizations to orgate_observe;
create policy observe on event_positions for select to orgate_observe using (true);
grant select (place, occurred_at) on event_positions to orgate_observe;
create policy observe on sign_in_tally for select to orgate_observe using (true);
grant select (place) on sign_in_tally to orgate_observe;
