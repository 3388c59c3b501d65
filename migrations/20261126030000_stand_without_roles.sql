-- Whether a token still stands is asked far more often than which roles its user has: a view without these, which the one
-- with them is made of. And two questions that need no transaction, since one statement is one.

create view session_standings with (security_invoker) as
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
    member.email_normalized,
    member.email_verified,
    member.name,
    member.locale,
    member.status as user_status,
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
left join connections connection on connection.org_id = session.org_id and connection.id = session.connection_id;
grant select on session_standings to orgate_app;

create or replace view standings with (security_invoker) as
select
    standing.org_id,
    standing.session_id,
    standing.user_id,
    standing.auth_time,
    standing.amr,
    standing.last_seen_at,
    standing.expires_at,
    standing.ended_at,
    standing.org_slug,
    standing.org_status,
    standing.email,
    standing.email_verified,
    standing.name,
    standing.locale,
    standing.user_status,
    held.roles,
    held.permissions,
    standing.method,
    standing.connection_id,
    standing.connection_state,
    standing.piloted,
    standing.break_glass,
    standing.domain_verified,
    standing.ends_by
from session_standings standing
cross join lateral (
    select
        coalesce(array_agg(distinct role.slug order by role.slug), '{}') as roles,
        coalesce(array_agg(distinct bundled.permission order by bundled.permission)
                 filter (where bundled.permission is not null), '{}') as permissions
    from (
        select assignment.role_id
        from role_assignments assignment
        where assignment.org_id = standing.org_id and assignment.user_id = standing.user_id
        union
        select mapped.role_id
        from mapped_roles mapped
        join connections giving on giving.org_id = mapped.org_id and giving.id = mapped.connection_id
        where mapped.org_id = standing.org_id and mapped.user_id = standing.user_id
          and (giving.state = 'active'
               or (giving.state = 'pilot' and exists (
                       select from connection_pilots pilot
                       where pilot.org_id = giving.org_id and pilot.connection_id = giving.id
                         and pilot.email_normalized = standing.email_normalized)))
        union
        select given.role_id
        from (
            select membership.group_id from group_members membership
            where membership.org_id = standing.org_id and membership.user_id = standing.user_id
            union
            select mapped.group_id from mapped_groups mapped
            join connections giving on giving.org_id = mapped.org_id and giving.id = mapped.connection_id
            where mapped.org_id = standing.org_id and mapped.user_id = standing.user_id
              and (giving.state = 'active'
                   or (giving.state = 'pilot' and exists (
                           select from connection_pilots pilot
                           where pilot.org_id = giving.org_id and pilot.connection_id = giving.id
                             and pilot.email_normalized = standing.email_normalized)))
        ) membership
        join group_roles given on given.org_id = standing.org_id and given.group_id = membership.group_id
    ) having_role
    join roles role on role.org_id = standing.org_id and role.id = having_role.role_id
    left join role_permissions bundled on bundled.org_id = role.org_id and bundled.role_id = role.id
) held;

-- A family with what it stands on.
create view standing_grants with (security_invoker) as
select
    family.org_id,
    family.id as grant_id,
    family.client_org_id,
    family.client_id,
    standing.session_id,
    standing.user_id,
    standing.auth_time,
    standing.amr,
    standing.last_seen_at,
    standing.expires_at,
    standing.ended_at,
    standing.org_slug,
    standing.org_status,
    standing.email,
    standing.email_verified,
    standing.name,
    standing.locale,
    standing.user_status,
    standing.method,
    standing.connection_id,
    standing.connection_state,
    standing.piloted,
    standing.break_glass,
    standing.domain_verified,
    standing.ends_by,
    client.status as client_status
from grants family
join session_standings standing on standing.org_id = family.org_id and standing.session_id = family.session_id
left join admitted_clients client
    on client.org_id = family.org_id and client.client_org_id = family.client_org_id
   and client.client_id = family.client_id
where family.revoked_at is null;
grant select on standing_grants to orgate_app;

-- Takes the role and the organization for its own duration, as every transaction of the application does.
create function find_standing_grant(asked_org_id uuid, asked_grant_id uuid, asked_jti text)
    returns setof standing_grants
    language plpgsql
    set role = orgate_app
    as $$
begin
    perform set_config('orgate.org_id', asked_org_id::text, true);
    return query
        select found.* from standing_grants found
        where found.org_id = asked_org_id and found.grant_id = asked_grant_id
          and not exists (select from revoked_tokens revoked
                          where revoked.org_id = found.org_id and revoked.jti = asked_jti);
end
$$;

-- What a machine client holds in an organization.
create function find_client_standing(asked_org_id uuid, asked_client_org_id uuid, asked_client_id uuid)
    returns table (
        org_slug text, org_status text, org_name text, org_attributes jsonb, client_status text,
        held_roles text[], held_permissions text[]
    )
    language plpgsql
    set role = orgate_app
    as $$
begin
    perform set_config('orgate.org_id', asked_org_id::text, true);
    return query
        select organization.slug, organization.status, organization.name, organization.attributes, admitted.status,
               array(select distinct role.slug from client_roles held
                     join roles role on role.org_id = held.org_id and role.id = held.role_id
                     where held.org_id = asked_org_id and held.client_org_id = asked_client_org_id
                       and held.client_id = asked_client_id
                     order by role.slug),
               array(select distinct bundled.permission from client_roles held
                     join role_permissions bundled on bundled.org_id = held.org_id and bundled.role_id = held.role_id
                     where held.org_id = asked_org_id and held.client_org_id = asked_client_org_id
                       and held.client_id = asked_client_id
                     order by bundled.permission)
        from organizations organization
        left join admitted_clients admitted
             on admitted.org_id = organization.org_id and admitted.client_org_id = asked_client_org_id
            and admitted.client_id = asked_client_id
        where organization.org_id = asked_org_id;
end
$$;
