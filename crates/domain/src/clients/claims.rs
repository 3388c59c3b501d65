//! What a client's tokens say beside what every token says: claims of its own, mapped from what is
//! known of user, organization, groups and connection.
//!
//! **Invariant:** a [`ClaimName`] is never one that Orgate gives a meaning (see [`RESERVED`]), so no mapping
//! can set, change or drop what tokens are trusted for.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::settings::STANDARD_SCOPES;
use crate::connections::Attributes;

/// Claims that one client may map.
pub const MAX_MAPPINGS: usize = 50;

/// Bytes of JSON that a client's own claims take in one token, unless it is told otherwise: a token travels in
/// a header, and servers commonly take 8 KiB of those.
pub const DEFAULT_BUDGET: usize = 2048;

/// The most bytes that a client may be allowed.
pub const MAX_BUDGET: usize = 8192;

/// Characters of a claim's name.
const MAX_NAME: usize = 256;

/// Names that have a meaning of their own in some token, answer or request. Protocol members, what Orgate says
/// itself, and what would speak for its proof.
pub const RESERVED: [&str; 56] = [
    "acr",
    "act",
    "active",
    "amr",
    "at_hash",
    "aud",
    "aud_tenant",
    "auth_time",
    "authorization_details",
    "azp",
    "c_hash",
    "client_id",
    "cnf",
    "email",
    "email_verified",
    "entity_type",
    "events",
    "exp",
    "iat",
    "iss",
    "jti",
    "locale",
    "may_act",
    "name",
    "nbf",
    "nonce",
    "org_id",
    "org_name",
    "organization",
    "organization_id",
    "permissions",
    "phone_number_verified",
    "roles",
    "s_hash",
    "scope",
    "scp",
    "session_expiry",
    "session_id",
    "sid",
    "sub",
    "sub_id",
    "sub_jwk",
    "tenant",
    "tid",
    "toe",
    "token_introspection",
    "token_type",
    "trust_chain",
    "txn",
    "typ",
    "username",
    "verified_claims",
    "vot",
    "_claim_names",
    "_claim_sources",
    "_sd",
];

/// Registered names that may be given (OIDC Core §5.1, RFC 9068 §2.2.3.1, RFC 7643 §4.1.2, OpenID Connect
/// Enterprise Extensions §2).
pub const STANDARD: [&str; 20] = [
    "address",
    "aud_sub",
    "birthdate",
    "department",
    "employee_number",
    "entitlements",
    "family_name",
    "gender",
    "given_name",
    "groups",
    "middle_name",
    "nickname",
    "phone_number",
    "picture",
    "preferred_username",
    "profile",
    "title",
    "updated_at",
    "website",
    "zoneinfo",
];

/// The name of a claim that a client may map: namespaced (an `https` or `urn` URI), or one of [`STANDARD`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ClaimName(String);

/// Text that is no [`ClaimName`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidClaimName {
    /// It is neither namespaced nor standard.
    #[error("neither an https: or urn: URI of at most 256 characters nor one of {}", STANDARD.join(", "))]
    Unknown,
    /// It is one of [`RESERVED`].
    #[error("it has a meaning of its own, which no mapping changes")]
    Reserved,
}

/// Where a claim's value comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ClaimSource {
    /// `user.name`.
    UserName,
    /// `user.email`, only if it was proven.
    UserEmail,
    /// `user.locale`.
    UserLocale,
    /// `user.attributes.NAME`.
    UserAttribute(String),
    /// `user.groups`: slugs.
    UserGroups,
    /// `organization.name`: the one for people.
    OrganizationName,
    /// `organization.attributes.NAME`.
    OrganizationAttribute(String),
    /// `connection.slug`: the connection that the session began through.
    ConnectionSlug,
    /// `connection.name`: its name for people.
    ConnectionName,
    /// `connection.attributes.NAME`: what its identity provider said at the last sign-in, of what the connection
    /// keeps.
    ConnectionAttribute(String),
}

/// Text that is no [`ClaimSource`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "one of user.name, user.email, user.locale, user.groups, user.attributes.NAME, organization.name, \
     organization.attributes.NAME, connection.slug, connection.name, connection.attributes.NAME"
)]
pub struct InvalidClaimSource;

/// The shape of a claim's value, which never depends on how many values there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClaimShape {
    /// The first value, as a string.
    #[default]
    String,
    /// All values, as an array of strings.
    List,
    /// The first value, if it is `true` or `false`.
    Boolean,
    /// The first value, if it is a whole number of 53 bits at most (RFC 8259 §6).
    Integer,
}

/// The tokens that a claim is put in. `/userinfo` tells all of them, whatever is put where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClaimTarget {
    /// Access tokens.
    AccessToken,
    /// ID tokens.
    IdToken,
}

