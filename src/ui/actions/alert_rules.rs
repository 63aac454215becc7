//! Alert rules: having them evaluated or not, changing their thresholds, trying them on the past, adding and removing them.

use super::grid::{only_in, perform};
use crate::api::types::WireCommand;
use crate::domain::time::When;
use crate::domain::{AlertRulePatch, Matcher, Threshold};
use crate::ui::action::{Action, Scope, always};
use crate::ui::app::App;
use crate::ui::layers::prompt::Prompt;
use crate::ui::place::Place;
use crate::ui::screen::{Item, Noun};
use crate::ui::step::{Order, Step, Tone};
use crate::ui::verb::quote;

/// Goes to the rules.
pub static RULES: Action = Action {
    name: "rules",
    title: "rules",
    help: "the rules that raise alerts: thresholds, how often each fired",
    changes: false,
    hint: 2,
    ready: always,
    run: |app| app.go(&Place::AlertRules),
};

/// Has rules evaluated, or no longer when all of them are.
pub static ENABLE: Action = Action {
    name: "enable_rules",
    title: "enable/disable",
    help: "have the selected rules evaluated; when all of them are, no longer: their alerts are over then",
    changes: true,
    hint: 3,
    ready: |app| super::need(app, Noun::Rule, |_| None),
    run: |app| {
        let Some(selection) = app.selection() else { return };
        let shown_first = selection.shown_first();
        let is_on = |item: &Item| item.state == "enabled";
        let on = !selection.items.iter().all(is_on);
        // Those that are so already would only be refused.
        let names: Vec<String> =
            selection.items.into_iter().filter(|item| is_on(item) != on).map(|item| item.id).collect();
        let verb = if on { "enable" } else { "disable" };
        let line = line(&format!("alert rule {verb}"), &names);
        let order = Order {
            line,
            title: format!("{verb} {}", called(&names)),
            command: WireCommand::EnableAlertRules { names: names.clone(), on },
        };
        app.step(if shown_first { Step::Preview(order) } else { Step::Order(order) });
    },
};

/// Tries a rule on the past.
pub static TEST: Action = Action {
    name: "test_rule",
    title: "test on the past",
    help: "say when the rule would have fired within a time; changes nothing",
    changes: false,
    hint: 2,
    ready: |app| {
        only_in(app, &[Scope::Rules, Scope::Alert])?;
        // At an alert there is but one: the rule that raised it.
        if app.scopes().contains(&Scope::Rules) { one_rule(app) } else { Ok(()) }
    },
    run: |app| match chosen_rule(app) {
        Some(name) => perform_on(app, "test_rule", &name),
        None => perform(app, "test_rule"),
    },
};

/// Changes thresholds.
pub static THRESHOLDS: Action = Action {
    name: "thresholds",
    title: "thresholds",
    help: "change from where on the rule is a warning and from where on critical",
    changes: true,
    hint: 2,
    ready: one_rule,
    run: |app| {
        if let Some(name) = chosen_rule(app) {
            perform_on(app, "thresholds", &name);
        }
    },
};

/// Adds one.
pub static NEW: Action = Action {
    name: "new_rule",
    title: "new rule",
    help: "add a rule, with the options of menagerie alert rule add",
    changes: true,
    hint: 1,
    ready: |app| only_in(app, &[Scope::Rules]),
    run: |app| {
        let help =
            "NAME --metric METRIC --scope cage --warning 80% --critical 95% --for 1m; Enter adds it, Esc leaves it";
        let prompt = Prompt::new("menagerie alert rule add", "", help, |typed| match typed.trim() {
            "" => Ok(vec![]),
            typed => Ok(vec![Step::Verb(format!("menagerie alert rule add {typed}"))]),
        });
        app.open(Box::new(prompt));
    },
};

/// Takes rules away.
pub static REMOVE: Action = Action {
    name: "remove_rules",
    title: "remove",
    help: "remove the selected rules; a changed built-in one is then as it came",
    changes: true,
    hint: 1,
    ready: |app| super::need(app, Noun::Rule, |_| None),
    run: |app| {
        let Some(selection) = app.selection() else { return };
        let names: Vec<String> = selection.items.into_iter().map(|item| item.id).collect();
        let order = Order {
            line: line("alert rule remove", &names),
            title: format!("remove {}", called(&names)),
            command: WireCommand::RemoveAlertRules { names },
        };
        app.step(Step::Preview(order));
    },
};

