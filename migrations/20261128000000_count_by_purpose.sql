-- Sign-ins are counted by what the events say that they were for, and each event is looked up by its key, however many there are.
-- A node of the release before counts as it did, by the function that it knows, until it is replaced.

-- As words of users are kept: what is looked for.
create function sought_word(word text) returns text
    language sql immutable
    return left(folded(word), 60);
revoke execute on function sought_word(text) from public;
grant execute on function sought_word(text) to orgate_app;

-- Counts what came to the log since, at most so many events; whether there may be more. What was refused counts as a sign-in that
-- failed unless it says that it was for something else; what a provider sent, if it says that it was for one. It waits for nobody
-- for long: whoever changes users comes first.
create function tally_sign_ins(succeeded text[], refused text[], refused_of_providers text[], most integer) returns boolean
    language plpgsql set lock_timeout = '200ms' set jit = off
    as $$
declare
    before bigint;
    up_to  bigint;
    passed integer;
begin
    -- One transaction at a time: the next goes on from where this one was.
    if not pg_try_advisory_xact_lock(hashtextextended('tally_sign_ins', 0)) then
        return false;
    end if;
    select place into before from sign_in_tally;
    select max(next.place), count(*) into up_to, passed
        from (select place from event_positions where place > before order by place limit most) next;
    if up_to is null then
        return false;
    end if;
    with counted as materialized (
        select given.org_id, (given.occurred_at at time zone 'UTC')::date as day, given.occurred_at, event.user_id,
               event.action = any(succeeded) as is_success, coalesce(event.detail ->> 'method', '') as method
        from event_positions given
        -- Not a join: whichever way is planned for one, it reads partitions as a whole when there are many.
        cross join lateral (
            select logged.action, logged.user_id, logged.detail from audit_events logged
            where logged.org_id = given.org_id and logged.occurred_at = given.occurred_at and logged.id = given.audit_event
            offset 0
        ) event
        where given.place > before and given.place <= up_to
          and (event.action = any(succeeded)
               or event.action = any(refused) and coalesce(event.detail ->> 'purpose', 'sign_in') = 'sign_in'
               or event.action = any(refused_of_providers) and event.detail ->> 'purpose' = 'sign_in')
    ), summed as (
        insert into sign_in_days (org_id, day, outcome, method, number)
        select counted.org_id, counted.day, case when counted.is_success then 'success' else 'refused' end,
               case when counted.is_success then counted.method else '' end, count(*)
        from counted
        join organizations organization on organization.org_id = counted.org_id and organization.erasing_since is null
        group by 1, 2, 3, 4
        on conflict (org_id, day, outcome, method) do update set number = sign_in_days.number + excluded.number
    )
    update user_activity seen
        set signed_in_at = greatest(seen.signed_in_at, last.at),
            active_at = case when seen.active_at is not null then greatest(seen.active_at, last.at) end
        from (
            select counted.org_id, counted.user_id, max(counted.occurred_at) as at from counted
            where counted.is_success and counted.user_id is not null group by 1, 2
        ) last
        where seen.org_id = last.org_id and seen.user_id = last.user_id;
    update sign_in_tally set place = up_to;
    return passed >= most;
end
$$;
revoke execute on function tally_sign_ins(text[], text[], text[], integer) from public;
grant execute on function tally_sign_ins(text[], text[], text[], integer) to orgate_tally;
