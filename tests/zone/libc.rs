//! resolv.conf and the hosts file, read by us and by glibc: the same files, and each wanted difference explained.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr};

use pydyndns::{hosts, resolv_conf};
use serde_json::Value;

use crate::harness::sandbox::{Sandbox, sandbox};
use crate::harness::{announce, installed};

/// How glibc read a resolv.conf.
#[derive(Debug)]
struct Read {
    /// The servers.
    servers: Vec<String>,
    /// The first domain of the search list.
    domain: Option<String>,
}

impl From<&String> for Read {
    fn from(line: &String) -> Self {
        let read: Value = serde_json::from_str(line).unwrap();
        let servers = read["servers"].as_array().unwrap();
        Self {
            servers: servers
                .iter()
                .map(|server| server.as_str().unwrap().to_owned())
                .collect(),
            domain: read["domain"].as_str().map(str::to_owned),
        }
    }
}

/// What glibc says of files, one line of JSON for each.
fn by_glibc(sandbox: &Sandbox, lines: &[String]) -> Vec<String> {
    sandbox.write("libc.py", include_str!("libc.py"));
    sandbox.write("list", lines.join("\n"));
    let output = sandbox.shell(
        "env -u LOCALDOMAIN -u RES_OPTIONS python3 /run/sandbox/libc.py < /run/sandbox/list",
    );
    let answers: Vec<String> = output.lines().map(str::to_owned).collect();
    assert_eq!(answers.len(), lines.len());
    answers
}

/// A source of numbers that is the same in each run.
struct Numbers(u64);

impl Numbers {
    /// A number below `end`.
    fn below(&mut self, end: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end
    }

    /// One of these.
    fn one_of<'a>(&mut self, texts: &[&'a str]) -> &'a str {
        texts[self.below(texts.len())]
    }
}

/// Files written by hand: each has something that parsers fall over.
const RESOLV_CONF: &[&str] = &[
    "",
    "\n",
    "nameserver 192.0.2.1",
    "nameserver 192.0.2.1\n",
    "nameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver 192.0.2.3\nnameserver 192.0.2.4\n",
    "nameserver\t192.0.2.1\n",
    " nameserver 192.0.2.1\nnameserver 192.0.2.2\n",
    "\tnameserver 192.0.2.1\n",
    "nameserver  \t 192.0.2.1 \t \n",
    "nameserver 192.0.2.1 192.0.2.2\n",
    "nameserver 192.0.2.1 # comment\nnameserver 192.0.2.2 ; comment\n",
    "nameserver 192.0.2.1# comment\n",
    "nameserver 192.0.2.1;\n",
    "#nameserver 192.0.2.1\n;nameserver 192.0.2.2\n# nameserver 192.0.2.3\n",
    "Nameserver 192.0.2.1\nNAMESERVER 192.0.2.2\n",
    "nameserver192.0.2.1\nnameservers 192.0.2.2\n",
    "nameserver\n",
    "nameserver \n",
    "nameserver 0.0.0.0\n",
    "nameserver ::\n",
    "nameserver 127.1\nnameserver 127\n",
    "nameserver 0x7f.0.0.1\nnameserver 0177.0.0.1\n",
    "nameserver 0x7f000001\nnameserver 08.0.0.1\nnameserver 1.2.3.256\n",
    "nameserver 1.2.3\nnameserver 1.2.65535\nnameserver 1.2.65536\n",
    "nameserver 4294967295\nnameserver 4294967296\n",
    "nameserver 1.2.3.4.5\nnameserver 1..2.3\nnameserver .1.2.3\nnameserver 1.2.3.\n",
    "nameserver -1\nnameserver +1.2.3.4\n",
    "nameserver 0x\nnameserver 0\nnameserver 00\n",
    "nameserver ::1\nnameserver 2001:DB8::1\nnameserver 2001:db8:0:0:0:0:0:2\n",
    "nameserver ::ffff:192.0.2.1\nnameserver ::192.0.2.1\n",
    "nameserver fe80::1%lo\nnameserver fe80::2%1\n",
    "nameserver fe80::1%nowhere\n",
    "nameserver 2001:db8::1%lo\n",
    "nameserver 192.0.2.1%lo\n",
    "nameserver [::1]\nnameserver 192.0.2.1:53\nnameserver [192.0.2.1]:53\n",
    "nameserver ::1::2\nnameserver 1:2:3:4:5:6:7\nnameserver 12345::\n",
    "nameserver dns.example.com\nnameserver 192.0.2.1\n",
    "nameserver 192.0.2.1\r\n",
    "search a.example\r\nnameserver 192.0.2.1\r\n",
    "nameserver 192.0.2.1\nnameserver 192.0.2.1\nnameserver 192.0.2.2\n",
    "\u{feff}nameserver 192.0.2.1\nnameserver 192.0.2.2\n",
    "domain a.example\n",
    "domain a.example b.example\n",
    "domain\ta.example\t# comment\n",
    "search a.example b.example\n",
    "search\ta.example\tb.example\n",
    "domain a.example\nsearch b.example c.example\n",
    "search b.example c.example\ndomain a.example\n",
    "search a.example\nsearch b.example\n",
    "search a.example\nsearch\n",
    "search a.example\nsearch \n",
    "search a.example\ndomain \t\n",
    "search a.example\n search b.example\n",
    "search a.example # b.example\n",
    "search # a.example\n",
    "search a.example.\n",
    "search .a.example\n",
    "search -- example..test *.x {{ domain }}\n",
    "searchdomain a.example\ndomainname b.example\n",
    "search a1 a2 a3 a4 a5 a6 a7 a8 a9\n",
    "options timeout:1 attempts:9 ndots:3 rotate edns0\nsortlist 1.2.3.0/24\nnameserver 192.0.2.1\n",
    "lookup file bind\nfamily inet6\nnameserver 192.0.2.1\n",
    "nameserver 192.0.2.1\nsearch a.example",
    "search a.example\n\n\n\nnameserver 192.0.2.1\n\n",
    "\u{c}nameserver 192.0.2.1\n\u{b}nameserver 192.0.2.2\n",
    "nameserver\u{a0}192.0.2.1\n",
    "nameserver 192.0.2.1\u{a0}\n",
    "nameserver 192.0.2.1\u{c}\nnameserver \u{c}192.0.2.2\n",
];

