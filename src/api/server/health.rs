//! How each part of the engine is, why, since when, and what to do about it.
//!
//! Since when is known because somebody looks whether or not anybody asks: from the start on, whenever something has changed,
//! and now and then while what shows by time alone may change. Some facts say it themselves.

use std::collections::BTreeMap;
use std::sync::PoisonError;
use std::time::Duration;

use axum::Json;
use axum::extract::State;

use super::{Failure, Running, Service};
use crate::api::live::{Health, HealthReport, HealthState};
use crate::domain::metric::Dropped;
use crate::domain::{Bytes, NodeStatus, Span, Timestamp};
use crate::engine::core::look::OverviewView;
use crate::engine::deliver::Standing;
use crate::engine::message::Message;
use crate::engine::otlp;
use crate::store::series::Handle;

/// Below which share of the disk somebody should look, and below which hardly anything works any more.
const DISK_LOW: f64 = 0.05;
const DISK_FULL: f64 = 0.01;
/// A task that could start and has waited for so long deserves a look.
const WAIT_LONG: Span = Span::from_secs(3600);

/// So long may workers that have to measure be silent.
const SENSORS_SILENT: Duration = Duration::from_secs(15);
/// So many failures in a row say that a collector of telemetry is away.
const COLLECTOR_FAILURES: u32 = 3;
/// So far may the host's clock be from the engine's.
const DRIFT_MAX: Span = Span::from_secs(5);

/// The parts that follow from the fleet alone.
const OF_THE_FLEET: [&str; 4] = ["worker", "cages", "queue", "agents"];

/// The file system under the data directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Disk {
    /// Bytes that may still be written.
    pub(super) free: u64,
    /// Bytes in all.
    pub(super) total: u64,
}

/// What the parts are judged by.
pub(super) struct Facts<'a> {
    /// What the engine's memory says.
    pub(super) view: &'a OverviewView,
    /// Whether the engine takes no changes.
    pub(super) read_only: bool,
    /// The data directory's disk, if it says.
    pub(super) disk: Option<Disk>,
    /// For how long workers have had to measure, and how long ago they last did.
    pub(super) measuring: (Option<Duration>, Option<Duration>),
    /// Samples that rules did not get to see.
    pub(super) dropped: u64,
    /// Samples that were not kept.
    pub(super) lost: Dropped,
    /// How many series are known, and how many may be.
    pub(super) series: (u64, u64),
    /// Receivers of alerts.
    pub(super) receivers: BTreeMap<String, Standing>,
    /// The collector of traces and metrics, where there is one.
    pub(super) collector: Option<otlp::Standing>,
    /// By how many microseconds the host's clock is ahead of the engine's.
    pub(super) drift: i64,
    /// The node whose clock is off, and by how many microseconds it is ahead of the engine's.
    pub(super) off: Option<(String, i64)>,
    /// The engine's time.
    pub(super) now: Timestamp,
}

/// Each part, the worst first.
pub(super) fn judge(facts: &Facts<'_>) -> Vec<Health> {
    let Facts { view, read_only, disk, measuring, dropped, lost, series, receivers, collector, drift, off, now } =
        facts;
    let mut parts = vec![
        store(*read_only),
        journal(*read_only),
        space(*disk),
        worker(view),
        cages(view),
        sensors(*measuring, &view.lost_gpus, *dropped, lost, *series, *now),
        queue(view, *now),
        agents(view),
        delivery(receivers),
        clock(*drift, off.as_ref()),
    ];
    parts.extend(collector.as_ref().map(telemetry));
    parts.sort_by_key(|part| rank(part.state));
    parts
}

/// The worst first.
const fn rank(state: HealthState) -> u8 {
    match state {
        HealthState::Failed => 0,
        HealthState::Degraded => 1,
        HealthState::Unknown => 2,
        HealthState::Ok => 3,
    }
}

/// Since when each part has been as it is.
#[derive(Debug)]
pub(super) struct Known {
    /// When somebody began to look: at the start of the engine.
    began: Timestamp,
    parts: BTreeMap<String, (HealthState, Timestamp)>,
}

impl Known {
    /// Nothing is known yet; what is so at the first look is so from the beginning.
    pub(super) const fn new(began: Timestamp) -> Self {
        Self { began, parts: BTreeMap::new() }
    }

