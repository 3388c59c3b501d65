-- When each SAML connection is looked after next: its identity provider's metadata is fetched again, and
-- the expiry of its certificates looked at.

-- The role that claims what is due; made as those of the first migration are.
do $$
declare
    may_take text := case when current_setting('server_version_num')::integer < 160000 then 'member' else 'set' end;
begin
    begin
        create role orgate_refresh nologin noinherit;
    exception when duplicate_object or unique_violation then
        null;
    end;
    if not pg_has_role(current_user, 'orgate_refresh', may_take) then
        execute case when may_take = 'set' then 'grant orgate_refresh to current_user with inherit false, set true'
                     else 'grant orgate_refresh to current_user' end;
    end if;
    grant usage on schema public to orgate_refresh;
end
$$;

create table connection_refreshes (
    org_id        uuid not null default current_org_id(),
    connection_id uuid not null,
    due_at        timestamptz not null,
    last_error    text,
    -- A change of the provider's keys that nothing vouches for: it waits until somebody approves it.
    proposed      jsonb,
    -- Of the certificate that expires first: the last notice that was given, in days before.
    noticed_days  integer,
    noticed_for   timestamptz,
    primary key (org_id, connection_id),
    foreign key (org_id, connection_id) references connections (org_id, id)
);
call isolate_by_organization('connection_refreshes', 'select, insert, update');
create index connection_refreshes_by_due on connection_refreshes (due_at);
create index connection_refreshes_by_notice on connection_refreshes (noticed_days) where noticed_days is not null;
create policy refresh on connection_refreshes to orgate_refresh using (true);
grant select (org_id, connection_id, due_at, noticed_days), update (due_at) on connection_refreshes to orgate_refresh;

insert into connection_refreshes (org_id, connection_id, due_at)
select org_id, id, now() from connections where protocol = 'saml';
