//! The fields of an agent as options: the same for `agent add` and for `agent set`.

use clap::builder::TypedValueParser;
use clap::{Args, error};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::args::one_of;
use super::task_options::parse_workspace;
use crate::domain::agent::{AgentConfiguration, AgentKind, Capability, Division, Participant, StreamFormat, Tier};
use crate::domain::{AgentPatch, CageId, Refusal, Workspace};

/// A value, or nothing where the value was empty.
#[derive(Clone, Debug)]
pub struct OrNone<T>(Option<T>);

/// A parser that takes an empty value for none, and leaves the others to another.
#[derive(Clone)]
struct Emptiable<P>(P);

impl<P: TypedValueParser> TypedValueParser for Emptiable<P> {
    type Value = OrNone<P::Value>;

    fn parse_ref(
        &self,
        command: &clap::Command,
        argument: Option<&clap::Arg>,
        value: &std::ffi::OsStr,
    ) -> Result<Self::Value, error::Error> {
        if value.is_empty() {
            return Ok(OrNone(None));
        }
        self.0.parse_ref(command, argument, value).map(|value| OrNone(Some(value)))
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = clap::builder::PossibleValue> + '_>> {
        self.0.possible_values()
    }
}

/// What an option of the fields is read by: an empty value is none.
fn or_none<P: TypedValueParser>(parser: P) -> Emptiable<P> {
    Emptiable(parser)
}

/// What is said of an agent.
#[derive(Args, Clone, Debug)]
pub struct FieldArgs {
    /// A name for people
    #[arg(long, value_name = "TEXT", value_parser = or_none(parse_text))]
    pub display_name: Option<OrNone<String>>,
    /// What it is for; `task_executor` unless said
    #[arg(long, value_name = "KIND", value_parser = or_none(one_of::<AgentKind>(AgentKind::ALL)))]
    pub kind: Option<OrNone<AgentKind>>,
    /// Where it belongs
    #[arg(long, value_name = "DIVISION", value_parser = or_none(one_of::<Division>(Division::ALL)))]
    pub division: Option<OrNone<Division>>,
    /// What part it takes in a conversation
    #[arg(long, value_name = "PART", value_parser = or_none(one_of::<Participant>(Participant::ALL)))]
    pub participant: Option<OrNone<Participant>>,
    /// Free: `coder`, `tester`
    #[arg(long, value_name = "TEXT", value_parser = or_none(parse_text))]
    pub role: Option<OrNone<String>>,
    /// How high it stands
    #[arg(long, value_name = "TIER", value_parser = or_none(one_of::<Tier>(Tier::ALL)))]
    pub tier: Option<OrNone<Tier>>,
    /// The agent it reports to
    #[arg(long, value_name = "NAME", value_parser = or_none(parse_text))]
    pub reports_to: Option<OrNone<String>>,
    /// Something it can do, perhaps with parameters as a JSON object: `review={"languages":["rust"]}`; may be repeated
    #[arg(long = "capability", value_name = "TYPE[=JSON]", value_parser = or_none(parse::<Capability>))]
    pub capabilities: Vec<OrNone<Capability>>,
    /// Something it knows well; may be repeated
    #[arg(long = "specialization", value_name = "TEXT", value_parser = or_none(parse_text))]
    pub specializations: Vec<OrNone<String>>,
    /// A tool it can use; may be repeated
    #[arg(long = "tool", value_name = "NAME", value_parser = or_none(parse_text))]
    pub tools: Vec<OrNone<String>>,
    /// A word that points to it; may be repeated
    #[arg(long = "keyword", value_name = "WORD", value_parser = or_none(parse_text))]
    pub keywords: Vec<OrNone<String>>,
    /// How many tasks at a time, 1-1024; 1 unless said
    #[arg(long, value_name = "N")]
    pub concurrency: Option<u32>,
    /// The cage it lives in; without one it takes any vacant cage while it works
    #[arg(long, value_name = "NUMBER", value_parser = or_none(parse::<CageId>))]
    pub cage: Option<OrNone<CageId>>,
    /// The user that owns it, by name, address or id; whoever adds it unless said
    #[arg(long, value_name = "USER")]
    pub owner: Option<String>,
    /// A variable for its command; may be repeated
    #[arg(short, long = "env", value_name = "NAME=VALUE", value_parser = or_none(super::run::parse_variable))]
    pub env: Vec<OrNone<(String, String)>>,
    /// The folder in which its command starts, absolute; the cage's working folder unless said
    #[arg(long, value_name = "DIR", value_parser = or_none(parse_text))]
    pub workdir: Option<OrNone<String>>,
    /// A git repository that it works on, in a copy for each task, and the commit to begin with
    #[arg(long, value_name = "PATH[@REF]", value_parser = or_none(parse_workspace))]
    pub workspace: Option<OrNone<Workspace>>,
    /// The branch of that repository that its differences are merged into once somebody has approved them
    #[arg(long, value_name = "BRANCH", requires = "workspace")]
    pub merge: Option<String>,
    /// The language in which its command says what it does; `menagerie` unless said
    #[arg(long, value_name = "FORMAT", value_parser = or_none(one_of::<StreamFormat>(StreamFormat::ALL)))]
    pub format: Option<OrNone<StreamFormat>>,
    /// Settings and constraints: a JSON object with `settings` and `constraints`, each an object
    #[arg(long, value_name = "JSON", value_parser = or_none(parse_json::<AgentConfiguration>))]
    pub configuration: Option<OrNone<AgentConfiguration>>,
    /// Anything about its resources: a JSON object
    #[arg(long, value_name = "JSON", value_parser = or_none(parse_json::<Map<String, Value>>))]
    pub resource_config: Option<OrNone<Map<String, Value>>>,
    /// The command it runs, after `--`; a task may bring its own instead
    #[arg(last = true, value_name = "COMMAND")]
    pub command: Vec<String>,
}

