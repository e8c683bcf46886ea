//! The hosts file, read as libc reads it (hosts(5)): the one scanner, for this computer's own name and for the addresses
//! of a server.
//!
//! A line is an address and names; `#` ends it. A line whose first word is no address does not count. Lines and the file
//! may have any length; what is kept of them has not, so that an ad blocker's list costs no memory.

use crate::name::{is_below_local, is_localhost};
use std::io::{self, BufRead, BufReader, Read};
use std::net::IpAddr;

/// How much of the file is taken at one go.
const BUFFER: usize = 32 << 10;

/// No name is longer, on paper as on the wire; what is longer is no name.
const LONGEST_WORD: usize = 255;

/// How many bytes of names are kept before they are looked at.
const MAX_NAMES: usize = 4 << 10;

/// The addresses of every line that has the name, in the file's order.
///
/// # Errors
/// What reading gives.
pub fn addresses(file: impl Read, name: &str) -> io::Result<Vec<IpAddr>> {
    Lines::with(file, name)
        .map(|line| line.map(|line| line.address))
        .collect()
}

/// The first dotted name, no form of localhost, on a line that has the hostname. One below `.local` only if there is no
/// other: it is multicast DNS's, and stands there beside the one in DNS.
///
/// # Errors
/// What reading gives.
pub fn full_name(file: impl Read, hostname: &str) -> io::Result<Option<String>> {
    let mut local = None;
    for line in Lines::with(file, hostname) {
        let line = line?;
        if line.dotted.is_some() {
            return Ok(line.dotted);
        }
        local = local.or(line.local);
    }
    Ok(local)
}

/// A line that has the name that was looked for.
#[derive(Debug, PartialEq, Eq)]
struct Line {
    /// Its address.
    address: IpAddr,
    /// Its first dotted name that is no form of localhost, nor below `.local`.
    dotted: Option<String>,
    /// Its first dotted name below `.local`.
    local: Option<String>,
}

/// The lines of a hosts file that have a name, without regard to case.
struct Lines<'a, R> {
    /// The file.
    file: BufReader<R>,
    /// The name.
    wanted: &'a str,
    /// What has been read of a line.
    line: Partial,
}

/// Where in a line.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Place {
    /// Before its first byte.
    #[default]
    Start,
    /// Among its words.
    Words,
    /// In the comment behind them.
    Comment,
}

/// What has been read of a line so far.
#[derive(Default)]
struct Partial {
    /// Where in the line this is.
    place: Place,
    /// The word being read.
    word: Vec<u8>,
    /// Whether that word has more than could be a name.
    is_too_long: bool,
    /// The line's first word; empty before there is one.
    address: Vec<u8>,
    /// Its dotted names that are still to be looked at, with a blank behind each. Few lines have the name that is looked
    /// for, and only there do they matter.
    names: Vec<u8>,
    /// See [`Line::dotted`]; empty where there is none.
    dotted: String,
    /// See [`Line::local`]; empty where there is none.
    local: String,
    /// Whether the line has the name that is looked for.
    has_wanted: bool,
}

impl<'a, R: Read> Lines<'a, R> {
    /// The lines that have the name.
    fn with(file: R, name: &'a str) -> Self {
        Self {
            file: BufReader::with_capacity(BUFFER, file),
            wanted: name,
            line: Partial::default(),
        }
    }
}

impl<R: Read> Iterator for Lines<'_, R> {
    type Item = io::Result<Line>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let bytes = match self.file.fill_buf() {
                // The last line may lack its end.
                Ok([]) => return self.line.end(self.wanted).map(Ok),
                Ok(bytes) => bytes,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Some(Err(error)),
            };
            let mut rest = bytes;
            let mut found = None;
            let mut is_searched = false;
            while let (None, &[first, ref others @ ..]) = (&found, rest) {
                if self.line.place == Place::Start {
                    // Hardly a line has the name, so all that are whole and have no such word are passed over at once.
                    if !is_searched {
                        is_searched = true;
                        if let Some(end) = rest.iter().rposition(|&byte| byte == b'\n')
                            && !contains(&rest[..end], self.wanted)
                        {
                            rest = &rest[end + 1..];
                            continue;
                        }
                    }
                    self.line.place = Place::Words;
                }
                // Most bytes are letters, digits and dots.
                let run = rest.iter().position(|&byte| byte <= b'#');
                let run = run.unwrap_or(rest.len());
                if run > 0 {
                    self.line.extend(&rest[..run]);
                    rest = &rest[run..];
                    continue;
                }
                rest = others;
                match first {
                    b'\n' => found = self.line.end(self.wanted),
                    b' ' | b'\t' | b'\r' | b'\x0b' | b'\x0c' => self.line.end_word(self.wanted),
                    // For libc, a zero ends what it has read.
                    b'#' | 0 => self.line.end_names(self.wanted),
                    other => self.line.extend(&[other]),
                }
            }
            let taken = bytes.len() - rest.len();
            self.file.consume(taken);
            if found.is_some() {
                return found.map(Ok);
            }
        }
    }
}

