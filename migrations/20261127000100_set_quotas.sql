-- How many things of a kind an organization may have is the operator's to say. The release before goes on counting to what is usual.

-- Tables that others use are locked for a moment. Where one is in use for longer, this fails, and can be run again, instead of
-- holding up everybody.
set local lock_timeout = '10s';

create table quotas (
    org_id     uuid not null default current_org_id() references organizations (org_id),
    quota      text not null check (quota in ('api_keys', 'clients', 'connections', 'domains', 'groups', 'roles', 'webhooks')),
    most       bigint not null check (most between 0 and 10000),
    updated_at timestamptz not null,
    primary key (org_id, quota)
);
call isolate_by_organization('quotas', 'select, insert, update, delete');
call erase_before('quotas', 'event_positions');
