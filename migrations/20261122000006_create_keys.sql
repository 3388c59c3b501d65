-- Keys. Data keys live apart from what they encrypt, so that they can be backed up apart: deleting
-- one erases what it encrypted.

create table data_keys (
    org_id      uuid primary key default current_org_id() references organizations (org_id),
    wrapped_key bytea not null, -- AES-256-GCM under the master key
    created_at  timestamptz not null
);
call isolate_by_organization('data_keys', 'select, insert, delete');

create table signing_keys (
    org_id      uuid not null default current_org_id() references organizations (org_id),
    kid         text not null,  -- RFC 7638 thumbprint
    algorithm   text not null check (algorithm in ('ES256', 'RS256')),
    private_key bytea not null, -- PKCS#8, AES-256-GCM under the organization's data key
    public_jwk  jsonb not null,
    created_at  timestamptz not null,
    retired_at  timestamptz,    -- signs no more; still published until `expires_at`
    expires_at  timestamptz,
    primary key (org_id, kid)
);
call isolate_by_organization('signing_keys', 'select, insert, update');
create unique index signing_keys_current on signing_keys (org_id, algorithm) where retired_at is null;
