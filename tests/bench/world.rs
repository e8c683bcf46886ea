//! Where the commands run: namespaces of their own with interfaces, a name and a resolver, and BIND on loopback.

use hickory_proto::op::{Message, Query};
use hickory_proto::rr::{Name, RData, RecordType};
use serde_json::{Map, Value, json};
use std::fmt::Write as _;
use std::fs;
use std::io::Read;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

/// The argument by which the benchmark knows that it is inside.
pub(crate) const INSIDE: &str = "--inside";

/// Where the name server listens.
const SERVER: &str = "127.0.0.1:53";

/// The key's secret.
const SECRET: &str = "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2U=";

/// A zone with its primary, in which the benchmark's key may do anything. A name may have any number of addresses.
const NAMED_CONF: &str = r#"
options { directory "/run/bind"; pid-file none; lock-file none; session-keyfile "/run/bind/session.key";
    listen-on { 127.0.0.1; }; listen-on-v6 { none; }; recursion no; dnssec-validation no; };
controls { };
logging { category default { null; }; };
key "bench" { algorithm hmac-sha256; secret "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2U="; };
zone "example.com" { type primary; file "/run/bind/zone"; allow-update { key "bench"; }; max-records-per-type 0; };
"#;

/// What the zone has at the start.
pub(crate) const ZONE: &str =
    "@ 60 SOA ns hostmaster 1 3600 600 86400 60\n@ 60 NS ns\nns 60 A 127.0.0.1\n";

/// Makes the namespaces' own name, interfaces and files. `/run` is in memory, as it is on most machines.
const SETUP: &str = r"
mount -t tmpfs tmpfs /run && mkdir /run/bind
hostname host.example.com
echo 'nameserver 127.0.0.1' > /run/resolv.conf && mount --bind /run/resolv.conf /etc/resolv.conf
echo 'hosts: files dns' > /run/nsswitch.conf && mount --bind /run/nsswitch.conf /etc/nsswitch.conf
echo > /run/hosts && mount --bind /run/hosts /etc/hosts
ip link set lo up
ip link add bench0 type veth peer name bench1
ip link set bench1 addrgenmode none
for interface in bench0 bench1; do
    echo 0 > /proc/sys/net/ipv6/conf/$interface/router_solicitations
    ip link set $interface up
done
ip address add 192.0.2.10/24 dev bench0 && ip address add 2001:db8::10/64 dev bench0 nodad
";

/// Starts the benchmark again in namespaces of its own, which end with it.
pub(crate) fn enter(programs: &Path) -> ExitCode {
    let own = std::env::current_exe().expect("the system knows this program");
    let inside = Command::new("unshare")
        .args([
            "--map-root-user",
            "--net",
            "--mount",
            "--uts",
            "--pid",
            "--fork",
            "--kill-child",
            "--mount-proc",
        ])
        .arg(own)
        .arg(INSIDE)
        .arg(programs)
        // cargo sets it, and the loader would look into each of its folders.
        .env_remove("LD_LIBRARY_PATH")
        .envs(crate::kerberos::ENVIRONMENT)
        .status();
    match inside {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        _ => {
            eprintln!("The benchmark needs unshare, ip and named, and leave to make namespaces.");
            ExitCode::FAILURE
        }
    }
}

/// The namespaces, once they are entered.
pub(crate) struct World {
    /// The name server, which ends with the namespaces at the latest.
    named: Child,
}

/// What the primary has seen.
pub(crate) struct Seen {
    /// Queries over UDP.
    pub(crate) queries: u64,
    /// TCP connections.
    pub(crate) connections: u64,
    /// Changes of the zone: BIND counts each in the SOA's serial.
    pub(crate) updates: u64,
    /// Octets of all packets, questions and answers.
    pub(crate) bytes: u64,
    /// What it took of the processors, in milliseconds.
    pub(crate) processor: u64,
}

impl Seen {
    /// What came since then.
    pub(crate) fn since(&self, before: &Self) -> Self {
        Self {
            // Of which one query was for the serial.
            queries: self.queries - before.queries - 1,
            connections: self.connections - before.connections,
            updates: self.updates - before.updates,
            bytes: self.bytes - before.bytes,
            processor: self.processor - before.processor,
        }
    }
}

