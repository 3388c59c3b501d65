-- A client that registered itself counts among those that do, and not among an organization's applications: also once it was
-- removed, or an organization would be full one day of what is gone. The release before deletes the row, and what it removes counts.

-- Tables that others use are locked for a moment. Where one is in use for longer, this fails, and can be run again, instead of
-- holding up everybody.
set local lock_timeout = '10s';

alter table client_registrations add column removed_at timestamptz; -- its token is worth nothing since
grant update (removed_at) on client_registrations to orgate_app;
