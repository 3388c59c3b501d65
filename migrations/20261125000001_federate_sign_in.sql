-- Sign-in through an organization's own identity provider: connections and their versions, who was
-- bound to whom, what the provider gives them, and what keeps each answer to one use.

-- An address that an identity provider asserts outside of the organization's domains is not the user's:
-- it is kept with the identity link, and the user has none.
alter table users
    alter column email drop not null,
    alter column email_normalized drop not null,
    -- Exempt from enforced SSO, with a recovery credential: for the day the identity provider fails.
    add column break_glass boolean not null default false,
    add constraint users_email_check
        check ((email is null) = (email_normalized is null) and (email is not null or not email_verified));

alter table policies
    add column sso_enforcement text check (sso_enforcement in ('off', 'domains', 'organization'));

-- `live_version` is what sign-ins use; `tested_version` the last one that a test went through. The
-- latest version is what tests use.
alter table connections
    add column slug text not null,
    add column vendor text not null default 'custom',
    add column position integer not null default 0,
    add column icon_url text,
    add column live_version integer,
    add column tested_version integer,
    add constraint connections_slug_key unique (org_id, slug),
    add constraint connections_live_check check (state not in ('pilot', 'active') or live_version is not null);

-- What a connection was set to, at each change. Never changed, so that any of them can be returned to.
create table connection_versions (
    org_id        uuid not null default current_org_id(),
    connection_id uuid not null,
    version       integer not null check (version > 0),
    settings      jsonb not null,
    secrets       bytea, -- AES-256-GCM under the organization's data key
    created_at    timestamptz not null,
    primary key (org_id, connection_id, version),
    foreign key (org_id, connection_id) references connections (org_id, id)
);
call isolate_by_organization('connection_versions', 'select, insert');

alter table connections
    add foreign key (org_id, id, live_version) references connection_versions (org_id, connection_id, version),
    add foreign key (org_id, id, tested_version) references connection_versions (org_id, connection_id, version);

-- The keys of a SAML connection: each is published before it is used, and after, so that no identity
-- provider has to be told on the same minute.
create table connection_keys (
    org_id        uuid not null default current_org_id(),
    connection_id uuid not null,
    id            uuid not null,
    purpose       text not null check (purpose in ('signing', 'encryption')),
    state         text not null check (state in ('next', 'current', 'retired')),
    private_key   bytea not null, -- PKCS#8, AES-256-GCM under the organization's data key
    certificate   bytea not null, -- DER
    created_at    timestamptz not null,
    expires_at    timestamptz not null,
    primary key (org_id, connection_id, id),
    foreign key (org_id, connection_id) references connections (org_id, id)
);
call isolate_by_organization('connection_keys', 'select, insert, update, delete');
create unique index connection_keys_place on connection_keys (org_id, connection_id, purpose, state) where state <> 'retired';

-- The verified domains whose addresses a connection may assert.
create table connection_domains (
    org_id        uuid not null default current_org_id(),
    connection_id uuid not null,
    domain_id     uuid not null,
    primary key (org_id, connection_id, domain_id),
    foreign key (org_id, connection_id) references connections (org_id, id),
    foreign key (org_id, domain_id) references domains (org_id, id) on delete cascade
);
call isolate_by_organization('connection_domains', 'select, insert, delete');
create index connection_domains_by_domain on connection_domains (org_id, domain_id);

-- Who may use a connection that is in its pilot.
create table connection_pilots (
    org_id           uuid not null default current_org_id(),
    connection_id    uuid not null,
    email_normalized text not null,
    primary key (org_id, connection_id, email_normalized),
    foreign key (org_id, connection_id) references connections (org_id, id)
);
call isolate_by_organization('connection_pilots', 'select, insert, delete');

-- What the application asks of the authentication is passed on to the identity provider.
alter table authorization_requests add column acr_values text not null default '';

-- Who a user is at the identity provider. The only thing that binds one to the other.
create table identity_links (
    org_id          uuid not null default current_org_id(),
    connection_id   uuid not null,
    subject         text not null,
    user_id         uuid not null,
    asserted_email  text, -- as the identity provider says it; matches and links nothing
    linked_at       timestamptz not null,
    last_used_at    timestamptz not null,
    primary key (org_id, connection_id, subject),
    foreign key (org_id, connection_id) references connections (org_id, id),
    foreign key (org_id, user_id) references users (org_id, id)
);
call isolate_by_organization('identity_links', 'select, insert, update, delete');
create index identity_links_by_user on identity_links (org_id, user_id);

-- What a connection gives a user, replaced at every sign-in through it. What was given by hand is in
-- `role_assignments` and `group_members`, and stays.
create table mapped_roles (
    org_id        uuid not null default current_org_id(),
    user_id       uuid not null,
    connection_id uuid not null,
    role_id       uuid not null,
    primary key (org_id, user_id, connection_id, role_id),
    foreign key (org_id, user_id) references users (org_id, id),
    foreign key (org_id, connection_id) references connections (org_id, id),
    foreign key (org_id, role_id) references roles (org_id, id) on delete cascade
);
call isolate_by_organization('mapped_roles', 'select, insert, delete');
create index mapped_roles_by_role on mapped_roles (org_id, role_id);

