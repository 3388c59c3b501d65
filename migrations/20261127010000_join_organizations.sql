-- Joining without an invitation: whom an organization lets join, or ask, and who asked. Closed until an organization says
-- otherwise. The release before knows nothing of it, and takes what was invited so for any other invitation.

-- What it allows whoever has an address of one of its verified domains, and whoever has another one. `set_by` vouches for the
-- roles that joining gives.
create table joining (
    org_id  uuid not null default current_org_id() references organizations (org_id),
    domains text not null check (domains in ('closed', 'request', 'automatic')),
    others  text not null check (others in ('closed', 'request')), -- nobody's word is behind their address
    set_by  text not null,
    set_at  timestamptz not null,
    primary key (org_id)
);
call isolate_by_organization('joining', 'select, insert, update');
create trigger notify after insert or update or delete on joining for each row execute function notify_configuration();

-- What whoever joins is given. A role that goes is given to nobody any more.
create table joining_roles (
    org_id  uuid not null default current_org_id() references joining (org_id),
    role_id uuid not null,
    primary key (org_id, role_id),
    foreign key (org_id, role_id) references roles (org_id, id) on delete cascade
);
call isolate_by_organization('joining_roles', 'select, insert, delete');

-- Somebody typed an address. Only the link that is mailed to it proves that it is theirs: its hash is kept. Proven, it is an
-- open request until somebody decides it, or it was decided by what the organization allows.
create table join_requests (
    org_id           uuid not null default current_org_id() references organizations (org_id),
    id               uuid not null,
    token_hash       bytea not null check (length(token_hash) = 32), -- SHA-256
    email            text not null,
    email_normalized text not null,
    source           bytea not null, -- keyed hash of the address and of where it was typed
    name             text,
    message          text,
    client_org_id    uuid,           -- the application that they were on the way to
    client_id        uuid,
    created_at       timestamptz not null,
    proven_at        timestamptz,
    decided_at       timestamptz,
    decision         text check (decision in ('approved', 'automatic', 'denied', 'lapsed')),
    decided_by       text,
    invitation_id    uuid,           -- what came of it; it is erased with that, and that with its user
    expires_at       timestamptz not null, -- then it counts no more, and is deleted
    primary key (org_id, id),
    unique (org_id, token_hash),
    foreign key (client_org_id, client_id) references client_directory (org_id, id) on delete set null,
    foreign key (org_id, invitation_id) references invitations (org_id, id) on delete cascade,
    constraint join_requests_check
        check ((client_org_id is null) = (client_id is null) and (decided_at is null) = (decision is null)
               and (decided_at is null or proven_at is not null) and expires_at > created_at)
);
call isolate_by_organization('join_requests', 'select, insert, update');
create unique index join_requests_open_key on join_requests (org_id, email_normalized)
    where proven_at is not null and decided_at is null;
create index join_requests_by_email on join_requests (org_id, email_normalized, created_at);
create index join_requests_by_time on join_requests (org_id, created_at);
create index join_requests_by_invitation on join_requests (org_id, invitation_id) where invitation_id is not null;
create index join_requests_by_client on join_requests (client_org_id, client_id) where client_id is not null;
create index join_requests_by_end on join_requests (expires_at);
create policy clean on join_requests to orgate_clean using (true);
grant select (org_id, id, expires_at), delete on join_requests to orgate_clean;

-- An invitation that the organization's word on joining made, and that falls with it.
alter table invitations add column joins boolean not null default false;

-- The mail with the link.
alter table outbox
    drop constraint outbox_kind_check,
    add constraint outbox_kind_check
        check (kind in ('discovery_mail', 'notice', 'backchannel_logout', 'invitation', 'join'));

call admit_erasure('joining', 'org_id, ctid');
call admit_erasure('joining_roles', 'org_id, ctid');
call admit_erasure('join_requests', 'org_id, email_normalized, ctid');
grant select (email_normalized) on users to orgate_erase;

-- Both are checked as the role that they take, which nobody else lets call them.
grant execute on function erase_user(uuid), erase_some(integer) to orgate_erase;

-- As before, and with what the user's address asked for.
create or replace function erase_user(erased_id uuid) returns boolean
    language plpgsql
    set role = orgate_erase
    as $$
