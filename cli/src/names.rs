//! Names of files as they are shown: without what does things to a terminal.

use std::{ffi::OsStr, fmt::Write as _, path::Path};

/// `path` for the eyes of a user: characters that move the cursor, change colours, reverse the
/// direction of text or end the line are written as escapes, and so are bytes that are no UTF-8.
pub(crate) fn shown(path: &Path) -> String {
    masked(path.as_os_str())
}

/// As [`shown`], for any text.
pub(crate) fn masked(text: &OsStr) -> String {
    let mut shown = String::with_capacity(text.len());
    for chunk in text.as_encoded_bytes().utf8_chunks() {
        for character in chunk.valid().chars() {
            if is_control(character) {
                let _ = write!(shown, "{}", character.escape_default());
            } else {
                shown.push(character);
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(shown, "\\x{byte:02x}");
        }
    }
    shown
}

/// Control characters, and those that make text look like other text: line separators, marks and
/// overrides of direction.
fn is_control(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_a_terminal_is_escaped_and_the_rest_stays() {
        for (name, expected) in [
            ("plain name.txt", "plain name.txt"),
            ("größe 大小 😀", "größe 大小 😀"),
            ("a\u{1b}[31mred", "a\\u{1b}[31mred"),
            ("two\nlines\r\t", "two\\nlines\\r\\t"),
            ("c1 \u{9b}31m", "c1 \\u{9b}31m"),
            ("gpj.\u{202e}exe", "gpj.\\u{202e}exe"),
        ] {
            assert_eq!(shown(Path::new(name)), expected);
        }
    }

    #[cfg(unix)]
    #[test]
    fn bytes_that_are_no_text_are_escaped() {
        use std::os::unix::ffi::OsStrExt;

        assert_eq!(masked(OsStr::from_bytes(b"a\xffb\xc3")), "a\\xffb\\xc3");
    }
}
