-- Groups inside of groups: whoever is in one is in those that it is inside of, and has their roles too.

create table group_parents (
    org_id    uuid not null default current_org_id(),
    group_id  uuid not null,
    parent_id uuid not null,
    primary key (org_id, group_id, parent_id),
    foreign key (org_id, group_id) references groups (org_id, id) on delete cascade,
    foreign key (org_id, parent_id) references groups (org_id, id)
);
call isolate_by_organization('group_parents', 'select, insert, delete');
create index group_parents_by_parent on group_parents (org_id, parent_id);

-- Every group that one is inside of, also by another one: what `group_parents` leads to, written with it, so that a sign-in
-- follows no path. No group is inside of itself.
create table group_ancestors (
    org_id      uuid not null default current_org_id(),
    group_id    uuid not null,
    ancestor_id uuid not null,
    primary key (org_id, group_id, ancestor_id),
    foreign key (org_id, group_id) references groups (org_id, id) on delete cascade,
    foreign key (org_id, ancestor_id) references groups (org_id, id),
    constraint group_ancestors_lead_in_no_circle check (group_id <> ancestor_id)
);
call isolate_by_organization('group_ancestors', 'select, insert, delete');
create index group_ancestors_by_ancestor on group_ancestors (org_id, ancestor_id);

-- Who is in which group: by hand or by a connection, and by a group inside of it.
create or replace view memberships with (security_invoker) as
select by_hand.org_id, by_hand.user_id, by_hand.group_id from group_members by_hand
union
select mapped.org_id, mapped.user_id, mapped.group_id
from mapped_groups mapped
join connection_users let_in
    on let_in.org_id = mapped.org_id and let_in.connection_id = mapped.connection_id and let_in.user_id = mapped.user_id
union
select by_hand.org_id, by_hand.user_id, above.ancestor_id
from group_members by_hand
join group_ancestors above on above.org_id = by_hand.org_id and above.group_id = by_hand.group_id
union
select mapped.org_id, mapped.user_id, above.ancestor_id
from mapped_groups mapped
join connection_users let_in
    on let_in.org_id = mapped.org_id and let_in.connection_id = mapped.connection_id and let_in.user_id = mapped.user_id
join group_ancestors above on above.org_id = mapped.org_id and above.group_id = mapped.group_id;

-- Each part by itself, for whoever asks by role: see where the view was made.
create or replace view roles_held with (security_invoker) as
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
join group_roles given on given.org_id = mapped.org_id and given.group_id = mapped.group_id
union
select inside.org_id, inside.user_id, given.role_id
from group_members inside
join group_ancestors above on above.org_id = inside.org_id and above.group_id = inside.group_id
join group_roles given on given.org_id = above.org_id and given.group_id = above.ancestor_id
union
select mapped.org_id, mapped.user_id, given.role_id
from mapped_groups mapped
join connection_users let_in
    on let_in.org_id = mapped.org_id and let_in.connection_id = mapped.connection_id and let_in.user_id = mapped.user_id
join group_ancestors above on above.org_id = mapped.org_id and above.group_id = mapped.group_id
join group_roles given on given.org_id = above.org_id and given.group_id = above.ancestor_id;
