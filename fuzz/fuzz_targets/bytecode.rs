//! Any instructions that are well formed: the run loop without checks comes to the same as the one with them.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| wordmill::forth::fuzzing::bytecode(data));
