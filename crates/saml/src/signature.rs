//! Where signatures may stand and what they may look like, before any of them is verified.
//!
//! Wrapping attacks live from freedom: a signature that refers elsewhere, two elements with one id, transforms
//! that leave parts out. None of that is left here: a signature covers its parent, all of it, or the message is
//! refused (SAML core §5.4).
//!
//! **Invariant:** after [`placed`], [`shape`] and [`algorithms`], each signature is the direct child of an element that may be signed, has one
//! reference, to that element's own id, by the enveloped transform and a canonicalization, with SHA-2.

use std::collections::HashSet;

use crate::certificate::Certificate;
use crate::check::{Check, Rejection};
use crate::names::{
    C14N, C14N_COMMENTS, DIGESTS, DS, ECDSA_SIGNATURES, ENVELOPED, EXC_C14N, EXC_C14N_COMMENTS,
    RSA_SIGNATURES,
};
use crate::tree::Element;

/// The longest id.
const MAX_ID: usize = 256;

/// Refuses ids that occur twice, under any of the names by which an implementation may know an id.
pub(crate) fn unique_ids(root: Element<'_>) -> Result<(), Rejection> {
    let mut seen = HashSet::new();
    for element in root.descendants() {
        for (_, name, value) in element.attributes() {
            if !(name.eq_ignore_ascii_case("id") || name == "AssertionID") {
                continue;
            }
            if !seen.insert(value) {
                return Err(Rejection::new(Check::UniqueIds, format!("{value:?} occurs twice")));
            }
        }
    }
    Ok(())
}

/// The id of an element, if it is a plain `xs:ID` (SAML core §1.3.4).
pub(crate) fn id<'t>(element: &Element<'t>) -> Result<&'t str, Rejection> {
    let id = element.id().unwrap_or_default();
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let starts = id.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if starts && id.len() <= MAX_ID && id.chars().all(plain) {
        Ok(id)
    } else {
        Err(Rejection::new(Check::UniqueIds, format!("{id:?} is no id of <{}>", element.local())))
    }
}

/// The signatures in the document, each of which stands in one of `places`, at most one in each.
pub(crate) fn placed<'t>(root: Element<'t>, places: &[Element<'t>]) -> Result<Vec<Element<'t>>, Rejection> {
    let mut found: Vec<Element<'t>> = Vec::new();
    for element in root.descendants().filter(|element| element.is(DS, "Signature")) {
        let parent = element.parent();
        let allowed = parent.is_some_and(|parent| places.iter().any(|place| place.same(&parent)));
        if !allowed {
            let name = parent.map_or("", |parent| parent.local());
            return Err(Rejection::new(Check::SignaturePlacement, format!("a signature in <{name}>")));
        }
        let twin = |other: &Element<'t>| match (other.parent(), parent) {
            (Some(one), Some(other)) => one.same(&other),
            _ => false,
        };
        if found.iter().any(twin) {
            return Err(Rejection::new(Check::SignaturePlacement, "two signatures in one element"));
        }
        found.push(element);
    }
    Ok(found)
}

/// Checks the form of a signature.
pub(crate) fn shape(signature: Element<'_>) -> Result<(), Rejection> {
    let parent = signature.parent().ok_or_else(|| refuse("a signature that covers nothing"))?;
    let target = id(&parent)?;
    if signature.has_comment() {
        return Err(refuse("a comment in a signature"));
    }
    let info = match signature.children().collect::<Vec<_>>().as_slice() {
        [info, value] if value.is(DS, "SignatureValue") => *info,
        [info, value, key] if value.is(DS, "SignatureValue") && key.is(DS, "KeyInfo") => *info,
        _ => return Err(refuse("a signature is SignedInfo, SignatureValue and KeyInfo, nothing else")),
    };
    let qualified = info.descendants().any(|element| element.attributes().any(|(qualified, ..)| qualified));
    if qualified {
        return Err(refuse("an attribute in a namespace, in SignedInfo"));
    }
    let reference = match info.children().collect::<Vec<_>>().as_slice() {
        [canonicalization, method, reference]
            if info.is(DS, "SignedInfo")
                && canonicalization.is(DS, "CanonicalizationMethod")
                && method.is(DS, "SignatureMethod")
                && reference.is(DS, "Reference") =>
        {
            canonical(canonicalization)?;
            childless(method)?;
            *reference
        }
        _ => return Err(refuse("SignedInfo does not hold exactly one reference")),
    };
    check_reference(&reference, target)
}

