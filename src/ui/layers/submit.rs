//! A form for one new task. Tab goes from field to field; what is wrong is said at its field.

use crossterm::event::KeyCode;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use serde_json::Value;

use crate::api::types::WireCommand;
use crate::domain::NewTask;
use crate::domain::task::ArrayRange;
use crate::ui::key::Key;
use crate::ui::layer::Layer;
use crate::ui::look::Look;
use crate::ui::screen::Out;
use crate::ui::step::{Order, Step};
use crate::ui::text;
use crate::ui::theme::Role;
use crate::ui::verb;
use crate::ui::widgets;
use crate::ui::widgets::input::Input;

/// What the editor begins with.
pub const TEMPLATE: &str = r#"# One task a line, as JSON. Lines that begin with # are remarks. What you save is submitted as a whole;
# save nothing but remarks to submit nothing. All fields but "type" may be left out:
#
#   type          what sort of work it is
#   parameters    {"input_data": {...}} for an agent, or {"configuration": {"command": ["make", "test"]}}
#   agent, cage   who must do it (a name), where it must run (a number)
#   requirements  {"cpu": 1.5, "memory": "256MiB", "gpu": 1, "capabilities": ["shell"]}
#   priority      1 to 10, 10 first; 5 when left out
#   deadline      "2h" from now, or an instant such as "2026-01-31T17:00:00Z"
#   timeout       how long one attempt may take: "10m"
#   max_attempts  3 when left out
#   key           a name for this file only, by which other lines can depend on it
#   depends_on    ["KEY-OR-ID", ...]: tasks that must complete first
#   approval_gate true: also wait until what those made is approved
#   array         {"first": 1, "last": 100}: one task for each number
#
# Two examples; take the # away to use them:
#
# {"type": "command", "max_attempts": 1, "parameters": {"configuration": {"command": ["uname", "-a"]}}, "requirements": {"capabilities": ["shell"]}}
# {"type": "analysis", "key": "first", "priority": 7, "parameters": {"input_data": {"path": "src"}}, "deadline": "2h"}

"#;

/// One field: its name in refusals and on the form, and what it takes.
struct Field {
    name: &'static str,
    label: &'static str,
    help: &'static str,
}

const FIELDS: &[Field] = &[
    Field {
        name: "command",
        label: "command",
        help: "a program and its words, quotes hold together: make test. No shell reads it; where one has to, for pipes, \
               globs and variables: sh -c 'ls *.rs | wc -l'. Empty for work that an agent does by its type",
    },
    Field { name: "type", label: "type", help: "what sort of work: processing, analysis, learning or any word" },
    Field { name: "agent", label: "agent", help: "the name of the agent that must do it; empty for any that can" },
    Field { name: "cage", label: "cage", help: "the number of the cage it must run in; empty for any that admits it" },
    Field { name: "priority", label: "priority", help: "1 to 10, 10 first; 5 when empty" },
    Field { name: "deadline", label: "deadline", help: "2h from now, or 2026-01-31T17:00:00Z" },
    Field { name: "cpu", label: "cpu", help: "cores it holds while it runs: 1.5 or 250m" },
    Field { name: "memory", label: "memory", help: "memory it holds while it runs: 256MiB" },
    Field {
        name: "depends_on",
        label: "after",
        help: "ids of tasks that must complete first, with blanks or commas between",
    },
    Field { name: "array", label: "array", help: "FIRST-LAST: one task for each number, in MENAGERIE_ARRAY_INDEX" },
];

/// Lines below the fields: what the field takes, or what is wrong.
const HELP_LINES: u16 = 3;

/// Columns of the labels.
const LABEL: usize = 10;

/// The form.
pub struct Submit {
    inputs: Vec<Input>,
    at: usize,
    /// The field that is wrong, and why.
    problem: Option<(usize, String)>,
}

impl Submit {
    /// An empty form.
    pub fn new() -> Self {
        Self { inputs: FIELDS.iter().map(|_| Input::default()).collect(), at: 0, problem: None }
    }

    fn value(&self, name: &str) -> &str {
        let place = FIELDS.iter().position(|field| field.name == name);
        place.and_then(|place| self.inputs.get(place)).map_or("", |input| input.text().trim())
    }

