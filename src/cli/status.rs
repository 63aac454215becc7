//! `menagerie status`: how the engine is and what it has to do.

use clap::Args;
use serde_json::Value;

use super::alert;
use super::context::{Context, now};
use super::failure::Outcome;
use super::output::{Printer, Role};
use super::table::{self, Cell};
use super::view;
use crate::api::live::{Health, HealthState};
use crate::domain::{Alert, Severity};

/// So many alerts are told in words.
const ALERTS_SHOWN: usize = 3;

/// The exit status when a part of the engine does not do its work.
const UNWELL: i32 = 4;

/// Options of `menagerie status`.
#[derive(Args, Clone, Debug)]
#[command(
    after_help = "Does not start an engine: without one the exit status is 3. When a part of it has failed the exit status is 4."
)]
pub struct StatusArgs {
    /// Exit with 4 when any part is degraded, not only when one has failed
    #[arg(long)]
    pub strict: bool,
}

pub fn run(context: &mut Context, args: &StatusArgs) -> Outcome {
    let client = context.running_engine()?;
    let status: Value = client.get("/v1/status", &vec![])?;
    let parts: Vec<Health> = serde_json::from_value(view::at(&status, "health").clone()).unwrap_or_default();
    let is_bad = |part: &Health| match part.state {
        HealthState::Failed => true,
        HealthState::Degraded => args.strict,
        HealthState::Ok | HealthState::Unknown => false,
    };
    let exit = if parts.iter().any(is_bad) { UNWELL } else { 0 };
    if context.out.value(&status)? {
        return Ok(exit);
    }
    let acknowledged = vec![("status".to_owned(), "acknowledged".to_owned()), ("limit".to_owned(), "1".to_owned())];
    let (_, acknowledged) = client.list::<Alert>("alerts", &acknowledged)?;
    let out = &mut context.out;
    let engine = format!(
        "{}, process {}, up {}, {} of memory",
        view::text(&status, "version"),
        view::text(&status, "pid"),
        view::age(&status, "started_at"),
        view::size(&status, "memory_bytes"),
    );
    let read_only = view::at(&status, "read_only").as_bool() == Some(true);
    let mut fields = vec![
        ("engine   ", Cell::from(engine)),
        ("data", view::text(&status, "data_dir").into()),
        ("journal", format!("{} records", view::count(&status, "seq")).into()),
    ];
    if read_only {
        fields.push(("state", Cell::new("read-only: the store takes no changes; see engine.log", Role::Bad)));
    }
    for node in view::at(&status, "nodes").as_array().map_or(&[][..], Vec::as_slice) {
        let shown = format!("{} {}", view::text(node, "name"), view::text(node, "status"));
        fields.push(("node", Cell::new(shown, Role::of_status(&view::text(node, "status")))));
    }
    out.fields(&fields)?;
    for noun in ["tasks", "agents", "cages", "artifacts"] {
        counts(out, noun, view::at(&status, noun))?;
    }
    alerts(out, &alert::waiting(&client)?, acknowledged)?;
    for part in parts.iter().filter(|part| part.state != HealthState::Ok) {
        health(out, part)?;
    }
    Ok(exit)
}

/// `alerts     1 critical, 2 warning, 1 acknowledged`, and the worst of those that nobody has taken.
fn alerts(out: &mut Printer, waiting: &[Alert], acknowledged: u64) -> std::io::Result<()> {
    let label = |out: &Printer, text: &str| out.paint(Role::Dim, &format!("{text:<11}"));
    let count = |severity: Severity| waiting.iter().filter(|alert| alert.severity == severity).count();
    let severities = [Severity::Critical, Severity::Error, Severity::Warning, Severity::Info];
    let parts: Vec<String> = severities
        .into_iter()
        .filter(|severity| count(*severity) > 0)
        .map(|severity| out.paint(Role::of_status(severity.as_str()), &format!("{} {severity}", count(severity))))
        .collect();
    let none = out.paint(Role::Dim, "none");
    let text = if parts.is_empty() { none } else { parts.join(", ") };
    let taken = if acknowledged > 0 { format!(", {acknowledged} acknowledged") } else { String::new() };
    let line = format!("{}{text}{taken}", label(out, "alerts"));
    out.line(&line)?;
    for alert in waiting.iter().take(ALERTS_SHOWN) {
        let line = format!("{}{}", label(out, ""), table::clean(&alert.message));
        out.line(&line)?;
    }
    if let Some(more) = more(waiting.len()) {
        let line = format!("{}{}", label(out, ""), out.paint(Role::Dim, &more));
        out.line(&line)?;
    }
    Ok(())
}

/// That there are more alerts than are told in words, and where they are; `None` when there are not.
fn more(alerts: usize) -> Option<String> {
    let more = alerts.checked_sub(ALERTS_SHOWN).filter(|more| *more > 0)?;
    Some(format!("and {more} more: menagerie alert list"))
}

/// `queue      degraded: 2 tasks ask for what no cage and agent together can do`, and below it since when and what to do.
fn health(out: &mut Printer, part: &Health) -> std::io::Result<()> {
    let role = if part.state == HealthState::Failed { Role::Bad } else { Role::Warning };
    let label = out.paint(Role::Dim, &format!("{:<10} ", part.component));
    let text = out.paint(role, &format!("{}: {}", part.state, table::clean(&part.reason)));
    out.line(&format!("{label}{text}"))?;
    if let Some(since) = part.since {
        let since = out.paint(Role::Dim, &format!("{:<11}since {since} ({})", "", now().since(since).human()));
        out.line(&since)?;
    }
    if !part.remedy.is_empty() {
        let remedy = out.paint(Role::Dim, &format!("{:<11}{}", "", table::clean(&part.remedy)));
        out.line(&remedy)?;
    }
    Ok(())
}

/// `tasks      12 pending, 3 executing`: what there is none of is left out.
fn counts(out: &mut Printer, noun: &str, counts: &Value) -> std::io::Result<()> {
    let parts: Vec<String> = counts
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(status, count)| Some((status, count.as_u64().filter(|count| *count > 0)?)))
        .map(|(status, count)| out.paint(Role::of_status(status), &format!("{count} {status}")))
        .collect();
    let label = out.paint(Role::Dim, &format!("{noun:<11}"));
    let text = if parts.is_empty() { out.paint(Role::Dim, "none") } else { parts.join(", ") };
    out.line(&format!("{label}{text}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn that_there_are_more_alerts_than_are_shown_is_said() {
        assert_eq!((more(0), more(3)), (None, None));
        assert_eq!(more(12).as_deref(), Some("and 9 more: menagerie alert list"));
    }
}
