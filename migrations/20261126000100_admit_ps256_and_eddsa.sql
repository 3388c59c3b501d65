-- Clients may ask for signatures by RSASSA-PSS (RFC 7518 §3.5) and Ed25519 (RFC 8037).
alter table clients
    drop constraint clients_signing_algorithm_check,
    add constraint clients_signing_algorithm_check
        check (signing_algorithm in ('ES256', 'RS256', 'PS256', 'EdDSA'));
alter table signing_keys
    drop constraint signing_keys_algorithm_check,
    add constraint signing_keys_algorithm_check check (algorithm in ('ES256', 'RS256', 'PS256', 'EdDSA'));
