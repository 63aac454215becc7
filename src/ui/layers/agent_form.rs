//! A form with all that is declared about an agent. Tab goes from field to field; what is wrong is said at its field; only what was
//! changed is sent.

use std::fmt::Display;
use std::str::FromStr;

use crossterm::event::KeyCode;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::api::types::WireCommand;
use crate::domain::agent::{AgentKind, Division, Participant, Runtime, StreamFormat, Tier};
use crate::domain::{Agent, AgentPatch, AgentSpec, Refusal, Workspace};
use crate::ui::declaration_lines;
use crate::ui::key::Key;
use crate::ui::layer::Layer;
use crate::ui::look::Look;
use crate::ui::names::Names;
use crate::ui::request::{Answer, Request, Ticket};
use crate::ui::screen::Out;
use crate::ui::scrollbars::Scrolls;
use crate::ui::step::{Order, Step};
use crate::ui::text;
use crate::ui::theme::Role;
use crate::ui::verb;
use crate::ui::widgets;
use crate::ui::widgets::input::Input;

/// Lines below the fields: what the field takes, or what is wrong.
const HELP_LINES: u16 = 2;
/// Columns of the labels.
const LABEL: usize = 15;
/// What a list is written as.
const WORDS: &str = "words with blanks between them; quotes hold together what has blanks itself";

/// One field: its name in refusals and on the form, what it takes, how it reads, and how it is said.
struct Field {
    name: &'static str,
    label: &'static str,
    help: fn() -> String,
    read: fn(&AgentSpec) -> String,
    put: fn(&mut AgentPatch, &AgentSpec, &str) -> Result<(), String>,
}

