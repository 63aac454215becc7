//! Metrics as text for other programs: `OpenMetrics` 1.0, and the older form of Prometheus that everybody reads.
//!
//! Both name a family once, with what it means, and put its samples below. They differ in small things: `OpenMetrics` has the
//! family of a counter without `_total`, knows units, writes times in seconds, and says where the text ends.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::super::time::Timestamp;
use super::{Meta, MetricKind};

/// Which form of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `OpenMetrics` 1.0.
    OpenMetrics,
    /// Prometheus' text, version 0.0.4.
    Prometheus,
}

impl Form {
    /// The media type of a text in this form.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
        }
    }

    /// The form that is wanted most by an `Accept` header. `OpenMetrics` has to be asked for by its name; whoever asks for
    /// neither gets what everybody reads.
    pub fn accepted(header: &str) -> Self {
        let (mut open, mut plain) = (0.0, 0.0);
        for range in header.split(',') {
            let mut parts = range.split(';').map(str::trim);
            let media = parts.next().unwrap_or_default().to_ascii_lowercase();
            let (mut quality, mut version) = (1.0_f64, None);
            for part in parts {
                match part.split_once('=') {
                    Some(("q" | "Q", text)) => {
                        quality = text.trim().parse().ok().filter(|share| (0.0..=1.0).contains(share)).unwrap_or(0.0);
                    }
                    Some((name, text)) if name.eq_ignore_ascii_case("version") => {
                        version = Some(text.trim_matches('"'));
                    }
                    _ => {}
                }
            }
            match media.as_str() {
                "application/openmetrics-text" if matches!(version, None | Some("1.0.0" | "0.0.1")) => {
                    open = quality.max(open);
                }
                "text/plain" | "text/*" | "*/*" => plain = quality.max(plain),
                _ => {}
            }
        }
        if open > 0.0 && open >= plain { Self::OpenMetrics } else { Self::Prometheus }
    }
}

/// A text that is being written, family by family.
#[derive(Debug)]
pub struct Exposition {
    form: Form,
    text: String,
}

impl Exposition {
    /// An empty text.
    pub const fn new(form: Form) -> Self {
        Self { form, text: String::new() }
    }

    /// Begins a metric; its samples have to follow, and no other metric's between them.
    pub fn family(&mut self, name: &str, kind: MetricKind, unit: &str, description: &str) {
        // A histogram's buckets go out as what rose in each step, which is a gauge in the terms of both forms.
        let word = if kind == MetricKind::Counter { "counter" } else { "gauge" };
        let (family, open) = match self.form {
            // What a counter's samples end in is not part of its family's name.
            Form::OpenMetrics => (name.strip_suffix("_total").unwrap_or(name), true),
            Form::Prometheus => (name, false),
        };
        self.comment("TYPE", family, &mut |text| text.push_str(word));
        // Only a name that ends in its unit may be said to have one.
        if open && !unit.is_empty() && family.strip_suffix(unit).is_some_and(|rest| rest.ends_with('_')) {
            self.comment("UNIT", family, &mut |text| text.push_str(unit));
        }
        if !description.is_empty() {
            self.comment("HELP", family, &mut |text| escape(text, description, open));
        }
    }

    /// Begins a metric of these meta data.
    pub fn family_of(&mut self, name: &str, meta: &Meta) {
        self.family(name, meta.kind, &meta.unit, &meta.description);
    }

    fn comment(&mut self, word: &str, family: &str, put: &mut dyn FnMut(&mut String)) {
        self.text.extend(["# ", word, " ", family, " "]);
        put(&mut self.text);
        self.text.push('\n');
    }

    /// Writes a value of the family that was begun last, with its time if that is to be told.
    pub fn sample(&mut self, name: &str, labels: &BTreeMap<String, String>, value: f64, time: Option<Timestamp>) {
        let text = &mut self.text;
        text.push_str(name);
        let mut before = '{';
        for (label, value) in labels {
            text.push(before);
            text.push_str(label);
            text.push_str("=\"");
            escape(text, value, true);
            text.push('"');
            before = ',';
        }
        if before == ',' {
            text.push('}');
        }
        text.push(' ');
        // Writing to a text cannot fail.
        let _ = match value {
            _ if value.is_nan() => write!(text, "NaN"),
            f64::INFINITY => write!(text, "+Inf"),
            f64::NEG_INFINITY => write!(text, "-Inf"),
            _ => write!(text, "{value}"),
        };
        if let Some(micros) = time.map(Timestamp::as_micros) {
            let sign = if micros < 0 { "-" } else { "" };
            let size = micros.unsigned_abs();
            let _ = match self.form {
                Form::OpenMetrics => write!(text, " {sign}{}.{:06}", size / 1_000_000, size % 1_000_000),
                Form::Prometheus => write!(text, " {}", micros.div_euclid(1000)),
            };
        }
        text.push('\n');
    }

    /// The text, ended as its form wants.
    pub fn end(mut self) -> String {
        if self.form == Form::OpenMetrics {
            self.text.push_str("# EOF\n");
        }
        self.text
    }
}

