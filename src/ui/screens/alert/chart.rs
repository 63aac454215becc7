//! The figure that raised an alert, over time: its thresholds as lines across, the moments at which it came up and was over
//! as lines from top to bottom.

use ratatui::Frame;
use ratatui::layout::Rect;

use super::facts;
use crate::domain::alert_rule::Function as Made;
use crate::domain::metric::{Answer, Function, Matcher, Operator, Query, Selector};
use crate::domain::{self, Alert, AlertRule, MetricUnit, Span, Timestamp};
use crate::ui::look::Look;
use crate::ui::theme::Role;
use crate::ui::widgets::plot::{Drawn, Moment, Plot, Threshold};
use crate::ui::widgets::{self, axis};

/// How much is shown at least, and at most.
const LEAST: i64 = 600_000_000;
const MOST: i64 = 604_800_000_000;
/// So many times as long as a rule looks back and waits is shown at least, and of what has a step for each time that it looks back
/// so many steps.
const WAITS: i64 = 4;
const STEPS: i64 = 20;

/// What is looked at, and what came.
pub struct Chart {
    /// What is asked.
    pub query: Query,
    lines: Vec<domain::metric::Line>,
    step: Span,
}

impl Chart {
    /// The figure of an alert, from some time before it came up until now, or until some time after it was over.
    pub fn new(alert: &Alert, rule: &AlertRule, dots: u16, now: Timestamp) -> Self {
        let raised = alert.time.as_micros();
        let end = alert.resolution.as_ref().map_or(now, |resolution| resolution.time).as_micros().max(raised);
        // A third of it lies before, so that one sees how it came about; of one that is young what led to it fills the rest.
        let counts = matches!(rule.function, Made::Increase | Made::Count);
        let waited = (rule.window.as_micros() + rule.hold.as_micros()) * WAITS;
        let stepped = if counts { rule.window.as_micros() * STEPS } else { 0 };
        let range = ((end - raised) * 3 / 2).max(waited).max(stepped).clamp(LEAST, MOST);
        let to = (end + range / 10).min(now.as_micros()).max(end);
        // What raised it is in sight in any case: of a very long one the beginning.
        let to = to.min(raised.saturating_add(MOST * 2 / 3));
        let (from, least) = (to - range, range / i64::from(dots.max(1)));
        // Counts and increases depend on how long one counts; whatever else is as fine as can be seen.
        let step = if counts { rule.window.as_micros() } else { least };
        let step = ((step.max(least) + 999_999) / 1_000_000).max(1) * 1_000_000;
        let query = Query {
            selector: selector(alert, rule),
            from: Timestamp::from_micros(from.max(0).div_euclid(step) * step),
            to: Timestamp::from_micros((to.div_euclid(step) + 1) * step),
            step: Span::from_micros(step),
            function: function(rule.function),
            grouping: None,
        };
        Self { step: query.step, query, lines: Vec::new() }
    }

    /// Takes what came.
    pub fn take(&mut self, answers: &[Answer]) {
        if let Some(answer) = answers.first() {
            self.lines.clone_from(&answer.lines);
            self.step = answer.step;
        }
    }

    /// Draws it below its heading.
    pub fn draw(&self, frame: &mut Frame<'_>, area: Rect, alert: &Alert, rule: &AlertRule, look: &Look<'_>) {
        let metric = rule.metric.strip_prefix("menagerie_").unwrap_or(&rule.metric);
        let several = if self.lines.len() > 1 { format!(", {} series", self.lines.len()) } else { String::new() };
        let limits = facts::thresholds(rule);
        let more = format!("{} in steps of {}{several}: {limits}", rule.function, self.step.human());
        widgets::heading(frame, Rect { height: 1, ..area }, metric, &more, false, look);
        let body = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
        let lines = self.lines.iter().enumerate().map(|(place, line)| Drawn {
            place: Some(place),
            points: line.points.as_slice(),
            step: self.step,
            shift: Span::ZERO,
        });
        let named = [("warning", Role::Warn, rule.warning), ("critical", Role::Bad, rule.critical)];
        let thresholds = named.into_iter().filter_map(|(name, role, limit)| {
            let limit = limit?;
            Some(Threshold { value: limit.value, name: format!("{name} {limit}"), role })
        });
        let within = |time: Timestamp| (self.query.from..self.query.to).contains(&time);
        let mut moments = vec![(alert.time, "raised", Role::Waiting)];
        moments.extend(alert.resolution.as_ref().map(|resolution| (resolution.time, "over", Role::Good)));
        let moments = moments.into_iter().filter(|(time, ..)| within(*time)).map(|(time, name, role)| Moment {
            time,
            name: name.to_owned(),
            role,
        });
        let unit = unit(rule);
        let empty = format!("nothing is kept of {} for this time", facts::condition(rule));
        let plot = Plot {
            from: self.query.from,
            to: self.query.to,
            unit: &unit,
            lines: lines.collect(),
            bands: Vec::new(),
            thresholds: thresholds.collect(),
            moments: moments.collect(),
            empty: &empty,
        };
        plot.draw(frame, body, look);
    }
}

