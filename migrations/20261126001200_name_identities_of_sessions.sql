-- The identity that a user is bound by, and that began the session: what the identity provider says of it is told in
-- that session's claims, and of no other identity that the user has there. Sessions of releases before name none.
alter table upstream_sessions
    add column provider text,
    add column identity text,
    add constraint upstream_sessions_identity check ((provider is null) = (identity is null));
