//! Verification of a compact JWS: type and signature. Who it is for and how long it lasts, the caller checks.

use std::collections::HashMap;

use aws_lc_rs::signature::ParsedPublicKey;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{JoseError, Jwk, MAX_TOKEN_BYTES, SigningAlgorithm, json};

/// A public key, ready to verify with.
#[derive(Debug, Clone)]
pub struct VerifyingKey {
    kid: String,
    algorithm: SigningAlgorithm,
    key: ParsedPublicKey,
}

impl VerifyingKey {
    /// Reads a key: P-256, Ed25519, or RSA of 2048 to 4096 bits with an exponent of at most 4 bytes.
    ///
    /// # Errors
    /// [`JoseError::Key`].
    pub fn from_jwk(jwk: &Jwk) -> Result<Self, JoseError> {
        let key = jwk.key.for_algorithm(jwk.alg)?;
        Ok(Self { kid: jwk.kid.clone(), algorithm: jwk.alg, key })
    }

    /// Its id.
    pub fn kid(&self) -> &str {
        &self.kid
    }
}

/// The keys that a token may be signed with, by their ids.
#[derive(Debug, Clone, Default)]
pub struct KeySet(HashMap<String, VerifyingKey>);

impl KeySet {
    /// The key of this id.
    pub fn get(&self, kid: &str) -> Option<&VerifyingKey> {
        self.0.get(kid)
    }
}

impl FromIterator<VerifyingKey> for KeySet {
    fn from_iter<I: IntoIterator<Item = VerifyingKey>>(keys: I) -> Self {
        Self(keys.into_iter().map(|key| (key.kid.clone(), key)).collect())
    }
}

/// Members that a header must not have: extensions that we would have to understand (RFC 7515 §4.1.11), and
/// keys that a token brings along (RFC 8725 §3.10).
const REFUSED: [&str; 6] = ["b64", "crit", "jku", "jwk", "x5c", "x5u"];

struct Header(Map<String, Value>);

impl Header {
    fn parse(encoded: &str) -> Result<Self, JoseError> {
        Self::parse_with(encoded, &[])
    }

    /// The same, where a profile gives members that are otherwise refused a meaning.
    fn parse_with(encoded: &str, meant: &[&str]) -> Result<Self, JoseError> {
        let members: Map<_, _> = json::from_slice(&decode(encoded)?).map_err(|_| JoseError::Header)?;
        let refused = REFUSED.iter().any(|name| members.contains_key(*name) && !meant.contains(name));
        if refused { Err(JoseError::Header) } else { Ok(Self(members)) }
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }

    fn required(&self, name: &str) -> Result<&str, JoseError> {
        self.text(name).ok_or(JoseError::Header)
    }

    /// RFC 7515 §4.1.9: a media type, `application/` left out.
    fn is_of_type(&self, typ: &str) -> bool {
        self.text("typ").is_some_and(|given| given.eq_ignore_ascii_case(typ))
    }
}

/// Verifies a token that one of `keys` signed as type `typ`, and reads its payload. The type is demanded, so
/// that no token passes for one of another kind (RFC 8725 §3.11). Times and audience are not looked at.
///
/// # Errors
/// Every [`JoseError`] but [`JoseError::Crypto`] and [`JoseError::Key`].
pub fn verify<T: DeserializeOwned>(token: &str, keys: &KeySet, typ: &str) -> Result<T, JoseError> {
    let signed = Signed::parse(token, keys, typ)?;
    signed
        .key
        .key
        .verify_sig(signed.message.as_bytes(), &signed.signature)
        .map_err(|_| JoseError::Signature)?;
    signed.read()
}

/// Reads a token once more: all that [`verify`] does but for the signature, which costs more than everything else.
/// Only for a token of which [`verify`] has accepted these very bytes, by these very keys.
///
/// # Errors
/// Every [`JoseError`] but [`JoseError::Signature`], [`JoseError::Crypto`] and [`JoseError::Key`].
pub fn read_verified<T: DeserializeOwned>(token: &str, keys: &KeySet, typ: &str) -> Result<T, JoseError> {
    Signed::parse(token, keys, typ)?.read()
}

