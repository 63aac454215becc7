//! Executions over cages as bars over time, a cage a line. What is too short to be told apart is one bar.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::{Dashboard, table};
use crate::domain::dashboard::{Timeline, TimelineRow, TimelineSpan};
use crate::domain::{self, Timestamp};
use crate::ui::look::{Look, Mark};
use crate::ui::place::Place;
use crate::ui::request::{Answer, Request};
use crate::ui::scrollbars::Scrolls;
use crate::ui::text;
use crate::ui::theme::Role;
use crate::ui::widgets::{self, plot};

/// How long a time can be looked at, with its name.
const RANGES: [(&str, i64); 7] =
    [("5m", 300), ("15m", 900), ("1h", 3_600), ("6h", 21_600), ("24h", 86_400), ("3d", 259_200), ("7d", 604_800)];

/// Columns of a cage's number, with what stands before it.
const NAME: u16 = 7;

/// The lines below the bars: times, what the signs mean, and what is under the cursor.
const BELOW: u16 = 3;

/// How a bar looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bar {
    Done,
    Failed,
    Cancelled,
    UnderWay,
    Several,
    SeveralFailed,
}

impl Bar {
    fn of(span: &TimelineSpan) -> Self {
        match (span.to.is_none(), span.count, span.failed) {
            (true, ..) => Self::UnderWay,
            (false, 1, 0) if span.cancelled > 0 => Self::Cancelled,
            (false, 1, 0) => Self::Done,
            (false, 1, _) => Self::Failed,
            (false, _, 0) => Self::Several,
            (false, ..) => Self::SeveralFailed,
        }
    }

    /// Its sign, and in pure ASCII; shapes differ, so that colour is never the only carrier.
    const fn signs(self) -> (&'static str, &'static str) {
        match self {
            Self::Done => ("█", "="),
            Self::Failed => ("╳", "x"),
            Self::Cancelled => ("━", "-"),
            Self::UnderWay => ("▓", ">"),
            Self::Several => ("▒", "+"),
            Self::SeveralFailed => ("▚", "%"),
        }
    }

    const fn role(self) -> Role {
        match self {
            Self::Done | Self::Several => Role::Chart,
            Self::Failed | Self::SeveralFailed => Role::Bad,
            Self::Cancelled => Role::Dim,
            Self::UnderWay => Role::Good,
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::UnderWay => "under way",
            Self::Several => "several",
            Self::SeveralFailed => "some failed",
        }
    }
}

/// What is known, and what is looked at.
pub struct Gantt {
    range: usize,
    /// Where it ends; `None` for now, which is followed.
    end: Option<Timestamp>,
    /// What came, of when, and the number of its first cage among all.
    known: Option<(Timeline, (Timestamp, Timestamp), usize)>,
    /// The cage under the cursor, among all that had something.
    cursor: usize,
    /// The first cage in sight.
    top: usize,
    columns: u16,
    height: u16,
}

impl Default for Gantt {
    fn default() -> Self {
        Self { range: 2, end: None, known: None, cursor: 0, top: 0, columns: 0, height: 0 }
    }
}

impl Gantt {
    const fn span(&self) -> i64 {
        RANGES[self.range].1 * 1_000_000
    }

    /// A column is a step, of whole milliseconds.
    fn step(&self) -> i64 {
        let columns = i64::from(self.columns.max(1));
        ((self.span() + columns - 1) / columns + 999) / 1_000 * 1_000
    }

    /// From when to when, in whole steps, so that the picture stands still for the length of one.
    fn times(&self, now: Timestamp) -> (Timestamp, Timestamp) {
        let step = self.step();
        let end = self.end.unwrap_or(now).as_micros();
        let to = (end.div_euclid(step) + 1) * step;
        let from = to - i64::from(self.columns.max(1)) * step;
        (Timestamp::from_micros(from.max(0)), Timestamp::from_micros(to))
    }

