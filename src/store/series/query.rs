//! Answering: which files and which part of the head, and what is made of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::chunk::{self, Pair};
use super::dictionary::Entry;
use super::files::Tier;
use super::handle::Shared;
use super::histogram::Buckets;
use super::sources::{Sources, within};
use super::windows::{Steps, Windows};
use crate::domain::metric::{
    Aggregate, Answer, BUCKET_LABEL, Function, Grouping, Line, MetricKind, Point, Query, Resolution, bucket_bound,
};
use crate::domain::refusal::Refusal;
use crate::domain::{Span, Timestamp};
use crate::store::error::Error;

/// The most lines of an answer.
const LINES: usize = 2000;

type Labels = BTreeMap<String, String>;

/// Answers a query.
pub(super) fn answer(shared: &Shared, query: &Query) -> Result<Answer, Error> {
    query.check()?;
    let (kind, entries) = shared.names().select(&query.selector)?;
    query.function.check(&query.selector.name, kind)?;
    if query.grouping.is_none() && entries.len() > LINES {
        let refusal =
            Refusal::invalid("series", &query.selector, format!("at most {LINES} lines; here are {}", entries.len()));
        return Err(refusal.hint("Name more labels, or group by fewer").into());
    }
    // The head before the list of files, and that before the files: what is not in the one any more is in the other.
    let function = match kind {
        MetricKind::Histogram if query.function.quantile().is_some() => Function::Increase,
        _ => query.function,
    };
    let mut reading = Reading::new(shared, query, function, &entries)?;
    let steps = reading.steps;
    let lines = if function == query.function {
        let mut groups: BTreeMap<Labels, Group> = BTreeMap::new();
        for entry in &entries {
            let values = reading.values(entry)?;
            let group = groups.entry(group_of(&entry.key.labels, query.grouping.as_ref(), None)).or_default();
            group.put(query.grouping.as_ref().map_or(Aggregate::Sum, |grouping| grouping.aggregate), &values);
        }
        lines(&steps, groups, Group::value)
    } else {
        let mut groups: BTreeMap<Labels, Buckets> = BTreeMap::new();
        for entry in &entries {
            let Some(bound) = entry.key.labels.get(BUCKET_LABEL).and_then(|bound| bucket_bound(bound)) else {
                continue;
            };
            let values = reading.values(entry)?;
            groups
                .entry(group_of(&entry.key.labels, query.grouping.as_ref(), Some(BUCKET_LABEL)))
                .or_default()
                .put(bound, &values);
        }
        let share = query.function.quantile().unwrap_or(0.5);
        lines(&steps, groups, |buckets, place| buckets.quantile(place, share))
    };
    Ok(Answer { resolution: reading.resolution(), step: Span::from_micros(steps.step), lines })
}

/// The labels of the line that a series belongs to.
fn group_of(labels: &Labels, grouping: Option<&Grouping>, without: Option<&str>) -> Labels {
    let is_kept =
        |label: &String| Some(label.as_str()) != without && grouping.is_none_or(|grouping| grouping.by.contains(label));
    labels.iter().filter(|(label, _)| is_kept(label)).map(|(label, value)| (label.clone(), value.clone())).collect()
}

fn lines<T>(steps: &Steps, groups: BTreeMap<Labels, T>, value: impl Fn(&T, usize) -> Option<f64>) -> Vec<Line> {
    let line = |(labels, group): (Labels, T)| {
        let point = |place| {
            let value = value(&group, place)?;
            Some(Point { time: Timestamp::from_micros(steps.begin(place)), value })
        };
        let points: Vec<Point> = (0..steps.count).filter_map(point).collect();
        (!points.is_empty()).then_some(Line { labels, points })
    };
    groups.into_iter().filter_map(line).collect()
}

/// What several series make together in each step.
#[derive(Debug, Default)]
struct Group {
    aggregate: Option<Aggregate>,
    /// The value so far, and of how many.
    values: Vec<(f64, u64)>,
}

impl Group {
    fn put(&mut self, aggregate: Aggregate, values: &[Option<f64>]) {
        self.aggregate = Some(aggregate);
        self.values.resize(values.len(), (0.0, 0));
        for ((known, count), value) in self.values.iter_mut().zip(values) {
            let Some(value) = value else { continue };
            *known = match aggregate {
                _ if *count == 0 => *value,
                Aggregate::Sum | Aggregate::Avg => *known + value,
                Aggregate::Min => known.min(*value),
                Aggregate::Max => known.max(*value),
            };
            *count += 1;
        }
    }

