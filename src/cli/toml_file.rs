//! Reading files that people write: size and encoding checked, every error with its line and column.

use std::io::Read;
use std::path::Path;

use serde::de::DeserializeOwned;

use super::failure::Failure;
use super::serde_words::{in_words, offending_value, toml_key};

/// Larger files are refused: nobody writes such a configuration by hand, and a parser should not be fed one.
const FILE_BYTES_MAX: u64 = 4 << 20;

/// Reads a text file, or standard input for `-`. Gives what errors call it and its text.
pub fn read_text(path: &Path) -> Result<(String, String), Failure> {
    let from_stdin = path.as_os_str() == "-";
    let name = if from_stdin { "<stdin>".to_owned() } else { path.display().to_string() };
    let mut bytes = Vec::new();
    let read = if from_stdin {
        std::io::stdin().lock().take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes))
    };
    read.map_err(|error| Failure::file("read", path, &error))?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(Failure::refused(format!("{name}: larger than {} MiB; split it", FILE_BYTES_MAX >> 20)));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let (line, column) = position(&String::from_utf8_lossy(&error.as_bytes()[..at]), at);
        Failure::refused(format!("{name}:{line}:{column}: not UTF-8; save the file in that encoding"))
    })?;
    if let Some(at) = text.find('\0') {
        let (line, column) = position(&text, at);
        return Err(Failure::refused(format!("{name}:{line}:{column}: a NUL byte; remove it")));
    }
    Ok((name, text))
}

/// Line and column, both from 1 and the column in characters, of a byte offset.
pub fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset.min(text.len())).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

/// Reads TOML into a value; an error names file, line, column, field and value, and for an unknown key the nearest right one.
pub fn parse<T: DeserializeOwned>(name: &str, text: &str) -> Result<T, Failure> {
    toml::from_str(text).map_err(|error| {
        let message = one_line(error.message());
        let Some(span) = error.span() else { return Failure::refused(format!("{name}: {}", in_words(&message, None))) };
        // The error's place may be the table in which the value stands.
        let value = offending_value(&message).and_then(|value| text.get(span.clone())?.find(value));
        let at = span.start + value.unwrap_or(0);
        let (line, column) = position(text, if message.starts_with("invalid ") { at } else { span.start });
        Failure::refused(format!("{name}:{line}:{column}: {}", in_words(&message, toml_key(text, at))))
    })
}

fn one_line(message: &str) -> String {
    message.split('\n').map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_from_one_in_characters() {
        assert_eq!(position("a\nüb", 0), (1, 1));
        assert_eq!(position("a\nüb", 4), (2, 2));
        assert_eq!(position("", 9), (1, 1));
    }
}
