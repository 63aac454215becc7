//! Verbs of the command line from the palette, run as a person would run them.

use std::process::{Command, Stdio};
use std::thread;

use super::app::App;
use super::message::{Message, Post};

/// The most that is shown of what a verb says, in bytes.
const SAID_MAX: usize = 256 * 1024;

/// Runs `line` as arguments of this program on a thread of its own; what it says comes as a message.
pub fn start(line: &str, app: &App, post: &Post) {
    let words = match split(line) {
        Ok(words) => words,
        Err(message) => {
            post.send(Message::Verb { line: line.to_owned(), said: message });
            return;
        }
    };
    let words: Vec<String> = match words.first().map(String::as_str) {
        Some("menagerie") => words[1..].to_vec(),
        _ => words,
    };
    let (line, post, data_dir) = (line.to_owned(), post.clone(), app.options.data_dir.clone());
    thread::spawn(move || {
        let said = std::env::current_exe().and_then(|program| {
            Command::new(program).arg("--data-dir").arg(data_dir).args(words).stdin(Stdio::null()).output()
        });
        let said = match said {
            Ok(output) => {
                let mut bytes = output.stdout;
                bytes.extend_from_slice(&output.stderr);
                bytes.truncate(SAID_MAX);
                let text = String::from_utf8_lossy(&bytes).into_owned();
                if text.is_empty() { format!("done ({})", output.status) } else { text }
            }
            Err(error) => format!("cannot run it: {error}"),
        };
        post.send(Message::Verb { line, said });
    });
}

/// A word as one has to write it for a shell.
pub fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else if word.contains('\'') && !word.contains(['"', '$', '`', '\\', '!']) {
        format!("\"{word}\"")
    } else {
        format!("'{}'", word.replace('\'', "'\"'\"'"))
    }
}

/// Words as a shell would see them: blanks separate, quotes hold together.
pub fn split(line: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in line.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    match quote {
        Some(open) => Err(format!("the quotation that begins with {open} does not end")),
        None => Ok(words),
    }
}

/// One word as a shell takes it back: as it is, or in quotation marks.
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+=,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_as_in_a_shell() {
        assert_eq!(split("run -- sh -c 'a  b' \"\"").unwrap(), ["run", "--", "sh", "-c", "a  b", ""]);
        assert!(split("run 'x").is_err());
        for word in ["x", "", "a b", "it's", "it's \"$1\"", "\"", "$HOME", "-n"] {
            assert_eq!(split(&quote(word)).unwrap(), [word]);
        }
    }
}