/// The zone's serial.
fn serial() -> u64 {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("loopback is there");
    let octets = query("example.com.", RecordType::SOA);
    let mut answer = [0; 4096];
    let length = socket
        .send_to(&octets, SERVER)
        .and_then(|_| socket.recv(&mut answer))
        .expect("the name server answers");
    let message = Message::from_vec(&answer[..length]).expect("a message");
    match message.answers.first().map(|record| &record.data) {
        Some(RData::SOA(soa)) => soa.serial.into(),
        other => panic!("no SOA: {other:?}"),
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = self.named.kill();
        let _ = self.named.wait();
    }
}

impl World {
    /// What the primary has seen and taken until now.
    pub(crate) fn seen(&self) -> Seen {
        // Of each protocol a line with the names and one with the numbers, in /proc/net/snmp and netstat alike.
        let table = ["snmp", "netstat"]
            .map(|file| fs::read_to_string(format!("/proc/net/{file}")).expect("proc is mounted"))
            .concat();
        let count = |protocol: &str, name: &str| -> u64 {
            let mut lines = table.lines().filter_map(|line| line.strip_prefix(protocol));
            let (names, numbers) = (lines.next().unwrap_or(""), lines.next().unwrap_or(""));
            let mut pairs = names.split(' ').zip(numbers.split(' '));
            let found = pairs.find(|(found, _)| *found == name);
            found
                .and_then(|(_, number)| number.parse().ok())
                .unwrap_or(0)
        };
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.named.id()))
            .expect("the name server runs");
        // User and system time in hundredths of a second, the 14th and 15th field.
        let processor: u64 = stat
            .split(' ')
            .skip(13)
            .take(2)
            .filter_map(|ticks| ticks.parse::<u64>().ok())
            .sum();
        Seen {
            // Queries and answers arrive in the same namespace.
            queries: count("Udp: ", "InDatagrams") / 2,
            connections: count("Tcp: ", "PassiveOpens"),
            updates: serial(),
            bytes: count("IpExt: ", "InOctets"),
            processor: processor * 10,
        }
    }

    /// Sets everything up and waits for the name server.
    pub(crate) fn new() -> Self {
        shell(SETUP);
        fs::write("/run/bind/named.conf", NAMED_CONF).expect("the file system is ours");
        fs::write("/run/bind/zone", ZONE).expect("the file system is ours");
        let named = Command::new("named")
            .args(["-f", "-c", "/run/bind/named.conf"])
            .spawn()
            .expect("BIND is installed");
        while TcpStream::connect(SERVER).is_err() {
            std::thread::sleep(Duration::from_millis(20));
        }
        // Until then the kernel sends packets of its own about new interfaces.
        std::thread::sleep(Duration::from_secs(3));
        Self { named }
    }
}

/// Writes a configuration with a cache of its own and further keys, and gives its path.
pub(crate) fn config(name: &str, more: &[(String, Value)]) -> String {
    let mut config = json!({
        "cache": format!("/run/{name}.cache"),
        "ipv4": true,
        "ipv6": { "enable": true, "teredo": false },
        "ttl": 60,
        "tsig": { "algorithm": "hmac-sha256", "keyname": "bench", "key": SECRET },
    });
    for (key, value) in more {
        config[key] = value.clone();
    }
    let path = format!("/run/{name}.conf");
    fs::write(&path, config.to_string()).expect("the file system is ours");
    shell(&format!("chmod 600 {path}"));
    path
}

/// Runs a program, which must succeed.
pub(crate) fn run(program: &Path, arguments: &[&str]) {
    let run = Command::new(program)
        .args(arguments)
        .output()
        .expect("it starts");
    assert!(
        run.status.success(),
        "{}",
        String::from_utf8_lossy(&run.stderr)
    );
}

