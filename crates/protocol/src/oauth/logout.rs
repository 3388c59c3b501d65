//! RP-initiated logout (OIDC RP-Initiated Logout 1.0 §2 and §3).

use super::response::append_query;
use super::{RequestError, check_duplicates, check_length, check_ui_locales};
use crate::params::Params;

/// A client's wish to end the user's session. Nothing in it is proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndSessionRequest {
    /// Unverified; at most 16 KiB.
    pub id_token_hint: Option<String>,
    /// At most 320 bytes.
    pub logout_hint: Option<String>,
    /// At most 255 bytes.
    pub client_id: Option<String>,
    /// To be compared with the client's registered ones; at most 2048 bytes.
    pub post_logout_redirect_uri: Option<String>,
    /// Given back as it came; at most 2048 bytes.
    pub state: Option<String>,
    /// Language tags, best first.
    pub ui_locales: Vec<String>,
}

/// Reads an end-session request.
pub fn parse(params: &Params) -> Result<EndSessionRequest, RequestError> {
    check_duplicates(params)?;
    Ok(EndSessionRequest {
        id_token_hint: check_length(params, "id_token_hint", 16 * 1024)?,
        logout_hint: check_length(params, "logout_hint", 320)?,
        client_id: check_length(params, "client_id", 255)?,
        post_logout_redirect_uri: check_length(params, "post_logout_redirect_uri", 2048)?,
        state: check_length(params, "state", 2048)?,
        ui_locales: check_ui_locales(params),
    })
}

/// Where the browser goes afterwards: `post_logout_redirect_uri`, which must be a registered one, with the
/// request's `state` in its query.
pub fn redirect_url(post_logout_redirect_uri: &str, state: Option<&str>) -> String {
    let fields: Vec<_> = state.map(|state| ("state", state)).into_iter().collect();
    append_query(post_logout_redirect_uri, &fields)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::ErrorCode;

    #[test]
    fn a_full_request_is_read_in_full() {
        let params = Params::parse(
            "id_token_hint=a.b.c&logout_hint=x&client_id=notes&state=s&ui_locales=de+en\
             &post_logout_redirect_uri=https%3A%2F%2Fapp.test%2F",
        );

        let request = parse(&params.unwrap()).unwrap();

        insta::assert_debug_snapshot!(request, @r#"
        EndSessionRequest {
            id_token_hint: Some(
                "a.b.c",
            ),
            logout_hint: Some(
                "x",
            ),
            client_id: Some(
                "notes",
            ),
            post_logout_redirect_uri: Some(
                "https://app.test/",
            ),
            state: Some(
                "s",
            ),
            ui_locales: [
                "de",
                "en",
            ],
        }
        "#);
    }

    #[test]
    fn nothing_is_demanded_and_nothing_may_be_repeated_or_too_long() {
        assert!(parse(&Params::default()).is_ok());
        for query in ["state=a&state=b", &format!("state={}", "x".repeat(2049))] {
            let error = parse(&Params::parse(query).unwrap()).unwrap_err();
            assert_eq!(error.code, ErrorCode::InvalidRequest);
        }
    }

    #[test]
    fn the_state_goes_back_in_the_query() {
        assert_eq!(redirect_url("https://app.test/?a=1", Some("x&y")), "https://app.test/?a=1&state=x%26y");
        assert_eq!(redirect_url("https://app.test/", None), "https://app.test/");
    }
}
