//! Messages made to exhaust something, too large to be kept as files; and how long and how much memory the
//! whole corpus takes.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::time::{Duration, Instant};

use orgate_saml::binding::decode_form_value;
use orgate_saml::metadata::IdpMetadata;
use orgate_saml::response::{peek, validate};

use crate::corpus::FOLDERS;
use crate::support::{Case, Keys, text};

/// No case may take longer: 50 ms, or ten times that where our own code is not optimized.
const MAX_TIME: Duration = Duration::from_millis(if cfg!(debug_assertions) { 500 } else { 50 });
/// No case may hold more memory at once.
const MAX_MEMORY: usize = 32 * 1024 * 1024;

thread_local! {
    static HELD: Cell<usize> = const { Cell::new(0) };
    static PEAK: Cell<usize> = const { Cell::new(0) };
}

/// Counts what this thread holds.
struct Counting;

#[expect(unsafe_code, reason = "an allocator that counts, in a test binary")]
// SAFETY: everything is passed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = HELD.try_with(|held| {
            held.set(held.get().saturating_add(layout.size()));
            let _ = PEAK.try_with(|peak| peak.set(peak.get().max(held.get())));
        });
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        let _ = HELD.try_with(|held| held.set(held.get().saturating_sub(layout.size())));
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Runs, and returns the time that it took and the memory that it held at most.
fn measured<T>(run: impl FnOnce() -> T) -> (T, Duration, usize) {
    let before = HELD.get();
    PEAK.set(before);
    let start = Instant::now();
    let value = run();
    (value, start.elapsed(), PEAK.get() - before)
}

fn assert_bounded(name: &str, time: Duration, memory: usize) {
    assert!(time < MAX_TIME, "{name} took {time:?}");
    assert!(memory < MAX_MEMORY, "{name} held {memory} bytes");
}

#[test]
fn every_case_is_quick_and_small() {
    let (mut slowest, mut largest) = (Duration::ZERO, 0);
    for case in FOLDERS.iter().flat_map(|folder| Case::all(folder)) {
        let (keys, xml) = (case.keys(), case.xml());
        let check = case.check(&keys);

        let (_, time, memory) = measured(|| validate(&check, &xml));

        assert_bounded(&case.name, time, memory);
        (slowest, largest) = (slowest.max(time), largest.max(memory));
    }
    println!("slowest {slowest:?}, largest {largest} bytes");
}

fn numbered(n: usize, piece: impl Fn(usize) -> String) -> String {
    (0..n).map(piece).collect::<Vec<_>>().concat()
}

/// A good message with something put into its response.
fn with(extension: &str) -> String {
    let good = text("valid/assertion-signed.xml");
    good.replace("<samlp:Status>", &format!("<samlp:Extensions>{extension}</samlp:Extensions><samlp:Status>"))
}

fn with_signature(change: impl Fn(&str) -> String) -> String {
    let good = text("valid/assertion-signed.xml");
    let start = good.find("<ds:Reference ").expect("a reference");
    let end = good.find("</ds:SignedInfo>").expect("the end of SignedInfo");
    format!("{}{}{}", &good[..start], change(&good[start..end]), &good[end..])
}

