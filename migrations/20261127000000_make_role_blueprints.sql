-- Operators say which roles new organizations begin with, beside those that Orgate comes with, or in their place. The release before
-- knows none of them, and gives new organizations the roles that it comes with.

-- Tables that others use are locked for a moment. Where one is in use for longer, this fails, and can be run again, instead of
-- holding up everybody.
set local lock_timeout = '10s';

create table role_blueprints (
    org_id      uuid not null default current_org_id() references organizations (org_id),
    slug        text not null,
    name        text not null,
    bundled     text[] not null check (cardinality(bundled) <= 200), -- permissions
    created_at  timestamptz not null,
    updated_at  timestamptz not null,
    primary key (org_id, slug)
);
call isolate_by_organization('role_blueprints', 'select, insert, update, delete');
call erase_before('role_blueprints', 'event_positions');
