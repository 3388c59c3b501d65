//! The parameter `claims`: claims that are asked for one by one (OIDC Core §5.5).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Acr, ErrorCode, RequestError};
use crate::jose::json;

/// Longest parameter, in bytes.
const MAX_BYTES: usize = 4096;

/// Most objects and lists inside one another, whatever they say.
const MAX_DEPTH: usize = 8;

/// Most values of one claim.
const MAX_VALUES: usize = 16;

/// The claims that a request changes anything about, and the scope that lets each out as well (§5.4). No other is
/// kept: the others that exist are always given, and are nobody's to choose.
const KNOWN: [(&str, Option<&str>); 6] = [
    ("acr", None),
    ("email", Some("email")),
    ("email_verified", Some("email")),
    ("locale", Some("profile")),
    ("name", Some("profile")),
    ("sub", None),
];

/// What a client asks for, claim by claim, beside what its scope lets out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimsRequest {
    /// Of `/userinfo`.
    #[serde(default, skip_serializing_if = "RequestedClaims::is_empty")]
    pub userinfo: RequestedClaims,
    /// Of ID tokens.
    #[serde(default, skip_serializing_if = "RequestedClaims::is_empty")]
    pub id_token: RequestedClaims,
}

/// Claims that are asked for in one place.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestedClaims(BTreeMap<String, RequestedClaim>);

/// How one claim is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct RequestedClaim {
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    essential: bool,
    /// Any, if empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    values: Vec<Value>,
}

impl fmt::Debug for RequestedClaims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl RequestedClaims {
    /// None.
    pub const NONE: &Self = &Self(BTreeMap::new());

    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the claim is asked for, and with no other value than this.
    pub fn wants(&self, name: &str, value: &Value) -> bool {
        self.0.get(name).is_some_and(|claim| claim.values.is_empty() || claim.values.contains(value))
    }

    fn values(&self, name: &str) -> impl Iterator<Item = &Value> {
        self.0.get(name).into_iter().flat_map(|claim| &claim.values)
    }
}

impl ClaimsRequest {
    /// Nothing is asked for.
    pub const NONE: &Self =
        &Self { userinfo: RequestedClaims(BTreeMap::new()), id_token: RequestedClaims(BTreeMap::new()) };

    /// Reads the parameter. What is not understood is passed over (§5.5.1).
    ///
    /// # Errors
    /// `invalid_request` for what is no such request, `unmet_authentication_requirements` for one that no
    /// sign-in could satisfy.
    pub fn parse(text: &str) -> Result<Self, RequestError> {
        let malformed =
            || RequestError::invalid_request("claims is not a JSON object as OIDC Core 5.5 has it");
        if text.len() > MAX_BYTES {
            return Err(RequestError::invalid_request(format!("claims is longer than {MAX_BYTES} bytes")));
        }
        let object: Map<String, Value> = json::from_slice(text.as_bytes()).map_err(|_| malformed())?;
        if object.values().any(|value| !is_shallow(value, MAX_DEPTH - 1)) {
            return Err(RequestError::invalid_request("claims is nested too deeply"));
        }
        let claims_of = |place| match object.get(place) {
            None | Some(Value::Null) => Some(RequestedClaims::default()),
            Some(Value::Object(claims)) => check_claims(claims),
            Some(_) => None,
        };
        let request = Self {
            userinfo: claims_of("userinfo").ok_or_else(malformed)?,
            id_token: claims_of("id_token").ok_or_else(malformed)?,
        };
        request.check_subject()?;
        request.check_acr()?;
        Ok(request)
    }

    /// What is left of it for a client that may ask for these scopes alone: what it may not ask for by scope,
    /// it may not ask for otherwise.
    #[must_use]
    pub fn within(mut self, may_ask_for: impl Fn(&str) -> bool) -> Self {
        for (name, scope) in KNOWN {
            if scope.is_some_and(|scope| !may_ask_for(scope)) {
                self.userinfo.0.remove(name);
                self.id_token.0.remove(name);
            }
        }
        self
    }