const FIELDS: &[Field] = &[
    Field {
        name: "display_name",
        label: "display name",
        help: || "a name for people; empty for the name itself".to_owned(),
        read: |spec| or_empty(spec.display_name.as_ref()),
        put: |patch, _, text| said(&mut patch.display_name, parsed(text)),
    },
    Field {
        name: "kind",
        label: "kind",
        help: || format!("what it is for: {}", one_of(AgentKind::ALL)),
        read: |spec| spec.kind.to_string(),
        put: |patch, _, text| said(&mut patch.kind, parsed(text).map(|kind| kind.unwrap_or(AgentKind::TaskExecutor))),
    },
    Field {
        name: "division",
        label: "division",
        help: || format!("where it belongs: {}; or empty", one_of(Division::ALL)),
        read: |spec| or_empty(spec.division),
        put: |patch, _, text| said(&mut patch.division, parsed(text)),
    },
    Field {
        name: "participant",
        label: "participant",
        help: || format!("what part it takes in a conversation: {}; or empty", one_of(Participant::ALL)),
        read: |spec| or_empty(spec.participant),
        put: |patch, _, text| said(&mut patch.participant, parsed(text)),
    },
    Field {
        name: "role",
        label: "role",
        help: || "any word: coder, tester".to_owned(),
        read: |spec| or_empty(spec.role.as_ref()),
        put: |patch, _, text| said(&mut patch.role, parsed(text)),
    },
    Field {
        name: "tier",
        label: "tier",
        help: || format!("how high it stands: {}; or empty", one_of(Tier::ALL)),
        read: |spec| or_empty(spec.tier),
        put: |patch, _, text| said(&mut patch.tier, parsed(text)),
    },
    Field {
        name: "reports_to",
        label: "reports to",
        help: || "the name of the agent above it; empty for nobody".to_owned(),
        read: |spec| or_empty(spec.reports_to.as_ref()),
        put: |patch, _, text| said(&mut patch.reports_to, parsed(text)),
    },
    Field {
        name: "capabilities",
        label: "capabilities",
        help: || format!("what it can do, {WORDS}; with parameters 'review={{\"languages\":[\"rust\"]}}'"),
        read: |spec| words(spec.capabilities.iter().map(ToString::to_string)),
        put: |patch, _, text| {
            let all = verb::split(text)?.iter().map(|word| word.parse()).collect::<Result<_, Refusal>>();
            said(&mut patch.capabilities, all.map_err(|refusal| refusal.to_string()))
        },
    },
    Field {
        name: "specializations",
        label: "knows well",
        help: || format!("what it knows well: {WORDS}"),
        read: |spec| words(spec.specializations.iter().cloned()),
        put: |patch, _, text| said(&mut patch.specializations, verb::split(text)),
    },
    Field {
        name: "tools_available",
        label: "tools",
        help: || format!("tools it can use: {WORDS}"),
        read: |spec| words(spec.tools_available.iter().cloned()),
        put: |patch, _, text| said(&mut patch.tools_available, verb::split(text)),
    },
    Field {
        name: "keywords",
        label: "keywords",
        help: || format!("words that point to it: {WORDS}"),
        read: |spec| words(spec.keywords.iter().cloned()),
        put: |patch, _, text| said(&mut patch.keywords, verb::split(text)),
    },
    Field {
        name: "concurrency",
        label: "at a time",
        help: || format!("how many tasks at a time, 1 to {}", AgentSpec::CONCURRENCY_MAX),
        read: |spec| spec.concurrency.to_string(),
        put: |patch, _, text| {
            let number = text.parse().map_err(|_| format!("{text:?} is no number of tasks"));
            said(&mut patch.concurrency, number)
        },
    },
    Field {
        name: "cage",
        label: "cage",
        help: || "the number of the cage it lives in; empty for any vacant one while it works".to_owned(),
        read: |spec| or_empty(spec.cage),
        put: |patch, _, text| said(&mut patch.cage, parsed(text)),
    },
    Field {
        name: "owner",
        label: "owner",
        help: || "the user that owns it, by name, address or id".to_owned(),
        read: |spec| or_empty(spec.owner.as_ref()),
        put: |patch, _, text| {
            patch.owner = Some(text.to_owned());
            Ok(())
        },
    },
    Field {
        name: "command",
        label: "command",
        help: || "a program and its words, quotes hold together; empty where tasks bring their own".to_owned(),
        read: |spec| words(runtime(spec).0.iter().cloned()),
        put: |patch, _, text| said(&mut patch.command, verb::split(text)),
    },
    Field {
        name: "env",
        label: "environment",
        help: || "NAME=VALUE with blanks between them; quotes hold together what has blanks itself".to_owned(),
        read: |spec| {
            let variable = |(name, value): (&String, &Value)| match value {
                Value::String(text) => format!("{name}={text}"),
                other => format!("{name}={other}"),
            };
            words(runtime(spec).1.iter().map(variable))
        },
        put: |patch, spec, text| said(&mut patch.env, variables(text, runtime(spec).1)),
    },
    Field {
        name: "workdir",
        label: "starts in",
        help: || "the folder in which its command starts, absolute; empty for the cage's working folder".to_owned(),
        read: |spec| or_empty(runtime(spec).2),
        put: |patch, _, text| said(&mut patch.workdir, parsed(text)),
    },
    Field {
        name: "format",
        label: "speaks",
        help: || format!("the language in which it says what it does: {}", one_of(StreamFormat::ALL)),
        read: |spec| runtime(spec).3.to_string(),
        put: |patch, _, text| said(&mut patch.format, parsed(text).map(Option::unwrap_or_default)),
    },
    Field {
        name: "workspace",
        label: "works on",
        help: || {
            "PATH@COMMIT of a git repository, with a blank and a branch behind it to merge into; or empty".to_owned()
        },
        read: |spec| runtime(spec).4.map(repository).unwrap_or_default(),
        put: |patch, _, text| said(&mut patch.workspace, workspace(text)),
    },
    Field {
        name: "configuration",
        label: "configuration",
        help: || "settings and constraints as JSON: {\"settings\": {...}, \"constraints\": {...}}".to_owned(),
        read: |spec| serde_json::to_string(&spec.configuration).unwrap_or_default(),
        put: |patch, _, text| said(&mut patch.configuration, json(text)),
    },
    Field {
        name: "resource_config",
        label: "resources",
        help: || "anything about its resources, as a JSON object".to_owned(),
        read: |spec| serde_json::to_string(&spec.resource_config).unwrap_or_default(),
        put: |patch, _, text| said(&mut patch.resource_config, json(text)),
    },
];

