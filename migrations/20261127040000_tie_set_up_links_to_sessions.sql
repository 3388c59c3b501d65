-- An administrator who opens the set-up from the hosted pages has a link of their own, in the browser that they are signed in by:
-- it is worth nothing once that session ends, however it does. Links that were made before, or for others, have none.
-- The release before writes none, and reads as before.

-- No reference: sessions are deleted some time after they ended, and one that is not there has ended.
alter table setup_links add column session_id uuid;
