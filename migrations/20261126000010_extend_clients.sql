-- How a client may ask for tokens: how it proves itself, by which grants, for what, and how hard it
-- is bound. What is left out is as it was: every client keeps what it could do before.
alter table clients
    add column authentication                        text not null default 'client_secret'
        check (authentication in ('none', 'client_secret', 'client_secret_basic', 'client_secret_post', 'private_key_jwt')),
    add column jwks                                  jsonb,
    add column jwks_uri                              text,
    add column grant_types                           text[] not null default '{authorization_code,refresh_token}',
    add column scopes                                text[], -- NULL: any
    add column resources                             text[] not null default '{}',
    add column access_token_secs                     bigint check (access_token_secs > 0),
    add column refresh_idle_secs                     bigint check (refresh_idle_secs > 0),
    add column refresh_absolute_secs                 bigint check (refresh_absolute_secs > 0),
    add column profile                               text not null default 'oauth' check (profile in ('oauth', 'fapi2')),
    add column require_pushed_authorization_requests boolean not null default false,
    add column require_pkce                          boolean not null default true,
    add column dpop_bound_access_tokens              boolean not null default false,
    add column party                                 text not null default 'first' check (party in ('first', 'third')),
    add column userinfo_signing_algorithm            text
        check (userinfo_signing_algorithm in ('ES256', 'RS256', 'PS256', 'EdDSA')),
    add column backchannel_logout_uri                text,
    add column frontchannel_logout_uri               text,
    add constraint clients_one_key_source check (jwks is null or jwks_uri is null);

update clients set authentication = 'none' where kind in ('spa', 'native');
update clients set grant_types = '{client_credentials}' where kind = 'machine';

-- A secret that is replaced ends some time after its successor began.
grant update (expires_at) on client_secrets to orgate_app;

-- The roles that a machine client holds in an organization that it may act in.
create table client_roles (
    org_id        uuid not null default current_org_id(),
    client_org_id uuid not null,
    client_id     uuid not null,
    role_id       uuid not null,
    assigned_at   timestamptz not null,
    primary key (org_id, client_org_id, client_id, role_id),
    foreign key (org_id, role_id) references roles (org_id, id),
    foreign key (client_org_id, client_id) references client_directory (org_id, id)
);
call isolate_by_organization('client_roles', 'select, insert, delete');

-- What a code, a family and a waiting request are for (RFC 8707), and the key that they are bound to
-- (RFC 9449 §10).
alter table authorization_requests add column resource text, add column dpop_jkt text;
alter table authorization_codes add column resource text, add column dpop_jkt text;
alter table grants add column resource text, add column dpop_jkt text;
-- A confidential client that an operator exempted from PKCE sends none.
alter table authorization_requests alter column code_challenge drop not null;
alter table authorization_codes alter column code_challenge drop not null;

-- Access tokens that were revoked one by one (RFC 7009). A row goes when its token has expired.
create table revoked_tokens (
    org_id     uuid not null default current_org_id() references organizations (org_id),
    jti        text not null,
    revoked_at timestamptz not null,
    expires_at timestamptz not null,
    primary key (org_id, jti)
);
call isolate_by_organization('revoked_tokens', 'select, insert');
create index revoked_tokens_by_expiry on revoked_tokens (expires_at);
create policy clean on revoked_tokens to orgate_clean using (true);
grant select (org_id, jti, expires_at), delete on revoked_tokens to orgate_clean;

-- Ids that are good once, of things that clients sign: assertions, request objects, DPoP proofs. In the
-- organization of the client's owner. A row goes when what it names has expired.
create table consumed_ids (
    org_id     uuid not null default current_org_id() references organizations (org_id),
    kind       text not null check (kind in ('client_assertion', 'dpop_proof', 'grant_assertion')),
    id_hash    bytea not null, -- SHA-256 over the client's id and the id
    expires_at timestamptz not null,
    primary key (org_id, kind, id_hash)
);
call isolate_by_organization('consumed_ids', 'select, insert');
create index consumed_ids_by_expiry on consumed_ids (expires_at);
create policy clean on consumed_ids to orgate_clean using (true);
grant select (org_id, kind, id_hash, expires_at), delete on consumed_ids to orgate_clean;

-- Events of many organizations, written together: a token for a machine changes nothing but the log,
-- and a commit of its own for each would cost more than all else about it. The role may insert and do
-- nothing else; it cannot even read what it wrote.
do $$
declare
    may_take text := case when current_setting('server_version_num')::integer < 160000 then 'member' else 'set' end;
begin
    begin
        create role orgate_journal nologin noinherit;
    exception when duplicate_object or unique_violation then
        null;
    end;
    if not pg_has_role(current_user, 'orgate_journal', may_take) then
        execute case when may_take = 'set' then 'grant orgate_journal to current_user with inherit false, set true'
                     else 'grant orgate_journal to current_user' end;
    end if;
    grant usage on schema public to orgate_journal;
end
$$;
create policy journal on audit_events for insert to orgate_journal with check (true);
grant insert on audit_events to orgate_journal;
