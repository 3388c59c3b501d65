-- An organization lets one above it act in it: a customer its reseller, a company its holding. What may be done is what is listed
-- here, as far as whoever does it holds it in their own organization.

-- Tables that others use are locked for a moment. Where one is in use for longer, this fails, and can be run again, instead of
-- holding up everybody.
set local lock_timeout = '10s';

create table delegations (
    org_id      uuid not null default current_org_id(),
    delegate_id uuid not null,
    allowed     text[] not null check (cardinality(allowed) between 1 and 100), -- permissions of Orgate's own
    created_at  timestamptz not null,
    updated_at  timestamptz not null,
    primary key (org_id, delegate_id),
    check (delegate_id <> org_id),
    -- It ends when the other one is above no more.
    foreign key (org_id, delegate_id) references organization_ancestors (org_id, ancestor_id) on delete cascade
);
call isolate_by_organization('delegations', 'select, insert, update, delete');
create index delegations_by_delegate on delegations (delegate_id, org_id);

-- Where somebody is let in, asked in the name of their own organization.
create policy operate on delegations for select to orgate_operate using (true);
grant select on delegations to orgate_operate;

-- Where an organization is let act, by the other one's id or slug: one question, whether there is such an organization or not.
create function find_delegated(asked_delegate uuid, asked_id uuid, asked_slug text)
    returns table (found_id uuid, found_allowed text[])
    language plpgsql
    set role = orgate_operate
    as $$
begin
    return query
        select delegation.org_id, delegation.allowed
        from delegations delegation
        join organizations organization on organization.org_id = delegation.org_id
        where delegation.delegate_id = asked_delegate
          and (organization.org_id = asked_id or organization.slug = asked_slug) and organization.status = 'active';
end
$$;
