//! The main job, end to end, on any machine: no root, no network, nothing installed.
//!
//! A primary name server for example.com runs inside this program, on loopback. The real `pydyndns` registers an
//! address there, finds that there is nothing more to do, and sends a change. Start it with
//! `cargo run --example sandbox`.

use std::error::Error;
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::{env, fs, process};

use peers::primary::Primary;
use peers::primary::tsig::{Algorithm, Key};

/// The secret that server and client share, in base 64. A real one is made by `tsig-keygen`.
const SECRET: &str = "c2FuZGJveCBzZWNyZXQsIG5vdCBmb3IgcmVhbCB1c2U=";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sandbox: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Tells the story.
fn run() -> Result<(), Box<dyn Error>> {
    let program = program()?;
    let folder = Folder::new()?;
    let key = Key {
        name: "sandbox.key.".to_owned(),
        algorithm: Algorithm::Sha256,
        secret: b"sandbox secret, not for real use".to_vec(),
    };
    let records = [
        "host 3600 A 192.0.2.99",
        "host 3600 TXT forgotten",
        "www 3600 A 192.0.2.1",
    ];
    let primary = Primary::start("example.com.", &[key], &records, &[])?;
    let pydyndns = |more: &[&str]| run_program(&program, &folder, more);

    say(
        "A primary name server for example.com runs on loopback, for as long as this program does.",
    );
    say("The holder of a TSIG key may update its zone, which is now:");
    show(&primary);

    say("This computer is to be host.example.com. Its configuration for pydyndns:");
    // Loopback is never registered unless it is asked for; here it is all there is on every machine.
    configure(
        &folder,
        &primary,
        r#""include": ["127.0.0.1/32"], "exclude": ["0.0.0.0/0", "::/0"]"#,
        true,
    )?;

    say("What would be sent? Nothing is, yet; an administrator could give this to nsupdate.");
    pydyndns(&["--dry-run"])?;
    expect(
        &primary,
        0,
        &[
            "host.example.com. 3600 A 192.0.2.99",
            "host.example.com. 3600 TXT forgotten",
        ],
    )?;

    say("Now it registers: one signed update that deletes what the name had and adds what it has.");
    pydyndns(&["--verbose"])?;
    show(&primary);
    expect(&primary, 1, &["host.example.com. 300 A 127.0.0.1"])?;

    say("A second run finds that nothing has changed, in its cache. No packet leaves it.");
    pydyndns(&["--verbose"])?;
    expect(&primary, 1, &["host.example.com. 300 A 127.0.0.1"])?;
    println!("The server has still seen 1 update.\n");

    let (networks, expected): (_, &[&str]) = if UdpSocket::bind("[::1]:0").is_ok() {
        say(
            "The address changes: the computer now has ::1 instead. (Here, other networks are let in.)",
        );
        (
            r#""include": ["::1/128"], "exclude": ["0.0.0.0/0", "::/0"]"#,
            &["host.example.com. 300 AAAA ::1"],
        )
    } else {
        say("The address is taken away. (Here, no network is let in any more.)");
        (r#""include": [], "exclude": ["0.0.0.0/0", "::/0"]"#, &[])
    };
    configure(&folder, &primary, networks, false)?;
    pydyndns(&["--verbose"])?;
    show(&primary);
    expect(&primary, 2, expected)?;

    say("That was all. The server has seen these messages:");
    for seen in primary.seen() {
        let transport = format!("{:?}", seen.transport).to_uppercase();
        println!("    {} over {transport}: {}", seen.what, seen.rcode);
    }
    Ok(())
}

/// Prints a sentence of the story.
fn say(text: &str) {
    println!("# {text}\n");
}

/// Prints the zone.
fn show(primary: &Primary) {
    for line in primary.zone() {
        println!("    {line}");
    }
    println!();
}

/// Makes sure that what was told is what has happened: the number of updates, and the records of the host.
fn expect(primary: &Primary, updates: usize, records: &[&str]) -> Result<(), String> {
    let mut zone = primary.zone();
    zone.retain(|line| line.starts_with("host."));
    if primary.updates() != updates || zone != records {
        return Err(format!(
            "after {} updates the name has {zone:?}; that should not be so",
            primary.updates()
        ));
    }
    Ok(())
}

/// Writes the configuration file, and shows it if it is the first.
fn configure(
    folder: &Folder,
    primary: &Primary,
    networks: &str,
    print: bool,
) -> Result<(), Box<dyn Error>> {
    let cache = folder
        .0
        .join("cache")
        .display()
        .to_string()
        .replace('\\', "\\\\");
    let server = primary.address();
    let text = format!(
        r#"{{
    "hostname": "host.example.com",
    "zone": "example.com",
    "server": "{server}",
    "cache": "{cache}",
    "ipv4": true,
    "ipv6": {{"enable": true, "teredo": false}},
    "ttl": 300,
    "tsig": {{"algorithm": "hmac-sha256", "keyname": "sandbox.key", "key": "{SECRET}"}},
    "addresses": {{{networks}}}
}}
"#
    );
    let file = folder.config();
    fs::write(&file, &text)?;
    #[cfg(unix)]
    fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    if print {
        println!("    {}\n", text.trim_end().replace('\n', "\n    "));
    }
    Ok(())
}

/// Runs pydyndns, and shows the command and all that it prints.
fn run_program(program: &Path, folder: &Folder, more: &[&str]) -> Result<(), Box<dyn Error>> {
    println!("$ pydyndns -c pydyndns.conf {}", more.join(" "));
    let output = Command::new(program)
        .arg("-c")
        .arg(folder.config())
        .args(more)
        .env_remove("RUST_LOG")
        .output()?;
    for text in [output.stdout, output.stderr] {
        for line in String::from_utf8_lossy(&text).lines() {
            println!("    {line}");
        }
    }
    println!();
    if output.status.success() {
        Ok(())
    } else {
        Err(format!("pydyndns ended with {}", output.status).into())
    }
}

/// The program, beside this example's folder; cargo brings it up to date where it is at hand.
fn program() -> Result<PathBuf, Box<dyn Error>> {
    let own = env::current_exe()?;
    let folder = own
        .parent()
        .and_then(Path::parent)
        .ok_or("this example is in no folder")?;
    if let Some(cargo) = env::var_os("CARGO") {
        let mut build = Command::new(cargo);
        build
            .args(["build", "--bin", "pydyndns"])
            .current_dir(env!("CARGO_MANIFEST_DIR"));
        if folder.ends_with("release") {
            build.arg("--release");
        }
        if !build.status()?.success() {
            return Err("pydyndns could not be built".into());
        }
    }
    let program = folder
        .join("pydyndns")
        .with_extension(env::consts::EXE_EXTENSION);
    if program.is_file() {
        Ok(program)
    } else {
        Err(format!("{} is missing; run `cargo build`", program.display()).into())
    }
}

/// A temporary folder, removed when dropped.
struct Folder(PathBuf);

impl Folder {
    /// Makes a new one.
    fn new() -> std::io::Result<Self> {
        let path = env::temp_dir().join(format!("pydyndns-sandbox-{}", process::id()));
        fs::create_dir(&path)?;
        Ok(Self(path))
    }

    /// The configuration file in it.
    fn config(&self) -> PathBuf {
        self.0.join("pydyndns.conf")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // It is only a temporary folder: nothing hangs on it.
        drop(fs::remove_dir_all(&self.0));
    }
}
