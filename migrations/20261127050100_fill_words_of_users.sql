-- What users are found by that are there already: organization by organization, as each sees its own, while everybody goes on. Users
-- who are made or changed meanwhile have theirs. Of who signed in when, the job makes out what the log still has.
do $$
declare
    organization uuid;
    all_of_them uuid[];
begin
    perform set_config('role', 'orgate_operate', true);
    all_of_them := array(select org_id from organizations);
    perform set_config('role', 'orgate_app', true);
    foreach organization in array all_of_them loop
        perform set_config('orgate.org_id', organization::text, true);
        insert into user_words (org_id, word, user_id)
            select member.org_id, found.word, member.id from users member, words_of(member.name, member.email_normalized) found
            where member.org_id = organization
            on conflict do nothing;
        insert into user_activity (org_id, user_id, active_at)
            select member.org_id, member.id, case when member.status = 'active' then member.updated_at end from users member
            where member.org_id = organization
            on conflict do nothing;
    end loop;
    perform set_config('orgate.org_id', '', true), set_config('role', 'none', true);
end
$$;
