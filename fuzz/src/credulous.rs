//! A signature core that believes everything, for what comes after signatures.
//!
//! A fuzzer cannot sign, so behind an honest core it sees nothing but the refusal of what it changed.

use orgate_saml::certificate::Certificate;
use orgate_saml::crypto::{NotVerified, SignatureCore};

pub(crate) struct Credulous;

impl SignatureCore for Credulous {
    fn name(&self) -> &'static str {
        "credulous"
    }

    /// The element as it is written, without its first signature.
    fn verify(&self, document: &str, target: &str, _: &[&Certificate]) -> Result<Vec<u8>, NotVerified> {
        let element = element(document, target).ok_or(NotVerified)?;
        Ok(without_signature(element).unwrap_or_else(|| element.to_owned()).into_bytes())
    }
}

fn element<'d>(document: &'d str, id: &str) -> Option<&'d str> {
    let at = document.find(&format!("ID=\"{id}\""))?;
    let start = document.get(..at)?.rfind('<')?;
    let rest = document.get(start..)?;
    let name = rest.strip_prefix('<')?.split(|c: char| c.is_whitespace() || matches!(c, '>' | '/')).next()?;
    let close = format!("</{name}>");
    rest.get(..rest.rfind(&close)? + close.len())
}

fn without_signature(element: &str) -> Option<String> {
    let (before, rest) = element.split_once("<ds:Signature ")?;
    let (_, after) = rest.split_once("</ds:Signature>")?;
    Some(format!("{before}{after}"))
}
