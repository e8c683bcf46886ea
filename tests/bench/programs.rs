//! The programs that are compared, and what they take on the disk.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What takes part.
pub(crate) struct Programs {
    /// Where the benchmark keeps what it builds.
    pub(crate) folder: PathBuf,
    /// The program as `cargo build --release` links it here.
    pub(crate) dynamic: PathBuf,
    /// The program as it is released, or as cargo builds it for musl where that script has not what it needs.
    release: PathBuf,
    /// Another version of it to compare with, which `PYDYNDNS_BENCH_BEFORE` names.
    before: PathBuf,
    /// The least that an unchanged run can take, in C without a C library.
    pub(crate) least: PathBuf,
    /// The least that Rust can do, linked as the release.
    pub(crate) empty: PathBuf,
    /// The C program that sends ready-made packets.
    pub(crate) floor: PathBuf,
    /// What runs the commands.
    pub(crate) runner: PathBuf,
    /// The Python program.
    pub(crate) original: Option<PathBuf>,
}

impl Programs {
    /// Those that an earlier call of [`Programs::build`] left in a folder.
    pub(crate) fn built(folder: &Path) -> Self {
        let original = folder.join("../../original/bin/pydyndns");
        let file = |name| folder.join(name);
        Self {
            folder: folder.to_owned(),
            dynamic: file("pydyndns-dynamic"),
            release: file("pydyndns-release"),
            before: file("pydyndns-before"),
            least: file("least"),
            empty: file("empty"),
            floor: file("floor"),
            runner: file("runner"),
            original: original.exists().then_some(original),
        }
    }

    /// Builds and installs all of them. What can't be had is left out, but for a C compiler.
    pub(crate) fn build() -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench");
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("the target folder is ours");
        let project = Path::new(env!("CARGO_MANIFEST_DIR"));
        let compile = |compiler: &str, flags: &[&str], name: &str| {
            let mut command = Command::new(compiler);
            let source = format!("tests/bench/{name}.c");
            command.args(flags).arg("-s").arg("-o");
            succeeds(command.arg(folder.join(name)).arg(project.join(source)))
        };
        let small = ["-Os", "-static"];
        assert!(
            compile("cc", &["-O2"], "floor")
                && (compile("musl-gcc", &small, "runner") || compile("cc", &small, "runner")),
            "a C compiler is needed"
        );
        let no_library = ["-O2", "-static", "-nostdlib", "-fno-stack-protector"];
        if !compile("cc", &no_library, "least") {
            println!("left out: least, which knows x86-64 and 64-bit ARM");
        }
        let own = Path::new(env!("CARGO_BIN_EXE_pydyndns"));
        assert!(
            install(own, &folder.join("pydyndns-dynamic")),
            "cargo has built it"
        );
        let found = if succeeds(Command::new(project.join(".ci/release-static")).arg(compiler())) {
            let dist = project.join("target/dist");
            [
                dist.join("pydyndns-x86_64-linux"),
                dist.join("empty-x86_64-linux"),
            ]
        } else {
            let built = folder.join("target/x86_64-unknown-linux-musl/release");
            succeeds(
                Command::new("cargo")
                    .args(["build", "--release", "--bin=pydyndns", "--example=empty"])
                    .arg("--target=x86_64-unknown-linux-musl")
                    .arg("--target-dir")
                    .arg(folder.join("target"))
                    .current_dir(project),
            );
            [built.join("pydyndns"), built.join("examples/empty")]
        };
        for (from, name) in found.iter().zip(["pydyndns-release", "empty"]) {
            if !install(from, &folder.join(name)) {
                println!("left out: {name}, static with musl");
            }
        }
        if let Some(before) = env::var_os("PYDYNDNS_BENCH_BEFORE") {
            let is_installed = install(before.as_ref(), &folder.join("pydyndns-before"));
            assert!(is_installed, "PYDYNDNS_BENCH_BEFORE names no program");
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

    /// Ours in each way that it was built.
    pub(crate) fn ours(&self) -> Vec<(&'static str, &Path)> {
        [
            ("pydyndns", &self.release),
            ("pydyndns, dynamic", &self.dynamic),
            ("pydyndns, before", &self.before),
        ]
        .into_iter()
        .filter(|(_, program)| program.exists())
        .map(|(name, program)| (name, program.as_path()))
        .collect()
    }

    /// The program as it is released.
    pub(crate) fn best(&self) -> &Path {
        self.ours()[0].1
    }

    /// Prints what the programs take on the disk.
    pub(crate) fn print_sizes(&self) {
        println!("\n## Size\n\n| | bytes |\n|---|--:|");
        let others = [
            ("empty Rust program", &*self.empty),
            ("least", &*self.least),
        ];
        for (name, file) in self.ours().into_iter().chain(others) {
            let bytes = file.metadata().map_or(0, |file| file.len());
            println!("| {name} | {bytes} |");
        }
        let with_symbols = compiler().join("target/x86_64-unknown-linux-musl/release/pydyndns");
        if with_symbols.exists() {
            print_contents(&with_symbols);
        }
    }
}

/// Where `.ci/release-static` keeps its compiler and what it builds.
fn compiler() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("../compiler")
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

/// Copies a program as it would be installed: of what a linker wrote here and there, the kernel keeps smaller pieces and maps
/// them more slowly; what is written at one go it may map whole, and count as this process's memory.
fn install(from: &Path, to: &Path) -> bool {
    let _ = fs::remove_file(to);
    fs::copy(from, to).is_ok()
}
