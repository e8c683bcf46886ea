//! The least that a Rust program can be: what the others are measured against.

fn main() {}