/// Adds a text in which backslashes and ends of lines are escaped, and quotes where they would end it.
fn escape(text: &mut String, plain: &str, quotes: bool) {
    for c in plain.chars() {
        match c {
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '"' if quotes => text.push_str("\\\""),
            other => text.push(other),
        }
    }
}

#[cfg(test)]
pub mod grammar {
    //! A reader of the text forms that refuses whatever their grammars do not allow.

    use std::collections::{BTreeMap, BTreeSet};

    use super::Form;

    /// A sample as it was read: its name, its labels, its value.
    pub type Read = (String, BTreeMap<String, String>, f64);

    fn is_name(text: &str, also: char) -> bool {
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == also;
        !text.is_empty() && text.chars().all(fits) && !text.starts_with(|c: char| c.is_ascii_digit())
    }

    /// Takes a text up to the quote that ends it, which has to be there; gives what is left.
    fn quoted(rest: &str) -> Option<(String, &str)> {
        let (mut value, mut chars) = (String::new(), rest.char_indices());
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => return Some((value, &rest[at + 1..])),
                '\\' => value.push(match chars.next()?.1 {
                    'n' => '\n',
                    escaped @ ('\\' | '"') => escaped,
                    _ => return None,
                }),
                other => value.push(other),
            }
        }
        None
    }

    fn sample(line: &str) -> Option<(Read, Option<&str>)> {
        let end = line.find(['{', ' '])?;
        let (name, mut rest) = line.split_at(end);
        let mut labels = BTreeMap::new();
        if let Some(inside) = rest.strip_prefix('{') {
            rest = inside;
            loop {
                let (label, after) = rest.split_once("=\"")?;
                let (value, after) = quoted(after)?;
                if !is_name(label, '_') || labels.insert(label.to_owned(), value).is_some() {
                    return None;
                }
                match after.split_at_checked(1)? {
                    (",", more) => rest = more,
                    ("}", more) => break rest = more,
                    _ => return None,
                }
            }
        }
        let mut words = rest.strip_prefix(' ')?.split(' ');
        let value = match words.next()? {
            "+Inf" => f64::INFINITY,
            "-Inf" => f64::NEG_INFINITY,
            "NaN" => f64::NAN,
            number if number.starts_with(|c: char| c == '-' || c.is_ascii_digit()) => number.parse().ok()?,
            _ => return None,
        };
        let time = words.next();
        (is_name(name, ':') && words.next().is_none()).then(|| ((name.to_owned(), labels, value), time))
    }

    /// Reads a text; an error says which line is not allowed, and why.
    pub fn read(form: Form, text: &str) -> Result<Vec<Read>, String> {
        let open = form == Form::OpenMetrics;
        let body = if open { text.strip_suffix("# EOF\n").ok_or("there is no end")? } else { text };
        if !body.is_empty() && !body.ends_with('\n') {
            return Err("the last line has no end".to_owned());
        }
        let (mut families, mut series, mut samples) = (BTreeSet::new(), BTreeSet::new(), vec![]);
        let (mut family, mut kind, mut said) = (String::new(), String::new(), BTreeSet::new());
        for line in body.lines() {
            let wrong = |why: &str| Err(format!("{why}: {line}"));
            if let Some(comment) = line.strip_prefix("# ") {
                let mut words = comment.splitn(3, ' ');
                let (Some(word), Some(name), Some(rest)) = (words.next(), words.next(), words.next()) else {
                    return wrong("half a comment");
                };
                if name != family {
                    if !families.insert(name.to_owned()) {
                        return wrong("a family twice");
                    }
                    (family, kind, said) = (name.to_owned(), String::new(), BTreeSet::new());
                }
                if !said.insert(word.to_owned()) || said.contains("sample") {
                    return wrong("not before the samples, or twice");
                }
                match word {
                    "TYPE" if matches!(rest, "gauge" | "counter") => rest.clone_into(&mut kind),
                    "UNIT" if open && name.ends_with(&format!("_{rest}")) => {}
                    "HELP" => {
                        let plain = rest.replace("\\\\", "").replace("\\n", "").replace("\\\"", "");
                        if plain.contains('\\') || open && plain.contains('"') {
                            return wrong("an escape that there is not");
                        }
                    }
                    _ => return wrong("no such comment"),
                }
                if open && kind == "counter" && name.ends_with("_total") {
                    return wrong("the family of a counter has no _total");
                }
                continue;
            }
            let Some((read, time)) = sample(line) else { return wrong("no sample") };
            let expected = if open && kind == "counter" { format!("{family}_total") } else { family.clone() };
            if read.0 != expected {
                return wrong("of another family");
            }
            if kind == "counter" && (read.2.is_nan() || read.2 < 0.0) {
                return wrong("a counter below zero");
            }
            let fits = |time: &str| time.parse::<f64>().is_ok() && (open || time.parse::<i64>().is_ok());
            if time.is_some_and(|time| !fits(time)) {
                return wrong("no time");
            }
            if !series.insert((read.0.clone(), read.1.clone(), time.map(str::to_owned))) {
                return wrong("a series twice");
            }
            said.insert("sample".to_owned());
            samples.push(read);
        }
        Ok(samples)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn text(form: Form) -> String {
        let mut text = Exposition::new(form);
        text.family("cpu_seconds_total", MetricKind::Counter, "seconds", "Used \"cpu\"\\\nof all");
        let time = Timestamp::from_micros(1_700_000_000_250_000);
        text.sample("cpu_seconds_total", &labels(&[("cage", "0\"01"), ("path", "a\\b\nc")]), 1.5, Some(time));
        text.family("load1", MetricKind::Gauge, "", "");
        text.sample("load1", &labels(&[]), f64::INFINITY, None);
        text.end()
    }

    #[test]
    fn both_forms_say_it_their_way() {
        assert_eq!(
            text(Form::OpenMetrics),
            "# TYPE cpu_seconds counter\n# UNIT cpu_seconds seconds\n# HELP cpu_seconds Used \\\"cpu\\\"\\\\\\nof all\n\
             cpu_seconds_total{cage=\"0\\\"01\",path=\"a\\\\b\\nc\"} 1.5 1700000000.250000\n# TYPE load1 gauge\nload1 +Inf\n# EOF\n"
        );
        assert_eq!(
            text(Form::Prometheus),
            "# TYPE cpu_seconds_total counter\n# HELP cpu_seconds_total Used \"cpu\"\\\\\\nof all\n\
             cpu_seconds_total{cage=\"0\\\"01\",path=\"a\\\\b\\nc\"} 1.5 1700000000250\n# TYPE load1 gauge\nload1 +Inf\n"
        );
    }

    #[test]
    fn a_unit_is_said_only_of_names_that_end_in_it() {
        for (name, said) in [("a_tokens", true), ("a_tokens_window", false), ("atokens", false), ("tokens", false)] {
            let mut text = Exposition::new(Form::OpenMetrics);
            text.family(name, MetricKind::Gauge, "tokens", "");
            assert_eq!(text.end().contains("# UNIT"), said, "{name}");
        }
    }

    #[test]
    fn what_is_accepted_decides_the_form() {
        for (header, form) in [
            ("", Form::Prometheus),
            ("*/*", Form::Prometheus),
            ("text/html", Form::Prometheus),
            ("application/openmetrics-text", Form::OpenMetrics),
            ("Application/OpenMetrics-Text; Version=1.0.0", Form::OpenMetrics),
            ("application/openmetrics-text; version=2.0.0, text/plain;q=0.1", Form::Prometheus),
            (
                "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
                Form::OpenMetrics,
            ),
            ("application/openmetrics-text;q=0.2,text/plain;q=0.9", Form::Prometheus),
            ("application/openmetrics-text;q=0", Form::Prometheus),
            ("application/openmetrics-text;q=often", Form::Prometheus),
        ] {
            assert_eq!(Form::accepted(header), form, "{header}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_written_can_be_read(
            series in proptest::collection::vec(
                (proptest::collection::btree_map("[a-z_][a-z0-9_]{0,5}", ".{0,12}|[\\\\\"\n]{1,4}", 0..4), any::<f64>()), 0..20,
            ),
            description in ".{0,20}", open in any::<bool>(),
        ) {
            let form = if open { Form::OpenMetrics } else { Form::Prometheus };
            let mut text = Exposition::new(form);
            text.family("some_bytes", MetricKind::Gauge, "bytes", &description.replace('\r', ""));
            let mut expected: Vec<grammar::Read> = vec![];
            for (labels, value) in series {
                let labels: BTreeMap<_, _> =
                    labels.into_iter().map(|(name, value)| (name, value.replace('\r', ""))).collect();
                if expected.iter().all(|known| known.1 != labels) {
                    text.sample("some_bytes", &labels, value, None);
                    expected.push(("some_bytes".to_owned(), labels, value));
                }
            }
            let read = grammar::read(form, &text.end()).map_err(TestCaseError::fail)?;
            prop_assert_eq!(format!("{:?}", read), format!("{:?}", expected));
        }
    }

    #[test]
    fn the_reader_of_the_tests_refuses_what_is_wrong() {
        for wrong in [
            "a 1\n",
            "# TYPE a gauge\na 1\n",
            "# TYPE a gauge\na 1\na 1\n# EOF\n",
            "# TYPE a gauge\na{b=\"\\q\"} 1\n# EOF\n",
            "# TYPE a gauge\na{b=\"c} 1\n# EOF\n",
            "# TYPE a_total counter\na_total 1\n# EOF\n",
            "# TYPE a counter\na 1\n# EOF\n",
            "# TYPE a gauge\nb 1\n# EOF\n",
            "# TYPE a gauge\na one\n# EOF\n",
            "# TYPE a gauge\n# UNIT a bytes\na 1\n# EOF\n",
            "# TYPE a gauge\n# TYPE b gauge\n# TYPE a gauge\n# EOF\n",
        ] {
            assert!(grammar::read(Form::OpenMetrics, wrong).is_err(), "{wrong}");
        }
        assert!(grammar::read(Form::OpenMetrics, &text(Form::OpenMetrics)).is_ok());
        assert!(grammar::read(Form::Prometheus, &text(Form::Prometheus)).is_ok());
    }
}