/// A token whose header fits its key and its type.
struct Signed<'a> {
    key: &'a VerifyingKey,
    message: &'a str,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

impl<'a> Signed<'a> {
    fn parse(token: &'a str, keys: &'a KeySet, typ: &str) -> Result<Self, JoseError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(JoseError::Malformed);
        }
        let (message, signature) = token.rsplit_once('.').ok_or(JoseError::Malformed)?;
        let (header, payload) = message.split_once('.').ok_or(JoseError::Malformed)?;
        let (signature, payload) = (decode(signature)?, decode(payload)?);
        let header = Header::parse(header)?;

        let algorithm = SigningAlgorithm::from_text(header.required("alg")?);
        let key = keys.get(header.required("kid")?).ok_or(JoseError::UnknownKey)?;
        if algorithm != Some(key.algorithm) {
            return Err(JoseError::UnknownKey);
        }
        if !header.is_of_type(typ) {
            return Err(JoseError::Type);
        }
        Ok(Self { key, message, payload, signature })
    }

    fn read<T: DeserializeOwned>(&self) -> Result<T, JoseError> {
        json::from_slice(&self.payload).map_err(|_| JoseError::Claims)
    }
}

/// A compact JWS of another issuer, taken apart strictly and not verified: whoever holds that issuer's
/// keys verifies it before anything in it counts.
#[derive(Debug, Clone, PartialEq)]
pub struct Unverified<'a> {
    /// `alg`, as it is written.
    pub algorithm: String,
    /// The id of the key.
    pub kid: Option<String>,
    /// The media type (RFC 7515 §4.1.9), if there is one, in lower case and without `application/`.
    pub typ: Option<String>,
    /// What is signed.
    pub message: &'a str,
    /// The signature over it.
    pub signature: Vec<u8>,
    /// The payload: an object in which no member is named twice.
    pub claims: Map<String, Value>,
}

impl<'a> Unverified<'a> {
    /// Takes a token apart.
    ///
    /// # Errors
    /// [`JoseError::Malformed`], [`JoseError::Header`] and [`JoseError::Claims`].
    pub fn parse(token: &'a str) -> Result<Self, JoseError> {
        let Parts { algorithm, kid, typ, message, signature, claims, header: _ } = take_apart(token, &[])?;
        Ok(Self { algorithm, kid, typ, message, signature, claims })
    }
}

/// An [`Unverified`] with its whole header.
pub(super) struct Parts<'a> {
    pub(super) algorithm: String,
    pub(super) kid: Option<String>,
    pub(super) typ: Option<String>,
    pub(super) message: &'a str,
    pub(super) signature: Vec<u8>,
    pub(super) claims: Map<String, Value>,
    pub(super) header: Map<String, Value>,
}

/// Takes a token apart, whose profile gives members of the header that are otherwise refused a meaning.
pub(super) fn take_apart<'a>(token: &'a str, meant: &[&str]) -> Result<Parts<'a>, JoseError> {
    if token.len() > MAX_TOKEN_BYTES {
        return Err(JoseError::Malformed);
    }
    let (message, signature) = token.rsplit_once('.').ok_or(JoseError::Malformed)?;
    let (header, payload) = message.split_once('.').ok_or(JoseError::Malformed)?;
    let (signature, payload) = (decode(signature)?, decode(payload)?);
    let header = Header::parse_with(header, meant)?;
    Ok(Parts {
        algorithm: header.required("alg")?.to_owned(),
        kid: header.text("kid").map(str::to_owned),
        typ: header.text("typ").map(media_type),
        message,
        signature,
        claims: json::from_slice(&payload).map_err(|_| JoseError::Claims)?,
        header: header.0,
    })
}

/// The one spelling of a media type that is written in several.
fn media_type(typ: &str) -> String {
    let typ = typ.to_ascii_lowercase();
    typ.strip_prefix("application/").map_or(typ.clone(), str::to_owned)
}

