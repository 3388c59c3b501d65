-- What is read in every transaction that issues or answers for a session: the session, its user,
-- their organization, and what the user may do. `security_invoker`, or it would answer as its owner
-- and bypass row-level security.
create view standings with (security_invoker) as
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
    held.permissions
from sessions session
join organizations organization on organization.org_id = session.org_id
join users member on member.org_id = session.org_id and member.id = session.user_id
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
        select given.role_id
        from group_members membership
        join group_roles given on given.org_id = membership.org_id and given.group_id = membership.group_id
        where membership.org_id = session.org_id and membership.user_id = session.user_id
    ) having_role
    join roles role on role.org_id = session.org_id and role.id = having_role.role_id
    left join role_permissions bundled on bundled.org_id = role.org_id and bundled.role_id = role.id
) held;
grant select on standings to orgate_app;
