//! The compact JWS (RFC 7515 §7.1) around a token, a proof or an answer.
//!
//! **Invariant:** the payload comes out of [`CompactJws::verify`] only, so nobody reads what no key has signed.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::{
    json::{Object, WrongShape},
    jwk::{Algorithm, PublicKey},
    verifier::VerifyError,
};

/// Longest token looked at, in bytes: what common servers allow for all headers together.
const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// Longest `kid`, in bytes.
const MAX_KID_BYTES: usize = 256;

/// Header parameters that are refused where others would be ignored: `crit` because nothing it could name is
/// understood here (RFC 7515 §4.1.11), the rest because they lead to a key that nobody vouches for.
const REFUSED: [&str; 4] = ["crit", "jku", "x5c", "x5u"];

/// What a JWS claims to be: its `typ`, explicit so that one is never taken for another (RFC 8725 §3.11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// RFC 9068 §2.1.
    AccessToken,
    /// RFC 9701 §5.
    IntrospectionAnswer,
    /// RFC 9449 §4.2.
    Proof,
}

impl Kind {
    fn typ(self) -> &'static str {
        match self {
            Self::AccessToken => "at+jwt",
            Self::IntrospectionAnswer => "token-introspection+jwt",
            Self::Proof => "dpop+jwt",
        }
    }
}

/// A JWS taken apart, its header checked and its signature not yet.
pub(crate) struct CompactJws<'t> {
    pub(crate) algorithm: Algorithm,
    header: Object,
    signing_input: &'t str,
    payload: &'t str,
    signature: Vec<u8>,
}

impl<'t> CompactJws<'t> {
    pub(crate) fn parse(token: &'t str, kind: Kind) -> Result<Self, VerifyError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(VerifyError::TooLarge);
        }
        let (signing_input, signature) = token.rsplit_once('.').ok_or(VerifyError::Malformed)?;
        let (header, payload) = signing_input.split_once('.').ok_or(VerifyError::Malformed)?;
        if payload.contains('.') {
            return Err(VerifyError::Malformed); // five parts: encrypted
        }
        let mut header = object(header)?;
        check_refused(&header)?;
        check_typ(&mut header, kind)?;
        let algorithm = check_alg(&mut header)?;
        Ok(Self { algorithm, header, signing_input, payload, signature: decode(signature)? })
    }

    /// The name of the issuer's key that it is signed with; it may not bring a key of its own.
    pub(crate) fn kid(&mut self) -> Result<String, VerifyError> {
        if self.header.contains("jwk") {
            return Err(VerifyError::InvalidHeader("jwk"));
        }
        let kid =
            self.header.take_string("kid").map_err(|WrongShape(name)| VerifyError::InvalidHeader(name))?;
        kid.filter(|kid| kid.len() <= MAX_KID_BYTES).ok_or(VerifyError::InvalidHeader("kid"))
    }

    /// The key that it brings along, as only a proof of possession does.
    pub(crate) fn jwk(&mut self) -> Result<Object, VerifyError> {
        let jwk = self.header.take_object("jwk").ok().flatten();
        jwk.map(Object::from).ok_or(VerifyError::InvalidHeader("jwk"))
    }

    /// Checks the signature and gives the payload that it covers.
    pub(crate) fn verify(&self, key: &PublicKey) -> Result<Object, VerifyError> {
        if !key.verify(self.signing_input.as_bytes(), &self.signature) {
            return Err(VerifyError::InvalidSignature);
        }
        object(self.payload)
    }
}

fn check_refused(header: &Object) -> Result<(), VerifyError> {
    match REFUSED.into_iter().find(|name| header.contains(name)) {
        Some(name) => Err(VerifyError::InvalidHeader(name)),
        None => Ok(()),
    }
}

/// Anything else, an ID token for one, is something else. Media types ignore case, and may leave out
/// `application/` (RFC 7515 §4.1.9).
fn check_typ(header: &mut Object, kind: Kind) -> Result<(), VerifyError> {
    let typ = header.take_string("typ").ok().flatten().ok_or(VerifyError::WrongType)?.to_ascii_lowercase();
    let accepted = typ.strip_prefix("application/").unwrap_or(&typ) == kind.typ();
    if accepted { Ok(()) } else { Err(VerifyError::WrongType) }
}

fn check_alg(header: &mut Object) -> Result<Algorithm, VerifyError> {
    let alg = header.take_string("alg").ok().flatten();
    alg.as_deref().and_then(Algorithm::from_name).ok_or(VerifyError::AlgorithmNotAllowed)
}

fn object(part: &str) -> Result<Object, VerifyError> {
    Object::parse(&decode(part)?).map_err(|_| VerifyError::Malformed)
}

