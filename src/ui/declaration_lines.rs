//! Declarations as the command line takes them: what was removed or changed is taken back by declaring it anew.

use std::fmt::{Display, Write as _};

use super::verb::quote;
use crate::domain::{AgentPatch, AgentSpec, AlertRulePatch, Workspace};

/// What says it where options cannot: a fleet file with the declaration in it.
const BY_FILE: &str = "menagerie apply FILE";

/// A line that grows by options.
struct Options(String);

impl Options {
    fn one(&mut self, name: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            let value = quote(&value.to_string());
            // What begins like an option is one unless it is held to its name.
            let between = if value.starts_with('-') { '=' } else { ' ' };
            // Writing to a string cannot fail.
            let _ = write!(self.0, " --{name}{between}{value}");
        }
    }

    /// A value, or an empty one for none.
    fn or_empty<T: Display>(&mut self, name: &str, value: Option<&Option<T>>) {
        self.one(name, value.map(|value| value.as_ref().map(ToString::to_string).unwrap_or_default()));
    }

    /// Each of several, or an empty value for none of them.
    fn list<T: Display>(&mut self, name: &str, values: Option<&Vec<T>>) {
        match values.map(Vec::as_slice) {
            Some([]) => self.one(name, Some("")),
            Some(values) => self.each(name, values),
            None => {}
        }
    }

    fn each(&mut self, name: &str, values: impl IntoIterator<Item = impl Display>) {
        for value in values {
            self.one(name, Some(value));
        }
    }
}

/// The line that declares an agent.
pub fn agent(spec: &AgentSpec) -> String {
    let said = AgentPatch { owner: spec.owner.clone(), ..AgentPatch::between(&AgentSpec::new(&spec.name), spec) };
    fields(format!("menagerie agent add {}", quote(&spec.name)), &said)
}

/// The line that changes an agent.
pub fn agent_change(name: &str, changes: &AgentPatch) -> String {
    fields(format!("menagerie agent set {}", quote(name)), changes)
}

/// A line with what is said of an agent as options; an empty value clears.
fn fields(line: String, said: &AgentPatch) -> String {
    let mut texts = said.env.iter().flatten().map(|(_, value)| value);
    if !texts.all(serde_json::Value::is_string) {
        return BY_FILE.to_owned();
    }
    let mut line = Options(line);
    line.or_empty("display-name", said.display_name.as_ref());
    line.one("kind", said.kind);
    line.or_empty("division", said.division.as_ref());
    line.or_empty("participant", said.participant.as_ref());
    line.or_empty("role", said.role.as_ref());
    line.or_empty("tier", said.tier.as_ref());
    line.or_empty("reports-to", said.reports_to.as_ref());
    line.list("capability", said.capabilities.as_ref());
    line.list("specialization", said.specializations.as_ref());
    line.list("tool", said.tools_available.as_ref());
    line.list("keyword", said.keywords.as_ref());
    line.one("concurrency", said.concurrency);
    line.or_empty("cage", said.cage.as_ref());
    line.one("owner", said.owner.as_ref());
    let variable =
        |(name, value): (&String, &serde_json::Value)| format!("{name}={}", value.as_str().unwrap_or_default());
    line.list("env", said.env.as_ref().map(|env| env.iter().map(variable).collect::<Vec<_>>()).as_ref());
    line.or_empty("workdir", said.workdir.as_ref());
    let path = |workspace: &Workspace| format!("{}@{}", workspace.repository, workspace.base);
    line.or_empty("workspace", said.workspace.as_ref().map(|given| given.as_ref().map(path)).as_ref());
    let workspace = said.workspace.as_ref().and_then(Option::as_ref);
    line.one("merge", workspace.and_then(|workspace| workspace.merge.as_ref()));
    line.one("format", said.format);
    line.one("configuration", said.configuration.as_ref().and_then(|value| serde_json::to_string(value).ok()));
    line.one("resource-config", said.resource_config.as_ref().and_then(|value| serde_json::to_string(value).ok()));
    match said.command.as_deref() {
        Some([]) => line.0 += " -- ''",
        Some(words) => {
            let words: Vec<String> = words.iter().map(|word| quote(word)).collect();
            line.0 = format!("{} -- {}", line.0, words.join(" "));
        }
        None => {}
    }
    line.0
}

