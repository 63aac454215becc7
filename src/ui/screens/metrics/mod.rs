//! Figures over time: the metrics, the chart of one of them, and the GPUs of every machine.

mod chart;
mod gpus;
mod names;
mod view;

use std::time::{Duration, Instant};

use ratatui::Frame;
use ratatui::layout::Rect;

use self::chart::Chart;
use self::gpus::Gpus;
use self::names::Names;
use self::view::{LINES_MAX, RANGES, View, functions};
use crate::api::live::Topic;
use crate::domain::Timestamp;
use crate::domain::metric::Function;
use crate::ui::action::Scope;
use crate::ui::app::Options;
use crate::ui::list::Listing;
use crate::ui::look::Look;
use crate::ui::place::Place;
use crate::ui::request::{Answer, Request, Ticket};
use crate::ui::screen::{Out, Screen};
use crate::ui::theme::Role;
use crate::ui::widgets::{self, plot};

/// From this width on, the list stands beside the chart.
const BESIDE_FROM: u16 = 110;
/// The columns of the list beside the chart.
const LIST_COLUMNS: u16 = 42;
/// The lines of the list above the chart.
const LIST_LINES: u16 = 5;
/// Which metrics there are changes seldom, so it is not asked for with every figure.
const LIST_EVERY: Duration = Duration::from_secs(10);
/// Which of the ranges is shown first: the last hour.
const FIRST_RANGE: usize = 1;

/// The screen.
pub struct Metrics {
    names: Names,
    listed: Option<Instant>,
    asked_names: Option<Ticket>,
    range: usize,
    end: Option<Timestamp>,
    /// What somebody chose; a metric of a kind that it says nothing about is shown by what suits it.
    function: Option<Function>,
    compare: bool,
    /// How many values can be seen beside each other; 0 before it is known.
    dots: u16,
    list_at: Rect,
    chart_at: Rect,
    /// Whether the chart has all the room.
    whole: bool,
    /// What was asked for last, and the moment and the ticket while it is not answered.
    wanted: Option<View>,
    asked: Option<(Ticket, Timestamp)>,
    chart: Option<Chart>,
    gpus: Gpus,
    gpus_shown: bool,
    asked_gpus: Option<Ticket>,
    error: Option<String>,
    now: (Option<Instant>, Timestamp),
}

impl Metrics {
    /// A screen that has asked nothing yet.
    pub fn new() -> Self {
        Self {
            names: Names::default(),
            listed: None,
            asked_names: None,
            range: FIRST_RANGE,
            end: None,
            function: None,
            compare: false,
            dots: 0,
            list_at: Rect::default(),
            chart_at: Rect::default(),
            whole: false,
            wanted: None,
            asked: None,
            chart: None,
            gpus: Gpus::default(),
            gpus_shown: false,
            asked_gpus: None,
            error: None,
            now: (None, Timestamp::EPOCH),
        }
    }

    /// What is to be looked at; `None` while no metric or no room is known.
    fn view(&self) -> Option<View> {
        let metric = self.names.current()?;
        let selector = self.names.selector()?;
        let suitable = functions(metric.meta.kind);
        let function = self.function.filter(|function| suitable.contains(function)).unwrap_or(suitable[0]);
        // Who names labels wants to see just these.
        let many = selector.matchers.is_empty() && metric.series > LINES_MAX as u64;
        (self.dots > 0).then(|| View {
            selector,
            unit: metric.meta.unit.clone(),
            function,
            range: self.range,
            end: self.end,
            compare: self.compare,
            spread: many.then_some(metric.series),
            dots: self.dots,
        })
    }

    fn ask(&mut self, out: &mut Out) {
        self.wanted = self.view();
        if let Some(view) = &self.wanted {
            let ticket = out.ask(Some("series"), Request::Series(view.queries(self.now.1)));
            self.asked = Some((ticket, self.now.1));
        }
    }

    /// Asks when something else is to be looked at than what was asked for last.
    fn follow(&mut self, out: &mut Out) {
        if !self.gpus_shown && self.view() != self.wanted {
            self.ask(out);
        }
    }

    /// Half of the range back when `back`, else forward until now is reached.
    fn pan(&mut self, back: bool) {
        let half = RANGES[self.range].1.as_micros() / 2;
        let end = self.end.unwrap_or(self.now.1).as_micros();
        let end = if back { end.saturating_sub(half) } else { end.saturating_add(half) };
        self.end = Some(Timestamp::from_micros(end)).filter(|end| *end < self.now.1);
    }

    fn next_function(&mut self) {
        let Some(metric) = self.names.current() else { return };
        let suitable = functions(metric.meta.kind);
        let now = self.function.and_then(|function| suitable.iter().position(|it| *it == function)).unwrap_or(0);
        self.function = Some(suitable[(now + 1) % suitable.len()]);
    }
}

impl Screen for Metrics {
    fn title(&self) -> String {
        if self.gpus_shown {
            format!("GPUs {}", self.gpus.summary())
        } else {
            format!("metrics {}", self.names.summary())
        }
    }

    fn unanswered(&self) -> Option<&str> {
        self.error.as_deref()
    }

