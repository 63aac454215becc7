//! The journal, live: who did what, the newest first.

mod window;

use std::collections::BTreeSet;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use self::window::{Entry, Window};
use crate::api::live::Topic;
use crate::domain::Timestamp;
use crate::ui::action::Scope;
use crate::ui::events_text::{self, Names};
use crate::ui::layers::detail::{self, Detail};
use crate::ui::list::Listing;
use crate::ui::look::{Look, Mark};
use crate::ui::place::Place;
use crate::ui::request::{Answer, Request, Ticket};
use crate::ui::screen::{Item, Noun, Out, Screen, Selection};
use crate::ui::scrollbars::Scrolls;
use crate::ui::step::Step;
use crate::ui::text;
use crate::ui::theme::Role;
use crate::ui::widgets;

/// From this width on, the kind of each record is shown beside its sentence.
const KIND_FROM: u16 = 110;
/// The columns of a kind.
const KIND_WIDTH: usize = 20;

/// The journal and the names that its records need.
pub struct Events {
    window: Window,
    names: Names,
    /// Ids whose names were asked for; those that stay unknown are not asked for again.
    asked_names: BTreeSet<String>,
    /// Requests for names that are on their way: the window may show more before the first of them is answered.
    names_asked: BTreeSet<Ticket>,
    /// The same for titles.
    titles_asked: BTreeSet<Ticket>,
}

impl Events {
    /// A window at the journal's end.
    pub fn new() -> Self {
        Self {
            window: Window::new(),
            names: Names::new(),
            asked_names: BTreeSet::new(),
            names_asked: BTreeSet::new(),
            titles_asked: BTreeSet::new(),
        }
    }

    /// Asks for the names of those in sight that are not known.
    fn ask_names(&mut self, out: &mut Out) {
        let (mut agents, mut artifacts) = (Vec::new(), Vec::new());
        let mut others = false;
        for (_, entry) in self.window.visible() {
            let agent = entry.event.as_ref().and_then(events_text::agents_named).map(|id| id.to_string());
            if let Some(id) = agent.filter(|id| !self.names.contains_key(id))
                && self.asked_names.insert(id.clone())
            {
                agents.push(id);
            }
            let artifact = entry.event.as_ref().and_then(events_text::artifact_named).map(|id| id.to_string());
            if let Some(id) = artifact.filter(|id| !self.names.contains_key(id))
                && self.asked_names.insert(id.clone())
            {
                artifacts.push(id);
            }
            let actor = entry.row.actor.split_once(':').map(|(_, id)| id.to_owned());
            if let Some(id) = actor.filter(|id| !self.names.contains_key(id)) {
                others |= self.asked_names.insert(id);
            }
        }
        if others || !agents.is_empty() {
            self.names_asked.insert(out.ask(None, Request::Names(agents)));
        }
        if !artifacts.is_empty() {
            let limit = ("limit".to_owned(), artifacts.len().to_string());
            let query = vec![("filter".to_owned(), format!("id:{}", artifacts.join(","))), limit];
            self.titles_asked.insert(out.ask(None, Request::Artifacts(query)));
        }
    }

    fn describe(&self) -> Option<Detail> {
        let entry = self.window.current()?;
        let mut lines = vec![
            vec![(Role::Title, self.sentence(entry))],
            vec![(Role::Dim, format!("{} by {}", entry.row.time, events_text::actor(&entry.row.actor, &self.names)))],
            vec![],
        ];
        let record = serde_json::to_value(&entry.row).unwrap_or_default();
        lines.extend(detail::json(&record));
        Some(Detail::new(format!("record {}", entry.row.seq), lines))
    }

    fn sentence(&self, entry: &Entry) -> String {
        match &entry.event {
            Some(event) => events_text::sentence(event, &self.names),
            None => format!("{}: this version does not know what that means", entry.row.kind),
        }
    }