/// A file made of what such files are made of, and of what they are not.
fn some_resolv_conf(numbers: &mut Numbers) -> String {
    let mut text = String::new();
    for _ in 0..numbers.below(9) {
        let before = numbers.one_of(&["", "", "", "", "", "", " ", "\t", "#", ";", "x"]);
        let keyword = numbers.one_of(&[
            "nameserver",
            "nameserver",
            "nameserver",
            "search",
            "domain",
            "options",
            "Search",
            "sortlist",
            "",
        ]);
        let between = numbers.one_of(&[" ", " ", " ", "\t", "  ", " \t", "", "="]);
        write!(text, "{before}{keyword}{between}").unwrap();
        for _ in 0..=numbers.below(2) {
            let value = numbers.one_of(&[
                "192.0.2.1",
                "192.0.2.2",
                "198.51.100.7",
                "127.0.0.53",
                "0.0.0.0",
                "10.1",
                "0x0a000001",
                "012.0.0.1",
                "1.2.3.999",
                "::1",
                "2001:db8::53",
                "fe80::1%lo",
                "fe80::1%none",
                "::ffff:10.0.0.1",
                "2001:db8:::1",
                "a.example",
                "b.example.",
                ".c.example",
                "d..example",
                "-",
                "#",
                ";",
                "ndots:2",
                "localhost",
                "e.example#x",
            ]);
            let behind = numbers.one_of(&["", "", " ", "\t", " # x", ";", " ;"]);
            write!(text, "{value}{behind} ").unwrap();
        }
        text.push_str(numbers.one_of(&["\n", "\n", "\n", "\n", "\n\n", " \n", "\t\n"]));
    }
    text
}

/// What we make of a resolv.conf, as glibc's state would show it.
fn ours(text: &str) -> (Vec<String>, Option<&str>) {
    let index = |scope: &str| {
        if scope == "lo" {
            Some(1)
        } else {
            scope.parse::<u32>().ok()
        }
    };
    let mut servers: Vec<String> = resolv_conf::name_servers(text.as_bytes())
        .into_iter()
        .map(|server| match server.scope.and_then(index) {
            Some(index) => format!("{}%{index}", server.ip),
            None => server.ip.to_string(),
        })
        .collect();
    if servers.is_empty() {
        servers.push(Ipv4Addr::LOCALHOST.to_string());
    }
    (servers, resolv_conf::domain(text.as_bytes()))
}