    fn value(&self, place: usize) -> Option<f64> {
        let (value, count) = self.values.get(place).copied().filter(|(_, count)| *count > 0)?;
        Some(if self.aggregate == Some(Aggregate::Avg) { value / count as f64 } else { value })
    }
}

/// Reading one series after the other for the same steps.
struct Reading {
    sources: Sources,
    /// What the head had when the query began, by the place of the entry.
    head: Vec<Vec<(i64, chunk::Closed)>>,
    next: usize,
    /// From when on summaries may be missing or out of date.
    unsummed: i64,
    tier: Tier,
    steps: Steps,
    function: Function,
}

impl Reading {
    fn new(shared: &Shared, query: &Query, function: Function, entries: &[Arc<Entry>]) -> Result<Self, Error> {
        let (from, to) = (query.from.as_micros(), query.to.as_micros());
        // Twice the longest step there is, so that whatever the step becomes, the head has it.
        let (head, unsummed) = {
            let head = shared.head();
            let reach = from - 2 * query.step.as_micros().max(Tier::Hours.shape().period);
            let chunks = |entry: &Arc<Entry>| {
                head.chunks(entry.id, reach, to).map(|(slot, open)| (slot, open.close())).collect()
            };
            (entries.iter().map(chunks).collect(), head.unsummed())
        };
        let mut sources = Sources::open(&shared.folder)?;
        let tier = tier(&mut sources, from, query.step.as_micros())?;
        let mut step = query.step.as_micros();
        if tier != Tier::Raw {
            // Full periods, so that each falls into one step as a whole.
            let period = tier.shape().period;
            step = (step + period - 1) / period * period;
        }
        let steps = Steps::new(from, to, step);
        Ok(Self { sources, head, next: 0, unsummed, tier, steps, function })
    }

    fn resolution(&self) -> Resolution {
        match self.tier {
            Tier::Raw => Resolution::Raw,
            Tier::Minutes => Resolution::Minutes,
            Tier::Hours => Resolution::Hours,
        }
    }

    /// What the function makes of each step of the next entry.
    fn values(&mut self, entry: &Entry) -> Result<Vec<Option<f64>>, Error> {
        let function = self.function;
        let mut windows = Windows::new(self.steps, function);
        let from = self.steps.wanted_from(function);
        let to = self.steps.begin(self.steps.count);
        let mut raw_from = from;
        if self.tier != Tier::Raw {
            let period = self.tier.shape().period;
            let summed_to = to.min(self.unsummed);
            let range = (from.div_euclid(period) * period, summed_to);
            if range.0 < range.1 {
                self.sources.summaries(
                    self.tier,
                    entry.id,
                    range,
                    function.quantile().is_some(),
                    |time, summary| {
                        windows.join(time, summary);
                    },
                )?;
                raw_from = summed_to;
            }
        }
        let open = self.open_samples(raw_from, to);
        // The head goes before the files: what it has of a time is later.
        let mut open = open.into_iter().peekable();
        self.sources.samples(entry.id, raw_from, to, |samples| {
            for (time, value) in samples {
                while let Some((earlier, value)) = open.next_if(|next| next.0 < *time) {
                    windows.put(earlier, value);
                }
                let value = open.next_if(|next| next.0 == *time).map_or(*value, |next| next.1);
                windows.put(*time, value);
            }
        })?;
        open.for_each(|(time, value)| windows.put(time, value));
        Ok(windows.values(function))
    }

    /// What the head had of the next entry within a range.
    fn open_samples(&mut self, from: i64, to: i64) -> Vec<Pair> {
        let chunks = self.head.get_mut(self.next).map(std::mem::take).unwrap_or_default();
        self.next += 1;
        let mut samples = vec![];
        for (slot, closed) in chunks {
            let times = chunk::times(slot, &closed.times).unwrap_or_default();
            let found = chunk::samples(&times, &closed.values).unwrap_or_default();
            samples.extend_from_slice(within(&found, from, to));
        }
        samples
    }
}

/// The coarsest that is fine enough for the step; a coarser one when only that reaches back far enough.
fn tier(sources: &mut Sources, from: i64, step: i64) -> Result<Tier, Error> {
    let mut tier = match step {
        step if step >= Tier::Hours.shape().period => Tier::Hours,
        step if step >= Tier::Minutes.shape().period => Tier::Minutes,
        _ => Tier::Raw,
    };
    let mut since = |tier| sources.since(tier).map(|since| since.unwrap_or(i64::MAX));
    for coarser in [Tier::Minutes, Tier::Hours] {
        if coarser > tier && from < since(tier)? && since(coarser)? < since(tier)? {
            tier = coarser;
        }
    }
    Ok(tier)
}
