//! The chart of one metric and its legend.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::names::short;
use super::view::{LINES_MAX, Named, RANGES, Sorted, View};
use crate::domain::metric::{Answer, Metric};
use crate::domain::{self, Timestamp};
use crate::ui::look::Look;
use crate::ui::text;
use crate::ui::theme::Role;
use crate::ui::widgets::plot::{self, Band, Drawn, Plot};
use crate::ui::widgets::{self, axis};

/// A series whose last value is older than this, and than some steps, has ended: cages are measured more rarely while nobody
/// looks.
const ENDED_AFTER: domain::Span = domain::Span::from_secs(180);

/// Columns of a figure in the legend.
const FIGURE: usize = 11;

fn drawn(named: &Named, place: Option<usize>, shift: domain::Span) -> Drawn<'_> {
    Drawn { place, points: &named.points, step: named.step, shift }
}

/// What came for a view.
pub struct Chart {
    /// What was asked for.
    pub view: View,
    from: Timestamp,
    to: Timestamp,
    came: Sorted,
}

impl Chart {
    /// What the engine answered to a view's queries at a moment.
    pub fn new(view: View, now: Timestamp, answers: Vec<Answer>) -> Self {
        let (from, to) = view.times(now);
        let came = view.sort(answers);
        Self { view, from, to, came }
    }

    /// The words that all lines share and that need to be said once only.
    fn shared(&self) -> Vec<&str> {
        let Some((first, rest)) = self.came.lines.split_first() else { return Vec::new() };
        if rest.is_empty() {
            return Vec::new();
        }
        first
            .words
            .iter()
            .filter(|word| rest.iter().all(|line| line.words.contains(word)))
            .map(String::as_str)
            .collect()
    }