/// Silences everything of a rule.
pub static SILENCE: Action = Action {
    name: "silence_rule",
    title: "silence",
    help: "let no alert of the rule call anybody for a while, those included that come up meanwhile",
    changes: true,
    hint: 2,
    ready: one_rule,
    run: |app| {
        let Some(name) = chosen_rule(app) else { return };
        let matcher = Matcher { rule: Some(name), source: None };
        app.step(Step::Open(Box::new(silence(matcher))));
    },
};

fn one_rule(app: &App) -> Result<(), String> {
    super::need(app, Noun::Rule, |_| None)?;
    match app.selection() {
        Some(selection) if selection.items.len() == 1 => Ok(()),
        _ => Err("it works for one rule at a time".to_owned()),
    }
}

/// The name of the rule that is selected, or that an action is aimed at.
fn chosen_rule(app: &App) -> Option<String> {
    let selection = app.selection().filter(|selection| selection.noun == Noun::Rule)?;
    selection.items.into_iter().next().map(|item| item.id)
}

fn perform_on(app: &mut App, action: &'static str, name: &str) {
    app.with_screen(|screen, out| screen.perform_on(action, name, out));
}

fn line(verb: &str, names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| quote(name)).collect();
    format!("menagerie {verb} {}", names.join(" "))
}

fn called(names: &[String]) -> String {
    match names {
        [one] => format!("rule {one}"),
        names => Noun::Rule.counted(names.len()),
    }
}

/// Asks for how long alerts are silenced, and why.
pub fn silence(matcher: Matcher) -> Prompt {
    let help = "Enter: 1h; or how long: 30m, 8h, 2d; or until when: 2026-01-31T17:00:00Z";
    Prompt::new("silence for", "", help, move |typed| {
        let typed = Some(typed.trim()).filter(|typed| !typed.is_empty()).unwrap_or("1h").to_owned();
        let until = typed.parse::<When>().map_err(|error| error.to_string())?;
        let matcher = matcher.clone();
        let help = "why; may stay empty. Enter silences";
        let note = Prompt::new("note", "", help, move |note| {
            let note = super::given(note);
            let part = |name: &str, value: &Option<String>| {
                value.as_ref().map(|value| format!(" --{name} {}", quote(value))).unwrap_or_default()
            };
            let (rule, source) = (part("rule", &matcher.rule), part("source", &matcher.source));
            let of = |part: &Option<String>| part.clone().unwrap_or_else(|| "*".to_owned());
            let order = Order {
                line: format!("menagerie alert silence{rule}{source} --until {typed}{}", part("note", &note)),
                title: format!("silence {} about {} for {typed}", of(&matcher.rule), of(&matcher.source)),
                command: WireCommand::AddSilence { matcher: matcher.clone(), until, note },
            };
            Ok(vec![Step::Order(order)])
        });
        Ok(vec![Step::Open(Box::new(note))])
    })
}

/// Asks for the thresholds of a rule, one after the other; what stays as it is stays as it is.
pub fn thresholds(name: &str, warning: Option<Threshold>, critical: Option<Threshold>, example: &str) -> Prompt {
    let shown = |threshold: Option<Threshold>| threshold.map(|it| it.to_string()).unwrap_or_default();
    let (name, example, next) = (name.to_owned(), example.to_owned(), shown(critical));
    let help = format!("{example}; empty leaves it as it is. Enter goes on to the critical one");
    Prompt::new(format!("{name}: warning"), shown(warning), help, move |typed| {
        let warning = read(typed)?;
        let name = name.clone();
        let help = format!("{example}; empty leaves it as it is. Enter changes the rule");
        let label = format!("{name}: critical");
        let prompt = Prompt::new(label, next.clone(), help, move |typed| {
            let critical = read(typed)?;
            if warning.is_none() && critical.is_none() {
                return Ok(vec![Step::Say(Tone::Info, "the thresholds stay as they are".to_owned())]);
            }
            let option = |name: &str, value: Option<Threshold>| {
                value.map(|value| format!(" --{name} {}", quote(&value.to_string()))).unwrap_or_default()
            };
            let (first, second) = (option("warning", warning), option("critical", critical));
            let rule = AlertRulePatch { name: name.clone(), warning, critical, ..AlertRulePatch::default() };
            Ok(vec![Step::Order(Order {
                line: format!("menagerie alert rule add {}{first}{second}", quote(&name)),
                title: format!("thresholds of rule {name}"),
                command: WireCommand::AddAlertRule { rule: Box::new(rule) },
            })])
        });
        Ok(vec![Step::Open(Box::new(prompt))])
    })
}

fn read(typed: &str) -> Result<Option<Threshold>, String> {
    match typed.trim() {
        "" => Ok(None),
        typed => typed.parse().map(Some).map_err(|refusal: crate::domain::Refusal| refusal.to_string()),
    }
}
