//! What has some words: agents, tasks, artifacts and events to choose from, looked for while one types.

use crossterm::event::KeyCode;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::domain::search::{Found, Hit, Piece, SearchNoun, text_of};
use crate::ui::key::Key;
use crate::ui::layer::Layer;
use crate::ui::look::Look;
use crate::ui::names::Names;
use crate::ui::place::Place;
use crate::ui::request::{Answer, Request, Ticket};
use crate::ui::screen::Out;
use crate::ui::scrollbars::Scrolls;
use crate::ui::step::Step;
use crate::ui::terminal::ColorDepth;
use crate::ui::text;
use crate::ui::theme::Role;
use crate::ui::verb;
use crate::ui::widgets;
use crate::ui::widgets::input::Input;

/// The most columns of its frame.
const WIDTH_MAX: u16 = 120;
/// How much is found where nothing is said, as on the command line.
const LIMIT: u32 = 20;
/// The columns before a title: the cursor's sign and what it is.
const NOUN: usize = 11;
/// The columns behind it: the end of an id, and an age.
const BEHIND: usize = 14;
/// What can be typed.
const HELP: &str = "Words that must all occur, each perhaps cut short; \"words in quotes\" follow each other.\n\
                    --in agent, task, artifact or event looks only there; -n 100 finds more.";
/// Said where Enter comes before what was found.
const ON_ITS_WAY: &str = "what was found is still on its way";

/// What is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Wanted {
    words: Vec<String>,
    nouns: Vec<SearchNoun>,
    limit: u32,
}

impl Wanted {
    /// Reads what stands behind `search`, as the command line does.
    fn read(line: &str) -> Result<Self, String> {
        let mut wanted = Self { words: vec![], nouns: vec![], limit: LIMIT };
        let mut rest = verb::split(line)?.into_iter();
        while let Some(word) = rest.next() {
            let (name, value) = match word.split_once('=') {
                Some((name, value)) if name.starts_with("--") => (name, Some(value.to_owned())),
                _ if word.starts_with("-n") && word.len() > 2 => ("-n", Some(word[2..].to_owned())),
                _ => (word.as_str(), None),
            };
            let mut value = || value.clone().or_else(|| rest.next()).ok_or_else(|| format!("{name} needs a value"));
            match name {
                "--in" => {
                    let noun = value()?.parse::<SearchNoun>().map_err(|refusal| refusal.to_string())?;
                    wanted.nouns.push(noun);
                }
                "-n" | "--limit" => {
                    let value = value()?;
                    let limit = value.parse().ok().filter(|limit| (1..=1000).contains(limit));
                    wanted.limit =
                        limit.ok_or_else(|| format!("-n takes a number from 1 to 1000, and not {value:?}"))?;
                }
                "--" => wanted.words.extend(rest.by_ref()),
                option if option.starts_with('-') && option.len() > 1 => {
                    return Err(format!("{option} is no option of search: there are --in and -n"));
                }
                _ => wanted.words.push(word),
            }
        }
        Ok(wanted)
    }

    fn request(&self) -> Request {
        let mut query = vec![("q".to_owned(), text_of(&self.words)), ("limit".to_owned(), self.limit.to_string())];
        if !self.nouns.is_empty() {
            let nouns: Vec<_> = self.nouns.iter().map(|noun| noun.as_str()).collect();
            query.push(("in".to_owned(), nouns.join(",")));
        }
        Request::Search(query)
    }
}

/// The search.
pub struct Search {
    input: Input,
    /// What was found last, and how much was asked for.
    found: Option<(Found, u32)>,
    asked: Option<(Ticket, u32)>,
    problem: Option<String>,
    cursor: usize,
    /// The first hit in sight.
    top: usize,
    /// How many lines there are for hits.
    room: usize,
}

impl Search {
    /// Looks for what stands behind `search` on the command line; nothing to begin with an empty line.
    ///
    /// # Errors
    /// Why that cannot be read.
    pub fn new(line: &str) -> Result<Self, String> {
        Wanted::read(line)?;
        let (found, asked, problem) = (None, None, None);
        Ok(Self { input: Input::new(line), found, asked, problem, cursor: 0, top: 0, room: 1 })
    }

    fn hits(&self) -> &[Hit] {
        self.found.as_ref().map_or(&[], |(found, _)| &found.items)
    }

    fn ask(&mut self, out: &mut Out) {
        (self.cursor, self.top, self.problem, self.asked) = (0, 0, None, None);
        match Wanted::read(self.input.text()) {
            Ok(wanted) if wanted.words.is_empty() => self.found = None,
            // Whoever types on leaves only the last question in the lane.
            Ok(wanted) => self.asked = Some((out.ask(Some("search"), wanted.request()), wanted.limit)),
            Err(problem) => self.problem = Some(problem),
        }
    }

