//! The list of metrics, narrowed by words of their names; words such as `cage:001` narrow their series.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::domain::metric::{LABEL_VALUE_BYTES, Matcher, Metric, Operator, Selector, check_label};
use crate::ui::fuzzy;
use crate::ui::list::{ColumnInfo, Listing, Motion};
use crate::ui::look::Look;
use crate::ui::screen::Out;
use crate::ui::scrollbars::Scrolls;
use crate::ui::text;
use crate::ui::theme::Role;
use crate::ui::widgets;

/// What the names of all our own metrics begin with, which tells nobody anything.
const PREFIX: &str = "menagerie_";

/// What is looked at until somebody chooses: the first by name would be the executions of each agent, which only ever grow.
const FIRST: &str = "menagerie_node_cpu_usage_ratio";

/// A metric's name as it is shown.
pub fn short(name: &str) -> &str {
    name.strip_prefix(PREFIX).unwrap_or(name)
}

/// What is listed.
#[derive(Default)]
pub struct Names {
    all: Vec<Metric>,
    /// Those that the filter lets through, as places among all.
    found: Vec<usize>,
    filter: String,
    cursor: usize,
    top: usize,
    height: usize,
}

impl Names {
    /// Takes what there is; the cursor stays on its metric.
    pub fn take(&mut self, metrics: &[Metric]) {
        let here = self.current().map(|metric| metric.name.clone());
        metrics.clone_into(&mut self.all);
        self.find(Some(here.as_deref().unwrap_or(FIRST)));
    }

    /// The metric under the cursor.
    pub fn current(&self) -> Option<&Metric> {
        self.found.get(self.cursor).map(|place| &self.all[*place])
    }

    /// The series of the metric under the cursor that are looked at.
    pub fn selector(&self) -> Option<Selector> {
        let name = self.current()?.name.clone();
        Some(Selector { name, matchers: self.filter.split_whitespace().filter_map(matcher).collect() })
    }

    /// `[12]` or `[3 of 60]`, and the filter.
    pub fn summary(&self) -> String {
        let count = match (self.found.len(), self.all.len()) {
            (found, all) if found == all => format!("[{all}]"),
            (found, all) => format!("[{found} of {all}]"),
        };
        if self.filter.is_empty() { count } else { format!("{count} /{}", self.filter) }
    }

    fn find(&mut self, here: Option<&str>) {
        let words: Vec<&str> = self.filter.split_whitespace().filter(|word| matcher(word).is_none()).collect();
        let mut fuzzy = fuzzy::Matcher::new(&words.join(" "));
        let scored = |place: usize| Some((std::cmp::Reverse(fuzzy.score(&self.all[place].name)?), place));
        let mut found: Vec<_> = (0..self.all.len()).filter_map(scored).collect();
        // What matches best comes first; all match alike while nothing is typed.
        found.sort_unstable();
        self.found = found.into_iter().map(|(_, place)| place).collect();
        let at = here.and_then(|name| self.found.iter().position(|place| self.all[*place].name == name));
        self.cursor = at.unwrap_or(0);
        self.settle();
    }

    /// Tells how many lines there are.
    pub fn layout(&mut self, height: u16) {
        self.height = usize::from(height);
        self.settle();
    }

    fn settle(&mut self) {
        self.cursor = self.cursor.min(self.found.len().saturating_sub(1));
        let last_top = self.found.len().saturating_sub(self.height);
        let lowest = (self.cursor + 1).saturating_sub(self.height);
        self.top = self.top.clamp(lowest.min(self.cursor), self.cursor).min(last_top.max(lowest));
    }

    /// Puts the cursor on the line of that number in sight; `false` when there is none.
    pub fn point(&mut self, line: u16) -> bool {
        let place = self.top + usize::from(line);
        if place >= self.found.len() {
            return false;
        }
        self.cursor = place;
        self.settle();
        true
    }

    /// Draws what is in sight.
    pub fn draw(&self, frame: &mut Frame<'_>, area: Rect, look: &Look<'_>) {
        if self.found.is_empty() {
            let words = if self.all.is_empty() { "There is no metric yet." } else { "no metric matches" };
            frame.render_widget(Line::styled(format!("  {words}"), look.style(Role::Dim)), area);
            return;
        }
        let room = usize::from(area.width.saturating_sub(1));
        let rows = self.found.iter().enumerate().skip(self.top);
        for (y, (row, place)) in (area.y..area.bottom()).zip(rows) {
            let metric = &self.all[*place];
            let on = row == self.cursor;
            let ground = look.style(if on { Role::Cursor } else { Role::Text });
            let series = text::count(metric.series);
            let width = room.saturating_sub(series.len() + 3);
            let spans = vec![
                Span::raw(if on { look.sign("▶ ", "> ") } else { "  " }),
                Span::styled(text::pad(&text::clean(short(&metric.name)), width), ground),
                Span::styled(
                    format!(" {series}"),
                    look.theme.over(Role::Dim, if on { Role::Cursor } else { Role::Text }),
                ),
            ];
            frame.render_widget(Line::from(spans).style(ground), Rect { y, height: 1, ..area });
        }
        let measure = (self.top as u64, u64::from(area.height), self.found.len() as u64);
        widgets::scrollbar(frame, area, Scrolls::List, measure, look);
    }
}

