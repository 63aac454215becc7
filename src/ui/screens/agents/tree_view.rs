//! Agents as a tree of who reports to whom. The hierarchy is held in short; of those in sight the whole rows are fetched.
//!
//! The hierarchy is read as a whole, because how many stand below somebody, and who does when a filter is typed, needs all of
//! it: of 10,000 agents that is ten pages of 0.9 MB, 20 ms of the engine each, kept as about 1 MB. It rarely changes, so a
//! large one is read again only when rows in sight contradict it, and now and then for what nobody could have seen.

use std::collections::{BTreeMap, BTreeSet};

use crate::api::client::Query;
use crate::ui::arming::{self, Arming};
use crate::ui::gather::{AgentRow, Member};
use crate::ui::list::{ColumnInfo, Listing, MARK_ALL_MAX, Motion, RANGE_GONE, Row};
use crate::ui::request::{Answer, Request, Ticket};
use crate::ui::screen::{Item, Out};
use crate::ui::step::{Step, Tone};
use crate::ui::text;
use crate::ui::tree::{Tree, TreeLine};

/// Larger hierarchies begin folded below the second level, and are read anew less often than they change.
const SMALL: usize = 300;
/// A large hierarchy is read anew with every so many changes of what agents do, about five minutes of a fleet at work.
const REREAD_EVERY: u32 = 300;
/// The most rows that are kept of those that were in sight.
const ROWS_MAX: usize = 1_000;

/// The tree and what of it is known.
pub struct TreeView {
    pub(super) tree: Option<Tree>,
    pub(super) lines: Vec<TreeLine>,
    pub(super) rows: BTreeMap<String, AgentRow>,
    pub(super) marks: BTreeMap<String, Item>,
    pub(super) cursor: usize,
    pub(super) top: usize,
    pub(super) height: usize,
    pub(super) error: Option<String>,
    cursor_id: Option<String>,
    folded: BTreeSet<String>,
    /// Where the range that is being marked began, and at which line that is.
    range_from: Option<String>,
    range_place: Option<usize>,
    filter: String,
    /// Whether the lines are those of another filter than the one that was chosen last.
    stale: bool,
    /// Those that the filter lets through.
    only: Option<BTreeSet<String>>,
    whole_asked: Option<Ticket>,
    only_asked: Option<Ticket>,
    /// The rows that are on their way, and how many they should be.
    rows_asked: Option<(Ticket, usize)>,
    refreshes: u32,
    /// Whether rows that came contradict the hierarchy.
    outdated: bool,
    /// Whether what is under the cursor may be acted on yet.
    pub(super) arming: Arming,
}

impl TreeView {
    /// A tree of which nothing is known yet.
    pub fn new() -> Self {
        Self {
            tree: None,
            lines: Vec::new(),
            rows: BTreeMap::new(),
            marks: BTreeMap::new(),
            cursor: 0,
            top: 0,
            height: 20,
            error: None,
            cursor_id: None,
            folded: BTreeSet::new(),
            range_from: None,
            range_place: None,
            filter: String::new(),
            stale: false,
            only: None,
            whole_asked: None,
            only_asked: None,
            rows_asked: None,
            refreshes: 0,
            outdated: false,
            arming: Arming::default(),
        }
    }

    /// ` [count] /filter · marks`, for a title.
    pub fn summary(&self) -> String {
        let count = self.tree.as_ref().map_or("…".to_owned(), |tree| text::count(tree.len() as u64));
        let filter = if self.filter.is_empty() { String::new() } else { format!(" /{}", text::clean(&self.filter)) };
        let marks = if self.marks.is_empty() { String::new() } else { format!(" · {} marked", self.marks.len()) };
        format!("[{count}]{filter}{marks}")
    }

    /// Asks for the hierarchy, unless it is large and fresh enough, and for the rows in sight.
    pub fn refresh(&mut self, out: &mut Out) {
        let size = self.tree.as_ref().map_or(0, Tree::len);
        if size <= SMALL || std::mem::take(&mut self.outdated) || self.refreshes.is_multiple_of(REREAD_EVERY) {
            self.whole_asked = Some(out.ask(Some("agents-tree"), Request::Hierarchy(String::new())));
            if !self.filter.is_empty() {
                self.ask_only(out);
            }
        }
        self.refreshes = self.refreshes.wrapping_add(1);
        self.ask_rows(out, true);
    }

