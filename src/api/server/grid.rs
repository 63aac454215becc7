//! All cages at once, small: what each does, and how much of its limits it uses.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, State};

use super::{Failure, Service, live};
use crate::api::live::{CageCell, CellState, Gauge, OpenAlert};
use crate::domain::watch::CageUsage;
use crate::domain::{AgentStatus, Alert, CageId, CageStatus, NodeStatus, Severity};
use crate::engine::core::look::{CageView, NodeView};
use crate::engine::message::Message;
use crate::engine::telemetry::Telemetry;

/// From which share on a limit is nearly reached.
const NEARLY: f64 = 0.9;

/// `GET /v1/grid`.
pub(super) async fn get(State(service): State<Service>) -> Result<Json<Vec<CageCell>>, Failure> {
    let running = service.running()?;
    running.watchers.look();
    let fleet = service.ask(|answer| Message::ViewFleet { answer }).await?;
    let alerts = service.look(|core, _| {
        let found = core.alerts_of_cages().into_iter();
        let worst = |about: &[&Alert]| about.iter().map(|alert| alert.severity).max();
        let open = |about: Vec<&Alert>| (u32::try_from(about.len()).unwrap_or(u32::MAX), worst(&about));
        found.map(|(cage, about)| (cage, open(about))).collect::<BTreeMap<_, _>>()
    });
    let alerts = alerts.await?;
    let usage = running.telemetry.usage();
    let cells = fleet.cages.into_iter().map(|cage| {
        let used = usage.as_ref().and_then(|usage| usage.of(cage.id));
        let gpus = usage.as_ref().and_then(|usage| usage.gpus_of(cage.id)).map(|(devices, _)| devices);
        let node = fleet.nodes.get(cage.node);
        let alerts = alerts.get(&cage.id).copied().unwrap_or_default();
        cell(cage, node, (used, gpus), alerts, &running.telemetry)
    });
    Ok(Json(cells.collect()))
}

/// `GET /v1/cages/{id}/alerts`.
pub(super) async fn alerts(
    State(service): State<Service>,
    Path(id): Path<String>,
) -> Result<Json<Vec<OpenAlert>>, Failure> {
    let cage_id: CageId = id.parse()?;
    service.read(move |reader| reader.cage(cage_id)?.ok_or_else(|| live::missing("cage", cage_id))).await?;
    let present = service.running()?.present.clone();
    let found = service.look(move |core, _| {
        let about = core.alerts_of_cages().remove(&cage_id).unwrap_or_default();
        let open = |alert: &Alert| OpenAlert {
            alert: alert.clone(),
            figure: alert.figure(core.alert_rule(&alert.context.trigger)),
            now: present.of(alert).map(|figures| figures.said()),
        };
        about.into_iter().map(open).collect::<Vec<_>>()
    });
    let mut found = found.await?;
    found.sort_by_key(|open| (Reverse(open.alert.severity), Reverse(open.alert.last_seen)));
    Ok(Json(found))
}

#[allow(clippy::cast_precision_loss)] // Below 2^53 in all that is shown here, and only shown.
fn figure(value: u64) -> f64 {
    value as f64
}

fn cores(millis: u64) -> f64 {
    figure(millis) / 1000.0
}

