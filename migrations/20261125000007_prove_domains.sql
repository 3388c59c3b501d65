-- Domains that organizations prove themselves, and the contact that is told when one cannot be proven any more.

-- Where notices to the organization go, such as of certificates that expire; without it nobody is told.
alter table organizations add column contact_email text;

alter table outbox
    drop constraint outbox_kind_check,
    add constraint outbox_kind_check check (kind in ('discovery_mail', 'notice'));

-- `challenge` is what the TXT record says; none where an operator vouches for the domain, which is then never
-- checked. A verified domain whose record is gone is verified still until its grace has passed.
alter table domains
    add column challenge text,
    add column shared boolean not null default false,
    add column subdomains boolean not null default false,
    add column checked_at timestamptz,
    add column failing_since timestamptz,
    add column due_at timestamptz,
    add constraint domains_due_check check (due_at is null or (challenge is not null and verified_at is not null)),
    add constraint domains_failing_check check (failing_since is null or verified_at is not null);
create index domains_by_due on domains (due_at) where due_at is not null;
create policy refresh on domains to orgate_refresh using (true);
grant select (org_id, id, due_at), update (due_at) on domains to orgate_refresh;

-- An exclusive domain is one organization's. Its owner may open it to others that prove it too: organizations of one
-- company. `successor_org_id` is whom it was handed over to.
alter table verified_domains
    add column exclusive boolean not null default true,
    add column subdomains boolean not null default false,
    add column successor_org_id uuid references organizations (org_id),
    add constraint verified_domains_exclusive_key unique (domain, exclusive);
alter table verified_domains alter column exclusive drop default;
create index verified_domains_by_successor on verified_domains (successor_org_id) where successor_org_id is not null;

-- The role that gives a domain that was handed over to its successor; made as those of the first migration are.
do $$
declare
    may_take text := case when current_setting('server_version_num')::integer < 160000 then 'member' else 'set' end;
begin
    begin
        create role orgate_transfer nologin noinherit;
    exception when duplicate_object or unique_violation then
        null;
    end;
    if not pg_has_role(current_user, 'orgate_transfer', may_take) then
        execute case when may_take = 'set' then 'grant orgate_transfer to current_user with inherit false, set true'
                     else 'grant orgate_transfer to current_user' end;
    end if;
    grant usage on schema public to orgate_transfer;
end
$$;
create policy see_transfer on verified_domains for select to orgate_transfer using (true);
create policy transfer on verified_domains for update to orgate_transfer
    using (successor_org_id is not null) with check (not active);
grant select (org_id, domain, active, successor_org_id), update (org_id, successor_org_id) on verified_domains to orgate_transfer;

-- The others. The key reaches into the owner's row: nobody shares what is exclusive, and nothing becomes exclusive
-- that others share.
create table shared_domains (
    org_id     uuid not null default current_org_id() references organizations (org_id),
    domain     text not null,
    exclusive  boolean not null check (not exclusive),
    subdomains boolean not null default false,
    primary key (org_id, domain),
    foreign key (domain, exclusive) references verified_domains (domain, exclusive)
);
call isolate_by_organization('shared_domains', 'select, insert, update, delete');
create index shared_domains_by_domain on shared_domains (domain);
create policy resolve on shared_domains for select to orgate_resolve using (true);
grant select on shared_domains to orgate_resolve;

-- A domain offered to whoever brings the code. Accepted, it changes hands when `due_at` has passed and the successor
-- has proven it.
create table domain_transfers (
    org_id           uuid not null default current_org_id(),
    domain_id        uuid not null,
    code_hash        bytea not null,
    offered_at       timestamptz not null,
    expires_at       timestamptz not null,
    successor_org_id uuid references organizations (org_id),
    due_at           timestamptz,
    primary key (org_id, domain_id),
    foreign key (org_id, domain_id) references domains (org_id, id) on delete cascade,
    constraint domain_transfers_accepted_check check ((successor_org_id is null) = (due_at is null))
);
call isolate_by_organization('domain_transfers', 'select, insert, update, delete');
create index domain_transfers_by_successor on domain_transfers (successor_org_id) where successor_org_id is not null;
