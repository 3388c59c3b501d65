//! Proofs of possession (RFC 9449).

use serde_json::{Map, Value};
use url::Url;

use super::foreign_jwk::ForeignJwk;
use super::verify::take_apart;
use super::{SigningAlgorithm, numeric_date};

/// `typ` of a proof (RFC 9449 §4.2).
pub const DPOP_TYPE: &str = "dpop+jwt";

/// Longest `jti`, in bytes.
const MAX_ID_BYTES: usize = 256;

/// What a proof is judged by.
#[derive(Debug, Clone, Copy)]
pub struct DpopRules<'a> {
    /// The request's method.
    pub method: &'a str,
    /// Its address; query and fragment do not count.
    pub uri: &'a Url,
    /// What it may be signed with.
    pub algorithms: &'a [SigningAlgorithm],
    /// The time, in seconds since 1970.
    pub now: i64,
    /// How long ago it may have been made, in seconds.
    pub max_age: i64,
    /// How far ahead of ours its maker's clock may be, in seconds.
    pub leeway: i64,
}

/// A proof that holds. Whether its id was used before, and whether nonce and `ath` are the right ones, is
/// the caller's to ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DpopProof {
    /// The thumbprint of the key (RFC 7638).
    pub jkt: String,
    /// The proof's id; at most 256 bytes.
    pub jti: String,
    /// When it was made, in seconds since 1970.
    pub iat: i64,
    /// The nonce that the server gave.
    pub nonce: Option<String>,
    /// The hash of the access token that it goes with.
    pub ath: Option<String>,
}

/// Why a proof is not accepted, by the check of RFC 9449 §4.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DpopError {
    /// §4.3, 5: none of the algorithms that are accepted.
    #[error("the proof's algorithm is not accepted")]
    Algorithm,
    /// §4.3, 3: a claim is missing or malformed.
    #[error("the proof lacks a claim")]
    Claims,
    /// §4.3, 7: no public key, or a private one.
    #[error("the proof's key is not a public key for its algorithm")]
    Key,
    /// §4.3, 2: not a JWT.
    #[error("the proof is not a JWT")]
    Malformed,
    /// §4.3, 8.
    #[error("the proof is for another method")]
    Method,
    /// §4.3, 6.
    #[error("the proof's signature does not verify")]
    Signature,
    /// §4.3, 11.
    #[error("the proof was not made just now")]
    Time,
    /// §4.3, 4.
    #[error("the proof is of another type")]
    Type,
    /// §4.3, 9.
    #[error("the proof is for another address")]
    Uri,
}

/// Verifies a proof (RFC 9449 §4.3).
///
/// # Errors
/// The first [`DpopError`], in the order of the section.
pub fn verify_proof(proof: &str, rules: &DpopRules<'_>) -> Result<DpopProof, DpopError> {
    let parts = take_apart(proof, &["jwk"]).map_err(|_| DpopError::Malformed)?;
    let claims = &parts.claims;
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let jti = text("jti").filter(|jti| (1..=MAX_ID_BYTES).contains(&jti.len()));
    let (Some(jti), Some(method), Some(uri), Some(iat)) =
        (jti, text("htm"), text("htu"), numeric_date(claims, "iat").ok().flatten())
    else {
        return Err(DpopError::Claims);
    };
    if parts.typ.as_deref() != Some(DPOP_TYPE) {
        return Err(DpopError::Type);
    }
    let algorithm = SigningAlgorithm::from_text(&parts.algorithm)
        .filter(|algorithm| rules.algorithms.contains(algorithm))
        .ok_or(DpopError::Algorithm)?;
    let jwk = parts.header.get("jwk").ok_or(DpopError::Key)?;
    let jwk = ForeignJwk::parse(jwk).ok().flatten().ok_or(DpopError::Key)?;
    let key = jwk.key(algorithm).ok_or(DpopError::Key)?;
    key.verify_sig(parts.message.as_bytes(), &parts.signature).map_err(|_| DpopError::Signature)?;
    if method != rules.method {
        return Err(DpopError::Method);
    }
    if !same_address(uri, rules.uri) {
        return Err(DpopError::Uri);
    }
    check_time(claims, iat, rules)?;
    Ok(DpopProof {
        jkt: jwk.parameters.thumbprint(),
        jti: jti.to_owned(),
        iat,
        nonce: text("nonce").map(str::to_owned),
        ath: text("ath").map(str::to_owned),
    })
}

