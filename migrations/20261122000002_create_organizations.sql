-- Organizations, their tree, their look and their rules; and the resolver tables that lead to them.

create table organizations (
    org_id        uuid primary key default current_org_id(),
    slug          text not null,
    name          text not null,
    status        text not null default 'active' check (status in ('active', 'suspended', 'deleted')),
    parent_id     uuid references organizations (org_id),
    is_operator   boolean not null default false, -- never changes
    logo_url      text,
    primary_color text,
    created_at    timestamptz not null,
    updated_at    timestamptz not null,
    check (parent_id is distinct from org_id)
);
call isolate_by_organization('organizations', 'select, insert, update');
-- There is one operator organization.
create unique index organizations_operator_key on organizations (is_operator) where is_operator;

-- Every ancestor of an organization, itself included at depth 0: a row belongs to the descendant.
create table organization_ancestors (
    org_id      uuid not null default current_org_id() references organizations (org_id),
    ancestor_id uuid not null references organizations (org_id),
    depth       integer not null check (depth >= 0),
    primary key (org_id, ancestor_id),
    unique (org_id, depth),
    check ((depth = 0) = (ancestor_id = org_id))
);
call isolate_by_organization('organization_ancestors', 'select, insert, delete');
create index organization_ancestors_by_ancestor on organization_ancestors (ancestor_id, org_id);

-- NULL leaves a setting to the parent. Limits in seconds.
create table policies (
    org_id                uuid primary key default current_org_id() references organizations (org_id),
    session_idle_secs     bigint check (session_idle_secs > 0),
    session_absolute_secs bigint check (session_absolute_secs > 0),
    access_token_secs     bigint check (access_token_secs between 30 and 3600),
    refresh_idle_secs     bigint check (refresh_idle_secs > 0),
    refresh_absolute_secs bigint check (refresh_absolute_secs > 0),
    lockout_attempts      integer check (lockout_attempts > 0),
    updated_at            timestamptz not null
);
call isolate_by_organization('policies', 'select, insert, update');

-- Resolver: a slug leads to its organization, now and for ever: a slug that an organization once
-- used is never another's. The current one is in `organizations`.
create table organization_slugs (
    slug   text primary key,
    org_id uuid not null default current_org_id() references organizations (org_id)
);
call isolate_by_organization('organization_slugs', 'select, insert');

-- An organization's domain. `verified_at` null: claimed, not proven; it resolves nothing.
create table domains (
    org_id      uuid not null default current_org_id() references organizations (org_id),
    id          uuid not null,
    domain      text not null,
    verified_at timestamptz,
    created_at  timestamptz not null,
    primary key (org_id, id),
    unique (org_id, domain)
);
call isolate_by_organization('domains', 'select, insert, update, delete');

-- Resolver: a verified domain leads to one organization, and once used is never another's.
create table verified_domains (
    domain text primary key,
    org_id uuid not null default current_org_id() references organizations (org_id),
    active boolean not null default true
);
call isolate_by_organization('verified_domains', 'select, insert, update');

create policy resolve on organizations for select to orgate_resolve using (true);
create policy resolve on organization_slugs for select to orgate_resolve using (true);
create policy resolve on verified_domains for select to orgate_resolve using (true);
grant select (org_id, slug, status, is_operator) on organizations to orgate_resolve;
grant select on organization_slugs, verified_domains to orgate_resolve;

create policy inherit on organization_ancestors for select to orgate_inherit using (true);
create policy inherit on policies for select to orgate_inherit using (true);
grant select on organization_ancestors, policies to orgate_inherit;

create policy choose on organizations for select to orgate_choose using (true);
grant select (org_id, slug, name, status, logo_url, primary_color) on organizations to orgate_choose;
