//! A change of what is declared about an agent: some of its fields, the others stay.

// Left out, cleared and given are three things.
#![allow(clippy::option_option)]

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::agent::{
    AgentConfiguration, AgentKind, AgentSpec, Capability, Division, Participant, Runtime, StreamFormat, Tier,
};
use super::id::CageId;
use super::workspace::Workspace;

/// What is to be different. What is left out stays; null clears what need not be; a list takes the place of the list.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AgentPatch {
    /// For people; null is the name.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub display_name: Option<Option<String>>,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<AgentKind>,
    /// Where it belongs.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub division: Option<Option<Division>>,
    /// What part it takes in a conversation.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub participant: Option<Option<Participant>>,
    /// Free: `coder`, `tester`.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub role: Option<Option<String>>,
    /// How high it stands.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub tier: Option<Option<Tier>>,
    /// The agent it reports to, by name; null for nobody.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub reports_to: Option<Option<String>>,
    /// What it knows well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub specializations: Option<Vec<String>>,
    /// Tools it can use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tools_available: Option<Vec<String>>,
    /// Words that point to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keywords: Option<Vec<String>>,
    /// What it can do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<Vec<Capability>>,
    /// The program and arguments of its runtime.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<Vec<String>>,
    /// The environment of its runtime.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub env: Option<Map<String, Value>>,
    /// Where its process starts; null for the cage's working folder.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub workdir: Option<Option<String>>,
    /// The language of its standard output.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<StreamFormat>,
    /// The repository that it works on; null for none.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub workspace: Option<Option<Workspace>>,
    /// How many tasks at a time, 1-1024.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<u32>,
    /// Settings and constraints, all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub configuration: Option<AgentConfiguration>,
    /// Free; all of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_config: Option<Map<String, Value>>,
    /// The cage it lives in; null for any vacant one.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub cage: Option<Option<CageId>>,
    /// The user that owns it, by name, address or id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
}

/// What stands there, null included; what does not is left to the default.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// What is different in `new`.
fn changed<T: PartialEq + Clone>(old: &T, new: &T) -> Option<T> {
    (old != new).then(|| new.clone())
}

fn put<T: Clone>(place: &mut T, value: Option<&T>) {
    if let Some(value) = value {
        place.clone_from(value);
    }
}

impl AgentPatch {
    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// A declaration with what this says in its place. Nothing is checked.
    #[must_use]
    pub fn over(&self, spec: &AgentSpec) -> AgentSpec {
        let mut new = spec.clone();
        put(&mut new.display_name, self.display_name.as_ref());
        put(&mut new.kind, self.kind.as_ref());
        put(&mut new.division, self.division.as_ref());
        put(&mut new.participant, self.participant.as_ref());
        put(&mut new.role, self.role.as_ref());
        put(&mut new.tier, self.tier.as_ref());
        put(&mut new.reports_to, self.reports_to.as_ref());
        put(&mut new.specializations, self.specializations.as_ref());
        put(&mut new.tools_available, self.tools_available.as_ref());
        put(&mut new.keywords, self.keywords.as_ref());
        put(&mut new.capabilities, self.capabilities.as_ref());
        put(&mut new.concurrency, self.concurrency.as_ref());
        put(&mut new.configuration, self.configuration.as_ref());
        put(&mut new.resource_config, self.resource_config.as_ref());
        put(&mut new.cage, self.cage.as_ref());
        if self.owner.is_some() {
            new.owner.clone_from(&self.owner);
        }
        let Runtime::Command { command, env, workdir, format, workspace } = &mut new.runtime;
        put(command, self.command.as_ref());
        put(env, self.env.as_ref());
        put(workdir, self.workdir.as_ref());
        put(format, self.format.as_ref());
        put(workspace, self.workspace.as_ref());
        new
    }

    /// What makes `new` of `old`, but for the owner, who stands beside the declaration.
    pub fn between(old: &AgentSpec, new: &AgentSpec) -> Self {
        let Runtime::Command { command, env, workdir, format, workspace } = &old.runtime;
        let Runtime::Command { command: to, env: variables, workdir: folder, format: language, workspace: repository } =
            &new.runtime;
        Self {
            display_name: changed(&old.display_name, &new.display_name),
            kind: changed(&old.kind, &new.kind),
            division: changed(&old.division, &new.division),
            participant: changed(&old.participant, &new.participant),
            role: changed(&old.role, &new.role),
            tier: changed(&old.tier, &new.tier),
            reports_to: changed(&old.reports_to, &new.reports_to),
            specializations: changed(&old.specializations, &new.specializations),
            tools_available: changed(&old.tools_available, &new.tools_available),
            keywords: changed(&old.keywords, &new.keywords),
            capabilities: changed(&old.capabilities, &new.capabilities),
            command: changed(command, to),
            env: changed(env, variables),
            workdir: changed(workdir, folder),
            format: changed(format, language),
            workspace: changed(workspace, repository),
            concurrency: changed(&old.concurrency, &new.concurrency),
            configuration: changed(&old.configuration, &new.configuration),
            resource_config: changed(&old.resource_config, &new.resource_config),
            cage: changed(&old.cage, &new.cage),
            owner: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_left_out_stays_and_null_clears() {
        let old: AgentSpec = serde_json::from_value(json!({
            "name": "ann", "display_name": "Ann", "kind": "monitoring", "division": "space", "participant": "custom",
            "role": "coder", "tier": "lead", "reports_to": "boss", "specializations": ["a"], "tools_available": ["b"],
            "keywords": ["c"], "capabilities": ["d"], "concurrency": 3, "cage": "004",
            "runtime": {"type": "command", "command": ["x"], "env": {"A": 1}, "workdir": "/", "format": "claude",
                "workspace": {"repository": "/r", "merge": "main"}},
            "configuration": {"settings": {"a": 1}}, "resource_config": {"b": 2},
        }))
        .unwrap();
        let bare = AgentSpec::new("ann");
        // Every field there is goes there and back.
        let patch = AgentPatch::between(&old, &bare);
        assert_eq!(patch.over(&old), bare);
        assert_eq!(AgentPatch::between(&bare, &old).over(&bare), old);
        let written = serde_json::to_value(&patch).unwrap();
        assert_eq!(written.as_object().unwrap().len(), 20, "all but the owner: {written}");
        assert_eq!(written["division"], Value::Null);
        assert_eq!(serde_json::from_value::<AgentPatch>(written).unwrap(), patch);
        let read: AgentPatch = serde_json::from_value(json!({"role": null, "keywords": []})).unwrap();
        let expected = AgentSpec { role: None, keywords: vec![], ..old.clone() };
        assert_eq!(read.over(&old), expected);
        assert!(AgentPatch::between(&old, &old).is_empty());
        assert!(serde_json::from_value::<AgentPatch>(json!({"name": "other"})).is_err());
    }
}
