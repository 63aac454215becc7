//! One artifact: its text, what is known of it, and its judgement.

use std::time::Instant;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::artifacts::{item, mark, subject};
use crate::api::live::Topic;
use crate::domain::workspace::MergeState;
use crate::domain::{Artifact, Difference, Timestamp};
use crate::ui::action::Scope;
use crate::ui::app::Options;
use crate::ui::look::{Look, Mark};
use crate::ui::pager::Pager;
use crate::ui::place::Place;
use crate::ui::reader::Reader;
use crate::ui::request::{Answer, Lane, Request, Ticket};
use crate::ui::screen::{Noun, Out, Screen, Selection};
use crate::ui::text::{self, short_id};
use crate::ui::theme::Role;
use crate::ui::widgets;

/// The lanes of the text. Of all viewers only the one in sight reads; the others have given their reader up.
const LANES: (Lane, Lane) = ("artifact text", "artifact text ahead");

/// Lines above the text.
const HEAD: u16 = 3;

/// The viewer.
pub struct Viewer {
    id: String,
    title: String,
    artifact: Option<Artifact>,
    asked: Option<Ticket>,
    error: Option<String>,
    reader: Reader,
    ascii: bool,
}

impl Viewer {
    /// The viewer of an artifact, by id; the title is shown until more is known.
    pub fn new(id: &str, title: &str) -> Self {
        Self {
            id: id.to_owned(),
            title: title.to_owned(),
            artifact: None,
            asked: None,
            error: None,
            reader: Reader::new(LANES),
            ascii: false,
        }
    }

    fn body(area: Rect) -> Rect {
        let head = HEAD.min(area.height);
        Rect { x: area.x + 1, y: area.y + head, width: area.width.saturating_sub(1), height: area.height - head }
    }
}

/// What is known of an artifact, in lines: title, where it comes from, how it was judged.
pub fn head(artifact: &Artifact, reader: &Reader, look: &Look<'_>) -> [Line<'static>; 2] {
    let state = mark(artifact.review.state);
    let agent = look.names.of(artifact.agent_id).map_or_else(
        || format!("agent {}", short_id(&artifact.agent_id.to_string())),
        |name| text::fit(&text::clean(name), 24).into_owned(),
    );
    let task = short_id(&artifact.task_id.to_string());
    let facts = [
        Some(format!("{} by {agent} for task {task}", artifact.kind.as_str())),
        Some(reader.summary()),
        artifact.difference.as_ref().map(Difference::phrase),
        artifact.quality_score.map(|quality| {
            let reported = if artifact.review.quality.is_none() { " as reported" } else { "" };
            format!("quality {}{reported}", text::percent(quality))
        }),
        Some(format!("{} old", look.age(artifact.created_at))),
    ];
    let facts = format!(" {}", facts.into_iter().flatten().collect::<Vec<_>>().join(" · "));
    let mut review = vec![
        Span::styled(format!(" {} ", look.mark(state)), look.style(state.role())),
        Span::styled(artifact.review.state.as_str().to_owned(), look.style(state.role())),
    ];
    if artifact.high_risk && state == Mark::Human {
        review.push(Span::styled(format!("  {} HIGH RISK", look.mark(Mark::Warning)), look.style(Role::Bad)));
    }
    if let Some(approval) = &artifact.approval {
        let role = if approval.bad { Role::Warn } else { Role::Dim };
        review.push(Span::styled(format!("  approved in {}", approval.of_hundred()), look.style(role)));
    }
    if let Some(at) = artifact.review.at {
        let by = artifact.review.by.and_then(|user| look.names.of(user));
        let by = by.map(|name| format!(" by {}", text::fit(&text::clean(name), 24))).unwrap_or_default();
        review.push(Span::styled(format!("{by} {} ago", look.age(at)), look.style(Role::Dim)));
    }
    if let Some(note) = &artifact.review.note {
        review.push(Span::raw(format!(": {}", text::clean(note))));
    }
    let branch = artifact.difference.as_ref().and_then(|difference| difference.merge.as_deref());
    if let Some(merge) = &artifact.merge {
        let role = if merge.state == MergeState::Merged { Role::Good } else { Role::Warn };
        review.push(Span::styled(format!("  {}", text::clean(&merge.phrase())), look.style(role)));
    } else if let Some(branch) = branch {
        let said = if artifact.human_approved { "is being merged into" } else { "approving merges it into" };
        review.push(Span::styled(format!("  {said} {}", text::clean(branch)), look.style(Role::Dim)));
    }
    [Line::styled(facts, look.style(Role::Dim)), Line::from(review)]
}

