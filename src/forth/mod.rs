//! The embedded Forth 2012 engine: lexer, dictionary, compiler, bytecode, execution. No host access whatever; relies on
//! `model` only.

pub mod words;
