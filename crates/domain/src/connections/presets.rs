//! The names under which well-known identity providers send a user's attributes, unless their
//! administrators chose others.
//!
//! **Invariant:** an OpenID provider's address is looked for under `email` first: that is what
//! `email_verified` is about.

use std::collections::BTreeSet;

use super::{AttributeMapping, ConnectionProtocol, Vendor};

/// Names, first those that the vendor chose, then those that the guides of the set-up have entered.
#[derive(Debug, Clone, Copy)]
struct Names {
    email: &'static [&'static str],
    name: &'static [&'static str],
    first_name: &'static [&'static str],
    last_name: &'static [&'static str],
    groups: &'static [&'static str],
    separator: Option<&'static str>,
}

/// OIDC Core §5.1, and the name that most have taken up for groups.
const OIDC: Names = Names {
    email: &["email"],
    name: &["name"],
    first_name: &["given_name"],
    last_name: &["family_name"],
    groups: &["groups"],
    separator: None,
};

/// What the guides have entered where names are the administrator's to choose. An address in the `NameID`
/// is found under `email` too.
const SAML: Names = Names {
    email: &["email"],
    name: &["name", "displayName"],
    first_name: &["firstName"],
    last_name: &["lastName"],
    groups: &["groups"],
    separator: None,
};

const EMAIL: &str = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress";
const GIVEN_NAME: &str = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname";
const NAME: &str = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name";
const SURNAME: &str = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname";
const UPN: &str = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn";
const GROUPS: &str = "http://schemas.microsoft.com/ws/2008/06/identity/claims/groups";
const ROLE: &str = "http://schemas.microsoft.com/ws/2008/06/identity/claims/role";

const MAIL_OID: &str = "urn:oid:0.9.2342.19200300.100.1.3";
const DISPLAY_NAME_OID: &str = "urn:oid:2.16.840.1.113730.3.1.241";
const GIVEN_NAME_OID: &str = "urn:oid:2.5.4.42";
const SURNAME_OID: &str = "urn:oid:2.5.4.4";
const IS_MEMBER_OF_OID: &str = "urn:oid:1.3.6.1.4.1.5923.1.5.1.1";

impl AttributeMapping {
    /// What a new connection to a vendor begins with.
    pub fn preset(vendor: Vendor, protocol: ConnectionProtocol) -> Self {
        let names = match protocol {
            ConnectionProtocol::Oidc => oidc(vendor),
            ConnectionProtocol::Saml => saml(vendor),
        };
        names.mapping()
    }
}

/// The names that most providers use.
impl Default for AttributeMapping {
    fn default() -> Self {
        USUAL.mapping()
    }
}

impl Names {
    fn mapping(self) -> AttributeMapping {
        let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        AttributeMapping {
            subject: Vec::new(),
            email: list(self.email),
            name: list(self.name),
            first_name: list(self.first_name),
            last_name: list(self.last_name),
            groups: list(self.groups),
            groups_separator: self.separator.map(str::to_owned),
            keep: BTreeSet::new(),
        }
    }
}

const fn oidc(vendor: Vendor) -> Names {
    match vendor {
        Vendor::Adfs => Names {
            email: &["email", "upn"],
            name: &["name", "unique_name"],
            groups: &["groups", "group", "role"],
            ..OIDC
        },
        Vendor::Custom => Names { groups: CUSTOM_OIDC_GROUPS, ..USUAL },
        // `preferred_username` changes, and need not be an address: it is not asked.
        Vendor::Entra => Names { email: &["email", "upn"], ..OIDC },
        Vendor::Google => Names { groups: &[], ..OIDC },
        Vendor::JumpCloud => Names { groups: &["groups", "memberOf"], ..OIDC },
        // Roles of the realm are in ID tokens only where an administrator put them there.
        Vendor::Keycloak => Names { groups: &["groups", "realm_access.roles"], ..OIDC },
        Vendor::Ping => Names { groups: &["groups", "user.memberOfGroupsNames"], ..OIDC },
        Vendor::Okta | Vendor::OneLogin | Vendor::Shibboleth | Vendor::SimpleSamlPhp => OIDC,
    }
}

