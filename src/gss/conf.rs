//! krb5.conf, MIT's profile format, for the one thing that is needed from it: the `kdc` lines of `[realms]`.
//!
//! Everything else is passed over, also what makes no sense: the libraries of others judge the file, not we.

/// How deep `include` may go; MIT allows ten.
const MAX_DEPTH: usize = 10;

/// How many files one `krb5.conf` may draw in: more is a circle through `includedir`.
const MAX_FILES: usize = 1000;

/// What another file is taken in by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Include<'a> {
    /// `include FILE`.
    File(&'a str),
    /// `includedir FOLDER`: its files in order of their names, of which only those count that
    /// [`Krb5Conf::is_included`] tells.
    Folder(&'a str),
}

/// The realms' KDCs.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Krb5Conf {
    /// Realm and KDC, as they are written, in the file's order.
    kdcs: Vec<(String, String)>,
}

impl Krb5Conf {
    /// Reads the text of a krb5.conf. `read` gives the texts of what is included; nothing for what can't be read.
    pub fn parse(text: &str, read: &mut dyn FnMut(Include<'_>) -> Vec<String>) -> Self {
        let mut conf = Self::default();
        let mut files = 0;
        conf.take_in(text, 0, &mut files, read);
        conf
    }

    /// The KDCs of a realm: `host`, `host:port`, `[address]` or `[address]:port`.
    pub fn kdcs<'a>(&'a self, realm: &'a str) -> impl Iterator<Item = &'a str> {
        self.kdcs
            .iter()
            .filter(move |(of, _)| of == realm)
            .map(|(_, kdc)| kdc.as_str())
    }

    /// Whether `includedir` takes in a file with this name: letters, digits, `-` and `_` only, or what ends with
    /// `.conf` and does not begin with a dot.
    #[must_use]
    pub fn is_included(name: &str) -> bool {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        !name.is_empty()
            && (name.chars().all(is_plain)
                || (name
                    .strip_suffix(".conf")
                    .is_some_and(|stem| !stem.is_empty())
                    && !name.starts_with('.')))
    }

    /// Takes in one file.
    fn take_in(
        &mut self,
        text: &str,
        depth: usize,
        files: &mut usize,
        read: &mut dyn FnMut(Include<'_>) -> Vec<String>,
    ) {
        let mut section = "";
        // The relations that are open, of which the first is the realm.
        let mut open: Vec<&str> = Vec::new();
        // The one whose brace comes in a line of its own.
        let mut next: Option<&str> = None;
        for line in text.lines().map(str::trim) {
            if line.is_empty() || line.starts_with(['#', ';']) {
                continue;
            }
            if let Some(include) = include(line) {
                if depth == MAX_DEPTH {
                    continue;
                }
                for text in read(include) {
                    if *files == MAX_FILES {
                        return;
                    }
                    *files += 1;
                    self.take_in(&text, depth + 1, files, read);
                }
            } else if let Some(header) = line.strip_prefix('[') {
                section = header.split(']').next().unwrap_or_default().trim();
                open.clear();
            } else if line.starts_with('}') {
                open.pop();
            } else if line.starts_with('{') {
                open.extend(next.take());
            } else if let Some((key, value)) = line.split_once('=') {
                let (key, value) = (key.trim_end_matches(['*', ' ', '\t']), value.trim());
                if value.starts_with('{') {
                    open.push(key);
                } else if value.is_empty() {
                    next = Some(key);
                } else if let ("realms", [realm], "kdc") = (section, open.as_slice(), key) {
                    self.kdcs
                        .extend(kdc(value).map(|kdc| ((*realm).to_owned(), kdc)));
                }
            }
        }
    }
}

/// The KDC of a line: its first word, as MIT has it, without what Heimdal writes before it where only one transport is to
/// be used.
fn kdc(value: &str) -> Option<String> {
    let word = value.split_whitespace().next()?.trim_matches('"');
    let bare = ["tcp/", "udp/"]
        .into_iter()
        .find_map(|transport| word.strip_prefix(transport));
    let kdc = bare.unwrap_or(word);
    (!kdc.is_empty()).then(|| kdc.to_owned())
}

/// What a line takes in, if it does.
fn include(line: &str) -> Option<Include<'_>> {
    let (word, path) = line.split_once(char::is_whitespace)?;
    let path = path.trim();
    match word {
        "include" => Some(Include::File(path)),
        "includedir" => Some(Include::Folder(path)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A krb5.conf that takes nothing in.
    fn parse(text: &str) -> Krb5Conf {
        Krb5Conf::parse(text, &mut |_| Vec::new())
    }

    /// The KDCs of EXAMPLE.COM.
    fn kdcs(conf: &Krb5Conf) -> Vec<&str> {
        conf.kdcs("EXAMPLE.COM").collect()
    }

    #[test]
    fn finds_the_kdcs_of_a_realm_and_of_no_other() {
        let conf = parse(
            "# comment\n[libdefaults]\n\tdefault_realm = EXAMPLE.COM\n kdc = no\n[realms]\n EXAMPLE.COM = {\n  \
             kdc = kdc1.example.com\n  kdc = [2001:db8::1]:750\n  kdc* = \"kdc3.example.com:89\"\n  ; kdc = no\n  \
             admin_server = no\n  auth_to_local_names = {\n   kdc = no\n  }\n  kdc=kdc4\n }\n \
             OTHER = {\n  kdc = other\n }\n kdc = no\n[domain_realm]\n EXAMPLE.COM = {\n kdc = no\n }\n",
        );
        assert_eq!(
            kdcs(&conf),
            [
                "kdc1.example.com",
                "[2001:db8::1]:750",
                "kdc3.example.com:89",
                "kdc4"
            ]
        );
        assert_eq!(conf.kdcs("OTHER").collect::<Vec<_>>(), ["other"]);
        assert_eq!(conf.kdcs("example.com").count(), 0);
    }

    #[test]
    fn reads_what_else_mit_and_heimdal_do() {
        for text in [
            "[realms]\nEXAMPLE.COM =\n{\nkdc = kdc1\n}\nkdc = no\n",
            "[realms]\nEXAMPLE.COM=\n\n  # comment\n  {\nkdc = kdc1\n}\n",
            "[realms]\r\n\tEXAMPLE.COM = {\r\n\tkdc = kdc1\r\n\t}*\r\n",
            "[realms]\nEXAMPLE.COM* = {\nkdc\t* = kdc1   # the first\n}\n",
            "[realms]\nEXAMPLE.COM = {\nkdc = tcp/kdc1\n}\n",
            "[realms]\nEXAMPLE.COM = {\nkdc = \"udp/kdc1\"\n}\n",
            "[realms]\nEXAMPLE.COM = {\nkdc = \"kdc1\" # one\n}\n",
            "[realms]\nEXAMPLE.COM = {\nkdc =\nkdc = \"\"\nkdc = kdc1\n}\n",
            "[realms]\nEXAMPLE.COM = {\nv4_name_convert =\n{\nkdc = no\n}\nkdc = kdc1\n}\n",
        ] {
            assert_eq!(kdcs(&parse(text)), ["kdc1"], "{text}");
        }
    }

    #[test]
    fn takes_in_other_files_where_they_are_named() {
        let one = "[realms]\nEXAMPLE.COM = {\nkdc = in\n}\n";
        let mut asked = Vec::new();
        let conf = Krb5Conf::parse(
            "include /etc/one\nincludedir  /etc/krb5.conf.d/ \n[realms]\nEXAMPLE.COM = {\nkdc = out\n}\n",
            &mut |include| {
                asked.push(format!("{include:?}"));
                vec![one.to_owned(); 2]
            },
        );
        assert_eq!(kdcs(&conf), ["in", "in", "in", "in", "out"]);
        assert_eq!(
            asked,
            ["File(\"/etc/one\")", "Folder(\"/etc/krb5.conf.d/\")"]
        );
    }

    #[test]
    fn a_circle_of_files_ends() {
        let mut count = 0;
        let mut read = |_: Include<'_>| {
            count += 1;
            vec!["include a\ninclude b\nincludedir c\n".to_owned(); 3]
        };
        Krb5Conf::parse("include a", &mut read);
        assert!(count <= MAX_FILES + MAX_DEPTH, "{count}");
    }

    #[test]
    fn nothing_makes_it_fail() {
        for text in [
            "}", "}}}}", "[", "[realms", "= {", "{", "a = {", "kdc =", "include", "include ", "\0",
            "][",
        ] {
            assert_eq!(kdcs(&parse(text)), Vec::<&str>::new(), "{text:?}");
        }
    }

    #[test]
    fn takes_in_of_a_folder_what_mit_does() {
        for name in ["a", "A-1_b", "x.conf", "x.y.conf"] {
            assert!(Krb5Conf::is_included(name), "{name}");
        }
        for name in [
            "",
            ".conf",
            ".x.conf",
            "a~",
            "a.rpmsave",
            "x.conf.bak",
            "a b",
        ] {
            assert!(!Krb5Conf::is_included(name), "{name}");
        }
    }
}
