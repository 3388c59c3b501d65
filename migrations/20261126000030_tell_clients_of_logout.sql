-- Clients are told that a session ended (OIDC Back-Channel Logout). Whatever ends it, the message is
-- written with it: a trigger cannot be forgotten by any of the ways that a session ends.
alter table client_directory add column backchannel_logout boolean not null default false;

alter table outbox
    drop constraint outbox_kind_check,
    add constraint outbox_kind_check check (kind in ('discovery_mail', 'notice', 'backchannel_logout'));

-- Mail and calls to clients are sent by two jobs, so that neither waits for the other.
grant select (kind) on outbox to orgate_deliver;

-- One message for each client that got tokens in the session and wants to be told. It holds ids only,
-- and so is not encrypted; the logout token is made when it is sent, fresh at each try.
create function tell_clients_of_logout() returns trigger
    language plpgsql
    as $$
begin
    insert into outbox (org_id, id, kind, payload, created_at, available_at)
    select new.org_id, gen_random_uuid(), 'backchannel_logout',
           convert_to(json_build_object(
               'client_owner', told.client_org_id, 'client_id', told.client_id, 'issuer', told.issuer,
               'user_id', new.user_id, 'session_id', new.id
           )::text, 'UTF8'),
           new.ended_at, new.ended_at
    from (
        select distinct family.client_org_id, family.client_id, family.issuer
        from grants family
        join client_directory directory on directory.org_id = family.client_org_id and directory.id = family.client_id
        where family.org_id = new.org_id and family.session_id = new.id and directory.backchannel_logout
    ) told;
    return null;
end
$$;
create trigger tell_clients_of_logout
    after update of ended_at on sessions
    for each row when (old.ended_at is null and new.ended_at is not null)
    execute function tell_clients_of_logout();
