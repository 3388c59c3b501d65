//! Hostile SAML, posted: whatever it is, nobody is signed in, the page is small, and the server goes on.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use orgate_tests::app::{Browser, Page};
use orgate_tests::saml_provider::new_id;

use super::saml_world::{JIT, Place, SamlWorld};

/// Responses that attack whoever reads them; those of the core's own tests.
const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/saml/tests/corpus/hostile");

/// The longest page that a refusal may be.
const MAX_PAGE: usize = 16 * 1024;

/// What a message of the corpus says, and what it has to say here to be looked at: the request that it answers, and
/// who says it to whom, where and when.
fn translations(world: &SamlWorld, place: &Place, request: &str) -> [(&'static str, String); 5] {
    let now = world.app.env.clock.now().format("%Y-%m-%dT%H:%M:%SZ").to_string();
    [
        ("_req-0123456789abcdef0123456789abcdef", request.to_owned()),
        ("https://sso.example.test/saml/acs/1", place.at("acs")),
        ("https://sso.example.test/saml/sp", place.at("metadata")),
        ("https://idp.example.test/saml", world.idp.entity_id()),
        ("2026-03-01T11:59:30Z", now),
    ]
}

fn translate(mut bytes: Vec<u8>, translations: &[(&str, String)]) -> Vec<u8> {
    for (from, to) in translations {
        let mut found = Vec::with_capacity(bytes.len());
        let mut rest = bytes.as_slice();
        while let Some(at) = rest.windows(from.len()).position(|window| window == from.as_bytes()) {
            found.extend_from_slice(&rest[..at]);
            found.extend_from_slice(to.as_bytes());
            rest = &rest[at + from.len()..];
        }
        found.extend_from_slice(rest);
        bytes = found;
    }
    bytes
}

/// What is wrong with how a post was answered, if anything.
fn wrong_with(page: &Page) -> Option<String> {
    let goes_on = page.status == 303 && page.leads_to().ends_with("/finish");
    let refused = page.location().is_some_and(|to| to.as_str().contains("&refused=trc_"));
    let told = matches!(page.status.as_u16(), 400 | 403) && page.location().is_none();
    let is_right = (goes_on && refused || told) && page.cookies().is_empty() && page.body.len() <= MAX_PAGE;
    (!is_right).then(|| format!("{} to {:?}, {} bytes", page.status, page.location(), page.body.len()))
}

async fn checks_that_failed(world: &SamlWorld) -> BTreeSet<String> {
    let checks =
        sqlx::query_scalar("select distinct failed_check from sign_in_traces where failed_check is not null");
    let checks: Vec<String> = checks.fetch_all(world.app.database.superuser()).await.expect("the traces");
    checks.into_iter().collect()
}

/// Signs in with what is good; whether that goes through.
async fn still_works(world: &SamlWorld, browser: &Browser, (place, request): (&Place, &str)) -> bool {
    let answer = world.answer(place, Some(request), "ada");
    let page = browser.follow(world.post(browser, place, world.idp.respond(&answer)).await).await;
    page.location().is_some_and(|to| to.as_str().contains("code=ogac_"))
}

#[tokio::test]
async fn no_message_of_the_corpus_signs_anybody_in() {
    // What cannot even be read answers no request: it gets further where answers that nobody asked for are taken.
    let unsolicited = "              allow_unsolicited: true\n              unsolicited_client: notes\n";
    let world = SamlWorld::with(unsolicited, JIT).await;
    let (place, browser) = (world.place("directory").await, world.app.browser());
    let request = world.depart(&browser, "acme", &place).await;
    let files = fs::read_dir(Path::new(CORPUS)).expect("the corpus");
    let mut files: Vec<_> = files.map(|file| file.expect("a file").path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "xml"));
    files.sort();

    let translations = translations(&world, &place, &request);
    let mut wrong = Vec::new();
    for path in &files {
        let message = translate(fs::read(path).expect("a message"), &translations);
        let page = world.post(&world.app.browser(), &place, &message).await;
        if let Some(why) = wrong_with(&page) {
            wrong.push(format!("{}: {why}", path.display()));
        }
    }

    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(files.len() > 500, "{} files", files.len());
    assert!(world.sessions().await.is_empty());
    let checks = checks_that_failed(&world).await;
    for check in
        ["unique_ids", "one_assertion", "signature_shape", "signature_valid", "doctype", "well_formed"]
    {
        assert!(checks.contains(check), "they do not get as far as {check}: {checks:?}");
    }
    assert!(still_works(&world, &browser, (&place, &request)).await);
}

/// What the provider said, taken apart.
struct Parts {
    /// The response's start, up to the assertion.
    before: String,
    /// The assertion, as it was signed.
    signed: String,
    /// The same without its signature, about somebody else, under an id of its own.
    evil: String,
    /// The assertion's signature.
    signature: String,
    /// The assertion's id.
    id: String,
}