    /// Says of each part since when it is so: what the facts say themselves, or else when that was seen.
    fn date(&mut self, parts: &mut [Health], now: Timestamp) {
        for part in parts {
            let Some(known) = self.parts.get_mut(&part.component) else {
                let since = *part.since.get_or_insert(self.began);
                self.parts.insert(part.component.clone(), (part.state, since));
                continue;
            };
            if known.0 != part.state {
                *known = (part.state, part.since.unwrap_or(now));
                tell(part, known.1);
            }
            part.since = Some(known.1);
        }
    }
}

/// Writes a change into the log, where it stays.
fn tell(part: &Health, since: Timestamp) {
    let Health { component, state, reason, .. } = part;
    if *state == HealthState::Ok {
        tracing::info!(component, %since, "well again");
    } else {
        tracing::warn!(component, %state, %since, reason, "not well");
    }
}

/// The least between two looks that nobody asked for.
const LOOK_LEAST: Duration = Duration::from_secs(2);
/// How long after the last look the next one comes while work is there or workers measure: disks fill, clocks run away and
/// tasks wait without an event that says so.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Looks at each part from the start on, so that it is known since when it is so before somebody asks. Without work, and while
/// nothing changes, it waits without a timer.
pub(super) async fn keep(service: Service) {
    let Ok(mut news) = service.running().map(|running| running.beat.follow()) else { return };
    loop {
        let view = service.ask(|answer| Message::ViewOverview { horizon: Span::ZERO, due_max: 0, answer });
        let (Ok((view, _, read_only)), Ok(running)) = (view.await, service.running()) else { return };
        parts(&service, &running, &view, read_only);
        let has_reason = view.oldest.is_some() || running.watchers.measuring_for().is_some();
        drop(running);
        tokio::time::sleep(LOOK_LEAST).await;
        let changed = async { news.changed().await.is_ok() };
        let goes_on = if has_reason {
            tokio::time::timeout(LOOK_EVERY.saturating_sub(LOOK_LEAST), changed).await.unwrap_or(true)
        } else {
            changed.await
        };
        if !goes_on {
            return;
        }
    }
}

/// Each part of a running engine, of which the memory has been looked at already.
pub(super) fn parts(service: &Service, running: &Running, view: &OverviewView, read_only: bool) -> Vec<Health> {
    let now = running.clock.now();
    let facts = Facts {
        view,
        read_only,
        disk: disk(service),
        measuring: (running.watchers.measuring_for(), running.telemetry.measured_ago()),
        dropped: running.ring.dropped(),
        lost: running.recorder.handle().map(Handle::dropped).unwrap_or_default(),
        series: running.recorder.handle().map(Handle::room).unwrap_or_default(),
        receivers: running.deliveries.standings(),
        collector: running.export.standing(),
        drift: running.clock.drift_micros(),
        off: running.telemetry.clock_off(),
        now,
    };
    let mut parts = judge(&facts);
    if running.at.is_some() {
        // How the others were then, nobody has kept, nor since when these were so.
        parts.retain(|part| OF_THE_FLEET.contains(&part.component.as_str()));
        return parts;
    }
    running.health.lock().unwrap_or_else(PoisonError::into_inner).date(&mut parts, now);
    parts
}

/// Each part, with a look into the memory that asks for no deadlines.
pub(super) async fn report(service: &Service) -> Result<Vec<Health>, Failure> {
    let view = service.ask(|answer| Message::ViewOverview { horizon: Span::ZERO, due_max: 0, answer });
    let (view, _, read_only) = view.await?;
    Ok(parts(service, &*service.running()?, &view, read_only))
}

/// `GET /health` and `GET /v1/health`.
pub(super) async fn get(State(service): State<Service>) -> Result<Json<HealthReport>, Failure> {
    let components = report(&service).await?;
    let state = components.first().map_or(HealthState::Unknown, |worst| worst.state);
    Ok(Json(HealthReport { state, time: service.running()?.clock.now(), components }))
}

/// The data directory's disk, as an ordinary account sees it.
fn disk(service: &Service) -> Option<Disk> {
    let found = rustix::fs::statvfs(&service.0.data_dir).ok()?;
    let reserved = found.f_bfree.saturating_sub(found.f_bavail);
    Some(Disk {
        free: found.f_bavail.saturating_mul(found.f_frsize),
        total: found.f_blocks.saturating_sub(reserved).saturating_mul(found.f_frsize),
    })
}

