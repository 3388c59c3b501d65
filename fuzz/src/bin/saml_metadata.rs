//! The fuzzer of the target `saml_metadata`: `cargo xtask fuzz saml_metadata`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let finding = orgate_fuzz::saml_metadata::run(input);
    assert!(finding.is_ok(), "{finding:?}");
});
