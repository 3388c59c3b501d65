-- How old, and how long unused, a session may be for a client to be answered in it. What is left out is the
-- organization's to say, as before.
alter table clients
    add column session_idle_secs     bigint check (session_idle_secs > 0),
    add column session_absolute_secs bigint check (session_absolute_secs > 0);
