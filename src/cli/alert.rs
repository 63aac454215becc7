//! `menagerie alert …`: list, take, silence and resolve what needs somebody's eye.

use std::cmp::Reverse;

use clap::{Args, Subcommand};
use serde_json::Value;

use super::alert_history::{Step, steps};
use super::alert_rule::{self, RuleVerb};
use super::args::one_of;
use super::context::{Context, now};
use super::failure::{Failure, Outcome};
use super::items;
use super::list::{ListArgs, given};
use super::output::Role;
use super::table::{self, Align, Cell, Table};
use super::view::{self, ShortIds};
use crate::api::client::{Client, encode};
use crate::api::live::OpenAlert;
use crate::api::types::{AlertRow, AlertRuleRow, JournalRow, WireCommand};
use crate::domain::alert::{AlertAttempt, AlertFigures};
use crate::domain::filter::tables;
use crate::domain::time::When;
use crate::domain::{
    Alert, AlertMember, AlertStatus, CageId, Matcher, Refusal, RefusalKind, Severity, Silence, Timestamp, User,
};

/// What can be done with alerts.
#[derive(Subcommand, Debug)]
pub enum AlertVerb {
    /// List alerts; those that are resolved only with --all or --status
    List(AlertListArgs),
    /// Show everything about an alert
    Show {
        /// Its id or the beginning of it
        id: String,
    },
    /// Say that somebody knows of alerts
    #[command(visible_alias = "ack")]
    Acknowledge {
        /// Ids of alerts or the beginnings of them
        #[arg(required = true, value_name = "ID")]
        ids: Vec<String>,
        /// What there is to say
        #[arg(long, value_name = "TEXT", conflicts_with = "off")]
        note: Option<String>,
        /// Take it back: nobody knows of them
        #[arg(long)]
        off: bool,
    },
    /// Do not show alerts for a while: single ones, or all that there are and come up about something
    Silence {
        /// Ids of alerts or the beginnings of them
        #[arg(value_name = "ID", required_unless_present_any = ["rule", "source"], conflicts_with_all = ["rule", "source"])]
        ids: Vec<String>,
        /// Alerts of this rule or trigger, also those that come up later; `*` stands for anything
        #[arg(long, value_name = "PATTERN")]
        rule: Option<String>,
        /// Alerts about this, also those that come up later: `cage 00*`; `*` stands for anything
        #[arg(long, value_name = "PATTERN")]
        source: Option<String>,
        /// Why, with --rule or --source
        #[arg(long, value_name = "TEXT", conflicts_with = "ids")]
        note: Option<String>,
        /// Until when: a time, or a span from now such as `1h`
        #[arg(long, value_name = "WHEN", required_unless_present = "off")]
        until: Option<When>,
        /// Show them again
        #[arg(long, conflicts_with_all = ["until", "rule", "source"])]
        off: bool,
    },
    /// List silences by rule or source that last, or end some
    Silences {
        /// Those as well whose time has passed
        #[arg(short, long, conflicts_with = "end")]
        all: bool,
        /// End these: their ids or the beginnings of them
        #[arg(long, value_name = "ID", num_args = 1..)]
        end: Vec<String>,
    },
    /// Rules: what raises alerts
    #[command(subcommand)]
    Rule(RuleVerb),
    /// Say that alerts are over
    Resolve {
        /// Ids of alerts or the beginnings of them
        #[arg(required = true, value_name = "ID")]
        ids: Vec<String>,
        /// What was done
        #[arg(long, value_name = "TEXT")]
        action: Option<String>,
        /// Anything else
        #[arg(long, visible_alias = "note", value_name = "TEXT")]
        notes: Option<String>,
    },
    /// Say that resolved alerts are not over after all
    Reopen {
        /// Ids of alerts or the beginnings of them
        #[arg(required = true, value_name = "ID")]
        ids: Vec<String>,
    },
}

