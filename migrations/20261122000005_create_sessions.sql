-- From the first request of a sign-in to the last refresh.

create table sessions (
    org_id       uuid not null default current_org_id() references organizations (org_id),
    id           uuid not null,
    user_id      uuid not null,
    token_hash   bytea not null, -- SHA-256 of the cookie's value; replaced at every sign-in
    auth_time    timestamptz not null,
    amr          text[] not null,
    created_at   timestamptz not null,
    last_seen_at timestamptz not null,
    expires_at   timestamptz not null,
    ended_at     timestamptz,
    address      inet,
    user_agent   text,
    browser_hash bytea, -- SHA-256 of the cookie of the browser it was last proven in
    primary key (org_id, id),
    foreign key (org_id, user_id) references users (org_id, id),
    constraint sessions_token_key unique (org_id, token_hash)
);
call isolate_by_organization('sessions', 'select, insert, update');
create index sessions_by_user on sessions (org_id, user_id);
create index sessions_by_end on sessions (least(expires_at, ended_at));
create policy choose on sessions for select to orgate_choose using (true);
grant select (org_id, id, user_id, token_hash, auth_time, amr, last_seen_at, expires_at, ended_at) on sessions to orgate_choose;

-- A request that waits for a person. One that has no organization yet belongs to the client's
-- owner; resolution consumes it, once, and makes its successor in the chosen organization.
create table authorization_requests (
    org_id         uuid not null default current_org_id() references organizations (org_id),
    id             uuid not null,
    handle_hash    bytea not null,  -- SHA-256 of the handle in the pages' address
    browser_hash   bytea not null,  -- SHA-256 of the cookie of the browser it is bound to
    client_org_id  uuid not null,
    client_id      uuid not null,
    resolved_by    text,            -- NULL: not resolved yet
    proven_hash    bytea,           -- keyed hash of the address proven by a discovery code
    expected_user  uuid,            -- nobody else will do (id_token_hint)
    redirect_uri   text not null,
    response_mode  text not null,
    scope          text not null,
    state          text,
    nonce          text,
    code_challenge text not null,
    prompt         text not null,
    max_age        integer,
    login_hint     text,
    ui_locales     text not null,
    created_at     timestamptz not null,
    expires_at     timestamptz not null,
    consumed_at    timestamptz,
    primary key (org_id, id),
    unique (org_id, handle_hash),
    foreign key (client_org_id, client_id) references client_directory (org_id, id)
);
call isolate_by_organization('authorization_requests', 'select, insert, update');
create index authorization_requests_by_expiry on authorization_requests (expires_at);

-- A mailed code that proves an address. Made for every address, known or not.
create table discovery_challenges (
    org_id       uuid not null default current_org_id(),
    id           uuid not null,
    request_id   uuid not null,
    email_hash   bytea not null,
    source_hash  bytea not null, -- keyed hash of the address and where it was asked from
    code_hash    bytea not null,
    tries_left   integer not null check (tries_left >= 0),
    created_at   timestamptz not null,
    expires_at   timestamptz not null,
    consumed_at  timestamptz,
    primary key (org_id, id),
    foreign key (org_id, request_id) references authorization_requests (org_id, id) on delete cascade
);
call isolate_by_organization('discovery_challenges', 'select, insert, update');
create index discovery_challenges_by_email on discovery_challenges (org_id, email_hash, created_at);
create index discovery_challenges_by_request on discovery_challenges (org_id, request_id);

-- A token family: what one authorization granted, through all its refreshes.
create table grants (
    org_id        uuid not null default current_org_id() references organizations (org_id),
    id            uuid not null,
    user_id       uuid not null,
    session_id    uuid not null,
    client_org_id uuid not null,
    client_id     uuid not null,
    scope         text not null,
    issuer        text not null,
    created_at    timestamptz not null,
    expires_at    timestamptz not null,
    revoked_at    timestamptz,
    primary key (org_id, id),
    foreign key (org_id, user_id) references users (org_id, id),
    foreign key (org_id, session_id) references sessions (org_id, id),
    foreign key (client_org_id, client_id) references client_directory (org_id, id)
);
call isolate_by_organization('grants', 'select, insert, update');
create index grants_by_session on grants (org_id, session_id);
create index grants_by_end on grants (least(expires_at, revoked_at));

create table authorization_codes (
    org_id         uuid not null default current_org_id(),
    code_hash      bytea not null,
    grant_id       uuid not null, -- the family that redeeming it starts
    user_id        uuid not null,
    session_id     uuid not null,
    client_org_id  uuid not null,
    client_id      uuid not null,
    redirect_uri   text not null,
    code_challenge text not null,
    scope          text not null,
    nonce          text,
    created_at     timestamptz not null,
    expires_at     timestamptz not null,
    redeemed_at    timestamptz,
    primary key (org_id, code_hash),
    foreign key (org_id, user_id) references users (org_id, id),
    foreign key (org_id, session_id) references sessions (org_id, id),
    foreign key (client_org_id, client_id) references client_directory (org_id, id)
);
call isolate_by_organization('authorization_codes', 'select, insert, update');
create index authorization_codes_by_expiry on authorization_codes (expires_at);
create index authorization_codes_by_session on authorization_codes (org_id, session_id);

create table refresh_tokens (
    org_id      uuid not null default current_org_id(),
    token_hash  bytea not null,
    grant_id    uuid not null,
    successor   bytea,       -- hash of the token it was exchanged for
    issued_at   timestamptz not null,
    expires_at  timestamptz not null,
    rotated_at  timestamptz,
    primary key (org_id, token_hash),
    foreign key (org_id, grant_id) references grants (org_id, id) on delete cascade,
    check ((rotated_at is null) = (successor is null))
);
call isolate_by_organization('refresh_tokens', 'select, insert, update');
create index refresh_tokens_by_grant on refresh_tokens (org_id, grant_id);
create index refresh_tokens_by_expiry on refresh_tokens (expires_at);

-- What has expired is deleted by a job: a session or a grant when nothing refers to it any more.
create policy clean on authorization_requests to orgate_clean using (true);
create policy clean on authorization_codes to orgate_clean using (true);
create policy clean on refresh_tokens to orgate_clean using (true);
create policy clean on grants to orgate_clean using (true);
create policy clean on sessions to orgate_clean using (true);
grant select (org_id, id, expires_at), delete on authorization_requests to orgate_clean;
grant select (org_id, code_hash, session_id, expires_at), delete on authorization_codes to orgate_clean;
grant select (org_id, token_hash, grant_id, expires_at), delete on refresh_tokens to orgate_clean;
grant select (org_id, id, session_id, expires_at, revoked_at), delete on grants to orgate_clean;
grant select (org_id, id, expires_at, ended_at), delete on sessions to orgate_clean;
