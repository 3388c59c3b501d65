-- While the master key changes, the index has an address under the one key or the other: who proves an address is looked
-- for by both. The release before writes neither of these, and knows one key.
alter table discovery_challenges add column other_email_hash bytea;
alter table authorization_requests add column other_proven_hash bytea;
