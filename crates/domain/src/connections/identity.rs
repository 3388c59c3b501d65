//! What an identity provider says of a user, and what is made of it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{AttributeMapping, Attributes, ConnectionSettings, RoleSlugs};
use crate::email::{DomainName, Email};
use crate::names::DisplayName;

/// A subject is at most this long: Entra's are 43 characters, SAML's persistent ones up to 256.
const MAX_SUBJECT: usize = 512;

/// Bytes of one attribute that is kept.
const MAX_KEPT_BYTES: usize = 4096;

/// What was asserted, verified as the provider's word and not yet as anything else. Kept, encrypted,
/// while it waits for its browser.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Asserted {
    /// `sub`, or the `NameID`.
    pub subject: String,
    /// Whether the provider says that it verified the address (`email_verified`).
    pub address_verified: bool,
    /// Claims or attributes.
    pub attributes: Attributes,
}

/// What a connection's mapping makes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapped {
    /// What the user is bound by.
    pub subject: String,
    /// The address, and whose it is.
    pub address: AddressVerdict,
    /// The name.
    pub name: Option<DisplayName>,
    /// Slugs of the roles that it gives.
    pub roles: RoleSlugs,
    /// Slugs of the groups that it gives.
    pub groups: BTreeSet<String>,
    /// What is kept for claims.
    pub kept: Attributes,
}

/// What an asserted address is good for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AddressVerdict {
    /// None was asserted.
    Absent,
    /// Of a verified domain that the connection serves, and vouched for: the user's own.
    Own(Email),
    /// Anything else: kept as the provider's word, matching and linking nothing.
    Foreign(Email),
}

/// Why nothing can be made of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is no subject")]
pub struct NoSubject;

impl AddressVerdict {
    /// The address, whatever it is good for.
    pub const fn email(&self) -> Option<&Email> {
        match self {
            Self::Absent => None,
            Self::Own(email) | Self::Foreign(email) => Some(email),
        }
    }

    /// The address, if it is the user's own.
    pub const fn own(&self) -> Option<&Email> {
        match self {
            Self::Own(email) => Some(email),
            Self::Absent | Self::Foreign(_) => None,
        }
    }
}

impl AttributeMapping {
    /// The name that the address is found under.
    pub fn address_name(&self, attributes: &Attributes) -> Option<&str> {
        found(attributes, &self.email).map(|(name, _)| name)
    }

    /// What is kept of them. An attribute that is too large to keep is not kept at all, since half of a list is a
    /// wrong one; nor is one with control characters, which no value of a directory needs and headers, logs and
    /// terminals obey.
    fn kept(&self, attributes: &Attributes) -> Attributes {
        let wanted = self.keep.iter().filter_map(|name| Some((name, attributes.get(name)?)));
        let fits = |values: &Vec<String>| {
            let bytes: usize = values.iter().map(|value| value.len() + 3).sum(); // `"",` around each
            bytes <= MAX_KEPT_BYTES && !values.iter().flat_map(|value| value.chars()).any(char::is_control)
        };
        wanted
            .filter(|(_, values)| fits(values))
            .map(|(name, values)| (name.clone(), values.clone()))
            .collect()
    }

    /// The groups, taken apart where one value has several.
    pub fn groups_in<'a>(&self, attributes: &'a Attributes) -> BTreeSet<&'a str> {
        let values = self.groups.iter().filter_map(|name| attributes.get(name)).flatten().map(String::as_str);
        match self.groups_separator.as_deref() {
            None => values.collect(),
            Some(separator) => {
                let parts = values.flat_map(|value| value.split(separator)).map(str::trim);
                parts.filter(|group| !group.is_empty()).collect()
            }
        }
    }
}

impl ConnectionSettings {
    /// Applies the mapping. `serves` says whether the connection serves a domain.
    ///
    /// # Errors
    /// [`NoSubject`] where the mapped attribute has no value, several, or one that cannot be kept:
    /// falling back to another would bind the user to something else than was chosen.
    pub fn map(
        &self,
        asserted: &Asserted,
        serves: impl Fn(&DomainName) -> bool,
    ) -> Result<Mapped, NoSubject> {
        let attributes = &asserted.attributes;
        let subject = self.subject(asserted)?;
        let address = match first(attributes, &self.mapping.email).and_then(|text| Email::parse(text).ok()) {
            None => AddressVerdict::Absent,
            Some(email) => {
                let vouched = asserted.address_verified || self.trusts_addresses;
                if vouched && serves(&email.domain()) {
                    AddressVerdict::Own(email)
                } else {
                    AddressVerdict::Foreign(email)
                }
            }
        };
        let (roles, groups) = self.apply_rules(attributes);
        let kept = self.mapping.kept(attributes);
        Ok(Mapped { subject, address, name: self.name(attributes), roles, groups, kept })
    }