fn part(component: &str, state: HealthState, reason: impl Into<String>, remedy: impl Into<String>) -> Health {
    Health { component: component.to_owned(), state, reason: reason.into(), remedy: remedy.into(), since: None }
}

/// A part of which the facts say since when it is so.
fn so_since(part: Health, since: Option<Timestamp>) -> Health {
    Health { since, ..part }
}

fn well(component: &str) -> Health {
    part(component, HealthState::Ok, "", "")
}

/// Nothing is appended while the store cannot be written; what is there is not harmed by that.
fn journal(read_only: bool) -> Health {
    if !read_only {
        return well("journal");
    }
    let remedy = "menagerie journal verify says whether what is there is whole";
    part("journal", HealthState::Failed, "no record can be appended", remedy)
}

fn cages(view: &OverviewView) -> Health {
    // Where no work can be done at all is told before where it is done without a limit.
    let faulty = view.faulty.0 > 0;
    let (count, first) = if faulty { &view.faulty } else { &view.unlimited };
    if *count == 0 {
        return well("cages");
    }
    let names: Vec<String> = first.iter().map(ToString::to_string).collect();
    let more = if *count > names.len() as u64 { " and others" } else { "" };
    let noun = if *count == 1 { "1 cage" } else { &format!("{count} cages") };
    let (what, says) = match (faulty, *count) {
        (true, _) => ("cannot be set up", "why"),
        (false, 1) => ("has limits that nothing holds on this host", "which and why"),
        (false, _) => ("have limits that nothing holds on this host", "which and why"),
    };
    let reason = format!("{noun} {what}: {}{more}", names.join(", "));
    let remedy = format!("menagerie cage show {} says {says}", names.first().map_or("CAGE", String::as_str));
    part("cages", HealthState::Degraded, reason, remedy)
}

/// Workers measure only while somebody wants to know; that they do not is no fault.
fn sensors(
    (measuring, ago): (Option<Duration>, Option<Duration>),
    lost_gpus: &[(String, Vec<String>)],
    dropped: u64,
    lost: &Dropped,
    series: (u64, u64),
    now: Timestamp,
) -> Health {
    let silent = measuring.map(|since| ago.map_or(since, |ago| ago.min(since)));
    if let Some(silent) = silent.filter(|silent| *silent > SENSORS_SILENT) {
        let reason = format!("nothing was measured for {} seconds", silent.as_secs());
        let part = part("sensors", HealthState::Degraded, reason, "look at worker.log in the data directory");
        let late =
            Span::from_micros(i64::try_from(silent.saturating_sub(SENSORS_SILENT).as_micros()).unwrap_or(i64::MAX));
        return so_since(part, Some(Timestamp::from_micros(now.as_micros().saturating_sub(late.as_micros()))));
    }
    if let Some((node, _)) = lost_gpus.first() {
        let of_node = |(node, gpus): &(String, Vec<String>)| {
            let noun = if gpus.len() == 1 { "GPU" } else { "GPUs" };
            format!("node {node} has lost {noun} {}", gpus.join(", "))
        };
        let reason = lost_gpus.iter().map(of_node).collect::<Vec<_>>().join("; ");
        let remedy = format!(
            "menagerie node gpus {node} shows those that are left; look at the kernel's log (dmesg) for the Xid, as a rule the \
             machine has to be restarted"
        );
        return part("sensors", HealthState::Degraded, reason, remedy);
    }
    if lost.disk_full > 0 || lost.failed > 0 || lost.overrun > 0 {
        let reasons = [
            (lost.disk_full, "because the disk was full"),
            (lost.failed, "because they could not be written"),
            (lost.overrun, "because more came than could be written"),
        ];
        let reasons = reasons.into_iter().filter(|(count, _)| *count > 0);
        let reasons: Vec<String> = reasons.map(|(count, why)| format!("{count} {why}")).collect();
        let reason = format!("samples were not kept: {}", reasons.join(", "));
        return part(
            "sensors",
            HealthState::Degraded,
            reason,
            "make room on the disk; menagerie metric stats counts on",
        );
    }
    // With room for more it is over; how many were lost by it is counted elsewhere.
    if lost.too_many_series > 0 && series.0 >= series.1 {
        let reason = format!(
            "{} samples were not kept: {} series are known, and no more may be; those there are go on",
            lost.too_many_series, series.0
        );
        let remedy = "give metrics labels with fewer different values (menagerie metric list says which has how many \
                      series), or raise [metrics] series in the configuration";
        return part("sensors", HealthState::Degraded, reason, remedy);
    }
    if lost.refused_series > 0 {
        let reason =
            format!("{} samples were not kept: the names of their series are not allowed", lost.refused_series);
        let remedy = "engine.log in the data directory and menagerie metric stats have more about it";
        return part("sensors", HealthState::Degraded, reason, remedy);
    }
    if dropped > 0 {
        let reason = format!("{dropped} samples were dropped: not finite, from the future, or of too many series");
        let remedy = "menagerie alert rule metrics lists what comes in; give metrics fewer different labels";
        return part("sensors", HealthState::Degraded, reason, remedy);
    }
    well("sensors")
}

