-- A family's organization exists because its session does: `(org_id, session_id)` refers to it. Checking it once more
-- takes another lock on the organization's row, which all sign-ins to it share, at every code redeemed.
alter table grants drop constraint grants_org_id_fkey;