    fn go(&mut self, by: isize) {
        self.cursor = self.cursor.saturating_add_signed(by).min(self.hits().len().saturating_sub(1));
        self.settle();
    }

    /// Keeps the cursor in sight.
    fn settle(&mut self) {
        self.top = self.top.min(self.cursor);
        while self.top < self.cursor {
            let lines: usize = self.hits()[self.top..=self.cursor].iter().map(lines).sum();
            if lines <= self.room {
                break;
            }
            self.top += 1;
        }
    }

    fn open(&mut self, out: &mut Out) {
        if self.asked.is_some() {
            self.problem = Some(ON_ITS_WAY.to_owned());
            return;
        }
        let Some(hit) = self.hits().get(self.cursor) else { return };
        let steps = match (place(hit), hit.record) {
            (Some(place), _) => vec![Step::Go(place)],
            (None, record) => vec![Step::Go(Place::Events), Step::Filter(format!("seq:{record}"))],
        };
        out.step(Step::Close);
        out.steps.extend(steps);
    }

    /// Where it is drawn.
    fn frame(area: Rect) -> Rect {
        let height = area.height.saturating_sub(4).max(8);
        widgets::middle(area, area.width.saturating_sub(4).min(WIDTH_MAX), height)
    }

    fn draw_hit(&self, place: usize, hit: &Hit, columns: usize, look: &Look<'_>) -> Vec<Line<'static>> {
        let on = place == self.cursor;
        let ground = if on { Role::Cursor } else { Role::Text };
        let style = |role| look.theme.over(role, ground);
        let sign = if on { look.sign("▶ ", "> ") } else { "  " };
        let noun = if hit.alert { "alert" } else { hit.noun.as_str() };
        let mut title = vec![Span::styled(format!("{sign}{noun:<9}"), style(Role::Dim))];
        title.extend(spans(&hit.title, Role::Accent, ground, look));
        if hit.similar {
            title.push(Span::styled(" (a similar name)", style(Role::Dim)));
        }
        let mut title = widgets::fit_line(Line::from(title), columns.saturating_sub(BEHIND));
        let gap = " ".repeat(columns.saturating_sub(BEHIND).saturating_sub(title.width()));
        let behind = format!("{gap} {:>8} {:>4}", text::short_id(&hit.id), look.age(hit.time));
        title.push_span(Span::styled(behind, style(Role::Dim)));
        let mut lines = vec![title.style(look.style(ground))];
        if !hit.text.is_empty() {
            let mut excerpt = vec![Span::raw(" ".repeat(NOUN))];
            excerpt.extend(spans(&hit.text, Role::Dim, ground, look));
            let mut excerpt = widgets::fit_line(Line::from(excerpt), columns);
            let gap = " ".repeat(columns.saturating_sub(excerpt.width()));
            excerpt.push_span(Span::raw(gap));
            lines.push(excerpt.style(look.style(ground)));
        }
        lines
    }

    /// What is to be said below the hits.
    fn foot(&self) -> (Role, String) {
        if let Some(problem) = &self.problem {
            return (Role::Warn, problem.clone());
        }
        let Some((found, limit)) = &self.found else { return (Role::Dim, String::new()) };
        let mut words = vec![];
        if found.items.len() >= usize::try_from(*limit).unwrap_or(usize::MAX) {
            words.push(format!("the {limit} best; -n finds more"));
        }
        if found.behind > 0 {
            words.push(match found.behind {
                1 => "1 new record of the journal is not searched yet".to_owned(),
                many => format!("{} new records of the journal are not searched yet", text::count(many)),
            });
        }
        (Role::Dim, words.join("; "))
    }
}

/// How many lines a hit takes.
fn lines(hit: &Hit) -> usize {
    1 + usize::from(!hit.text.is_empty())
}

/// The page of what was found; none of what only stands in the journal.
fn place(hit: &Hit) -> Option<Place> {
    let id = hit.id.clone();
    let title = || hit.title.iter().map(|piece| piece.text.as_str()).collect::<String>();
    match hit.noun {
        SearchNoun::Agent => Some(Place::Agent(id, title())),
        SearchNoun::Task => Some(Place::Task(id)),
        SearchNoun::Artifact => Some(Place::Artifact(id, title())),
        SearchNoun::Event => hit.alert.then_some(Place::Alert(id)),
    }
}

/// A text with what was found set off, by brackets where there are no colours or no signs but ASCII.
fn spans(pieces: &[Piece], role: Role, ground: Role, look: &Look<'_>) -> Vec<Span<'static>> {
    let brackets = look.options.ascii || look.options.depth == ColorDepth::Mono;
    let span = |piece: &Piece| {
        let words = text::clean(&piece.text).into_owned();
        match (piece.hit, brackets) {
            (false, _) => Span::styled(words, look.theme.over(role, ground)),
            (true, false) => Span::styled(words, look.theme.over(Role::Match, ground)),
            (true, true) => Span::styled(format!("[{words}]"), look.theme.over(Role::Match, ground)),
        }
    };
    pieces.iter().map(span).collect()
}

impl Layer for Search {
    fn name(&self) -> &'static str {
        "search"
    }

    fn opened(&mut self, out: &mut Out) {
        self.ask(out);
    }

    fn answer(&mut self, ticket: Ticket, answer: &Result<Answer, String>, _: &mut Out) -> bool {
        let Some((_, limit)) = self.asked.take_if(|(asked, _)| *asked == ticket) else { return false };
        self.problem = None;
        match answer {
            Ok(Answer::Found(found)) => self.found = Some((found.clone(), limit)),
            Ok(_) => self.problem = Some("the engine answered something else".to_owned()),
            Err(why) => (self.found, self.problem) = (None, Some(why.clone())),
        }
        self.go(0);
        true
    }

    fn key(&mut self, key: Key, out: &mut Out) {
        let page = isize::try_from(self.room / 2).unwrap_or(1).max(1);
        match key.code {
            KeyCode::Esc => out.step(Step::Close),
            KeyCode::Enter => self.open(out),
            // Letters are looked for; so what moves is no letter.
            KeyCode::Tab if key.shift => self.go(-1),
            KeyCode::Down | KeyCode::Tab => self.go(1),
            KeyCode::Up => self.go(-1),
            KeyCode::PageDown => self.go(page),
            KeyCode::PageUp => self.go(-page),
            _ => {
                let before = self.input.text().to_owned();
                if self.input.key(key) && self.input.text() != before {
                    self.ask(out);
                }
            }
        }
    }

    fn paste(&mut self, text: &str, out: &mut Out) {
        self.input.insert(text);
        self.ask(out);
    }

    fn scroll(&mut self, rows: i64, _: &mut Out) {
        self.go(isize::try_from(rows).unwrap_or(0));
    }

    fn layout(&mut self, area: Rect, _: &Names) {
        self.room = usize::from(Self::frame(area).height.saturating_sub(5)).max(1);
        self.settle();
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, look: &Look<'_>) {
        let title = match &self.found {
            Some((found, _)) if self.asked.is_none() => format!("search [{}]", found.items.len()),
            _ => "search".to_owned(),
        };
        let inner = widgets::dialog(frame, Self::frame(area), &title, look);
        self.input.draw(frame, Rect { height: 1, ..inner }, " search: ", look);
        let body = Rect { y: inner.y + 2, height: inner.height.saturating_sub(3), width: inner.width - 1, ..inner };
        let hits = self.hits();
        let words = match (&self.found, self.asked) {
            (None, Some(_)) => "looking …",
            (None, None) if self.problem.is_none() => HELP,
            (Some((found, _)), None) if found.items.is_empty() => "nothing has all of these words",
            _ => "",
        };
        if !words.is_empty() {
            widgets::center_wrapped(frame, body, words, Role::Dim, look);
        }
        let mut y = body.y;
        let mut in_sight = 0u64;
        for (place, hit) in hits.iter().enumerate().skip(self.top) {
            for line in self.draw_hit(place, hit, usize::from(body.width), look) {
                if y < body.bottom() {
                    frame.render_widget(line, Rect { y, height: 1, ..body });
                }
                y += 1;
            }
            if y > body.bottom() {
                break;
            }
            in_sight += 1;
        }
        let list = Rect { width: inner.width, ..body };
        widgets::scrollbar(frame, list, Scrolls::Layer, (self.top as u64, in_sight, hits.len() as u64), look);
        let (role, words) = self.foot();
        let words = format!(" {}", text::fit(&text::clean(&words), usize::from(inner.width.saturating_sub(2))));
        let row = Rect { y: inner.bottom().saturating_sub(1), height: 1, ..inner };
        frame.render_widget(Line::styled(words, look.style(role)), row);
    }

    fn hints(&self) -> Vec<(String, String)> {
        let hint = |key: &str, title: &str| (key.to_owned(), title.to_owned());
        vec![hint("enter", "open it"), hint("up down", "choose"), hint("letters", "search"), hint("esc", "close")]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_as_the_command_line_reads_it() {
        let read = |line: &str| Wanted::read(line).map(|wanted| (text_of(&wanted.words), wanted.nouns, wanted.limit));
        let both = vec![SearchNoun::Task, SearchNoun::Agent];
        assert_eq!(
            read("parser \"unit tests\" --in task --in=agent -n5"),
            Ok(("parser \"unit tests\"".into(), both, 5))
        );
        assert_eq!(read("-n 7 a --limit=9 -- --in"), Ok(("a --in".into(), vec![], 9)));
        assert_eq!(read("a - b=c"), Ok(("a - b=c".into(), vec![], LIMIT)));
        for wrong in ["a --in", "a --in x", "-n 0 a", "a -n many", "a -o json", "a \"b"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
