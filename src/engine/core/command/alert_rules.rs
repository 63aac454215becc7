//! Adding, removing, enabling and disabling alert rules.

use super::undo::undone_by;
use crate::domain::alert_rule::RULES_MAX;
use crate::domain::event::AlertRuleRemoved;
use crate::domain::{Actor, AlertRule, AlertRulePatch, Command, Refusal, Reply, Timestamp};
use crate::engine::core::rules::built_in;
use crate::engine::core::{Core, Decisions};

impl Core {
    pub(super) fn add_alert_rule(
        &mut self,
        now: Timestamp,
        actor: Actor,
        patch: &AlertRulePatch,
        out: &mut Decisions,
    ) -> Result<Reply, Refusal> {
        if self.rules.declared.contains_key(&patch.name) {
            return Err(Refusal::conflict("name", &patch.name, "a name that no alert rule was given")
                .hint("menagerie apply changes a rule that exists"));
        }
        let known = self.rules.get(&patch.name);
        let rule = patch.over(known)?;
        self.check_rule_count(usize::from(known.is_none()))?;
        let name = rule.name.clone();
        self.declare_rule(now, actor, rule, out);
        let inverse = vec![Command::RemoveAlertRules { names: vec![name.clone()] }];
        Ok(Reply::Items { done: vec![name], refused: vec![], inverse, warnings: vec![] })
    }

    pub(super) fn remove_alert_rules(
        &mut self,
        now: Timestamp,
        actor: Actor,
        names: &[String],
        out: &mut Decisions,
    ) -> Result<Reply, Refusal> {
        let mut back = vec![];
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let reply = self.each(&names, |core, name| {
            core.known_rule(name)?;
            let Some(rule) = core.rules.declared.get(name).cloned() else {
                return Err(Refusal::conflict("alert rule", format!("{name} is built in"), "a rule that was declared")
                    .hint(format!("menagerie alert rule disable {name}")));
            };
            core.emit(now, actor, AlertRuleRemoved { name: name.to_owned() }, out);
            if built_in(name).is_none_or(|kept| kept.scope != rule.scope || kept.metric != rule.metric) {
                core.clear_rule(name, "the rule was removed", now, out);
            }
            back.push(Command::AddAlertRule { rule: Box::new(rule.into()) });
            Ok(())
        })?;
        Ok(undone_by(reply, back))
    }

    pub(super) fn enable_alert_rules(
        &mut self,
        now: Timestamp,
        actor: Actor,
        names: &[String],
        on: bool,
        out: &mut Decisions,
    ) -> Result<Reply, Refusal> {
        let mut back = vec![];
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let reply = self.each(&names, |core, name| {
            let rule = core.known_rule(name)?.clone();
            if rule.enabled != on {
                core.declare_rule(now, actor, AlertRule { enabled: on, ..rule }, out);
                back.push(name.to_owned());
            }
            Ok(())
        })?;
        let inverse = (!back.is_empty()).then(|| Command::EnableAlertRules { names: back, on: !on });
        Ok(undone_by(reply, inverse.into_iter().collect()))
    }

    /// Refuses more rules than there may be.
    pub(super) fn check_rule_count(&self, more: usize) -> Result<(), Refusal> {
        let count = self.rules.len() + more;
        if count <= RULES_MAX {
            return Ok(());
        }
        Err(Refusal::invalid("alert rules", count, format!("at most {RULES_MAX}"))
            .hint("a label in a rule's scope makes one rule do for many subjects"))
    }
}