/// Options of `menagerie alert list`.
#[derive(Args, Clone, Debug)]
pub struct AlertListArgs {
    /// Only alerts with this status
    #[arg(short, long, value_name = "STATUS", value_parser = one_of::<AlertStatus>(AlertStatus::ALL))]
    pub status: Option<AlertStatus>,
    /// Resolved ones, too
    #[arg(short, long, conflicts_with = "status")]
    pub all: bool,
    /// Only alerts of this severity
    #[arg(long, value_name = "SEVERITY", value_parser = one_of::<Severity>(Severity::ALL))]
    pub severity: Option<Severity>,
    /// Only alerts of this part: `engine`, `cage 003`
    #[arg(long, value_name = "TEXT")]
    pub source: Option<String>,
    #[command(flatten)]
    pub list: ListArgs,
}

pub fn run(context: &mut Context, verb: AlertVerb) -> Outcome {
    let (command, done) = match verb {
        AlertVerb::List(args) => return list(context, args),
        AlertVerb::Show { id } => return show(context, &id),
        AlertVerb::Acknowledge { ids, off: true, .. } => (WireCommand::UnacknowledgeAlerts { ids }, "active again"),
        AlertVerb::Acknowledge { ids, note, off: false } => {
            (WireCommand::AcknowledgeAlerts { ids, note }, "acknowledged")
        }
        AlertVerb::Rule(verb) => return alert_rule::run(context, verb),
        AlertVerb::Silences { all, end } => return silences(context, all, &end),
        AlertVerb::Silence { rule, source, until: Some(until), note, .. } if rule.is_some() || source.is_some() => {
            (WireCommand::AddSilence { matcher: Matcher { rule, source }, until, note }, "silences from now on")
        }
        AlertVerb::Silence { ids, until, .. } => {
            let done = if until.is_some() { "silenced" } else { "shown again" };
            (WireCommand::SilenceAlerts { ids, until }, done)
        }
        AlertVerb::Resolve { ids, action, notes } => (WireCommand::ResolveAlerts { ids, action, notes }, "resolved"),
        AlertVerb::Reopen { ids } => (WireCommand::ReopenAlerts { ids }, "reopened"),
    };
    let client = context.engine()?;
    items::send(context, &client, &command, done)
}

fn list(context: &mut Context, args: AlertListArgs) -> Outcome {
    let client = context.engine()?;
    let status = match (args.status, args.all) {
        (Some(status), _) => Some(status.to_string()),
        (None, true) => None,
        (None, false) => Some(format!("{},{}", AlertStatus::Active, AlertStatus::Acknowledged)),
    };
    let severity = args.severity.map(|severity| severity.to_string());
    let filters = given([("status", status), ("severity", severity), ("source", args.source)]);
    let fetched = args.list.fetch(&client, &tables::ALERTS, filters, context.out.is_table())?;
    args.list.print(context, fetched, draw)
}

/// Lists silences, or ends those whose ids begin so.
fn silences(context: &mut Context, all: bool, end: &[String]) -> Outcome {
    let client = context.engine()?;
    let mut silences: Vec<Silence> = client.get("/v1/silences", &vec![])?;
    if !end.is_empty() {
        let mut ids = vec![];
        for prefix in end {
            let found: Vec<_> = silences
                .iter()
                .filter(|it| {
                    it.id.to_string().ends_with(prefix.as_str()) || it.id.to_string().starts_with(prefix.as_str())
                })
                .collect();
            match found[..] {
                [one] => ids.push(one.id),
                [] => return Err(Refusal::not_found("silence", prefix).into()),
                _ => return Err(Refusal::new(RefusalKind::Ambiguous, "silence", prefix).into()),
            }
        }
        return items::send(context, &client, &WireCommand::RemoveSilences { ids }, "ended");
    }
    let now = now();
    silences.retain(|silence| all || silence.until > now);
    let rows: Vec<Value> = silences.iter().filter_map(|silence| serde_json::to_value(silence).ok()).collect();
    if context.out.values(&rows)? {
        return Ok(0);
    }
    let ids = ShortIds::of(&rows, "id");
    let mut table = Table::new(&[
        ("ID", Align::Left),
        ("RULE", Align::Left),
        ("SOURCE", Align::Left),
        ("UNTIL", Align::Left),
        ("NOTE", Align::Elastic),
    ]);
    for silence in &rows {
        let pattern = |path: &str| view::at(silence, path).as_str().unwrap_or("*").to_owned();
        table.row(vec![
            ids.cell(silence, "id"),
            pattern("matcher.rule").into(),
            pattern("matcher.source").into(),
            view::moment(silence, "until"),
            view::text(silence, "note").into(),
        ]);
    }
    context.out.table(&table)?;
    Ok(0)
}