    /// The scopes that would let out what is asked for: what whoever consents to it consents to.
    pub fn scopes(&self) -> impl Iterator<Item = &'static str> {
        let asked = |name: &str| self.userinfo.0.contains_key(name) || self.id_token.0.contains_key(name);
        KNOWN.into_iter().filter(move |(name, _)| asked(name)).filter_map(|(_, scope)| scope)
    }

    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        self.userinfo.is_empty() && self.id_token.is_empty()
    }

    /// The one user that the request is about, if it names one (§5.5.1).
    pub fn subject(&self) -> Option<&str> {
        self.subjects().next().and_then(Value::as_str)
    }

    /// The contexts of which the user's must be one: where `acr` is essential and has values (§5.5.1.1).
    /// Empty if any will do.
    pub fn required_acr(&self) -> BTreeSet<Acr> {
        let values = self.id_token.values("acr").filter(|_| self.is_acr_essential());
        values.filter_map(Value::as_str).filter_map(Acr::from_text).collect()
    }

    fn subjects(&self) -> impl Iterator<Item = &Value> {
        self.id_token.values("sub").chain(self.userinfo.values("sub"))
    }

    fn is_acr_essential(&self) -> bool {
        self.id_token.0.get("acr").is_some_and(|acr| acr.essential)
    }

    /// One answer is about one user.
    fn check_subject(&self) -> Result<(), RequestError> {
        let same = |value: &Value| value.as_str().is_some_and(|sub| Some(sub) == self.subject());
        if self.subjects().all(same) {
            Ok(())
        } else {
            Err(RequestError::invalid_request("claims asks for a sub that is not one text"))
        }
    }

    /// Unmet Authentication Requirements 1.0: what cannot be met is said, and nobody is troubled for it.
    fn check_acr(&self) -> Result<(), RequestError> {
        let demanded = self.is_acr_essential() && self.id_token.values("acr").next().is_some();
        if demanded && self.required_acr().is_empty() {
            let why = "claims demands an acr that this provider does not have";
            return Err(RequestError::new(ErrorCode::UnmetAuthenticationRequirements, why));
        }
        Ok(())
    }
}

/// The claims of one place that mean anything here; `None` if one of those is malformed.
fn check_claims(claims: &Map<String, Value>) -> Option<RequestedClaims> {
    let known = KNOWN.iter().filter_map(|(name, _)| Some((*name, claims.get(*name)?)));
    let checked = known.map(|(name, claim)| Some((name.to_owned(), check_claim(claim)?)));
    checked.collect::<Option<_>>().map(RequestedClaims)
}

fn check_claim(claim: &Value) -> Option<RequestedClaim> {
    let members = match claim {
        Value::Null => return Some(RequestedClaim::default()),
        Value::Object(members) => members,
        _ => return None,
    };
    let essential = members.get("essential").map_or(Some(false), Value::as_bool)?;
    let values = match (members.get("value"), members.get("values")) {
        (None, None) => Vec::new(),
        (Some(value), None) => vec![value.clone()],
        (None, Some(Value::Array(values))) if !values.is_empty() => values.clone(),
        _ => return None,
    };
    (values.len() <= MAX_VALUES && values.iter().all(is_plain))
        .then_some(RequestedClaim { essential, values })
}

/// Whether it could be a claim's value: clean text, as parameters are, a number or a truth.
fn is_plain(value: &Value) -> bool {
    match value {
        Value::String(text) => !text.chars().any(char::is_control),
        Value::Bool(_) | Value::Number(_) => true,
        Value::Null | Value::Array(_) | Value::Object(_) => false,
    }
}

