//! The token contract, as JSON Schema 2020-12: what whoever reads a token may rely on.
//!
//! **Invariant:** a published version only grows: claims come, none goes or changes its meaning. Whatever would
//! break a reader is another version, beside this one.

/// The documents of version 1, each with the name that it is served under.
pub const V1: [(&str, &str); 5] = [
    ("access-token.json", include_str!("../schemas/v1/access-token.json")),
    ("id-token.json", include_str!("../schemas/v1/id-token.json")),
    ("logout-token.json", include_str!("../schemas/v1/logout-token.json")),
    ("security-event-token.json", include_str!("../schemas/v1/security-event-token.json")),
    ("userinfo.json", include_str!("../schemas/v1/userinfo.json")),
];
