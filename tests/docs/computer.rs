//! A computer that is set up as the pages say, and the network that its name server is in.

use std::process::Command;

use super::pages;
use crate::harness::program::PROGRAM;
use crate::harness::sandbox::Sandbox;
use crate::harness::skipped;

/// Where the name server is: on the sandbox's end of the network.
pub(super) const SERVER: &str = "192.0.2.53";

/// The other end of the network, in a network namespace of its own, with the addresses 192.0.2.10 and 2001:db8::10 on eth0.
pub(super) struct Computer<'a> {
    /// What it is made of.
    sandbox: &'a Sandbox,
}

/// What a command said.
#[derive(Debug)]
pub(super) struct Said {
    /// Its exit status.
    pub(super) status: i32,
    /// Its output and its errors, as they came.
    pub(super) text: String,
}

#[allow(
    clippy::unused_self,
    reason = "commands run on the computer of whoever has one"
)]
impl<'a> Computer<'a> {
    /// Makes it, with a folder of the project's source that is built. `None`, with a line that says so, where `/usr` cannot
    /// be written to without changing this machine: an ordinary user is root in a sandbox, but not of files that root owns.
    pub(super) fn new(sandbox: &'a Sandbox) -> Option<Self> {
        let overlay = "mkdir /run/usr /run/usr-work && mount -t overlay overlay \
                       -o lowerdir=/usr,upperdir=/run/usr,workdir=/run/usr-work /usr && test -w /usr/local/bin";
        let laid = Command::new("sh").args(["-c", overlay]).output();
        if !laid.is_ok_and(|output| output.status.success()) {
            skipped("nobody but root can install into /usr and /etc");
            return None;
        }
        sandbox.shell(&format!(
            "ip netns add computer
             ip link add lan0 type veth peer name eth0 netns computer
             ip address add {SERVER}/24 dev lan0
             ip link set lan0 up
             ip -n computer link set eth0 address 02:00:00:00:00:0a
             ip -n computer link set lo up
             ip -n computer link set eth0 up
             ip -n computer address add 192.0.2.10/24 dev eth0
             ip -n computer address add 2001:db8::10/64 dev eth0 nodad
             mkdir -p /run/source/target/release
             ln -s '{PROGRAM}' /run/source/target/release/pydyndns
             ln -s '{PROGRAM}' /run/source/pydyndns
             ln -s '{}' /run/source/examples",
            pages::path("examples").display()
        ));
        sandbox.resolvers(&[SERVER]);
        Some(Self { sandbox })
    }

    /// Installs the program as the README says.
    pub(super) fn install(&self) {
        let block = pages::after("README.md", "**From source**");
        let (build, install) = block.split_once('\n').unwrap();
        assert_eq!(build, "cargo build --release");
        let said = self.run(install);
        assert_eq!((said.status, said.text.as_str()), (0, ""));
    }

    /// Runs a command of a page as root on the computer, in the folder of the source.
    pub(super) fn run(&self, command: &str) -> Said {
        let output = Command::new("nsenter")
            .args(["--net=/run/netns/computer", "sh", "-c"])
            .arg(format!("exec 2>&1; {command}"))
            .current_dir("/run/source")
            .env_clear()
            .env(
                "PATH",
                "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            )
            .env("LC_ALL", "C.UTF-8")
            .env("SYSTEMD_OFFLINE", "1")
            .output()
            .expect("nsenter can be started");
        Said {
            status: output.status.code().expect("the command was not killed"),
            text: String::from_utf8(output.stdout).expect("the program prints UTF-8"),
        }
    }

    /// Edits the configuration: puts this value in the place of another.
    pub(super) fn edit(&self, from: &str, to: &str) {
        let file = "/etc/pydyndns.conf";
        let text = std::fs::read_to_string(file).expect("the configuration is there");
        assert!(text.contains(from), "{from:?} is not in {text}");
        self.sandbox.write(file, text.replace(from, to));
    }
}