/// The series that the rule looked at for this alert.
fn selector(alert: &Alert, rule: &AlertRule) -> Selector {
    let mut matchers: Vec<Matcher> = rule
        .labels
        .iter()
        .map(|(label, value)| Matcher { label: label.clone(), operator: Operator::Like, text: value.clone() })
        .collect();
    // `cage 003`: the scope's label and its value. What shares an alert has no such source; then all are shown.
    if let Some(label) = rule.scope.label()
        && let Some((scope, name)) = alert.source.split_once(' ')
        && scope == label
    {
        matchers.push(Matcher { label: label.to_owned(), operator: Operator::Is, text: name.to_owned() });
    }
    Selector { name: rule.metric.clone(), matchers }
}

/// What the store of series makes of a step, as the rule does of its window.
const fn function(made: Made) -> Function {
    match made {
        Made::Last => Function::Last,
        Made::Avg => Function::Avg,
        Made::Max => Function::Max,
        Made::Min => Function::Min,
        Made::Rate => Function::Rate,
        Made::Increase => Function::Increase,
        Made::P95 => Function::P95,
        Made::Count => Function::Count,
    }
}

/// The unit in the words of metrics.
fn unit(rule: &AlertRule) -> String {
    let unit = match rule.unit() {
        MetricUnit::Count => "",
        MetricUnit::Ratio => "ratio",
        MetricUnit::Seconds => "seconds",
        MetricUnit::Bytes => "bytes",
        MetricUnit::Dollars => "dollars",
    };
    let rate = rule.function == Made::Rate && unit != "ratio";
    if rate { axis::per_second(unit) } else { unit.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RAISED: i64 = 1_772_618_400_000_000;

    fn alert(source: &str, over: Option<i64>) -> Alert {
        let at = |micros: i64| Timestamp::from_micros(micros);
        serde_json::from_value(serde_json::json!({
            "id": "0195eeee-0000-7000-8000-000000000001", "severity": "critical", "status": "active", "source": source,
            "message": "m", "time": at(RAISED), "last_seen": at(RAISED), "count": 1,
            "context": {"trigger": "cage-memory"},
            "resolution": over.map(|time| serde_json::json!({"time": at(time)})),
        }))
        .unwrap()
    }

    fn rule(function: &str, window: &str) -> AlertRule {
        let patch: domain::AlertRulePatch = serde_json::from_value(serde_json::json!({
            "name": "r", "metric": "menagerie_cage_memory_usage_ratio", "scope": "cage", "function": function,
            "window": window, "warning": if function == "count" { "5" } else { "90%" }, "labels": {"node": "big*"},
        }))
        .unwrap();
        patch.over(None).unwrap()
    }

    #[test]
    fn the_moment_at_which_it_came_up_is_in_sight_with_what_was_before() {
        let hour = 3_600_000_000;
        for (over, passed) in
            [(None, 0), (None, 5 * hour), (None, 900 * hour), (Some(hour), 90 * hour), (Some(0), 2 * hour)]
        {
            let now = Timestamp::from_micros(RAISED + passed);
            let chart = Chart::new(&alert("cage 003", over.map(|it| it + RAISED)), &rule("last", "1m"), 200, now);
            let (from, to) = (chart.query.from.as_micros(), chart.query.to.as_micros());
            assert!(from < RAISED - (to - from) / 5 && to > RAISED, "{over:?} {passed}");
            let steps = (to - from) / chart.query.step.as_micros();
            assert!((20..=203).contains(&steps), "{steps} steps");
            chart.query.check().unwrap();
        }
    }

    #[test]
    fn a_young_alert_is_not_lost_in_an_hour() {
        let now = Timestamp::from_micros(RAISED + 120_000_000);
        let range = |window: &str, function: &str| {
            let query = Chart::new(&alert("cage 003", None), &rule(function, window), 200, now).query;
            let before = RAISED - query.from.as_micros();
            assert!(before > 120_000_000 && query.to.as_micros() > RAISED, "{before}");
            (query.to.as_micros() - query.from.as_micros()) / 1_000_000
        };
        assert!((600..660).contains(&range("1m", "last")), "ten minutes, of which two have passed");
        assert!((3600..3700).contains(&range("15m", "avg")), "an average of a quarter of an hour comes about in more");
        assert!(range("10m", "count") >= 12_000, "what is counted over a window needs several");
    }

    #[test]
    fn the_series_are_those_of_the_rule_and_the_subject() {
        let now = Timestamp::from_micros(RAISED);
        let of =
            |source: &str| Chart::new(&alert(source, None), &rule("last", "1m"), 200, now).query.selector.to_string();
        assert_eq!(of("cage 003"), "menagerie_cage_memory_usage_ratio{node~\"big*\",cage=\"003\"}");
        // What shares an alert is about no single cage.
        assert_eq!(of("rule cage-memory"), "menagerie_cage_memory_usage_ratio{node~\"big*\"}");
    }

    #[test]
    fn what_is_counted_is_counted_over_the_window() {
        let now = Timestamp::from_micros(RAISED);
        let step = |function: &str| Chart::new(&alert("cage 003", None), &rule(function, "10m"), 200, now).query.step;
        assert_eq!(step("count"), Span::from_secs(600));
        assert_eq!(step("avg"), Span::from_secs(12));
    }
}
