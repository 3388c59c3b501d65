-- Claims that were asked for one by one (OIDC Core §5.5) are given for as long as what was granted lives.
-- NULL, or of old: none.
alter table authorization_requests add column claims jsonb;
alter table authorization_codes add column claims jsonb;
alter table grants add column claims jsonb;
