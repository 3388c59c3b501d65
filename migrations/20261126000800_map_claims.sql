-- Claims of a client's own, mapped from what is known of organization, user and connection; and what an
-- organization keeps about itself and its users for that. Attributes are objects: a name, and a list of strings.
alter table clients
    add column claims        jsonb not null default '[]',
    add column claims_budget integer not null default 2048 check (claims_budget between 0 and 8192);
alter table organizations add column attributes jsonb not null default '{}';
alter table users add column attributes jsonb not null default '{}';
-- What the identity provider said at the last sign-in, of what the connection keeps.
alter table identity_links add column attributes jsonb not null default '{}';
