//! Why a task is where it is: every reason, what is needed and what there is, and the smallest change that lets it
//! start.

use crossterm::event::KeyCode;
use ratatui::Frame;
use ratatui::layout::Rect;
use serde::Deserialize;

use crate::api::types::WireCommand;
use crate::domain::{CageId, TaskStatus, Timestamp};
use crate::ui::events_text;
use crate::ui::key::Key;
use crate::ui::layer::Layer;
use crate::ui::list::Motion;
use crate::ui::look::{Look, Mark};
use crate::ui::names::Names;
use crate::ui::pager::{Gutter, Pager, TextLine};
use crate::ui::request::{Answer, Request, Ticket};
use crate::ui::screen::Out;
use crate::ui::scrollbars::Scrolls;
use crate::ui::step::{Order, Step, Tone};
use crate::ui::text;
use crate::ui::theme::Role;
use crate::ui::widgets;

/// What the engine says; what this console does not know of it stays out.
#[derive(Deserialize)]
struct Explanation {
    status: TaskStatus,
    #[serde(default)]
    position: Option<u64>,
    #[serde(default)]
    queued: u64,
    #[serde(default)]
    expected_start: Option<Timestamp>,
    #[serde(default)]
    reasons: Vec<Reason>,
    /// The change as it is typed, where there is a line for it, else in words.
    #[serde(default)]
    change: Option<String>,
    #[serde(default)]
    smallest_change: Option<Change>,
    #[serde(default)]
    cages: Vec<Verdict>,
    #[serde(default)]
    cages_left_out: u64,
}

/// What one cage says.
#[derive(Deserialize)]
struct Verdict {
    cage: CageId,
    admits: bool,
    text: String,
}

/// One reason.
#[derive(Deserialize)]
struct Reason {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    blocking: bool,
    #[serde(default)]
    need: String,
    #[serde(default)]
    have: String,
    text: String,
}

/// What would let it start.
#[derive(Deserialize)]
struct Change {
    text: String,
    #[serde(default)]
    command: Option<WireCommand>,
}

/// The most artifacts whose titles are asked for.
const TITLES_MAX: usize = 200;

/// The most lines of artifacts that stand with the change; all of them stand further down.
const LISTED_MAX: usize = 6;

/// Columns of what sort of reason it is.
const KIND: u16 = 12;

/// The answer to *why is it waiting?*
pub struct Explain {
    id: String,
    name: String,
    ticket: Option<Ticket>,
    found: Option<Result<Explanation, String>>,
    pager: Pager,
    /// The question what the artifacts of the change are called.
    titles_asked: Option<Ticket>,
    /// Whether the lines are those of what is known.
    current: bool,
}

impl Explain {
    /// Asks the engine about a task; `name` is for people.
    pub fn new(id: String, name: String) -> Self {
        Self { id, name, ticket: None, found: None, pager: Pager::new(), titles_asked: None, current: false }
    }

    /// The change that a key makes, where there is one.
    fn change(&self) -> Option<Order> {
        let explanation = self.found.as_ref()?.as_ref().ok()?;
        let change = explanation.smallest_change.as_ref()?;
        let command = change.command.clone()?;
        let typed = explanation.change.clone().filter(|typed| typed.starts_with("menagerie "));
        let line = typed.unwrap_or_else(|| crate::ui::verb::line_of(&command));
        Some(Order { command, line, title: change.text.clone() })
    }

    /// The artifacts that the change judges.
    fn concerned(&self) -> &[String] {
        let explanation = self.found.as_ref().and_then(|found| found.as_ref().ok());
        match explanation.and_then(|explanation| explanation.smallest_change.as_ref()?.command.as_ref()) {
            Some(WireCommand::ReviewArtifacts { ids, .. }) => ids,
            _ => &[],
        }
    }

