//! Writing results: a table for people, or JSON, JSON lines or CSV for programs.
//!
//! For programs the engine's values go out as they came; only tables choose, shorten and colour. Text that agents may
//! have written is stripped of control characters before it reaches a table, so that it cannot drive the terminal.

use std::io::{self, IsTerminal, Write};

use serde_json::{Map, Value};

use super::config::{ColorChoice, Format, Settings};
use super::table::{Cell, Table};

/// What a piece of text means; colours follow from it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// Nothing special.
    #[default]
    Plain,
    /// A heading.
    Heading,
    /// Of less interest.
    Dim,
    /// Good or done.
    Good,
    /// Under way.
    Busy,
    /// Wants attention.
    Warning,
    /// Bad.
    Bad,
}

impl Role {
    /// The terminal's code for the role, empty for plain text. The sixteen basic colours follow the user's palette.
    const fn code(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Heading => "\x1b[1m",
            Self::Dim => "\x1b[2m",
            Self::Good => "\x1b[32m",
            Self::Busy => "\x1b[36m",
            Self::Warning => "\x1b[33m",
            Self::Bad => "\x1b[31m",
        }
    }

    /// The role of a status of anything.
    pub fn of_status(status: &str) -> Self {
        match status {
            "completed" | "approved" | "online" | "enforced" | "available" | "succeeded" => Self::Good,
            "executing" | "scheduled" | "starting" | "running" | "active" | "busy" | "occupied" => Self::Busy,
            "failed" | "error" | "critical" | "offline" | "rejected" | "lost" | "absent" => Self::Bad,
            "blocked" | "maintenance" | "warning" | "watched" | "high" => Self::Warning,
            "cancelled" | "vacant" | "idle" | "acknowledged" | "resolved" => Self::Dim,
            _ => Self::Plain,
        }
    }
}

/// Where results go and how they look.
pub struct Printer {
    /// The chosen format.
    pub format: Format,
    /// Whether to colour.
    pub color: bool,
    /// Whether standard output is a terminal.
    pub is_terminal: bool,
    /// The terminal's width in columns, when standard output is one.
    pub width: Option<usize>,
    out: io::BufWriter<io::Stdout>,
}

impl Printer {
    /// A printer to standard output as the settings say.
    pub fn new(settings: &Settings) -> Self {
        let stdout = io::stdout();
        let is_terminal = stdout.is_terminal();
        let color = color_wanted(settings.color.value, is_terminal);
        let width = is_terminal.then(|| terminal_width(&stdout)).flatten();
        let out = io::BufWriter::with_capacity(1 << 16, stdout);
        Self { format: settings.output.value, color, is_terminal, width, out }
    }

    /// Whether results are for people.
    pub fn is_table(&self) -> bool {
        self.format == Format::Table
    }

    /// Writes a line of text.
    pub fn line(&mut self, text: &str) -> io::Result<()> {
        self.out.write_all(text.as_bytes())?;
        self.out.write_all(b"\n")
    }

    /// Writes bytes as they are.
    pub fn raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)
    }

    /// The text in its role's colour, if colours are wanted.
    pub fn paint(&self, role: Role, text: &str) -> String {
        paint(self.color, role, text)
    }

    /// Everything written so far leaves the process.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// Writes a table.
    pub fn table(&mut self, table: &Table) -> io::Result<()> {
        table.write(&mut self.out, self.width, self.color)
    }

    /// Writes a list for programs; `false` when the format is the table, which the caller then draws.
    pub fn values(&mut self, values: &[Value]) -> io::Result<bool> {
        match self.format {
            Format::Table => return Ok(false),
            Format::Json => {
                self.out.write_all(b"[")?;
                for (place, value) in values.iter().enumerate() {
                    self.out.write_all(if place == 0 { b"\n  " } else { b",\n  " })?;
                    serde_json::to_writer(&mut self.out, value)?;
                }
                self.out.write_all(if values.is_empty() { b"]\n" } else { b"\n]\n" })?;
            }
            Format::Jsonl => {
                for value in values {
                    serde_json::to_writer(&mut self.out, value)?;
                    self.out.write_all(b"\n")?;
                }
            }
            Format::Csv => write_csv(&mut self.out, values)?,
        }
        Ok(true)
    }

    /// The same of values that have others within: CSV has a column `outer.inner` for each of those.
    pub fn nested_values(&mut self, values: &[Value]) -> io::Result<bool> {
        match self.format {
            Format::Csv => self.values(&values.iter().map(flat).collect::<Vec<_>>()),
            _ => self.values(values),
        }
    }

    /// Whether the format is CSV.
    pub fn is_csv(&self) -> bool {
        self.format == Format::Csv
    }

    /// Writes a list without items for programs; `columns` are those that CSV names all the same. `false` when the format
    /// is the table.
    pub fn nothing(&mut self, columns: &[String]) -> io::Result<bool> {
        if self.format == Format::Csv && !columns.is_empty() {
            write_csv_line(&mut self.out, columns.iter().cloned())?;
            return Ok(true);
        }
        self.values(&[])
    }

    /// Writes one thing for programs; `false` when the format is the table, which the caller then draws.
    pub fn value(&mut self, value: &Value) -> io::Result<bool> {
        match self.format {
            Format::Table => return Ok(false),
            Format::Json => {
                serde_json::to_writer_pretty(&mut self.out, value)?;
                self.out.write_all(b"\n")?;
            }
            Format::Jsonl => {
                serde_json::to_writer(&mut self.out, value)?;
                self.out.write_all(b"\n")?;
            }
            Format::Csv => write_csv(&mut self.out, std::slice::from_ref(value))?,
        }
        Ok(true)
    }

    /// Writes one of a sequence that has no foreseeable end: a JSON line in every format but the table, for which the
    /// caller gives the line. Leaves the process at once, because somebody waits for it.
    pub fn event(&mut self, value: &Value, line: impl FnOnce() -> String) -> io::Result<()> {
        if self.is_table() {
            self.line(&line())?;
        } else {
            serde_json::to_writer(&mut self.out, value)?;
            self.out.write_all(b"\n")?;
        }
        self.flush()
    }

    /// Writes labelled values of one thing, one a line; those without a value are left out.
    pub fn fields(&mut self, fields: &[(&str, Cell)]) -> io::Result<()> {
        let shown = || fields.iter().filter(|(_, cell)| !cell.text.is_empty());
        let width = shown().map(|(label, _)| label.len()).max().unwrap_or(0);
        for (label, cell) in shown() {
            let label = self.paint(Role::Dim, &format!("{label:<width$}"));
            let text = self.paint(cell.role, &cell.text);
            self.line(&format!("{label}  {text}"))?;
        }
        Ok(())
    }
}