    fn ask_only(&mut self, out: &mut Out) {
        self.only_asked = Some(out.ask(Some("agents-only"), Request::Hierarchy(self.filter.trim().to_owned())));
    }

    /// Asks for the rows in sight; unless `again`, only when one of them is not here.
    fn ask_rows(&mut self, out: &mut Out, again: bool) {
        let seen = self.lines.iter().skip(self.top).take(self.height);
        let ids: Vec<String> = seen.filter_map(|line| self.id(line)).collect();
        if ids.is_empty() || (!again && ids.iter().all(|id| self.rows.contains_key(id))) {
            return;
        }
        let query: Query =
            vec![("filter".to_owned(), format!("id:{}", ids.join(","))), ("limit".to_owned(), ids.len().to_string())];
        self.rows_asked = Some((out.ask(Some("agents"), Request::AgentRows(query)), ids.len()));
    }

    fn id(&self, line: &TreeLine) -> Option<String> {
        self.tree.as_ref().map(|tree| tree.member(line.member).id.to_string())
    }

    /// Whether the filter lets a line's agent through; others stand there as superiors of such.
    fn matches(&self, line: &TreeLine) -> bool {
        self.only.as_ref().is_none_or(|only| self.id(line).is_some_and(|id| only.contains(&id)))
    }

    /// Takes an answer that it asked for.
    pub fn answer(&mut self, ticket: Ticket, answer: &Result<Answer, String>, out: &mut Out) -> bool {
        if self.whole_asked.take_if(|asked| *asked == ticket).is_some() {
            if let Some(members) = self.members(answer) {
                self.take_whole(Tree::new(members));
                self.lay_out(out);
            }
        } else if self.only_asked.take_if(|asked| *asked == ticket).is_some() {
            if let Some(members) = self.members(answer) {
                self.only = Some(members.iter().map(|member| member.id.to_string()).collect());
                self.lay_out(out);
                // What a filter of one's own brings under the cursor has not come by itself.
                if std::mem::take(&mut self.stale) {
                    if !self.lines.get(self.cursor).is_some_and(|line| self.matches(line)) {
                        self.cursor = self.lines.iter().position(|line| self.matches(line)).unwrap_or(0);
                        self.settle(out);
                    }
                    self.arming.chosen();
                }
            }
        } else if let Some((_, wanted)) = self.rows_asked.take_if(|(asked, _)| *asked == ticket) {
            if let Ok(Answer::AgentRows(page)) = answer {
                self.outdated |= page.rows.len() < wanted || page.rows.iter().any(|row| self.contradicts(row));
                self.take_rows(&page.rows);
            }
        } else {
            return false;
        }
        true
    }

    fn members(&mut self, answer: &Result<Answer, String>) -> Option<Vec<Member>> {
        match answer {
            Ok(Answer::Hierarchy(page)) => {
                self.error = None;
                return Some(page.rows.clone());
            }
            Ok(_) => self.error = Some("the engine answered something else".to_owned()),
            Err(message) => self.error = Some(message.clone()),
        }
        None
    }

    fn take_whole(&mut self, tree: Tree) {
        if self.tree.is_none() && tree.len() > SMALL {
            let deep = tree.branches().into_iter().filter(|(_, depth)| *depth > 0);
            self.folded = deep.map(|(place, _)| tree.member(place).id.to_string()).collect();
        }
        self.tree = Some(tree);
    }

    /// Whether an agent reports to somebody else than it does in the hierarchy.
    fn contradicts(&self, row: &AgentRow) -> bool {
        let Some(tree) = &self.tree else { return false };
        let known = self.lines.iter().map(|line| tree.member(line.member)).find(|member| member.id == row.agent.id);
        known.is_some_and(|member| member.reports_to != row.agent.spec.reports_to)
    }

    fn take_rows(&mut self, rows: &[AgentRow]) {
        if self.rows.len() > ROWS_MAX {
            self.rows.clear();
        }
        for row in rows {
            let item = row.item();
            if let Some(mark) = self.marks.get_mut(&item.id) {
                *mark = item.clone();
            }
            self.rows.insert(item.id, row.clone());
        }
    }