    fn line(&self, place: usize, entry: &Entry, widths: Widths, look: &Look<'_>) -> Line<'static> {
        let on = place == self.window.cursor;
        let ground = if on { Role::Cursor } else { Role::Text };
        let style = |role: Role| look.theme.over(role, ground);
        let mark = entry.event.as_ref().map_or(Mark::Unknown, events_text::mark);
        let actor = events_text::actor(&entry.row.actor, &self.names);
        let mut spans = vec![
            Span::raw(if on { look.sign("▶ ", "> ") } else { "  " }),
            Span::styled(look.mark(mark), style(mark.role())),
            Span::styled(format!(" {} ", text::pad_left(&entry.row.seq.to_string(), widths.seq)), style(Role::Dim)),
            Span::styled(format!("{} ", time(entry.row.time, widths.days)), style(Role::Dim)),
            Span::styled(format!("{} ", text::pad(&text::clean(&actor), widths.actor)), style(Role::Info)),
        ];
        if widths.kind {
            let kind = text::clean(&entry.row.kind).into_owned();
            spans.push(Span::styled(format!("{} ", text::pad(&kind, KIND_WIDTH)), style(Role::Dim)));
        }
        let role = if mark == Mark::Failed { Role::Bad } else { Role::Text };
        let words = text::fit(&text::clean(&self.sentence(entry)), widths.what).into_owned();
        let words_style = if role == Role::Text { look.style(ground) } else { style(role) };
        spans.push(Span::styled(text::pad(&words, widths.what), words_style));
        Line::from(spans).style(look.style(ground))
    }

    fn widths(&self, room: u16, look: &Look<'_>) -> Widths {
        let seq = self.window.head.unwrap_or(0).to_string().len().max(4);
        let today = day(look.now);
        let days = self.window.visible().any(|(_, entry)| day(entry.row.time) != today);
        let kind = room >= KIND_FROM;
        let actor = if room >= KIND_FROM { 14 } else { 10 };
        let before = 3 + seq + 2 + if days { 14 } else { 8 } + 1 + actor + 1 + if kind { KIND_WIDTH + 1 } else { 0 };
        Widths { seq, days, actor, kind, what: usize::from(room).saturating_sub(before + 1) }
    }
}

/// The columns as they are drawn now.
#[derive(Clone, Copy)]
struct Widths {
    seq: usize,
    /// Whether days are shown beside times: when not all are today's.
    days: bool,
    actor: usize,
    kind: bool,
    what: usize,
}

fn day(time: Timestamp) -> String {
    time.to_string().chars().take(10).collect()
}

/// Hours, minutes and seconds, with month and day before them if they matter.
fn time(time: Timestamp, days: bool) -> String {
    let written = time.to_string();
    if days { format!("{} {}", &written[5..10], &written[11..19]) } else { written[11..19].to_owned() }
}

impl Screen for Events {
    fn title(&self) -> String {
        // With a filter it is the matches that count: so many as have been found so far.
        let head = match (self.window.head, &self.window.error) {
            (_, Some(_)) if !self.window.filter().is_empty() => "?".to_owned(),
            (None, _) => "…".to_owned(),
            (Some(head), _) if self.window.filter().trim().is_empty() => text::count(head),
            (Some(_), _) => {
                let (found, all) = self.window.found();
                format!("{}{}", text::count(found), if all { "" } else { "+" })
            }
        };
        let filter = self.window.filter();
        let filter = if filter.is_empty() { String::new() } else { format!(" /{filter}") };
        let back = match self.window.looked_back_to() {
            0 => String::new(),
            _ if filter.is_empty() => String::new(),
            back => format!(" · looked back to {}", text::count(back)),
        };
        let state = match (self.window.follow, self.window.unseen()) {
            (true, _) => match self.window.unshown() {
                Some(came) => format!(" · following, {} came at once", text::count(came)),
                None => " · following".to_owned(),
            },
            (false, 0) => String::new(),
            (false, unseen) => format!(" · {} newer, f follows", text::count(unseen)),
        };
        format!("events [{head}]{filter}{back}{state}")
    }

    fn topics(&self) -> &'static [Topic] {
        // Everything but samples stands in the journal.
        &[Topic::Tasks, Topic::Agents, Topic::Cages, Topic::Artifacts, Topic::Alerts]
    }