    /// What the words of the change call by ids, such as artifacts that were rejected.
    fn spoken_of(&self) -> impl Iterator<Item = &str> {
        let explanation = self.found.as_ref().and_then(|found| found.as_ref().ok());
        let change = explanation.and_then(|explanation| explanation.smallest_change.as_ref());
        let mut rest = change.map_or("", |change| &change.text);
        std::iter::from_fn(move || {
            let (_, id, after) = events_text::first_id(rest)?;
            rest = after;
            Some(id)
        })
    }

    /// How many of the artifacts that the change judges are listed with it: all, or with the line that says how many more
    /// there are no more than [`LISTED_MAX`].
    fn listed(&self) -> usize {
        match self.concerned().len() {
            all if all <= LISTED_MAX => all,
            _ => LISTED_MAX - 1,
        }
    }

    fn titles<'a>(&'a self, names: &'a Names) -> impl Iterator<Item = TextLine> + 'a {
        self.concerned().iter().map(|id| TextLine::plain(Role::Text, format!("  {}", names.title(id))))
    }

    fn lines(&self, names: &Names) -> Vec<TextLine> {
        let explanation = match &self.found {
            None => return vec![TextLine::plain(Role::Dim, "asking the engine …")],
            Some(Err(message)) => return vec![TextLine::plain(Role::Bad, message)],
            Some(Ok(explanation)) => explanation,
        };
        let (blocking, others): (Vec<_>, Vec<_>) = explanation.reasons.iter().partition(|reason| reason.blocking);
        // Why it waits in one sentence, then what can be done; the reasons in full may fill screens.
        let mut lines = vec![summary(explanation)];
        lines.extend(in_short(&blocking, names));
        lines.push(TextLine::default());
        let words = explanation.smallest_change.as_ref().map(|change| &change.text).or(explanation.change.as_ref());
        if let Some(words) = words {
            lines.push(TextLine::plain(Role::Heading, "THE SMALLEST CHANGE THAT ADMITS IT"));
            lines.push(TextLine::plain(Role::Accent, names.speak(words)).with_gutter(Gutter::State(Mark::Human)));
            if let Some(order) = self.change() {
                lines.extend(self.titles(names).take(self.listed()));
                if self.listed() < self.concerned().len() {
                    let more = self.concerned().len() - self.listed();
                    lines.push(TextLine::plain(Role::Dim, format!("  and {more} more, all listed below")));
                }
                lines.push(TextLine::plain(Role::Dim, shown_line(&order, self.concerned())));
                lines.push(TextLine::roles([(Role::Key, "a"), (Role::Hint, " shows what it would do, then does it")]));
            }
            lines.push(TextLine::default());
        }
        let holds = !blocking.is_empty();
        if holds {
            lines.push(TextLine::plain(Role::Heading, "WHAT HOLDS IT UP"));
            lines.extend(blocking.into_iter().flat_map(|reason| reason_lines(reason, Mark::Failed, names)));
            lines.push(TextLine::default());
        }
        if !others.is_empty() {
            let heading = if holds { "WHAT DOES NOT" } else { "WHERE IT IS" };
            lines.push(TextLine::plain(Role::Heading, heading));
            lines.extend(others.into_iter().flat_map(|reason| reason_lines(reason, Mark::Done, names)));
            lines.push(TextLine::default());
        }
        if self.listed() < self.concerned().len() {
            lines.push(TextLine::plain(Role::Heading, "ALL THAT THE CHANGE IS ABOUT"));
            lines.extend(self.titles(names));
            lines.push(TextLine::default());
        }
        if !explanation.cages.is_empty() {
            lines.push(TextLine::plain(Role::Heading, "CAGE BY CAGE, THE NEAREST FIRST"));
            lines.extend(explanation.cages.iter().map(verdict_line));
        }
        if explanation.cages_left_out > 0 {
            let words = format!("and {} that are further off", text::count(explanation.cages_left_out));
            lines.push(TextLine::plain(Role::Dim, words));
        }
        lines
    }
}

