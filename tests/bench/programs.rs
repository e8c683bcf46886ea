//! The programs that are compared, and what they take on the disk.

use std::path::{Path, PathBuf};
use std::process::Command;

/// How the program is built for release, as its profile in Cargo.toml says.
const AS_THE_PROGRAM: [&str; 10] = [
    "-C",
    "opt-level=z",
    "-C",
    "lto=fat",
    "-C",
    "codegen-units=1",
    "-C",
    "panic=abort",
    "-C",
    "strip=symbols",
];

/// What takes part.
pub(crate) struct Programs {
    /// Where the benchmark keeps what it builds.
    pub(crate) folder: PathBuf,
    /// The program as `cargo build --release` links it.
    pub(crate) dynamic: PathBuf,
    /// The program as `.ci/release-static` links it.
    fixed: PathBuf,
    /// The least that Rust can do, linked either way.
    empty: [PathBuf; 2],
    /// The C program that sends ready-made packets.
    pub(crate) floor: PathBuf,
    /// What runs the commands.
    pub(crate) runner: PathBuf,
    /// The Python program.
    pub(crate) original: Option<PathBuf>,
}

/// The program and the empty one, linked alike.
pub(crate) struct Linked<'a> {
    /// How.
    pub(crate) name: &'static str,
    /// Ours.
    pub(crate) ours: &'a Path,
    /// The empty one.
    pub(crate) empty: &'a Path,
}

impl Programs {
    /// Those that an earlier call of [`Programs::build`] left in a folder.
    pub(crate) fn built(folder: &Path) -> Self {
        let original = folder.join("../../original/bin/pydyndns");
        Self {
            folder: folder.to_owned(),
            dynamic: env!("CARGO_BIN_EXE_pydyndns").into(),
            fixed: Path::new(env!("CARGO_MANIFEST_DIR")).join("target/dist/pydyndns-x86_64-linux"),
            empty: ["empty-dynamic", "empty-static"].map(|name| folder.join(name)),
            floor: folder.join("floor"),
            runner: folder.join("runner"),
            original: original.exists().then_some(original),
        }
    }

    /// Builds what is not there yet.
    pub(crate) fn build() -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench");
        std::fs::create_dir_all(&folder).expect("the target folder is ours");
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bench");
        let done = |command: &mut Command| command.status().is_ok_and(|status| status.success());
        for (name, static_too) in [("floor", false), ("runner", true)] {
            let mut cc = Command::new("cc");
            cc.arg("-O2").args(static_too.then_some("-static"));
            cc.arg("-o")
                .arg(folder.join(name))
                .arg(sources.join(format!("{name}.c")));
            assert!(done(&mut cc), "a C compiler is needed");
        }
        let empty = |name: &str, flags: &[&str]| {
            let mut rustc = Command::new("rustc");
            rustc
                .args(["--edition", "2024"])
                .args(AS_THE_PROGRAM)
                .args(flags);
            rustc
                .arg("-o")
                .arg(folder.join(name))
                .arg(sources.join("empty.rs"));
            done(&mut rustc)
        };
        assert!(empty("empty-dynamic", &[]), "rustc is needed");
        if !empty("empty-static", &["-C", "target-feature=+crt-static"])
            || !done(Command::new("bash").arg(sources.join("../../.ci/release-static")))
        {
            println!("left out: the static build, which is for x86-64 Linux");
        }
        let python = folder.join("../../original");
        let pip = python.join("bin/pip");
        let is_installed = python.join("bin/pydyndns").exists()
            || done(Command::new("python3").args(["-m", "venv"]).arg(&python))
                && done(Command::new(pip).args([
                    "install",
                    "--quiet",
                    "pydyndns==1.2.1",
                    "dnspython<3",
                    "ifaddr",
                ]));
        if !is_installed {
            println!("left out: the Python program, which can't be installed here");
        }
        Self::built(&folder)
    }

    /// Each way to link, with the programs that were linked so.
    pub(crate) fn linkages(&self) -> Vec<Linked<'_>> {
        let [empty_dynamic, empty_static] = &self.empty;
        [
            ("dynamic", &self.dynamic, empty_dynamic),
            ("static", &self.fixed, empty_static),
        ]
        .into_iter()
        .filter(|(_, ours, empty)| ours.exists() && empty.exists())
        .map(|(name, ours, empty)| Linked { name, ours, empty })
        .collect()
    }

    /// The program as it is released.
    pub(crate) fn best(&self) -> &Path {
        if self.fixed.exists() {
            &self.fixed
        } else {
            &self.dynamic
        }
    }

    /// Prints what the programs take on the disk.
    pub(crate) fn print_sizes(&self) {
        println!("\n## Size\n\n| | bytes |\n|---|--:|");
        for linked in self.linkages() {
            for (what, file) in [
                ("pydyndns", linked.ours),
                ("empty Rust program", linked.empty),
            ] {
                let bytes = file.metadata().map_or(0, |file| file.len());
                println!("| {what}, {} | {bytes} |", linked.name);
            }
        }
    }
}
