-- Invitations: an organization's word that whoever has this address may become a user of it. The release before knows
-- neither them nor seats, and makes users as it did.

-- A bearer secret: only its hash is kept, and a resent one has another. `invited_by` is whoever vouches for it: the maker, or
-- who sent it last. Open, until it is used up or taken back; one an address, expired or not.
create table invitations (
    org_id           uuid not null default current_org_id() references organizations (org_id),
    id               uuid not null,
    token_hash       bytea not null check (length(token_hash) = 32), -- SHA-256
    email            text not null,
    email_normalized text not null,
    name             text,
    locale           text,
    client_org_id    uuid,    -- where they land
    client_id        uuid,
    invited_by       text not null,
    created_at       timestamptz not null,
    sent_at          timestamptz not null,
    sends            integer not null default 1 check (sends > 0),
    expires_at       timestamptz not null,
    accepted_at      timestamptz,
    user_id          uuid,    -- who came of it
    revoked_at       timestamptz,
    primary key (org_id, id),
    unique (org_id, token_hash),
    foreign key (client_org_id, client_id) references client_directory (org_id, id) on delete set null,
    -- Deferrable: it is used up before the user is made.
    constraint invitations_user_fkey foreign key (org_id, user_id) references users (org_id, id) deferrable,
    constraint invitations_check
        check ((client_org_id is null) = (client_id is null) and (accepted_at is null) = (user_id is null)
               and (accepted_at is null or revoked_at is null) and expires_at > created_at)
);
call isolate_by_organization('invitations', 'select, insert, update');
create unique index invitations_open_key on invitations (org_id, email_normalized)
    where accepted_at is null and revoked_at is null;
create index invitations_by_email on invitations (org_id, email_normalized);
create index invitations_sent on invitations (org_id, sent_at);
create index invitations_by_user on invitations (org_id, user_id) where user_id is not null;
create index invitations_by_client on invitations (client_org_id, client_id) where client_id is not null;
create index invitations_by_end on invitations (coalesce(accepted_at, revoked_at, expires_at));
create policy clean on invitations to orgate_clean using (true);
grant select (org_id, id, expires_at, accepted_at, revoked_at), delete on invitations to orgate_clean;

-- What it gives. A role or a group that goes is given to nobody any more.
create table invitation_roles (
    org_id        uuid not null default current_org_id(),
    invitation_id uuid not null,
    role_id       uuid not null,
    primary key (org_id, invitation_id, role_id),
    foreign key (org_id, invitation_id) references invitations (org_id, id) on delete cascade,
    foreign key (org_id, role_id) references roles (org_id, id) on delete cascade
);
call isolate_by_organization('invitation_roles', 'select, insert');
create index invitation_roles_by_role on invitation_roles (org_id, role_id);

create table invitation_groups (
    org_id        uuid not null default current_org_id(),
    invitation_id uuid not null,
    group_id      uuid not null,
    primary key (org_id, invitation_id, group_id),
    foreign key (org_id, invitation_id) references invitations (org_id, id) on delete cascade,
    foreign key (org_id, group_id) references groups (org_id, id) on delete cascade
);
call isolate_by_organization('invitation_groups', 'select, insert');
create index invitation_groups_by_group on invitation_groups (org_id, group_id);

-- Active users and open invitations together, at most; null: as many as there are. The operator's word.
alter table organizations add column seats integer check (seats >= 0);

-- The mail with the link.
alter table outbox
    drop constraint outbox_kind_check,
    add constraint outbox_kind_check
        check (kind in ('discovery_mail', 'notice', 'backchannel_logout', 'invitation'));

-- Whoever is invited proves who they are at the organization's identity provider.
alter table upstream_requests
    add column invitation_id uuid,
    drop constraint upstream_requests_purpose_check,
    add constraint upstream_requests_purpose_check check (purpose in ('sign_in', 'test', 'link', 'invitation')),
    add foreign key (org_id, invitation_id) references invitations (org_id, id) on delete cascade;
create index upstream_requests_by_invitation on upstream_requests (org_id, invitation_id) where invitation_id is not null;