impl Screen for Viewer {
    fn title(&self) -> String {
        let title = self.artifact.as_ref().map_or(&self.title, |artifact| &artifact.title);
        let title = text::fit(&text::clean(title), 80).into_owned();
        format!("{title} {}", self.reader.pager().summary())
    }

    fn topics(&self) -> &'static [Topic] {
        &[Topic::Artifacts]
    }

    fn scopes(&self) -> &'static [Scope] {
        &[Scope::Artifacts, Scope::Pager]
    }

    fn attend(&mut self, _: Instant, _: Timestamp, options: &Options) {
        self.ascii = options.ascii;
    }

    fn refresh(&mut self, out: &mut Out) {
        self.asked = Some(out.ask(Some("artifact"), Request::Artifact(self.id.clone())));
        self.reader.retry(out);
    }

    fn answer(&mut self, ticket: Ticket, answer: &Result<Answer, String>, out: &mut Out) -> bool {
        if self.asked != Some(ticket) {
            return self.reader.answer(ticket, answer, out);
        }
        self.asked = None;
        match answer {
            Ok(Answer::Artifact(artifact)) => {
                self.error = None;
                out.name(std::iter::once(artifact.agent_id));
                self.reader.show(Some(subject(artifact)), out);
                self.artifact = Some(artifact.as_ref().clone());
            }
            Ok(_) => self.error = Some("the engine answered something else".to_owned()),
            Err(message) => self.error = Some(message.clone()),
        }
        true
    }

    fn layout(&mut self, area: Rect, out: &mut Out) {
        self.reader.layout(Self::body(area), self.ascii, out);
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, look: &Look<'_>) {
        let Some(artifact) = &self.artifact else {
            let (role, words) = match &self.error {
                Some(error) => (Role::Bad, error.as_str()),
                None => (Role::Dim, "asking the engine …"),
            };
            widgets::center_text(frame, area, words, look.style(role));
            return;
        };
        for (y, line) in (area.y..area.bottom()).zip(head(artifact, &self.reader, look)) {
            frame.render_widget(line, Rect { y, height: 1, ..area });
        }
        self.reader.draw(frame, Self::body(area), look);
    }

    fn selection(&self) -> Option<Selection> {
        let items = self.artifact.iter().map(item).collect();
        Some(Selection { noun: Noun::Artifact, items, marked: false })
    }

    fn target(&self) -> Option<Place> {
        self.artifact.as_ref().map(|artifact| Place::Task(artifact.task_id.to_string()))
    }

    fn text(&self) -> Option<&Pager> {
        Some(self.reader.pager())
    }

    fn pager(&mut self) -> Option<&mut Pager> {
        Some(self.reader.pager_mut())
    }

    fn paged(&mut self, out: &mut Out) {
        self.reader.paged(out);
    }

    fn left(&mut self) -> bool {
        // The text can be fetched again; of many artifacts that were looked at it would add up.
        self.reader = Reader::new(LANES);
        true
    }

    fn perform(&mut self, action: &str, out: &mut Out) -> bool {
        if action != "changes" || self.artifact.is_none() {
            return false;
        }
        self.reader.toggle_changes(out);
        true
    }
}