begin
    delete from authorization_requests waiting using sessions session
        where waiting.org_id = current_org_id() and session.org_id = current_org_id()
          and session.user_id = erased_id and waiting.consent_session_id = session.id;
    delete from authorization_codes where org_id = current_org_id() and user_id = erased_id;
    delete from grants where org_id = current_org_id() and user_id = erased_id;
    delete from upstream_requests where org_id = current_org_id() and user_id = erased_id;
    delete from sessions where org_id = current_org_id() and user_id = erased_id;
    delete from consents where org_id = current_org_id() and user_id = erased_id;
    delete from join_requests asked using users member
        where asked.org_id = current_org_id() and member.org_id = current_org_id() and member.id = erased_id
          and asked.email_normalized = member.email_normalized;
    delete from invitations where org_id = current_org_id() and user_id = erased_id;
    delete from recovery_codes where org_id = current_org_id() and user_id = erased_id;
    delete from password_credentials where org_id = current_org_id() and user_id = erased_id;
    delete from identity_links where org_id = current_org_id() and user_id = erased_id;
    delete from mapped_groups where org_id = current_org_id() and user_id = erased_id;
    delete from mapped_roles where org_id = current_org_id() and user_id = erased_id;
    delete from group_members where org_id = current_org_id() and user_id = erased_id;
    delete from role_assignments where org_id = current_org_id() and user_id = erased_id;
    delete from email_index where org_id = current_org_id() and user_id = erased_id;
    delete from person_links where org_id = current_org_id() and user_id = erased_id;
    delete from users where org_id = current_org_id() and id = erased_id;
    return found;
end
$$;

-- As before, and with what this adds.
create or replace function erase_some(most integer) returns bigint
    language plpgsql
    set role = orgate_erase
    as $$
declare
    target text;
    erased bigint;
begin
    if not exists (select from organizations own
                   where own.org_id = current_org_id() and own.erasing_since is not null and own.erased_at is null) then
        return 0;
    end if;
    foreach target in array array[
        -- First: what rests encrypted is nobody's to read from here on.
        'data_keys',
        'outbox', 'idempotency_keys', 'signals', 'stream_events', 'stream_exclusions', 'event_streams',
        'webhook_deliveries', 'webhooks', 'refresh_tokens', 'authorization_codes', 'consents', 'discovery_challenges',
        'upstream_sessions', 'upstream_requests', 'device_user_codes', 'device_requests', 'pushed_requests',
        'authorization_requests', 'grants', 'sessions', 'delegations', 'invitation_roles', 'invitation_groups',
        'join_requests', 'invitations', 'joining_roles', 'joining',
        'recovery_codes', 'password_credentials', 'identity_links', 'mapped_roles', 'mapped_groups', 'group_members',
        'role_assignments', 'email_index', 'person_links', 'sign_in_throttles', 'api_keys', 'users', 'sign_in_traces',
        'consumed_assertions', 'consumed_ids', 'revoked_tokens', 'connection_refreshes', 'connection_keys',
        'connection_domains', 'connection_pilots',
        'connections',
        'shared_domains', 'domain_transfers', 'domains', 'setup_links', 'client_roles', 'client_access',
        'client_permissions', 'client_registrations', 'client_documents', 'client_secrets', 'clients',
        'registration_tokens', 'group_roles', 'group_ancestors', 'group_parents', 'groups', 'role_permissions', 'roles',
        'permissions', 'policies', 'signing_keys', 'key_rings', 'event_positions',
        'audit_events'
    ] loop
        case target
            when 'connections' then
                -- Each refers to the other.
                with gone as (delete from connections where org_id = current_org_id() returning org_id)
                delete from connection_versions where org_id = current_org_id();
            when 'audit_events' then
                -- Of several partitions, in which a row's place is not its own alone.
                delete from audit_events event
                    using (select early.occurred_at, early.id from audit_events early
                           where early.org_id = current_org_id() order by early.occurred_at, early.id limit most) first
                    where event.org_id = current_org_id() and event.occurred_at = first.occurred_at and event.id = first.id;
            else
                execute format(
                    'delete from %1$I where org_id = current_org_id()
                     and ctid = any (array(select ctid from %1$I where org_id = current_org_id() limit $1))', target
                ) using most;
        end case;
        get diagnostics erased = row_count;
        if erased > 0 then
            return erased;
        end if;
    end loop;
    return 0;
end
$$;

revoke execute on function erase_user(uuid), erase_some(integer) from orgate_erase;
