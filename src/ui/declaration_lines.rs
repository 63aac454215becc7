//! Declarations as the command line takes them: what was removed or changed is taken back by declaring it anew.

use std::fmt::{Display, Write as _};

use super::verb::quote;
use crate::domain::agent::Runtime;
use crate::domain::{AgentSpec, AlertRulePatch};

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

    fn each(&mut self, name: &str, values: impl IntoIterator<Item = impl Display>) {
        for value in values {
            self.one(name, Some(value));
        }
    }
}

/// The line that declares an agent.
pub fn agent(spec: &AgentSpec) -> String {
    let Runtime::Command { command, env, workdir, format, workspace } = &spec.runtime;
    let plain = spec.capabilities.iter().all(|capability| capability.parameters.is_empty())
        && env.values().all(serde_json::Value::is_string)
        && workspace.as_ref().is_none_or(|workspace| workspace.merge.is_none());
    if !plain {
        return BY_FILE.to_owned();
    }
    let defaults = AgentSpec::new("");
    let mut line = Options(format!("menagerie agent add {}", quote(&spec.name)));
    line.one("display-name", spec.display_name.as_ref());
    line.one("kind", (spec.kind != defaults.kind).then_some(spec.kind));
    line.one("division", spec.division);
    line.one("participant", spec.participant);
    line.one("role", spec.role.as_ref());
    line.one("tier", spec.tier);
    line.one("reports-to", spec.reports_to.as_ref());
    line.each("capability", spec.capabilities.iter().map(|capability| &capability.kind));
    line.each("specialization", &spec.specializations);
    line.each("tool", &spec.tools_available);
    line.each("keyword", &spec.keywords);
    line.one("concurrency", (spec.concurrency != defaults.concurrency).then_some(spec.concurrency));
    line.one("cage", spec.cage);
    line.one("owner", spec.owner.as_ref());
    line.each("env", env.iter().map(|(name, value)| format!("{name}={}", value.as_str().unwrap_or_default())));
    line.one("workdir", workdir.as_ref());
    line.one("workspace", workspace.as_ref().map(|workspace| format!("{}@{}", workspace.repository, workspace.base)));
    line.one("format", (!format.is_default()).then_some(*format));
    if spec.configuration != defaults.configuration {
        line.one("configuration", serde_json::to_string(&spec.configuration).ok());
    }
    if !spec.resource_config.is_empty() {
        line.one("resource-config", serde_json::to_string(&spec.resource_config).ok());
    }
    if !command.is_empty() {
        line.0 += " --";
    }
    for word in command {
        let _ = write!(line.0, " {}", quote(word));
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