    /// The row under the cursor, if it is here.
    fn current(&self) -> Option<&TimelineRow> {
        let (timeline, _, first) = self.known.as_ref()?;
        timeline.rows.get(self.cursor.checked_sub(*first)?)
    }
}

/// The columns that a span takes, of as many as there are; at least one where it is in sight at all.
fn reach(span: &TimelineSpan, (from, to): (Timestamp, Timestamp), columns: u16) -> Option<(u16, u16)> {
    let range = to.since(from).as_micros().max(1);
    let column = |time: Timestamp| (time.as_micros() - from.as_micros()) * i64::from(columns) / range;
    let (first, last) = (column(span.from), column(span.to.unwrap_or(to)));
    if last < 0 || first >= i64::from(columns) || span.from >= to {
        return None;
    }
    let inside = |column: i64| u16::try_from(column.clamp(0, i64::from(columns.saturating_sub(1)))).unwrap_or(0);
    Some((inside(first), inside(last)))
}

impl Dashboard for Gantt {
    fn request(&self, now: Timestamp) -> Request {
        Request::Timeline {
            time: self.times(now),
            step: domain::Span::from_micros(self.step()),
            offset: self.top as u64,
            limit: u64::from(self.height.max(1)),
        }
    }

    fn take(&mut self, request: &Request, answer: &Answer, _: Timestamp) -> bool {
        let (Request::Timeline { time, offset, .. }, Answer::Timeline(timeline)) = (request, answer) else {
            return false;
        };
        self.known = Some((timeline.clone(), *time, usize::try_from(*offset).unwrap_or(0)));
        true
    }

    fn known(&self) -> bool {
        self.known.is_some()
    }

    fn summary(&self, _: Timestamp) -> String {
        let cages = self.known.as_ref().map(|(timeline, ..)| match timeline.cages {
            1 => " · 1 cage".to_owned(),
            cages => format!(" · {} cages", text::count(cages)),
        });
        let until = self.end.map(|end| format!(" until {}", text::moment(end)));
        let until = until.unwrap_or_else(|| ", UTC".to_owned());
        let the = if self.end.is_none() { "the last " } else { "" };
        format!("{the}{}{until}{}", RANGES[self.range].0, cages.unwrap_or_default())
    }

    fn layout(&mut self, area: Rect) {
        self.columns = area.width.saturating_sub(NAME + 1);
        self.height = area.height.saturating_sub(BELOW);
        let height = usize::from(self.height.max(1));
        self.top = self.top.clamp((self.cursor + 1).saturating_sub(height), self.cursor);
    }

    fn rows(&self) -> usize {
        self.known.as_ref().map_or(0, |(timeline, ..)| usize::try_from(timeline.cages).unwrap_or(usize::MAX))
    }

    fn cursor(&mut self) -> &mut usize {
        &mut self.cursor
    }

    fn show_from(&mut self, top: usize, height: usize) {
        self.top = top;
        self.cursor = self.cursor.clamp(top, top + height.saturating_sub(1));
    }

    fn target(&self) -> Option<Place> {
        self.current().map(|row| Place::Cage(row.cage_id.to_string()))
    }

    fn zoom(&mut self, longer: bool) -> bool {
        table::step(&mut self.range, RANGES.len(), longer)
    }

