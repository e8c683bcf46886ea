//! The hosts file, read by libc's own `getent` and by ours.
//!
//! Wanted differences: none. A name of more than 255 characters is none for us; libc compares it, but nobody has one.

use std::collections::BTreeSet;
use std::net::IpAddr;

use pydyndns::hosts;

use crate::harness::installed;
use crate::harness::sandbox::sandbox;

/// The name that is looked for.
const NAME: &str = "ns1.example.test";

/// Files that people or machines wrote.
const WRITTEN: &[&str] = &[
    "",
    "\n",
    "192.0.2.1 ns1.example.test",
    "192.0.2.1 ns1.example.test\n",
    "192.0.2.1\tns1.example.test\tns1\n2001:db8::1\tns1.example.test\n",
    "192.0.2.1 ns1 ns1.example.test\n",
    "192.0.2.1 NS1.Example.TEST\n",
    "192.0.2.1 ns1.example.test.\n",
    "192.0.2.1 xns1.example.test ns1.example.testx\n",
    "  192.0.2.1 ns1.example.test\n",
    "\t192.0.2.1 ns1.example.test\n",
    "\u{feff}192.0.2.1 ns1.example.test\n192.0.2.2 ns1.example.test\n",
    "192.0.2.1 ns1.example.test\r\n192.0.2.2 ns1.example.test\r\n",
    "192.0.2.1 ns1.example.test\r192.0.2.2 ns1.example.test\r",
    "192.0.2.1\x0bns1.example.test\n192.0.2.2\x0cns1.example.test\n",
    "192.0.2.1\u{a0}ns1.example.test\n",
    "# 192.0.2.1 ns1.example.test\n",
    "192.0.2.1 # ns1.example.test\n",
    "192.0.2.1 ns1.example.test# comment\n",
    "192.0.2.1 ns1.example.test#ns2\n",
    "192.0.2.1 other#ns1.example.test\n",
    ";192.0.2.1 ns1.example.test\n",
    "192.0.2.1 ; ns1.example.test\n",
    "192.0.2.1\nns1.example.test\n",
    "ns1.example.test 192.0.2.1\n",
    "192.0.2.1 192.0.2.2 ns1.example.test\n",
    "192.0.2 ns1.example.test\n",
    "192.0.2.1.1 ns1.example.test\n",
    "192.0.2.256 ns1.example.test\n",
    "192.0.2.01 ns1.example.test\n",
    "0300.0.2.1 ns1.example.test\n",
    "0xc0.0.2.1 ns1.example.test\n",
    "3221225985 ns1.example.test\n",
    "192.0.2.1/24 ns1.example.test\n",
    "192.0.2.1:53 ns1.example.test\n",
    "[2001:db8::1] ns1.example.test\n",
    "fe80::1%lo ns1.example.test\n",
    "fe80::1 ns1.example.test\n",
    "::ffff:192.0.2.1 ns1.example.test\n",
    "::192.0.2.1 ns1.example.test\n",
    "2001:DB8:0:0::1 ns1.example.test\n",
    "2001:db8::00001 ns1.example.test\n",
    "2001:db8:::1 ns1.example.test\n",
    ":: ns1.example.test\n",
    "1:2:3:4:5:6:7:8 ns1.example.test\n",
    "1:2:3:4:5:6:7::8 ns1.example.test\n",
    "1:2:3:4:5:6:7 ns1.example.test\n",
    "+192.0.2.1 ns1.example.test\n",
    "-1.0.0.1 ns1.example.test\n",
    "192.0.2.1 a b c d e f g h i j k l m n o p q r s t u v w x y z ns1.example.test\n",
    "192.0.2.1 \u{e4}.example.test ns1.example.test\n",
    "192.0.2.1 x\0 ns1.example.test\n192.0.2.2 ns1.example.test\n",
    "192.0.2.1 ns1.example.test\0x\n",
    "\0 192.0.2.1 ns1.example.test\n192.0.2.2 ns1.example.test\n",
];

/// Pieces of which further files are made.
const PIECES: &[&str] = &[
    "192.0.2.1",
    "192.0.2.7",
    "2001:db8::1",
    "10.0.0.1.",
    "bad",
    "fe80::1%lo",
    " ",
    "  ",
    "\t",
    "\r",
    "\n",
    "\r\n",
    "\n\n",
    "#",
    " # ",
    "ns1.example.test",
    "NS1.example.test",
    "ns1",
    "ns2.example.test",
    ".",
    "\x0b",
    "\n192.0.2.9 ",
    "\n2001:db8::9\t",
    " ns1.example.test\n",
    "\n\t127.0.0.1 ns1.example.test ",
];

/// A file of these pieces, always the same for a number.
fn generated(number: u64) -> String {
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = |below: usize| {
        // Xorshift: anything that looks random will do.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 33).unwrap() % below
    };
    let length = 3 + next(40);
    let mut text: String = (0..length).map(|_| PIECES[next(PIECES.len())]).collect();
    if number.is_multiple_of(10) {
        let aliases = "alias ".repeat(next(5000));
        text = [&text, "\n192.0.2.10 ", &aliases, "ns1.example.test\n"].concat();
    }
    text
}

#[test]
fn two_hundred_hosts_files_are_read_as_libc_reads_them() {
    if !installed("getent") {
        skip!("getent is not installed");
    }
    sandbox(|sandbox| {
        // libc leaves out families of which this computer has no address.
        sandbox.interface("lan0", &["192.0.2.99/24", "2001:db8::99/64"]);
        sandbox.write("/etc/nsswitch.conf", "hosts: files\n");
        let files = WRITTEN.iter().map(ToString::to_string);
        let files: Vec<String> = files.chain((0..150).map(generated)).collect();
        assert!(files.len() >= 200);
        let mut found = 0;
        for text in files {
            sandbox.hosts(&text);
            let by_libc: BTreeSet<IpAddr> = sandbox
                .shell(&format!("getent ahosts {NAME} || true"))
                .lines()
                .map(|line| line.split_whitespace().next().unwrap().parse().unwrap())
                .collect();
            let ours: BTreeSet<IpAddr> = hosts::addresses(text.as_bytes(), NAME)
                .unwrap()
                .into_iter()
                .collect();
            assert_eq!(ours, by_libc, "{text:?}");
            found += usize::from(!ours.is_empty());
        }
        assert!(found > 50, "only {found} files have the name");
    });
}
