-- The master key can be changed: what is wrapped and hashed under the one before is wrapped and hashed again, organization
-- by organization. A browser that is at an identity provider comes back with what only the key can derive that it was sent
-- with; the release before stores none, and knows one key.
grant update (wrapped_key) on data_keys to orgate_app;
alter table upstream_requests add column derived_by bytea; -- names the master key, and tells nothing of it
create policy refresh on organizations for select to orgate_refresh using (true);
grant select (org_id) on organizations to orgate_refresh;
