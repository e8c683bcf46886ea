//! The one sanitiser: text that others wrote (names, server texts, a mail server's answer) before anybody is shown it.

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

#[cfg(test)]
mod tests {
    use super::*;

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