/// The command line that makes the change. Of several ids, which say nothing to anybody and fill the screen, only how many
/// there are; what is copied has them.
fn shown_line(order: &Order, ids: &[String]) -> String {
    match ids {
        [] | [_] => order.line.clone(),
        ids => order.line.replacen(&ids.join(" "), &format!("… {} ids, y copies them", ids.len()), 1),
    }
}

fn verdict_line(verdict: &Verdict) -> TextLine {
    let (sign, role) = if verdict.admits { (Mark::Done, Role::Text) } else { (Mark::Failed, Role::Dim) };
    let cage = text::pad(&format!("cage {}", verdict.cage), usize::from(KIND));
    TextLine::roles([(Role::Text, cage), (role, verdict.text.clone())]).hanging(KIND).with_gutter(Gutter::State(sign))
}

fn summary(explanation: &Explanation) -> TextLine {
    let mut pieces = vec![(Role::Accent, explanation.status.to_string())];
    if let Some(position) = explanation.position {
        let words = format!(" · {} of {} in the queue", text::count(position), text::count(explanation.queued));
        pieces.push((Role::Text, words));
    }
    if let Some(start) = explanation.expected_start {
        let words = format!(" · expected to start at {}", text::moment(start));
        pieces.push((Role::Text, words));
    } else if explanation.position.is_some() {
        pieces.push((Role::Dim, " · nobody knows when it starts".to_owned()));
    }
    TextLine::roles(pieces)
}

/// The first thing that holds it up, in one sentence, and how many others there are.
fn in_short(blocking: &[&Reason], names: &Names) -> Option<TextLine> {
    let (first, others) = blocking.split_first()?;
    let mut pieces = vec![(Role::Text, names.speak(&first.text))];
    if !others.is_empty() {
        let reasons = if others.len() == 1 { "reason" } else { "reasons" };
        pieces.push((Role::Dim, format!(" (and {} more {reasons}, below)", others.len())));
    }
    Some(TextLine::roles(pieces).with_gutter(Gutter::State(Mark::Failed)))
}

/// The sentence, clause by clause where it names several cages, and what is needed against what there is.
fn reason_lines(reason: &Reason, sign: Mark, names: &Names) -> Vec<TextLine> {
    let kind = text::pad(&text::clean(&reason.kind), usize::from(KIND));
    let role = if sign == Mark::Failed { Role::Text } else { Role::Dim };
    let text = names.speak(&reason.text);
    let mut clauses = text.split("; ");
    let first = clauses.next().unwrap_or_default();
    let mut lines = vec![
        TextLine::roles([(Role::Dim, kind), (role, first.to_owned())]).hanging(KIND).with_gutter(Gutter::State(sign)),
    ];
    let before = " ".repeat(usize::from(KIND));
    lines.extend(clauses.map(|clause| TextLine::plain(role, format!("{before}{clause}")).hanging(KIND)));
    if !reason.need.is_empty() && reason.blocking {
        let have = if reason.have.is_empty() { "?" } else { &reason.have };
        lines.push(TextLine::roles([
            (Role::Dim, format!("{before}needed: ")),
            (Role::Warn, reason.need.clone()),
            (Role::Dim, ", there: ".to_owned()),
            (Role::Warn, have.to_owned()),
        ]));
    }
    lines
}

