-- What an identity provider proved holds for that provider alone, and for as long as it says.

-- Whether a domain covers a host: itself and, where it reaches down, everything below.
create function domain_covers(domain text, subdomains boolean, host text) returns boolean
    language sql immutable
    as $$ select host = domain or (subdomains and right(host, length(domain) + 1) = '.' || domain) $$;

-- A subject is unique at its issuer only (OIDC Core 5.7; SAML core 8.3.7). A connection that is pointed at
-- another provider knows nobody of the one before.
alter table identity_links add column provider text;
alter table identity_links no force row level security;
alter table connections no force row level security;
alter table connection_versions no force row level security;
update identity_links link
set provider = coalesce(version.settings #>> '{provider,oidc,issuer}', version.settings #>> '{provider,saml,entity_id}')
from connections connection
join connection_versions version
    on version.org_id = connection.org_id and version.connection_id = connection.id
       and version.version = coalesce(connection.live_version, connection.tested_version)
where connection.org_id = link.org_id and connection.id = link.connection_id;
delete from identity_links where provider is null;
alter table identity_links force row level security;
alter table connections force row level security;
alter table connection_versions force row level security;
alter table identity_links
    alter column provider set not null,
    drop constraint identity_links_pkey,
    add primary key (org_id, connection_id, provider, subject);

-- When the identity provider ends the session (SessionNotOnOrAfter, session_expiry): nothing that was granted
-- in it outlives that.
alter table sessions add column ends_by timestamptz;

-- Sub-domains count where the domain reaches down to them, and what a connection gives is held only as long as the
-- connection lets its user in.
create or replace view standings with (security_invoker) as
select
    session.org_id,
    session.id as session_id,
    session.user_id,
    session.auth_time,
    session.amr,
    session.last_seen_at,
    session.expires_at,
    session.ended_at,
    organization.slug as org_slug,
    organization.status as org_status,
    member.email,
    member.email_verified,
    member.name,
    member.locale,
    member.status as user_status,
    held.roles,
    held.permissions,
    session.method,
    session.connection_id,
    connection.state as connection_state,
    connection.state = 'pilot' and exists (
        select from connection_pilots pilot
        where pilot.org_id = session.org_id and pilot.connection_id = session.connection_id
          and pilot.email_normalized = member.email_normalized
    ) as piloted,
    member.break_glass,
    exists (
        select from domains owned
        where owned.org_id = session.org_id and owned.verified_at is not null
          and domain_covers(owned.domain, owned.subdomains, split_part(member.email_normalized, '@', 2))
    ) as domain_verified,
    session.ends_by
from sessions session
join organizations organization on organization.org_id = session.org_id
join users member on member.org_id = session.org_id and member.id = session.user_id
left join connections connection on connection.org_id = session.org_id and connection.id = session.connection_id
cross join lateral (
    select
        coalesce(array_agg(distinct role.slug order by role.slug), '{}') as roles,
        coalesce(array_agg(distinct bundled.permission order by bundled.permission)
                 filter (where bundled.permission is not null), '{}') as permissions
    from (
        select assignment.role_id
        from role_assignments assignment
        where assignment.org_id = session.org_id and assignment.user_id = session.user_id
        union
        select mapped.role_id
        from mapped_roles mapped
        join connections giving on giving.org_id = mapped.org_id and giving.id = mapped.connection_id
        where mapped.org_id = session.org_id and mapped.user_id = session.user_id
          and (giving.state = 'active'
               or (giving.state = 'pilot' and exists (
                       select from connection_pilots pilot
                       where pilot.org_id = giving.org_id and pilot.connection_id = giving.id
                         and pilot.email_normalized = member.email_normalized)))
        union
        select given.role_id
        from (
            select membership.group_id from group_members membership
            where membership.org_id = session.org_id and membership.user_id = session.user_id
            union
            select mapped.group_id from mapped_groups mapped
            join connections giving on giving.org_id = mapped.org_id and giving.id = mapped.connection_id
            where mapped.org_id = session.org_id and mapped.user_id = session.user_id
              and (giving.state = 'active'
                   or (giving.state = 'pilot' and exists (
                           select from connection_pilots pilot
                           where pilot.org_id = giving.org_id and pilot.connection_id = giving.id
                             and pilot.email_normalized = member.email_normalized)))
        ) membership
        join group_roles given on given.org_id = session.org_id and given.group_id = membership.group_id
    ) having_role
    join roles role on role.org_id = session.org_id and role.id = having_role.role_id
    left join role_permissions bundled on bundled.org_id = role.org_id and bundled.role_id = role.id
) held;
