-- A pushed request is one issuer's: what was pushed to an organization's is unknown at every other. The release before
-- writes none here, and those last 90 seconds.
alter table pushed_requests add column called uuid; -- the organization whose issuer it was pushed to; null: the shared one
