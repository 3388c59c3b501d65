-- A session stands or falls with the connection that it came by, and with the policy on SSO: what that
-- takes is read where the session is. Roles and groups that a connection gives count like all others.
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
          and owned.domain = split_part(member.email_normalized, '@', 2)
    ) as domain_verified
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
        where mapped.org_id = session.org_id and mapped.user_id = session.user_id
        union
        select given.role_id
        from (
            select membership.group_id from group_members membership
            where membership.org_id = session.org_id and membership.user_id = session.user_id
            union
            select mapped.group_id from mapped_groups mapped
            where mapped.org_id = session.org_id and mapped.user_id = session.user_id
        ) membership
        join group_roles given on given.org_id = session.org_id and given.group_id = membership.group_id
    ) having_role
    join roles role on role.org_id = session.org_id and role.id = having_role.role_id
    left join role_permissions bundled on bundled.org_id = role.org_id and bundled.role_id = role.id
) held;