/// A part of the token, in the one spelling it has. A fourth part holds a dot and fails here.
fn decode(part: &str) -> Result<Vec<u8>, JoseError> {
    BASE64_URL_SAFE_NO_PAD.decode(part).map_err(|_| JoseError::Malformed)
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::jose::{PublicKeyParameters, PublicKeyUse, SigningKey};

    static KEYS: LazyLock<[SigningKey; 4]> =
        LazyLock::new(|| SigningAlgorithm::ALL.map(|algorithm| SigningKey::generate(algorithm).unwrap()));

    fn key_set() -> KeySet {
        KEYS.iter().map(|key| VerifyingKey::from_jwk(&key.public_jwk()).unwrap()).collect()
    }

    fn read(token: &str) -> Result<Value, JoseError> {
        verify(token, &key_set(), "at+jwt")
    }

    /// A token of the ES256 key with a header of one's choice, properly signed.
    fn forge(header: &str, payload: &str) -> String {
        let [key, ..] = &*KEYS;
        let encode = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
        let message = format!("{}.{}", encode(header), encode(payload));
        // `sign` makes its own header, so the signature comes from the pair itself.
        let signature = key.sign_message(message.as_bytes()).unwrap();
        format!("{message}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
    }

    fn header(members: &str) -> String {
        let [key, ..] = &*KEYS;
        format!(r#"{{"kid":"{}"{members}}}"#, key.kid())
    }

    #[test]
    fn a_signed_token_is_read() {
        for key in &*KEYS {
            let token = key.sign("at+jwt", br#"{"org_id":"org_1"}"#).unwrap();

            assert_eq!(read(&token), Ok(json!({ "org_id": "org_1" })));
        }
        assert!(read(&forge(&header(r#","alg":"ES256","typ":"AT+JWT","cty":"x""#), "{}")).is_ok());
    }

    #[test]
    fn a_bad_header_is_refused_though_signed() {
        let [es256, rs256, ..] = &*KEYS;
        let swapped = format!(r#"{{"kid":"{}","alg":"ES256","typ":"at+jwt"}}"#, rs256.kid());
        let kidless = r#"{"alg":"ES256","typ":"at+jwt"}"#.to_owned();
        let unknown = r#"{"alg":"ES256","typ":"at+jwt","kid":"../../dev/null"}"#.to_owned();
        let injection = format!(r#"{{"alg":"ES256","typ":"at+jwt","kid":"{}' or '1'='1"}}"#, es256.kid());
        for (header, error) in [
            (header(r#","alg":"none","typ":"at+jwt""#), JoseError::UnknownKey),
            (header(r#","alg":"None","typ":"at+jwt""#), JoseError::UnknownKey),
            (header(r#","alg":"HS256","typ":"at+jwt""#), JoseError::UnknownKey),
            (header(r#","alg":"RS256","typ":"at+jwt""#), JoseError::UnknownKey),
            (header(r#","alg":"EdDSA","typ":"at+jwt""#), JoseError::UnknownKey),
            (header(r#","alg":"Ed25519","typ":"at+jwt""#), JoseError::UnknownKey),
            (header(r#","alg":"es256","typ":"at+jwt""#), JoseError::UnknownKey),
            (swapped, JoseError::UnknownKey),
            (unknown, JoseError::UnknownKey),
            (injection, JoseError::UnknownKey),
            (kidless, JoseError::Header),
            (header(r#","typ":"at+jwt""#), JoseError::Header),
            (header(r#","alg":["ES256"],"typ":"at+jwt""#), JoseError::Header),
            (header(r#","alg":"ES256","alg":"ES256","typ":"at+jwt""#), JoseError::Header),
            (header(r#","alg":"ES256","typ":"at+jwt","crit":["exp"]"#), JoseError::Header),
            (header(r#","alg":"ES256","typ":"at+jwt","crit":[]"#), JoseError::Header),
            (header(r#","alg":"ES256","typ":"at+jwt","crit":null"#), JoseError::Header),
            (header(r#","alg":"ES256","typ":"at+jwt","b64":false"#), JoseError::Header),
            (header(r#","alg":"ES256","typ":"at+jwt","jku":"https://evil.test""#), JoseError::Header),
            (header(r#","alg":"ES256","typ":"at+jwt","jwk":{}"#), JoseError::Header),
            (header(r#","alg":"ES256","typ":"at+jwt","x5u":"https://evil.test""#), JoseError::Header),
            (header(r#","alg":"ES256","typ":"at+jwt","x5c":["x"]"#), JoseError::Header),
            (header(r#","alg":"ES256","typ":"JWT""#), JoseError::Type),
            (header(r#","alg":"ES256""#), JoseError::Type),
            ("not json".to_owned(), JoseError::Header),
            ("[]".to_owned(), JoseError::Header),
        ] {
            assert_eq!(read(&forge(&header, "{}")), Err(error), "{header}");
        }
    }

    #[test]
    fn a_payload_with_a_member_named_twice_is_refused() {
        let good = header(r#","alg":"ES256","typ":"at+jwt""#);

        assert_eq!(read(&forge(&good, r#"{"org_id":"a","org_id":"b"}"#)), Err(JoseError::Claims));
        assert_eq!(read(&forge(&good, r#"{"exp":1e999}"#)), Err(JoseError::Claims));
        assert_eq!(read(&forge(&good, "not json")), Err(JoseError::Claims));
    }

    #[test]
    fn a_media_type_reads_alike_in_all_its_spellings() {
        for typ in ["logout+jwt", "Logout+JWT", "application/logout+jwt", "APPLICATION/logout+jwt"] {
            let token = forge(&header(&format!(r#","alg":"ES256","typ":"{typ}""#)), "{}");

            assert_eq!(Unverified::parse(&token).unwrap().typ.as_deref(), Some("logout+jwt"));
        }
    }

    #[test]
    fn what_is_not_a_compact_jws_is_refused() {
        let [key, ..] = &*KEYS;
        let token = key.sign("at+jwt", b"{}").unwrap();
        let (message, _) = token.rsplit_once('.').unwrap();
        for malformed in [
            String::new(),
            "..".to_owned(),
            message.to_owned(),
            format!("{token}."),
            format!("{token}.{token}"),
            format!("{token}="),
            format!(" {token}"),
            format!("{token}\n"),
            forge(&header(r#","alg":"ES256","typ":"at+jwt""#), &" ".repeat(MAX_TOKEN_BYTES)),
        ] {
            assert!(
                matches!(read(&malformed), Err(JoseError::Malformed | JoseError::Header)),
                "{malformed:.60}"
            );
        }
        assert_eq!(read(&format!("{message}.")), Err(JoseError::Signature));
    }

    #[test]
    fn the_examples_of_rfc_7515_a_2_and_a_3_verify() {
        let payload =
            "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let a_2 = PublicKeyParameters::Rsa {
            n: "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-y\
                RT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KX\
                BdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9i\
                aGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"
                .to_owned(),
            e: "AQAB".to_owned(),
        };
        let a_3 = PublicKeyParameters::Ec {
            crv: "P-256".to_owned(),
            x: "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU".to_owned(),
            y: "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0".to_owned(),
        };
        for (alg, key, header, signature) in [
            (
                SigningAlgorithm::Rs256,
                a_2,
                "eyJhbGciOiJSUzI1NiJ9",
                "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds\
                 9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRm\
                 B_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98r\
                 qVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
            ),
            (
                SigningAlgorithm::Es256,
                a_3,
                "eyJhbGciOiJFUzI1NiJ9",
                "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
            ),
        ] {
            let jwk = Jwk { kid: key.thumbprint(), key, alg, usage: PublicKeyUse::Signature };
            let key = VerifyingKey::from_jwk(&jwk).unwrap();
            let signature = decode(signature).unwrap();

            assert!(key.key.verify_sig(format!("{header}.{payload}").as_bytes(), &signature).is_ok());
            assert!(key.key.verify_sig(format!("{header}.{payload}x").as_bytes(), &signature).is_err());
        }
    }

    #[test]
    fn one_padding_is_not_taken_for_the_other() {
        let [_, rs256, ps256, _] = &*KEYS;
        for (signer, other) in [(rs256, SigningAlgorithm::Ps256), (ps256, SigningAlgorithm::Rs256)] {
            let own = signer.public_jwk();
            let signature = signer.sign_message(b"x").unwrap();
            let verify = |alg| own.key.for_algorithm(alg).unwrap().verify_sig(b"x", &signature).is_ok();

            assert!(verify(own.alg));
            assert!(!verify(other));
        }
    }

    #[test]
    fn a_weak_or_malformed_key_is_refused() {
        let [ec, rsa, pss, okp] = KEYS.each_ref().map(SigningKey::public_jwk);
        let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        let ec_with = |crv: &str, x: String, y: String| PublicKeyParameters::Ec { crv: crv.to_owned(), x, y };
        let (PublicKeyParameters::Ec { x, y, .. }, PublicKeyParameters::Rsa { n, .. }) = (&ec.key, &rsa.key)
        else {
            panic!("{ec:?} {rsa:?}")
        };
        for key in [
            ec_with("P-384", x.clone(), y.clone()),
            ec_with("P-256", y.clone(), x.clone()),
            ec_with("P-256", encode(&[0; 32]), encode(&[0; 32])),
            ec_with("P-256", String::new(), y.clone()),
            ec_with("P-256", format!("{x}="), y.clone()),
            rsa.key.clone(),
            okp.key.clone(),
        ] {
            assert_eq!(VerifyingKey::from_jwk(&Jwk { key, ..ec.clone() }).unwrap_err(), JoseError::Key);
        }
        let PublicKeyParameters::Okp { x: point, .. } = &okp.key else { panic!("{okp:?}") };
        let okp_with = |crv: &str, x: &str| PublicKeyParameters::Okp { crv: crv.to_owned(), x: x.to_owned() };
        for key in [
            okp_with("Ed448", point),
            okp_with("X25519", point),
            okp_with("Ed25519", ""),
            okp_with("Ed25519", &point[2..]),
            okp_with("Ed25519", &format!("{point}=")),
            ec.key.clone(),
        ] {
            assert_eq!(VerifyingKey::from_jwk(&Jwk { key, ..okp.clone() }).unwrap_err(), JoseError::Key);
        }
        for (n, e) in [
            (encode(&[0xff; 128]), "AQAB".to_owned()),
            (encode(&[0xff; 513]), "AQAB".to_owned()),
            (encode(&[&[0; 1], [0xff; 256].as_slice()].concat()), "AQAB".to_owned()),
            (n.clone(), encode(&[1, 0, 0, 0, 1])),
            (n.clone(), String::new()),
            (n.clone(), encode(&[0])),
        ] {
            let key = PublicKeyParameters::Rsa { n, e };
            for template in [&rsa, &pss] {
                let jwk = Jwk { key: key.clone(), ..template.clone() };
                assert_eq!(VerifyingKey::from_jwk(&jwk).unwrap_err(), JoseError::Key);
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_signed_verifies_and_one_flipped_bit_fails(
            text in any::<String>(),
            signer in any::<proptest::sample::Selector>(),
            position in any::<proptest::sample::Index>(),
            bit in 0..7,
        ) {
            let claims = json!({ "text": text });
            let key = signer.select(&*KEYS);
            let token = key.sign("at+jwt", claims.to_string().as_bytes()).unwrap();
            prop_assert_eq!(read(&token), Ok(claims));

            let mut flipped = token.into_bytes();
            let position = position.index(flipped.len());
            flipped[position] ^= 1u8 << bit;
            prop_assert!(read(std::str::from_utf8(&flipped).unwrap()).is_err());
        }

        #[test]
        fn any_text_is_refused(
            text in any::<String>(), header in any::<Vec<u8>>(), payload in any::<Vec<u8>>(),
        ) {
            let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
            prop_assert!(read(&text).is_err());
            let shaped = [&header, &payload, &payload].map(|part| encode(part)).join(".");
            prop_assert!(read(&shaped).is_err());
        }
    }
}