    fn subject(&self, asserted: &Asserted) -> Result<String, NoSubject> {
        let subject = if self.mapping.subject.is_empty() {
            asserted.subject.as_str()
        } else {
            let mut names = self.mapping.subject.iter();
            match names.find_map(|name| asserted.attributes.get(name)).map(Vec::as_slice) {
                Some([only]) => only.as_str(),
                _ => return Err(NoSubject),
            }
        };
        let kept = !subject.trim().is_empty()
            && subject.len() <= MAX_SUBJECT
            && !subject.chars().any(char::is_control);
        if kept { Ok(subject.to_owned()) } else { Err(NoSubject) }
    }

    fn name(&self, attributes: &Attributes) -> Option<DisplayName> {
        let whole = first(attributes, &self.mapping.name).map(str::to_owned);
        let parts = || {
            let parts = [&self.mapping.first_name, &self.mapping.last_name];
            let parts: Vec<&str> = parts.into_iter().filter_map(|names| first(attributes, names)).collect();
            (!parts.is_empty()).then(|| parts.join(" "))
        };
        DisplayName::parse(&whole.or_else(parts)?).ok()
    }

    fn apply_rules(&self, attributes: &Attributes) -> (RoleSlugs, BTreeSet<String>) {
        let mut roles = self.jit.default_roles.clone();
        let mut groups = BTreeSet::new();
        let asserted = self.mapping.groups_in(attributes);
        for rule in &self.rules {
            let given = match &rule.attribute {
                Some(name) => attributes.get(name).is_some_and(|values| values.contains(&rule.value)),
                None => asserted.contains(rule.value.as_str()),
            };
            if given {
                roles.extend(rule.roles.iter().cloned());
                groups.extend(rule.groups.iter().cloned());
            }
        }
        (roles, groups)
    }
}

/// The first value of the first name that has one.
fn first<'a>(attributes: &'a Attributes, names: &[String]) -> Option<&'a str> {
    found(attributes, names).map(|(_, value)| value)
}