impl Parts {
    fn of(xml: &str) -> Self {
        let at = xml.find("<saml:Assertion").expect("an assertion");
        let end = xml.find("</samlp:Response>").expect("an end");
        let (before, signed) = (xml[..at].to_owned(), xml[at..end].to_owned());
        let from = signed.find("<ds:Signature").expect("a signature");
        let to = signed.find("</ds:Signature>").expect("a signature") + "</ds:Signature>".len();
        let signature = signed[from..to].to_owned();
        let id =
            signed.split(" ID=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("an id").to_owned();
        let evil = signed.replace(&signature, "").replace("mallory", "ada").replacen(&id, &new_id(), 1);
        Self { before, signed, evil, signature, id }
    }

    /// The forged assertion with this before its `Subject`, where a signature would be.
    fn evil_with(&self, inside: &str) -> String {
        self.evil.replacen("<saml:Subject>", &format!("{inside}<saml:Subject>"), 1)
    }

    fn response(&self, content: &str) -> String {
        format!("{}{content}</samlp:Response>", self.before)
    }
}

/// A genuine signature, and something else for whoever does not look at what it covers (XSW 1 to 8, and others).
fn wrappings(parts: &Parts) -> Vec<(&'static str, String)> {
    let Parts { before, signed, evil, signature, id } = parts;
    let bare = signed.replace(signature.as_str(), "");
    let in_signature = |what: &str| {
        signature.replace("</ds:Signature>", &format!("<ds:Object>{what}</ds:Object></ds:Signature>"))
    };
    let same_id = |evil: &str| {
        let own =
            evil.split(" ID=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("an id").to_owned();
        evil.replacen(&own, id, 1)
    };
    let extensions = |what: &str| {
        let issuer = "</saml:Issuer>";
        let with = format!("{issuer}<samlp:Extensions>{what}</samlp:Extensions>");
        format!("{}{evil}</samlp:Response>", before.replacen(issuer, &with, 1))
    };
    vec![
        ("the forged one before", parts.response(&format!("{evil}{signed}"))),
        ("the forged one after", parts.response(&format!("{signed}{evil}"))),
        ("the forged one before, same id", parts.response(&format!("{}{signed}", same_id(evil)))),
        ("around the signed one", parts.response(&parts.evil_with(signed))),
        (
            "around the bare one, with its signature",
            parts.response(&parts.evil_with(&format!("{signature}{bare}"))),
        ),
        ("the signed one in the signature", parts.response(&parts.evil_with(&in_signature(&bare)))),
        (
            "the signature moved, the bare one after",
            parts.response(&format!("{}{bare}", parts.evil_with(signature))),
        ),
        ("the signed one in Extensions", extensions(signed)),
        ("the bare one in Extensions", extensions(&bare)),
        (
            "the signed one in Advice",
            parts.response(&parts.evil_with(&format!("<saml:Advice>{signed}</saml:Advice>"))),
        ),
        ("the signature of another, same id", parts.response(&same_id(&parts.evil_with(signature)))),
        ("the signature of the assertion on the response", {
            let issuer = "</saml:Issuer>";
            format!("{}{evil}</samlp:Response>", before.replacen(issuer, &format!("{issuer}{signature}"), 1))
        }),
        ("the signed one inside a value", {
            let value = "</saml:AttributeValue>";
            parts.response(&evil.replacen(value, &format!("{signed}{value}"), 1))
        }),
        ("no signature at all", parts.response(evil)),
        (
            "a comment in the name",
            parts.response(&signed.replacen(">mallory<", "><!-- -->mallory<", 1)).replace("mallory", "ada"),
        ),
    ]
}

#[tokio::test]
async fn a_genuine_signature_carries_nobody_elses_assertion() {
    let world = SamlWorld::start().await;
    let (place, browser) = (world.place("directory").await, world.app.browser());
    let request = world.depart(&browser, "acme", &place).await;
    let genuine = world.idp.respond(&world.answer(&place, Some(&request), "mallory"));
    let parts = Parts::of(&genuine);

    for (what, xml) in wrappings(&parts) {
        let page = world.post(&browser, &place, &xml).await;
        assert_eq!(wrong_with(&page), None, "{what}");
        assert!(world.sessions().await.is_empty(), "{what}");
    }
    let genuine = browser.follow(world.post(&browser, &place, &genuine).await).await;
    let tokens = world.app.redeem(&genuine.answer("code")).await;

    assert_eq!(tokens.claims("id_token")["email"], "mallory@acme.test");
}

#[tokio::test]
async fn a_form_that_is_no_response_is_refused() {
    let world = SamlWorld::start().await;
    let (place, browser) = (world.place("directory").await, world.app.browser());
    let request = world.depart(&browser, "acme", &place).await;
    let good = {
        use base64::Engine as _;
        let xml = world.idp.respond(&world.answer(&place, Some(&request), "ada"));
        base64::prelude::BASE64_STANDARD.encode(xml)
    };
    let huge = "QUFB".repeat(100_000);

    for (what, fields) in [
        ("nothing", vec![]),
        ("twice", vec![("SAMLResponse", good.as_str()), ("SAMLResponse", good.as_str())]),
        ("another field", vec![("SAMLRequest", good.as_str())]),
        ("no base64", vec![("SAMLResponse", "%%%")]),
        ("empty", vec![("SAMLResponse", "")]),
        ("huge", vec![("SAMLResponse", huge.as_str())]),
    ] {
        let page = browser.post(place.at("acs"), &fields).await;
        let status = page.status.as_u16();
        assert!(matches!(status, 400 | 403 | 413) && page.location().is_none(), "{what}: {status}");
        assert!(page.cookies().is_empty() && page.body.len() <= MAX_PAGE, "{what}");
    }
    let got = browser.get(format!("{}?SAMLResponse=x", place.at("acs"))).await;

    assert_eq!(got.status, 405);
    assert!(still_works(&world, &browser, (&place, &request)).await);
}