impl FieldArgs {
    /// What was said.
    pub fn patch(self) -> AgentPatch {
        let workspace = self
            .workspace
            .map(|OrNone(workspace)| workspace.map(|workspace| Workspace { merge: self.merge, ..workspace }));
        let env = list(self.env).map(|env| env.into_iter().map(|(name, value)| (name, value.into())).collect());
        AgentPatch {
            display_name: self.display_name.map(|value| value.0),
            kind: self.kind.map(|value| value.0.unwrap_or(AgentKind::TaskExecutor)),
            division: self.division.map(|value| value.0),
            participant: self.participant.map(|value| value.0),
            role: self.role.map(|value| value.0),
            tier: self.tier.map(|value| value.0),
            reports_to: self.reports_to.map(|value| value.0),
            specializations: list(self.specializations),
            tools_available: list(self.tools),
            keywords: list(self.keywords),
            capabilities: list(self.capabilities),
            command: match &self.command[..] {
                [] => None,
                [empty] if empty.is_empty() => Some(vec![]),
                _ => Some(self.command),
            },
            env,
            workdir: self.workdir.map(|value| value.0),
            format: self.format.map(|value| value.0.unwrap_or_default()),
            workspace,
            concurrency: self.concurrency,
            configuration: self.configuration.map(|value| value.0.unwrap_or_default()),
            resource_config: self.resource_config.map(|value| value.0.unwrap_or_default()),
            cage: self.cage.map(|value| value.0),
            owner: self.owner,
        }
    }
}

/// A list that was given; empty values are no members of it, so that one alone is the empty list.
fn list<T>(given: Vec<OrNone<T>>) -> Option<Vec<T>> {
    (!given.is_empty()).then(|| given.into_iter().filter_map(|value| value.0).collect())
}

// A parser of clap's is a function that may fail.
#[allow(clippy::unnecessary_wraps)]
fn parse_text(text: &str) -> Result<String, Refusal> {
    Ok(text.to_owned())
}

fn parse<T: std::str::FromStr<Err = Refusal>>(text: &str) -> Result<T, Refusal> {
    text.parse()
}

/// Reads an object that is typed as JSON.
fn parse_json<T: DeserializeOwned>(text: &str) -> Result<T, Refusal> {
    let refusal = || Refusal::invalid("value", text, "a JSON object, as in docs/fleet-file.md");
    // An array would be taken for the fields in their order.
    if !text.trim_start().starts_with('{') {
        return Err(refusal());
    }
    serde_json::from_str(text).map_err(|error| refusal().hint(format!("It says: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::AgentSpec;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        fields: FieldArgs,
    }

    fn patch(words: &[&str]) -> AgentPatch {
        Line::try_parse_from(["x"].iter().chain(words)).unwrap().fields.patch()
    }

    #[test]
    fn what_is_empty_clears_and_what_is_left_out_stays() {
        assert!(patch(&[]).is_empty());
        let empty = ["--role", "", "--division", "", "--keyword", "", "--cage", "", "--env", "", "--", ""];
        let cleared = AgentPatch {
            role: Some(None),
            division: Some(None),
            keywords: Some(vec![]),
            cage: Some(None),
            env: Some(Map::new()),
            command: Some(vec![]),
            ..AgentPatch::default()
        };
        assert_eq!(patch(&empty), cleared);
        let given = patch(&["--keyword", "a", "--keyword", "b", "--capability", "x={\"y\":1}", "--", "sh", "-c", ""]);
        let spec = given.over(&AgentSpec::new("ann"));
        assert_eq!((spec.keywords.len(), spec.capabilities[0].to_string()), (2, "x={\"y\":1}".to_owned()));
        assert_eq!(given.command.unwrap(), ["sh", "-c", ""]);
        for wrong in [["--division", "x"], ["--capability", "x=1"], ["--merge", "main"], ["--concurrency", ""]] {
            assert!(Line::try_parse_from(["x"].iter().chain(&wrong)).is_err(), "{wrong:?}");
        }
    }
}
