//! Small charts of the last hour beside figures: from the series that are kept, not from what the console happened to see.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::look::Look;
use super::request::{Answer, Request, Ticket};
use super::screen::Out;
use super::widgets::chart;
use crate::domain::metric::{Answer as Came, Function, Query, Selector};
use crate::domain::{Span, Timestamp};

/// How many columns a small chart has, and how long each of them is.
pub const COLUMNS: usize = 12;
const STEP: i64 = 300_000_000;

/// The shortest time between two asks: a column is longer.
const EVERY: Duration = Duration::from_secs(30);

/// The values of the steps of the last hour; `None` where nothing was measured.
type Steps = [Option<f64>; COLUMNS];

/// What was asked, and what is known.
pub struct Sparks {
    /// The label that tells whose a series is.
    label: &'static str,
    /// What has not been answered yet: each metric by itself, for some may be nowhere measured.
    asked: BTreeMap<Ticket, (String, Timestamp)>,
    at: Option<Instant>,
    /// By metric and by the value of the label.
    known: BTreeMap<(String, String), Steps>,
}

impl Sparks {
    /// Those of things that a label tells apart, such as `cage`.
    pub const fn by(label: &'static str) -> Self {
        Self { label, asked: BTreeMap::new(), at: None, known: BTreeMap::new() }
    }

    /// Asks for the last hour of some series, unless that was done a moment ago.
    pub fn ask(
        &mut self,
        selectors: impl IntoIterator<Item = Selector>,
        (now, wall): (Option<Instant>, Timestamp),
        out: &mut Out,
    ) {
        let recent = |(now, at): (Instant, Instant)| now.saturating_duration_since(at) < EVERY;
        if now.zip(self.at).is_some_and(recent) {
            return;
        }
        let to = (wall.as_micros().div_euclid(STEP) + 1) * STEP;
        let from = to - STEP * i64::try_from(COLUMNS).unwrap_or(0);
        let query = |selector: Selector| Query {
            selector,
            from: Timestamp::from_micros(from.max(0)),
            to: Timestamp::from_micros(to),
            step: Span::from_micros(STEP),
            function: Function::Avg,
            grouping: None,
        };
        self.at = now;
        for selector in selectors {
            let name = selector.name.clone();
            let ticket = out.ask(None, Request::Series(vec![query(selector)]));
            self.asked.insert(ticket, (name, Timestamp::from_micros(from)));
        }
    }

    /// Takes what it asked for; `false` when the ticket is not its own.
    pub fn answer(&mut self, ticket: Ticket, answer: &Result<Answer, String>) -> bool {
        let Some((name, from)) = self.asked.remove(&ticket) else { return false };
        // A metric that there is not has no past.
        self.known.retain(|(metric, _), _| *metric != name);
        if let Ok(Answer::Series(answers)) = answer {
            for came in answers {
                self.take(&name, from, came);
            }
        }
        true
    }

    fn take(&mut self, name: &str, from: Timestamp, came: &Came) {
        for line in &came.lines {
            let Some(whose) = line.labels.get(self.label) else { continue };
            let steps = self.known.entry((name.to_owned(), whose.clone())).or_insert([None; COLUMNS]);
            for point in line.points.iter().filter(|point| point.value.is_finite()) {
                let place = point.time.since(from).as_micros().div_euclid(STEP);
                if let Some(step) = usize::try_from(place).ok().and_then(|place| steps.get_mut(place)) {
                    // Where several series are one thing's, the largest counts.
                    *step = Some(step.map_or(point.value, |known| known.max(point.value)));
                }
            }
        }
    }

    /// The chart of a metric of one of them, scaled to its own highest value; `None` when nothing was measured at all.
    pub fn of(&self, metric: &str, whose: &str, look: &Look<'_>) -> Option<String> {
        let steps = self.known.get(&(metric.to_owned(), whose.to_owned()))?;
        let most = steps.iter().flatten().copied().fold(0.0, f64::max);
        let some = steps.iter().any(Option::is_some);
        some.then(|| chart::spark(steps, if most > 0.0 { most } else { 1.0 }, look))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::metric::{Line, Point, Resolution};

    #[test]
    fn steps_lie_where_they_were_and_what_was_not_measured_is_unknown() {
        let from = Timestamp::from_micros(0);
        let point = |minutes: i64, value: f64| Point { time: Timestamp::from_micros(minutes * 60_000_000), value };
        let line = |cage: &str, points: Vec<Point>| Line { labels: [("cage".into(), cage.into())].into(), points };
        let came = Came {
            resolution: Resolution::Raw,
            step: Span::from_micros(STEP),
            lines: vec![
                line("042", vec![point(0, 1.0), point(5, 0.0), point(55, 3.0), point(60, 9.0)]),
                line("042", vec![point(0, 2.0)]),
                line("043", vec![point(5, f64::NAN)]),
            ],
        };
        let mut sparks = Sparks::by("cage");
        sparks.take("m", from, &came);
        let known = &sparks.known[&("m".to_owned(), "042".to_owned())];
        assert_eq!((known[0], known[1], known[2], known[11]), (Some(2.0), Some(0.0), None, Some(3.0)));
        assert!(sparks.known[&("m".to_owned(), "043".to_owned())].iter().all(Option::is_none));
    }

    #[test]
    fn they_are_asked_for_seldom() {
        let mut sparks = Sparks::by("cage");
        let (began, wall) = (Instant::now(), Timestamp::from_micros(1_772_618_400_000_000));
        let asked = |sparks: &mut Sparks, after: Duration| {
            let mut out = Out::after(0);
            sparks.ask([Selector::all("m")], (Some(began + after), wall), &mut out);
            out.asks.len()
        };
        assert_eq!(asked(&mut sparks, Duration::ZERO), 1);
        assert_eq!(asked(&mut sparks, Duration::from_secs(29)), 0);
        assert_eq!(asked(&mut sparks, Duration::from_secs(31)), 1);
    }

    #[test]
    fn a_metric_that_there_is_not_takes_nothing_from_the_others() {
        let mut sparks = Sparks::by("cage");
        let mut out = Out::after(0);
        let wall = Timestamp::from_micros(1_772_618_400_000_000);
        sparks.ask(["here", "nowhere"].map(Selector::all), (None, wall), &mut out);
        let [here, nowhere] = &out.asks[..] else { panic!("each is asked for by itself") };
        let Request::Series(queries) = &here.request else { panic!() };
        let point = Point { time: queries[0].from, value: 1.0 };
        let line = Line { labels: [("cage".into(), "042".into())].into(), points: vec![point] };
        let came = Came { resolution: Resolution::Raw, step: Span::from_micros(STEP), lines: vec![line] };
        assert!(sparks.answer(here.ticket, &Ok(Answer::Series(vec![came]))));
        assert!(sparks.answer(nowhere.ticket, &Err("metric \"nowhere\" does not exist".into())));
        assert!(!sparks.answer(nowhere.ticket, &Err(String::new())));
        assert_eq!(sparks.known.keys().map(|(metric, _)| metric.as_str()).collect::<Vec<_>>(), ["here"]);
    }
}
