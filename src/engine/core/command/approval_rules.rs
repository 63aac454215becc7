//! Adding and removing the rules that judge artifacts.

use super::undo::undone_by;
use crate::domain::approval_rule::{APPROVAL_RULES_MAX, ApprovalRule};
use crate::domain::event::{ApprovalRuleDeclared, ApprovalRuleRemoved};
use crate::domain::{Actor, AgentSpec, Command, Refusal, Reply, Timestamp};
use crate::engine::core::{Core, Decisions};

impl Core {
    pub(super) fn add_approval_rule(
        &mut self,
        now: Timestamp,
        actor: Actor,
        rule: ApprovalRule,
        out: &mut Decisions,
    ) -> Result<Reply, Refusal> {
        if self.approval_rules.contains_key(&rule.name) {
            return Err(Refusal::conflict("name", &rule.name, "a name that no approval rule was given")
                .hint("menagerie approval rule list shows those that there are"));
        }
        self.check_approval_rule(&rule, &[])?;
        if self.approval_rules.len() >= APPROVAL_RULES_MAX {
            return Err(Refusal::invalid(
                "approval rules",
                APPROVAL_RULES_MAX + 1,
                format!("at most {APPROVAL_RULES_MAX}"),
            ));
        }
        let name = rule.name.clone();
        self.emit(now, actor, ApprovalRuleDeclared { rule }, out);
        let inverse = vec![Command::RemoveApprovalRules { names: vec![name.clone()] }];
        Ok(Reply::Items { done: vec![name], refused: vec![], inverse, warnings: vec![] })
    }

    pub(super) fn remove_approval_rules(
        &mut self,
        now: Timestamp,
        actor: Actor,
        names: &[String],
        out: &mut Decisions,
    ) -> Result<Reply, Refusal> {
        let mut back = vec![];
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let reply = self.each(&names, |core, name| {
            let Some(rule) = core.approval_rules.get(name).cloned() else {
                let names = core.approval_rules.keys().map(String::as_str);
                return Err(Refusal::not_found("approval rule", name).hint_nearest(
                    name,
                    names,
                    "menagerie approval rule list shows those that there are",
                ));
            };
            core.emit(now, actor, ApprovalRuleRemoved { name: name.to_owned() }, out);
            back.push(Command::AddApprovalRule { rule: Box::new(rule) });
            Ok(())
        })?;
        Ok(undone_by(reply, back))
    }

    /// Refuses a rule that can fit nothing: its agent is neither there nor among `declared`.
    pub(super) fn check_approval_rule(&self, rule: &ApprovalRule, declared: &[AgentSpec]) -> Result<(), Refusal> {
        let place = format!("approval rule {}", rule.name);
        rule.check().map_err(|refusal| refusal.within(&place))?;
        let known = |name: &str| self.agent_names.contains_key(name) || declared.iter().any(|agent| agent.name == name);
        if known(&rule.agent) { Ok(()) } else { Err(self.unknown_agent("agent", &rule.agent).within(&place)) }
    }
}