/// Base64url without padding, line breaks or loose bits at the end, so that a token has one spelling.
fn decode(part: &str) -> Result<Vec<u8>, VerifyError> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| VerifyError::Malformed)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn refusal(header: &str) -> Option<VerifyError> {
        let token = format!("{}.e30.AA", URL_SAFE_NO_PAD.encode(header));
        CompactJws::parse(&token, Kind::AccessToken).and_then(|mut jws| jws.kid()).err()
    }

    #[test]
    fn a_header_says_exactly_what_is_needed() {
        assert_eq!(refusal(r#"{"typ":"at+jwt","alg":"ES256","kid":"k","new":1}"#), None);
        assert_eq!(refusal(r#"{"typ":"Application/AT+JWT","alg":"EdDSA","kid":"k"}"#), None);
        for (header, expected) in [
            (r#"{"alg":"ES256","kid":"k"}"#, VerifyError::WrongType),
            (r#"{"typ":"JWT","alg":"ES256","kid":"k"}"#, VerifyError::WrongType),
            (r#"{"typ":1,"alg":"ES256","kid":"k"}"#, VerifyError::WrongType),
            (r#"{"typ":"at+jwt","kid":"k"}"#, VerifyError::AlgorithmNotAllowed),
            (r#"{"typ":"at+jwt","alg":"none","kid":"k"}"#, VerifyError::AlgorithmNotAllowed),
            (r#"{"typ":"at+jwt","alg":"HS256","kid":"k"}"#, VerifyError::AlgorithmNotAllowed),
            (r#"{"typ":"at+jwt","alg":"es256","kid":"k"}"#, VerifyError::AlgorithmNotAllowed),
            (r#"{"typ":"at+jwt","alg":"ES512","kid":"k"}"#, VerifyError::AlgorithmNotAllowed),
            (r#"{"typ":"at+jwt","alg":["ES256"],"kid":"k"}"#, VerifyError::AlgorithmNotAllowed),
            (r#"{"typ":"at+jwt","alg":"ES256"}"#, VerifyError::InvalidHeader("kid")),
            (r#"{"typ":"at+jwt","alg":"ES256","kid":""}"#, VerifyError::InvalidHeader("kid")),
            (r#"{"typ":"at+jwt","alg":"ES256","kid":7}"#, VerifyError::InvalidHeader("kid")),
            (r#"{"typ":"at+jwt","alg":"ES256","kid":"k","kid":"k"}"#, VerifyError::Malformed),
            (r#"{"typ":"at+jwt","alg":"ES256","kid":"k","crit":[]}"#, VerifyError::InvalidHeader("crit")),
            (
                r#"{"typ":"at+jwt","alg":"ES256","kid":"k","crit":["exp"]}"#,
                VerifyError::InvalidHeader("crit"),
            ),
            (
                r#"{"typ":"at+jwt","alg":"ES256","kid":"k","jku":"https://a"}"#,
                VerifyError::InvalidHeader("jku"),
            ),
            (r#"{"typ":"at+jwt","alg":"ES256","kid":"k","jwk":{}}"#, VerifyError::InvalidHeader("jwk")),
            (r#"{"typ":"at+jwt","alg":"ES256","kid":"k","x5c":[]}"#, VerifyError::InvalidHeader("x5c")),
            (r#"{"typ":"at+jwt","alg":"ES256","kid":"k","x5u":null}"#, VerifyError::InvalidHeader("x5u")),
        ] {
            assert_eq!(refusal(header), Some(expected), "{header}");
        }
    }

    #[test]
    fn no_kind_of_jws_passes_for_another() {
        let kinds = [Kind::AccessToken, Kind::IntrospectionAnswer, Kind::Proof];
        for (said, expected) in kinds.iter().flat_map(|said| kinds.map(|expected| (*said, expected))) {
            let header = format!(r#"{{"typ":"{}","alg":"ES256","kid":"k"}}"#, said.typ());
            let token = format!("{}.e30.AA", URL_SAFE_NO_PAD.encode(header));
            assert_eq!(
                CompactJws::parse(&token, expected).is_ok(),
                said == expected,
                "{said:?} as {expected:?}"
            );
        }
    }

    #[test]
    fn a_token_has_three_parts_and_a_bounded_size() {
        let parse = |token: &str| CompactJws::parse(token, Kind::AccessToken).err();
        for token in
            ["", ".", "..", "a.b", "e30.e30.e30.e30", "e30.e30.e30.e30.e30", "e30=.e30.AA", "e30 .e30.AA"]
        {
            assert_eq!(parse(token), Some(VerifyError::Malformed), "{token:?}");
        }
        assert_eq!(parse(&"a".repeat(MAX_TOKEN_BYTES + 1)), Some(VerifyError::TooLarge));
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_or_refused(text in "\\PC*", header in ".{0,80}", payload in any::<Vec<u8>>()) {
            let _ = CompactJws::parse(&text, Kind::Proof);
            let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
            let three = format!("{}.{}.{text}", encode(header.as_bytes()), encode(&payload));
            let _ = CompactJws::parse(&three, Kind::AccessToken);
        }
    }
}
