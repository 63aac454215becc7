//! The rules that raise alerts: what each looks at, whether it is evaluated, and how often it fired.

use std::time::Instant;

use ratatui::Frame;
use ratatui::layout::Rect;

use super::alert::facts::{condition, thresholds};
use crate::api::client::Query;
use crate::api::live::Topic;
use crate::api::types::{AlertRuleRow, RuleTest};
use crate::domain::{AlertRulePatch, Span, Threshold, Timestamp};
use crate::ui::action::Scope;
use crate::ui::actions;
use crate::ui::app::Options;
use crate::ui::layers::detail::{Detail, DetailKey, Parts};
use crate::ui::layers::prompt::Prompt;
use crate::ui::layers::trial::Trial;
use crate::ui::list::{Cell, Column, List, Listing, Row};
use crate::ui::look::{Look, Mark};
use crate::ui::request::{Answer, Page, Request, Ticket};
use crate::ui::screen::{Aim, Item, Noun, Out, Screen, Selection};
use crate::ui::step::{Step, Tone};
use crate::ui::text;
use crate::ui::theme::Role;

fn threshold(limit: Option<Threshold>) -> Cell {
    limit.map_or_else(Cell::unknown, |limit| Cell::plain(limit.to_string()))
}

fn state(row: &AlertRuleRow) -> &'static str {
    if row.rule.enabled { "enabled" } else { "disabled" }
}

fn origin(row: &AlertRuleRow) -> &'static str {
    match (row.built_in, row.declared) {
        (true, true) => "changed",
        (true, false) => "built in",
        (false, _) => "added",
    }
}

impl Row for AlertRuleRow {
    const LANE: &'static str = "alert rules";
    const ORDER: &'static str = "name";
    const EMPTY: &'static str = "There is no rule.";
    const COLUMNS: &'static [Column<Self>] = &[
        Column { cell: |row, _| Cell::plain(&row.rule.name), ..Column::text("RULE", 20, 1, Some("name")) },
        Column {
            cell: |row, _| Cell::of(if row.rule.enabled { Role::Good } else { Role::Dim }, state(row)),
            ..Column::text("STATE", 8, 2, Some("enabled"))
        },
        Column {
            cell: |row, _| Cell::of(Role::Accent, row.rule.scope.as_str()),
            ..Column::text("EACH", 5, 3, Some("scope"))
        },
        Column { cell: |row, _| threshold(row.rule.warning), ..Column::figure("WARNING", 8, 1, None) },
        Column { cell: |row, _| threshold(row.rule.critical), ..Column::figure("CRITICAL", 8, 1, None) },
        Column { cell: |row, _| Cell::plain(row.rule.hold.to_string()), ..Column::figure("FOR", 4, 4, None) },
        Column {
            cell: |row, _| match row.alerts {
                0 => Cell::of(Role::Dim, "0"),
                some => Cell::of(Role::Warn, text::count(some)),
            },
            ..Column::figure("OPEN", 4, 2, Some("alerts"))
        },
        Column { cell: |row, _| Cell::plain(text::count(row.fired)), ..Column::figure("FIRED", 6, 2, Some("fired")) },
        Column {
            cell: |row, look| row.last_fired.map_or_else(Cell::unknown, |last| Cell::of(Role::Dim, look.age(last))),
            ..Column::figure("LAST", 4, 3, Some("last_fired"))
        },
        Column {
            cell: |row, _| Cell::of(Role::Dim, condition(&row.rule)),
            ..Column::text("LOOKS AT", 0, 5, Some("metric"))
        },
        Column { cell: |row, _| Cell::of(Role::Dim, origin(row)), ..Column::text("ORIGIN", 8, 6, None) },
    ];

    fn request(query: Query) -> Request {
        Request::AlertRules(query)
    }

    fn page(answer: &Answer) -> Option<&Page<Self>> {
        match answer {
            Answer::AlertRules(page) => Some(page),
            _ => None,
        }
    }

    fn item(&self) -> Item {
        Item {
            id: self.rule.name.clone(),
            name: format!("rule {}", self.rule.name),
            state: state(self).to_owned(),
            high_risk: false,
            array: false,
            holds_up: 0,
            task: None,
        }
    }

    fn mark(&self) -> Mark {
        match (self.rule.enabled, self.alerts) {
            (false, _) => Mark::Withheld,
            (true, 0) => Mark::Done,
            (true, _) => Mark::Warning,
        }
    }
}

/// The list.
pub struct AlertRules {
    list: List<AlertRuleRow>,
}

impl AlertRules {
    /// All of them, by name.
    pub fn new() -> Self {
        Self { list: List::new(Vec::new()) }
    }
}

/// Asks how far back a rule is tried.
pub fn ask_test(name: &str) -> Prompt {
    let name = name.to_owned();
    let help = "how far back, such as 1h, 24h, 7d. Enter tries it; nothing is changed";
    Prompt::new(format!("test {name} on the last"), "24h", help, move |typed| {
        let since = typed.trim().parse::<Span>().map_err(|refusal| refusal.to_string())?;
        let rule = AlertRulePatch { name: name.clone(), ..AlertRulePatch::default() };
        Ok(vec![Step::Open(Box::new(Trial::new(RuleTest { rule, since })))])
    })
}

