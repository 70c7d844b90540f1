#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| sockerless_fuzz::run("archive_out", input));
