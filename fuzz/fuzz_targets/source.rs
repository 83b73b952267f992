//! Any text as a program: no panic, no hang, and nothing of it left behind.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| wordmill::forth::fuzzing::source(text));
