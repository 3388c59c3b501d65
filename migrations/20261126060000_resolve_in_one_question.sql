-- Where a request leads is asked before anything else, of every organization: questions that need no transaction, since one
-- statement is one. Each takes the role that it needs for its own duration.

create function resolve_organization(asked_id uuid, asked_slug text, asked_operator boolean)
    returns table (found_id uuid, found_slug text, found_status text)
    language plpgsql
    set role = orgate_resolve
    as $$
begin
    -- One branch a hint, each by an index of its own: this must not slow down as organizations come.
    return query
        select organization.org_id, organization.slug, organization.status
        from organizations organization where organization.org_id = asked_id
        union all
        select organization.org_id, organization.slug, organization.status
        from organizations organization
        where organization.org_id = (select former.org_id from organization_slugs former where former.slug = asked_slug)
        union all
        select organization.org_id, organization.slug, organization.status
        from organizations organization where organization.is_operator and asked_operator;
end
$$;

create function resolve_client(asked_client_id text)
    returns table (found_org_id uuid, found_id uuid)
    language plpgsql
    set role = orgate_resolve
    as $$
begin
    return query
        select entry.org_id, entry.id from client_directory entry where entry.client_id = asked_client_id;
end
$$;

-- The settings from the root of the tree down to the organization itself; of an ancestor without any, a null.
create function inherit_policies(asked_org_id uuid) returns jsonb
    language plpgsql
    set role = orgate_inherit
    as $$
begin
    return (
        select jsonb_agg(to_jsonb(settings) order by line.depth desc)
        from organization_ancestors line
        left join policies settings on settings.org_id = line.ancestor_id
        where line.org_id = asked_org_id
    );
end
$$;

-- Where a machine's request leads, the settings that hold there, and what the machine holds there. Three roles, one after
-- the other, of which none can do what another does.
create function find_client_place(
        asked_id uuid, asked_slug text, asked_operator boolean, asked_client_org_id uuid, asked_client_id uuid
    )
    returns table (
        place_id uuid, inherited jsonb, org_slug text, org_status text, org_name text, org_attributes jsonb,
        client_status text, held_roles text[], held_permissions text[]
    )
    language plpgsql
    set role = orgate_resolve
    as $$
declare
    found uuid;
    chain jsonb;
begin
    select resolved.found_id into found from resolve_organization(asked_id, asked_slug, asked_operator) resolved;
    if found is null then
        return;
    end if;
    chain := inherit_policies(found);
    return query
        select found, chain, standing.org_slug, standing.org_status, standing.org_name, standing.org_attributes,
               standing.client_status, standing.held_roles, standing.held_permissions
        from find_client_standing(found, asked_client_org_id, asked_client_id) standing;
end
$$;