fn delivery(receivers: &BTreeMap<String, Standing>) -> Health {
    let dead: Vec<&str> = receivers.iter().filter(|(_, it)| it.dead).map(|(name, _)| name.as_str()).collect();
    let remedy = "mend the receiver, or its entry under [[alert.receiver]] in the configuration";
    if let Some(error) = dead.first().and_then(|name| receivers[*name].error.as_ref()) {
        let state = if dead.len() == receivers.len() { HealthState::Failed } else { HealthState::Degraded };
        let reason = format!("alerts do not reach {}: {error}", dead.join(", "));
        return part("alert delivery", state, reason, remedy);
    }
    let dropped: u64 = receivers.values().map(|it| it.dropped).sum();
    if dropped > 0 {
        let reason = format!("{dropped} notices were dropped because receivers are too slow");
        return part("alert delivery", HealthState::Degraded, reason, remedy);
    }
    let refused = receivers.iter().filter_map(|(name, it)| Some((name, it.refused, it.refusal.as_ref()?)));
    let refused: Vec<String> =
        refused.map(|(name, count, why)| format!("{name} refused {count} notices for good; the last: {why}")).collect();
    if !refused.is_empty() {
        return part("alert delivery", HealthState::Degraded, refused.join("; "), remedy);
    }
    well("alert delivery")
}

/// A collector that is away harms nothing but what it would show.
fn telemetry(collector: &otlp::Standing) -> Health {
    let remedy = "mend the collector, or its entry under [otlp] in the configuration";
    let lost = match collector.dropped {
        0 => String::new(),
        1 => "1 span was dropped".to_owned(),
        dropped => format!("{dropped} spans were dropped"),
    };
    match &collector.error {
        Some(error) if collector.failures >= COLLECTOR_FAILURES => {
            let and = if lost.is_empty() { "" } else { "; " };
            let reason = format!("traces and metrics do not reach {}: {error}{and}{lost}", collector.endpoint);
            part("telemetry", HealthState::Degraded, reason, remedy)
        }
        _ if !lost.is_empty() => {
            let reason = format!("{lost} on the way to {}", collector.endpoint);
            part("telemetry", HealthState::Degraded, reason, remedy)
        }
        _ => well("telemetry"),
    }
}

/// A worker on this host has its clock: where that has gone away from the engine's, it alone is told of.
fn clock(drift: i64, off: Option<&(String, i64)>) -> Health {
    let limit = DRIFT_MAX.as_micros();
    let words = |offset: i64| {
        let side = if offset > 0 { "ahead of" } else { "behind" };
        format!("{} {side} the engine's", Span::from_micros(offset.saturating_abs()).human())
    };
    let host = (drift.saturating_abs() > limit).then(|| {
        let reason = format!("the host's clock is {}, which goes on from where it was", words(drift));
        (reason, "set the host's clock and keep it set; a new start takes it over".to_owned())
    });
    let node = off.filter(|(_, offset)| offset.saturating_sub(drift).saturating_abs() > limit).map(|(node, offset)| {
        let reason = format!("the clock of node {node} is {}; the times that it reports are corrected", words(*offset));
        (reason, format!("set the clock of node {node} and keep it set by NTP (chronyd, systemd-timesyncd)"))
    });
    let wrong: Vec<(String, String)> = host.into_iter().chain(node).collect();
    if wrong.is_empty() {
        return well("clock");
    }
    let (reasons, remedies): (Vec<String>, Vec<String>) = wrong.into_iter().unzip();
    part("clock", HealthState::Degraded, reasons.join("; "), remedies.join("; "))
}

