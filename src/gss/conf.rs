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
            } else if let Some((key, value)) = line.split_once('=') {
                let (key, value) = (key.trim(), value.trim());
                if value.starts_with('{') {
                    open.push(key.trim_end_matches('*').trim());
                } else if let ("realms", [realm], "kdc") =
                    (section, open.as_slice(), key.trim_end_matches('*').trim())
                {
                    let kdc = value.trim_matches('"');
                    self.kdcs.push(((*realm).to_owned(), kdc.to_owned()));
                }
            }
        }
    }
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
