//! The second core: it gives every case the same verdict as the first, and digests the same bytes.

use orgate_saml::crypto::{Agreement, Bergshamra, XmlSec};
use orgate_saml::response::validate_with;

use crate::corpus::{FOLDERS, complaint};
use crate::support::Case;

#[test]
fn both_cores_give_every_case_the_same_verdict() {
    let mut wrong = Vec::new();
    for case in FOLDERS.iter().flat_map(|folder| Case::all(folder)) {
        let keys = case.keys();
        let (check, xml) = (case.check(&keys), case.xml());

        let one = validate_with(&Bergshamra, &check, &xml);
        let other = validate_with(&XmlSec, &check, &xml);
        let both = validate_with(&Agreement(Bergshamra, XmlSec), &check, &xml);

        if one.result != other.result || one.result != both.result {
            wrong.push(format!("{}: {:?} / {:?} / {:?}", case.name, one.result, other.result, both.result));
        }
        wrong.extend(complaint(&case, &other));
    }

    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}
