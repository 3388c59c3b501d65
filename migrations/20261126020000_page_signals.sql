-- What one event of the log says of many users goes into streams in several transactions: of whom the last one told.
-- The release before tells of all at once, and again of those that were told of.

alter table signals
    add column told_to uuid, -- users are told of in the order of their ids
    add foreign key (org_id, told_to) references users (org_id, id);
grant update (told_to) on signals to orgate_app;