#[test]
fn messages_made_to_exhaust_us_are_refused_quickly() {
    let attributes = |n: usize| numbered(n, |i| format!("a{i}='' "));
    let namespaces = |n: usize| numbered(n, |i| format!("xmlns:n{i}='urn:{i}' "));
    let nested =
        |depth: usize, tag: &str| format!("{}{}", format!("<{tag}>").repeat(depth), "</x>".repeat(depth));
    let cases = [
        ("nested 60,000", with(&nested(60_000, "x")), "complexity"),
        ("nested 49, no end", with(&"<x>".repeat(49)), "complexity"),
        ("50,000 attributes", with(&format!("<x {}/>", attributes(50_000))), "complexity"),
        ("65 attributes", with(&format!("<x {}/>", attributes(65))), "complexity"),
        ("65 namespaces", with(&format!("<x {}/>", namespaces(65))), "complexity"),
        ("100,000 elements", with(&"<x/>".repeat(100_000)), "complexity"),
        ("a long name", with(&format!("<x{}/>", "x".repeat(400_000))), ""),
        ("a long attribute", with(&format!("<x a='{}'/>", "x".repeat(400_000))), ""),
        ("a long text", with(&"x".repeat(400_000)), ""),
        ("400,000 references", with(&"&lt;".repeat(100_000)), ""),
        ("a long comment", with(&format!("<!--{}-->", "x".repeat(400_000))), ""),
        ("50,000 comments", with(&"<!---->".repeat(50_000)), "complexity"),
        ("16,000 comments", with(&"<!---->".repeat(16_000)), ""),
        ("20,000 CDATA", with(&"<![CDATA[x]]>".repeat(20_000)), "complexity"),
        ("5,000 references", with_signature(|reference| reference.repeat(5_000)), "size"),
        ("800 references", with_signature(|reference| reference.repeat(800)), "signature_shape"),
        ("10,000 ids", with(&numbered(10_000, |i| format!("<x ID='i{i}'/>"))), ""),
        ("too large", with(&"x".repeat(600_000)), "size"),
        (
            "48 deep, 62 namespaces each",
            with(&format!("{}{}", format!("<x {}>", namespaces(62)).repeat(40), "</x>".repeat(40))),
            "",
        ),
    ];
    let keys = Keys::standard();
    for (name, xml, expected) in cases {
        let (validation, time, memory) = measured(|| validate(&keys.check(), xml.as_bytes()));

        println!("{name}: {time:?}, {memory} bytes");
        assert_bounded(name, time, memory);
        let found = validation.result.map_err(|rejection| rejection.check.name());
        if expected.is_empty() {
            // Outside of what is signed, and harmless.
            assert!(found.is_ok(), "{name}: {found:?}");
        } else {
            assert_eq!(found.err(), Some(expected), "{name}");
        }
    }
}

#[test]
fn large_attributes_inside_what_is_signed_do_not_slow_us_down() {
    // The signature is wrong: it is the way to the verdict that is measured.
    let good = text("valid/assertion-signed.xml");
    let many = "<saml:AttributeValue>x</saml:AttributeValue>".repeat(8_000);
    let namespaces = numbered(30, |i| format!(" xmlns:n{i}='urn:{i}' n{i}:a=''"));
    let deep = format!("{}{}", format!("<n0:x{namespaces}>").repeat(30), "</n0:x>".repeat(30));
    let wide = format!("<y{namespaces}>{}</y>", format!("<n0:z{namespaces}/>").repeat(400));
    let keys = Keys::standard();
    for (name, inside) in [("many", many), ("deep", deep.repeat(10)), ("wide", wide)] {
        let xml = good.replacen("</saml:Attribute>", &format!("{inside}</saml:Attribute>"), 1);
        assert!(xml.len() < orgate_saml::MAX_BYTES, "{name} is {}", xml.len());

        let (validation, time, memory) = measured(|| validate(&keys.check(), xml.as_bytes()));

        assert_bounded(name, time, memory);
        assert_eq!(validation.result.expect_err("tampered").check.name(), "signature_valid", "{name}");
    }
}

#[test]
fn hints_and_metadata_are_bounded_too() {
    let deep = format!("{}{}", "<a>".repeat(100_000), "</a>".repeat(100_000));

    let (hints, time, memory) = measured(|| peek(deep.as_bytes()));
    assert_bounded("hints", time, memory);
    assert_eq!(hints, None);

    let (metadata, time, memory) = measured(|| IdpMetadata::parse(deep.as_bytes(), None));
    assert_bounded("metadata", time, memory);
    assert!(metadata.is_err());
}

#[test]
fn a_form_value_is_decoded_within_bounds() {
    let lines = "PGE\r\n v\tPg==\n";

    assert_eq!(decode_form_value(lines).as_deref(), Ok(b"<a/>".as_slice()));
    assert_eq!(decode_form_value("?").expect_err("no base64").check.name(), "decoded");
    for length in [800_000, 2_000_000] {
        let (decoded, time, memory) = measured(|| decode_form_value(&"A".repeat(length)));
        assert_bounded("form value", time, memory);
        assert_eq!(decoded.expect_err("too large").check.name(), "size");
    }
}
