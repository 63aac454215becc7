//! One alert: what raised it, the figure that did as a chart with the thresholds in it, and what became of it.

mod chart;
pub mod facts;
mod history;

use std::time::Instant;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

use self::chart::Chart;
use super::alert_rules;
use crate::api::live::Topic;
use crate::api::types::{AlertRow, AlertRuleRow, JournalRow};
use crate::domain::metric::Query;
use crate::domain::{AlertMember, Timestamp};
use crate::ui::action::Scope;
use crate::ui::app::Options;
use crate::ui::events_text::about;
use crate::ui::list::Row;
use crate::ui::look::Look;
use crate::ui::place::Place;
use crate::ui::request::{Answer, Request, Ticket};
use crate::ui::screen::{Noun, Out, Screen, Selection};
use crate::ui::scrollbars::Scrolls;
use crate::ui::step::Step;
use crate::ui::text;
use crate::ui::theme::Role;
use crate::ui::widgets::{self, plot};

/// The lines that a chart takes at most; fewer where the facts need them.
const CHART_LINES: u16 = 14;
/// With fewer a chart says nothing.
const CHART_LEAST: u16 = 6;

/// What a refusal names when there is no rule of a name.
const NO_RULE: &str = "alert rule";

/// What is known of the rule that raised it.
#[derive(Clone, Debug, PartialEq)]
enum Rule {
    /// Nobody has answered yet.
    Asked,
    /// It came from no rule: from an event.
    None,
    /// This one.
    Known(Box<AlertRuleRow>),
}

/// What has been asked and not been answered.
#[derive(Default)]
struct Asked {
    alert: Option<Ticket>,
    rule: Option<Ticket>,
    history: Option<Ticket>,
    members: Option<Ticket>,
    series: Option<(Ticket, Box<Chart>)>,
}

/// The screen.
pub struct OneAlert {
    id: String,
    alert: Option<Box<AlertRow>>,
    rule: Rule,
    history: Vec<JournalRow>,
    /// Those that share it.
    members: Vec<AlertMember>,
    chart: Option<Box<Chart>>,
    /// What was asked for last, whatever came of it.
    looked_at: Option<Query>,
    /// Why there is no chart.
    unplotted: Option<String>,
    asked: Asked,
    error: Option<String>,
    /// How many values can be seen beside each other.
    dots: u16,
    /// How many lines of what stands below the heading are above the screen.
    top: usize,
    /// How many lines there are, and how many can be in sight, as of the last drawing.
    room: std::cell::Cell<(usize, usize)>,
    now: Timestamp,
}

impl OneAlert {
    /// An alert of which nothing is known but its id.
    pub fn new(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            alert: None,
            rule: Rule::Asked,
            history: Vec::new(),
            members: Vec::new(),
            chart: None,
            looked_at: None,
            unplotted: None,
            asked: Asked::default(),
            error: None,
            dots: 0,
            top: 0,
            room: std::cell::Cell::default(),
            now: Timestamp::EPOCH,
        }
    }

    fn known_rule(&self) -> Option<&AlertRuleRow> {
        match &self.rule {
            Rule::Known(row) => Some(row),
            Rule::Asked | Rule::None => None,
        }
    }

    /// Asks for the figure, as far as it is known which and how much of it can be seen; not again before a step has passed.
    fn ask_series(&mut self, out: &mut Out) {
        let Some((alert, row)) = self.alert.as_deref().zip(self.known_rule()) else { return };
        if self.dots == 0 {
            return;
        }
        let chart = Chart::new(alert, &row.rule, self.dots, self.now);
        if self.looked_at.as_ref() == Some(&chart.query) {
            return;
        }
        // The figure of now goes with the chart.
        if self.looked_at.replace(chart.query.clone()).is_some() {
            self.asked.alert = Some(out.ask(Some("alert"), Request::Alert(self.id.clone())));
        }
        let ticket = out.ask(Some("alert series"), Request::Series(vec![chart.query.clone()]));
        self.asked.series = Some((ticket, Box::new(chart)));
    }

    fn scroll(&mut self, by: isize) {
        let (total, height) = self.room.get();
        self.top = self.top.saturating_add_signed(by).min(total.saturating_sub(height));
    }
}

impl Screen for OneAlert {
    fn title(&self) -> String {
        let old = if self.error.is_some() && self.alert.is_some() { " · OLD: the engine did not answer" } else { "" };
        match &self.alert {
            Some(alert) => format!("{} alert about {}{old}", alert.severity, text::clean(&alert.source)),
            None => "alert".to_owned(),
        }
    }