/// The same, with the name.
fn found<'a, 'n>(attributes: &'a Attributes, names: &'n [String]) -> Option<(&'n str, &'a str)> {
    let mut values = names.iter().filter_map(|name| Some((name.as_str(), attributes.get(name)?.first()?)));
    values.find(|(_, value)| !value.trim().is_empty()).map(|(name, value)| (name, value.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str) -> ConnectionSettings {
        let provider = r#""provider":{"oidc":{"issuer":"https://idp.test","client_id":"orgate"}}"#;
        serde_json::from_str(&format!("{{{provider}{text}}}")).expect("settings")
    }

    fn asserted(verified: bool, attributes: &[(&str, &[&str])]) -> Asserted {
        let values = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
        let attributes = attributes.iter().map(|(name, list)| ((*name).to_owned(), values(list))).collect();
        Asserted { subject: "subject".to_owned(), address_verified: verified, attributes }
    }

    fn serves_acme(domain: &DomainName) -> bool {
        domain.as_str() == "acme.test"
    }

    #[test]
    fn what_nobody_should_have_to_read_is_not_kept() {
        let mapping = AttributeMapping {
            keep: ["plain", "nul", "line", "csi", "large", "many", "absent"].map(str::to_owned).into(),
            ..AttributeMapping::default()
        };
        let attributes: Attributes = [
            ("plain", vec!["Zoë".to_owned()]),
            ("nul", vec!["a".to_owned(), "\0".to_owned()]),
            ("line", vec!["a\r\nb".to_owned()]),
            ("csi", vec!["\u{9b}31m".to_owned()]),
            ("large", vec!["x".repeat(MAX_KEPT_BYTES)]),
            ("many", vec![String::new(); MAX_KEPT_BYTES / 2]),
            ("other", vec!["1".to_owned()]),
        ]
        .map(|(name, values)| (name.to_owned(), values))
        .into();

        assert_eq!(mapping.kept(&attributes).into_keys().collect::<Vec<_>>(), ["plain"]);
    }

    #[test]
    fn an_address_is_the_users_own_only_where_domain_and_provider_both_say_so() {
        let ada = |verified| asserted(verified, &[("email", &["ada@acme.test"])]);
        let own = |settings: &ConnectionSettings, asserted: &Asserted| {
            settings.map(asserted, serves_acme).expect("mapped").address.own().is_some()
        };

        assert!(own(&settings(""), &ada(true)));
        assert!(!own(&settings(""), &ada(false)));
        assert!(own(&settings(r#","trusts_addresses":true"#), &ada(false)));
        let foreign = asserted(true, &[("email", &["ada@globex.test"])]);
        assert!(!own(&settings(r#","trusts_addresses":true"#), &foreign));
    }

    #[test]
    fn a_mapped_subject_is_never_replaced_by_another() {
        let by_id = settings(r#","mapping":{"subject":["employee"]}"#);

        let mapped = by_id.map(&asserted(true, &[("employee", &["7"])]), serves_acme);

        assert_eq!(mapped.expect("mapped").subject, "7");
        assert_eq!(by_id.map(&asserted(true, &[]), serves_acme), Err(NoSubject));
        assert_eq!(by_id.map(&asserted(true, &[("employee", &["7", "8"])]), serves_acme), Err(NoSubject));
        assert_eq!(by_id.map(&asserted(true, &[("employee", &[" "])]), serves_acme), Err(NoSubject));
    }

    #[test]
    fn rules_give_what_their_value_is_there_for_and_everybody_gets_the_default() {
        let settings = settings(
            r#","jit":{"enabled":true,"default_roles":["viewer"]},
               "rules":[{"value":"staff","roles":["editor"],"groups":["engineering"]},
                        {"attribute":"title","value":"boss","roles":["admin"]}]"#,
        );
        let roles = |attributes: &[(&str, &[&str])]| {
            let mapped = settings.map(&asserted(false, attributes), serves_acme).expect("mapped");
            mapped.roles.into_iter().collect::<Vec<_>>()
        };

        assert_eq!(roles(&[]), ["viewer"]);
        assert_eq!(roles(&[("groups", &["other", "staff"])]), ["editor", "viewer"]);
        assert_eq!(roles(&[("title", &["boss"]), ("groups", &["boss", "STAFF"])]), ["admin", "viewer"]);
    }

    #[test]
    fn groups_in_one_value_are_taken_apart_only_where_the_mapping_says_so() {
        let rules = r#""rules":[{"value":"admins","roles":["admin"]},{"attribute":"memberOf","value":"a;b","roles":["editor"]}]"#;
        let given = |mapping: &str, values: &[&str]| {
            let settings = settings(&format!(r#","mapping":{{"groups":["memberOf"]{mapping}}},{rules}"#));
            let mapped =
                settings.map(&asserted(false, &[("memberOf", values)]), serves_acme).expect("mapped");
            mapped.roles.into_iter().collect::<Vec<_>>()
        };

        let split = r#","groups_separator":";""#;
        assert_eq!(given(split, &["staff; admins;"]), ["admin"]);
        assert_eq!(given(split, &["staff", "admins"]), ["admin"]);
        assert_eq!(given(split, &["a;b"]), ["editor"], "a rule that names its attribute sees it as it is");
        assert!(given("", &["staff;admins"]).is_empty());
        assert!(given(split, &["staff;admins2"]).is_empty());
    }

    #[test]
    fn a_name_is_put_together_where_there_is_no_whole_one() {
        let name = |attributes: &[(&str, &[&str])]| {
            let mapped = settings("").map(&asserted(false, attributes), serves_acme).expect("mapped");
            mapped.name.map(|name| name.as_str().to_owned())
        };

        assert_eq!(
            name(&[("given_name", &["Ada"]), ("family_name", &["Adler"])]).as_deref(),
            Some("Ada Adler")
        );
        assert_eq!(name(&[("name", &["A. Adler"]), ("given_name", &["Ada"])]).as_deref(), Some("A. Adler"));
        assert_eq!(name(&[]), None);
    }
}
