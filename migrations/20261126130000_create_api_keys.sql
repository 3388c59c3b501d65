-- Programs call the management API by a key, without asking for tokens first. The release before knows no keys: it takes one
-- for a token that does not verify.

-- Tables that others use are locked for a moment. Where one is in use for longer, this fails, and can be run again, instead of
-- holding up everybody.
set local lock_timeout = '10s';

-- A bearer secret: only its hash is kept. It acts for whoever made it: a user, through the client with which they made it, or
-- without a user that client itself, a machine. What it may do is at most what is written here, and what they hold. How its user
-- had signed in is kept: the key stands only as long as such a session would.
create table api_keys (
    org_id        uuid not null default current_org_id() references organizations (org_id),
    id            uuid not null,
    key_hash      bytea not null check (length(key_hash) = 32), -- SHA-256
    name          text not null,
    permitted     text[] not null check (cardinality(permitted) > 0), -- permissions, and wildcards of them
    user_id       uuid,
    client_org_id uuid not null,
    client_id     uuid not null,
    method        text check (method in ('password', 'recovery', 'connection')),
    connection_id uuid,
    created_at    timestamptz not null,
    expires_at    timestamptz not null,
    last_used_at  timestamptz, -- to the hour
    revoked_at    timestamptz,
    primary key (org_id, id),
    unique (org_id, key_hash),
    foreign key (org_id, connection_id) references connections (org_id, id) on delete cascade,
    foreign key (org_id, user_id) references users (org_id, id) on delete cascade,
    foreign key (client_org_id, client_id) references client_directory (org_id, id),
    constraint api_keys_user_check check ((user_id is null) = (method is null)),
    constraint api_keys_connection_check
        check ((method is not null and method = 'connection') = (connection_id is not null))
);
call isolate_by_organization('api_keys', 'select, insert, update');
create index api_keys_by_user on api_keys (org_id, user_id) where user_id is not null;
create index api_keys_by_connection on api_keys (org_id, connection_id) where connection_id is not null;
create index api_keys_by_client on api_keys (client_org_id, client_id);
create index api_keys_by_end on api_keys (least(expires_at, revoked_at));
create policy clean on api_keys to orgate_clean using (true);
grant select (org_id, id, expires_at, revoked_at), delete on api_keys to orgate_clean;

-- Those that were not taken back and whose maker, client and organization stand, with what the maker holds at this moment. When
-- they end is compared with the server's clock by whoever asks, and how the maker had signed in with what is allowed.
create view standing_api_keys with (security_invoker) as
select key.org_id, key.id, key.key_hash, key.name, key.permitted, key.user_id, key.client_org_id, key.client_id,
       key.created_at, key.expires_at, key.last_used_at, organization.slug as org_slug,
       key.method, key.connection_id, connection.state as connection_state,
       connection.state = 'pilot' and exists (
           select from connection_users let_in
           where let_in.org_id = key.org_id and let_in.connection_id = key.connection_id and let_in.user_id = member.id
       ) as piloted,
       coalesce(member.break_glass, false) as break_glass,
       member.id is not null and exists (
           select from domains owned
           where owned.org_id = key.org_id and owned.verified_at is not null
             and domain_covers(owned.domain, owned.subdomains, split_part(member.email_normalized, '@', 2))
       ) as domain_verified,
       array(select role.slug from roles role
             where role.org_id = key.org_id and role.id = any (held.roles) order by role.slug) as held_roles,
       array(select distinct bundled.permission from role_permissions bundled
             where bundled.org_id = key.org_id and bundled.role_id = any (held.roles)
             order by bundled.permission) as held_permissions
from api_keys key
join organizations organization on organization.org_id = key.org_id
join admitted_clients admitted
    on admitted.org_id = key.org_id and admitted.client_org_id = key.client_org_id and admitted.client_id = key.client_id
left join users member on member.org_id = key.org_id and member.id = key.user_id
left join connections connection on connection.org_id = key.org_id and connection.id = key.connection_id
cross join lateral (
    select array(
        select of_machine.role_id from client_roles of_machine
        where key.user_id is null and of_machine.org_id = key.org_id
          and of_machine.client_org_id = key.client_org_id and of_machine.client_id = key.client_id
        union
        select of_user.role_id from roles_held of_user
        where of_user.org_id = key.org_id and of_user.user_id = key.user_id
    ) as roles
) held
where key.revoked_at is null and organization.status = 'active' and admitted.status = 'active'
  and (key.user_id is null or member.status = 'active');
grant select on standing_api_keys to orgate_app;