/// What glibc's list becomes by our wanted differences: an address once, as Rust writes it.
fn once(servers: &[String]) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for server in servers {
        let (ip, scope) = server.split_once('%').unwrap_or((server, ""));
        let ip: IpAddr = ip.parse().unwrap();
        let is_local = matches!(ip, IpAddr::V6(ip) if ip.is_unicast_link_local());
        let server = if scope.is_empty() || !is_local {
            ip.to_string()
        } else {
            format!("{ip}%{scope}")
        };
        if !all.contains(&server) {
            all.push(server);
        }
    }
    all
}

#[test]
fn resolv_conf_is_read_as_glibc_reads_it() {
    if !installed("python3") {
        skip!("python3 is not installed");
    }
    sandbox(|sandbox| {
        let mut numbers = Numbers(1);
        let mut texts: Vec<String> = RESOLV_CONF.iter().map(|text| (*text).to_owned()).collect();
        while texts.len() < 300 {
            texts.push(some_resolv_conf(&mut numbers));
        }
        // Without a name of its own, the domain of the host's name is no default.
        sandbox.hostname("box");
        let list: Vec<String> = texts
            .iter()
            .enumerate()
            .map(|(index, text)| {
                let path = sandbox.write(format!("resolv-{index}"), text);
                format!("resolv.conf {}", path.display())
            })
            .collect();
        let mut same = 0;
        let mut differences = BTreeSet::new();
        for (text, answer) in texts.iter().zip(by_glibc(sandbox, &list)) {
            let theirs = Read::from(&answer);
            let (servers, domain) = ours(text);
            // A carriage return is part of the word there, so files from Windows have no server.
            if text.contains('\r') {
                let unix = text.replace('\r', "");
                assert_eq!((servers, domain), ours(&unix), "{text:?}");
                differences.insert("a carriage return ends a line");
                continue;
            }
            // They stop at three, and ask the same server as often as it is named.
            let expected = once(&theirs.servers);
            if servers != expected {
                assert!(
                    theirs.servers.len() == 3 && servers.starts_with(&expected),
                    "{text:?}: glibc has {theirs:?}, we have {servers:?}"
                );
                differences.insert("more than three servers count");
            } else if theirs.servers.len() != expected.len() {
                differences.insert("a server is asked once");
            }
            // A domain without its dots is what a name can be made of; nothing but dots is none.
            let expected = theirs
                .domain
                .as_deref()
                .map(|domain| domain.trim_matches('.'))
                .filter(|domain| !domain.is_empty());
            assert_eq!(domain, expected, "{text:?}: glibc has {theirs:?}");
            same += 1;
        }
        announce(&format!(
            "| {same} of {} files of resolv.conf as glibc reads them; wanted differences: {}\n",
            texts.len(),
            differences.into_iter().collect::<Vec<_>>().join(", ")
        ));
    });
}

/// The names that are looked for in each hosts file.
const NAMES: [&str; 4] = ["box", "ns.example.com", "Ns1.Example.com", "x_y"];

/// Files written by hand.
const HOSTS: &[&str] = &[
    "",
    "192.0.2.1 box",
    "192.0.2.1 box\n192.0.2.2 box\n",
    "192.0.2.1\tbox\tns.example.com\n",
    "  192.0.2.1   box  \n",
    "\t192.0.2.1 box\n",
    "192.0.2.1 other box ns.example.com ns1.example.com x_y\n",
    "192.0.2.1 BOX NS.EXAMPLE.COM\n",
    "192.0.2.1 box # ns.example.com\n# 192.0.2.2 box\n#192.0.2.3 box\n",
    "192.0.2.1 other#box\n192.0.2.2 box#x\n",
    "192.0.2.1# box\n",
    "192.0.2.1 box\r\n192.0.2.2 ns.example.com\r\n",
    "box 192.0.2.1\n",
    "127.1 box\n0x7f000001 box\n010.0.0.1 box\n",
    "1.2.3 box\n1.2.3.4.5 box\n256.0.0.1 box\n-1 box\n",
    "::1 box\n2001:DB8::1 box\n",
    "::ffff:192.0.2.1 box\n",
    "fe80::1%lo box\n192.0.2.1%lo box\n",
    "192.0.2.1/32 box\n[::1] box\n192.0.2.1:53 box\n",
    "192.0.2.1\n192.0.2.2 \n",
    "192.0.2.1 box.\n",
    "192.0.2.1 boxy\n192.0.2.2 abox\n192.0.2.3 bo\n",
    "192.0.2.1 other\n\n\n192.0.2.2 box\n\n",
    "192.0.2.1 box\u{c}ns.example.com\n192.0.2.2\u{b}box\n",
    "192.0.2.1 box;ns.example.com\n192.0.2.2 box,ns.example.com\n",
    "\u{feff}192.0.2.1 box\n192.0.2.2 ns.example.com\n",
    "192.0.2.1 b\u{f6}x box\n",
    "0.0.0.0 box\n:: box\n255.255.255.255 ns.example.com\n",
    "127.0.0.1 localhost box\n::1 localhost box\n",
    "127.0.1.1 ns.example.com box\n192.0.2.7 ns.example.com\n",
    "192.0.2.1 \"box\"\n192.0.2.2 'box'\n",
    "192.0.2.1 *\n192.0.2.2 *.example.com\n",
];