/// Whether a name is a word anywhere in a text, be it in a comment, in any case; but not its very first word.
fn contains(text: &[u8], name: &str) -> bool {
    // All that separates words comes before the letters.
    let is_apart = |byte: &u8| *byte <= b'#';
    let mut rest = text;
    while let Some(end) = rest.iter().position(is_apart) {
        rest = &rest[end + 1..];
        if rest.get(name.len()).is_none_or(is_apart)
            && let Some(word) = rest.get(..name.len())
            && word.eq_ignore_ascii_case(name.as_bytes())
        {
            return true;
        }
    }
    false
}

impl Partial {
    /// Takes more of a word.
    fn extend(&mut self, bytes: &[u8]) {
        if self.place != Place::Comment {
            let room = LONGEST_WORD - self.word.len();
            self.is_too_long |= bytes.len() > room;
            self.word.extend_from_slice(&bytes[..bytes.len().min(room)]);
        }
    }

    /// Takes the word that has been read, if there is one, for what it is.
    fn end_word(&mut self, wanted: &str) {
        if self.word.is_empty() {
            return;
        }
        if self.address.is_empty() {
            self.address.extend_from_slice(&self.word);
        } else if !self.is_too_long {
            self.has_wanted |= self.word.eq_ignore_ascii_case(wanted.as_bytes());
            if self.dotted.is_empty() && self.word.contains(&b'.') {
                self.names.extend_from_slice(&self.word);
                self.names.push(b' ');
                if self.names.len() > MAX_NAMES {
                    self.choose();
                }
            }
        }
        self.word.clear();
        self.is_too_long = false;
    }

    /// Looks for the names to remember among the dotted ones.
    fn choose(&mut self) {
        for name in self.names.split(|&byte| byte == b' ') {
            match str::from_utf8(name) {
                Ok("") | Err(_) => {}
                Ok(name) if is_localhost(name) || !self.dotted.is_empty() => {}
                Ok(name) if !is_below_local(name) => self.dotted.push_str(name),
                Ok(name) if self.local.is_empty() => self.local.push_str(name),
                Ok(_) => {}
            }
        }
        self.names.clear();
    }

    /// Passes over what follows in the line.
    fn end_names(&mut self, wanted: &str) {
        self.end_word(wanted);
        self.place = Place::Comment;
    }

    /// Ends the line, and gives it if it counts and has the name.
    fn end(&mut self, wanted: &str) -> Option<Line> {
        self.end_word(wanted);
        let mut line = None;
        if self.has_wanted {
            self.choose();
            line = self.line();
        }
        self.address.clear();
        self.names.clear();
        self.dotted.clear();
        self.local.clear();
        self.has_wanted = false;
        self.place = Place::Start;
        line
    }

