-- Signing keys rotate on schedule: published, then signing, then retired, then erased. The release before knows keys
-- that sign and keys that are retired: it takes the one that was published first for the one that signs, which is
-- right, and makes keys that sign at once, which the default says.

alter table signing_keys
    add column promoted_at timestamptz default now(), -- signs from then on; NULL: published, to sign next
    add column revoked_at  timestamptz,               -- withdrawn: nothing that it signed counts
    add column erased_at   timestamptz,               -- published no more; its private key is gone
    alter column private_key drop not null,
    add constraint signing_keys_erased_check check (erased_at is null or private_key is null),
    add constraint signing_keys_retired_check check ((retired_at is null) = (expires_at is null)),
    add constraint signing_keys_revoked_check check (revoked_at is null or erased_at is not null),
    drop constraint signing_keys_algorithm_check,
    add constraint signing_keys_algorithm_check check (algorithm in ('ES256', 'RS256', 'PS256', 'EdDSA'));
update signing_keys set promoted_at = created_at;

-- Of each algorithm one key signs, and one is published to sign next.
drop index signing_keys_current;
create unique index signing_keys_signing on signing_keys (org_id, algorithm)
    where promoted_at is not null and retired_at is null;
create unique index signing_keys_next on signing_keys (org_id, algorithm)
    where promoted_at is null and retired_at is null;

-- When each organization's keys are looked after next.
create table key_rings (
    org_id uuid primary key default current_org_id() references organizations (org_id),
    due_at timestamptz not null
);
call isolate_by_organization('key_rings', 'select, insert, update');
create index key_rings_by_due on key_rings (due_at);
create policy refresh on key_rings to orgate_refresh using (true);
grant select, update (due_at) on key_rings to orgate_refresh;

insert into key_rings (org_id, due_at) select distinct org_id, now() from signing_keys;
