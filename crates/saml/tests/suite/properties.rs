//! Whatever is done to a good message, it is refused or says the same.

use orgate_saml::binding::RedirectQuery;
use orgate_saml::certificate::Certificate;
use orgate_saml::metadata::IdpMetadata;
use orgate_saml::response::{peek, validate};
use proptest::prelude::*;

use crate::support::{Identity, Keys, read};

const MESSAGES: [&str; 4] = ["assertion-signed", "response-signed", "both-signed", "encrypted-gcm256"];

fn verdict(xml: &[u8]) -> Option<Identity> {
    let keys = Keys::standard();
    validate(&keys.check(), xml).result.ok().map(|found| Identity::from(&found))
}

fn unchanged_or_refused(name: &str, changed: &[u8]) -> Result<(), TestCaseError> {
    let good = verdict(&read(&format!("valid/{name}.xml")));
    if let Some(found) = verdict(changed) {
        prop_assert_eq!(Some(found), good);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn a_changed_byte_changes_nothing_or_everything(which in 0..MESSAGES.len(), at in any::<prop::sample::Index>(), to in any::<u8>()) {
        let mut xml = read(&format!("valid/{}.xml", MESSAGES[which]));
        let at = at.index(xml.len());
        xml[at] = to;
        unchanged_or_refused(MESSAGES[which], &xml)?;
    }

    #[test]
    fn a_removed_piece_changes_nothing_or_everything(which in 0..MESSAGES.len(), at in any::<prop::sample::Index>(), length in 1..200_usize) {
        let mut xml = read(&format!("valid/{}.xml", MESSAGES[which]));
        let at = at.index(xml.len());
        xml.drain(at..(at + length).min(xml.len()));
        unchanged_or_refused(MESSAGES[which], &xml)?;
    }

    #[test]
    fn a_copied_piece_changes_nothing_or_everything(which in 0..MESSAGES.len(), from in any::<prop::sample::Index>(), length in 1..3000_usize, to in any::<prop::sample::Index>()) {
        let mut xml = read(&format!("valid/{}.xml", MESSAGES[which]));
        let from = from.index(xml.len());
        let piece = xml[from..(from + length).min(xml.len())].to_vec();
        let to = to.index(xml.len());
        xml.splice(to..to, piece);
        unchanged_or_refused(MESSAGES[which], &xml)?;
    }

    #[test]
    fn any_bytes_have_a_verdict(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert_eq!(verdict(&bytes), None);
        let _ = peek(&bytes);
        let _ = IdpMetadata::parse(&bytes, None);
        let _ = Certificate::from_der(bytes.clone());
        let text = String::from_utf8_lossy(&bytes);
        let _ = Certificate::parse(&text);
        let _ = RedirectQuery::parse(&text).map(|query| query.verify(&[]).is_ok());
    }

    #[test]
    fn any_tags_have_a_verdict(tags in prop::collection::vec("<(/?[a-z:]{1,8}( [a-z:]{1,6}='[^'<&]{0,5}'){0,3}/?|!--|!\\[CDATA\\[|\\?x)>|-->|\\]\\]>|[a-z&;#]{1,6}", 0..30)) {
        prop_assert_eq!(verdict(tags.concat().as_bytes()), None);
    }
}
