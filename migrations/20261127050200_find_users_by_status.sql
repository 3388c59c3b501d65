-- no-transaction
-- Whoever may not sign in any more is found among many who may.

create index concurrently if not exists users_by_status on users (org_id, status, id);