    fn topics(&self) -> &'static [Topic] {
        &[Topic::Alerts]
    }

    fn scopes(&self) -> &'static [Scope] {
        &[Scope::Alert]
    }

    fn refresh(&mut self, out: &mut Out) {
        self.asked.alert = Some(out.ask(Some("alert"), Request::Alert(self.id.clone())));
        self.asked.history = Some(out.ask(Some("alert history"), Request::AlertHistory(self.id.clone())));
    }

    fn answer(&mut self, ticket: Ticket, answer: &Result<Answer, String>, out: &mut Out) -> bool {
        let mine = |slot: &mut Option<Ticket>| slot.take_if(|asked| *asked == ticket).is_some();
        if mine(&mut self.asked.alert) {
            match answer {
                Ok(Answer::Alert(alert)) => {
                    (self.alert, self.error) = (Some(alert.clone()), None);
                    self.asked.rule =
                        Some(out.ask(Some("alert rule"), Request::AlertRule(alert.context.trigger.clone())));
                    if alert.is_shared() {
                        let request = Request::AlertMembers(self.id.clone());
                        self.asked.members = Some(out.ask(Some("alert members"), request));
                    }
                }
                Ok(_) => {}
                Err(message) => self.error = Some(message.clone()),
            }
        } else if mine(&mut self.asked.rule) {
            match answer {
                Ok(Answer::AlertRule(row)) => self.rule = Rule::Known(row.clone()),
                // An alert that no rule has raised is ordinary; what it was is in its trigger.
                Err(message) if message.contains(NO_RULE) => self.rule = Rule::None,
                // Whoever is not heard has not said that there is none.
                _ => {}
            }
            self.ask_series(out);
        } else if mine(&mut self.asked.members) {
            if let Ok(Answer::Members(members)) = answer {
                self.members.clone_from(members);
            }
        } else if mine(&mut self.asked.history) {
            if let Ok(Answer::History(rows)) = answer {
                self.history.clone_from(rows);
                out.name(history::people(rows));
            }
        } else if let Some((_, mut chart)) = self.asked.series.take_if(|(asked, _)| *asked == ticket) {
            match answer {
                Ok(Answer::Series(answers)) => {
                    chart.take(answers);
                    (self.chart, self.unplotted) = (Some(chart), None);
                }
                Ok(_) => {}
                Err(message) => self.unplotted = Some(message.clone()),
            }
        } else {
            return false;
        }
        true
    }

    fn attend(&mut self, _: Instant, wall: Timestamp, _: &Options) {
        self.now = wall;
    }

    fn layout(&mut self, area: Rect, out: &mut Out) {
        self.dots = plot::dots(area.width.saturating_sub(2));
        // Time goes on while it is looked at.
        self.ask_series(out);
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, look: &Look<'_>) {
        let area = Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
        let Some(alert) = self.alert.as_deref() else {
            let words = self.error.as_deref().unwrap_or("asking the engine …");
            widgets::center_text(frame, area, words, look.style(Role::Dim));
            return;
        };
        let room = usize::from(area.width.saturating_sub(1));
        let mut lines = facts::lines(alert, &self.members, self.known_rule().map(|row| &row.rule), room, look);
        let chart = match &self.rule {
            Rule::Known(row) => {
                lines.extend(facts::rule(row, room, look));
                let rest = area.height.saturating_sub(u16::try_from(lines.len()).unwrap_or(u16::MAX));
                let lines = rest.saturating_sub(CHART_LEAST).clamp(CHART_LEAST, CHART_LINES);
                if area.height >= 2 * CHART_LEAST { lines } else { 0 }
            }
            Rule::None => {
                let words = "It came from an event and not from a rule, so there is no figure over time.";
                lines.push(Line::styled(text::fit(words, room).into_owned(), look.style(Role::Dim)));
                0
            }
            Rule::Asked => 0,
        };
        // The chart keeps its place; what is written scrolls below it.
        let at = Rect { height: chart, ..area };
        if let Some((row, known)) = self.known_rule().zip(self.chart.as_ref()).filter(|_| chart > 0) {
            known.draw(frame, at, alert, &row.rule, look);
        } else if chart > 0 {
            let words = self.unplotted.as_deref().unwrap_or("asking for the figure …");
            widgets::center_text(frame, at, words, look.style(Role::Dim));
        }
        lines.push(Line::default());
        lines.extend(history::lines(&self.history, room, look));
        let body = Rect { y: area.y + chart, height: area.height - chart, ..area };
        let (height, total) = (usize::from(body.height), lines.len());
        self.room.set((total, height));
        let top = self.top.min(total.saturating_sub(height));
        for (y, line) in (body.y..body.bottom()).zip(lines.into_iter().skip(top)) {
            frame.render_widget(line, Rect { y, height: 1, ..body });
        }
        widgets::scrollbar(frame, body, Scrolls::Panel(0), (top as u64, height as u64, total as u64), look);
    }

    fn selection(&self) -> Option<Selection> {
        let items = self.alert.iter().map(|alert| alert.item()).collect();
        Some(Selection { noun: Noun::Alert, items, marked: false })
    }

    fn target(&self) -> Option<Place> {
        self.alert.as_ref().and_then(|alert| about(&alert.source, &alert.message))
    }

    fn perform(&mut self, action: &str, out: &mut Out) -> bool {
        match action {
            "next_row" => self.scroll(1),
            "previous_row" => self.scroll(-1),
            "first_row" => self.top = 0,
            "last_row" => self.scroll(isize::MAX / 2),
            "test_rule" => {
                if let Some(row) = self.known_rule() {
                    out.step(Step::Open(Box::new(alert_rules::ask_test(&row.rule.name))));
                }
            }
            _ => return false,
        }
        true
    }

    fn scroll_panel(&mut self, _: usize, rows: i64) {
        self.scroll(isize::try_from(rows).unwrap_or(0));
    }

    fn obstacle(&self, action: &str) -> Option<String> {
        (action == "test_rule" && self.known_rule().is_none()).then(|| "no rule has raised it".to_owned())
    }
}
