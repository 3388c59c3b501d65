//! Typed ids: a `UUIDv7` inside, `prefix_` and 26 Crockford base32 characters at every boundary.
//!
//! **Invariant:** one type an entity, so that no id is taken for another.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

pub use crate::credentials::base32;

/// Text that is not an id of the expected type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {expected}_ id")]
pub struct InvalidId {
    /// The prefix that was expected, without its underscore.
    pub expected: &'static str,
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// What the text form starts with, without the underscore.
            pub const PREFIX: &'static str = $prefix;

            /// An id from its UUID.
            pub const fn from_uuid(uuid: Uuid) -> Self { Self(uuid) }

            /// The UUID, as stored.
            pub const fn as_uuid(self) -> Uuid { self.0 }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!($prefix, "_"))?;
                f.write_str(&base32::encode_u128(self.0.as_u128()))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { fmt::Display::fmt(self, f) }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                text.strip_prefix(concat!($prefix, "_"))
                    .and_then(base32::decode_u128)
                    .map(|value| Self(Uuid::from_u128(value)))
                    .ok_or(InvalidId { expected: $prefix })
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
    )+};
}

ids! {
    /// An organization: the security boundary.
    OrgId = "org";
    /// A user: a principal inside exactly one organization.
    UserId = "usr";
    /// A person: a proven link between users of several organizations.
    PersonId = "per";
    /// A client, owned by an organization.
    ClientId = "cli";
    /// A connection to an upstream identity provider.
    ConnectionId = "con";
    /// A proven e-mail domain.
    DomainId = "dom";
    /// A role.
    RoleId = "rol";
    /// A group.
    GroupId = "grp";
    /// A session: one user, one browser, one organization.
    SessionId = "ses";
    /// A stored authorization request.
    AuthorizationRequestId = "arq";
    /// A token family: what one authorization granted, through all its refreshes.
    GrantId = "gra";
    /// An audit event.
    EventId = "evt";
    /// A message waiting in the outbox.
    MessageId = "msg";
    /// What came of one sign-in through a connection, for whoever looks into it.
    TraceId = "trc";
    /// A key of a SAML connection.
    ConnectionKeyId = "key";
    /// A device that has its sign-in done elsewhere.
    DeviceRequestId = "dev";
    /// A discovery challenge: the mail that lists a person's organizations.
    DiscoveryId = "dis";
    /// An invitation.
    InvitationId = "inv";
    /// A request to join an organization.
    JoinRequestId = "jrq";
    /// A set-up link.
    SetupLinkId = "stl";
    /// An initial access token.
    RegistrationTokenId = "rit";
    /// A receiver's stream of security events.
    StreamId = "str";
    /// Where an organization wants to be told of what happens.
    WebhookId = "whk";
    /// An API key.
    ApiKeyId = "apk";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_its_text_form() {
        let id = OrgId::from_uuid(Uuid::from_u128(0x0192_f0c1_2345_7abc_8def_0123_4567_89ab));

        let text = id.to_string();

        assert_eq!(text.len(), 30);
        assert_eq!(text.parse(), Ok(id));
    }

    #[test]
    fn an_id_of_another_type_is_refused() {
        let text = UserId::from_uuid(Uuid::from_u128(7)).to_string();

        assert_eq!(text.parse::<OrgId>(), Err(InvalidId { expected: "org" }));
        for bad in ["", "org_", "org_8zzzzzzzzzzzzzzzzzzzzzzzzz", "org_0123456789abcdefghjkmnpqrU", "ORG_0"] {
            assert!(bad.parse::<OrgId>().is_err(), "{bad}");
        }
    }
}