    /// Makes the lines anew; the cursor stays on its agent.
    fn lay_out(&mut self, out: &mut Out) {
        let Some(tree) = &self.tree else { return };
        self.lines = tree.lines(&self.folded, self.only.as_ref());
        let place = |id: &String| self.lines.iter().position(|line| tree.member(line.member).id.to_string() == *id);
        self.range_place = self.range_from.as_ref().and_then(place);
        if let Some(found) = self.cursor_id.as_ref().and_then(place) {
            self.cursor = found;
        } else if self.cursor_id.is_some() {
            self.arming.came_by_itself();
        }
        self.settle(out);
    }

    /// Keeps the cursor within the lines and in sight, and asks for rows that came into sight.
    fn settle(&mut self, out: &mut Out) {
        self.cursor = self.cursor.min(self.lines.len().saturating_sub(1));
        self.top = self.top.min(self.cursor).max((self.cursor + 1).saturating_sub(self.height));
        self.cursor_id = self.lines.get(self.cursor).and_then(|line| self.id(line));
        self.ask_rows(out, false);
    }

    /// Learns its height.
    pub fn layout(&mut self, height: u16, out: &mut Out) {
        let height = usize::from(height.max(1));
        if height != self.height {
            self.height = height;
            self.settle(out);
        }
        self.arming.drawn();
    }

    fn item_at(&self, place: usize) -> Option<Item> {
        let member = self.tree.as_ref()?.member(self.lines.get(place)?.member);
        let id = member.id.to_string();
        Some(self.rows.get(&id).map_or_else(
            // What has never been in sight is known by name only; its state is for the engine to judge.
            || Item {
                id,
                name: member.name.clone(),
                state: String::new(),
                high_risk: false,
                array: false,
                holds_up: 0,
                task: None,
            },
            Row::item,
        ))
    }

    /// The agent under the cursor; none while something else stands in place of the lines.
    pub fn current(&self) -> Option<Item> {
        if self.empty_text().is_some() { None } else { self.item_at(self.cursor) }
    }

    /// Why an action cannot be done to the agent under the cursor yet. To what is marked it can: it is shown before that.
    pub fn obstacle(&self, action: &str) -> Option<String> {
        let marks = arming::marks(action);
        if !marks && (!arming::waits(action) || !self.marks.is_empty()) {
            return None;
        }
        match (self.stale, marks) {
            (true, _) => Some(arming::ON_ITS_WAY.to_owned()),
            (false, true) => None,
            (false, false) => self.arming.obstacle(std::iter::empty()),
        }
    }

    /// The marked ones, otherwise the one under the cursor.
    pub fn selected(&self) -> (Vec<Item>, bool) {
        if self.marks.is_empty() {
            (self.current().into_iter().collect(), false)
        } else {
            (self.marks.values().cloned().collect(), true)
        }
    }

    /// Hides or shows those below the cursor.
    pub fn fold(&mut self, out: &mut Out) {
        let Some(line) = self.lines.get(self.cursor).filter(|line| line.below > 0) else { return };
        let Some(id) = self.id(line) else { return };
        if !self.folded.remove(&id) {
            self.folded.insert(id);
        }
        self.lay_out(out);
    }

    /// Hides those below the cursor; when there is nothing to hide, goes to the superior.
    pub fn fold_close(&mut self, out: &mut Out) {
        let Some(line) = self.lines.get(self.cursor) else { return };
        if line.below > 0 && line.open && self.only.is_none() {
            self.fold(out);
            return;
        }
        let superior = self.tree.as_ref().and_then(|tree| tree.superior(line.member));
        if let Some(place) = superior.and_then(|above| self.lines.iter().position(|line| line.member == above)) {
            self.cursor = place;
            self.arming.chosen();
            self.settle(out);
        }
    }

    /// Shows those below the cursor; when they are shown, goes to the first; `false` when there is nobody below.
    pub fn fold_open(&mut self, out: &mut Out) -> bool {
        match self.lines.get(self.cursor) {
            Some(line) if line.below > 0 && !line.open => self.fold(out),
            Some(line) if line.below > 0 => self.go(Motion::By(1), out),
            _ => return false,
        }
        true
    }

    /// Whether a line lies in the range that is being marked.
    pub fn in_range(&self, place: usize) -> bool {
        self.range_place.is_some_and(|from| (from.min(self.cursor)..=from.max(self.cursor)).contains(&place))
    }

