//! The fuzzer of the target `redirect_query`: `cargo xtask fuzz redirect_query`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let finding = orgate_fuzz::redirect_query::run(input);
    assert!(finding.is_ok(), "{finding:?}");
});
