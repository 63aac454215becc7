//! When a rule would have fired: what came of trying it on the past.

use ratatui::Frame;
use ratatui::layout::Rect;

use super::detail::{Detail, Parts};
use crate::api::types::RuleTest;
use crate::domain::{Level, alert_trial};
use crate::ui::key::Key;
use crate::ui::layer::Layer;
use crate::ui::look::Look;
use crate::ui::names::Names;
use crate::ui::request::{Answer, Request, Ticket};
use crate::ui::screen::Out;
use crate::ui::text;
use crate::ui::theme::Role;

/// The most firings that are listed; how many there are is said.
const LISTED_MAX: usize = 500;

/// The answer to *when would it have fired?*
pub struct Trial {
    test: RuleTest,
    asked: Option<Ticket>,
    shown: Detail,
}

impl Trial {
    /// Tries a rule.
    pub fn new(test: RuleTest) -> Self {
        let shown = Detail::new(title(&test), vec![vec![(Role::Dim, "trying it …".to_owned())]]);
        Self { test, asked: None, shown }
    }
}

fn title(test: &RuleTest) -> String {
    format!("rule {} on the last {}", test.rule.name, test.since)
}

fn lines(trial: &alert_trial::Trial) -> Vec<Parts> {
    let times = match trial.firings.len() {
        0 => "It would not have fired.".to_owned(),
        1 => "It would have fired once.".to_owned(),
        times => format!("It would have fired {} times.", text::count(times as u64)),
    };
    let tried = match trial.first {
        Some(first) => {
            let window = trial.window.map(|window| format!(", with a window of {window}, for they lie far apart"));
            format!(
                "Tried on {} samples of {} subjects since {}{}.",
                text::count(trial.samples),
                text::count(trial.subjects),
                text::moment(first),
                window.unwrap_or_default()
            )
        }
        // Then it is not known whether it would have fired.
        None => "There are no samples to try it on.".to_owned(),
    };
    let times = if trial.first.is_none() { "Nobody knows whether it would have fired.".to_owned() } else { times };
    let mut lines: Vec<Parts> = vec![vec![(Role::Title, times)], vec![(Role::Dim, tried)], vec![]];
    for firing in trial.firings.iter().take(LISTED_MAX) {
        let role = if firing.level == Level::Critical { Role::Bad } else { Role::Warn };
        let until = firing.until.map_or_else(|| text::pad("now", 20), text::moment);
        lines.push(vec![
            (Role::Dim, format!("{} to {until}  ", text::moment(firing.from))),
            (role, text::pad(firing.level.as_str(), 9)),
            (Role::Accent, format!("{}  ", firing.subject)),
            (Role::Text, firing.message.clone()),
        ]);
    }
    if trial.firings.len() > LISTED_MAX {
        let more = text::count((trial.firings.len() - LISTED_MAX) as u64);
        lines.push(vec![(Role::Dim, format!("and {more} more"))]);
    }
    lines
}

impl Layer for Trial {
    fn name(&self) -> &'static str {
        "trial"
    }

    fn key(&mut self, key: Key, out: &mut Out) {
        self.shown.key(key, out);
    }

    fn opened(&mut self, out: &mut Out) {
        self.asked = Some(out.ask(None, Request::TestRule(Box::new(self.test.clone()))));
    }

    fn answer(&mut self, ticket: Ticket, answer: &Result<Answer, String>, _: &mut Out) -> bool {
        if self.asked.take_if(|asked| *asked == ticket).is_none() {
            return false;
        }
        let lines = match answer {
            Ok(Answer::Trial(trial)) => lines(trial),
            Ok(_) => vec![vec![(Role::Bad, "the engine answered something else".to_owned())]],
            Err(message) => vec![vec![(Role::Bad, message.clone())]],
        };
        self.shown = Detail::new(title(&self.test), lines);
        true
    }

    fn scroll(&mut self, rows: i64, out: &mut Out) {
        self.shown.scroll(rows, out);
    }

    fn layout(&mut self, area: Rect, names: &Names) {
        self.shown.layout(area, names);
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, look: &Look<'_>) {
        self.shown.draw(frame, area, look);
    }

    fn hints(&self) -> Vec<(String, String)> {
        self.shown.hints()
    }
}