create table mapped_groups (
    org_id        uuid not null default current_org_id(),
    user_id       uuid not null,
    connection_id uuid not null,
    group_id      uuid not null,
    primary key (org_id, user_id, connection_id, group_id),
    foreign key (org_id, user_id) references users (org_id, id),
    foreign key (org_id, connection_id) references connections (org_id, id),
    foreign key (org_id, group_id) references groups (org_id, id) on delete cascade
);
call isolate_by_organization('mapped_groups', 'select, insert, delete');
create index mapped_groups_by_group on mapped_groups (org_id, group_id);

-- A browser that was sent to an identity provider. Consumed once, by the answer that is accepted.
create table upstream_requests (
    org_id                   uuid not null default current_org_id(),
    state_hash               bytea not null, -- SHA-256 of OAuth's `state`, or of the SAML request's id
    connection_id            uuid not null,
    version                  integer not null,
    purpose                  text not null check (purpose in ('sign_in', 'test', 'link')),
    request_handle           bytea,          -- of the authorization request that waits
    user_id                  uuid,           -- who links an identity
    browser_hash             bytea not null,
    created_at               timestamptz not null,
    expires_at               timestamptz not null,
    answer                   bytea,          -- an accepted assertion that waits for its browser; sealed
    answered_at              timestamptz,
    consumed_at              timestamptz,
    primary key (org_id, state_hash),
    foreign key (org_id, connection_id, version) references connection_versions (org_id, connection_id, version),
    foreign key (org_id, request_handle) references authorization_requests (org_id, handle_hash) on delete cascade,
    foreign key (org_id, user_id) references users (org_id, id)
);
call isolate_by_organization('upstream_requests', 'select, insert, update');
create index upstream_requests_by_expiry on upstream_requests (expires_at);
create index upstream_requests_by_request on upstream_requests (org_id, request_handle);

-- Assertions and logout tokens that were accepted: none is, twice.
create table consumed_assertions (
    org_id        uuid not null default current_org_id(),
    connection_id uuid not null,
    assertion_id  text not null,
    expires_at    timestamptz not null,
    primary key (org_id, connection_id, assertion_id),
    foreign key (org_id, connection_id) references connections (org_id, id)
);
call isolate_by_organization('consumed_assertions', 'select, insert');
create index consumed_assertions_by_expiry on consumed_assertions (expires_at);

alter table sessions
    add column method text not null default 'password' check (method in ('password', 'recovery', 'connection')),
    add column connection_id uuid,
    add constraint sessions_connection_check check ((method = 'connection') = (connection_id is not null)),
    add foreign key (org_id, connection_id) references connections (org_id, id);
create index sessions_by_connection on sessions (org_id, connection_id) where connection_id is not null;
grant select (method, connection_id) on sessions to orgate_choose;
-- What the chooser calls a user without an address.
grant select (name) on users to orgate_choose;

-- The other end of a session that an identity provider began: what its logout names.
create table upstream_sessions (
    org_id        uuid not null default current_org_id(),
    session_id    uuid not null,
    connection_id uuid not null,
    subject       text not null,
    upstream_sid  text,  -- OIDC `sid`, or SAML's SessionIndex
    logout        bytea, -- the ID token or NameID that logging out there takes; sealed
    primary key (org_id, session_id),
    foreign key (org_id, session_id) references sessions (org_id, id) on delete cascade,
    foreign key (org_id, connection_id) references connections (org_id, id)
);
call isolate_by_organization('upstream_sessions', 'select, insert, update, delete');
create index upstream_sessions_by_subject on upstream_sessions (org_id, connection_id, subject);
create index upstream_sessions_by_sid on upstream_sessions (org_id, connection_id, upstream_sid);

-- What came of each sign-in through a connection, for whoever has to mend it. No secret, no token.
create table sign_in_traces (
    org_id        uuid not null default current_org_id(),
    id            uuid not null,
    connection_id uuid not null,
    version       integer not null,
    purpose       text not null,
    outcome       text not null check (outcome in ('success', 'refused')),
    failed_check  text,
    request_id    text,
    trace         jsonb not null,
    occurred_at   timestamptz not null,
    primary key (org_id, id),
    foreign key (org_id, connection_id) references connections (org_id, id)
);
call isolate_by_organization('sign_in_traces', 'select, insert');
create index sign_in_traces_by_connection on sign_in_traces (org_id, connection_id, occurred_at);
create index sign_in_traces_by_time on sign_in_traces (occurred_at);

-- Single-use codes for break-glass users; only the hash of each.
create table recovery_codes (
    org_id     uuid not null default current_org_id(),
    code_hash  bytea not null,
    user_id    uuid not null,
    created_at timestamptz not null,
    used_at    timestamptz,
    primary key (org_id, code_hash),
    foreign key (org_id, user_id) references users (org_id, id)
);
call isolate_by_organization('recovery_codes', 'select, insert, update, delete');
create index recovery_codes_by_user on recovery_codes (org_id, user_id);

-- What has expired is deleted by the job that cleans.
create policy clean on upstream_requests to orgate_clean using (true);
create policy clean on consumed_assertions to orgate_clean using (true);
create policy clean on sign_in_traces to orgate_clean using (true);
grant select (org_id, state_hash, expires_at), delete on upstream_requests to orgate_clean;
grant select (org_id, connection_id, assertion_id, expires_at), delete on consumed_assertions to orgate_clean;
grant select (org_id, id, occurred_at), delete on sign_in_traces to orgate_clean;

create trigger notify after insert or update or delete on connections for each row execute function notify_configuration();
create trigger notify after insert or update or delete on connection_domains for each row execute function notify_configuration();
create trigger notify after insert or update or delete on connection_keys for each row execute function notify_configuration();
