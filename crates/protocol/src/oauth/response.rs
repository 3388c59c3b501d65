//! The authorization response (RFC 6749 §4.1.2, RFC 9207).

use super::{ErrorCode, RequestError};

/// What the client gets back at its redirect URI.
#[derive(Clone)]
pub struct AuthorizationResponse {
    /// The code, or why there is none.
    pub outcome: Result<String, RequestError>,
    /// The request's `state`, as it came.
    pub state: Option<String>,
    /// The issuer, against mix-up (RFC 9207 §2): in answers of both kinds.
    pub iss: String,
}

impl AuthorizationResponse {
    /// The address to redirect to: `redirect_uri`, a registered one, with the answer in its query.
    pub fn to_redirect_url(&self, redirect_uri: &str) -> String {
        append_query(redirect_uri, &self.fields())
    }

    /// The fields of the form to post (OAuth 2.0 Form Post Response Mode §2).
    pub fn form_fields(&self) -> Vec<(&'static str, String)> {
        self.fields().into_iter().map(|(name, value)| (name, value.to_owned())).collect()
    }

    fn fields(&self) -> Vec<(&'static str, &str)> {
        let mut fields = match &self.outcome {
            Ok(code) => vec![("code", code.as_str())],
            Err(RequestError { code, description }) => {
                vec![("error", ErrorCode::as_str(*code)), ("error_description", description.as_ref())]
            }
        };
        fields.extend(self.state.as_deref().map(|state| ("state", state)));
        fields.push(("iss", &self.iss));
        fields
    }
}

/// Adds to the query of a URI without fragment. The URI stays as it is, to the byte: it was compared as text.
pub(super) fn append_query(uri: &str, fields: &[(&str, &str)]) -> String {
    if fields.is_empty() {
        return uri.to_owned();
    }
    let separator = match uri.split_once('?') {
        None => "?",
        Some((_, query)) if query.is_empty() || query.ends_with('&') => "",
        Some(_) => "&",
    };
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    format!("{uri}{separator}{query}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::params::Params;

    fn success(state: Option<&str>) -> AuthorizationResponse {
        AuthorizationResponse {
            outcome: Ok("oac_1".to_owned()),
            state: state.map(str::to_owned),
            iss: "https://id.test/o/1".to_owned(),
        }
    }

    #[test]
    fn a_success_is_added_to_the_query_that_is_there() {
        for (redirect_uri, expected) in [
            ("https://app.test/cb", "https://app.test/cb?"),
            ("https://app.test", "https://app.test?"),
            ("https://app.test/cb?", "https://app.test/cb?"),
            ("https://app.test/cb?a=%2F", "https://app.test/cb?a=%2F&"),
            ("https://app.test/cb?a&", "https://app.test/cb?a&"),
            ("com.example.app:/cb", "com.example.app:/cb?"),
        ] {
            let url = success(Some("s")).to_redirect_url(redirect_uri);
            assert_eq!(url, format!("{expected}code=oac_1&state=s&iss=https%3A%2F%2Fid.test%2Fo%2F1"));
        }
    }

    #[test]
    fn an_error_has_its_description_and_the_issuer() {
        let response = AuthorizationResponse {
            outcome: Err(RequestError::new(ErrorCode::LoginRequired, "no session")),
            ..success(None)
        };

        insta::assert_snapshot!(response.to_redirect_url("https://app.test/cb"), @"https://app.test/cb?error=login_required&error_description=no+session&iss=https%3A%2F%2Fid.test%2Fo%2F1");
        insta::assert_debug_snapshot!(response.form_fields(), @r#"
        [
            (
                "error",
                "login_required",
            ),
            (
                "error_description",
                "no session",
            ),
            (
                "iss",
                "https://id.test/o/1",
            ),
        ]
        "#);
    }

    proptest! {
        #[test]
        fn a_state_comes_back_as_it_was_and_adds_no_parameter(state in "\\PC{1,40}") {
            prop_assume!(!state.chars().any(char::is_control));
            let url = success(Some(&state)).to_redirect_url("https://app.test/cb?a=1");
            let params = Params::parse(url.split_once('?').unwrap().1).unwrap();
            prop_assert_eq!(params.get("state"), Some(state.as_str()));
            prop_assert_eq!(params.iter().count(), 4);
            prop_assert!(!url.contains(['#', '"', '<', ' ']));
        }
    }
}