/// The text in its role's colour.
pub fn paint(color: bool, role: Role, text: &str) -> String {
    if color && !role.code().is_empty() { format!("{}{text}\x1b[0m", role.code()) } else { text.to_owned() }
}

/// Whether to colour what goes to a stream. `NO_COLOR` speaks only where nobody chose.
pub fn color_wanted(choice: ColorChoice, is_terminal: bool) -> bool {
    match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => {
            let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
            is_terminal && !refused && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
        }
    }
}

fn terminal_width(stdout: &io::Stdout) -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(stdout).ok()?;
    (size.ws_col > 0).then_some(usize::from(size.ws_col))
}

/// An object with what is within its objects beside each other, as `outer.inner`.
fn flat(value: &Value) -> Value {
    fn add(into: &mut Map<String, Value>, prefix: &str, value: &Map<String, Value>) {
        for (name, value) in value {
            let name = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
            match value {
                Value::Object(inner) => add(into, &name, inner),
                other => drop(into.insert(name, other.clone())),
            }
        }
    }
    let mut into = Map::new();
    match value {
        Value::Object(object) => add(&mut into, "", object),
        other => return other.clone(),
    }
    Value::Object(into)
}

/// Writes values as CSV (RFC 4180): a column for every key that occurs, in the order of first occurrence; lists and
/// objects within stay JSON.
fn write_csv(out: &mut impl Write, values: &[Value]) -> io::Result<()> {
    let mut keys: Vec<&str> = Vec::new();
    for key in values.iter().filter_map(Value::as_object).flat_map(serde_json::Map::keys) {
        if !keys.contains(&key.as_str()) {
            keys.push(key);
        }
    }
    if keys.is_empty() {
        return Ok(());
    }
    write_csv_line(out, keys.iter().map(|key| (*key).to_owned()))?;
    for value in values {
        let cell = |key: &&str| match value.get(key) {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        };
        write_csv_line(out, keys.iter().map(cell))?;
    }
    Ok(())
}

fn write_csv_line(out: &mut impl Write, cells: impl Iterator<Item = String>) -> io::Result<()> {
    for (place, cell) in cells.enumerate() {
        if place > 0 {
            out.write_all(b",")?;
        }
        if cell.contains([',', '"', '\n', '\r']) {
            write!(out, "\"{}\"", cell.replace('"', "\"\""))?;
        } else {
            out.write_all(cell.as_bytes())?;
        }
    }
    out.write_all(b"\r\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn csv_quotes_and_unites_keys() {
        let mut out = Vec::new();
        let values = [json!({"a": 1, "b": "x,\"y\""}), json!({"a": null, "c": [1, 2]})];
        write_csv(&mut out, &values).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "a,b,c\r\n1,\"x,\"\"y\"\"\",\r\n,,\"[1,2]\"\r\n");
    }

    #[test]
    fn what_is_within_stands_beside_it() {
        let value = json!({"group": "a", "now": {"agents": 2, "success": {"n": 3}}, "list": [1]});
        let expected = json!({"group": "a", "now.agents": 2, "now.success.n": 3, "list": [1]});
        assert_eq!(flat(&value), expected);
    }

    #[test]
    fn colours_only_where_wanted() {
        assert!(color_wanted(ColorChoice::Always, false));
        assert!(!color_wanted(ColorChoice::Never, true));
        assert!(!color_wanted(ColorChoice::Auto, false));
        assert_eq!(paint(true, Role::Bad, "x"), "\x1b[31mx\x1b[0m");
        assert_eq!(paint(false, Role::Bad, "x"), "x");
    }
}