/// Whether no more than `depth` objects and lists are inside one another.
fn is_shallow(value: &Value, depth: usize) -> bool {
    let inside = |value: &Value| is_shallow(value, depth - 1);
    match value {
        Value::Array(items) => depth > 0 && items.iter().all(inside),
        Value::Object(members) => depth > 0 && members.values().all(inside),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn parse(request: &Value) -> Result<ClaimsRequest, RequestError> {
        ClaimsRequest::parse(&request.to_string())
    }

    /// The example of OIDC Core §5.5.
    fn example() -> Value {
        json!({
            "userinfo": {
                "given_name": { "essential": true },
                "nickname": null,
                "email": { "essential": true },
                "email_verified": { "essential": true },
                "picture": null,
                "http://example.info/claims/groups": null,
            },
            "id_token": {
                "auth_time": { "essential": true },
                "acr": { "values": ["urn:mace:incommon:iap:silver"] },
            },
        })
    }

    #[test]
    fn the_example_of_the_specification_is_read_and_what_is_unknown_passed_over() {
        let request = parse(&example()).unwrap();

        insta::assert_json_snapshot!(request, @r#"
        {
          "userinfo": {
            "email": {
              "essential": true
            },
            "email_verified": {
              "essential": true
            }
          },
          "id_token": {
            "acr": {
              "values": [
                "urn:mace:incommon:iap:silver"
              ]
            }
          }
        }
        "#);
        assert!(request.required_acr().is_empty(), "a wish, which may go unmet");
    }

    #[test]
    fn a_claim_is_wanted_with_any_value_or_with_those_named() {
        let request = parse(&json!({ "userinfo": {
            "name": null,
            "locale": {},
            "email": { "value": "ada@acme.test" },
            "email_verified": { "values": [true] },
        }}))
        .unwrap();
        let wants = |name: &str, value: Value| request.userinfo.wants(name, &value);

        assert!(wants("name", json!("Ada")) && wants("locale", json!("de")));
        assert!(wants("email", json!("ada@acme.test")) && !wants("email", json!("eve@acme.test")));
        assert!(wants("email_verified", json!(true)) && !wants("email_verified", json!(false)));
        assert!(!wants("sub", json!("usr_1")) && !request.id_token.wants("name", &json!("Ada")));
    }

    #[test]
    fn what_may_not_be_asked_for_by_scope_may_not_be_asked_for_otherwise() {
        let claims = json!({ "name": null, "email": null, "email_verified": null, "sub": null });
        let request = parse(&json!({ "userinfo": claims, "id_token": claims })).unwrap();

        let left = request.within(|scope| scope == "profile");

        let expected = parse(
            &json!({ "userinfo": { "name": null, "sub": null }, "id_token": { "name": null, "sub": null } }),
        );
        assert_eq!(left, expected.unwrap());
    }

    #[test]
    fn a_subject_is_one_user() {
        let of = |id_token: Value, userinfo: Value| {
            let request = parse(&json!({ "id_token": { "sub": id_token }, "userinfo": { "sub": userinfo } }));
            request.map(|request| request.subject().map(str::to_owned)).map_err(|error| error.code)
        };

        assert_eq!(of(json!(null), json!({ "essential": true })), Ok(None));
        assert_eq!(of(json!({ "value": "usr_1" }), json!(null)), Ok(Some("usr_1".to_owned())));
        assert_eq!(of(json!(null), json!({ "values": ["usr_1"] })), Ok(Some("usr_1".to_owned())));
        for (id_token, userinfo) in [
            (json!({ "values": ["usr_1", "usr_2"] }), json!(null)),
            (json!({ "value": "usr_1" }), json!({ "value": "usr_2" })),
            (json!({ "value": 1 }), json!(null)),
        ] {
            assert_eq!(of(id_token, userinfo), Err(ErrorCode::InvalidRequest));
        }
    }

    #[test]
    fn an_essential_context_is_demanded_and_one_that_does_not_exist_is_unmet() {
        let of = |acr: Value| {
            let request = parse(&json!({ "id_token": { "acr": acr } }));
            request.map(|request| request.required_acr()).map_err(|error| error.code)
        };
        let multi = Acr::MultiFactor.as_str();

        assert_eq!(of(json!({ "essential": true })), Ok(BTreeSet::new()));
        assert_eq!(of(json!({ "value": multi })), Ok(BTreeSet::new()));
        assert_eq!(of(json!({ "value": multi, "essential": true })), Ok([Acr::MultiFactor].into()));
        let one_of = json!({ "values": ["other", multi], "essential": true });
        assert_eq!(of(one_of), Ok([Acr::MultiFactor].into()));
        for unmet in [json!("other"), json!(1)] {
            let unmet = of(json!({ "value": unmet, "essential": true }));
            assert_eq!(unmet, Err(ErrorCode::UnmetAuthenticationRequirements));
        }
    }

    #[test]
    fn what_is_no_such_request_is_refused() {
        let deep = format!("{{\"x\":{}{}}}", "[".repeat(MAX_DEPTH), "]".repeat(MAX_DEPTH));
        let long = format!("{{\"x\":\"{}\"}}", "x".repeat(MAX_BYTES));
        for text in [
            "",
            "[]",
            "{",
            "{} {}",
            r#"{"userinfo":1}"#,
            r#"{"userinfo":{"email":true}}"#,
            r#"{"userinfo":{"email":null,"email":{}}}"#,
            r#"{"userinfo":{"email":{"essential":"yes"}}}"#,
            r#"{"userinfo":{"email":{"values":"a"}}}"#,
            r#"{"userinfo":{"email":{"values":[]}}}"#,
            r#"{"userinfo":{"email":{"values":[["a"]]}}}"#,
            r#"{"userinfo":{"email":{"value":"a\u0000"}}}"#,
            r#"{"userinfo":{"email":{"value":"a","values":["a"]}}}"#,
            r#"{"userinfo":{"email":{"values":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]}}}"#,
            &deep,
            &"[".repeat(2000),
            &long,
        ] {
            let code = ClaimsRequest::parse(text).map_err(|error| error.code);
            assert_eq!(code, Err(ErrorCode::InvalidRequest), "{text}");
        }
    }

    #[test]
    fn what_is_kept_is_read_back_the_same() {
        let request = parse(&example()).unwrap();

        let stored = serde_json::to_string(&request).unwrap();

        assert_eq!(serde_json::from_str::<ClaimsRequest>(&stored).unwrap(), request);
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_or_refused(text in r#"[\[\]{}:,"a-z0-9]{0,64}"#) {
            let _ = ClaimsRequest::parse(&text);
        }
    }
}
