-- What lists of sessions show, said once: of one user, and of everybody page by page. `used_until` is until when an
-- application can refresh its tokens in the session; null where none can.
create view listed_sessions with (security_invoker) as
select
    session.org_id,
    session.id as session_id,
    session.user_id,
    coalesce(member.email, member.name) as user_label,
    session.method,
    session.connection_id,
    session.auth_time,
    greatest(session.last_seen_at, used.at) as last_seen_at,
    session.last_seen_at as browser_seen_at,
    session.expires_at,
    session.ended_at,
    session.ends_by,
    used.until as used_until,
    session.address,
    session.user_agent,
    array(
        select distinct directory.name
        from grants family
        join client_directory directory
            on directory.org_id = family.client_org_id and directory.id = family.client_id
        where family.org_id = session.org_id and family.session_id = session.id
        order by directory.name
    ) as client_names
from sessions session
join users member on member.org_id = session.org_id and member.id = session.user_id
left join lateral (
    select max(token.issued_at) as at, max(least(token.expires_at, family.expires_at)) as until
    from grants family
    join refresh_tokens token on token.org_id = family.org_id and token.grant_id = family.id
    where family.org_id = session.org_id and family.session_id = session.id
      and family.revoked_at is null and token.rotated_at is null
) used on true;
grant select on listed_sessions to orgate_app;
