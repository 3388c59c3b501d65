-- Users, what they prove themselves with, and what they may do; all inside one organization.

create table users (
    org_id           uuid not null default current_org_id() references organizations (org_id),
    id               uuid not null,
    email            text not null,           -- as written
    email_normalized text not null,           -- as compared
    email_verified   boolean not null,
    name             text not null,
    locale           text,
    status           text not null default 'active' check (status in ('active', 'deactivated')),
    created_at       timestamptz not null,
    updated_at       timestamptz not null,
    primary key (org_id, id),
    constraint users_email_key unique (org_id, email_normalized)
);
call isolate_by_organization('users', 'select, insert, update');

create table password_credentials (
    org_id     uuid not null default current_org_id(),
    user_id    uuid not null,
    phc        text not null, -- Argon2id, PHC string
    updated_at timestamptz not null,
    primary key (org_id, user_id),
    foreign key (org_id, user_id) references users (org_id, id)
);
call isolate_by_organization('password_credentials', 'select, insert, update, delete');

-- Failed sign-ins by account, for known and unknown accounts alike: `account` is a keyed hash of
-- what was typed.
create table sign_in_throttles (
    org_id            uuid not null default current_org_id() references organizations (org_id),
    account           bytea not null,
    failures          integer not null,
    window_started_at timestamptz not null,
    primary key (org_id, account)
);
call isolate_by_organization('sign_in_throttles', 'select, insert, update, delete');
create index sign_in_throttles_by_window on sign_in_throttles (window_started_at);
create policy clean on sign_in_throttles to orgate_clean using (true);
grant select (org_id, account, window_started_at), delete on sign_in_throttles to orgate_clean;

create table roles (
    org_id     uuid not null default current_org_id() references organizations (org_id),
    id         uuid not null,
    slug       text not null,
    name       text not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (org_id, id),
    unique (org_id, slug)
);
call isolate_by_organization('roles', 'select, insert, update, delete');

-- The permissions that exist in an organization.
create table permissions (
    org_id     uuid not null default current_org_id() references organizations (org_id),
    permission text not null,
    primary key (org_id, permission)
);
call isolate_by_organization('permissions', 'select, insert, delete');

create table role_permissions (
    org_id     uuid not null default current_org_id(),
    role_id    uuid not null,
    permission text not null,
    primary key (org_id, role_id, permission),
    foreign key (org_id, role_id) references roles (org_id, id) on delete cascade,
    foreign key (org_id, permission) references permissions (org_id, permission)
);
call isolate_by_organization('role_permissions', 'select, insert, delete');

create table role_assignments (
    org_id      uuid not null default current_org_id(),
    user_id     uuid not null,
    role_id     uuid not null,
    assigned_at timestamptz not null,
    primary key (org_id, user_id, role_id),
    foreign key (org_id, user_id) references users (org_id, id),
    foreign key (org_id, role_id) references roles (org_id, id)
);
call isolate_by_organization('role_assignments', 'select, insert, delete');
create index role_assignments_by_role on role_assignments (org_id, role_id);

create table groups (
    org_id     uuid not null default current_org_id() references organizations (org_id),
    id         uuid not null,
    slug       text not null,
    name       text not null,
    created_at timestamptz not null,
    primary key (org_id, id),
    unique (org_id, slug)
);
call isolate_by_organization('groups', 'select, insert, update, delete');

create table group_members (
    org_id   uuid not null default current_org_id(),
    group_id uuid not null,
    user_id  uuid not null,
    primary key (org_id, group_id, user_id),
    foreign key (org_id, group_id) references groups (org_id, id) on delete cascade,
    foreign key (org_id, user_id) references users (org_id, id)
);
call isolate_by_organization('group_members', 'select, insert, delete');
create index group_members_by_user on group_members (org_id, user_id);

create table group_roles (
    org_id   uuid not null default current_org_id(),
    group_id uuid not null,
    role_id  uuid not null,
    primary key (org_id, group_id, role_id),
    foreign key (org_id, group_id) references groups (org_id, id) on delete cascade,
    foreign key (org_id, role_id) references roles (org_id, id)
);
call isolate_by_organization('group_roles', 'select, insert, delete');

-- An organization's upstream identity providers. Nothing signs in through one yet.
create table connections (
    org_id     uuid not null default current_org_id() references organizations (org_id),
    id         uuid not null,
    protocol   text not null check (protocol in ('oidc', 'saml')),
    name       text not null,
    state      text not null default 'draft' check (state in ('draft', 'tested', 'pilot', 'active', 'disabled')),
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (org_id, id)
);
call isolate_by_organization('connections', 'select, insert, update');

-- A person is nothing but the proven link between users; it carries no credential and no right.
-- Resolver: not an organization's, so no organization can list it.
create table persons (
    id         uuid primary key,
    created_at timestamptz not null
);
alter table persons enable row level security;
alter table persons force row level security;
create policy found on persons for insert to orgate_app with check (true);
grant insert on persons to orgate_app;

create table person_links (
    org_id    uuid not null default current_org_id(),
    user_id   uuid not null,
    person_id uuid not null references persons (id),
    linked_at timestamptz not null,
    primary key (org_id, user_id),
    foreign key (org_id, user_id) references users (org_id, id)
);
call isolate_by_organization('person_links', 'select, insert, delete');
create index person_links_by_person on person_links (person_id);

-- Resolver: from a keyed hash of a verified address to the organizations it belongs to.
create table email_index (
    org_id     uuid not null default current_org_id(),
    email_hash bytea not null,
    user_id    uuid not null,
    primary key (org_id, email_hash),
    foreign key (org_id, user_id) references users (org_id, id)
);
call isolate_by_organization('email_index', 'select, insert, delete');
create index email_index_by_hash on email_index (email_hash, org_id);
create index email_index_by_user on email_index (org_id, user_id);
create policy discover on email_index for select to orgate_discover using (true);
grant select (org_id, email_hash) on email_index to orgate_discover;
create policy discover on organizations for select to orgate_discover using (true);
grant select (org_id, slug, name, status) on organizations to orgate_discover;

create policy choose on users for select to orgate_choose using (true);
grant select (org_id, id, email, email_verified, status) on users to orgate_choose;
create policy choose on person_links for select to orgate_choose using (true);
grant select (org_id, user_id, person_id) on person_links to orgate_choose;
