-- Joining without an invitation: whom an organization lets join, or ask, and who asked. Closed until an organization says
-- otherwise. The release before knows nothing of it, and takes what was invited so for any other invitation.

-- Tables that others use are locked for a moment. Where one is in use for longer, this fails, and can be run again, instead of
-- holding up everybody.
set local lock_timeout = '10s';

-- What it allows whoever has an address of one of its verified domains, and whoever has another one. `set_by` vouches for the
-- roles that joining gives.
create table joining (
    org_id      uuid not null default current_org_id() references organizations (org_id),
    own_domains text not null check (own_domains in ('closed', 'request', 'automatic')),
    others      text not null check (others in ('closed', 'request')), -- nobody's word is behind their address
    set_by      text not null,
    set_at      timestamptz not null,
    primary key (org_id)
);
call isolate_by_organization('joining', 'select, insert, update');
create trigger notify after insert or update or delete on joining for each row execute function notify_configuration();

-- What whoever joins is given. A role that goes is given to nobody any more.
create table joining_roles (
    org_id  uuid not null default current_org_id() references joining (org_id),
    role_id uuid not null,
    primary key (org_id, role_id),
    foreign key (org_id, role_id) references roles (org_id, id) on delete cascade
);
call isolate_by_organization('joining_roles', 'select, insert, delete');

-- Somebody typed an address. Only the link that is mailed to it proves that it is theirs: its hash is kept. Proven, it is an
-- open request until somebody decides it, or it was decided by what the organization allows.
create table join_requests (
    org_id           uuid not null default current_org_id() references organizations (org_id),
    id               uuid not null,
    token_hash       bytea not null check (length(token_hash) = 32), -- SHA-256
    email            text not null,
    email_normalized text not null,
    source           bytea not null, -- keyed hash of where it was typed
    name             text,
    message          text,
    client_org_id    uuid,           -- the application that they were on the way to
    client_id        uuid,
    created_at       timestamptz not null,
    proven_at        timestamptz,
    decided_at       timestamptz,
    decision         text check (decision in ('approved', 'automatic', 'denied')),
    decided_by       text,
    invitation_id    uuid,           -- what came of it; it is erased with that, and that with its user
    expires_at       timestamptz not null, -- then it counts no more, and is deleted
    primary key (org_id, id),
    unique (org_id, token_hash),
    foreign key (client_org_id, client_id) references client_directory (org_id, id) on delete set null,
    foreign key (org_id, invitation_id) references invitations (org_id, id) on delete cascade,
    constraint join_requests_check
        check ((client_org_id is null) = (client_id is null) and (decided_at is null) = (decision is null)
               and (decided_at is null or proven_at is not null) and expires_at > created_at)
);
call isolate_by_organization('join_requests', 'select, insert, update, delete');
create unique index join_requests_open_key on join_requests (org_id, email_normalized)
    where proven_at is not null and decided_at is null;
create index join_requests_by_email on join_requests (org_id, email_normalized, created_at);
create index join_requests_by_time on join_requests (org_id, created_at);
create index join_requests_by_source on join_requests (org_id, source, created_at);
create index join_requests_by_invitation on join_requests (org_id, invitation_id) where invitation_id is not null;
create index join_requests_by_client on join_requests (client_org_id, client_id) where client_id is not null;
create index join_requests_by_end on join_requests (expires_at);
create policy clean on join_requests to orgate_clean using (true);
grant select (org_id, id, expires_at), delete on join_requests to orgate_clean;

-- An invitation that the organization's word on joining made, and that falls with it.
alter table invitations add column joins boolean not null default false;

-- The mail with the link.
alter table outbox
    drop constraint outbox_kind_check,
    add constraint outbox_kind_check
        check (kind in ('discovery_mail', 'notice', 'backchannel_logout', 'invitation', 'join'));

call erase_before('join_requests', 'invitations');
call erase_before('joining_roles', 'roles');
call erase_before('joining', 'signing_keys');