    /// The task that the form describes, or which field is wrong and why.
    fn task(&self) -> Result<NewTask, (String, String)> {
        let at = |field: &'static str| move |why: String| (field.to_owned(), why);
        let words = verb::split(self.value("command")).map_err(at("command"))?;
        if words.is_empty() && self.value("type").is_empty() {
            return Err(at("command")("write a command, or below the type of work that an agent does".to_owned()));
        }
        let kind = self.value("type");
        let mut task = NewTask::new(if kind.is_empty() { "command" } else { kind });
        task.metadata.source = Some("console".to_owned());
        task.agent = Some(self.value("agent").to_owned()).filter(|name| !name.is_empty());
        if !words.is_empty() {
            // As `menagerie run` has it: tried once, by any agent that runs commands unless one is named.
            task.max_attempts = 1;
            if task.agent.is_none() {
                task.requirements.capabilities.push("shell".to_owned());
            }
            let words = words.into_iter().map(Value::String).collect();
            task.parameters.configuration.insert("command".to_owned(), words);
        }
        task.cage = parsed(self.value("cage")).map_err(at("cage"))?;
        if let Some(priority) = parsed::<u8>(self.value("priority")).map_err(|_| {
            at("priority")(format!("{:?} is no priority: write a number from 1 to 10", self.value("priority")))
        })? {
            task.priority = priority;
        }
        task.deadline = parsed(self.value("deadline")).map_err(at("deadline"))?;
        task.requirements.cpu = parsed(self.value("cpu")).map_err(at("cpu"))?.unwrap_or_default();
        task.requirements.memory = parsed(self.value("memory")).map_err(at("memory"))?.unwrap_or_default();
        let ids = self.value("depends_on").split([',', ' ']).filter(|id| !id.is_empty());
        task.depends_on = ids.map(str::to_owned).collect();
        task.array = range(self.value("array")).map_err(at("array"))?;
        if task.array.is_some() && task.command().is_none() {
            return Err(at("array")("an array is of commands; write one above".to_owned()));
        }
        task.normalise().map_err(|refusal| {
            let field = refusal.field.rsplit('.').next().unwrap_or_default().to_owned();
            (field, refusal.to_string())
        })?;
        Ok(task)
    }

    /// The same on the command line.
    fn line(&self) -> String {
        let options = [
            ("type", "type"),
            ("agent", "agent"),
            ("cage", "cage"),
            ("priority", "priority"),
            ("deadline", "deadline"),
            ("cpu", "cpu"),
            ("memory", "memory"),
            ("depends_on", "after"),
            ("array", "array"),
        ];
        // As it is understood here, word by word: a shell would make something else of what was typed.
        let command = verb::split(self.value("command")).unwrap_or_default();
        let mut line = "menagerie run".to_owned();
        if command.is_empty() {
            line = format!("menagerie task submit {}", verb::quote(self.value("type")));
        }
        for (name, option) in options {
            let value = self.value(name);
            if value.is_empty() || (command.is_empty() && name == "type") {
                continue;
            }
            let value = if name == "depends_on" {
                value.split([',', ' ']).filter(|id| !id.is_empty()).collect::<Vec<_>>().join(",")
            } else {
                value.to_owned()
            };
            line = format!("{line} --{option} {}", verb::quote(&value));
        }
        if command.is_empty() {
            return line;
        }
        let words: Vec<String> = command.iter().map(|word| verb::quote(word)).collect();
        format!("{line} -- {}", words.join(" "))
    }

    fn finish(&mut self, out: &mut Out) {
        match self.task() {
            Ok(task) => {
                let title = format!("submit {}", task.kind);
                let command = WireCommand::SubmitTasks { keep_going: false, tasks: vec![task] };
                out.step(Step::Close);
                out.step(Step::Order(Order { command, line: self.line(), title }));
            }
            Err((field, why)) => {
                // What belongs to no field of the form is said at the first one.
                let place = FIELDS.iter().position(|known| known.name == field).unwrap_or(0);
                (self.at, self.problem) = (place, Some((place, why)));
            }
        }
    }
}

/// What only a shell would make something of in a command, outside of what it would leave alone: the first such sign. Handed to
/// a shell, all of it is as it should be.
fn shell_sign(written: &str) -> Option<&str> {
    let mut words = written.split_whitespace();
    let program = words.next().map_or("", |word| word.rsplit('/').next().unwrap_or(word));
    if SHELLS.contains(&program) && words.any(|word| word.starts_with('-') && word.ends_with('c')) {
        return None;
    }
    let mut quote = None;
    let mut before = ' ';
    for (place, c) in written.char_indices() {
        let begins = before.is_whitespace();
        before = c;
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => quote = Some(c),
            (None, '|' | '&' | ';' | '<' | '>' | '*' | '?') | (None | Some('"'), '$' | '`') => {
                return written.get(place..place + 1);
            }
            (None, '~') if begins => return written.get(place..=place),
            _ => {}
        }
    }
    None
}

/// Programs that read what follows `-c` as a shell does.
const SHELLS: &[&str] = &["sh", "bash", "dash", "zsh", "ksh", "fish"];

/// A value, where one is written.
fn parsed<T>(written: &str) -> Result<Option<T>, String>
where
    T: std::str::FromStr,
    T::Err: std::fmt::Display,
{
    if written.is_empty() { Ok(None) } else { written.parse().map(Some).map_err(|error: T::Err| error.to_string()) }
}

fn range(written: &str) -> Result<Option<ArrayRange>, String> {
    if written.is_empty() {
        return Ok(None);
    }
    let range = written.split_once('-').and_then(|(first, last)| {
        Some(ArrayRange { first: first.trim().parse().ok()?, last: last.trim().parse().ok()? })
    });
    range.map(Some).ok_or_else(|| format!("{written:?} is no range: write FIRST-LAST, such as 1-100"))
}