fn draw(rows: &[Value]) -> Table {
    // Those that are over are not shown, and may have come up in the same moment.
    let ids = ShortIds::with_spare(rows, "id");
    let mut table = Table::new(&[
        ("ID", Align::Left),
        ("SEVERITY", Align::Left),
        ("STATUS", Align::Left),
        ("SEEN", Align::Right),
        ("TIMES", Align::Right),
        ("SOURCE", Align::Left),
        ("MESSAGE", Align::Elastic),
    ]);
    for alert in rows {
        table.row(vec![
            ids.cell(alert, "id"),
            view::status(alert, "severity"),
            status(alert),
            view::age(alert, "last_seen").into(),
            view::text(alert, "count").into(),
            view::with_short_ids(&view::text(alert, "source")).into(),
            view::with_short_ids(&view::text(alert, "message")).into(),
        ]);
    }
    table
}

/// What is open about a cage, as fields of something that is shown: what is said, its figure, and what to do.
pub fn of_cage(client: &Client, cage: CageId) -> Result<Vec<(&'static str, Cell)>, Failure> {
    let mut fields = vec![];
    for OpenAlert { alert, figure, now } in
        client.get::<Vec<OpenAlert>>(&format!("/v1/cages/{cage}/alerts"), &vec![])?
    {
        let role = Role::of_status(alert.severity.as_str());
        fields.push(("alert", Cell::new(format!("{}: {}", alert.severity, alert.message), role)));
        fields.extend(figure.map(|figure| ("figure", figure.into())));
        fields.extend(now.map(|now| ("present", now.into())));
        fields.extend(alert.context.remedy.map(|remedy| ("remedy", remedy.into())));
    }
    Ok(fields)
}

/// Where an alert stands, and whether it is silenced: then it needs nobody's eye.
fn status(alert: &Value) -> Cell {
    let until: Option<Timestamp> = view::at(alert, "silenced_until").as_str().and_then(|text| text.parse().ok());
    let is_silenced = view::text(alert, "status") != AlertStatus::Resolved.as_str();
    match until.filter(|until| is_silenced && *until > now()) {
        Some(until) => {
            let shown = format!("{}, silenced for {}", view::text(alert, "status"), until.since(now()).human());
            Cell::new(shown, Role::Dim)
        }
        None => view::status(alert, "status"),
    }
}

/// What is not resolved of these sources, as fields of something that is shown: what is said, and what to do.
pub fn about(client: &Client, sources: &[String]) -> Result<Vec<(&'static str, Cell)>, Failure> {
    let mut fields = vec![];
    for source in sources {
        let open = format!("{},{}", AlertStatus::Active, AlertStatus::Acknowledged);
        let filters = vec![("status".to_owned(), open), ("source".to_owned(), source.clone())];
        let (alerts, _) = client.list::<Alert>("alerts", &filters)?;
        for alert in alerts {
            let role = Role::of_status(alert.severity.as_str());
            fields.push(("alert", Cell::new(format!("{}: {}", alert.severity, alert.message), role)));
            fields.extend(alert.context.remedy.map(|remedy| ("remedy", remedy.into())));
        }
    }
    Ok(fields)
}

/// What needs somebody's eye now, the worst first: what nobody has taken and what is not silenced.
pub fn waiting(client: &Client) -> Result<Vec<Alert>, Failure> {
    let filters =
        vec![("status".to_owned(), AlertStatus::Active.to_string()), ("limit".to_owned(), "10000".to_owned())];
    let (mut alerts, _) = client.list::<Alert>("alerts", &filters)?;
    let now = now();
    alerts.retain(|alert| alert.silenced_until.is_none_or(|until| until <= now));
    alerts.sort_by_key(|alert| (Reverse(alert.severity), Reverse(alert.last_seen)));
    Ok(alerts)
}