/// RFC 9449 §4.3: compared after syntax- and scheme-based normalization (RFC 3986 §6.2.2 and §6.2.3), which parsing is
/// but for escapes. What parsing would have to repair is no address.
fn same_address(given: &str, expected: &Url) -> bool {
    let is_clean = given.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let Ok(mut given) = Url::parse(given) else { return false };
    let mut expected = expected.clone();
    for url in [&mut given, &mut expected] {
        url.set_query(None);
        url.set_fragment(None);
        url.set_path(&with_plain_escapes(url.path()));
    }
    is_clean && given == expected
}

/// Escapes in upper case, and none of what need not be escaped (RFC 3986 §6.2.2.1 and §6.2.2.2).
fn with_plain_escapes(path: &str) -> String {
    let mut parts = path.split('%');
    let unescaped = parts.next().unwrap_or_default().to_owned();
    let escapes = parts.map(|part| match escape(part) {
        Some((byte, rest)) if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => {
            format!("{}{rest}", char::from(byte))
        }
        Some((byte, rest)) => format!("%{byte:02X}{rest}"),
        None => format!("%{part}"),
    });
    std::iter::once(unescaped).chain(escapes).collect()
}

/// The byte that two hexadecimal digits are, and what follows them.
fn escape(part: &str) -> Option<(u8, &str)> {
    let (hex, rest) = part.split_at_checked(2)?;
    let is_hex = hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    Some((u8::from_str_radix(hex, 16).ok().filter(|_| is_hex)?, rest))
}

