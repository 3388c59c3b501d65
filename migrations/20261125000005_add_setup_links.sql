-- Links that let an organization's IT set up its sign-in without an account, and what each version of a
-- connection has to say of who wrote it.

-- A bearer secret: only its hash is kept. `role_ceiling` are slugs: what is set up by the link gives no
-- other role. Empty: none.
create table setup_links (
    org_id       uuid not null default current_org_id() references organizations (org_id),
    id           uuid not null,
    token_hash   bytea not null, -- SHA-256
    purposes     text[] not null,
    role_ceiling text[] not null,
    created_by   text not null,
    created_at   timestamptz not null,
    expires_at   timestamptz not null,
    revoked_at   timestamptz,
    last_used_at timestamptz,
    primary key (org_id, id),
    unique (org_id, token_hash),
    constraint setup_links_check
        check (purposes <@ array['sso', 'domains'] and expires_at >= created_at)
);
call isolate_by_organization('setup_links', 'select, insert, update');

-- Who wrote a version, what they could give away at most, what they changed, and when it last went live.
-- `role_ceiling` null: the operator's word, without a ceiling.
alter table connection_versions
    add column role_ceiling text[],
    add column author_kind text not null default 'operator',
    add column author_id text,
    add column changed text[] not null default '{}',
    add column activated_at timestamptz;

-- What a version says never changes; that it went live is noted.
grant update (activated_at) on connection_versions to orgate_app;
