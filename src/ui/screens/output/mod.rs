//! What a task wrote: live, searchable, in its own colours.
//!
//! Only the end is fetched; going up to the beginning of what is here fetches the page before it, going down the one after
//! it, and of a long output only some pages are kept. While the end is followed it is fetched anew whenever the engine
//! says that something changed.

mod hunt;
mod pages;

use ratatui::Frame;
use ratatui::layout::Rect;

use crate::api::client::LogPage;
use crate::api::live::Topic;
use crate::domain::{Task, TaskStatus, Timestamp};
use crate::ui::action::Scope;
use crate::ui::look::Look;
use crate::ui::pager::{Gutter, Pager, TextLine};
use crate::ui::request::{Answer, OutputOf, Request, Ticket};
use crate::ui::screen::{Noun, Out, Screen, Selection};
use crate::ui::screens::tasks;
use crate::ui::step::{Step, Tone};
use crate::ui::text::{self, short_id};
use crate::ui::theme::Role;
use crate::ui::widgets;
use hunt::Hunt;
use pages::{Pages, Wanted};

/// About how many bytes of memory the lines may take.
const COST_MAX: usize = 10 << 20;

/// What there is before the first line that is here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Before {
    /// Nothing: it is the very first.
    Nothing,
    /// Lines that can be fetched.
    More,
    /// Lines of a page that is too much to show: nearly every byte of it is a line.
    TooMuch,
}

/// The screen.
pub struct Output {
    task_id: String,
    /// One attempt; the last one where none is named.
    execution: Option<String>,
    task: Option<Box<Task>>,
    pager: Pager,
    /// When each line began.
    times: Vec<Timestamp>,
    pages: Pages,
    before: Before,
    loaded: bool,
    /// Whether what is here may be older than what there is.
    behind: bool,
    /// The top line when one looked last, to tell a jump from a step.
    was_top: usize,
    height: u16,
    /// What is on its way.
    asked: Option<(Ticket, Wanted)>,
    asked_task: Option<Ticket>,
    error: Option<String>,
    /// A search in what is not here.
    hunt: Option<Hunt>,
}

impl Output {
    /// The output of a task's last attempt, or of the one that is named.
    pub fn new(task_id: String, execution: Option<String>) -> Self {
        Self {
            task_id,
            execution,
            task: None,
            pager: Pager::following(),
            times: Vec::new(),
            pages: Pages::default(),
            before: Before::More,
            was_top: 0,
            height: 20,
            loaded: false,
            behind: true,
            asked: None,
            asked_task: None,
            error: None,
            hunt: None,
        }
    }

    fn ask(&mut self, wanted: Wanted, out: &mut Out) {
        if self.asked.is_some() && wanted != Wanted::First {
            self.behind |= wanted == Wanted::Last;
            return;
        }
        self.behind &= !matches!(wanted, Wanted::Last | Wanted::After);
        let request = Request::Output { of: self.of(), part: self.pages.part(wanted) };
        self.asked = Some((out.ask(None, request), wanted));
    }

    /// Whose output it is.
    fn of(&self) -> OutputOf {
        match &self.execution {
            Some(execution) => OutputOf::Execution(execution.clone()),
            None => OutputOf::Task(self.task_id.clone()),
        }
    }

    fn follows(&self) -> bool {
        self.pager.follows() == Some(true)
    }

    fn take(&mut self, page: LogPage, wanted: Wanted) {
        let anchor = self.anchor(self.pager.top());
        let found = self.pager.found().and_then(|line| self.anchor(line));
        self.pages.take(wanted, page);
        self.lay_out(wanted);
        self.pager.set_found(found.map(|anchor| self.line_at(anchor)));
        if wanted == Wanted::First {
            self.pager.show_from(0);
        } else if let (false, Some(anchor)) = (self.follows(), anchor) {
            self.pager.show_from(self.line_at(anchor));
        }
        self.was_top = self.pager.top();
    }