const fn saml(vendor: Vendor) -> Names {
    match vendor {
        Vendor::Adfs => Names {
            email: &[EMAIL, "email", UPN],
            name: &[NAME, "http://schemas.xmlsoap.org/claims/CommonName"],
            first_name: &[GIVEN_NAME],
            last_name: &[SURNAME],
            groups: &["http://schemas.xmlsoap.org/claims/Group", GROUPS, ROLE],
            separator: None,
        },
        Vendor::Custom => USUAL,
        // Its claim `name` is the user principal name.
        Vendor::Entra => Names {
            email: &[EMAIL, "email", NAME],
            name: &["http://schemas.microsoft.com/identity/claims/displayname"],
            first_name: &[GIVEN_NAME],
            last_name: &[SURNAME],
            groups: &[GROUPS],
            separator: None,
        },
        Vendor::JumpCloud => Names {
            first_name: &["firstName", "firstname"],
            last_name: &["lastName", "lastname"],
            groups: &["groups", "memberOf"],
            ..SAML
        },
        Vendor::Keycloak => Names {
            email: &["email", "urn:oid:1.2.840.113549.1.9.1"],
            first_name: &["firstName", GIVEN_NAME_OID],
            last_name: &["lastName", SURNAME_OID],
            groups: &["groups", "member", "Role"],
            ..SAML
        },
        Vendor::Google | Vendor::Okta => SAML,
        Vendor::OneLogin => Names {
            email: &["User.email", "email"],
            first_name: &["User.FirstName", "firstName"],
            last_name: &["User.LastName", "lastName"],
            groups: &["memberOf", "groups"],
            separator: Some(";"),
            ..SAML
        },
        Vendor::Ping => Names {
            email: &["email", "mail"],
            first_name: &["firstName", "givenName"],
            last_name: &["lastName", "sn"],
            groups: &["groups", "user.memberOfGroupsNames", "memberOf"],
            ..SAML
        },
        Vendor::Shibboleth => DIRECTORY,
        Vendor::SimpleSamlPhp => {
            Names { groups: &["groups", "memberOf", "eduPersonAffiliation", IS_MEMBER_OF_OID], ..DIRECTORY }
        }
    }
}

/// The attributes of `inetOrgPerson` and `eduMember`, under their names and their object identifiers.
const DIRECTORY: Names = Names {
    email: &[MAIL_OID, "mail", "email"],
    name: &[DISPLAY_NAME_OID, "displayName"],
    first_name: &[GIVEN_NAME_OID, "givenName"],
    last_name: &[SURNAME_OID, "sn"],
    groups: &[IS_MEMBER_OF_OID, "isMemberOf"],
    separator: None,
};

const USUAL: Names = Names {
    email: &["email", "mail", "emailAddress", "Email", MAIL_OID, EMAIL],
    name: &[
        "name",
        "displayName",
        DISPLAY_NAME_OID,
        "http://schemas.microsoft.com/identity/claims/displayname",
    ],
    first_name: &["given_name", "firstName", "givenName", GIVEN_NAME_OID, GIVEN_NAME],
    last_name: &["family_name", "lastName", "sn", SURNAME_OID, SURNAME],
    groups: &[
        "groups",
        "Groups",
        "memberOf",
        "isMemberOf",
        GROUPS,
        "http://schemas.xmlsoap.org/claims/Group",
    ],
    separator: None,
};

/// Those of [`USUAL`], and Cognito's.
const CUSTOM_OIDC_GROUPS: &[&str] = &[
    "groups",
    "Groups",
    "memberOf",
    "isMemberOf",
    GROUPS,
    "http://schemas.xmlsoap.org/claims/Group",
    "cognito:groups",
];

#[cfg(test)]
mod tests {
    use super::*;

    const PROTOCOLS: [ConnectionProtocol; 2] = [ConnectionProtocol::Oidc, ConnectionProtocol::Saml];

    #[test]
    fn every_preset_is_a_mapping_that_can_be_saved() {
        for (vendor, protocol) in Vendor::ALL.iter().flat_map(|vendor| PROTOCOLS.map(|of| (*vendor, of))) {
            let preset = AttributeMapping::preset(vendor, protocol);

            assert_eq!(preset.check(), Ok(()), "{vendor:?} {protocol:?}");
            assert!(preset.subject.is_empty(), "{vendor:?} {protocol:?}");
            for list in [&preset.email, &preset.name, &preset.first_name, &preset.last_name, &preset.groups] {
                let mut once = list.clone();
                once.sort_unstable();
                once.dedup();
                assert_eq!(once.len(), list.len(), "{vendor:?} {protocol:?} {list:?}");
            }
        }
    }

    #[test]
    fn an_openid_provider_is_asked_for_the_address_that_it_can_verify_first() {
        for vendor in Vendor::ALL {
            let preset = AttributeMapping::preset(vendor, ConnectionProtocol::Oidc);

            assert_eq!(preset.email.first().map(String::as_str), Some("email"), "{vendor:?}");
        }
    }

    #[test]
    fn groups_are_joined_by_one_vendor_alone() {
        let joined = |vendor, protocol| AttributeMapping::preset(vendor, protocol).groups_separator;

        for vendor in Vendor::ALL {
            assert_eq!(joined(vendor, ConnectionProtocol::Oidc), None, "{vendor:?}");
            let expected = (vendor == Vendor::OneLogin).then_some(";");
            assert_eq!(joined(vendor, ConnectionProtocol::Saml).as_deref(), expected, "{vendor:?}");
        }
    }

    #[test]
    fn the_names_of_an_unknown_vendor_are_the_usual_ones() {
        let of = |protocol| AttributeMapping::preset(Vendor::Custom, protocol);

        let usual = AttributeMapping::default();

        assert_eq!(of(ConnectionProtocol::Saml), usual);
        let oidc = of(ConnectionProtocol::Oidc);
        assert!(oidc.groups.starts_with(&usual.groups), "{:?}", oidc.groups);
        assert_eq!(AttributeMapping { groups: usual.groups.clone(), ..oidc }, usual);
    }
}
