//! Chooses the unwinder that comes with the program in place of the one that is a library of its own.
//!
//! Rust's standard library needs libgcc's unwinder for backtraces. Linked dynamically it is `libgcc_s.so.1`, and to find,
//! map and relocate that takes a tenth of a millisecond at each start, a ninth of a whole run. `libgcc_eh.a` is the same
//! code, comes with every GCC, and is what a static build takes anyhow.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let target = |key: &str| env::var(format!("CARGO_CFG_TARGET_{key}")).unwrap_or_default();
    let is_static = target("FEATURE")
        .split(',')
        .any(|feature| feature == "crt-static");
    if target("OS") == "linux" && target("ENV") == "gnu" && !is_static {
        // `dylib` only passes `-lgcc_eh` on: the linker finds it where GCC keeps it.
        println!("cargo::rustc-link-lib=dylib=gcc_eh");
    }
}
