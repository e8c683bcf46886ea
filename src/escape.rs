//! The one sanitiser: text that others wrote (names, server texts, a mail server's answer) before anybody is shown it.

use hickory_proto::rr::Name;
use std::io;

/// Nobody reads a message of more bytes than this.
const MAX_LINE: usize = 4000;

/// A text that may repeat what others wrote, as one line of bounded length that can neither command a terminal nor change
/// the order in which it is read.
pub(crate) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len().min(MAX_LINE));
    for character in text.chars() {
        if line.len() >= MAX_LINE {
            line.push_str(" ...");
            break;
        }
        if is_harmful(character) {
            line.extend(character.escape_default());
        } else {
            line.push(character);
        }
    }
    line
}

/// Whether a character commands a terminal, breaks a line, or is seen only by what it does to the others: controls, line
/// separators, marks of direction, and the byte order mark.
fn is_harmful(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}'
        )
}

/// A domain name as people write it: in ASCII, octets that are none escaped, without the final dot.
pub(crate) fn domain(name: &Name) -> String {
    let mut text = name.to_ascii();
    if text.len() > 1 && text.ends_with('.') {
        text.pop();
    }
    text
}

/// What the operating system says, as part of a sentence: in lower case, without Rust's number behind it, and without the
/// full stop that Windows has.
pub(crate) fn system(error: &io::Error) -> String {
    let text = error.to_string();
    let text = match text.rfind(" (os error ") {
        Some(end) if text.ends_with(')') => &text[..end],
        _ => &text,
    };
    let text = text.trim_end_matches('.');
    let mut characters = text.chars();
    let is_word = text.chars().nth(1).is_some_and(char::is_lowercase);
    match characters.next() {
        Some(first) if is_word => first.to_lowercase().chain(characters).collect(),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_shown_in_ascii_and_without_the_final_dot() {
        for (name, shown) in [
            ("host.example.com.", "host.example.com"),
            ("xn--mller-kva.example.", "xn--mller-kva.example"),
            (".", "."),
        ] {
            assert_eq!(domain(&Name::from_ascii(name).unwrap()), shown);
        }
        let odd = Name::from_labels([&b"a\nb\x1b.\xff"[..], b"example"]).unwrap();
        assert_eq!(domain(&odd), "a\\012b\\033\\.\\377.example");
    }

    #[test]
    fn the_systems_words_become_part_of_a_sentence() {
        assert_eq!(system(&io::Error::other("IPv6 is off")), "IPv6 is off");
        assert_eq!(system(&io::Error::other("Timed out")), "timed out");
        assert_eq!(system(&io::Error::other("Access denied.")), "access denied");
        #[cfg(target_os = "linux")]
        assert_eq!(
            system(&io::Error::from_raw_os_error(111)),
            "connection refused"
        );
    }

    #[test]
    fn what_can_be_read_stays_as_it_is() {
        let text = "büro.example: \"quoted\" \\ 東京 -> 192.0.2.1";
        assert_eq!(one_line(text), text);
    }

    #[test]
    fn nothing_commands_the_terminal_or_breaks_the_line() {
        assert_eq!(
            one_line("a\nb\r\t\x1b[2J\x07\u{9b}1m\u{7f}"),
            "a\\nb\\r\\t\\u{1b}[2J\\u{7}\\u{9b}1m\\u{7f}"
        );
        assert_eq!(
            one_line("\u{202e}com\u{2028}x\u{feff}"),
            "\\u{202e}com\\u{2028}x\\u{feff}"
        );
    }

    #[test]
    fn a_line_has_an_end() {
        let line = one_line(&"é\n".repeat(100_000));
        assert!(line.len() < MAX_LINE + 20 && line.ends_with(" ..."));
    }
}
