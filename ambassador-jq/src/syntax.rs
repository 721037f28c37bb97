//! From the text of a program to its syntax tree.
//!
//! The grammar is jq 1.8's. Nothing here knows what a name means: that is for the compiler.

pub(crate) mod ast;
mod lexer;
mod parser;
mod token;

pub(crate) use parser::parse;
