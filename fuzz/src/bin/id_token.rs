//! The fuzzer of the target `id_token`: `cargo xtask fuzz id_token`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let finding = orgate_fuzz::id_token::run(input);
    assert!(finding.is_ok(), "{finding:?}");
});