type Parts<'a> = (&'a [String], &'a Map<String, Value>, Option<&'a String>, StreamFormat, Option<&'a Workspace>);

/// What a runtime is made of.
fn runtime(spec: &AgentSpec) -> Parts<'_> {
    let Runtime::Command { command, env, workdir, format, workspace } = &spec.runtime;
    (command, env, workdir.as_ref(), *format, workspace.as_ref())
}

fn or_empty(value: Option<impl Display>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

fn one_of<T: Display>(all: &[T]) -> String {
    all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn words(words: impl Iterator<Item = String>) -> String {
    words.map(|word| verb::quote(&word)).collect::<Vec<_>>().join(" ")
}

/// Puts what was read into its place.
fn said<T>(place: &mut Option<T>, read: Result<T, String>) -> Result<(), String> {
    *place = Some(read?);
    Ok(())
}

/// A value, where one is written.
fn parsed<T>(written: &str) -> Result<Option<T>, String>
where
    T: FromStr,
    T::Err: Display,
{
    if written.is_empty() { Ok(None) } else { written.parse().map(Some).map_err(|error: T::Err| error.to_string()) }
}

fn json<T: DeserializeOwned + Default>(text: &str) -> Result<T, String> {
    if text.is_empty() {
        return Ok(T::default());
    }
    if !text.starts_with('{') {
        return Err(format!("{text} is not allowed; allowed: a JSON object, such as {{\"name\": \"value\"}}"));
    }
    serde_json::from_str(text).map_err(|error| error.to_string())
}

/// `NAME=VALUE` words. One that reads as it did keeps its value, which may be a number.
fn variables(text: &str, before: &Map<String, Value>) -> Result<Map<String, Value>, String> {
    let read = |word: &String| {
        let (name, value) = word.split_once('=').ok_or_else(|| format!("{word:?} is no NAME=VALUE"))?;
        let kept = before.get(name).filter(|kept| !kept.is_string());
        let kept = kept.filter(|kept| {
            let written = kept.to_string();
            written == value
        });
        Ok((name.to_owned(), kept.cloned().unwrap_or_else(|| value.into())))
    };
    verb::split(text)?.iter().map(read).collect()
}

fn repository(workspace: &Workspace) -> String {
    let path = format!("{}@{}", workspace.repository, workspace.base);
    words(std::iter::once(path).chain(workspace.merge.clone()))
}

fn workspace(text: &str) -> Result<Option<Workspace>, String> {
    match &verb::split(text)?[..] {
        [] => Ok(None),
        [path, rest @ ..] if rest.len() < 2 => {
            let workspace: Workspace = path.parse().map_err(|refusal: Refusal| refusal.to_string())?;
            Ok(Some(Workspace { merge: rest.first().cloned(), ..workspace }))
        }
        _ => Err("write PATH@COMMIT, and perhaps a branch to merge into".to_owned()),
    }
}

/// The form.
pub struct AgentForm {
    id: String,
    name: String,
    asked: Option<Ticket>,
    /// The agent as it was when the form was opened; `None` until it has come.
    agent: Option<Agent>,
    /// What each field said then.
    before: Vec<String>,
    inputs: Vec<Input>,
    at: usize,
    /// The first field in sight, and how many are.
    top: usize,
    room: usize,
    /// The field that is wrong, and why.
    problem: Option<(usize, String)>,
    /// What the engine is asked about before it is done, so that nothing that was typed goes with a refusal.
    tried: Option<(Ticket, Order)>,
}

impl AgentForm {
    /// For the agent of an id.
    pub fn new(id: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            name: name.into(),
            asked: None,
            agent: None,
            before: Vec::new(),
            inputs: Vec::new(),
            at: 0,
            top: 0,
            room: 1,
            problem: None,
            tried: None,
        }
    }

    /// What was changed, or which field is wrong and why.
    fn changes(&self, agent: &Agent) -> Result<AgentPatch, (usize, String)> {
        let mut patch = AgentPatch::default();
        for (place, (field, input)) in FIELDS.iter().zip(&self.inputs).enumerate() {
            let text = input.text().trim();
            if self.before.get(place).is_none_or(|before| before.trim() != text) {
                (field.put)(&mut patch, &agent.spec, text).map_err(|why| (place, why))?;
            }
        }
        patch
            .over(&agent.spec)
            .check()
            .map_err(|refusal| (field_of(&refusal.field).unwrap_or(self.at), refusal.to_string()))?;
        Ok(patch)
    }

    fn finish(&mut self, out: &mut Out) {
        let Some(agent) = &self.agent else { return };
        match self.changes(agent) {
            Ok(changes) if changes.is_empty() => {
                self.problem = Some((self.at, "nothing is changed yet; Esc leaves it".to_owned()));
            }
            Ok(changes) => {
                let line = declaration_lines::agent_change(&self.name, &changes);
                let title = format!("change agent {}", self.name);
                let command = WireCommand::SetAgent { id: self.id.clone(), changes: Box::new(changes) };
                let ticket = out.ask(None, Request::WhatIf(Box::new(command.clone())));
                self.tried = Some((ticket, Order { command, line, title }));
            }
            Err((place, why)) => (self.at, self.problem) = (place, Some((place, why))),
        }
        self.settle();
    }

    /// Keeps the field that is written in in sight.
    fn settle(&mut self) {
        let last = FIELDS.len().saturating_sub(self.room);
        self.top = self.top.min(self.at).min(last).max((self.at + 1).saturating_sub(self.room));
    }

    /// Where it is drawn.
    fn frame(area: Rect) -> Rect {
        let rows = u16::try_from(FIELDS.len()).unwrap_or(24);
        widgets::middle(area, area.width.saturating_sub(4).min(110), (rows + HELP_LINES + 4).min(area.height - 2))
    }

    fn draw_field(&self, frame: &mut Frame<'_>, row: Rect, place: usize, look: &Look<'_>) {
        let (Some(field), Some(input)) = (FIELDS.get(place), self.inputs.get(place)) else { return };
        let label = text::pad_left(field.label, LABEL);
        if place == self.at {
            let pointer = look.sign("▶ ", "> ");
            input.draw(frame, row, &format!(" {label} {pointer}"), look);
            return;
        }
        let wrong = self.problem.as_ref().is_some_and(|(wrong, _)| *wrong == place);
        let changed = self.before.get(place).is_some_and(|before| before.trim() != input.text().trim());
        let role = if wrong { Role::Bad } else { Role::Dim };
        let sign = if changed { "* " } else { "  " };
        let room = usize::from(row.width).saturating_sub(LABEL + 5);
        // Of a long script no more is looked at than can be shown.
        let head = &input.text()[..input.text().floor_char_boundary(room * 64)];
        let spans = vec![
            Span::styled(format!(" {label} "), look.style(role)),
            Span::styled(sign, look.style(Role::Accent)),
            Span::styled(text::fit(&text::clean(head), room).into_owned(), look.style(Role::Text)),
        ];
        frame.render_widget(Line::from(spans), row);
    }
}

/// The field of the form that a refusal begins with: `agent x: runtime.env.NAME`.
fn field_of(words: &str) -> Option<usize> {
    let mut parts = words.split([' ', '.', ':']);
    parts.find_map(|part| FIELDS.iter().position(|field| field.name == part))
}

impl Layer for AgentForm {
    fn name(&self) -> &'static str {
        "agent"
    }

    fn opened(&mut self, out: &mut Out) {
        self.asked = Some(out.ask(None, Request::Agent(self.id.clone())));
    }

    fn answer(&mut self, ticket: Ticket, answer: &Result<Answer, String>, out: &mut Out) -> bool {
        if let Some((_, order)) = self.tried.take_if(|(asked, _)| *asked == ticket) {
            let refused = match answer {
                Ok(Answer::WhatIf(found)) => {
                    found.items.iter().find_map(|item| item.refusal.as_ref()).map(ToString::to_string)
                }
                Ok(_) => Some("the engine answered something else".to_owned()),
                Err(why) => Some(why.clone()),
            };
            if let Some(why) = refused {
                self.problem = Some((field_of(&why).unwrap_or(self.at), why));
            } else {
                out.step(Step::Close);
                out.step(Step::Order(order));
            }
            return true;
        }
        if self.asked.take_if(|asked| *asked == ticket).is_none() {
            return false;
        }
        match answer {
            Ok(Answer::Agent(agent)) => {
                self.before = FIELDS.iter().map(|field| (field.read)(&agent.spec)).collect();
                self.inputs = self.before.iter().map(Input::new).collect();
                self.agent = Some((**agent).clone());
                out.name(std::iter::once(agent.id));
            }
            Ok(_) => self.problem = Some((0, "the engine answered something else".to_owned())),
            Err(why) => self.problem = Some((0, why.clone())),
        }
        true
    }

    fn key(&mut self, key: Key, out: &mut Out) {
        let count = FIELDS.len();
        match key.code {
            KeyCode::Esc => out.step(Step::Close),
            KeyCode::Enter => self.finish(out),
            KeyCode::Tab if key.shift => self.at = (self.at + count - 1) % count,
            KeyCode::Up => self.at = self.at.saturating_sub(1),
            KeyCode::Tab => self.at = (self.at + 1) % count,
            KeyCode::Down => self.at = (self.at + 1).min(count - 1),
            KeyCode::PageDown => self.at = (self.at + self.room).min(count - 1),
            KeyCode::PageUp => self.at = self.at.saturating_sub(self.room),
            _ => {
                if self.inputs.get_mut(self.at).is_some_and(|input| input.key(key)) {
                    (self.problem, self.tried) = (None, None);
                }
            }
        }
        self.settle();
    }

    fn paste(&mut self, text: &str, _: &mut Out) {
        if let Some(input) = self.inputs.get_mut(self.at) {
            input.insert(text);
            self.problem = None;
        }
    }

    fn scroll(&mut self, rows: i64, _: &mut Out) {
        let by = isize::try_from(rows).unwrap_or(0);
        self.at = self.at.saturating_add_signed(by).min(FIELDS.len() - 1);
        self.settle();
    }

    fn layout(&mut self, area: Rect, names: &Names) {
        self.room = usize::from(Self::frame(area).height.saturating_sub(HELP_LINES + 4)).max(1);
        self.settle();
        // Who owns it stands beside what is declared, by id; the name may come later.
        let place = FIELDS.iter().position(|field| field.name == "owner").unwrap_or(0);
        let owner = self.agent.as_ref().and_then(|agent| names.of(agent.owner));
        if let (Some(owner), Some(before), Some(input)) =
            (owner, self.before.get_mut(place), self.inputs.get_mut(place))
            && before.is_empty()
        {
            owner.clone_into(before);
            if input.text().is_empty() {
                *input = Input::new(owner);
            }
        }
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, look: &Look<'_>) {
        let inner = widgets::dialog(frame, Self::frame(area), &format!("change agent {}", self.name), look);
        let room = usize::from(inner.width).saturating_sub(2);
        let Some(agent) = &self.agent else {
            let words = self.problem.as_ref().map_or("asking the engine …", |(_, why)| why.as_str());
            widgets::center_wrapped(frame, inner, words, Role::Dim, look);
            return;
        };
        let rows = u16::try_from(self.room).unwrap_or(1);
        // The field that is written in is drawn last, because the terminal's cursor stays where it was put last.
        let others = (self.top..(self.top + self.room).min(FIELDS.len())).filter(|place| *place != self.at);
        for place in others.chain([self.at]) {
            let y = inner.y + u16::try_from(place.saturating_sub(self.top)).unwrap_or(0);
            self.draw_field(frame, Rect { y, height: 1, width: inner.width - 1, ..inner }, place, look);
        }
        let list = Rect { height: rows, ..inner };
        let sight = (self.top as u64, u64::from(rows), FIELDS.len() as u64);
        widgets::scrollbar(frame, list, Scrolls::Layer, sight, look);
        let (role, words) = match &self.problem {
            Some((_, why)) => (Role::Bad, why.clone()),
            None => (Role::Hint, FIELDS.get(self.at).map(|field| (field.help)()).unwrap_or_default()),
        };
        for (line, words) in (0..HELP_LINES).zip(widgets::wrap(&words, room)) {
            let row = Rect { y: inner.y + rows + 1 + line, height: 1, ..inner };
            frame.render_widget(Line::styled(format!(" {words}"), look.style(role)), row);
        }
        let row = Rect { y: inner.bottom() - 1, height: 1, ..inner };
        let shown = match self.changes(agent) {
            Ok(changes) if !changes.is_empty() => declaration_lines::agent_change(&self.name, &changes),
            _ => String::new(),
        };
        let shown = text::fit(&text::clean(&shown), room).into_owned();
        frame.render_widget(Line::styled(format!(" {shown}"), look.style(Role::Dim)), row);
    }

    fn hints(&self) -> Vec<(String, String)> {
        let hint = |key: &str, title: &str| (key.to_owned(), title.to_owned());
        vec![hint("enter", "change it"), hint("tab", "next field"), hint("esc", "leave")]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_field_reads_as_it_is_written() {
        let spec: AgentSpec = serde_json::from_value(json!({
            "name": "ann", "display_name": "Ann O'Hara", "kind": "monitoring", "division": "space",
            "participant": "custom", "role": "coder", "tier": "lead", "reports_to": "boss",
            "specializations": ["query plans", "b"], "tools_available": ["git"], "keywords": ["it's"],
            "capabilities": [{"type": "review", "parameters": {"languages": ["rust"]}}, "d"], "concurrency": 3,
            "cage": "004", "owner": "rita", "configuration": {"settings": {"a": 1}}, "resource_config": {"b": 2},
            "runtime": {"type": "command", "command": ["sh", "-c", "a b"], "env": {"A": 1, "B": "x y"}, "workdir": "/w",
                "format": "claude", "workspace": {"repository": "/r", "base": "dev", "merge": "main"}},
        }))
        .unwrap();
        let mut patch = AgentPatch::default();
        for field in FIELDS {
            (field.put)(&mut patch, &spec, &(field.read)(&spec)).unwrap();
        }
        assert_eq!(patch.over(&AgentSpec::new("ann")), spec);
        assert_eq!(serde_json::to_value(&patch).unwrap().as_object().unwrap().len(), FIELDS.len());
        // What is empty is cleared, where it can be.
        for field in FIELDS.iter().filter(|field| !["concurrency", "owner"].contains(&field.name)) {
            (field.put)(&mut patch, &spec, "").unwrap_or_else(|why| panic!("{}: {why}", field.name));
        }
        let bare = AgentSpec { concurrency: 3, owner: Some("rita".into()), ..AgentSpec::new("ann") };
        assert_eq!(patch.over(&spec), bare);
    }
}