    /// Makes lines of the pages.
    fn lay_out(&mut self, wanted: Wanted) {
        let (lines, dropped) = loop {
            let (lines, dropped) = hunt::lines(&self.pages);
            if !dropped || !self.pages.shrink(wanted) {
                break (lines, dropped);
            }
        };
        (self.loaded, self.error) = (true, None);
        self.before = match (dropped, self.pages.more_before()) {
            (true, _) => Before::TooMuch,
            (false, true) => Before::More,
            (false, false) => Before::Nothing,
        };
        let (mut times, mut shown): (Vec<_>, Vec<_>) = lines.into_iter().unzip();
        let words = match self.before {
            Before::Nothing => String::new(),
            Before::More => "there is more before this: go up to fetch it, g for the beginning".to_owned(),
            Before::TooMuch => {
                format!("what came before is too much to show; menagerie task logs {} has all of it", self.task_id)
            }
        };
        if let (Some(first), false) = (times.first().copied(), words.is_empty()) {
            times.insert(0, first);
            shown.insert(0, TextLine::plain(Role::Info, words).with_gutter(Gutter::Note));
        }
        self.times = times;
        self.pager.set_partial(self.before != Before::Nothing || self.pages.more_after());
        self.pager.set_lines(shown);
    }

    /// Looks for words in what is not here, when a key wants it; gives up when a key does.
    fn look_far(&mut self, out: &mut Out) {
        if !self.pager.looks_far() {
            self.hunt = None;
        }
        if let Some(forward) = self.pager.take_far() {
            self.hunt = Some(Hunt::new(&self.pages, forward));
            self.hunt_on(out);
        }
    }

    fn hunt_on(&mut self, out: &mut Out) {
        let of = self.of();
        let Some(hunt) = &mut self.hunt else { return };
        if let Some(part) = hunt.wanted() {
            hunt.asked = Some(out.ask(None, Request::Output { of, part }));
            self.pager.far_at(hunt.share());
        } else {
            self.hunt = None;
            self.pager.far_ended(None);
        }
    }

    fn hunted(&mut self, page: LogPage, out: &mut Out) {
        let sought = self.pager.sought();
        let Some(hunt) = &mut self.hunt else { return };
        let Some((pages, line)) = hunt.look(page, |line| sought.matches(line)) else { return self.hunt_on(out) };
        (self.pages, self.hunt, self.asked) = (pages, None, None);
        // Nobody follows who has looked for something.
        if self.follows() {
            self.pager.toggle_follow();
        }
        self.lay_out(Wanted::After);
        let line = line + usize::from(self.before != Before::Nothing);
        self.pager.far_ended(Some(line));
        self.was_top = self.pager.top();
    }

    /// Where a line stands now that was there before more was fetched.
    fn line_at(&self, (time, offset): (Timestamp, usize)) -> usize {
        self.times.partition_point(|known| *known < time) + offset
    }

    /// A line by what stays the same when more is fetched: its time, and which of that time it is.
    fn anchor(&self, line: usize) -> Option<(Timestamp, usize)> {
        // The remark on what came before is no line of the output.
        let remarked = self.before != Before::Nothing;
        let top = line.max(usize::from(remarked));
        let time = *self.times.get(top)?;
        let first = self.times.partition_point(|known| *known < time);
        let remark = usize::from(remarked && first == 0);
        Some((time, top.saturating_sub(first + remark)))
    }

    fn empty_text(&self) -> String {
        match (&self.error, self.loaded, self.task.as_deref().map(|task| task.status)) {
            (Some(error), ..) => error.clone(),
            (_, false, _) => "asking the engine …".to_owned(),
            (_, _, Some(TaskStatus::Pending | TaskStatus::Scheduled)) => {
                "This task has not started, so it has written nothing yet.\n\nw says why it waits.".to_owned()
            }
            (_, _, Some(TaskStatus::Executing)) => {
                "It runs and has written nothing yet.\n\nWhat it writes appears here by itself.".to_owned()
            }
            _ => "It wrote nothing.".to_owned(),
        }
    }
}

impl Screen for Output {
    fn title(&self) -> String {
        let mut title = match (&self.task, &self.execution) {
            (Some(task), None) => format!("output of {} {}", task.kind, short_id(&self.task_id)),
            (Some(task), Some(id)) => format!("attempt {} at {}", short_id(id), task.kind),
            (None, _) => format!("output of {}", short_id(&self.task_id)),
        };
        title = text::fit(&text::clean(&title), 50).into_owned();
        if let Some(task) = &self.task {
            title = format!("{title} · {}", task.status);
        }
        if self.loaded {
            let ended = self.task.as_ref().is_some_and(|task| task.status.is_final());
            title.push_str(match (self.follows(), ended) {
                (_, true) => "",
                (true, _) => " · following",
                (false, _) => " · held, f follows",
            });
            title = format!("{title} {}", self.pager.summary());
            if let Some(time) = self.times.get(self.pager.top()) {
                // Hours, minutes and seconds of RFC 3339.
                let clock = time.to_string();
                title = format!("{title} · from {}", clock.get(11..19).unwrap_or_default());
            }
        }
        title
    }

