-- While anybody of an organization has a password that another system hashed, every sign-in there takes the time of such a hash and
-- of one of our own, so that nobody learns by time whose it is. This finds one, or that there is none left. The words are
-- those of our own hashes of today; whoever changes them there changes them here.
create index password_credentials_foreign on password_credentials (org_id, user_id)
    where phc not like '$argon2id$v=19$m=19456,t=2,p=1$%';