    fn pan(&mut self, back: bool, now: Timestamp) -> bool {
        let half = self.span() / 2;
        let end = self.end.unwrap_or(now).as_micros();
        let end = if back { end.saturating_sub(half) } else { end.saturating_add(half) };
        self.end = Some(Timestamp::from_micros(end.max(0))).filter(|end| *end < now);
        true
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, drawn: &mut Vec<(Rect, usize)>, look: &Look<'_>) {
        let Some((timeline, time, first)) = &self.known else { return };
        let canvas = Rect { x: area.x + NAME, width: self.columns.min(area.width.saturating_sub(NAME)), ..area };
        let body = Rect { height: area.height.saturating_sub(BELOW), ..area };
        if timeline.cages == 0 {
            let words = "Nothing ran within this time.\n\n+ looks at a longer one, h at an earlier one.";
            widgets::center_text(frame, body, words, look.style(Role::Dim));
        }
        let rows = timeline.rows.iter().enumerate().map(|(place, row)| (first + place, row));
        // What came last stays while the next rows are on their way.
        for (y, (number, row)) in (body.y..body.bottom()).zip(rows.skip_while(|(number, _)| *number < self.top)) {
            let here = number == self.cursor;
            let ground = if here { Role::Cursor } else { Role::Text };
            let pointer = if here { look.sign("▶ ", "> ") } else { "  " };
            let name = Line::from(vec![
                Span::raw(pointer),
                Span::styled(format!("{:<4}", row.cage_id.to_string()), look.style(ground)),
            ]);
            frame.render_widget(name, Rect { y, height: 1, width: NAME, ..area });
            draw_row(frame, Rect { y, height: 1, ..canvas }, row, (timeline, *time), look);
            drawn.push((Rect { y, height: 1, ..body }, number));
        }
        let measure = (self.top as u64, u64::from(body.height), timeline.cages);
        widgets::scrollbar(frame, body, Scrolls::Panel(0), measure, look);
        plot::times(frame, Rect { y: body.bottom(), height: 1, ..canvas }, *time, look);
        legend(frame, Rect { y: body.bottom() + 1, height: 1, ..area }, look);
        if let Some(row) = self.current() {
            let words = text::fit(&said(row, look), usize::from(area.width)).into_owned();
            frame.render_widget(Line::raw(words), Rect { y: body.bottom() + 2, height: 1, ..area });
        }
    }
}

fn draw_row(
    frame: &mut Frame<'_>,
    area: Rect,
    row: &TimelineRow,
    (timeline, time): (&Timeline, (Timestamp, Timestamp)),
    look: &Look<'_>,
) {
    let buffer = frame.buffer_mut();
    // What nobody looked at is not empty.
    let unknown = TimelineSpan {
        from: time.0,
        to: Some(timeline.complete_from),
        count: 0,
        failed: 0,
        cancelled: 0,
        execution_id: domain::ExecutionId::new(Timestamp::EPOCH, 0),
        task_id: domain::TaskId::new(Timestamp::EPOCH, 0),
        task_type: None,
        agent: None,
    };
    for x in area.x..area.right() {
        buffer[(x, area.y)].set_symbol(look.sign("·", ".")).set_style(look.style(Role::Border));
    }
    if timeline.complete_from > time.0
        && let Some((first, last)) = reach(&unknown, time, area.width)
    {
        for x in first..=last {
            buffer[(area.x + x, area.y)].set_symbol("?").set_style(look.style(Role::Unknown));
        }
    }
    for span in &row.spans {
        let Some((first, last)) = reach(span, time, area.width) else { continue };
        let bar = Bar::of(span);
        let (sign, plain) = bar.signs();
        for x in first..=last {
            buffer[(area.x + x, area.y)].set_symbol(look.sign(sign, plain)).set_style(look.style(bar.role()));
        }
    }
}

fn legend(frame: &mut Frame<'_>, area: Rect, look: &Look<'_>) {
    let mut spans = vec![Span::raw(" ".repeat(usize::from(NAME)))];
    for bar in [Bar::Done, Bar::Failed, Bar::Cancelled, Bar::UnderWay, Bar::Several, Bar::SeveralFailed] {
        let (sign, plain) = bar.signs();
        spans.push(Span::styled(look.sign(sign, plain), look.style(bar.role())));
        spans.push(Span::styled(format!(" {}  ", bar.words()), look.style(Role::Dim)));
    }
    frame.render_widget(Line::from(spans), area);
}