    fn mark(&mut self, places: impl Iterator<Item = usize>) {
        for place in places {
            if let Some(item) = self.item_at(place) {
                self.marks.insert(item.id.clone(), item);
            }
        }
    }
}

impl Listing for TreeView {
    fn go(&mut self, motion: Motion, out: &mut Out) {
        let last = self.lines.len().saturating_sub(1);
        let half = i64::try_from(self.height / 2).unwrap_or(1).max(1);
        let by = |rows: i64| self.cursor.saturating_add_signed(isize::try_from(rows).unwrap_or(0)).min(last);
        self.cursor = match motion {
            Motion::By(rows) => by(rows),
            Motion::HalfPages(pages) => by(pages * half),
            Motion::Top => 0,
            Motion::Bottom => last,
        };
        self.arming.chosen();
        self.settle(out);
    }

    fn go_to_match(&mut self, forward: bool, out: &mut Out) {
        let places = 0..self.lines.len();
        let found = |place: &usize| self.matches(&self.lines[*place]);
        let place =
            if forward { places.skip(self.cursor + 1).find(found) } else { places.take(self.cursor).rev().find(found) };
        self.cursor = place.unwrap_or(self.cursor);
        self.arming.chosen();
        self.settle(out);
    }

    fn toggle_mark(&mut self, out: &mut Out) {
        if let Some(item) = self.current()
            && self.marks.remove(&item.id).is_none()
        {
            self.marks.insert(item.id.clone(), item);
        }
        self.go(Motion::By(1), out);
    }

    fn mark_range(&mut self, out: &mut Out) {
        if self.range_from.take().is_none() {
            (self.range_from, self.range_place) = (self.cursor_id.clone(), Some(self.cursor));
            return;
        }
        match self.range_place.take() {
            Some(from) => self.mark(from.min(self.cursor)..=from.max(self.cursor)),
            // Its line is folded away or gone.
            None => out.step(Step::Say(Tone::Info, RANGE_GONE.to_owned())),
        }
    }

    fn ranges(&self) -> bool {
        self.range_from.is_some()
    }

    fn mark_all(&mut self, _: &mut Out) {
        let most = usize::try_from(MARK_ALL_MAX).unwrap_or(usize::MAX);
        self.mark(0..self.lines.len().min(most));
    }

    fn clear_marks(&mut self) -> bool {
        let had = !self.marks.is_empty() || self.range_from.is_some();
        self.marks.clear();
        (self.range_from, self.range_place) = (None, None);
        had
    }

    fn marked(&self) -> usize {
        self.marks.len()
    }

    fn filter(&self) -> &str {
        &self.filter
    }

    fn set_filter(&mut self, filter: String, out: &mut Out) {
        if filter == self.filter {
            return;
        }
        self.filter = filter;
        self.error = None;
        if self.filter.trim().is_empty() {
            (self.only, self.only_asked, self.stale) = (None, None, false);
            self.lay_out(out);
            self.arming.chosen();
        } else {
            self.stale = true;
            self.ask_only(out);
        }
    }

    fn columns(&self) -> Vec<ColumnInfo> {
        Vec::new()
    }

    fn sort_by(&mut self, _: usize, _: &mut Out) {}

    fn toggle_column(&mut self, _: usize) {}

    fn scroll(&mut self, rows: i64, out: &mut Out) {
        let was = self.top;
        let last = self.lines.len().saturating_sub(self.height);
        self.top = self.top.saturating_add_signed(isize::try_from(rows).unwrap_or(0)).min(last);
        let by = i64::try_from(self.top).unwrap_or(0) - i64::try_from(was).unwrap_or(0);
        self.go(Motion::By(by), out);
    }

    fn click(&mut self, row: u16, out: &mut Out) -> bool {
        // The first line holds the headings.
        let Some(place) = row.checked_sub(1).map(|line| self.top + usize::from(line)) else { return false };
        if place >= self.lines.len() {
            return false;
        }
        self.cursor = place;
        self.arming.chosen();
        self.settle(out);
        true
    }

    fn unheard(&mut self, ticket: Ticket) -> bool {
        let mine = |slot: &mut Option<Ticket>| slot.take_if(|asked| *asked == ticket).is_some();
        mine(&mut self.whole_asked)
            || mine(&mut self.only_asked)
            || self.rows_asked.take_if(|(asked, _)| *asked == ticket).is_some()
    }
}