/// A hosts file made of what such files are made of, and of what they are not.
fn some_hosts(numbers: &mut Numbers) -> String {
    let mut text = String::new();
    for _ in 0..numbers.below(9) {
        let before = numbers.one_of(&["", "", "", "", " ", "\t", "#", "x"]);
        let address = numbers.one_of(&[
            "192.0.2.1",
            "192.0.2.2",
            "127.0.0.1",
            "127.0.1.1",
            "0.0.0.0",
            "::1",
            "2001:db8::1",
            "2001:DB8:0::2",
            "10.1",
            "1.2.3.4.5",
            "300.1.1.1",
            "box",
            "2001:db8:::1",
            "fe80::1",
            "192.0.2.1.",
            "0192.0.2.1",
        ]);
        write!(text, "{before}{address}").unwrap();
        for _ in 0..numbers.below(4) {
            let between = numbers.one_of(&[" ", " ", "\t", "  ", " \t", "#", " # ", ","]);
            let name = numbers.one_of(&[
                "box",
                "BOX",
                "ns.example.com",
                "ns1.example.com",
                "x_y",
                "other",
                "localhost",
                "192.0.2.9",
                "box.example.com",
                "-",
            ]);
            write!(text, "{between}{name}").unwrap();
        }
        text.push_str(numbers.one_of(&["\n", "\n", "\n", " \n", "\n\n"]));
    }
    text
}

#[test]
fn the_hosts_file_is_read_as_glibc_reads_it() {
    if !installed("python3") {
        skip!("python3 is not installed");
    }
    sandbox(|sandbox| {
        sandbox.write("/etc/nsswitch.conf", "hosts: files\n");
        let mut numbers = Numbers(2);
        let mut texts: Vec<String> = HOSTS.iter().map(|text| (*text).to_owned()).collect();
        while texts.len() < 250 {
            texts.push(some_hosts(&mut numbers));
        }
        let list: Vec<String> = texts
            .iter()
            .enumerate()
            .map(|(index, text)| {
                let path = sandbox.write(format!("hosts-{index}"), text);
                format!("hosts {} {}", path.display(), NAMES.join(" "))
            })
            .collect();
        let mut same = 0;
        let mut differences = BTreeSet::new();
        for (text, answer) in texts.iter().zip(by_glibc(sandbox, &list)) {
            let answer: Value = serde_json::from_str(&answer).unwrap();
            for (name, theirs) in NAMES.iter().zip(answer.as_array().unwrap()) {
                let theirs: BTreeSet<IpAddr> = theirs
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|ip| ip.as_str().unwrap().parse().unwrap())
                    .collect();
                let ours: BTreeSet<IpAddr> = hosts::addresses(text.as_bytes(), name)
                    .unwrap()
                    .into_iter()
                    .collect();
                let plain = |all: &BTreeSet<IpAddr>| -> BTreeSet<IpAddr> {
                    all.iter().map(IpAddr::to_canonical).collect()
                };
                if ours == theirs {
                    same += 1;
                } else if plain(&ours) == plain(&theirs) {
                    differences.insert("an IPv4-mapped address is not unwrapped");
                } else {
                    panic!("{name} in {text:?}: glibc has {theirs:?}, we have {ours:?}");
                }
            }
        }
        announce(&format!(
            "| {same} of {} names in {} hosts files as glibc has them; wanted differences: {}\n",
            texts.len() * NAMES.len(),
            texts.len(),
            differences.into_iter().collect::<Vec<_>>().join(", ")
        ));
    });
}
