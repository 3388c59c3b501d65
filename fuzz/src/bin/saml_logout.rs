//! The fuzzer of the target `saml_logout`: `cargo xtask fuzz saml_logout`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let finding = orgate_fuzz::saml_logout::run(input);
    assert!(finding.is_ok(), "{finding:?}");
});
