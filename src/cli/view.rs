//! Reading the engine's JSON for people: fields by their path, ages, sizes, names instead of ids.

use std::cell::RefCell;
use std::collections::BTreeMap;

use serde_json::Value;

use super::context::now;
use super::output::Role;
use super::table::Cell;
use crate::api::client::{Client, encode};
use crate::domain::{Activity, Actor, Bytes, Cpu, Timestamp, User, Workspace};

/// What stands for something that is not known or does not apply.
pub const NOTHING: &str = "-";

/// The value at a path such as `review.state`; null when there is none.
pub fn at<'a>(value: &'a Value, path: &str) -> &'a Value {
    path.split('.').try_fold(value, |value, key| value.get(key)).unwrap_or(&Value::Null)
}

/// The value at a path as text: empty for null, JSON for lists and objects.
pub fn text(value: &Value, path: &str) -> String {
    match at(value, path) {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The value at a path as text, with a dash for nothing.
pub fn text_or_dash(value: &Value, path: &str) -> String {
    or_dash(text(value, path))
}

/// The value at a path as text, with another for nothing.
pub fn text_or(value: &Value, path: &str, nothing: &str) -> String {
    let text = text(value, path);
    if text.is_empty() { nothing.to_owned() } else { text }
}

/// What is being done about a task; empty for one that was given up.
pub fn activity(task: &Value) -> String {
    let activity: Option<Activity> = at(task, "activity").as_str().and_then(|word| word.parse().ok());
    activity.map(|activity| activity.phrase(at(task, "live.activity_detail").as_str())).unwrap_or_default()
}

fn or_dash(text: String) -> String {
    if text.is_empty() { NOTHING.to_owned() } else { text }
}

/// A whole number at a path; zero when there is none.
pub fn count(value: &Value, path: &str) -> u64 {
    at(value, path).as_u64().unwrap_or(0)
}

/// The status at a path, in its colour.
pub fn status(value: &Value, path: &str) -> Cell {
    Cell::status(&text_or_dash(value, path))
}

/// How many bytes, for people.
pub fn size(value: &Value, path: &str) -> String {
    match at(value, path) {
        Value::Number(bytes) => Bytes::new(bytes.as_u64().unwrap_or(0)).human(),
        Value::String(text) => text.clone(),
        _ => NOTHING.to_owned(),
    }
}

/// How many cores, from thousandths.
pub fn cores(value: &Value, path: &str) -> String {
    at(value, path).as_u64().map_or_else(|| NOTHING.to_owned(), |millis| Cpu::from_millis(millis).to_string())
}

/// The instant at a path.
pub fn time(value: &Value, path: &str) -> Option<Timestamp> {
    at(value, path).as_str()?.parse().ok()
}

/// How long ago the instant at a path is, such as `3m5s`.
pub fn age(value: &Value, path: &str) -> String {
    time(value, path).map_or_else(|| NOTHING.to_owned(), |time| now().since(time).human())
}

/// The instant at a path to the second, such as `2026-01-31T17:00:00Z`; a dash when there is none.
pub fn second(value: &Value, path: &str) -> String {
    let whole =
        |time: Timestamp| Timestamp::from_micros(time.as_micros().div_euclid(1_000_000) * 1_000_000).to_string();
    // What is left of the fraction are zeros.
    let short = |text: String| text.split_once('.').map_or(text.clone(), |(seconds, _)| format!("{seconds}Z"));
    time(value, path).map_or_else(|| NOTHING.to_owned(), |time| short(whole(time)))
}

/// The instant at a path with how long ago it is; empty when there is none.
pub fn moment(value: &Value, path: &str) -> Cell {
    match time(value, path) {
        Some(time) if time > now() => format!("{time} (in {})", time.since(now()).human()).into(),
        Some(time) => format!("{time} ({} ago)", now().since(time).human()).into(),
        None => Cell::default(),
    }
}

/// How long from one instant to another, or until now while the other has not come.
pub fn between(value: &Value, from: &str, to: &str) -> String {
    match time(value, from) {
        Some(start) => time(value, to).unwrap_or_else(now).since(start).human(),
        None => NOTHING.to_owned(),
    }
}

/// The list of texts at a path, joined.
pub fn joined(value: &Value, path: &str, separator: &str) -> String {
    let one = |item: &Value| match item {
        Value::String(text) => text.clone(),
        Value::Object(map) if map.contains_key("type") => text(item, "type"),
        other => other.to_string(),
    };
    at(value, path)
        .as_array()
        .map(|items| items.iter().map(one).collect::<Vec<_>>().join(separator))
        .unwrap_or_default()
}

/// The program and arguments of a task, as they would be typed.
pub fn command_line(task: &Value) -> String {
    let words = at(task, "parameters.configuration.command").as_array().map_or(&[][..], Vec::as_slice);
    words.iter().filter_map(Value::as_str).map(quote).collect::<Vec<_>>().join(" ")
}

/// The repository that something works on, in words.
pub fn workspace(value: &Value) -> String {
    let workspace: Option<Workspace> = serde_json::from_value(at(value, "workspace").clone()).ok();
    workspace.map(|workspace| workspace.phrase()).unwrap_or_default()
}

/// A word as it would be typed.
pub fn quote(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "_-./:=@%+,{}".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// The lengths at which a UUID reads well: at its hyphens, then whole.
const ID_LENGTHS: [usize; 4] = [13, 18, 23, 36];

/// A text with every id in it as short as ids are shown.
pub fn with_short_ids(text: &str) -> String {
    let is_id = |at: usize| text.get(at..at + 36).is_some_and(|part| uuid::Uuid::try_parse(part).is_ok());
    let (mut short, mut rest) = (String::with_capacity(text.len()), 0);
    for (at, c) in text.char_indices() {
        if at < rest {
            continue;
        }
        // What stands after another word and a dash, as in GPU-8f6b..., is no id of ours.
        if c.is_ascii_hexdigit() && !short.ends_with('-') && is_id(at) {
            short.push_str(&text[at..at + ID_LENGTHS[0]]);
            rest = at + 36;
        } else {
            short.push(c);
        }
    }
    short
}

/// How many digits tell all of these ids apart. Ids made within a millisecond share their front, and the elements of
/// an array all but their last six digits.
pub fn id_length<'a>(ids: impl Iterator<Item = &'a str>) -> usize {
    let mut ids: Vec<&str> = ids.collect();
    ids.sort_unstable();
    ids.dedup();
    let shared = |pair: &[&str]| pair[0].bytes().zip(pair[1].bytes()).take_while(|(a, b)| a == b).count();
    let needed = ids.windows(2).map(|pair| shared(pair) + 1).max().unwrap_or(0);
    ID_LENGTHS.into_iter().find(|length| *length >= needed).unwrap_or(36)
}

/// The ids at a path of each value, shortened so that they differ.
pub struct ShortIds(usize);

impl ShortIds {
    /// For the ids at `path` of these values.
    pub fn of(values: &[Value], path: &str) -> Self {
        Self(id_length(values.iter().filter_map(|value| at(value, path).as_str())))
    }

    /// The same with one group of digits more than these need: there are others of their kind that are not among them.
    pub fn with_spare(values: &[Value], path: &str) -> Self {
        let Self(needed) = Self::of(values, path);
        Self(ID_LENGTHS.into_iter().find(|length| *length > needed).unwrap_or(needed))
    }

    /// One of them.
    pub fn cell(&self, value: &Value, path: &str) -> Cell {
        let id = text_or_dash(value, path);
        Cell::new(id.get(..self.0).unwrap_or(&id), Role::Plain)
    }
}

/// Names of agents by their ids, asked for once each.
pub struct AgentNames<'a> {
    client: &'a Client,
    known: RefCell<BTreeMap<String, String>>,
}

/// More names than this are not asked for in one table; the ids are shown instead.
const NAMES_MAX: usize = 500;

impl<'a> AgentNames<'a> {
    /// Nothing is asked for yet.
    pub fn new(client: &'a Client) -> Self {
        Self { client, known: RefCell::default() }
    }

    /// The name of the agent whose id is at a path.
    pub fn name(&self, value: &Value, path: &str) -> String {
        let Some(id) = at(value, path).as_str() else { return NOTHING.to_owned() };
        if let Some(name) = self.known.borrow().get(id) {
            return name.clone();
        }
        if self.known.borrow().len() >= NAMES_MAX {
            return id.to_owned();
        }
        let found = self.client.get::<Value>(&format!("/v1/agents/{}", encode(id)), &vec![]);
        let name = found.ok().map(|agent| text(&agent, "name")).filter(|name| !name.is_empty());
        let name = name.or_else(|| self.client.last_name(id)).unwrap_or_else(|| id.to_owned());
        self.known.borrow_mut().insert(id.to_owned(), name.clone());
        name
    }
}

/// Who caused a record, by name where that is known.
pub fn actor(text: &str, users: &[User]) -> String {
    match text.parse() {
        Ok(Actor::User(id)) => {
            users.iter().find(|user| user.id == id).map_or_else(|| text.to_owned(), |user| user.name.clone())
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn ids_with_a_spare_are_told_apart_from_those_of_the_same_moment() {
        let one = [json!({"id": "0199a8e3-4b2c-7f3a-9d21-0123456789ab"})];
        let other = json!({"id": "0199a8e3-4b2c-7f3b-9d21-0123456789ab"});
        let both = [one[0].clone(), other.clone()];
        let shown = |ids: &ShortIds, value: &Value| ids.cell(value, "id").text;
        assert_eq!(shown(&ShortIds::of(&one, "id"), &one[0]), "0199a8e3-4b2c");
        assert_eq!(shown(&ShortIds::with_spare(&one, "id"), &one[0]), "0199a8e3-4b2c-7f3a");
        assert_eq!(shown(&ShortIds::with_spare(&both, "id"), &other), "0199a8e3-4b2c-7f3b-9d21");
    }

    #[test]
    fn ids_are_as_short_as_they_may_be() {
        let a = "0199a8e3-4b2c-7f3a-9d21-0123456789ab";
        for (b, length) in [
            ("0199a8e3-4b2d-7f3a-9d21-0123456789ab", 13),
            ("0199a8e3-4b2c-7f3b-9d21-0123456789ab", 18),
            ("0199a8e3-4b2c-7f3a-9d22-0123456789ab", 23),
            ("0199a8e3-4b2c-7f3a-9d21-0123456789ac", 36),
        ] {
            assert_eq!(id_length([a, b].into_iter()), length, "{b}");
        }
        assert_eq!(id_length([a, a].into_iter()), 13);
    }

    #[test]
    fn ids_in_a_text_are_shortened_and_nothing_else() {
        let id = "0199a8e3-4b2c-7f3a-9d21-0123456789ab";
        assert_eq!(with_short_ids(&format!("task {id}: ä {id}")), "task 0199a8e3-4b2c: ä 0199a8e3-4b2c");
        let gpu = format!("GPU 3 (GPU-{id})");
        for text in ["", gpu.as_str(), "0199a8e3-4b2c-7f3a-9d21", "deadbeef and äöü, all of it longer than an id is"]
        {
            assert_eq!(with_short_ids(text), text);
        }
    }

    #[test]
    fn commands_read_as_typed() {
        let task = json!({"parameters": {"configuration": {"command": ["sh", "-c", "echo it's", ""]}}});
        assert_eq!(command_line(&task), "sh -c 'echo it'\\''s' ''");
    }

    #[test]
    fn a_moment_is_shown_to_the_second() {
        let value = json!({"time": "2026-01-31T17:00:59.999999Z", "even": "2026-01-31T17:00:00Z"});
        assert_eq!(second(&value, "time"), "2026-01-31T17:00:59Z");
        assert_eq!(second(&value, "even"), "2026-01-31T17:00:00Z");
        assert_eq!(second(&value, "none"), "-");
    }

    #[test]
    fn paths_lead_nowhere_without_harm() {
        let value = json!({"a": {"b": [{"type": "x"}, "y"]}});
        assert_eq!(joined(&value, "a.b", " "), "x y");
        assert_eq!(text_or_dash(&value, "a.c.d"), "-");
        assert_eq!(age(&value, "a"), "-");
    }
}