/// nsupdate and its arguments for the same update, if it is installed.
pub(crate) fn nsupdate() -> Option<(PathBuf, Vec<&'static str>)> {
    let script = "update delete host.example.com ANY\n\
                  update add host.example.com 60 A 192.0.2.10\n\
                  update add host.example.com 60 AAAA 2001:db8::10\n\
                  send\n";
    fs::write("/run/nsupdate.script", script).expect("the file system is ours");
    fs::write(
        "/run/nsupdate.key",
        format!("key \"bench\" {{ algorithm hmac-sha256; secret \"{SECRET}\"; }};\n"),
    )
    .expect("the file system is ours");
    let found = PathBuf::from("/usr/bin/nsupdate");
    found.exists().then(|| {
        (
            found,
            vec!["-v", "-k", "/run/nsupdate.key", "/run/nsupdate.script"],
        )
    })
}

/// Writes the messages that the program sends into files, and gives their paths.
pub(crate) fn packets_of(program: &Path) -> Vec<String> {
    let host = query("host.example.com.", RecordType::SOA);
    let [ipv4, ipv6] = [RecordType::A, RecordType::AAAA].map(|kind| query("ns.example.com.", kind));
    let messages = [host, ipv4, ipv6, update_of(program)];
    let write = |(index, octets)| {
        let path = format!("/run/packet{index}");
        fs::write(&path, octets).expect("the file system is ours");
        path
    };
    messages.into_iter().enumerate().map(write).collect()
}

/// The update that the program sends; that nobody answers it is no matter.
pub(crate) fn update_of(program: &Path) -> Vec<u8> {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback is there");
    let server = listener.local_addr().expect("it is bound").to_string();
    let keys = [
        ("zone".into(), json!("example.com")),
        ("server".into(), json!(server)),
    ];
    let mut sender = Command::new(program)
        .args(["-f", "-c", &config("packets", &keys)])
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let (mut stream, _) = listener.accept().expect("the program connects");
    let mut length = [0; 2];
    stream.read_exact(&mut length).expect("the program sends");
    let mut update = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut update).expect("the program sends");
    drop(stream);
    let _ = sender.wait();
    update
}

/// How many packets all interfaces have sent and received.
pub(crate) fn packets() -> u64 {
    let table = fs::read_to_string("/proc/net/dev").expect("proc is mounted");
    table
        .lines()
        .filter_map(|line| line.split_once(':'))
        .flat_map(|(_, numbers)| {
            numbers
                .split_whitespace()
                .skip(1)
                .step_by(8)
                .map(|number| number.parse().unwrap_or(0))
                .collect::<Vec<u64>>()
        })
        .sum()
}

/// Leaves so many addresses to register.
pub(crate) fn set_addresses(count: u32) {
    let mut batch = String::from("address flush dev bench0\n");
    for index in 0..count {
        let _ = writeln!(
            batch,
            "address add 10.1.{}.{}/16 dev bench0",
            index / 250,
            index % 250 + 1
        );
    }
    ip(&batch);
}

/// Leaves so many interfaces with an address to register each, beside one without.
pub(crate) fn set_interfaces(count: u32) {
    let mut batch = String::from("address flush dev bench0\n");
    for index in 0..1000 {
        // Those of the count before.
        if Path::new(&format!("/proc/sys/net/ipv4/conf/more{index}")).exists() {
            let _ = writeln!(batch, "link delete more{index}");
        }
    }
    for index in 0..count {
        let _ = writeln!(
            batch,
            "link add more{index} type bridge\nlink set more{index} up\naddress add 10.{}.{}.1/24 dev more{index}",
            2 + index / 250,
            index % 250
        );
    }
    ip(&batch);
}

/// The `logging` key for a file that has 10 MB already.
pub(crate) fn logging_to_a_large_file() -> (String, Value) {
    fs::write(
        "/run/large.log",
        "a line of the log\n".repeat(10_000_000 / 18),
    )
    .expect("the file system is ours");
    let logging = json!({
        "version": 1,
        "handlers": { "file": { "class": "logging.FileHandler", "filename": "/run/large.log" } },
        "root": { "level": "DEBUG", "handlers": ["file"] },
    });
    ("logging".into(), logging)
}