impl Layer for Submit {
    fn name(&self) -> &'static str {
        "submit"
    }

    fn key(&mut self, key: Key, out: &mut Out) {
        let count = FIELDS.len();
        match key.code {
            KeyCode::Esc => out.step(Step::Close),
            KeyCode::Enter => self.finish(out),
            KeyCode::Char('e') if key.ctrl => {
                out.step(Step::Close);
                out.step(Step::Edit(TEMPLATE.to_owned()));
            }
            KeyCode::Tab if key.shift => self.at = (self.at + count - 1) % count,
            KeyCode::Up => self.at = self.at.saturating_sub(1),
            KeyCode::Tab => self.at = (self.at + 1) % count,
            KeyCode::Down => self.at = (self.at + 1).min(count - 1),
            _ => {
                if let Some(input) = self.inputs.get_mut(self.at)
                    && input.key(key)
                {
                    self.problem = None;
                }
            }
        }
    }

    fn paste(&mut self, text: &str, _: &mut Out) {
        if let Some(input) = self.inputs.get_mut(self.at) {
            input.insert(text);
            self.problem = None;
        }
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, look: &Look<'_>) {
        let rows = u16::try_from(FIELDS.len()).unwrap_or(10);
        let at = widgets::middle(area, area.width.saturating_sub(4).min(96), rows + HELP_LINES + 4);
        let inner = widgets::dialog(frame, at, "a new task", look);
        // The field that is written in is drawn last, because the terminal's cursor stays where it was put last.
        let others = (0..FIELDS.len()).filter(|place| *place != self.at).chain([self.at]);
        for place in others {
            let (Some(field), Some(input)) = (FIELDS.get(place), self.inputs.get(place)) else { continue };
            let row = Rect { y: inner.y + u16::try_from(place).unwrap_or(0), height: 1, ..inner };
            let wrong = self.problem.as_ref().is_some_and(|(wrong, _)| *wrong == place);
            let label = text::pad_left(field.label, LABEL);
            if place == self.at {
                let pointer = look.sign("▶ ", "> ");
                input.draw(frame, row, &format!(" {label} {pointer}"), look);
            } else {
                let role = if wrong { Role::Bad } else { Role::Dim };
                let room = usize::from(row.width).saturating_sub(LABEL + 5);
                let value = text::fit(&text::clean(input.text()), room).into_owned();
                let spans = vec![
                    Span::styled(format!(" {label}   "), look.style(role)),
                    Span::styled(value, look.style(Role::Text)),
                ];
                frame.render_widget(Line::from(spans), row);
            }
        }
        let room = usize::from(inner.width).saturating_sub(2);
        let field = FIELDS.get(self.at);
        let sign = field.filter(|field| field.name == "command").and_then(|_| shell_sign(self.value("command")));
        let (role, words) = match (&self.problem, sign) {
            (Some((_, why)), _) => (Role::Bad, why.clone()),
            (None, Some(sign)) => {
                let shell = verb::quote(self.value("command"));
                (
                    Role::Warn,
                    format!("No shell reads this: {sign} reaches the program as it is. With one: sh -c {shell}"),
                )
            }
            (None, None) => (Role::Hint, field.map_or("", |field| field.help).to_owned()),
        };
        for (line, words) in (0u16..HELP_LINES).zip(widgets::wrap(&words, room)) {
            let row = Rect { y: inner.y + rows + 1 + line, height: 1, ..inner };
            frame.render_widget(Line::styled(format!(" {words}"), look.style(role)), row);
        }
        let row = Rect { y: inner.bottom() - 1, height: 1, ..inner };
        let shown = if self.task().is_ok() { self.line() } else { String::new() };
        let shown = text::fit(&text::clean(&shown), room).into_owned();
        frame.render_widget(Line::styled(format!(" {shown}"), look.style(Role::Dim)), row);
    }

    fn hints(&self) -> Vec<(String, String)> {
        vec![
            ("enter".into(), "submit".into()),
            ("tab".into(), "next field".into()),
            ("ctrl-e".into(), "write it in $EDITOR".into()),
            ("esc".into(), "leave".into()),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_a_shell_would_understand_is_noticed_and_nothing_else() {
        for (written, sign) in [
            ("make test", None),
            ("ls *.rs", Some("*")),
            ("ls | wc", Some("|")),
            ("a && b", Some("&")),
            ("a; b", Some(";")),
            ("a >out", Some(">")),
            ("echo $HOME", Some("$")),
            ("echo \"$HOME\"", Some("$")),
            ("echo '$HOME | *'", None),
            ("echo \"a | b\"", None),
            ("cat ~/x", Some("~")),
            ("cat a~", None),
            ("sh -c 'ls | wc'", None),
            ("/bin/bash -ec \"echo $HOME\"", None),
            ("bash run.sh | tee", Some("|")),
            ("grep -c x* y", Some("*")),
            ("echo 'open", None),
        ] {
            assert_eq!(shell_sign(written), sign, "{written}");
        }
    }
}
