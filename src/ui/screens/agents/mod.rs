//! Agents: who works, as a list or as a tree of who reports to whom.

pub mod row;
mod tree_draw;
mod tree_view;

use std::time::Instant;

use ratatui::Frame;
use ratatui::layout::Rect;

use self::tree_view::TreeView;
use crate::api::client::Query;
use crate::api::live::Topic;
use crate::domain::Timestamp;
use crate::ui::action::Scope;
use crate::ui::app::Options;
use crate::ui::gather::AgentRow;
use crate::ui::list::{List, Listing};
use crate::ui::look::Look;
use crate::ui::place::Place;
use crate::ui::request::{Answer, Ticket};
use crate::ui::screen::{Noun, Out, Screen, Selection};
use crate::ui::step::Step;

/// The list, and the tree once it was asked for.
pub struct Agents {
    list: List<AgentRow>,
    tree: TreeView,
    in_tree: bool,
}

impl Agents {
    /// All agents by name.
    pub fn new() -> Self {
        Self { list: List::new(Query::new()), tree: TreeView::new(), in_tree: false }
    }
}

impl Screen for Agents {
    fn title(&self) -> String {
        if self.in_tree {
            format!("agents by superior {}", self.tree.summary())
        } else {
            format!("agents {}", self.list.summary())
        }
    }

    fn topics(&self) -> &'static [Topic] {
        &[Topic::Agents, Topic::Tasks, Topic::Usage]
    }

    fn scopes(&self) -> &'static [Scope] {
        if self.in_tree { &[Scope::Tree, Scope::Agents, Scope::List] } else { &[Scope::Agents, Scope::List] }
    }

    fn attend(&mut self, now: Instant, _: Timestamp, _: &Options) {
        self.list.attend(now);
        self.tree.arming.set_now(now);
    }

    fn refresh(&mut self, out: &mut Out) {
        if self.in_tree {
            self.tree.refresh(out);
        } else {
            self.list.refresh(out);
        }
    }

    fn answer(&mut self, ticket: Ticket, answer: &Result<Answer, String>, out: &mut Out) -> bool {
        self.list.answer(ticket, answer, out) || self.tree.answer(ticket, answer, out)
    }

    fn layout(&mut self, area: Rect, out: &mut Out) {
        let height = area.height.saturating_sub(1);
        if self.in_tree {
            self.tree.layout(height, out);
        } else {
            self.list.layout(height, out);
        }
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, look: &Look<'_>) {
        if self.in_tree {
            self.tree.draw(frame, area, look);
        } else {
            self.list.draw(frame, area, look, true);
        }
    }

    fn selection(&self) -> Option<Selection> {
        let (items, marked) = if self.in_tree { self.tree.selected() } else { self.list.selected() };
        Some(Selection { noun: Noun::Agent, items, marked })
    }

    fn target(&self) -> Option<Place> {
        if self.in_tree {
            return self.tree.current().map(|item| Place::Agent(item.id, item.name));
        }
        self.list.current().map(|row| Place::Agent(row.agent.id.to_string(), row.agent.spec.name.clone()))
    }

    fn list(&mut self) -> Option<&mut dyn Listing> {
        Some(if self.in_tree { &mut self.tree } else { &mut self.list })
    }

    fn perform(&mut self, action: &str, out: &mut Out) -> bool {
        match action {
            "tree" => {
                self.in_tree = !self.in_tree;
                self.refresh(out);
            }
            "fold" => self.tree.fold(out),
            "fold_close" => self.tree.fold_close(out),
            "fold_open" => {
                if !self.tree.fold_open(out) {
                    out.step(Step::Run("open"));
                }
            }
            _ => return false,
        }
        true
    }

    fn obstacle(&self, action: &str) -> Option<String> {
        let words = match action {
            "sort" | "columns" if self.in_tree => "the tree is in the order of its names; T shows the list",
            action => return if self.in_tree { self.tree.obstacle(action) } else { self.list.obstacle(action) },
        };
        Some(words.to_owned())
    }

    fn next_change(&self) -> Option<Instant> {
        if self.in_tree { self.tree.arming.next() } else { self.list.armed_at() }
    }
}