    fn scopes(&self) -> &'static [Scope] {
        &[Scope::Events, Scope::List]
    }

    fn refresh(&mut self, out: &mut Out) {
        self.window.refresh(out);
    }

    fn answer(&mut self, ticket: Ticket, answer: &Result<Answer, String>, out: &mut Out) -> bool {
        if self.names_asked.remove(&ticket) {
            match answer {
                Ok(Answer::Names(names)) => self.names.extend(names.clone()),
                // Nobody knows yet which of them are of what is gone.
                _ => self.asked_names.clear(),
            }
            return true;
        }
        if self.titles_asked.remove(&ticket) {
            match answer {
                Ok(Answer::Artifacts(page)) => {
                    self.names.extend(page.rows.iter().map(|it| (it.id.to_string(), it.title.clone())));
                }
                _ => self.asked_names.clear(),
            }
            return true;
        }
        let taken = self.window.answer(ticket, answer, out);
        if taken {
            self.ask_names(out);
        }
        taken
    }

    fn layout(&mut self, area: Rect, out: &mut Out) {
        self.window.layout(area.height.saturating_sub(1), out);
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, look: &Look<'_>) {
        let widths = self.widths(area.width, look);
        let time = if widths.days { "TIME UTC      " } else { "TIME UTC" };
        let kind = if widths.kind { text::pad("KIND", KIND_WIDTH + 1) } else { String::new() };
        let seq = text::pad_left("SEQ", widths.seq);
        let head = format!("    {seq} {time} {} {kind}WHAT", text::pad("ACTOR", widths.actor));
        let head = Line::styled(text::pad(&head, usize::from(area.width)), look.style(Role::Columns));
        frame.render_widget(head, Rect { height: 1, ..area });
        let body = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
        let role = if self.window.error.is_some() { Role::Bad } else { Role::Dim };
        let words = match (&self.window.error, self.window.is_empty()) {
            (Some(error), _) => Some(error.clone()),
            (None, true) if self.window.looks() && !self.window.filter().is_empty() => {
                Some("looking through the journal …".to_owned())
            }
            (None, true) if self.window.head.is_none() => Some("asking the engine …".to_owned()),
            (None, true) => {
                let filter = text::clean(self.window.filter()).into_owned();
                Some(format!("no record matches {filter}\nEsc clears the filter"))
            }
            (None, false) => None,
        };
        if let Some(words) = words {
            widgets::center_wrapped(frame, body, &words, role, look);
            return;
        }
        for (y, (place, entry)) in (body.y..body.bottom()).zip(self.window.visible()) {
            frame.render_widget(self.line(place, entry, widths, look), Rect { y, height: 1, ..body });
        }
        // The journal's numbers have no gaps, so they say how far down one is, whatever is fetched of it.
        let head = self.window.head.unwrap_or(0);
        let first = self.window.visible().next().map_or(0, |(_, entry)| head.saturating_sub(entry.row.seq));
        widgets::scrollbar(frame, body, Scrolls::List, (first, self.window.height as u64, head), look);
    }

    fn selection(&self) -> Option<Selection> {
        let item = |entry: &Entry| Item {
            id: entry.row.seq.to_string(),
            name: entry.row.kind.clone(),
            state: String::new(),
            high_risk: false,
            array: false,
            holds_up: 0,
            task: None,
        };
        Some(Selection {
            noun: Noun::Record,
            items: self.window.current().map(item).into_iter().collect(),
            marked: false,
        })
    }

    fn target(&self) -> Option<Place> {
        let entry = self.window.current()?;
        entry.event.as_ref().and_then(|event| events_text::target(event, &self.names))
    }

    fn list(&mut self) -> Option<&mut dyn Listing> {
        Some(&mut self.window)
    }

    fn perform(&mut self, action: &str, out: &mut Out) -> bool {
        match action {
            "follow_journal" => self.window.toggle_follow(out),
            "describe" => {
                if let Some(detail) = self.describe() {
                    out.step(Step::Open(Box::new(detail)));
                }
            }
            _ => return false,
        }
        true
    }

    fn obstacle(&self, action: &str) -> Option<String> {
        let words = match action {
            "mark" | "mark_range" | "mark_all" => {
                "what has happened cannot be changed, so there is nothing to mark for"
            }
            "sort" | "columns" => "the journal has one order: that in which things happened",
            _ => return None,
        };
        Some(words.to_owned())
    }
}