    /// What lies between the quantiles of each line, the wider one less dense.
    fn bands(&self) -> Vec<Band<'_>> {
        let mut bands = Vec::new();
        for (pair, dense) in self.came.edges.windows(2).zip([true, false]) {
            for (place, line) in self.came.lines.iter().enumerate() {
                let edge = |edges: &'_ [Named]| edges.iter().position(|edge| edge.words == line.words);
                if let Some((low, high)) = edge(&pair[0]).zip(edge(&pair[1])) {
                    let (low, high) = (&pair[0][low], &pair[1][high]);
                    bands.push(Band { place, low: &low.points, high: &high.points, step: low.step, dense });
                }
            }
        }
        bands
    }

    /// Draws heading, chart and legend.
    pub fn draw(&self, frame: &mut Frame<'_>, area: Rect, metric: &Metric, look: &Look<'_>) {
        let dot = look.sign("·", "-");
        let range = RANGES[self.view.range].0;
        let until = match self.view.end {
            Some(_) => format!("{range} until {}", text::moment(self.to)),
            None => format!("the last {range}, UTC"),
        };
        let compared = if self.view.compare { format!(" {dot} dim: {range} before") } else { String::new() };
        let shaded = if self.came.edges.is_empty() { String::new() } else { format!(" {dot} bands p90, p99") };
        let more = format!("{} {dot} {until}{shaded}{compared}", self.view.function);
        widgets::heading(frame, Rect { height: 1, ..area }, short(&metric.name), &more, false, look);
        let mut about = metric.meta.description.clone();
        for word in self.shared() {
            about = if about.is_empty() { word.to_owned() } else { format!("{about} {dot} {word}") };
        }
        let about = text::fit(&text::clean(&about), usize::from(area.width)).into_owned();
        frame.render_widget(Line::styled(about, look.style(Role::Dim)), Rect { y: area.y + 1, height: 1, ..area });
        let rows = self.came.lines.len().min(LINES_MAX) + usize::from(self.came.lines.len() > LINES_MAX);
        let legend = u16::try_from(rows + 1).unwrap_or(u16::MAX).min((area.height / 3).max(2));
        let legend = if self.came.lines.is_empty() { 0 } else { legend };
        let body = Rect { y: area.y + 2, height: area.height.saturating_sub(2 + legend), ..area };
        let unit = self.view.shown_unit();
        let empty = if self.view.selector.matchers.is_empty() {
            "nothing was measured in this time".to_owned()
        } else {
            format!("no series fits, or nothing was measured in this time\n{}", self.view.selector)
        };
        let shift = self.to.since(self.from);
        let shown =
            self.came.lines.iter().enumerate().map(|(place, named)| drawn(named, Some(place), domain::Span::ZERO));
        let before = self.came.before.iter().map(|named| drawn(named, None, shift));
        let lines = shown.take(LINES_MAX).chain(before.take(LINES_MAX)).collect();
        let plot = Plot {
            from: self.from,
            to: self.to,
            unit: &unit,
            lines,
            bands: self.bands(),
            thresholds: Vec::new(),
            moments: Vec::new(),
            empty: &empty,
        };
        plot.draw(frame, body, look);
        self.legend(frame, Rect { y: body.bottom(), height: legend, ..area }, &unit, look);
    }

    /// When a series ended, if it did before what is shown ends.
    fn ended(&self, named: &Named) -> Option<Timestamp> {
        let last = named.points.last()?.time;
        let patience = ENDED_AFTER.as_micros().max(named.step.as_micros().saturating_mul(3));
        (self.to.since(last).as_micros() > patience).then_some(last)
    }

    /// Each line's letter, what tells it from the others, and its figures.
    fn legend(&self, frame: &mut Frame<'_>, area: Rect, unit: &str, look: &Look<'_>) {
        if area.height == 0 {
            return;
        }
        let room = usize::from(area.width).saturating_sub(4 * FIGURE + 3);
        let shared = self.shared();
        let heads: String = ["LAST", "MIN", "AVG", "MAX"].iter().map(|head| text::pad_left(head, FIGURE)).collect();
        let head = format!("  {} {heads}", text::pad("SERIES", room));
        frame.render_widget(Line::styled(head, look.style(Role::Columns)), Rect { height: 1, ..area });
        let below = usize::from(area.height - 1);
        let fit = if self.came.lines.len() > below.min(LINES_MAX) { below.min(LINES_MAX + 1) - 1 } else { below };
        for (y, (place, named)) in (area.y + 1..area.bottom()).zip(self.came.lines.iter().enumerate().take(fit)) {
            let words: Vec<&str> =
                named.words.iter().map(String::as_str).filter(|word| !shared.contains(word)).collect();
            let words = if words.is_empty() { "all".to_owned() } else { words.join(", ") };
            let ended = self.ended(named).map(|time| format!("ended {} ago  ", look.age(time))).unwrap_or_default();
            let words = text::pad(&text::clean(&words), room.saturating_sub(text::width(&ended)));
            let values: Vec<f64> = named.points.iter().map(|point| point.value).collect();
            let count = values.len().max(1) as f64;
            let figures = [
                values.last().copied(),
                values.iter().copied().reduce(f64::min),
                (!values.is_empty()).then(|| values.iter().sum::<f64>() / count),
                values.iter().copied().reduce(f64::max),
            ];
            let figures: String = figures
                .iter()
                .map(|figure| text::pad_left(&figure.map_or("-".to_owned(), |it| axis::words(it, unit)), FIGURE))
                .collect();
            let spans = vec![
                Span::styled(format!("{} ", plot::letter(place)), look.style(plot::role(place))),
                Span::raw(words),
                Span::styled(ended, look.style(Role::Warn)),
                Span::raw(format!(" {figures}")),
            ];
            frame.render_widget(Line::from(spans), Rect { y, height: 1, ..area });
        }
        if self.came.lines.len() > fit {
            let words = format!("  and {} more; / narrows them, such as cage:00*", self.came.lines.len() - fit);
            let words = text::fit(&words, usize::from(area.width)).into_owned();
            let at = Rect { y: area.bottom() - 1, height: 1, ..area };
            frame.render_widget(Line::styled(words, look.style(Role::Dim)), at);
        }
    }
}
