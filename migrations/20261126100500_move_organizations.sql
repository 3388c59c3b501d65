-- An organization is moved below another one, with all that is below it. The tree is of all organizations, so that one role alone
-- changes it, and can do nothing else. Made as the first ones were.
do $$
declare
    may_take text := case when current_setting('server_version_num')::integer < 160000 then 'member' else 'set' end;
begin
    begin
        create role orgate_arrange nologin noinherit;
    exception when duplicate_object or unique_violation then
        null;
    end;
    if not pg_has_role(current_user, 'orgate_arrange', may_take) then
        execute case when may_take = 'set' then 'grant orgate_arrange to current_user with inherit false, set true'
                     else 'grant orgate_arrange to current_user' end;
    end if;
end
$$;
grant usage on schema public to orgate_arrange;
create policy arrange on organizations to orgate_arrange using (true);
create policy arrange on organization_ancestors to orgate_arrange using (true);
grant select (org_id, parent_id), update (parent_id, updated_at) on organizations to orgate_arrange;
grant select, insert, delete on organization_ancestors to orgate_arrange;

-- Takes the role that it needs for its own duration. Says `moved`, or why not: `circle`, `deep`.
create function move_organization(moved_id uuid, new_parent_id uuid, moved_at timestamptz) returns text
    language plpgsql
    set role = orgate_arrange
    as $$
declare
    most constant integer := 10; -- organizations one above the other
    height integer;
    depth_there integer;
begin
    -- Two moves in the same moment could close a circle, or put something below what is just being moved.
    perform pg_advisory_xact_lock(hashtextextended('tree of organizations', 0));
    select coalesce(max(line.depth), 0) into height from organization_ancestors line where line.ancestor_id = moved_id;
    select coalesce(max(line.depth), -1) into depth_there from organization_ancestors line where line.org_id = new_parent_id;
    if exists (
        select from organization_ancestors line where line.org_id = new_parent_id and line.ancestor_id = moved_id
    ) then
        return 'circle';
    end if;
    if height + depth_there + 2 > most then
        return 'deep';
    end if;
    delete from organization_ancestors line
        using organization_ancestors below
        where below.ancestor_id = moved_id and line.org_id = below.org_id and line.depth > below.depth;
    insert into organization_ancestors (org_id, ancestor_id, depth)
        select below.org_id, above.ancestor_id, below.depth + 1 + above.depth
        from organization_ancestors below
        join organization_ancestors above on above.org_id = new_parent_id
        where below.ancestor_id = moved_id;
    update organizations moved set parent_id = new_parent_id, updated_at = moved_at where moved.org_id = moved_id;
    perform pg_notify('orgate_configuration', 'organizations:' || moved_id::text); -- for every node
    return 'moved';
end
$$;
