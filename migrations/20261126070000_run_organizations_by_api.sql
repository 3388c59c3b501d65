-- What programs need that run organizations: requests that are sent again do nothing twice, and operators read which
-- organizations there are.

-- What a request with a key of its own made (draft-ietf-httpapi-idempotency-key-header). `key_hash` covers who asked,
-- `request_hash` what for.
create table idempotency_keys (
    org_id       uuid not null default current_org_id() references organizations (org_id),
    key_hash     bytea not null check (length(key_hash) = 32),
    request_hash bytea not null check (length(request_hash) = 32),
    made         uuid not null, -- the id of something of the organization's, or of an organization that the operator made
    created_at   timestamptz not null,
    primary key (org_id, key_hash)
);
call isolate_by_organization('idempotency_keys', 'select, insert, delete');
create index idempotency_keys_by_age on idempotency_keys (created_at);
create policy clean on idempotency_keys to orgate_clean using (true);
grant select (org_id, key_hash, created_at), delete on idempotency_keys to orgate_clean;

-- A role of its own: which organizations there are, and nothing in them. Made as the first ones were.
do $$
declare
    may_take text := case when current_setting('server_version_num')::integer < 160000 then 'member' else 'set' end;
begin
    begin
        create role orgate_operate nologin noinherit;
    exception when duplicate_object or unique_violation then
        null;
    end;
    if not pg_has_role(current_user, 'orgate_operate', may_take) then
        execute case when may_take = 'set' then 'grant orgate_operate to current_user with inherit false, set true'
                     else 'grant orgate_operate to current_user' end;
    end if;
end
$$;
grant usage on schema public to orgate_operate;
create policy operate on organizations for select to orgate_operate using (true);
grant select (org_id, slug, name, status, parent_id, is_operator, created_at, updated_at) on organizations to orgate_operate;
