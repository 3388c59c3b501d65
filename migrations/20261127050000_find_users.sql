-- Users are found by how a part of their name or address begins, and by how long they have not signed in; sign-ins are counted by
-- day. The release before writes users and events as it did: the database adds what is found by, and one job of the new release
-- counts what is in the log.

-- Tables that sign-ins use are locked for a moment. Where one is in use for longer, this fails, and can be run again, instead of
-- holding up everybody.
set local lock_timeout = '10s';

-- As compared: without case, and in one form. Where the database knows no language by itself, ICU's rules are the same everywhere.
do $$
declare
    of text := case when exists (select from pg_collation where collname = 'und-x-icu') then 'collate "und-x-icu"' else '' end;
    form text := case when current_setting('server_encoding') = 'UTF8' then 'normalize(word, NFKC)' else 'word' end;
begin
    execute format(
        'create function folded(word text) returns text language sql immutable as %L', format('select lower(%s %s)', form, of)
    );
end
$$;
revoke execute on function folded(text) from public;
grant execute on function folded(text) to orgate_app;

-- What a user is found by: how each part of their name begins, and of what is before the @ of their address. `jean-luc` is found
-- by `luc` too. Compared byte by byte, so that an index finds it below row-level security.
create function words_of(name text, email text) returns table (word text)
    language sql immutable
    as $$
    select distinct left(substring(part.word from at), 60)
    from (
        select name_part.word, length(name_part.word) as until
        from regexp_split_to_table(folded(name), '\s+') with ordinality as name_part (word, nth) where name_part.nth <= 20
        union all
        select folded(email), position('@' in folded(email)) - 1 where email is not null
    ) part
    cross join generate_series(1, part.until) at
    where (at = 1 or position(substring(part.word from at - 1 for 1) in '-_.+''’/(&,"') > 0)
      and position(substring(part.word from at for 1) in '-_.+''’/(&,"') = 0
    $$;
revoke execute on function words_of(text, text) from public;
grant execute on function words_of(text, text) to orgate_app;

create table user_words (
    org_id  uuid not null default current_org_id(),
    word    text collate "C" not null,
    user_id uuid not null,
    primary key (org_id, word, user_id),
    foreign key (org_id, user_id) references users (org_id, id) on delete cascade
);
call isolate_by_organization('user_words', 'select, insert, delete');
create index user_words_by_user on user_words (org_id, user_id, word);
call erase_before('user_words', 'users');

create function keep_words() returns trigger
    language plpgsql
    as $$
begin
    if tg_op = 'UPDATE' then
        delete from user_words where org_id = new.org_id and user_id = new.id;
    end if;
    insert into user_words (org_id, word, user_id)
        select new.org_id, found.word, new.id from words_of(new.name, new.email_normalized) found;
    return null;
end
$$;
create trigger keep_words after insert on users for each row execute function keep_words();
create trigger keep_other_words after update of name, email_normalized on users
    for each row when (old.name is distinct from new.name or old.email_normalized is distinct from new.email_normalized)
    execute function keep_words();

-- When each user was last there.
create table user_activity (
    org_id       uuid not null default current_org_id(),
    user_id      uuid not null,
    signed_in_at timestamptz, -- NULL: not since this is kept
    active_at    timestamptz, -- the same, or when they were made or let in again; NULL: they may not sign in
    primary key (org_id, user_id),
    foreign key (org_id, user_id) references users (org_id, id) on delete cascade
);
call isolate_by_organization('user_activity', 'select, insert, update');
create index user_activity_by_time on user_activity (org_id, active_at) include (signed_in_at) where active_at is not null;
call erase_before('user_activity', 'users');

create function keep_activity() returns trigger
    language plpgsql
    as $$
begin
    insert into user_activity (org_id, user_id, active_at)
        values (new.org_id, new.id, case when new.status = 'active' then new.updated_at end)
        on conflict (org_id, user_id) do update set active_at = excluded.active_at;
    return null;
end
$$;
create trigger keep_activity after insert on users for each row execute function keep_activity();
create trigger keep_other_activity after update of status on users
    for each row when (old.status is distinct from new.status) execute function keep_activity();

-- How often people signed in, or could not, on one day in UTC.
create table sign_in_days (
    org_id  uuid not null default current_org_id() references organizations (org_id),
    day     date not null,
    outcome text not null check (outcome in ('success', 'refused')),
    method  text not null, -- by what; nothing, where it was refused
    number  bigint not null,
    primary key (org_id, day, outcome, method)
);
call isolate_by_organization('sign_in_days', 'select');
create index sign_in_days_by_day on sign_in_days (day);
call erase_before('sign_in_days', 'event_positions');
create policy clean on sign_in_days to orgate_clean using (true);
grant select (org_id, day, outcome, method), delete on sign_in_days to orgate_clean;

-- Made as the first ones were.
do $$
declare
    may_take text := case when current_setting('server_version_num')::integer < 160000 then 'member' else 'set' end;
begin
    begin
        create role orgate_tally nologin noinherit;
    exception when duplicate_object or unique_violation then
        null;
    end;
    if not pg_has_role(current_user, 'orgate_tally', may_take) then
        execute case when may_take = 'set' then 'grant orgate_tally to current_user with inherit false, set true'
                     else 'grant orgate_tally to current_user' end;
    end if;
end
$$;
grant usage on schema public to orgate_tally;

-- Up to which place of the log was counted. It is nobody's, and says nothing of anybody.
create table sign_in_tally (
    is_only boolean primary key default true check (is_only),
    place   bigint not null
);
insert into sign_in_tally (place) values (0);
alter table sign_in_tally enable row level security;
alter table sign_in_tally force row level security;
create policy tally on sign_in_tally to orgate_tally using (true);
grant select, update (place) on sign_in_tally to orgate_tally;

create policy tally on event_positions for select to orgate_tally using (true);
grant select on event_positions to orgate_tally;
create policy tally on audit_events for select to orgate_tally using (true);
grant select (org_id, occurred_at, id, action, user_id, detail) on audit_events to orgate_tally;
create policy tally on organizations for select to orgate_tally using (true);
grant select (org_id, erasing_since) on organizations to orgate_tally;
create policy tally on sign_in_days to orgate_tally using (true);
grant select, insert, update (number) on sign_in_days to orgate_tally;
create policy tally on user_activity to orgate_tally using (true);
grant select, update (signed_in_at, active_at) on user_activity to orgate_tally;

-- Counts what came to the log since, at most so many events; whether there may be more. It waits for nobody for long: whoever
-- changes users comes first.
create function tally_sign_ins(succeeded text[], refused text[], most integer) returns boolean
    language plpgsql set lock_timeout = '200ms'
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
        select event.org_id, (event.occurred_at at time zone 'UTC')::date as day, event.occurred_at, event.user_id,
               event.action = any(succeeded) as is_success, coalesce(event.detail ->> 'method', '') as method
        from event_positions given
        join audit_events event on event.org_id = given.org_id and event.occurred_at = given.occurred_at
                               and event.id = given.audit_event
        where given.place > before and given.place <= up_to and event.action = any(succeeded || refused)
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
revoke execute on function tally_sign_ins(text[], text[], integer) from public;
grant execute on function tally_sign_ins(text[], text[], integer) to orgate_tally;