    /// The line, if its first word is an address.
    fn line(&self) -> Option<Line> {
        let name = |name: &String| Some(name.clone()).filter(|name| !name.is_empty());
        Some(Line {
            address: str::from_utf8(&self.address).ok()?.parse().ok()?,
            dotted: name(&self.dotted),
            local: name(&self.local),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The full name of a hostname.
    fn name(hostname: &str, hosts: &str) -> Option<String> {
        full_name(hosts.as_bytes(), hostname).unwrap()
    }

    /// The addresses of a name, as text.
    fn found(name: &str, hosts: &str) -> Vec<String> {
        let addresses = addresses(hosts.as_bytes(), name).unwrap();
        addresses.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn takes_the_first_dotted_name_of_the_hostnames_own_line() {
        let hosts = "127.0.0.1 localhost\n127.0.1.1\tbox localhost.localdomain box.example.com box.example.net # box.example.org\n";
        assert_eq!(name("box", hosts).as_deref(), Some("box.example.com"));
        assert_eq!(name("BOX", hosts).as_deref(), Some("box.example.com"));
        assert_eq!(name("other", hosts), None);
        assert_eq!(name("localhost", hosts), None);
        for hosts in [
            "#127.0.1.1 box.example.com box\n",
            "::1 # box.example.com box",
        ] {
            assert_eq!(name("box", hosts), None);
        }
    }

    #[test]
    fn a_line_without_a_dotted_name_leaves_the_choice_to_the_next() {
        let hosts = "127.0.0.1 localhost box\n192.0.2.1 box.example.com box\n192.0.2.2 other.example.com box\n";
        assert_eq!(name("box", hosts).as_deref(), Some("box.example.com"));
    }

    #[test]
    fn a_name_below_local_is_taken_only_if_there_is_no_other() {
        for (hosts, expected) in [
            (
                "127.0.1.1 box.local box box.example.com\n",
                "box.example.com",
            ),
            (
                "127.0.1.1 box.local box\n192.0.2.1 box box.example.com\n",
                "box.example.com",
            ),
            ("127.0.1.1 box box.LOCAL. other.local\n", "box.LOCAL."),
        ] {
            assert_eq!(name("box", hosts).as_deref(), Some(expected), "{hosts}");
        }
    }

    #[test]
    fn a_line_that_does_not_begin_with_an_address_does_not_count() {
        for first in [
            "host",
            "127.1",
            "127.0.0.1/8",
            "0x7f.0.0.1",
            "010.0.0.1",
            "fe80::1%lo",
            "[::1]",
            "1.2.3.4.5",
            "-",
        ] {
            let hosts = format!("{first} box.example.com box\n");
            assert_eq!(name("box", &hosts), None, "{first}");
            assert!(found("box", &hosts).is_empty(), "{first}");
        }
        assert_eq!(name("127.0.1.1", "127.0.1.1 a.example.com"), None);
    }

    #[test]
    fn finds_every_address_of_a_name_in_any_case() {
        let hosts = "192.0.2.1\tns1.example.com ns1 # x\n  2001:db8::1 NS1.Example.COM\r\n192.0.2.2 ns2 ns1.example.com";
        assert_eq!(
            found("ns1.EXAMPLE.com", hosts),
            ["192.0.2.1", "2001:db8::1", "192.0.2.2"]
        );
        assert_eq!(found("ns1", hosts), ["192.0.2.1"]);
        assert!(found("ns", hosts).is_empty());
        assert!(found("x", hosts).is_empty());
    }

    #[test]
    fn blanks_comments_and_zeros_separate_as_for_libc() {
        for hosts in [
            "192.0.2.1\x0bbox\x0cother\n",
            "192.0.2.1 other box#comment\n",
            "\t \r192.0.2.1 box\0 rest\n",
            "#\n\n \n192.0.2.1 box",
        ] {
            assert_eq!(found("box", hosts), ["192.0.2.1"], "{hosts:?}");
        }
        for hosts in [
            "192.0.2.1 other#box\n",
            "192.0.2.1 other\0 box\n",
            "192.0.2.1\nbox\n",
        ] {
            assert!(found("box", hosts).is_empty(), "{hosts:?}");
        }
    }

    #[test]
    fn a_line_of_any_length_is_read_to_its_end() {
        let mut hosts = "192.0.2.1 ".to_owned();
        hosts += &"alias ".repeat(100_000);
        hosts += &"x".repeat(100_000);
        hosts += " box box.example.com\n192.0.2.2 box\n";
        assert_eq!(found("box", &hosts), ["192.0.2.1", "192.0.2.2"]);
        assert_eq!(name("box", &hosts).as_deref(), Some("box.example.com"));
        assert!(found(&"x".repeat(LONGEST_WORD), &hosts).is_empty());
    }

    #[test]
    fn a_line_counts_wherever_it_falls_in_what_is_read_at_one_go() {
        let line = "192.0.2.1\tBOX.example.com box\n";
        let others = "0.0.0.0 boxes.example.net xbox # box.example.org\n0.0.0.0 a\n";
        for shift in 0..2 * line.len() {
            let before = BUFFER - 2 * line.len() + shift;
            let mut hosts = others.repeat(before / others.len());
            hosts += &"#".repeat(before - hosts.len());
            hosts.push('\n');
            hosts += line;
            hosts += others;
            assert_eq!(found("box", &hosts), ["192.0.2.1"], "{shift}");
            assert_eq!(
                name("box", &hosts).as_deref(),
                Some("BOX.example.com"),
                "{shift}"
            );
        }
    }

    #[test]
    fn what_fails_to_be_read_is_no_empty_file() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("broken"))
            }
        }
        addresses(Broken, "box").unwrap_err();
        full_name(b"192.0.2.1 box\n".chain(Broken), "box").unwrap_err();
    }
}
