-- An administrator who opens the set-up from the hosted pages has a link of their own, in the browser that they are signed in by:
-- it is worth nothing once that session ends, however it does. Links that were made before, or for others, have none.
-- The release before writes none, and reads as before.

alter table setup_links
    add column session_id uuid,
    -- Sessions are deleted some time after they ended, and what they opened goes with them.
    add constraint setup_links_session_id_fkey
        foreign key (org_id, session_id) references sessions (org_id, id) on delete cascade not valid;