    fn topics(&self) -> &'static [Topic] {
        &[Topic::Usage]
    }

    fn scopes(&self) -> &'static [Scope] {
        if self.gpus_shown { &[Scope::Gpus] } else { &[Scope::Metrics, Scope::List] }
    }

    fn refresh(&mut self, out: &mut Out) {
        if self.gpus_shown {
            self.asked_gpus = Some(out.ask(Some("gpus"), Request::Sensors));
            return;
        }
        let old = |(now, listed): (Instant, Instant)| now.saturating_duration_since(listed) >= LIST_EVERY;
        if self.now.0.zip(self.listed).is_none_or(old) {
            self.asked_names = Some(out.ask(Some("metrics"), Request::Metrics));
        }
        // What was does not change any more.
        let past = self.end.is_some() && self.error.is_none() && self.asked.is_none();
        if !past || self.view() != self.wanted {
            self.ask(out);
        }
    }

    fn answer(&mut self, ticket: Ticket, answer: &Result<Answer, String>, out: &mut Out) -> bool {
        let names = self.asked_names.take_if(|asked| *asked == ticket).is_some();
        let gpus = self.asked_gpus.take_if(|asked| *asked == ticket).is_some();
        let series = self.asked.take_if(|(asked, _)| *asked == ticket);
        if !names && !gpus && series.is_none() {
            return false;
        }
        self.error = None;
        match answer {
            Ok(Answer::Metrics(metrics)) => {
                self.names.take(metrics);
                self.listed = self.now.0;
                self.follow(out);
            }
            Ok(Answer::Sensors(nodes)) => self.gpus.take(nodes),
            Ok(Answer::Series(answers)) => {
                if let Some((view, (_, asked_at))) = self.wanted.clone().zip(series) {
                    self.chart = Some(Chart::new(view, asked_at, answers.clone()));
                }
            }
            Ok(_) => self.error = Some("the engine answered something else".to_owned()),
            Err(message) => self.error = Some(message.clone()),
        }
        true
    }

    fn attend(&mut self, now: Instant, wall: Timestamp, _: &Options) {
        self.now = (Some(now), wall);
    }

    fn layout(&mut self, area: Rect, out: &mut Out) {
        let area = Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
        if self.whole {
            self.list_at = Rect { height: 0, ..area };
            self.chart_at = area;
        } else if area.width + 2 >= BESIDE_FROM {
            self.list_at = Rect { width: LIST_COLUMNS, ..area };
            self.chart_at = Rect { x: area.x + LIST_COLUMNS + 1, width: area.width - LIST_COLUMNS - 1, ..area };
        } else {
            let lines = LIST_LINES.min(area.height / 3);
            self.list_at = Rect { height: lines, ..area };
            self.chart_at = Rect { y: area.y + lines, height: area.height - lines, ..area };
        }
        self.dots = plot::dots(self.chart_at.width);
        if !self.whole {
            self.names.layout(self.list_at.height);
        }
        self.follow(out);
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, look: &Look<'_>) {
        let error = self.error.as_deref();
        if self.gpus_shown {
            return self.gpus.draw(frame, area, error, look);
        }
        if self.listed.is_none() {
            widgets::center_text(frame, area, error.unwrap_or("asking the engine …"), look.style(Role::Dim));
            return;
        }
        if !self.whole {
            self.names.draw(frame, self.list_at, look);
        }
        let Some(metric) = self.names.current() else { return };
        // What came last stays while the next one is on its way, and when there is no engine.
        let selector = self.names.selector();
        let shown = self.chart.as_ref().filter(|chart| Some(&chart.view.selector) == selector.as_ref());
        if let Some(chart) = shown {
            chart.draw(frame, self.chart_at, metric, look);
        } else {
            let words = error.unwrap_or("asking the engine …");
            widgets::center_text(frame, self.chart_at, words, look.style(Role::Dim));
        }
    }

    fn target(&self) -> Option<Place> {
        if self.gpus_shown { self.gpus.target() } else { None }
    }

    fn list(&mut self) -> Option<&mut dyn Listing> {
        if self.gpus_shown { None } else { Some(&mut self.names) }
    }

    fn perform(&mut self, action: &str, out: &mut Out) -> bool {
        match action {
            "earlier" => self.pan(true),
            "later" => self.pan(false),
            "range_longer" => self.range = (self.range + 1).min(RANGES.len() - 1),
            "range_shorter" => self.range = self.range.saturating_sub(1),
            "function" => self.next_function(),
            "compare" => self.compare = !self.compare,
            "whole_chart" => self.whole = !self.whole,
            "gpus" => {
                self.gpus_shown = !self.gpus_shown;
                self.error = None;
                self.refresh(out);
            }
            "next_row" => self.gpus.put_cursor(|at, _| at + 1),
            "previous_row" => self.gpus.put_cursor(|at, _| at.saturating_sub(1)),
            "first_row" => self.gpus.put_cursor(|_, _| 0),
            "last_row" => self.gpus.put_cursor(|_, last| last),
            _ => return false,
        }
        self.follow(out);
        true
    }

    fn obstacle(&self, action: &str) -> Option<String> {
        let last = RANGES.len() - 1;
        let words = match action {
            "mark" | "mark_range" | "mark_all" => {
                "what was measured cannot be changed, so there is nothing to mark for"
            }
            "sort" | "columns" => "metrics stand in the order of their names",
            "later" if self.end.is_none() => "the chart ends now",
            "range_longer" if self.range == last => "there is no longer range than 7d",
            "range_shorter" if self.range == 0 => "there is no shorter range than 15m",
            _ => return None,
        };
        Some(words.to_owned())
    }

    fn scroll_panel(&mut self, _: usize, rows: i64) {
        self.gpus.scroll(rows);
    }

    fn click(&mut self, column: u16, row: u16, _: &mut Out) -> bool {
        let y = row + crate::ui::view::BODY_TOP;
        if self.gpus_shown {
            return self.gpus.click(column, y);
        }
        self.list_at.contains((column, y).into()) && self.names.point(y - self.list_at.y)
    }
}
