-- A page shows the code that a device shows, which only the master key derives that was current when it was made. The
-- release before stores none, and knows one key.
alter table device_requests add column derived_by bytea; -- names the master key, and tells nothing of it
