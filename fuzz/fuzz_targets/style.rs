#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| stylewarp::app::fuzzing::style(bytes));
