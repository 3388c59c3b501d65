-- Whatever ends a session ends what was granted in it, and has its clients told. The trigger that tells them now
-- revokes as well. The release before revokes by itself, and finds nothing left to do, or leaves nothing here.
create function end_session() returns trigger
    language plpgsql
    as $$
begin
    update grants set revoked_at = new.ended_at
    where org_id = new.org_id and session_id = new.id and revoked_at is null;

    -- One message for each client that got tokens in the session. A client that the organization may no longer use
    -- cannot be looked at here; whoever sends the message knows whether it wants to be told. The message holds ids
    -- only, and so is not encrypted; the logout token is made when it is sent, fresh at each try.
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
        left join client_directory directory
            on directory.org_id = family.client_org_id and directory.id = family.client_id
        where family.org_id = new.org_id and family.session_id = new.id
          and coalesce(directory.backchannel_logout, true)
    ) told;
    return null;
end
$$;
drop trigger tell_clients_of_logout on sessions;
create trigger end_session
    after update of ended_at on sessions
    for each row when (old.ended_at is null and new.ended_at is not null)
    execute function end_session();
drop function tell_clients_of_logout();