/// What a word of the form `label:value` asks of the labels; `*` stands for anything, `-` before it for the opposite.
fn matcher(word: &str) -> Option<Matcher> {
    let (not, word) = word.strip_prefix('-').map_or((false, word), |rest| (true, rest));
    let (label, value) = word.split_once(':')?;
    if check_label(label).is_err() || value.is_empty() || value.len() > LABEL_VALUE_BYTES {
        return None;
    }
    let like = value.contains(['*', ',']);
    let operator = match (like, not) {
        (true, true) => Operator::NotLike,
        (true, false) => Operator::Like,
        (false, true) => Operator::IsNot,
        (false, false) => Operator::Is,
    };
    // A comma means either, as in every filter.
    let text = if like { value.replace(',', "|") } else { value.to_owned() };
    Some(Matcher { label: label.to_owned(), operator, text })
}

impl Listing for Names {
    fn go(&mut self, motion: Motion, _: &mut Out) {
        let last = self.found.len().saturating_sub(1);
        let half = i64::try_from(self.height / 2).unwrap_or(1).max(1);
        let by = |rows: i64| self.cursor.saturating_add_signed(isize::try_from(rows).unwrap_or(0)).min(last);
        self.cursor = match motion {
            Motion::By(rows) => by(rows),
            Motion::HalfPages(pages) => by(pages * half),
            Motion::Top => 0,
            Motion::Bottom => last,
        };
        self.settle();
    }

    fn toggle_mark(&mut self, _: &mut Out) {}

    fn mark_range(&mut self, _: &mut Out) {}

    fn mark_all(&mut self, _: &mut Out) {}

    fn clear_marks(&mut self) -> bool {
        false
    }

    fn marked(&self) -> usize {
        0
    }

    fn filter(&self) -> &str {
        &self.filter
    }

    fn set_filter(&mut self, filter: String, _: &mut Out) {
        let here = self.current().map(|metric| metric.name.clone());
        // While one types the best match is shown; a filter that is taken away leaves the cursor where it was.
        let here = here.filter(|_| filter.is_empty());
        self.filter = filter;
        self.find(here.as_deref());
    }

    fn columns(&self) -> Vec<ColumnInfo> {
        Vec::new()
    }

    fn sort_by(&mut self, _: usize, _: &mut Out) {}

    fn toggle_column(&mut self, _: usize) {}

    fn scroll(&mut self, rows: i64, out: &mut Out) {
        self.go(Motion::By(rows), out);
    }

    fn click(&mut self, _: u16, _: &mut Out) -> bool {
        // The screen knows where the list is.
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::metric::{Meta, MetricKind};

    #[test]
    fn the_best_match_comes_first_and_the_cursor_stays_on_its_metric() {
        let metric =
            |name: &str| Metric { name: name.to_owned(), meta: Meta::new(MetricKind::Gauge, "", ""), series: 1 };
        let mut names = Names::default();
        names.take(&["cage_cpu_no_delay", "node_cpu"].map(metric));
        names.set_filter("node cpu cage:001".to_owned(), &mut Out::default());
        assert_eq!(names.current().map(|metric| metric.name.as_str()), Some("node_cpu"));
        assert_eq!(names.selector().map(|it| it.to_string()).as_deref(), Some("node_cpu{cage=\"001\"}"));
        names.set_filter(String::new(), &mut Out::default());
        assert_eq!(names.current().map(|metric| metric.name.as_str()), Some("node_cpu"));
        names.take(&["a", "b", "node_cpu", "z"].map(metric));
        assert_eq!(names.current().map(|metric| metric.name.as_str()), Some("node_cpu"));
    }

    #[test]
    fn words_with_a_label_narrow_the_series() {
        let text = |word: &str| matcher(word).map(|it| Selector { name: "m".into(), matchers: vec![it] }.to_string());
        assert_eq!(text("cage:001").as_deref(), Some("m{cage=\"001\"}"));
        assert_eq!(text("cage:00*,010").as_deref(), Some("m{cage~\"00*|010\"}"));
        assert_eq!(text("-node:far").as_deref(), Some("m{node!=\"far\"}"));
        for name in ["memory", "cage:", ":001", "a-b:c"] {
            assert_eq!(text(name), None, "{name}");
        }
    }
}