/// A configuration for the Python program, which wants its logging told.
pub(crate) fn original_config(name: &str) -> String {
    let logging = json!({ "version": 1, "root": { "level": "WARNING", "handlers": [] } });
    let config = config(&format!("original-{name}"), &[("logging".into(), logging)]);
    // What ours confirmed it takes for its own.
    let _ = fs::copy(
        format!("/run/{name}.cache"),
        format!("/run/original-{name}.cache"),
    );
    config
}

/// So many comments for a configuration, each of so many octets.
pub(crate) fn comments(count: u32, length: usize) -> Vec<(String, Value)> {
    (0..count)
        .map(|index| (format!("_{index}"), "x".repeat(length).into()))
        .collect()
}

/// Keys that tell where to send, so that nobody has to be asked.
pub(crate) fn where_to_send() -> [(String, Value); 2] {
    [("zone", "example.com"), ("server", "127.0.0.1")]
        .map(|(key, value)| (key.into(), value.into()))
}

/// The configuration of one of many hosts, with the address of this number.
pub(crate) fn config_of_host(index: u32) -> String {
    let addresses = json!({
        "include": [format!("10.1.{}.{}/32", index / 250, index % 250 + 1)],
        "exclude": ["0.0.0.0/0", "::/0"],
    });
    let hostname = format!("host{index}.example.com").into();
    config(
        &format!("host{index}"),
        &[
            ("hostname".into(), hostname),
            ("addresses".into(), addresses),
        ],
    )
}

/// Makes a cache with keys of somebody else's of so many octets.
pub(crate) fn set_strange_cache(path: &str, bytes: u32) {
    let keys: Map<String, Value> = (0..bytes / 100)
        .map(|index| (format!("{index:010}"), "x".repeat(85).into()))
        .collect();
    let text = Value::Object(keys).to_string();
    fs::write(path, text).expect("the file system is ours");
    shell(&format!("chmod 600 {path}"));
}

/// Makes a hosts file with so many lines before the one of this host, which then has no full name of its own.
pub(crate) fn set_hosts(lines: u32) {
    let mut text = String::new();
    for index in 0..lines {
        let _ = writeln!(text, "0.0.0.0 advertisement{index}.example.net");
    }
    text.push_str("192.0.2.10 host.example.com host\n");
    fs::write("/run/hosts", text).expect("the file system is ours");
    shell("hostname host");
}

/// ddclient and its arguments for a run that finds nothing new, if it is installed.
pub(crate) fn ddclient() -> Option<(PathBuf, Vec<&'static str>)> {
    let program = ["/usr/bin/ddclient", "/usr/sbin/ddclient"]
        .map(PathBuf::from)
        .into_iter()
        .find(|program| program.exists())?;
    let text = "use=cmd, cmd='echo 192.0.2.10'\nserver=127.0.0.1\nzone=example.com\nttl=60\nlogin=/usr/bin/nsupdate\n\
                password=/run/nsupdate.key\nprotocol=nsupdate host.example.com\n";
    fs::write("/run/ddclient.conf", text).expect("the file system is ours");
    shell("chmod 600 /run/ddclient.conf");
    let _ = nsupdate()?;
    let arguments = [
        "-daemon=0",
        "-noquiet",
        "-file=/run/ddclient.conf",
        "-cache=/run/ddclient.cache",
        "-pid=/run/ddclient.pid",
    ];
    run(&program, &arguments);
    Some((program, arguments.to_vec()))
}

/// A query as it goes over the wire.
fn query(name: &str, kind: RecordType) -> Vec<u8> {
    let mut message = Message::query();
    message.add_query(Query::query(Name::from_ascii(name).expect("a name"), kind));
    message.to_vec().expect("it is small")
}

/// Has `ip` carry out many commands at once.
fn ip(batch: &str) {
    fs::write("/run/batch", batch).expect("the file system is ours");
    shell("ip -batch /run/batch");
}

/// Runs a script, of which every line must succeed.
pub(crate) fn shell(script: &str) {
    let status = Command::new("sh")
        .args(["-ec", script])
        .status()
        .expect("there is a shell");
    assert!(status.success(), "the set-up failed");
}
