-- What strangers can do by client documents is bounded: they tell no node to forget its configuration, they do not fill the
-- operator's organization, and what is not used any more goes. The release before knows none of the columns; the clients
-- that it makes count as the product's own that begin no sign-in, until they are saved again.
alter table client_directory
    add column party           text not null default 'first' -- as in clients
        check (party in ('first', 'third', 'unregistered')),
    add column initiates_login boolean not null default false;  -- whether it has an initiate_login_uri

alter table client_directory no force row level security;
alter table clients no force row level security;
update client_directory directory
set party = client.party, initiates_login = client.initiate_login_uri is not null
from clients client
where client.org_id = directory.org_id and client.id = directory.id;
alter table clients force row level security;
alter table client_directory force row level security;

-- Null: kept by the release before.
alter table client_documents add column host text;
comment on column client_documents.fetched_at is 'the last time that it was fetched';

-- A document that changes is about one client. Only what an operator does to one, its status, is told as all else is.
create function notify_client_directory() returns trigger
    language plpgsql
    as $$
begin
    if coalesce(new.party, old.party) = 'unregistered'
       and (tg_op <> 'UPDATE' or new.status is not distinct from old.status) then
        perform pg_notify(
            'orgate_configuration',
            'client_documents:' || coalesce(new.id, old.id)::text || ' ' || coalesce(new.client_id, old.client_id)
        );
    else
        perform pg_notify('orgate_configuration', 'client_directory:' || coalesce(new.org_id, old.org_id)::text);
    end if;
    return null;
end
$$;

-- Whoever writes here has written to client_directory before.
create function notify_client() returns trigger
    language plpgsql
    as $$
begin
    if coalesce(new.party, old.party) <> 'unregistered' then
        perform pg_notify('orgate_configuration', 'clients:' || coalesce(new.org_id, old.org_id)::text);
    end if;
    return null;
end
$$;

drop trigger notify on client_directory;
drop trigger notify on clients;
create trigger notify after insert or update or delete on client_directory for each row execute function notify_client_directory();
create trigger notify after insert or update or delete on clients for each row execute function notify_client();

-- The clean-up deletes documents that nothing refers to, and looks for what does.
create policy clean on client_documents to orgate_clean using (true);
create policy clean on clients to orgate_clean using (true);
create policy clean on client_directory to orgate_clean using (true);
create policy clean on client_access to orgate_clean using (true);
create policy clean on client_roles to orgate_clean using (true);
create policy clean on consents to orgate_clean using (true);
create policy clean on event_streams to orgate_clean using (true);
grant select (org_id, client_id, fetched_at), delete on client_documents to orgate_clean;
grant select (org_id, id), delete on clients to orgate_clean;
grant select (org_id, id, party, status), delete on client_directory to orgate_clean;
grant select (client_org_id, client_id) on authorization_codes to orgate_clean;
grant select (client_org_id, client_id) on authorization_requests to orgate_clean;
grant select (client_org_id, client_id) on client_access to orgate_clean;
grant select (client_org_id, client_id) on client_roles to orgate_clean;
grant select (client_org_id, client_id) on consents to orgate_clean;
grant select (client_org_id, client_id) on event_streams to orgate_clean;
grant select (client_org_id, client_id) on grants to orgate_clean;
grant select (client_id) on device_requests to orgate_clean;
grant select (client_id) on pushed_requests to orgate_clean;