/// Everything about one rule.
fn lines(row: &AlertRuleRow) -> Vec<Parts> {
    let rule = &row.rule;
    let mut lines: Vec<Parts> = Vec::new();
    let mut say = |label: &str, role: Role, words: String| {
        if !words.is_empty() {
            lines.push(vec![(Role::Dim, text::pad(label, 14)), (role, words)]);
        }
    };
    say("rule", Role::Title, rule.name.clone());
    say("state", if rule.enabled { Role::Good } else { Role::Dim }, state(row).to_owned());
    say("looks at", Role::Text, condition(rule));
    say("thresholds", Role::Text, thresholds(rule));
    say("for", Role::Text, rule.hold.to_string());
    say("for each", Role::Accent, rule.scope.to_string());
    let labels: Vec<String> = rule.labels.iter().map(|(label, value)| format!("{label}={value}")).collect();
    say("labels", Role::Text, labels.join(", "));
    say("hysteresis", Role::Text, text::percent(rule.hysteresis));
    say("without data", Role::Text, rule.no_data.to_string());
    say("quiet while", Role::Text, rule.inhibited_by.join(", "));
    say("alerts each", Role::Text, format!("for at most {} at a time; further ones share one", rule.group));
    say("says", Role::Text, rule.message.clone());
    say("remedy", Role::Info, rule.remedy.clone());
    say("origin", Role::Text, origin(row).to_owned());
    say("open", Role::Text, text::count(row.alerts));
    let last = row.last_fired.map(|last| format!(", last {}", text::moment(last))).unwrap_or_default();
    say("fired", Role::Text, format!("{}{last}", text::count(row.fired)));
    lines
}

impl Screen for AlertRules {
    fn title(&self) -> String {
        format!("alert rules {}", self.list.summary())
    }

    fn topics(&self) -> &'static [Topic] {
        &[Topic::Alerts]
    }

    fn scopes(&self) -> &'static [Scope] {
        &[Scope::Rules, Scope::List]
    }

    fn attend(&mut self, now: Instant, _: Timestamp, _: &Options) {
        self.list.attend(now);
    }

    fn refresh(&mut self, out: &mut Out) {
        self.list.refresh(out);
    }

    fn answer(&mut self, ticket: Ticket, answer: &Result<Answer, String>, out: &mut Out) -> bool {
        self.list.answer(ticket, answer, out)
    }

    fn layout(&mut self, area: Rect, out: &mut Out) {
        self.list.layout(area.height.saturating_sub(1), out);
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, look: &Look<'_>) {
        self.list.draw(frame, area, look, true);
    }

    fn selection(&self) -> Option<Selection> {
        let (items, marked) = self.list.selected();
        Some(Selection { noun: Noun::Rule, items, marked })
    }

    fn list(&mut self) -> Option<&mut dyn Listing> {
        Some(&mut self.list)
    }

    fn perform(&mut self, action: &str, out: &mut Out) -> bool {
        let Some(row) = self.list.current().filter(|_| action == "describe") else { return false };
        let keys = vec![
            DetailKey { key: 'E', action: "enable_rules", title: "enable/disable" },
            DetailKey { key: 't', action: "test_rule", title: "test on the past" },
            DetailKey { key: 'e', action: "thresholds", title: "thresholds" },
            DetailKey { key: 'S', action: "silence_rule", title: "silence" },
        ];
        let selection = Selection { noun: Noun::Rule, items: vec![row.item()], marked: false };
        let detail = Detail::new(format!("rule {}", row.rule.name), lines(row));
        out.step(Step::Open(Box::new(detail.with_keys(keys, Aim { selection, target: None }))));
        true
    }

    fn perform_on(&mut self, action: &str, id: &str, out: &mut Out) -> bool {
        match (action, self.list.find(id)) {
            ("test_rule", _) => out.step(Step::Open(Box::new(ask_test(id)))),
            ("thresholds", Some(AlertRuleRow { rule, .. })) => {
                let example = format!("in {}: {}", rule.unit(), rule.unit().example());
                let prompt = actions::alert_rules::thresholds(&rule.name, rule.warning, rule.critical, &example);
                out.step(Step::Open(Box::new(prompt)));
            }
            // Nobody changes thresholds without those that there are before the eyes.
            ("thresholds", None) => {
                let words = format!("rule {id} is too far from what is in sight; put the cursor on it");
                out.step(Step::Say(Tone::Info, words));
            }
            _ => return false,
        }
        true
    }

    fn obstacle(&self, action: &str) -> Option<String> {
        if action == "describe" && self.list.current().is_none() {
            return Some("there is nothing under the cursor".to_owned());
        }
        self.list.obstacle(action)
    }

    fn next_change(&self) -> Option<Instant> {
        self.list.armed_at()
    }
}
