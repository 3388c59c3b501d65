//! Times in tokens.

use serde_json::{Map, Value};

use super::JoseError;

/// A time in seconds since 1970 (RFC 7519 §2), a fraction cut off; `None` if there is none.
///
/// # Errors
/// [`JoseError::Claims`] if it is anything else.
pub fn numeric_date(claims: &Map<String, Value>, name: &str) -> Result<Option<i64>, JoseError> {
    /// Beyond, floating-point numbers do not tell seconds apart.
    const FURTHEST: f64 = 9_007_199_254_740_991.0;
    let Some(value) = claims.get(name) else { return Ok(None) };
    #[expect(clippy::cast_possible_truncation, reason = "the fraction is to be cut off")]
    let whole = |secs: f64| (0.0..=FURTHEST).contains(&secs).then_some(secs as i64);
    let date = value.as_i64().or_else(|| value.as_f64().and_then(whole));
    date.map(Some).ok_or(JoseError::Claims)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_date_is_a_number_of_seconds() {
        let read = |value: &Value| numeric_date(json!({ "exp": value }).as_object().unwrap(), "exp");

        assert_eq!(numeric_date(&Map::new(), "exp"), Ok(None));
        for (value, date) in [
            (json!(1_700_000_000), 1_700_000_000),
            (json!(1_700_000_000.75), 1_700_000_000),
            (json!(1.7e9), 1_700_000_000),
            (json!(i64::MAX), i64::MAX),
            (json!(-1), -1),
        ] {
            assert_eq!(read(&value), Ok(Some(date)), "{value}");
        }
        for value in
            [json!(null), json!("1700000000"), json!(1e300), json!(u64::MAX), json!(-0.5), json!([1])]
        {
            assert_eq!(read(&value), Err(JoseError::Claims), "{value}");
        }
    }
}
