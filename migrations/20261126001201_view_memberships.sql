-- Which groups a user is in, as of now: by hand, or by a connection that is in use for them, as roles are.
create view memberships with (security_invoker) as
select by_hand.org_id, by_hand.user_id, by_hand.group_id from group_members by_hand
union
select mapped.org_id, mapped.user_id, mapped.group_id
from mapped_groups mapped
join connections giving on giving.org_id = mapped.org_id and giving.id = mapped.connection_id
where giving.state = 'active'
   or (giving.state = 'pilot' and exists (
           select from connection_pilots pilot
           join users member on member.org_id = pilot.org_id and member.email_normalized = pilot.email_normalized
           where pilot.org_id = giving.org_id and pilot.connection_id = giving.id and member.id = mapped.user_id));
grant select on memberships to orgate_app;