/// The last execution of a cage in words, and how many others there are.
fn said(row: &TimelineRow, look: &Look<'_>) -> String {
    let all: u64 = row.spans.iter().map(|span| span.count).sum();
    let failed: u64 = row.spans.iter().map(|span| span.failed).sum();
    let cancelled: u64 = row.spans.iter().map(|span| span.cancelled).sum();
    let Some(last) = row.spans.last() else { return String::new() };
    let what = text::clean(last.task_type.as_deref().unwrap_or("a task that is not known")).into_owned();
    let who = last.agent.as_ref().map(|name| format!(" by {}", text::clean(name))).unwrap_or_default();
    let how = match (last.to, last.count) {
        (None, _) => format!("under way for {}", look.since(last.from)),
        (Some(to), 1) => {
            let (mark, verb) = match (last.failed, last.cancelled) {
                (0, 0) => (Mark::Done, "took"),
                (0, _) => (Mark::Stopped, "was cancelled after"),
                _ => (Mark::Failed, "took"),
            };
            format!("{} {verb} {}", look.mark(mark), text::duration(to.since(last.from).as_micros()))
        }
        (Some(to), _) => format!("the last of several until {}", text::moment(to)),
    };
    let others = match all {
        1 => String::new(),
        all if cancelled > 0 => {
            let [all, failed, cancelled] = [all, failed, cancelled].map(text::count);
            format!("   {all} in all, {failed} failed, {cancelled} cancelled")
        }
        all => format!("   {} in all, {} failed", text::count(all), text::count(failed)),
    };
    format!("cage {}: {what}{who}, {how}{others}", row.cage_id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(from: i64, to: Option<i64>) -> TimelineSpan {
        TimelineSpan {
            from: Timestamp::from_micros(from),
            to: to.map(Timestamp::from_micros),
            count: 1,
            failed: 0,
            cancelled: 0,
            execution_id: domain::ExecutionId::new(Timestamp::EPOCH, 1),
            task_id: domain::TaskId::new(Timestamp::EPOCH, 1),
            task_type: None,
            agent: None,
        }
    }

    #[test]
    fn bars_lie_where_they_were_and_nothing_is_too_short_to_be_seen() {
        let time = (Timestamp::from_micros(1_000), Timestamp::from_micros(2_000));
        assert_eq!(reach(&span(1_100, Some(1_299)), time, 10), Some((1, 2)));
        assert_eq!(reach(&span(1_500, Some(1_501)), time, 10), Some((5, 5)));
        assert_eq!(reach(&span(0, Some(1_150)), time, 10), Some((0, 1)), "it began before");
        assert_eq!(reach(&span(1_900, None), time, 10), Some((9, 9)), "it is under way");
        assert_eq!(reach(&span(0, Some(800)), time, 10), None);
        assert_eq!(reach(&span(2_000, Some(2_100)), time, 10), None);
    }

    #[test]
    fn what_was_cancelled_has_a_sign_of_its_own() {
        let ended = |failed, cancelled| TimelineSpan { failed, cancelled, ..span(0, Some(9)) };
        let bars = [ended(0, 0), ended(1, 0), ended(0, 1)].map(|span| Bar::of(&span));
        assert_eq!(bars, [Bar::Done, Bar::Failed, Bar::Cancelled]);
        let several = TimelineSpan { count: 2, ..ended(0, 1) };
        assert_eq!(Bar::of(&several), Bar::Several, "some of several that were cancelled are no failure");
    }

    #[test]
    fn a_column_is_a_step_whatever_the_range_and_the_room() {
        let now = Timestamp::from_micros(1_772_618_400_123_456);
        for range in 0..RANGES.len() {
            for columns in [1, 70, 190] {
                let gantt = Gantt { range, columns, height: 9, ..Gantt::default() };
                let (from, to) = gantt.times(now);
                assert_eq!(to.since(from).as_micros(), i64::from(columns) * gantt.step());
                assert!(to > now && to.since(from).as_micros() >= gantt.span());
            }
        }
    }
}
