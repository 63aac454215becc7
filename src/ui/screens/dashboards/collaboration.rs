//! Who works on whose results, as a matrix: rows are those whose results they are, columns those who worked on them. How well
//! the one under the cursor does after others, and others after it, is said below.

use std::collections::BTreeMap;
use std::fmt::Write;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::errors::{SINCE, incomplete};
use super::{Dashboard, table};
use crate::domain::Timestamp;
use crate::domain::confidence::{Change, Rate};
use crate::domain::dashboard::{Collaboration, CollaborationLink, Per};
use crate::ui::look::Look;
use crate::ui::place::Place;
use crate::ui::request::{Answer, Request};
use crate::ui::scrollbars::Scrolls;
use crate::ui::text;
use crate::ui::theme::Role;
use crate::ui::widgets;

/// Columns of a number of tasks.
const CELL: usize = 5;

/// What is known.
pub struct Matrix {
    range: usize,
    per: Per,
    known: Option<Collaboration>,
    /// Everybody who has to do with anybody, those with the most tasks first.
    agents: Vec<String>,
    cursor: usize,
}

impl Default for Matrix {
    fn default() -> Self {
        Self { range: 2, per: Per::default(), known: None, agents: Vec::new(), cursor: 0 }
    }
}

/// Everybody in some links, those with the most tasks first.
fn everybody(links: &[CollaborationLink]) -> Vec<String> {
    let mut sums: BTreeMap<&str, u64> = BTreeMap::new();
    for link in links {
        *sums.entry(&link.from).or_default() += link.tasks;
        if link.to != link.from {
            *sums.entry(&link.to).or_default() += link.tasks;
        }
    }
    let mut agents: Vec<(&str, u64)> = sums.into_iter().collect();
    agents.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(other.0)));
    agents.into_iter().map(|(name, _)| name.to_owned()).collect()
}

/// How a number of tasks looks beside the largest.
fn heat(tasks: u64, most: u64) -> Role {
    match tasks * 5 / most.max(1) {
        0 => Role::Heat0,
        1 => Role::Heat1,
        2 => Role::Heat2,
        3 => Role::Heat3,
        _ => Role::Heat4,
    }
}

/// How well the results were worked on, beside how well the same agents work overall.
fn success(link: &CollaborationLink) -> String {
    let said = |rate: &Rate| match rate.share {
        Some(share) => format!("{} of {}", text::percent(share), text::count(rate.n)),
        None => "none".to_owned(),
    };
    if link.success.n == 0 {
        return String::new();
    }
    let (low, high) = (text::decimals(link.success.low * 100.0, 0), text::percent(link.success.high));
    let beside = match link.change {
        Change::Unclear => "no clear difference",
        clear => clear.as_str(),
    };
    format!("; {} succeed, {low}-{high}; overall {}: {beside}", said(&link.success), said(&link.overall))
}

impl Matrix {
    fn links(&self) -> &[CollaborationLink] {
        self.known.as_ref().map(|known| known.links.as_slice()).unwrap_or_default()
    }

    fn link(&self, from: &str, to: &str) -> Option<&CollaborationLink> {
        self.links().iter().find(|link| link.from == from && link.to == to)
    }

    /// What is known of the agent under the cursor, in words.
    fn words(&self) -> Vec<String> {
        let Some(name) = self.agents.get(self.cursor) else { return Vec::new() };
        let said = |link: &CollaborationLink, other: &str| {
            let tasks =
                if link.tasks == 1 { "1 task".to_owned() } else { format!("{} tasks", text::count(link.tasks)) };
            let artifacts = match link.artifacts {
                0 => String::new(),
                some => format!(", {} artifacts, {} approved", text::count(some), text::count(link.approved)),
            };
            format!("{} ({tasks}{artifacts}{})", text::clean(other), success(link))
        };
        let takers: Vec<String> =
            self.links().iter().filter(|link| link.from == *name).map(|link| said(link, &link.to)).collect();
        let makers: Vec<String> =
            self.links().iter().filter(|link| link.to == *name).map(|link| said(link, &link.from)).collect();
        let listed = |what: &str, list: Vec<String>| {
            if list.is_empty() { format!("{what} nobody") } else { format!("{what} {}", list.join(", ")) }
        };
        vec![listed("its results are used by", takers), listed("it works on the results of", makers)]
    }
}

impl Dashboard for Matrix {
    fn request(&self, _: Timestamp) -> Request {
        Request::Collaboration(SINCE[self.range].1, self.per)
    }

    fn take(&mut self, _: &Request, answer: &Answer, _: Timestamp) -> bool {
        let Answer::Collaboration(known) = answer else { return false };
        let here = self.agents.get(self.cursor).cloned();
        self.agents = everybody(&known.links);
        // The cursor stays on its agent.
        let found = here.and_then(|name| self.agents.iter().position(|agent| *agent == name));
        self.cursor = found.unwrap_or(self.cursor);
        self.known = Some(known.clone());
        true
    }

    fn known(&self) -> bool {
        self.known.is_some()
    }

