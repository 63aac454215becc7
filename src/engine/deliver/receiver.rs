//! Who is told of alerts, as the configuration names them.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::domain::{Refusal, Severity, Span};
use crate::engine::http::check_url;

/// `[[alert.receiver]]` of the configuration file: somebody who is told when an alert comes up, changes its severity or is
/// over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ReceiverEntry {
    /// Its name: 1 to 100 characters, each name once.
    pub name: String,
    /// A webhook: alerts are posted to this address, which begins with `http://`.
    pub url: Option<String>,
    /// A file with the secret that webhooks are signed with; `~` is the home folder.
    pub secret_file: Option<PathBuf>,
    /// A program and its arguments: it finds the alert as JSON on its standard input.
    pub command: Option<Vec<String>>,
    /// Only alerts at least so severe. Default: `warning`.
    pub severity: Option<Severity>,
    /// How long one try may take. Default: 10 seconds.
    pub timeout: Option<Span>,
}

/// Where alerts go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Posted to an address.
    Webhook {
        /// Where.
        url: String,
        /// What they are signed with.
        secret: Option<Vec<u8>>,
    },
    /// Given to a program.
    Command(Vec<String>),
}

/// Somebody who is told of alerts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receiver {
    /// Its name.
    pub name: String,
    /// Where alerts go.
    pub target: Target,
    /// Only those at least so severe.
    pub severity: Severity,
    /// How long one try may take.
    pub timeout: Span,
}

const NAME_CHARS_MAX: usize = 100;
const TIMEOUT: Span = Span::from_secs(10);
const TIMEOUT_MAX: Span = Span::from_secs(300);
/// What to do about an address that is not spoken to.
const INSTEAD_OF_HTTPS: &str = "for https use command = [\"curl\", \"--data-binary\", \"@-\", URL]";

impl ReceiverEntry {
    /// The receiver, checked; `secret` is what stands in the secret file, if one is named.
    pub fn receiver(&self, secret: Option<Vec<u8>>) -> Result<Receiver, Refusal> {
        let place = || format!("alert.receiver \"{}\"", self.name);
        if self.name.is_empty() || self.name.chars().count() > NAME_CHARS_MAX || self.name.chars().any(char::is_control)
        {
            let allowed = format!("1 to {NAME_CHARS_MAX} characters on one line");
            return Err(Refusal::invalid("alert.receiver: name", &self.name, allowed));
        }
        let target = match (&self.url, &self.command) {
            (Some(url), None) => Target::Webhook {
                url: check_url("url", url, INSTEAD_OF_HTTPS).map_err(|it| it.within(place()))?,
                secret,
            },
            (None, Some(command)) if !command.is_empty() => Target::Command(command.clone()),
            (None, Some(_)) => {
                return Err(Refusal::invalid("command", "[]", "a program and its arguments").within(place()));
            }
            (both, _) => {
                let shown = if both.is_some() { "url and command" } else { "neither url nor command" };
                return Err(Refusal::invalid("target", shown, "either url or command").within(place()));
            }
        };
        let timeout = self.timeout.unwrap_or(TIMEOUT);
        if timeout < Span::from_millis(10) || timeout > TIMEOUT_MAX {
            return Err(Refusal::invalid("timeout", timeout, format!("10ms to {TIMEOUT_MAX}")).within(place()));
        }
        Ok(Receiver { name: self.name.clone(), target, severity: self.severity.unwrap_or(Severity::Warning), timeout })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_receiver_is_named() {
        let entry = |text: &str| toml::from_str::<ReceiverEntry>(text).unwrap().receiver(None);
        let fine = entry("name = \"ops\"\nurl = \"http://127.0.0.1:9/x\"").unwrap();
        assert_eq!((fine.severity, fine.timeout), (Severity::Warning, TIMEOUT));
        assert!(entry("name = \"ops\"\ncommand = [\"logger\"]\nseverity = \"critical\"").is_ok());
        for (text, expected) in [
            ("url = \"http://x/\"", "name"),
            ("name = \"a\"", "either url or command"),
            ("name = \"a\"\nurl = \"http://x/\"\ncommand = [\"y\"]", "either url or command"),
            ("name = \"a\"\ncommand = []", "a program"),
            ("name = \"a\"\nurl = \"https://x/\"", "curl"),
            ("name = \"a\"\nurl = \"ftp://x/\"", "http://HOST"),
            ("name = \"a\"\nurl = \"x\"", "http://HOST"),
            ("name = \"a\"\nurl = \"http://x/\"\ntimeout = \"1h\"", "timeout"),
        ] {
            let refusal = entry(text).unwrap_err().to_string();
            assert!(refusal.contains(expected), "{text}: {refusal}");
        }
    }
}
