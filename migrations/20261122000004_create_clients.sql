-- Clients: their settings and secrets in their owner's organization, and the resolver table that
-- says what every other organization needs to know of them.

-- Resolver: a client_id leads to its owner, and once used is never another client's.
create table client_directory (
    client_id          text primary key,
    org_id             uuid not null default current_org_id() references organizations (org_id),
    id                 uuid not null,
    name               text not null,
    audience           text not null check (audience in ('all', 'granted', 'owner')),
    status             text not null default 'active' check (status in ('active', 'disabled')),
    redirect_uris      text[] not null,
    unique (org_id, id)
);
call isolate_by_organization('client_directory', 'select, insert, update');
create policy resolve on client_directory for select to orgate_resolve using (true);
grant select on client_directory to orgate_resolve;

create table clients (
    org_id                    uuid not null default current_org_id(),
    id                        uuid not null,
    kind                      text not null check (kind in ('web', 'spa', 'native', 'machine')),
    post_logout_redirect_uris text[] not null,
    home_url                  text,
    resource                  text not null,
    signing_algorithm         text not null check (signing_algorithm in ('ES256', 'RS256')),
    created_at                timestamptz not null,
    updated_at                timestamptz not null,
    primary key (org_id, id),
    foreign key (org_id, id) references client_directory (org_id, id)
);
call isolate_by_organization('clients', 'select, insert, update');

create table client_secrets (
    org_id      uuid not null default current_org_id(),
    client_id   uuid not null,
    secret_hash bytea not null, -- SHA-256 of a secret of full entropy
    created_at  timestamptz not null,
    expires_at  timestamptz,
    primary key (org_id, client_id, secret_hash),
    foreign key (org_id, client_id) references clients (org_id, id)
);
call isolate_by_organization('client_secrets', 'select, insert, delete');

-- Organizations other than the owner that may use a client of audience `granted`.
create table client_access (
    org_id        uuid not null default current_org_id() references organizations (org_id),
    client_org_id uuid not null,
    client_id     uuid not null,
    granted_at    timestamptz not null,
    primary key (org_id, client_org_id, client_id),
    foreign key (client_org_id, client_id) references client_directory (org_id, id)
);
call isolate_by_organization('client_access', 'select, insert, delete');
-- Admission: an organization's transaction sees, besides its own clients, those it may use. Their
-- status is read where tokens are issued, never from a cache.
create policy admit on client_directory for select to orgate_app using (
    audience = 'all'
    or audience = 'granted' and exists (
        select from client_access access
        where access.org_id = current_org_id()
          and access.client_org_id = client_directory.org_id
          and access.client_id = client_directory.id
    )
);

-- The permissions that a client's resource knows; only these reach its tokens. No row: all of them.
create table client_permissions (
    org_id     uuid not null default current_org_id(),
    client_id  uuid not null,
    permission text not null,
    primary key (org_id, client_id, permission),
    foreign key (org_id, client_id) references clients (org_id, id)
);
call isolate_by_organization('client_permissions', 'select, insert, delete');

-- Which clients each organization may use, and their status: the clause that says it, beside the
-- policy that enforces it.
create view admitted_clients with (security_invoker) as
select organization.org_id, directory.org_id as client_org_id, directory.id as client_id, directory.status
from organizations organization
join client_directory directory
    on directory.org_id = organization.org_id
    or directory.audience = 'all'
    or directory.audience = 'granted' and exists (
        select from client_access access
        where access.org_id = organization.org_id
          and access.client_org_id = directory.org_id
          and access.client_id = directory.id
    );
grant select on admitted_clients to orgate_app;