/// One claim of a client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClaimMapping {
    /// What it is called.
    pub name: ClaimName,
    /// Where its value comes from.
    pub from: ClaimSource,
    /// Its shape; groups are a list.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub shape: Option<ClaimShape>,
    /// Where it is put; both, unless told.
    #[serde(rename = "in", default = "everywhere")]
    pub targets: BTreeSet<ClaimTarget>,
    /// It is told only where this scope was granted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
}

/// What is known, as of now, of what a token is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClaimValues {
    /// The user; `None` where the token is a machine's.
    pub user: Option<UserValues>,
    /// The organization's name for people.
    pub organization_name: String,
    /// What its admins keep about it.
    pub organization_attributes: Attributes,
}

/// What is known of a user.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserValues {
    /// The name.
    pub name: String,
    /// The address, if it was proven.
    pub email: Option<String>,
    /// The preferred language.
    pub locale: Option<String>,
    /// What the organization's admins keep about them.
    pub attributes: Attributes,
    /// Slugs of their groups, sorted.
    pub groups: Vec<String>,
    /// Slug and name of the connection that the session began through.
    pub connection: Option<(String, String)>,
    /// What its identity provider said, of what the connection keeps.
    pub connection_attributes: Attributes,
}

/// A client's claims for one token.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MappedClaims {
    /// What is said.
    pub told: Map<String, Value>,
    /// Names of what would be, and found no place.
    pub omitted: Vec<ClaimName>,
}

fn everywhere() -> BTreeSet<ClaimTarget> {
    [ClaimTarget::AccessToken, ClaimTarget::IdToken].into()
}

impl ClaimName {
    /// Reads a name.
    ///
    /// # Errors
    /// [`InvalidClaimName`].
    pub fn parse(text: &str) -> Result<Self, InvalidClaimName> {
        if RESERVED.contains(&text) {
            return Err(InvalidClaimName::Reserved);
        }
        let namespaced = ["https://", "urn:"].iter().any(|start| {
            text.strip_prefix(start).is_some_and(|rest| !rest.is_empty()) && text.len() <= MAX_NAME
        }) && text.bytes().all(|byte| byte.is_ascii_graphic());
        if namespaced || STANDARD.contains(&text) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidClaimName::Unknown)
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ClaimName {
    type Error = InvalidClaimName;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<ClaimName> for String {
    fn from(name: ClaimName) -> Self {
        name.0
    }
}

impl ClaimSource {
    /// Reads a source.
    ///
    /// # Errors
    /// [`InvalidClaimSource`].
    pub fn parse(text: &str) -> Result<Self, InvalidClaimSource> {
        let named = |start: &str| {
            let name = text.strip_prefix(start)?;
            let plain = !name.is_empty() && name.len() <= MAX_NAME && !name.chars().any(char::is_control);
            plain.then(|| name.to_owned())
        };
        match text {
            "user.name" => Some(Self::UserName),
            "user.email" => Some(Self::UserEmail),
            "user.locale" => Some(Self::UserLocale),
            "user.groups" => Some(Self::UserGroups),
            "organization.name" => Some(Self::OrganizationName),
            "connection.slug" => Some(Self::ConnectionSlug),
            "connection.name" => Some(Self::ConnectionName),
            _ => named("user.attributes.")
                .map(Self::UserAttribute)
                .or_else(|| named("organization.attributes.").map(Self::OrganizationAttribute))
                .or_else(|| named("connection.attributes.").map(Self::ConnectionAttribute)),
        }
        .ok_or(InvalidClaimSource)
    }
}

impl fmt::Display for ClaimSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UserName => f.write_str("user.name"),
            Self::UserEmail => f.write_str("user.email"),
            Self::UserLocale => f.write_str("user.locale"),
            Self::UserAttribute(name) => write!(f, "user.attributes.{name}"),
            Self::UserGroups => f.write_str("user.groups"),
            Self::OrganizationName => f.write_str("organization.name"),
            Self::OrganizationAttribute(name) => write!(f, "organization.attributes.{name}"),
            Self::ConnectionSlug => f.write_str("connection.slug"),
            Self::ConnectionName => f.write_str("connection.name"),
            Self::ConnectionAttribute(name) => write!(f, "connection.attributes.{name}"),
        }
    }
}

impl TryFrom<String> for ClaimSource {
    type Error = InvalidClaimSource;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<ClaimSource> for String {
    fn from(source: ClaimSource) -> Self {
        source.to_string()
    }
}

impl ClaimMapping {
    /// Whether it is told by a scope that the application alone gives a meaning: one that a page for consent names.
    pub fn has_own_scope(&self) -> bool {
        self.scope.as_deref().is_some_and(|scope| !STANDARD_SCOPES.contains(&scope))
    }

