//! What must hold before the completion of a task counts as verified. What an agent says of itself is not proof.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::artifact::ArtifactType;
use super::enumeration::enumeration;
use super::refusal::Refusal;

enumeration! {
    /// Whether the end of an execution was checked from outside its agent.
    pub enum Verification ("verification") {
        /// Nobody checked; what is known is the agent's word.
        Unverified = "unverified",
        /// Everything that the task's `verify` asks for held.
        Verified = "verified",
        /// Something that it asks for did not hold.
        Failed = "failed",
    }
}

impl Verification {
    /// Whether nobody checked; JSON leaves the word out then, as records from before there was any do.
    #[allow(clippy::trivially_copy_pass_by_ref)] // serde hands a reference.
    pub fn is_unverified(&self) -> bool {
        *self == Self::Unverified
    }
}

// The macro that declares it knows no attributes of values.
#[allow(clippy::derivable_impls)]
impl Default for Verification {
    fn default() -> Self {
        Self::Unverified
    }
}

/// The most commands that may verify one task.
const COMMANDS_MAX: usize = 20;

/// The most artifacts that may be expected; of one execution no more are taken.
const ARTIFACTS_MAX: u32 = 1000;

/// How the completion of a task is verified, once its agent has ended well. Empty: not at all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Verify {
    /// Programs with their arguments, run one after the other in the same cage, in the same folder and with the same
    /// variables, each for at most the task's timeout. Every one has to end with exit status 0.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub commands: Vec<Vec<String>>,
    /// Artifacts that have to be there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expect_artifacts: Option<ExpectedArtifacts>,
    /// Whether something has to have changed in its workspace.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub expect_difference: bool,
}

/// Artifacts that an execution has to leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ExpectedArtifacts {
    /// How many at least, 1-1000.
    pub at_least: u32,
    /// Of which type; any when left out.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<ArtifactType>,
}

impl Default for ExpectedArtifacts {
    fn default() -> Self {
        Self { at_least: 1, kind: None }
    }
}

impl Verify {
    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        self.commands.is_empty() && self.expect_artifacts.is_none() && !self.expect_difference
    }

    /// What is asked for, in words, each word of a command as `quote` writes it.
    pub fn phrase(&self, quote: impl Fn(&str) -> String) -> String {
        let words = |command: &Vec<String>| command.iter().map(|word| quote(word)).collect::<Vec<_>>().join(" ");
        let expected = self.expect_artifacts.map(|expected| format!("at least {}", expected.phrase()));
        let changed = self.expect_difference.then(|| "a difference in its workspace".to_owned());
        self.commands.iter().map(words).chain(expected).chain(changed).collect::<Vec<_>>().join("; ")
    }

    /// Checks the commands and the figures.
    pub fn check(&self) -> Result<(), Refusal> {
        let field = "verify.commands";
        if self.commands.len() > COMMANDS_MAX {
            return Err(Refusal::invalid(field, self.commands.len(), format!("at most {COMMANDS_MAX} commands")));
        }
        for command in &self.commands {
            let has_program = command.first().is_some_and(|program| !program.is_empty());
            if !has_program || command.iter().any(|word| word.contains('\0')) {
                let allowed = "lists of texts without NUL bytes, the program first";
                return Err(Refusal::invalid(field, format!("{command:?}"), allowed));
            }
        }
        match self.expect_artifacts {
            Some(expected) if !(1..=ARTIFACTS_MAX).contains(&expected.at_least) => {
                let field = "verify.expect_artifacts.at_least";
                Err(Refusal::invalid(field, expected.at_least, format!("1 to {ARTIFACTS_MAX}")))
            }
            _ => Ok(()),
        }
    }
}

impl ExpectedArtifacts {
    /// What is missing, in words, when artifacts of these types are there; `None` when it is enough.
    pub fn missing(&self, found: impl Iterator<Item = ArtifactType>) -> Option<String> {
        let count = found.filter(|kind| self.kind.is_none_or(|wanted| wanted == *kind)).count();
        let short = u32::try_from(count).is_ok_and(|count| count < self.at_least);
        short.then(|| format!("expected at least {}, found {count}", self.phrase()))
    }

    /// `1 artifact`, `2 artifacts of type code`.
    fn phrase(self) -> String {
        let plural = if self.at_least == 1 { "" } else { "s" };
        let of = self.kind.map(|kind| format!(" of type {kind}")).unwrap_or_default();
        format!("{} artifact{plural}{of}", self.at_least)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn artifacts_are_counted_by_type() {
        use ArtifactType::{Code, Doc};
        let missing = |text: &str, found: &[ArtifactType]| {
            serde_json::from_str::<ExpectedArtifacts>(text).unwrap().missing(found.iter().copied())
        };
        assert_eq!(missing("{}", &[Doc]), None);
        assert_eq!(missing("{}", &[]).unwrap(), "expected at least 1 artifact, found 0");
        assert_eq!(missing(r#"{"at_least": 2, "type": "code"}"#, &[Code, Doc, Code]), None);
        let said = missing(r#"{"at_least": 2, "type": "code"}"#, &[Code, Doc]).unwrap();
        assert_eq!(said, "expected at least 2 artifacts of type code, found 1");
    }

    #[test]
    fn what_cannot_be_run_is_refused() {
        let check = |text: &str| serde_json::from_str::<Verify>(text).unwrap().check().map_err(|error| error.field);
        assert_eq!(check(r#"{"commands": [["make", "test"]], "expect_artifacts": {}}"#), Ok(()));
        for commands in ["[[]]", r#"[[""]]"#, r#"[["a\u0000b"]]"#] {
            assert_eq!(check(&format!(r#"{{"commands": {commands}}}"#)), Err("verify.commands".into()), "{commands}");
        }
        let at_least = Err("verify.expect_artifacts.at_least".to_owned());
        assert_eq!(check(r#"{"expect_artifacts": {"at_least": 0}}"#), at_least);
        assert!(serde_json::from_str::<Verify>(r#"{"command": []}"#).is_err());
    }
}
