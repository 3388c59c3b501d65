-- Where an application begins a sign-in that somebody else thought of (OIDC Core §4): an identity
-- provider's own start page.
alter table clients add column initiate_login_uri text;