/// A cage as it is shown, with what it uses, on how many GPUs it has processes, and how many alerts are open and how grave.
fn cell(
    cage: CageView,
    node: Option<&NodeView>,
    (used, gpus): (Option<CageUsage>, Option<u64>),
    (alerts, worst): (u32, Option<Severity>),
    telemetry: &Telemetry,
) -> CageCell {
    let limits = &cage.limits;
    let [cpu, memory, gpu, ..] = cage.granted.0;
    let per_execution = limits.tokens.is_some_and(|limit| limit.per.is_none());
    let tokens = if per_execution {
        cage.executions.iter().filter_map(|id| telemetry.sample(*id)?.tokens_used).max()
    } else {
        used.and_then(|used| used.tokens)
    };
    let mut cell = CageCell {
        id: cage.id,
        status: cage.status,
        state: CellState::Unknown,
        node: node.map(|node| node.name.clone()),
        running: u32::try_from(cage.executions.len()).unwrap_or(u32::MAX),
        alerts,
        cpu: Gauge {
            used: used.and_then(|used| used.cpu_millis).map(cores),
            granted: Some(cores(cpu)),
            limit: limits.cpu.map(|limit| cores(limit.as_millis())),
        },
        memory: Gauge {
            used: used.and_then(|used| used.memory).map(figure),
            granted: Some(figure(memory)),
            limit: limits.memory.map(|limit| figure(limit.get())),
        },
        memory_peak: Gauge {
            // The peak is read less often than what is in use.
            used: used.and_then(|used| used.memory_peak.map(|peak| figure(peak.max(used.memory.unwrap_or(0))))),
            granted: None,
            limit: limits.memory.map(|limit| figure(limit.get())),
        },
        gpu: Gauge {
            used: gpus.filter(|_| limits.gpu.is_some()).map(figure),
            granted: limits.gpu.map(|_| figure(gpu)),
            limit: limits.gpu.map(f64::from),
        },
        tokens: Gauge {
            used: tokens.map(figure),
            granted: None,
            limit: limits.tokens.map(|limit| figure(limit.tokens)),
        },
        pids: Gauge {
            used: used.and_then(|used| used.pids).map(f64::from),
            granted: None,
            limit: limits.pids.map(f64::from),
        },
        agent: None,
    };
    let nearly = [cell.memory, cell.tokens, cell.pids].iter().any(|gauge| gauge.share().is_some_and(|it| it >= NEARLY));
    let online = node.is_some_and(|node| node.status == NodeStatus::Online);
    cell.state = state(&cage, online, nearly, worst);
    cell.agent = cage.agent.map(|(name, ..)| name);
    cell
}

