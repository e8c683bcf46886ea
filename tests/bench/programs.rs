//! The programs that are compared, and what they take on the disk.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
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
            dynamic: folder.join("pydyndns-dynamic"),
            fixed: folder.join("pydyndns-static"),
            empty: ["empty-dynamic", "empty-static"].map(|name| folder.join(name)),
            floor: folder.join("floor"),
            runner: folder.join("runner"),
            original: original.exists().then_some(original),
        }
    }

    /// Builds and installs all of them. What can't be had is left out, but for a C compiler and rustc.
    pub(crate) fn build() -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench");
        fs::create_dir_all(&folder).expect("the target folder is ours");
        let project = Path::new(env!("CARGO_MANIFEST_DIR"));
        let sources = project.join("tests/bench");
        let compile = |compiler: &str, flags: &[&str], source: &str, name: &str| {
            let linked = folder.join("linked");
            let mut command = Command::new(compiler);
            command
                .args(flags)
                .arg("-o")
                .arg(&linked)
                .arg(sources.join(source));
            succeeds(&mut command) && install(&linked, &folder.join(name))
        };
        assert!(
            compile("cc", &["-O2"], "floor.c", "floor")
                && compile("cc", &["-O2", "-static"], "runner.c", "runner"),
            "a C compiler is needed"
        );
        let is_static = ["-C", "target-feature=+crt-static"];
        assert!(
            compile("rustc", &AS_THE_PROGRAM, "empty.rs", "empty-dynamic")
                && install(
                    Path::new(env!("CARGO_BIN_EXE_pydyndns")),
                    &folder.join("pydyndns-dynamic")
                ),
            "rustc is needed"
        );
        let release = project.join("target/dist/pydyndns-x86_64-linux");
        if !compile(
            "rustc",
            &[&AS_THE_PROGRAM[..], &is_static].concat(),
            "empty.rs",
            "empty-static",
        ) || !succeeds(Command::new("bash").arg(project.join(".ci/release-static")))
            || !install(&release, &folder.join("pydyndns-static"))
        {
            println!("left out: the static build, which is for x86-64 Linux");
        }
        let python = folder.join("../../original");
        let packages = ["pydyndns==1.2.1", "dnspython<3", "ifaddr"];
        if !python.join("bin/pydyndns").exists()
            && (!succeeds(Command::new("python3").args(["-m", "venv"]).arg(&python))
                || !succeeds(
                    Command::new(python.join("bin/pip"))
                        .args(["install", "--quiet"])
                        .args(packages),
                ))
        {
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
        if self.fixed.exists() {
            let project = Path::new(env!("CARGO_MANIFEST_DIR"));
            print_contents(&project.join("target/x86_64-unknown-linux-gnu/release/pydyndns"));
        }
    }
}

/// Prints what takes the room in a program that still has its symbols: code by crate, a generic function counted for the first crate in its name that is not of the standard library.
fn print_contents(program: &Path) {
    let Ok(listing) = Command::new("nm")
        .args(["--defined-only", "--print-size", "--demangle=rust"])
        .arg(program)
        .output()
    else {
        println!("\nleft out: what takes the room, since there is no nm");
        return;
    };
    let lock = include_str!("../../Cargo.lock");
    let crates: BTreeSet<String> = lock
        .lines()
        .filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'))
        // What the standard library takes for its backtraces.
        .chain(["addr2line", "gimli", "miniz_oxide", "rustc_demangle"])
        .map(|name| name.replace('-', "_"))
        .collect();
    let mut sizes = BTreeMap::<&str, u64>::new();
    let mut counted = BTreeSet::new();
    for line in String::from_utf8_lossy(&listing.stdout).lines() {
        let mut words = line.splitn(4, ' ');
        let (Some(address), Some(size), Some("t" | "T" | "w" | "W"), Some(name)) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            continue;
        };
        let mut roots = name
            .split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != ':')
            .filter_map(|path| path.split("::").next());
        let owner = if name.contains("::") {
            roots
                .find_map(|root| crates.get(root))
                .map_or("the standard library", String::as_str)
        } else {
            "the C library"
        };
        // A function may have several names.
        if counted.insert(address.to_owned()) {
            *sizes.entry(owner).or_default() += u64::from_str_radix(size, 16).unwrap_or(0);
        }
    }
    let mut sizes: Vec<_> = sizes.into_iter().collect();
    sizes.sort_by_key(|(_, size)| std::cmp::Reverse(*size));
    println!("\n| code in the static program by crate | KiB |\n|---|--:|");
    for (owner, size) in &sizes[..sizes.len().min(25)] {
        println!("| {owner} | {} |", size.div_ceil(1024));
    }
}

/// Whether a command ends well.
fn succeeds(command: &mut Command) -> bool {
    command.status().is_ok_and(|status| status.success())
}

/// Copies a program, as it would be installed: what was written at one go the kernel keeps in larger pieces than what a
/// linker wrote here and there, and maps faster.
fn install(from: &Path, to: &Path) -> bool {
    let _ = fs::remove_file(to);
    let written = fs::read(from).and_then(|program| fs::write(to, program));
    let mode = from.metadata().map(|from| from.permissions());
    written.is_ok() && mode.is_ok_and(|mode| fs::set_permissions(to, mode).is_ok())
}