/// The attempts that an alert is about, in words; empty when it is about none.
fn attempts(alert: Option<&Alert>) -> String {
    let said = |it: &AlertAttempt| {
        format!("execution {} of task {} by agent {} in cage {}", it.execution_id, it.task_id, it.agent, it.cage)
    };
    let all: Vec<String> = alert.into_iter().flat_map(|alert| &alert.context.attempts).map(said).collect();
    all.join(", or ")
}

/// What an open alert's figure is now, and what it was at worst and when.
fn present(figures: &AlertFigures) -> String {
    format!("{} at {} ({} ago)", figures.said(), figures.worst_at, now().since(figures.worst_at).human())
}

/// The name of a user; the id when nobody knows it.
fn user(users: &[User], alert: &Value, path: &str) -> String {
    let id = view::text(alert, path);
    users.iter().find(|user| user.id.to_string() == id).map_or(id, |user| user.name.clone())
}

fn show(context: &mut Context, id: &str) -> Outcome {
    let client = context.engine()?;
    let mut alert: Value = client.get(&format!("/v1/alerts/{}", encode(id)), &vec![])?;
    let records: Vec<JournalRow> = client.get(&format!("/v1/alerts/{}/history", encode(id)), &vec![])?;
    let users = client.list::<User>("users", &vec![("limit".to_owned(), "10000".to_owned())]).unwrap_or_default().0;
    let history = steps(&records, &users);
    alert["history"] = history.iter().map(Step::value).collect();
    if context.out.value(&alert)? {
        return Ok(0);
    }
    // The rule says in which unit its figures are, if it is still there.
    let trigger = view::text(&alert, "context.trigger");
    let rule: Option<AlertRuleRow> = client.get(&format!("/v1/alert-rules/{}", encode(&trigger)), &vec![]).ok();
    let known: Option<AlertRow> = serde_json::from_value(alert.clone()).ok();
    let present = known.as_ref().and_then(|row| row.figures.as_ref()).map(present);
    let known = known.map(|row| row.alert);
    let figure = known.as_ref().and_then(|alert| alert.figure(rule.as_ref().map(|row| &row.rule)));
    let happened = known.as_ref().and_then(|alert| alert.happened(rule.is_some()));
    let members: Vec<AlertMember> = match &known {
        Some(known) if known.is_shared() => client.get(&format!("/v1/alerts/{}/members", known.id), &vec![])?,
        _ => vec![],
    };
    let members: Vec<String> = members.iter().map(|it| format!("{} ({})", it.source, it.severity)).collect();
    let looks_at = rule.as_ref().map(|AlertRuleRow { rule, .. }| {
        format!("{} of {} within {}, for {}", rule.function, rule.metric, rule.window, rule.hold)
    });
    context.out.fields(&[
        ("id", view::text(&alert, "id").into()),
        ("severity", view::status(&alert, "severity")),
        ("status", view::status(&alert, "status")),
        ("source", view::text(&alert, "source").into()),
        ("message", view::text(&alert, "message").into()),
        ("cause", trigger.into()),
        ("looks at", looks_at.unwrap_or_default().into()),
        ("figure", figure.unwrap_or_default().into()),
        ("present", present.unwrap_or_default().into()),
        ("shared by", members.join(", ").into()),
        ("remedy", view::text(&alert, "context.remedy").into()),
        ("attempt", attempts(known.as_ref()).into()),
        ("raised", view::moment(&alert, "time")),
        ("last seen", view::moment(&alert, "last_seen")),
        ("since then", happened.unwrap_or_default().into()),
        ("acknowledged by", user(&users, &alert, "acknowledged_by").into()),
        ("note", view::text(&alert, "note").into()),
        ("silenced until", view::moment(&alert, "silenced_until")),
        ("resolved", view::moment(&alert, "resolution.time")),
        ("resolved by", user(&users, &alert, "resolution.by").into()),
        ("action", view::text(&alert, "resolution.action").into()),
        ("notes", view::text(&alert, "resolution.notes").into()),
    ])?;
    let heading = context.out.paint(Role::Dim, "history");
    context.out.line(&heading)?;
    for step in &history {
        let line = format!("  {}  {}  {}", step.time, table::clean(&step.by), table::clean(&step.sentence()));
        context.out.line(&line)?;
    }
    Ok(0)
}