fn store(read_only: bool) -> Health {
    if !read_only {
        return well("store");
    }
    part(
        "store",
        HealthState::Failed,
        "the engine is read-only: its store takes no changes",
        "look at engine.log in the data directory; it goes on by itself once the store works again",
    )
}

fn worker(view: &OverviewView) -> Health {
    let out_of_reach = || view.nodes.iter().filter(|node| node.status == NodeStatus::Lost);
    let lost: Vec<&str> = out_of_reach().map(|node| node.name.as_str()).collect();
    let remedy = "look at worker.log in the data directory";
    match (view.nodes.len(), lost.len()) {
        (0, _) => part("worker", HealthState::Failed, "no worker has ever connected", remedy),
        (_, 0) => well("worker"),
        (all, gone) => {
            let state = if gone == all { HealthState::Failed } else { HealthState::Degraded };
            let reason = format!("{gone} of {all} machines cannot be reached: {}", lost.join(", "));
            // One is enough for the milder, and it takes the last for the graver.
            let times = out_of_reach().filter_map(|node| node.lost_at);
            let since = if state == HealthState::Failed { times.max() } else { times.min() };
            so_since(part("worker", state, reason, remedy), since)
        }
    }
}

fn queue(view: &OverviewView, now: Timestamp) -> Health {
    let wait = view.oldest.map(|oldest| now.since(oldest));
    if view.unsatisfiable > 0 {
        let many = if view.unsatisfiable == 1 { "1 task asks" } else { &format!("{} tasks ask", view.unsatisfiable) };
        let reason = format!("{many} for what no cage and agent together can do");
        return part("queue", HealthState::Degraded, reason, "menagerie task explain TASK says what is missing");
    }
    if let Some((tasks, artifact)) = view.refused {
        let many = if tasks == 1 { "1 task waits" } else { &format!("{tasks} tasks wait") };
        let reason = format!("{many} for approval of what was rejected");
        // Nothing else will set them going.
        let remedy = format!("menagerie artifact approve {artifact} after all, or cancel what waits for it");
        return part("queue", HealthState::Degraded, reason, remedy);
    }
    match wait {
        Some(wait) if wait > WAIT_LONG => {
            let reason = format!("the oldest task has waited for {}", wait.human());
            let part =
                part("queue", HealthState::Degraded, reason, "menagerie task explain TASK says what it waits for");
            so_since(part, view.oldest.map(|oldest| oldest.plus(WAIT_LONG)))
        }
        _ => well("queue"),
    }
}

fn agents(view: &OverviewView) -> Health {
    let (count, names) = &view.tripped;
    if *count == 0 {
        return well("agents");
    }
    let more = if *count > names.len() as u64 { " and others" } else { "" };
    let noun = if *count == 1 { "1 agent is" } else { &format!("{count} agents are") };
    let reason = format!("{noun} paused after repeated failures: {}{more}", names.join(", "));
    let remedy = format!("menagerie agent resume {}", names.first().map_or("AGENT", String::as_str));
    part("agents", HealthState::Degraded, reason, remedy)
}