fn check_reference(reference: &Element<'_>, target: &str) -> Result<(), Rejection> {
    let uri = reference.attribute("URI");
    if uri.and_then(|uri| uri.strip_prefix('#')) != Some(target) {
        let expected = format!("#{target}");
        return Err(Rejection::differs(Check::SignatureShape, &expected, uri));
    }
    let transforms = match reference.children().collect::<Vec<_>>().as_slice() {
        [transforms, method, value]
            if transforms.is(DS, "Transforms")
                && method.is(DS, "DigestMethod")
                && value.is(DS, "DigestValue") =>
        {
            childless(method)?;
            childless(value)?;
            transforms.children().collect::<Vec<_>>()
        }
        _ => return Err(refuse("a reference is Transforms, DigestMethod and DigestValue, nothing else")),
    };
    if !transforms.iter().all(|transform| transform.is(DS, "Transform")) {
        return Err(refuse("something that is no transform, among transforms"));
    }
    match transforms.as_slice() {
        [enveloped] => check_enveloped(enveloped),
        [enveloped, canonicalization] => {
            check_enveloped(enveloped)?;
            canonical(canonicalization)
        }
        _ => Err(refuse("transforms are the enveloped signature and one canonicalization")),
    }
}

fn check_enveloped(transform: &Element<'_>) -> Result<(), Rejection> {
    childless(transform)?;
    match transform.attribute("Algorithm") {
        Some(ENVELOPED) => Ok(()),
        found => Err(Rejection::differs(Check::SignatureShape, ENVELOPED, found)),
    }
}

/// A canonicalization, whose only parameter is the list of prefixes of the exclusive one.
fn canonical(element: &Element<'_>) -> Result<(), Rejection> {
    let parameters: Vec<_> = element.children().collect();
    match (element.attribute("Algorithm"), parameters.as_slice()) {
        (Some(C14N | C14N_COMMENTS | EXC_C14N | EXC_C14N_COMMENTS), []) => Ok(()),
        (Some(EXC_C14N | EXC_C14N_COMMENTS), [list])
            if list.is(EXC_C14N, "InclusiveNamespaces") && list.children().next().is_none() =>
        {
            Ok(())
        }
        (found, _) => Err(Rejection::differs(Check::SignatureShape, EXC_C14N, found)),
    }
}

fn childless(element: &Element<'_>) -> Result<(), Rejection> {
    if element.children().next().is_some() {
        return Err(refuse("a parameter that is not accepted, in a signature"));
    }
    Ok(())
}

fn refuse(detail: &str) -> Rejection {
    Rejection::new(Check::SignatureShape, detail)
}

/// Checks the algorithms of a signature that has the right [`shape`], and returns its method.
pub(crate) fn algorithms<'t>(signature: Element<'t>) -> Result<&'t str, Rejection> {
    let info = signature.first(DS, "SignedInfo");
    let algorithm = |element: Option<Element<'t>>| element.and_then(|element| element.attribute("Algorithm"));
    let method = algorithm(info.and_then(|info| info.first(DS, "SignatureMethod"))).unwrap_or_default();
    let reference = info.and_then(|info| info.first(DS, "Reference"));
    let digest = algorithm(reference.and_then(|reference| reference.first(DS, "DigestMethod")));
    accepted_method(method)?;
    let digest = digest.unwrap_or_default();
    if !DIGESTS.contains(&digest) {
        return Err(Rejection::new(Check::SignatureAlgorithm, format!("digest method {digest:?}")));
    }
    Ok(method)
}

/// Refuses every signature method but RSA and ECDSA with SHA-2.
pub(crate) fn accepted_method(method: &str) -> Result<(), Rejection> {
    if RSA_SIGNATURES.contains(&method) || ECDSA_SIGNATURES.contains(&method) {
        return Ok(());
    }
    Err(Rejection::new(Check::SignatureAlgorithm, format!("signature method {method:?}")))
}

/// The certificates whose key can have made a signature by one of `methods`.
pub(crate) fn usable<'c>(
    certificates: &'c [Certificate],
    methods: &[&str],
) -> Result<Vec<&'c Certificate>, Rejection> {
    let fits = |certificate: &&Certificate| {
        let list = if certificate.key_type().is_rsa() { RSA_SIGNATURES } else { ECDSA_SIGNATURES };
        methods.is_empty() || methods.iter().any(|method| list.contains(method))
    };
    let usable: Vec<_> = certificates.iter().filter(fits).collect();
    if usable.is_empty() {
        let detail = match certificates {
            [] => "the connection has no signing certificate".to_owned(),
            _ => format!("no certificate of the connection fits {}", methods.join(" ")),
        };
        return Err(Rejection::new(Check::SigningCertificate, detail));
    }
    Ok(usable)
}
