-- A user is erased for good, with all that is theirs. Neither the application nor any job could delete a user or a session that
-- still counts; the role that can is taken by functions for their own duration, and reaches the organization of the
-- transaction and no other. The log stays: it knows people by their ids. The release before erases nobody.
do $$
declare
    may_take text := case when current_setting('server_version_num')::integer < 160000 then 'member' else 'set' end;
begin
    begin
        create role orgate_erase nologin noinherit;
    exception when duplicate_object or unique_violation then
        null;
    end;
    if not pg_has_role(current_user, 'orgate_erase', may_take) then
        execute case when may_take = 'set' then 'grant orgate_erase to current_user with inherit false, set true'
                     else 'grant orgate_erase to current_user' end;
    end if;
end
$$;
grant usage on schema public to orgate_erase;

-- Tables that sign-ins use are locked for a moment. Where one is in use for longer, this fails, and can be run again, instead of
-- holding up everybody.
set local lock_timeout = '10s';

-- How far something was told of is a place in the order of ids, whether or not there is a user of this id.
alter table signals drop constraint signals_org_id_told_to_fkey;

create procedure admit_erasure(target regclass, columns text)
    language plpgsql
    as $$
begin
    execute format('create policy erase on %s to orgate_erase using (org_id = current_org_id())', target);
    execute format('grant select (%s), delete on %s to orgate_erase', columns, target);
end
$$;
revoke execute on procedure admit_erasure(regclass, text) from public;

call admit_erasure('authorization_codes', 'org_id, user_id');
call admit_erasure('authorization_requests', 'org_id, consent_session_id');
call admit_erasure('consents', 'org_id, user_id');
call admit_erasure('email_index', 'org_id, user_id');
call admit_erasure('grants', 'org_id, user_id');
call admit_erasure('group_members', 'org_id, user_id');
call admit_erasure('identity_links', 'org_id, user_id');
call admit_erasure('invitations', 'org_id, user_id');
call admit_erasure('mapped_groups', 'org_id, user_id');
call admit_erasure('mapped_roles', 'org_id, user_id');
call admit_erasure('password_credentials', 'org_id, user_id');
call admit_erasure('person_links', 'org_id, user_id');
call admit_erasure('recovery_codes', 'org_id, user_id');
call admit_erasure('role_assignments', 'org_id, user_id');
call admit_erasure('sessions', 'org_id, id, user_id');
call admit_erasure('upstream_requests', 'org_id, user_id');
call admit_erasure('users', 'org_id, id');

-- Takes the role that it needs for its own duration. `false`: there is no such user. What refers to a session, a family or an
-- invitation goes with it.
create function erase_user(erased_id uuid) returns boolean
    language plpgsql
    set role = orgate_erase
    as $$
begin
    delete from authorization_requests waiting using sessions session
        where waiting.org_id = current_org_id() and session.org_id = current_org_id()
          and session.user_id = erased_id and waiting.consent_session_id = session.id;
    delete from authorization_codes where org_id = current_org_id() and user_id = erased_id;
    delete from grants where org_id = current_org_id() and user_id = erased_id;
    delete from upstream_requests where org_id = current_org_id() and user_id = erased_id;
    delete from sessions where org_id = current_org_id() and user_id = erased_id;
    delete from consents where org_id = current_org_id() and user_id = erased_id;
    delete from invitations where org_id = current_org_id() and user_id = erased_id;
    delete from recovery_codes where org_id = current_org_id() and user_id = erased_id;
    delete from password_credentials where org_id = current_org_id() and user_id = erased_id;
    delete from identity_links where org_id = current_org_id() and user_id = erased_id;
    delete from mapped_groups where org_id = current_org_id() and user_id = erased_id;
    delete from mapped_roles where org_id = current_org_id() and user_id = erased_id;
    delete from group_members where org_id = current_org_id() and user_id = erased_id;
    delete from role_assignments where org_id = current_org_id() and user_id = erased_id;
    delete from email_index where org_id = current_org_id() and user_id = erased_id;
    delete from person_links where org_id = current_org_id() and user_id = erased_id;
    delete from users where org_id = current_org_id() and id = erased_id;
    return found;
end
$$;
revoke execute on function erase_user(uuid) from public;
grant execute on function erase_user(uuid) to orgate_app;