    fn topics(&self) -> &'static [Topic] {
        &[Topic::Tasks, Topic::Usage]
    }

    fn scopes(&self) -> &'static [Scope] {
        &[Scope::Pager, Scope::Tasks]
    }

    fn refresh(&mut self, out: &mut Out) {
        self.asked_task = Some(out.ask(Some("output-task"), Request::Task(self.task_id.clone())));
        let over = self.task.as_ref().is_some_and(|task| task.status.is_final());
        if !self.loaded || (self.follows() && !over) {
            self.ask(Wanted::Last, out);
        } else if !over {
            self.behind = true;
        }
    }

    fn answer(&mut self, ticket: Ticket, answer: &Result<Answer, String>, out: &mut Out) -> bool {
        if self.asked_task == Some(ticket) {
            self.asked_task = None;
            if let Ok(Answer::Task(task)) = answer {
                // What was written between the last look and the end is still missing.
                let news = self.task.as_ref().is_some_and(|known| {
                    known.execution_id != task.execution_id || (task.status.is_final() && !known.status.is_final())
                });
                self.task = Some(task.clone());
                if news && self.follows() {
                    self.ask(Wanted::Last, out);
                } else if news {
                    self.behind = true;
                }
            }
            return true;
        }
        if let Some(hunt) = &mut self.hunt
            && hunt.asked.take_if(|asked| *asked == ticket).is_some()
        {
            let why = match answer {
                Ok(Answer::Output(page)) => {
                    self.hunted(page.clone(), out);
                    return true;
                }
                Ok(_) => "the engine answered something else",
                Err(message) => message.as_str(),
            };
            // What is here stays in sight; that not all of it was looked through has to be said.
            self.hunt = None;
            self.pager.stop_far();
            out.step(Step::Say(Tone::Bad, format!("the search was not ended: {why}")));
            return true;
        }
        let Some((_, wanted)) = self.asked.take_if(|(asked, _)| *asked == ticket) else { return false };
        match answer {
            Ok(Answer::Output(page)) => self.take(page.clone(), wanted),
            Ok(_) => self.error = Some("the engine answered something else".to_owned()),
            Err(message) => self.error = Some(message.clone()),
        }
        if self.behind && self.follows() {
            self.ask(Wanted::Last, out);
        }
        true
    }

    fn layout(&mut self, area: Rect, _: &mut Out) {
        self.height = area.height.max(1);
        self.pager.layout(area.width, area.height);
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, look: &Look<'_>) {
        if self.pager.lines().is_empty() {
            let role = if self.error.is_some() { Role::Bad } else { Role::Dim };
            widgets::center_text(frame, area, &self.empty_text(), look.style(role));
        } else {
            self.pager.draw(frame, area, look);
        }
    }

    fn selection(&self) -> Option<Selection> {
        let task = self.task.as_ref()?;
        Some(Selection { noun: Noun::Task, items: vec![tasks::item(task)], marked: false })
    }

    fn text(&self) -> Option<&Pager> {
        Some(&self.pager)
    }

    fn pager(&mut self) -> Option<&mut Pager> {
        Some(&mut self.pager)
    }

    fn paged(&mut self, out: &mut Out) {
        let (was, now) = (std::mem::replace(&mut self.was_top, self.pager.top()), self.pager.top());
        if !self.loaded {
            return;
        }
        self.look_far(out);
        let far = usize::from(self.height) * 2;
        if self.follows() {
            if (self.behind || self.pages.more_after()) && self.asked.is_none() {
                self.ask(Wanted::Last, out);
            }
        } else if self.pager.at_top() && self.before == Before::More {
            // Who jumps to the top wants the beginning, who comes there step by step what was just before.
            self.ask(if was > now + far { Wanted::First } else { Wanted::Before }, out);
        } else if self.pager.at_bottom() && (self.behind || self.pages.more_after()) {
            self.ask(Wanted::After, out);
        }
    }

    fn left(&mut self) -> bool {
        self.pager.stop_far();
        self.hunt = None;
        if self.pages.only_last() {
            return false;
        }
        self.times.clear();
        (self.pages, self.pager) = (Pages::default(), Pager::following());
        (self.before, self.loaded, self.behind, self.asked) = (Before::More, false, true, None);
        true
    }

    fn obstacle(&self, action: &str) -> Option<String> {
        match action {
            "output" if self.execution.is_none() => Some("this is the output".to_owned()),
            "open" => Some("there is nothing in it to open".to_owned()),
            _ => None,
        }
    }
}
