-- Rules that several questions need, each said once.

-- Whom a connection lets in as it is now: what it gives counts for nobody else.
create view connection_users with (security_invoker) as
select giving.org_id, giving.id as connection_id, member.id as user_id
from connections giving
join users member on member.org_id = giving.org_id
where giving.state = 'active'
   or (giving.state = 'pilot' and exists (
           select from connection_pilots pilot
           where pilot.org_id = giving.org_id and pilot.connection_id = giving.id
             and pilot.email_normalized = member.email_normalized));
grant select on connection_users to orgate_app;

create or replace view memberships with (security_invoker) as
select by_hand.org_id, by_hand.user_id, by_hand.group_id from group_members by_hand
union
select mapped.org_id, mapped.user_id, mapped.group_id
from mapped_groups mapped
join connection_users let_in
    on let_in.org_id = mapped.org_id and let_in.connection_id = mapped.connection_id and let_in.user_id = mapped.user_id;

-- Which roles a user holds, as of now: by hand, by a connection, by a group. Whoever asks by role is not made to read all
-- memberships: a condition reaches into the parts of a union, and not through one of them into another.
create view roles_held with (security_invoker) as
select by_hand.org_id, by_hand.user_id, by_hand.role_id from role_assignments by_hand
union
select mapped.org_id, mapped.user_id, mapped.role_id
from mapped_roles mapped
join connection_users let_in
    on let_in.org_id = mapped.org_id and let_in.connection_id = mapped.connection_id and let_in.user_id = mapped.user_id
union
select inside.org_id, inside.user_id, given.role_id
from group_members inside
join group_roles given on given.org_id = inside.org_id and given.group_id = inside.group_id
union
select mapped.org_id, mapped.user_id, given.role_id
from mapped_groups mapped
join connection_users let_in
    on let_in.org_id = mapped.org_id and let_in.connection_id = mapped.connection_id and let_in.user_id = mapped.user_id
join group_roles given on given.org_id = mapped.org_id and given.group_id = mapped.group_id;
grant select on roles_held to orgate_app;

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
    from roles_held having_role
    join roles role on role.org_id = having_role.org_id and role.id = having_role.role_id
    left join role_permissions bundled on bundled.org_id = role.org_id and bundled.role_id = role.id
    where having_role.org_id = standing.org_id and having_role.user_id = standing.user_id
) held;

-- Sessions that nobody has ended, and until when each is good for something: in its browser, or in an application that can
-- refresh its tokens.
create view open_sessions with (security_invoker) as
select
    session.org_id,
    session.id as session_id,
    session.user_id,
    session.connection_id,
    greatest(session.expires_at, (
        select max(family.expires_at) from grants family
        where family.org_id = session.org_id and family.session_id = session.id and family.revoked_at is null
    )) as good_until
from sessions session
where session.ended_at is null;
grant select on open_sessions to orgate_app;
