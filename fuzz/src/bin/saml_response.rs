//! The fuzzer of the target `saml_response`: `cargo xtask fuzz saml_response`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let finding = orgate_fuzz::saml_response::run(input);
    assert!(finding.is_ok(), "{finding:?}");
});
