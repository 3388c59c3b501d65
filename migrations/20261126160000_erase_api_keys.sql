-- API keys are erased with their organization, and those of a user with them, by the foreign key. The release before knows no keys, and
-- would leave none that it did not make.

call admit_erasure('api_keys', 'org_id, ctid');

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
        'authorization_requests', 'grants', 'sessions', 'delegations', 'invitation_roles', 'invitation_groups', 'invitations',
        'recovery_codes', 'password_credentials', 'identity_links', 'mapped_roles', 'mapped_groups', 'group_members',
        'role_assignments', 'email_index', 'person_links', 'sign_in_throttles', 'api_keys', 'users', 'sign_in_traces',
        'consumed_assertions', 'consumed_ids', 'revoked_tokens', 'connection_refreshes', 'connection_keys',
        'connection_domains', 'connection_pilots'
    ] loop
        execute format(
            'delete from %1$I where org_id = current_org_id()
             and ctid = any (array(select ctid from %1$I where org_id = current_org_id() limit $1))', target
        ) using most;
        get diagnostics erased = row_count;
        if erased > 0 then
            return erased;
        end if;
    end loop;
    -- Each refers to the other.
    with gone as (delete from connections where org_id = current_org_id() returning org_id)
    delete from connection_versions where org_id = current_org_id();
    get diagnostics erased = row_count;
    if erased > 0 then
        return erased;
    end if;
    foreach target in array array[
        'shared_domains', 'domain_transfers', 'domains', 'setup_links', 'client_roles', 'client_access',
        'client_permissions', 'client_registrations', 'client_documents', 'client_secrets', 'clients',
        'registration_tokens', 'group_roles', 'group_ancestors', 'group_parents', 'groups', 'role_permissions', 'roles',
        'permissions', 'policies', 'signing_keys', 'key_rings', 'event_positions'
    ] loop
        execute format(
            'delete from %1$I where org_id = current_org_id()
             and ctid = any (array(select ctid from %1$I where org_id = current_org_id() limit $1))', target
        ) using most;
        get diagnostics erased = row_count;
        if erased > 0 then
            return erased;
        end if;
    end loop;
    -- Of several partitions, in which a row's place is not its own alone.
    delete from audit_events event
        using (select early.occurred_at, early.id from audit_events early
               where early.org_id = current_org_id() order by early.occurred_at, early.id limit most) first
        where event.org_id = current_org_id() and event.occurred_at = first.occurred_at and event.id = first.id;
    get diagnostics erased = row_count;
    return erased;
end
$$;
