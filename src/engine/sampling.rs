//! What the engine measures of itself: tasks, agents and cages by status, and how long tasks wait. A sample a second while
//! something changes, one a minute while work only waits, none while there is nothing to do.

use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use tokio::sync::{oneshot, watch};
use tokio::time::{sleep, timeout};

use super::beat::{Beat, Standing};
use super::clock::Clock;
use super::figures::Figures;
use super::message::Message;
use super::samples::{AGENTS, CAGES, Point, TASK_WAIT, TASKS, labels};
use super::series::Recorder;
use crate::domain::Timestamp;
use crate::domain::counts::Counts;

/// The shortest time between two samples.
const SECOND: Duration = Duration::from_secs(1);
/// After so long without a change a sample a minute is enough.
const MINUTE: Duration = Duration::from_mins(1);

/// Samples for as long as the engine decides. To be spawned.
pub async fn sample(recorder: Recorder, beat: Beat, decider: Sender<Message>, figures: Figures, clock: Clock) {
    let mut news = beat.follow();
    let mut changed = Instant::now();
    loop {
        let (answer, answered) = oneshot::channel();
        if decider.send(Message::Counts { answer }).is_err() {
            return;
        }
        let Ok((counts, _)) = answered.await else { return };
        let now = clock.now();
        recorder.put(now, &points(&counts, &figures, now));
        sleep(SECOND).await;
        let is_open = counts.tasks.pending + counts.tasks.scheduled + counts.tasks.executing > 0;
        let pause = match (is_open, changed.elapsed() < MINUTE) {
            (true, true) => Some(Duration::ZERO),
            (true, false) => Some(MINUTE),
            (false, _) => None,
        };
        match wait(&mut news, pause).await {
            Some(true) => changed = Instant::now(),
            Some(false) => {}
            None => return,
        }
    }
}

/// Waits for a change, or for so long; whether there was one. `None` when there will be no more.
async fn wait(news: &mut watch::Receiver<Standing>, pause: Option<Duration>) -> Option<bool> {
    let Some(pause) = pause else { return news.changed().await.ok().map(|()| true) };
    match timeout(pause, news.changed()).await {
        Ok(changed) => changed.ok().map(|()| true),
        Err(_) => Some(false),
    }
}

fn points(counts: &Counts, figures: &Figures, now: Timestamp) -> Vec<Point> {
    let gauge = |metric, status: &str, value: f64| Point { metric, labels: labels(&[("status", status)]), value };
    let count = |value: u64| value as f64;
    let (tasks, agents, cages) = (counts.tasks, counts.agents, counts.cages);
    let mut points = vec![];
    for (status, value) in [
        ("pending", tasks.pending),
        ("scheduled", tasks.scheduled),
        ("executing", tasks.executing),
        ("completed", tasks.completed),
        ("failed", tasks.failed),
        ("cancelled", tasks.cancelled),
    ] {
        points.push(gauge(&TASKS, status, count(value)));
    }
    for (status, value) in [
        ("offline", agents.offline),
        ("idle", agents.idle),
        ("active", agents.active),
        ("busy", agents.busy),
        ("blocked", agents.blocked),
        ("error", agents.error),
        ("maintenance", agents.maintenance),
    ] {
        points.push(gauge(&AGENTS, status, count(value)));
    }
    for (status, value) in [("occupied", cages.occupied), ("vacant", cages.vacant), ("maintenance", cages.maintenance)]
    {
        points.push(gauge(&CAGES, status, count(value)));
    }
    // Unknown while nothing has started of late, and then left out.
    if let Some(wait) = figures.median_wait(now) {
        points.push(Point { metric: &TASK_WAIT, labels: labels(&[]), value: wait.as_secs_f64() });
    }
    points
}