fn check_time(claims: &Map<String, Value>, iat: i64, rules: &DpopRules<'_>) -> Result<(), DpopError> {
    let ahead = rules.now.saturating_add(rules.leeway);
    let recent = iat <= ahead && iat >= rules.now.saturating_sub(rules.max_age);
    // Not asked for, but not to be ignored where somebody says them.
    let time = |name| numeric_date(claims, name).map_err(|_| DpopError::Time);
    let begun = time("nbf")?.is_none_or(|nbf| nbf <= ahead);
    let lasts = time("exp")?.is_none_or(|exp| rules.now < exp.saturating_add(rules.leeway));
    (recent && begun && lasts).then_some(()).ok_or(DpopError::Time)
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::jose::SigningKey;

    /// RFC 9449 §4.1.
    const EXAMPLE: &str = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg";

    const REFRESH: &str = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjY1Mjk2fQ.pAqut2IRDm_De6PR93SYmGBPXpwrAk90e8cP2hjiaG5QsGSuKDYW7_X620BxqhvYC8ynrrvZLTk41mSRroapUA";

    const RESOURCE: &str = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA";

    fn rules(uri: &Url) -> DpopRules<'_> {
        let algorithms = &SigningAlgorithm::ALL;
        DpopRules { method: "POST", uri, algorithms, now: 1_562_262_620, max_age: 60, leeway: 10 }
    }

    fn uri() -> Url {
        Url::parse("https://server.example.com/token").unwrap()
    }

    /// A proof by a fresh key, properly signed, with members changed.
    fn proof(header: Value, claims: Value) -> String {
        proof_by(&SigningKey::generate(SigningAlgorithm::Es256).unwrap(), header, claims)
    }

    fn proof_by(key: &SigningKey, header: Value, claims: Value) -> String {
        let jwk = serde_json::to_value(key.public_jwk().key).unwrap();
        let mut head = json!({ "typ": DPOP_TYPE, "alg": key.algorithm(), "jwk": jwk });
        let mut body = json!({
            "jti": "1", "htm": "POST", "htu": "https://server.example.com/token", "iat": 1_562_262_616,
        });
        for (target, changes) in [(&mut head, header), (&mut body, claims)] {
            for (name, value) in changes.as_object().unwrap() {
                match value {
                    Value::Null => target.as_object_mut().unwrap().remove(name),
                    value => target.as_object_mut().unwrap().insert(name.clone(), value.clone()),
                };
            }
        }
        let encode = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", encode(&head), encode(&body));
        let signature = key.sign_message(message.as_bytes()).unwrap();
        format!("{message}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
    }

    #[test]
    fn the_example_of_section_4_1_holds() {
        let uri = uri();

        let proof = verify_proof(EXAMPLE, &rules(&uri)).unwrap();

        assert_eq!(proof.jkt, "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
        assert_eq!((proof.jti.as_str(), proof.iat), ("-BwC3ESc6acc2lTc", 1_562_262_616));
        assert_eq!((proof.nonce, proof.ath), (None, None));
    }

    /// RFC 9449 §5 (a refresh) and §7.1 (with an access token), by the same key.
    #[test]
    fn the_examples_with_a_refresh_and_an_access_token_hold() {
        let (token, resource) =
            (uri(), Url::parse("https://resource.example.org/protectedresource").unwrap());
        let later = DpopRules { now: 1_562_265_296, ..rules(&token) };
        let beside = DpopRules { method: "GET", ..rules(&resource) };

        let refresh = verify_proof(REFRESH, &later).unwrap();
        let access = verify_proof(RESOURCE, &beside).unwrap();

        assert_eq!((refresh.jti.as_str(), refresh.ath), ("-BwC3ESc6acc2lTc", None));
        assert_eq!((access.jti.as_str(), access.iat), ("e1j3V_bKic8-LAEB", 1_562_262_618));
        assert_eq!(access.ath.as_deref(), Some("fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"));
        assert_eq!(refresh.jkt, access.jkt);
    }

    #[test]
    fn an_algorithm_that_is_not_accepted_here_is_refused() {
        let uri = uri();
        let rules = DpopRules { algorithms: &[SigningAlgorithm::EdDsa], ..rules(&uri) };

        assert_eq!(verify_proof(EXAMPLE, &rules), Err(DpopError::Algorithm));
    }

    #[test]
    fn a_key_that_names_its_purpose_is_used_for_nothing_else() {
        let uri = uri();
        let [es256, rs256] = [SigningAlgorithm::Es256, SigningAlgorithm::Rs256]
            .map(|algorithm| SigningKey::generate(algorithm).unwrap());
        let judge = |key: &SigningKey, about: Value| {
            let mut jwk = serde_json::to_value(key.public_jwk().key).unwrap();
            jwk.as_object_mut().unwrap().extend(about.as_object().unwrap().clone());
            verify_proof(&proof_by(key, json!({ "jwk": jwk }), json!({})), &rules(&uri))
                .map(|proof| proof.jkt)
        };

        assert_eq!(
            judge(&es256, json!({ "alg": "ES256", "use": "sig", "kid": "k" })),
            Ok(es256.kid().to_owned())
        );
        assert_eq!(judge(&rs256, json!({ "x5c": ["ignored"] })), Ok(rs256.kid().to_owned()));
        for about in [json!({ "alg": "PS256" }), json!({ "use": "enc" }), json!({ "key_ops": ["encrypt"] })] {
            assert_eq!(judge(&rs256, about.clone()), Err(DpopError::Key), "{about}");
        }
        // With the exponent 1, a signature says what anybody could write.
        assert_eq!(judge(&rs256, json!({ "e": "AQ" })), Err(DpopError::Key));
    }

    #[test]
    fn every_check_of_section_4_3_fails_by_itself() {
        let uri = uri();
        let none = || json!({});
        let private = json!({ "jwk": { "kty": "EC", "crv": "P-256", "x": "a", "y": "b", "d": "c" } });
        let shared = json!({ "jwk": { "kty": "oct", "k": "a" } });
        for (header, claims, error) in [
            (none(), json!({ "jti": null }), DpopError::Claims),
            (none(), json!({ "jti": "" }), DpopError::Claims),
            (none(), json!({ "jti": "x".repeat(257) }), DpopError::Claims),
            (none(), json!({ "htm": null }), DpopError::Claims),
            (none(), json!({ "htu": 1 }), DpopError::Claims),
            (none(), json!({ "iat": "now" }), DpopError::Claims),
            (json!({ "typ": "jwt" }), none(), DpopError::Type),
            (json!({ "typ": null }), none(), DpopError::Type),
            (json!({ "alg": "none" }), none(), DpopError::Algorithm),
            (json!({ "alg": "HS256" }), none(), DpopError::Algorithm),
            (json!({ "alg": "RS256" }), none(), DpopError::Key),
            (json!({ "jwk": null }), none(), DpopError::Key),
            (private, none(), DpopError::Key),
            (shared, none(), DpopError::Key),
            (json!({ "crit": ["exp"] }), none(), DpopError::Malformed),
            (json!({ "jku": "https://evil.test" }), none(), DpopError::Malformed),
            (none(), json!({ "htm": "GET" }), DpopError::Method),
            (none(), json!({ "htm": "post" }), DpopError::Method),
            (none(), json!({ "htu": "https://server.example.com/" }), DpopError::Uri),
            (none(), json!({ "htu": "http://server.example.com/token" }), DpopError::Uri),
            (none(), json!({ "htu": "/token" }), DpopError::Uri),
            (none(), json!({ "htu": "https://server.example.com/token/" }), DpopError::Uri),
            (none(), json!({ "htu": "https://server.example.com/TOKEN" }), DpopError::Uri),
            (none(), json!({ "htu": "https://server.example.com/%2574oken" }), DpopError::Uri),
            (none(), json!({ "htu": "https://server.example.com:8443/token" }), DpopError::Uri),
            (none(), json!({ "htu": "https://user@server.example.com/token" }), DpopError::Uri),
            (none(), json!({ "htu": "https://server.example.com\\token" }), DpopError::Uri),
            (none(), json!({ "htu": " https://server.example.com/to\nken" }), DpopError::Uri),
            (none(), json!({ "iat": 1_562_262_631 }), DpopError::Time),
            (none(), json!({ "iat": 1_562_262_559 }), DpopError::Time),
            (none(), json!({ "exp": 1_562_262_610 }), DpopError::Time),
            (none(), json!({ "exp": "x" }), DpopError::Time),
            (none(), json!({ "nbf": 1_562_262_631 }), DpopError::Time),
        ] {
            let proof = proof(header.clone(), claims.clone());
            assert_eq!(verify_proof(&proof, &rules(&uri)), Err(error), "{header} {claims}");
        }
        assert_eq!(verify_proof("x", &rules(&uri)), Err(DpopError::Malformed));
    }

    #[test]
    fn the_address_is_compared_as_an_address() {
        let uri = uri();
        for same in [
            "https://server.example.com/token?x=1#y",
            "HTTPS://SERVER.example.com:443/token",
            "https://server.example.com/a/../token",
            "https://server.example.com/a/%2e%2E/%74oke%6E",
        ] {
            assert!(verify_proof(&proof(json!({}), json!({ "htu": same })), &rules(&uri)).is_ok(), "{same}");
        }
        for edge in [1_562_262_630, 1_562_262_560] {
            assert!(verify_proof(&proof(json!({}), json!({ "iat": edge })), &rules(&uri)).is_ok(), "{edge}");
        }
    }

    proptest! {
        #[test]
        fn one_flipped_bit_fails(position in any::<proptest::sample::Index>(), bit in 0..7) {
            let uri = uri();
            let mut flipped = EXAMPLE.as_bytes().to_vec();
            let position = position.index(flipped.len());
            flipped[position] ^= 1u8 << bit;
            let text = String::from_utf8_lossy(&flipped).into_owned();
            prop_assert!(verify_proof(&text, &rules(&uri)).is_err());
        }

        #[test]
        fn any_text_is_refused(text in any::<String>()) {
            let uri = uri();
            prop_assert!(verify_proof(&text, &rules(&uri)).is_err());
        }
    }
}