    /// Its value as of now; `None` where there is none, or none of its shape.
    fn value(&self, known: &ClaimValues) -> Option<Value> {
        let values = known.of(&self.from);
        let usual = if self.from == ClaimSource::UserGroups { ClaimShape::List } else { ClaimShape::String };
        match self.shape.unwrap_or(usual) {
            // An empty list of groups says that there are none, which no list does not.
            ClaimShape::List => values.map(Value::from),
            ClaimShape::String => values?.first().map(|text| (*text).into()),
            ClaimShape::Boolean => values?.first()?.parse::<bool>().ok().map(Value::from),
            ClaimShape::Integer => {
                let number = values?.first()?.parse::<i64>().ok()?;
                (number.unsigned_abs() < 1 << 53).then(|| number.into())
            }
        }
    }
}

impl ClaimValues {
    fn of(&self, source: &ClaimSource) -> Option<Vec<&str>> {
        let user = self.user.as_ref();
        match source {
            ClaimSource::UserName => Some(vec![user?.name.as_str()]),
            ClaimSource::UserEmail => Some(vec![user?.email.as_deref()?]),
            ClaimSource::UserLocale => Some(vec![user?.locale.as_deref()?]),
            ClaimSource::UserAttribute(name) => Some(all(user?.attributes.get(name)?)),
            ClaimSource::UserGroups => Some(all(&user?.groups)),
            ClaimSource::OrganizationName => Some(vec![self.organization_name.as_str()]),
            ClaimSource::OrganizationAttribute(name) => Some(all(self.organization_attributes.get(name)?)),
            ClaimSource::ConnectionSlug => Some(vec![user?.connection.as_ref()?.0.as_str()]),
            ClaimSource::ConnectionName => Some(vec![user?.connection.as_ref()?.1.as_str()]),
            ClaimSource::ConnectionAttribute(name) => Some(all(user?.connection_attributes.get(name)?)),
        }
    }
}

fn all(values: &[String]) -> Vec<&str> {
    values.iter().map(String::as_str).collect()
}

/// What a client's mappings put into a token, of what is `known` and within `granted`. What does not fit into
/// `budget` bytes is left out whole, the later mappings first, and named.
pub fn map_claims<'a>(
    mappings: impl IntoIterator<Item = &'a ClaimMapping>,
    known: &ClaimValues,
    granted: impl Fn(&str) -> bool,
    (target, budget): (Option<ClaimTarget>, usize),
) -> MappedClaims {
    let mut mapped = MappedClaims::default();
    let mut left = budget;
    for mapping in mappings {
        let wanted = target.is_none_or(|target| mapping.targets.contains(&target));
        if !wanted || !mapping.scope.as_deref().is_none_or(&granted) {
            continue;
        }
        let Some(value) = mapping.value(known) else { continue };
        // `"name":value,` as JSON has it.
        let size = Value::from(mapping.name.as_str()).to_string().len() + value.to_string().len() + 2;
        match left.checked_sub(size) {
            Some(rest) => {
                left = rest;
                mapped.told.insert(mapping.name.as_str().to_owned(), value);
            }
            None => mapped.omitted.push(mapping.name.clone()),
        }
    }
    mapped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapping(text: &str) -> ClaimMapping {
        serde_json::from_str(text).expect("a mapping")
    }

    fn known() -> ClaimValues {
        let attributes = |name: &str, values: &[&str]| -> Attributes {
            [(name.to_owned(), values.iter().map(|value| (*value).to_owned()).collect())].into()
        };
        ClaimValues {
            user: Some(UserValues {
                name: "Ada".to_owned(),
                email: Some("ada@acme.test".to_owned()),
                attributes: attributes("cost-centre", &["4711", "4712"]),
                groups: vec!["ops".to_owned()],
                ..UserValues::default()
            }),
            organization_name: "Acme".to_owned(),
            organization_attributes: attributes("trial", &["true"]),
        }
    }

    fn told(text: &str) -> Map<String, Value> {
        map_claims(&[mapping(text)], &known(), |scope| scope == "hr", (None, DEFAULT_BUDGET)).told
    }

    #[test]
    fn no_name_with_a_meaning_of_its_own_can_be_mapped() {
        for name in RESERVED {
            assert_eq!(ClaimName::parse(name), Err(InvalidClaimName::Reserved), "{name}");
            let text = format!(r#"{{"name":"{name}","from":"user.name"}}"#);
            assert!(serde_json::from_str::<ClaimMapping>(&text).is_err(), "{name}");
        }
        for name in STANDARD {
            assert!(ClaimName::parse(name).is_ok(), "{name}");
        }
        let long = format!("https://{}", "a".repeat(MAX_NAME));
        for name in ["", "https://", "urn:", "http://acme.test/x", "plan", "ORG_ID", "Sub", " sub", &long] {
            assert_eq!(ClaimName::parse(name), Err(InvalidClaimName::Unknown), "{name}");
        }
        assert!(ClaimName::parse("https://acme.test/plan").is_ok());
    }

    #[test]
    fn a_source_reads_back_as_it_was_written() {
        for text in [
            "user.name",
            "user.email",
            "user.locale",
            "user.groups",
            "user.attributes.cost-centre",
            "organization.name",
            "organization.attributes.plan",
            "connection.slug",
            "connection.name",
            "connection.attributes.http://schemas.test/department",
        ] {
            assert_eq!(ClaimSource::parse(text).expect(text).to_string(), text);
        }
        for text in
            ["", "user", "user.password", "user.attributes.", "organization.id", "user.attributes.a\n"]
        {
            assert_eq!(ClaimSource::parse(text), Err(InvalidClaimSource), "{text:?}");
        }
    }

    #[test]
    fn the_shape_of_a_claim_does_not_depend_on_how_many_values_there_are() {
        let of = |from: &str, shape: &str| {
            let text = format!(r#"{{"name":"urn:x","from":"{from}","type":"{shape}"}}"#);
            told(&text).remove("urn:x")
        };
        let cost = "user.attributes.cost-centre";
        assert_eq!(of(cost, "string"), Some("4711".into()));
        assert_eq!(of(cost, "list"), Some(serde_json::json!(["4711", "4712"])));
        assert_eq!(of("user.name", "list"), Some(serde_json::json!(["Ada"])));
        assert_eq!(of(cost, "integer"), Some(4711.into()));
        assert_eq!(of("organization.attributes.trial", "boolean"), Some(true.into()));
        assert_eq!(of("user.name", "integer"), None, "no number");
        assert_eq!(of("user.name", "boolean"), None, "neither true nor false");
        assert_eq!(of("connection.name", "string"), None, "the session began through none");
        assert_eq!(told(r#"{"name":"groups","from":"user.groups"}"#)["groups"], serde_json::json!(["ops"]));
    }

    #[test]
    fn a_claim_is_told_only_where_it_was_put_and_its_scope_granted() {
        let texts = [
            r#"{"name":"urn:a","from":"user.name","in":["access_token"]}"#,
            r#"{"name":"urn:b","from":"user.name","in":["id_token"],"scope":"hr"}"#,
            r#"{"name":"urn:c","from":"user.name","scope":"payroll"}"#,
            r#"{"name":"urn:d","from":"user.name","in":[]}"#,
        ];
        let mappings = texts.map(mapping);
        let names = |target| {
            let mapped = map_claims(&mappings, &known(), |scope| scope == "hr", (target, DEFAULT_BUDGET));
            mapped.told.keys().cloned().collect::<Vec<_>>()
        };
        assert_eq!(names(Some(ClaimTarget::AccessToken)), ["urn:a"]);
        assert_eq!(names(Some(ClaimTarget::IdToken)), ["urn:b"]);
        assert_eq!(names(None), ["urn:a", "urn:b", "urn:d"]);
    }

    #[test]
    fn what_does_not_fit_is_left_out_whole_and_named() {
        let texts = [
            r#"{"name":"urn:a","from":"user.name"}"#,
            r#"{"name":"urn:long","from":"user.attributes.cost-centre","type":"list"}"#,
            r#"{"name":"urn:c","from":"user.name"}"#,
        ];
        let exact = r#""urn:a":"Ada","#.len() + r#""urn:c":"Ada","#.len();
        let mapped = |budget| map_claims(&texts.map(mapping), &known(), |_| true, (None, budget));
        let omitted =
            |budget| mapped(budget).omitted.iter().map(|name| name.as_str().to_owned()).collect::<Vec<_>>();
        assert_eq!(omitted(DEFAULT_BUDGET), Vec::<String>::new());
        assert_eq!(omitted(exact), ["urn:long"], "and what comes after still finds its place");
        assert_eq!(omitted(exact - 1), ["urn:long", "urn:c"]);
        assert!(serde_json::to_string(&mapped(exact).told).expect("JSON").len() <= exact + 2);
    }

    #[test]
    fn a_machine_has_an_organization_and_nothing_of_a_user() {
        let machine = ClaimValues { user: None, ..known() };
        let texts = [
            r#"{"name":"urn:a","from":"user.name"}"#,
            r#"{"name":"groups","from":"user.groups"}"#,
            r#"{"name":"urn:o","from":"organization.name"}"#,
        ];
        let mapped = map_claims(&texts.map(mapping), &machine, |_| true, (None, DEFAULT_BUDGET));
        assert_eq!(mapped.told.keys().collect::<Vec<_>>(), ["urn:o"]);
    }
}