/// What goes on in a cage, as one mark. `worst` is the gravest of its open alerts.
fn state(cage: &CageView, online: bool, nearly: bool, worst: Option<Severity>) -> CellState {
    let agent = cage.agent.as_ref().map(|(_, status, failures)| (*status, *failures));
    let alerted = worst.map(|worst| match worst {
        Severity::Critical => CellState::Critical,
        Severity::Error => CellState::Error,
        Severity::Warning | Severity::Info => CellState::Warning,
    });
    match (cage.executions.len(), agent, alerted) {
        _ if !online => CellState::Unknown,
        (_, Some((AgentStatus::Error, _)), _) => CellState::Failing,
        (1.., _, Some(alerted)) => alerted,
        (1.., _, None) if nearly => CellState::Warning,
        (1.., _, None) if cage.started == 0 => CellState::Starting,
        (1.., _, None) => CellState::Running,
        _ if cage.status == CageStatus::Maintenance => CellState::Stopped,
        (0, Some((_, 1..)), _) => CellState::Failing,
        (0, Some((AgentStatus::Blocked, _)), _) => CellState::Waiting,
        // Nobody would look at a cage that seems to be at rest.
        (0, _, Some(alerted)) => alerted,
        (0, None, None) => CellState::Stopped,
        (0, Some(_), None) => CellState::Idle,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::requirements::Quantities;
    use crate::domain::{Bytes, CageLimits, Cpu, ExecutionId, Timestamp, TokenLimit};
    use crate::engine::beat::Beat;

    fn cage(executions: u32, started: u32, agent: Option<(AgentStatus, u32)>) -> CageView {
        CageView {
            id: CageId::new(3).unwrap(),
            status: if agent.is_some() { CageStatus::Occupied } else { CageStatus::Vacant },
            node: 0,
            agent: agent.map(|(status, failures)| ("tester".to_owned(), status, failures)),
            limits: CageLimits::default(),
            granted: Quantities([1500, 1 << 20, 0, 0, 0]),
            executions: (0..executions).map(|number| ExecutionId::new(Timestamp::EPOCH, number.into())).collect(),
            started,
        }
    }

    #[test]
    fn each_mark_has_its_cause() {
        use AgentStatus::{Active, Blocked, Error, Idle, Maintenance};
        let withheld = CageView { status: CageStatus::Maintenance, ..cage(0, 0, Some((Idle, 0))) };
        for (view, mark) in [
            (cage(0, 0, Some((Idle, 0))), CellState::Warning),
            (cage(0, 0, None), CellState::Warning),
            (cage(0, 0, Some((Blocked, 0))), CellState::Waiting),
            (cage(0, 0, Some((Idle, 1))), CellState::Failing),
            (cage(1, 1, Some((Active, 0))), CellState::Warning),
            (withheld, CellState::Stopped),
        ] {
            assert_eq!(state(&view, true, false, Some(Severity::Warning)), mark, "{view:?} with an open alert");
            // It is as grave as the gravest of them.
            for (worst, grave) in [(Severity::Error, CellState::Error), (Severity::Critical, CellState::Critical)] {
                let mark = if mark == CellState::Warning { grave } else { mark };
                assert_eq!(state(&view, true, true, Some(worst)), mark, "{view:?} with an open alert: {worst}");
            }
        }
        for (executions, started, agent, online, warned, mark) in [
            (1, 1, Some((Active, 0)), true, false, CellState::Running),
            (2, 0, Some((Active, 0)), true, false, CellState::Starting),
            (2, 1, Some((Active, 0)), true, false, CellState::Running),
            (1, 1, Some((Active, 2)), true, false, CellState::Running),
            (1, 1, Some((Active, 0)), true, true, CellState::Warning),
            (0, 0, Some((Idle, 0)), true, true, CellState::Idle),
            (0, 0, Some((Blocked, 0)), true, false, CellState::Waiting),
            (0, 0, Some((Idle, 1)), true, false, CellState::Failing),
            (1, 1, Some((Error, 5)), true, false, CellState::Failing),
            (0, 0, Some((Maintenance, 0)), true, false, CellState::Idle),
            (0, 0, None, true, false, CellState::Stopped),
            (1, 1, Some((Active, 0)), false, false, CellState::Unknown),
        ] {
            let view = cage(executions, started, agent);
            assert_eq!(state(&view, online, warned, None), mark, "{view:?} {online} {warned}");
        }
        let withheld = CageView { status: CageStatus::Maintenance, ..cage(0, 0, Some((Idle, 0))) };
        assert_eq!(state(&withheld, true, false, None), CellState::Stopped);
        let draining = CageView { status: CageStatus::Maintenance, ..cage(1, 1, Some((Active, 0))) };
        assert_eq!(state(&draining, true, false, None), CellState::Running, "what runs in a withheld cage goes on");
    }

    #[test]
    fn what_nobody_measures_is_not_zero() {
        let node = NodeView {
            name: "here".to_owned(),
            status: NodeStatus::Online,
            lost_at: None,
            capacity: Quantities::ZERO,
            granted: Quantities::ZERO,
        };
        let telemetry = Telemetry::new(Beat::new(0));
        let mut view = cage(1, 1, Some((AgentStatus::Active, 0)));
        view.limits.cpu = Some(Cpu::from_millis(2500));
        view.limits.memory = Some(Bytes::from_mib(100));
        view.limits.tokens = Some(TokenLimit { tokens: 50, per: None });
        let unmeasured = cell(view.clone(), Some(&node), (None, None), (0, None), &telemetry);
        assert_eq!(unmeasured.cpu, Gauge { used: None, granted: Some(1.5), limit: Some(2.5) });
        assert_eq!((unmeasured.gpu, unmeasured.pids.used), (Gauge::default(), None));
        assert_eq!(unmeasured.tokens, Gauge { used: None, granted: None, limit: Some(50.0) });
        let used = CageUsage { memory: Some(95 << 20), ..CageUsage::unknown(view.id) };
        view.limits.gpu = Some(2);
        let measured = cell(view, Some(&node), (Some(used), Some(1)), (0, None), &telemetry);
        assert_eq!(measured.gpu, Gauge { used: Some(1.0), granted: Some(0.0), limit: Some(2.0) });
        assert_eq!(measured.cpu.used, None, "nobody has measured its time");
        assert_eq!(measured.memory.used, Some(f64::from(95 << 20)));
        assert_eq!(measured.state, CellState::Warning, "nine tenths of the memory are in use");
    }
}