/// The line that declares an alert rule; whether it is evaluated is said by a second one.
pub fn rule(rule: &AlertRulePatch) -> String {
    let name = quote(&rule.name);
    let mut line = Options(format!("menagerie alert rule add {name}"));
    line.one("metric", rule.metric.as_ref());
    let labels = rule.labels.iter().flatten();
    line.each("label", labels.map(|(label, value)| format!("{label}={value}")));
    line.one("scope", rule.scope);
    line.one("function", rule.function);
    line.one("window", rule.window);
    line.one("comparison", rule.comparison);
    line.one("warning", rule.warning.as_ref());
    line.one("critical", rule.critical.as_ref());
    line.one("for", rule.hold);
    line.one("hysteresis", rule.hysteresis);
    line.one("message", rule.message.as_ref());
    line.one("remedy", rule.remedy.as_ref());
    line.one("no-data", rule.no_data);
    line.each("inhibited-by", rule.inhibited_by.iter().flatten());
    line.one("group", rule.group);
    if rule.enabled == Some(false) {
        let _ = write!(line.0, "; menagerie alert rule disable {name}");
    }
    line.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::agent::Runtime;

    #[test]
    fn an_agent_is_declared_with_all_that_is_not_usual() {
        let mut spec = AgentSpec::new("it's one");
        assert_eq!(agent(&spec), "menagerie agent add \"it's one\"");
        spec.role = Some("-x".into());
        spec.tools_available = vec!["a".into(), "b c".into()];
        spec.concurrency = 3;
        spec.cage = "007".parse().ok();
        let command = vec!["sh".into(), "-c".into(), "sleep 1".into()];
        spec.runtime = Runtime::of_command(command);
        let Runtime::Command { env, .. } = &mut spec.runtime;
        env.insert("LEVEL".into(), "high".into());
        let expected = "menagerie agent add \"it's one\" --role=-x --tool a --tool 'b c' --concurrency 3 --cage 007 \
                        --env LEVEL=high -- sh -c 'sleep 1'";
        assert_eq!(agent(&spec), expected);
        // What no option can say is left to a file.
        let Runtime::Command { env, .. } = &mut spec.runtime;
        env.insert("LEVEL".into(), 3.into());
        assert_eq!(agent(&spec), BY_FILE);
    }

    #[test]
    fn a_change_says_what_is_cleared_too() {
        let read = |value| serde_json::from_value::<AgentPatch>(value).unwrap();
        let changes = read(serde_json::json!({
            "role": null, "tier": "lead", "keywords": [], "capabilities": [{"type": "a", "parameters": {"b": 1}}, "c"],
            "workspace": {"repository": "/srv/shop", "merge": "main"}, "command": [],
        }));
        let expected = "menagerie agent set ann --role '' --tier lead --capability 'a={\"b\":1}' --capability c --keyword '' \
                        --workspace /srv/shop@HEAD --merge main -- ''";
        assert_eq!(agent_change("ann", &changes), expected);
        assert_eq!(agent_change("ann", &read(serde_json::json!({"env": {"A": 1}}))), BY_FILE);
    }

    #[test]
    fn a_rule_is_declared_with_what_is_known_of_it() {
        let patch: AlertRulePatch = serde_json::from_value(serde_json::json!({
            "name": "slow", "metric": "m", "labels": {"cage": "00*"}, "warning": "5s", "for": "1m", "enabled": false,
        }))
        .unwrap();
        let expected = "menagerie alert rule add slow --metric m --label 'cage=00*' --warning 5s --for 1m; \
                        menagerie alert rule disable slow";
        assert_eq!(rule(&patch), expected);
    }
}
