-- What users and organizations are called in systems of their customers and of the operator: found by it, and one each. The
-- release before knows nothing of it, and leaves it as it is.

-- Tables that sign-ins use are locked for a moment. Where one is in use for longer, this fails, and can be run again, instead of
-- holding up everybody.
set local lock_timeout = '10s';

alter table users add column external_id text check (length(external_id) between 1 and 255);
create unique index users_external_id_key on users (org_id, external_id) where external_id is not null;

-- Of all organizations: the operator's word, whom alone a broken constraint tells anything.
alter table organizations add column external_id text check (length(external_id) between 1 and 255);
create unique index organizations_external_id_key on organizations (external_id) where external_id is not null;
grant select (external_id) on organizations to orgate_operate;
