-- An organization words the mails to its own people itself, by kind and language. What it does not word is worded by the server, and
-- so is every mail by the release before, which knows none of this.

-- Tables that others use are locked for a moment. Where one is in use for longer, this fails, and can be run again, instead of
-- holding up everybody.
set local lock_timeout = '10s';

create table mail_templates (
    org_id     uuid not null default current_org_id() references organizations (org_id),
    kind       text not null check (kind in ('address_changed', 'invitation')),
    locale     text not null check (length(locale) between 2 and 35), -- a language tag (BCP 47), or `default`
    subject    text not null check (length(subject) between 1 and 200),
    body       text not null check (octet_length(body) between 1 and 16384),
    created_at timestamptz not null,
    updated_at timestamptz not null,
    failed_at  timestamptz, -- when it first could not be used as it is now; the server's own words went out
    primary key (org_id, kind, locale)
);
call isolate_by_organization('mail_templates', 'select, insert, update, delete');
call erase_before('mail_templates', 'signing_keys');
