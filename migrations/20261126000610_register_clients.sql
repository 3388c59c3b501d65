-- Clients that register themselves (RFC 7591, RFC 7592). The release before serves them as any client, and knows no more of them.
alter table policies
    add column client_registration text check (client_registration in ('allowed', 'forbidden'));

-- Initial access tokens: who shows one may register as many clients as it has uses left.
create table registration_tokens (
    org_id     uuid not null default current_org_id() references organizations (org_id),
    id         uuid not null,
    token_hash bytea not null, -- SHA-256
    uses_left  integer not null check (uses_left >= 0),
    created_at timestamptz not null,
    expires_at timestamptz not null,
    primary key (org_id, id),
    unique (org_id, token_hash)
);
call isolate_by_organization('registration_tokens', 'select, insert, update');

-- The clients that registered themselves, and have not removed themselves since: who shows the registration access
-- token of one may read, change and remove it.
create table client_registrations (
    org_id     uuid not null default current_org_id(),
    client_id  uuid not null,
    token_hash bytea not null, -- SHA-256 of the registration access token
    token_id   uuid not null,  -- the initial access token that it was registered by
    created_at timestamptz not null,
    primary key (org_id, client_id),
    unique (org_id, token_hash),
    foreign key (org_id, client_id) references clients (org_id, id),
    foreign key (org_id, token_id) references registration_tokens (org_id, id)
);
call isolate_by_organization('client_registrations', 'select, insert, delete');
