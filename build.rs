//! What the linker is told beyond the code: on Windows the resources, on Linux with glibc which unwinder.
//!
//! The resources are the version information that Explorer shows, and a manifest: no elevation (`asInvoker`), paths of any
//! length, and UTF-8 as the code page.
//!
//! Rust's standard library needs libgcc's unwinder for backtraces. Linked dynamically it is `libgcc_s.so.1`, and to find,
//! map and relocate that takes a tenth of a millisecond at each start, a ninth of a whole run. `libgcc_eh.a` is the same
//! code, comes with every GCC, and is what a static build takes anyhow.

use std::path::PathBuf;
use std::{env, fs};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let target = |key: &str| env::var(format!("CARGO_CFG_TARGET_{key}")).unwrap_or_default();
    let is_static = target("FEATURE")
        .split(',')
        .any(|feature| feature == "crt-static");
    if target("OS") == "windows" {
        add_resources();
    }
    if target("OS") == "linux" && target("ENV") == "gnu" && !is_static {
        // `dylib` only passes `-lgcc_eh` on: the linker finds it where GCC keeps it.
        println!("cargo::rustc-link-lib=dylib=gcc_eh");
    }
}

/// What Windows reads before it starts the program.
const MANIFEST: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<assembly xmlns="urn:schemas-microsoft-com:asm.v1" manifestVersion="1.0">
  <trustInfo xmlns="urn:schemas-microsoft-com:asm.v3">
    <security>
      <requestedPrivileges>
        <requestedExecutionLevel level="asInvoker" uiAccess="false"/>
      </requestedPrivileges>
    </security>
  </trustInfo>
  <compatibility xmlns="urn:schemas-microsoft-com:compatibility.v1">
    <application>
      <supportedOS Id="{8e0f7a12-bfb3-4fe8-b9a5-48fd50a15a9a}"/>
    </application>
  </compatibility>
  <application xmlns="urn:schemas-microsoft-com:asm.v3">
    <windowsSettings>
      <longPathAware xmlns="http://schemas.microsoft.com/SMI/2016/WindowsSettings">true</longPathAware>
      <activeCodePage xmlns="http://schemas.microsoft.com/SMI/2019/WindowsSettings">UTF-8</activeCodePage>
    </windowsSettings>
  </application>
</assembly>
"#;

/// Compiles version information, some of it out of Cargo.toml's fields, and manifest into the program.
fn add_resources() {
    // From a file it goes in byte by byte. As text, winresource would put a space before the XML declaration, which is not
    // XML, and Windows refuses to start a program with such a manifest.
    let manifest = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default()).join("manifest.xml");
    if let Err(error) = fs::write(&manifest, MANIFEST) {
        panic!("cannot write {}: {error}", manifest.display());
    }
    let mut resources = winresource::WindowsResource::new();
    resources
        .set("ProductName", "pydyndns")
        .set("FileDescription", "Registers this computer in DNS")
        .set("OriginalFilename", "pydyndns.exe")
        .set("LegalCopyright", "MIT licence")
        .set_manifest_file(&manifest.to_string_lossy());
    if let Err(error) = resources.compile() {
        panic!("cannot compile the Windows resources: {error}");
    }
}