fn space(disk: Option<Disk>) -> Health {
    let Some(Disk { free, total }) = disk.filter(|disk| disk.total > 0) else {
        return part("disk", HealthState::Unknown, "the data directory's disk does not say what is free", "");
    };
    let share = free as f64 / total as f64;
    if share >= DISK_LOW {
        return well("disk");
    }
    let state = if share < DISK_FULL { HealthState::Failed } else { HealthState::Degraded };
    let reason = format!("{:.1} % of the data directory's disk is free: {}", share * 100.0, Bytes::new(free).human());
    part("disk", state, reason, "make room, or move the data directory")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ArtifactId;
    use crate::domain::requirements::Quantities;
    use crate::engine::core::look::NodeView;

    fn view(nodes: &[NodeStatus]) -> OverviewView {
        let node = |status: &NodeStatus| NodeView {
            name: "here".to_owned(),
            status: *status,
            lost_at: (*status == NodeStatus::Lost).then_some(LOST_AT),
            capacity: Quantities::ZERO,
            granted: Quantities::ZERO,
        };
        OverviewView {
            nodes: nodes.iter().map(node).collect(),
            oldest: None,
            unsatisfiable: 0,
            refused: None,
            tripped: (0, vec![]),
            unlimited: (0, vec![]),
            faulty: (0, vec![]),
            lost_gpus: vec![],
            due: vec![],
        }
    }

    const LOST_AT: Timestamp = Timestamp::from_micros(500_000_000);
    const ROOMY: Option<Disk> = Some(Disk { free: 50, total: 100 });

    fn well_off(view: &OverviewView, now: i64) -> Facts<'_> {
        Facts {
            view,
            read_only: false,
            disk: ROOMY,
            measuring: (None, None),
            dropped: 0,
            lost: Dropped::default(),
            series: (7, 1000),
            receivers: BTreeMap::new(),
            collector: None,
            drift: 0,
            off: None,
            now: Timestamp::from_micros(now * 1_000_000),
        }
    }

    fn states(view: &OverviewView, read_only: bool, disk: Option<Disk>, now: i64) -> Vec<(String, HealthState)> {
        let parts = judge(&Facts { view, read_only, disk, ..well_off(view, now) });
        for part in &parts {
            assert_eq!(part.reason.is_empty(), part.state == HealthState::Ok, "{part:?}");
        }
        parts.into_iter().map(|part| (part.component, part.state)).collect()
    }

    #[test]
    fn all_is_well_until_something_is_not() {
        let fine = view(&[NodeStatus::Online]);
        let found = states(&fine, false, ROOMY, 0);
        assert_eq!(found.len(), 10);
        assert!(found.iter().all(|(_, state)| *state == HealthState::Ok), "{found:?}");
        let worst = |view: &OverviewView, read_only, disk, now| states(view, read_only, disk, now).swap_remove(0);
        let expect = |component: &str, state| (component.to_owned(), state);
        assert_eq!(worst(&fine, true, ROOMY, 0), expect("store", HealthState::Failed));
        assert_eq!(worst(&view(&[]), false, ROOMY, 0), expect("worker", HealthState::Failed));
        assert_eq!(worst(&view(&[NodeStatus::Lost]), false, ROOMY, 0), expect("worker", HealthState::Failed));
        let one_of_two = view(&[NodeStatus::Lost, NodeStatus::Online]);
        assert_eq!(worst(&one_of_two, false, ROOMY, 0), expect("worker", HealthState::Degraded));
        let low = |free| Some(Disk { free, total: 1000 });
        assert_eq!(worst(&fine, false, low(49), 0), expect("disk", HealthState::Degraded));
        assert_eq!(worst(&fine, false, low(9), 0), expect("disk", HealthState::Failed));
        assert_eq!(worst(&fine, false, low(50), 0).1, HealthState::Ok);
        assert_eq!(worst(&fine, false, None, 0), expect("disk", HealthState::Unknown));
        let waiting = OverviewView { oldest: Some(Timestamp::from_micros(1)), ..fine.clone() };
        assert_eq!(worst(&waiting, false, ROOMY, 3600).1, HealthState::Ok);
        assert_eq!(worst(&waiting, false, ROOMY, 3602), expect("queue", HealthState::Degraded));
        let hopeless = OverviewView { unsatisfiable: 2, ..fine.clone() };
        assert_eq!(worst(&hopeless, false, ROOMY, 0), expect("queue", HealthState::Degraded));
        let refused = OverviewView { refused: Some((1, ArtifactId(uuid::Uuid::nil()))), ..fine.clone() };
        assert_eq!(worst(&refused, false, ROOMY, 0), expect("queue", HealthState::Degraded));
        let tripped = OverviewView { tripped: (1, vec!["a".to_owned()]), ..fine };
        assert_eq!(worst(&tripped, true, ROOMY, 0), expect("store", HealthState::Failed), "the worst comes first");
        assert_eq!(states(&tripped, true, ROOMY, 0)[1], expect("journal", HealthState::Failed));
        assert_eq!(states(&tripped, true, ROOMY, 0)[2], expect("agents", HealthState::Degraded));
    }

    #[test]
    fn sensors_cages_delivery_and_clock_say_what_is_wrong() {
        let fine = view(&[NodeStatus::Online]);
        let worst = |facts: Facts<'_>| {
            let part = judge(&facts).remove(0);
            assert_eq!(part.reason.is_empty(), part.state == HealthState::Ok, "{part:?}");
            assert_eq!(part.remedy.is_empty(), part.state == HealthState::Ok, "{part:?}");
            (part.component, part.state)
        };
        let expect = |component: &str, state| (component.to_owned(), state);
        assert_eq!(worst(well_off(&fine, 0)).1, HealthState::Ok);
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        for (measuring, state) in [
            ((None, seconds(100)), HealthState::Ok),
            ((seconds(10), None), HealthState::Ok),
            ((seconds(100), seconds(1)), HealthState::Ok),
            ((seconds(100), seconds(16)), HealthState::Degraded),
            ((seconds(16), None), HealthState::Degraded),
        ] {
            assert_eq!(worst(Facts { measuring, ..well_off(&fine, 0) }).1, state, "{measuring:?}");
        }
        assert_eq!(worst(Facts { dropped: 1, ..well_off(&fine, 0) }), expect("sensors", HealthState::Degraded));
        let lost = Dropped { disk_full: 7, ..Dropped::default() };
        assert_eq!(worst(Facts { lost, ..well_off(&fine, 0) }), expect("sensors", HealthState::Degraded));
        let refused = |known, names| {
            let lost = Dropped { too_many_series: 3, refused_series: names, ..Dropped::default() };
            judge(&Facts { lost, series: (known, 1000), ..well_off(&fine, 0) }).remove(0)
        };
        let full = refused(1000, 0);
        assert_eq!((full.component.as_str(), full.state), ("sensors", HealthState::Degraded));
        assert!(full.reason.contains("3 samples") && full.reason.contains("1000 series are known"), "{full:?}");
        assert!(full.remedy.contains("fewer different values"), "{full:?}");
        assert_eq!(refused(999, 0).state, HealthState::Ok, "there is room again");
        assert!(refused(999, 4).reason.contains("4 samples were not kept: the names"));
        let loose = OverviewView { unlimited: (1, vec!["7".parse().unwrap()]), ..fine.clone() };
        assert_eq!(worst(well_off(&loose, 0)), expect("cages", HealthState::Degraded));
        let faulty = OverviewView { faulty: (2, vec!["7".parse().unwrap()]), ..loose };
        let said = judge(&well_off(&faulty, 0)).remove(0).reason;
        assert_eq!(said, "2 cages cannot be set up: 007 and others");
        for (drift, state) in [(5_000_000, HealthState::Ok), (-5_000_001, HealthState::Degraded)] {
            assert_eq!(worst(Facts { drift, ..well_off(&fine, 0) }).1, state);
        }
        let off = |drift: i64, offset: i64| {
            let off = Some(("far".to_owned(), offset * 1_000_000));
            judge(&Facts { drift: drift * 1_000_000, off, ..well_off(&fine, 0) }).remove(0)
        };
        let hour = off(0, 3600);
        assert_eq!((hour.component.as_str(), hour.state), ("clock", HealthState::Degraded));
        assert!(hour.reason.contains("node far is 1h ahead of the engine's"), "{}", hour.reason);
        assert!(hour.remedy.contains("node far") && hour.remedy.contains("NTP"), "{}", hour.remedy);
        let both = off(-3600, 3600).reason;
        assert!(both.contains("host's clock is 1h behind") && both.contains("node far is 1h ahead"), "{both}");
        let host = off(3600, 3600).reason;
        assert!(
            host.contains("host's clock") && !host.contains("far"),
            "what it has from its host is one cause: {host}"
        );
        let dead = Standing { dead: true, error: Some("answered 500".into()), failures: 3, ..Standing::default() };
        let receivers =
            |list: &[(&str, &Standing)]| list.iter().map(|(n, s)| ((*n).to_owned(), (*s).clone())).collect();
        let one = receivers(&[("hook", &dead)]);
        assert_eq!(
            worst(Facts { receivers: one, ..well_off(&fine, 0) }),
            expect("alert delivery", HealthState::Failed)
        );
        let two = receivers(&[("hook", &dead), ("mail", &Standing::default())]);
        assert_eq!(worst(Facts { receivers: two, ..well_off(&fine, 0) }).1, HealthState::Degraded);
        let slow = receivers(&[("hook", &Standing { dropped: 2, ..Standing::default() })]);
        assert_eq!(worst(Facts { receivers: slow, ..well_off(&fine, 0) }).1, HealthState::Degraded);
    }

    #[test]
    fn a_lost_gpu_is_told_of_while_it_is_lost() {
        let fine = view(&[NodeStatus::Online]);
        let lost = vec![("big".to_owned(), vec!["GPU-a".to_owned(), "GPU-b".to_owned()])];
        let part = judge(&well_off(&OverviewView { lost_gpus: lost, ..fine }, 0)).remove(0);
        assert_eq!((part.component.as_str(), part.state), ("sensors", HealthState::Degraded));
        assert_eq!(part.reason, "node big has lost GPUs GPU-a, GPU-b");
        assert!(part.remedy.contains("menagerie node gpus big") && part.remedy.contains("dmesg"), "{}", part.remedy);
    }

    #[test]
    fn a_collector_that_is_away_or_loses_spans_is_told_of() {
        let fine = view(&[NodeStatus::Online]);
        let judged = |failures: u32, dropped: u64| {
            let error = (failures > 0).then(|| "cannot connect".to_owned());
            let endpoint = "http://c:4318".to_owned();
            let collector = otlp::Standing { endpoint, failures, error, dropped, ..otlp::Standing::default() };
            let parts = judge(&Facts { collector: Some(collector), ..well_off(&fine, 0) });
            assert_eq!(parts.len(), 11);
            let part = parts.into_iter().find(|part| part.component == "telemetry").unwrap();
            (part.state, part.reason)
        };
        assert_eq!(judged(0, 0), (HealthState::Ok, String::new()));
        assert_eq!(judged(2, 0).0, HealthState::Ok, "it may be on its way back");
        let away = "traces and metrics do not reach http://c:4318: cannot connect";
        assert_eq!(judged(3, 0), (HealthState::Degraded, away.to_owned()));
        assert_eq!(judged(3, 9), (HealthState::Degraded, format!("{away}; 9 spans were dropped")));
        assert_eq!(judged(0, 1), (HealthState::Degraded, "1 span was dropped on the way to http://c:4318".to_owned()));
    }

    #[test]
    fn a_state_has_the_time_of_its_beginning() {
        let mut known = Known::new(Timestamp::from_micros(1));
        let mut since = |state, second: i64| {
            let mut parts = [part("disk", state, "x", "")];
            known.date(&mut parts, Timestamp::from_micros(second));
            parts[0].since.map(Timestamp::as_micros)
        };
        assert_eq!(since(HealthState::Ok, 7), Some(1), "from the start, whenever somebody first asks");
        assert_eq!(since(HealthState::Ok, 8), Some(1));
        assert_eq!(since(HealthState::Failed, 9), Some(9));
        assert_eq!(since(HealthState::Failed, 10), Some(9));
        assert_eq!(since(HealthState::Ok, 11), Some(11));
    }

    #[test]
    fn facts_that_say_since_when_are_believed() {
        let seconds = |second: i64| Timestamp::from_micros(second * 1_000_000);
        let part_of =
            |facts: &Facts<'_>, name: &str| judge(facts).into_iter().find(|part| part.component == name).unwrap();
        let lost = view(&[NodeStatus::Online, NodeStatus::Lost]);
        assert_eq!(part_of(&well_off(&lost, 900), "worker").since, Some(LOST_AT));
        let waits = OverviewView { oldest: Some(seconds(100)), ..view(&[NodeStatus::Online]) };
        assert_eq!(part_of(&well_off(&waits, 9000), "queue").since, Some(seconds(3700)));
        let fine = view(&[NodeStatus::Online]);
        let silent = Facts { measuring: (Some(Duration::from_mins(1)), None), ..well_off(&fine, 1000) };
        assert_eq!(part_of(&silent, "sensors").since, Some(seconds(955)), "15 seconds after the last measurement");
        // What lasts from before the start is older than that; what is only seen again has not begun anew.
        let mut known = Known::new(seconds(950));
        let date = |known: &mut Known, since: Option<Timestamp>, now: i64| {
            let mut parts = [so_since(part("worker", HealthState::Failed, "x", ""), since)];
            known.date(&mut parts, seconds(now));
            parts[0].since
        };
        assert_eq!(date(&mut known, Some(LOST_AT), 960), Some(LOST_AT));
        assert_eq!(date(&mut known, Some(seconds(955)), 970), Some(LOST_AT));
    }
}