    fn summary(&self, now: Timestamp) -> String {
        let more = self.known.as_ref().map(|known| {
            let open = if known.open > 0 { format!(", {} not begun", text::count(known.open)) } else { String::new() };
            let from = incomplete(self.range, known.complete_from, now);
            format!(" · {} dependencies{open}{from}", text::count(known.looked_at))
        });
        format!("per {} · the last {}{}", self.per, SINCE[self.range].0, more.unwrap_or_default())
    }

    fn rows(&self) -> usize {
        self.agents.len()
    }

    fn cursor(&mut self) -> &mut usize {
        &mut self.cursor
    }

    fn target(&self) -> Option<Place> {
        self.agents
            .get(self.cursor)
            .filter(|_| self.per == Per::Agent)
            .map(|name| Place::Agent(name.clone(), name.clone()))
    }

    fn zoom(&mut self, longer: bool) -> bool {
        table::step(&mut self.range, SINCE.len(), longer)
    }

    fn measure(&mut self) -> bool {
        self.per = table::next_per(self.per);
        true
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, drawn: &mut Vec<(Rect, usize)>, look: &Look<'_>) {
        if self.agents.is_empty() {
            let words = "No task that depends on another was done within this time.\n\n+ looks at a longer one.";
            widgets::center_text(frame, area, words, look.style(Role::Dim));
            return;
        }
        let room = usize::from(area.width);
        // Names get what a few columns of figures leave.
        let name = (room / 4).clamp(12, 28);
        let fit = room.saturating_sub(name + 6) / (CELL + 1);
        // How many more there are needs the room of two.
        let columns = if fit < self.agents.len() { fit.saturating_sub(2) } else { self.agents.len() };
        let most = self.links().iter().map(|link| link.tasks).max().unwrap_or(1);
        let dim = look.style(Role::Dim);
        let mut heads = format!("{} ", text::pad("   RESULTS OF, USED BY", name + 5));
        for place in 0..columns {
            heads.push_str(&text::pad_left(&(place + 1).to_string(), CELL + 1));
        }
        if columns < self.agents.len() {
            // Writing to a string cannot fail.
            let _ = write!(heads, "  and {} more", self.agents.len() - columns);
        }
        let heads = text::fit(&heads, room).into_owned();
        frame.render_widget(Line::styled(heads, look.style(Role::Columns)), Rect { height: 1, ..area });
        let below: u16 = 5;
        let body = Rect { y: area.y + 1, height: area.height.saturating_sub(1 + below), ..area };
        let top = (self.cursor + 1).saturating_sub(usize::from(body.height));
        for (y, (place, agent)) in (body.y..body.bottom()).zip(self.agents.iter().enumerate().skip(top)) {
            let here = place == self.cursor;
            let ground = if here { Role::Cursor } else { Role::Text };
            let mut spans = vec![
                Span::raw(if here { look.sign("▶ ", "> ") } else { "  " }),
                Span::styled(text::pad_left(&(place + 1).to_string(), 3), look.theme.over(Role::Dim, ground)),
                Span::styled(format!(" {}", text::pad(&text::clean(agent), name)), look.style(ground)),
            ];
            for other in self.agents.iter().take(columns) {
                match self.link(agent, other) {
                    // Who has a task now need not be who tried it first.
                    Some(link) if link.tasks > 0 => {
                        let words = text::pad_left(&text::count(link.tasks), CELL);
                        spans.push(Span::raw(" "));
                        spans.push(Span::styled(words, look.style(heat(link.tasks, most))));
                    }
                    // That none depended on it is known, and no figure.
                    _ => spans.push(Span::styled(text::pad_left(look.sign("·", "."), CELL + 1), dim)),
                }
            }
            let at = Rect { y, height: 1, ..body };
            frame.render_widget(Line::from(spans), at);
            drawn.push((at, place));
        }
        let measure = (top as u64, u64::from(body.height), self.agents.len() as u64);
        widgets::scrollbar(frame, body, Scrolls::Panel(0), measure, look);
        let Some(agent) = self.agents.get(self.cursor) else { return };
        let at = Rect { y: body.bottom(), height: 1, ..area };
        widgets::heading(frame, at, agent, "", false, look);
        let words = self.words().into_iter().flat_map(|words| widgets::wrap(&words, room).into_iter().take(2));
        for (y, words) in (at.y + 1..area.bottom()).zip(words.collect::<Vec<_>>()) {
            frame.render_widget(Line::raw(words), Rect { y, ..at });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_has_most_to_do_with_others_comes_first() {
        let link = |from: &str, to: &str, tasks: u64| CollaborationLink {
            from: from.to_owned(),
            to: to.to_owned(),
            tasks,
            artifacts: 0,
            approved: 0,
            success: Rate::default(),
            overall: Rate::default(),
            change: Change::default(),
        };
        let links = [link("b", "a", 5), link("c", "c", 7), link("b", "c", 4)];
        assert_eq!(everybody(&links), ["c", "b", "a"], "one's own results count once");
        assert_eq!([heat(1, 100), heat(50, 100), heat(100, 100)], [Role::Heat0, Role::Heat2, Role::Heat4]);
    }
}