impl Layer for Explain {
    fn name(&self) -> &'static str {
        "explain"
    }

    fn opened(&mut self, out: &mut Out) {
        self.ticket = Some(out.ask(Some("explain"), Request::Explain(self.id.clone())));
    }

    fn answer(&mut self, ticket: Ticket, answer: &Result<Answer, String>, out: &mut Out) -> bool {
        if self.titles_asked.take_if(|asked| *asked == ticket).is_some() {
            // The console has learned the titles from the answer.
            self.current = false;
            return true;
        }
        if self.ticket != Some(ticket) {
            return false;
        }
        self.found = Some(match answer {
            Ok(Answer::Explain(value)) => Explanation::deserialize(value.as_ref())
                .map_err(|error| format!("this console does not understand the engine's answer: {error}")),
            Ok(_) => Err("the engine answered something else".to_owned()),
            Err(message) => Err(message.clone()),
        });
        self.current = false;
        let ids: Vec<&str> =
            self.concerned().iter().map(String::as_str).chain(self.spoken_of()).take(TITLES_MAX).collect();
        if !ids.is_empty() {
            let filter = ("filter".to_owned(), format!("id:{}", ids.join(",")));
            let query = vec![filter, ("limit".to_owned(), ids.len().to_string())];
            self.titles_asked = Some(out.ask(None, Request::Artifacts(query)));
        }
        true
    }

    fn key(&mut self, key: Key, out: &mut Out) {
        let go = |pager: &mut Pager, motion| pager.go(motion);
        match key.code {
            KeyCode::Esc | KeyCode::Enter | KeyCode::Char('q' | 'w') => out.step(Step::Close),
            KeyCode::Char('j') | KeyCode::Down => go(&mut self.pager, Motion::By(1)),
            KeyCode::Char('k') | KeyCode::Up => go(&mut self.pager, Motion::By(-1)),
            KeyCode::Char('g') | KeyCode::Home => go(&mut self.pager, Motion::Top),
            KeyCode::Char('G') | KeyCode::End => go(&mut self.pager, Motion::Bottom),
            KeyCode::Char(' ') | KeyCode::PageDown => go(&mut self.pager, Motion::HalfPages(2)),
            KeyCode::PageUp => go(&mut self.pager, Motion::HalfPages(-2)),
            KeyCode::Char('y') => {
                let lines: Vec<&str> = self.pager.lines().iter().map(TextLine::text).collect();
                let mut text = lines.join("\n");
                if let Some(order) = self.change() {
                    text = text.replacen(&shown_line(&order, self.concerned()), &order.line, 1);
                }
                out.step(Step::Copy(text));
            }
            KeyCode::Char('a') => match self.change() {
                Some(order) => {
                    out.step(Step::Close);
                    out.step(Step::Preview(order));
                }
                None => out.step(Step::Say(Tone::Info, "there is no change here that a key could make".to_owned())),
            },
            // About the same task, whatever is under the cursor by now.
            KeyCode::Char('r') if key.ctrl => self.opened(out),
            _ => {}
        }
    }

    fn scroll(&mut self, rows: i64, _: &mut Out) {
        self.pager.scroll(rows);
    }

    fn layout(&mut self, area: Rect, names: &Names) {
        if !std::mem::replace(&mut self.current, true) {
            self.pager.set_lines(self.lines(names));
        }
        let (width, height) = size(area, &self.pager);
        self.pager.layout(width.saturating_sub(3), height.saturating_sub(2));
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, look: &Look<'_>) {
        let (width, height) = size(area, &self.pager);
        let title = format!("why is {} where it is?", text::fit(&text::clean(&self.name), 50));
        let inner = widgets::dialog(frame, widgets::middle(area, width, height), &title, look);
        let inside = Rect { x: inner.x + 1, width: inner.width.saturating_sub(1), ..inner };
        self.pager.draw_as(Scrolls::Layer, frame, inside, look);
    }

    fn hints(&self) -> Vec<(String, String)> {
        let mut hints = vec![("esc".into(), "close".into()), ("ctrl-r".into(), "ask again".into())];
        if self.change().is_some() {
            hints.insert(0, ("a".into(), "make the change".into()));
        }
        hints.extend([("j k".into(), "scroll".into()), ("y".into(), "copy".into())]);
        hints
    }
}

/// The size of the frame: as wide as reads well, as high as its rows, and header and footer stay in sight.
fn size(area: Rect, pager: &Pager) -> (u16, u16) {
    let width = area.width.saturating_sub(4).min(110);
    let rows = u16::try_from(pager.rows_in(width.saturating_sub(3))).unwrap_or(u16::MAX);
    (width, rows.saturating_add(2).min(area.height.saturating_sub(4)).max(8))
}
