//! Tells receivers of alerts: webhooks and programs. It follows what has become durable and holds up nobody: each receiver
//! has a bounded queue and goes at its own pace, and what does not fit is dropped and counted. A receiver that does not
//! take alerts is itself an alert, which the others are told of.

pub mod command;
mod ledger;
pub mod receiver;
pub mod webhook;

use std::collections::BTreeMap;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::sync::{broadcast, mpsc};

pub use self::ledger::Ledger;
pub use self::receiver::{Receiver, ReceiverEntry, Target};
use self::webhook::Parcel;
use super::clock::Clock;
use super::commit::Published;
use super::core::delivery_source;
use super::message::Message;
use crate::domain::{Alert, AlertId, AlertStatus, Event, Record, Severity, Timestamp};
use crate::store::{Query, Reader};

/// How many notices wait for one receiver.
const WAITING_MAX: usize = 256;
/// How many open alerts are read when the engine starts; there are never more.
const OPEN_MAX: u64 = 10_000;
/// A notice that could not be delivered for so long is given up.
const GIVEN_UP_AFTER: Duration = Duration::from_hours(1);

/// How often a receiver is tried again.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// The wait after the first failure; each further one doubles it.
    pub first: Duration,
    /// The longest wait.
    pub longest: Duration,
    /// After so many failures in a row a receiver counts as dead.
    pub dead_after: u32,
}

impl Default for Pace {
    fn default() -> Self {
        Self { first: Duration::from_secs(1), longest: Duration::from_mins(1), dead_after: 3 }
    }
}

/// What happened to an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// It came up.
    Raised,
    /// It came up again, perhaps at another severity.
    Repeated,
    /// It is over.
    Resolved,
    /// It is not over after all.
    Reopened,
}

impl What {
    /// As notices have it.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Raised => "raised",
            Self::Repeated => "changed",
            Self::Resolved => "resolved",
            Self::Reopened => "reopened",
        }
    }
}

/// An alert to which something happened, and the number of the record that says so.
pub type Happened = (u64, AlertId, What);

/// What these records say of alerts that somebody may want to be told.
pub fn happened(records: &[Record]) -> impl Iterator<Item = Happened> {
    records.iter().filter_map(|record| match &record.event {
        Event::AlertRaised(event) => Some((record.seq, event.alert.id, What::Raised)),
        Event::AlertRepeated(event) => Some((record.seq, event.alert_id, What::Repeated)),
        Event::AlertResolved(event) => Some((record.seq, event.alert_id, What::Resolved)),
        Event::AlertReopened(event) => Some((record.seq, event.alert.id, What::Reopened)),
        _ => None,
    })
}

/// One message to a receiver.
#[derive(Debug)]
struct Notice {
    id: String,
    alert: AlertId,
    /// How severe the alert is once this is told; `None` when it is over.
    leaves: Option<Severity>,
    /// The worst severity before and after.
    severity: Severity,
    source: String,
    time: Timestamp,
    body: Vec<u8>,
}

/// Why a notice was not delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What went wrong.
    pub error: String,
    /// Whether the receiver refuses this notice, so that it makes no sense to try again.
    pub for_good: bool,
}

impl Failure {
    /// One that may be over the next time.
    fn for_now(error: String) -> Self {
        Self { error, for_good: false }
    }
}

/// How a receiver is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Failures in a row.
    pub failures: u32,
    /// Whether it counts as dead.
    pub dead: bool,
    /// Why it failed last, if it has not worked since.
    pub error: Option<String>,
    /// Notices delivered.
    pub delivered: u64,
    /// Notices that did not fit or were given up.
    pub dropped: u64,
    /// Notices that it refused for good.
    pub refused: u64,
    /// Why it refused the last of them.
    pub refusal: Option<String>,
}

/// How each receiver is, by name. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Deliveries(Arc<Mutex<BTreeMap<String, Standing>>>);

impl Deliveries {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Standing>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every receiver.
    pub fn standings(&self) -> BTreeMap<String, Standing> {
        self.lock().clone()
    }

    fn change(&self, name: &str, change: impl FnOnce(&mut Standing)) {
        change(self.lock().entry(name.to_owned()).or_default());
    }
}

/// What has been told of alerts so far.
#[derive(Debug, Default)]
struct Told(BTreeMap<AlertId, Severity>);

impl Told {
    /// What is to be told of an alert to which something happened; `None` when it is silenced or says nothing new.
    fn notice(&mut self, (seq, id, what): Happened, alert: &Alert, now: Timestamp) -> Option<Notice> {
        let before = if what == What::Resolved { self.0.remove(&id) } else { self.0.get(&id).copied() };
        if alert.silenced_until.is_some_and(|until| until > now)
            || (matches!(what, What::Raised | What::Repeated) && before == Some(alert.severity))
        {
            return None;
        }
        if what != What::Resolved {
            self.0.insert(id, alert.severity);
        }
        let delivery = format!("{id}-{seq}");
        let body = json!({"delivery": delivery, "event": what.as_str(), "time": now, "alert": alert});
        Some(Notice {
            id: delivery,
            alert: id,
            leaves: (what != What::Resolved).then_some(alert.severity),
            severity: alert.severity.max(before.unwrap_or(alert.severity)),
            source: alert.source.clone(),
            time: now,
            body: body.to_string().into_bytes(),
        })
    }
}

/// What an earlier engine did not get to tell a receiver, who has been `told` so much: of alerts that are open and new to it
/// or have changed since, and of those that are over.
fn missed(
    told: BTreeMap<AlertId, Severity>,
    open: &[Alert],
    over: impl Fn(AlertId) -> Option<Alert>,
    now: Timestamp,
) -> Vec<Notice> {
    let mut told = Told(told);
    // No record says this; the time tells notices of one start from those of another.
    let number = now.as_micros().unsigned_abs();
    let gone: Vec<AlertId> = told.0.keys().copied().filter(|id| !open.iter().any(|alert| alert.id == *id)).collect();
    let gone = gone.into_iter().filter_map(over).filter(|alert| alert.status == AlertStatus::Resolved);
    let mut notices: Vec<Notice> =
        gone.filter_map(|alert| told.notice((number, alert.id, What::Resolved), &alert, now)).collect();
    for alert in open {
        let what = if told.0.contains_key(&alert.id) { What::Repeated } else { What::Raised };
        notices.extend(told.notice((number, alert.id, what), alert, now));
    }
    notices
}

/// Reads every alert that is not resolved. One more comes up as ever, and not here.
fn open_alerts(reader: &Reader) -> Vec<Alert> {
    let status = format!("{},{}", AlertStatus::Active, AlertStatus::Acknowledged);
    let query = Query { filters: vec![("status".to_owned(), status)], limit: OPEN_MAX, ..Query::default() };
    match reader.alerts(&query) {
        Ok(page) => page.items,
        Err(error) => {
            tracing::warn!(%error, "open alerts cannot be read, and receivers are told of new ones alone");
            vec![]
        }
    }
}

/// Follows what becomes durable and hands notices to the receivers, until the engine leaves; first those that an earlier
/// engine did not get to deliver.
pub async fn keep_delivering(
    receivers: Vec<Receiver>,
    mut published: broadcast::Receiver<Published>,
    reader: Reader,
    clock: Clock,
    decider: Sender<Message>,
    deliveries: Deliveries,
    ledger: Ledger,
) {
    let mut queues = vec![];
    for receiver in receivers {
        deliveries.change(&receiver.name, |_| {});
        let (queue, waiting) = mpsc::channel(WAITING_MAX);
        queues.push((receiver.clone(), queue));
        let (decider, name) = (decider.clone(), receiver.name.clone());
        let tell = move |error: Option<String>| {
            // An engine that is leaving has nobody to tell any more.
            let _ = decider.send(Message::Delivery { receiver: name.clone(), error });
        };
        tokio::spawn(serve(receiver, waiting, tell, deliveries.clone(), ledger.clone(), Pace::default()));
    }
    let (open, now) = (open_alerts(&reader), clock.now());
    for queue in &queues {
        let over = |id| reader.alert(id).ok().flatten();
        for notice in missed(ledger.told(&queue.0.name), &open, over, now) {
            hand_out(std::slice::from_ref(queue), &Arc::new(notice), &deliveries);
        }
    }
    let is_heard = |alert: &&Alert| alert.silenced_until.is_none_or(|until| until <= now);
    let mut told = Told(open.iter().filter(is_heard).map(|alert| (alert.id, alert.severity)).collect());
    loop {
        let published = match published.recv().await {
            Ok(published) => published,
            Err(broadcast::error::RecvError::Lagged(missed)) => {
                tracing::warn!(missed, "alerts may not have been told: too much happened at once");
                continue;
            }
            Err(broadcast::error::RecvError::Closed) => return,
        };
        for happened in published.alerts.iter().copied() {
            let alert = match reader.alert(happened.1) {
                Ok(Some(alert)) => alert,
                Ok(None) => continue,
                Err(error) => {
                    tracing::warn!(%error, "an alert cannot be read and is not told");
                    continue;
                }
            };
            if let Some(notice) = told.notice(happened, &alert, clock.now()) {
                hand_out(&queues, &Arc::new(notice), &deliveries);
            }
        }
    }
}

/// Puts a notice into the queue of everybody whom it concerns.
fn hand_out(queues: &[(Receiver, mpsc::Sender<Arc<Notice>>)], notice: &Arc<Notice>, deliveries: &Deliveries) {
    for (receiver, queue) in queues {
        // That a receiver does not take alerts is not for itself to hear.
        let concerns = notice.severity >= receiver.severity && notice.source != delivery_source(&receiver.name);
        if concerns && queue.try_send(notice.clone()).is_err() {
            deliveries.change(&receiver.name, |standing| standing.dropped += 1);
        }
    }
}

/// Delivers to one receiver what waits for it, in order, each until it is taken, refused for good or too old. One that
/// refuses answers: it counts as a failure all the same, so that a receiver which refuses everything gets known as dead.
async fn serve(
    receiver: Receiver,
    mut waiting: mpsc::Receiver<Arc<Notice>>,
    tell: impl Fn(Option<String>),
    deliveries: Deliveries,
    ledger: Ledger,
    pace: Pace,
) {
    let name = &receiver.name;
    // The alert of an earlier engine is over with the first success of this one.
    let mut well = false;
    let mut failures = 0;
    while let Some(notice) = waiting.recv().await {
        let (begun, mut pause) = (Instant::now(), pace.first);
        loop {
            let Err(Failure { error, for_good }) = attempt(&receiver, &notice).await else {
                failures = 0;
                ledger.note(name, notice.alert, notice.leaves);
                deliveries.change(name, |it| {
                    (it.failures, it.dead, it.error) = (0, false, None);
                    it.delivered += 1;
                });
                if !std::mem::replace(&mut well, true) {
                    tell(None);
                }
                break;
            };
            failures += 1;
            let dead = failures >= pace.dead_after;
            deliveries.change(name, |it| (it.failures, it.dead, it.error) = (failures, dead, Some(error.clone())));
            tracing::warn!(receiver = name, error, failures, "an alert was not delivered");
            if failures == pace.dead_after {
                well = false;
                tell(Some(error.clone()));
            }
            if for_good {
                ledger.note(name, notice.alert, notice.leaves);
                deliveries.change(name, |it| {
                    it.refused += 1;
                    it.refusal = Some(error);
                });
                break;
            }
            if begun.elapsed() > GIVEN_UP_AFTER {
                deliveries.change(name, |it| it.dropped += 1);
                break;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(pace.longest);
        }
    }
}

/// Tries once.
async fn attempt(receiver: &Receiver, notice: &Arc<Notice>) -> Result<(), Failure> {
    let timeout = receiver.timeout.to_std();
    match &receiver.target {
        Target::Webhook { url, secret } => {
            let timestamp = notice.time.as_micros() / 1_000_000;
            let parcel = Parcel { id: notice.id.clone(), timestamp, body: notice.body.clone() };
            let tried = tokio::time::timeout(timeout, webhook::post(url, secret.as_deref(), &parcel)).await;
            let late = |_| Err(Failure::for_now(format!("{url} did not answer within {}", receiver.timeout)));
            tried.unwrap_or_else(late)
        }
        Target::Command(line) => {
            let (line, notice) = (line.clone(), notice.clone());
            let run = tokio::task::spawn_blocking(move || command::run(&line, &notice.body, timeout));
            run.await.unwrap_or_else(|error| Err(error.to_string())).map_err(Failure::for_now)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Span;
    use crate::domain::alert::AlertContext;
    use std::io::{BufRead, BufReader, Read, Write};
    use std::net::{TcpListener, TcpStream};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros((1_000_000 + seconds) * 1_000_000)
    }

    fn alert(severity: Severity) -> Alert {
        Alert {
            id: AlertId::new(at(0), 1),
            severity,
            status: AlertStatus::Active,
            source: "cage 003".into(),
            message: "hot".into(),
            time: at(0),
            last_seen: at(0),
            count: 1,
            context: AlertContext::default(),
            acknowledged_by: None,
            note: None,
            silenced_until: None,
            resolution: None,
        }
    }

    fn notice(number: u64) -> Arc<Notice> {
        let happened = (number, AlertId::new(at(0), 1), What::Raised);
        Arc::new(Told::default().notice(happened, &alert(Severity::Warning), at(1)).unwrap())
    }

    #[test]
    fn what_is_silenced_or_says_nothing_new_is_not_told() {
        let mut told = Told::default();
        let mut step = |what, alert: &Alert| told.notice((1, alert.id, what), alert, at(10)).map(|it| it.severity);
        let (warning, critical) = (alert(Severity::Warning), alert(Severity::Critical));
        assert_eq!(step(What::Raised, &warning), Some(Severity::Warning));
        assert_eq!(step(What::Raised, &warning), None, "it was among those that were open at the start");
        assert_eq!(step(What::Repeated, &warning), None);
        assert_eq!(step(What::Repeated, &critical), Some(Severity::Critical));
        assert_eq!(
            step(What::Repeated, &warning),
            Some(Severity::Critical),
            "whoever heard the worse hears the better"
        );
        assert_eq!(step(What::Resolved, &warning), Some(Severity::Warning));
        assert_eq!(step(What::Reopened, &warning), Some(Severity::Warning));
        let silenced = Alert { silenced_until: Some(at(11)), ..critical.clone() };
        assert_eq!(step(What::Repeated, &silenced), None);
        let heard_again = Alert { silenced_until: Some(at(10)), ..critical };
        assert_eq!(step(What::Repeated, &heard_again), Some(Severity::Critical));
    }

    #[test]
    fn what_an_earlier_engine_did_not_tell_is_told() {
        let numbered = |number, severity| Alert { id: AlertId::new(at(0), number), ..alert(severity) };
        let (new, known, worse) = (
            numbered(1, Severity::Warning),
            numbered(2, Severity::Warning),
            Alert { message: "hotter".into(), ..numbered(3, Severity::Critical) },
        );
        let silenced = Alert { silenced_until: Some(at(9)), ..numbered(4, Severity::Critical) };
        let over = Alert { status: AlertStatus::Resolved, ..numbered(5, Severity::Error) };
        let told = [known.id, worse.id, over.id].map(|id| (id, Severity::Warning));
        let open = [new.clone(), known, worse.clone(), silenced];
        let notices = missed(told.into(), &open, |id| (id == over.id).then(|| over.clone()), at(5));
        let found: Vec<_> = notices
            .iter()
            .map(|it| (it.alert, serde_json::from_slice::<serde_json::Value>(&it.body).unwrap()["event"].clone()))
            .collect();
        let expected = [(over.id, "resolved"), (new.id, "raised"), (worse.id, "changed")];
        assert_eq!(found, expected.map(|(id, event)| (id, json!(event))));
        assert_eq!(
            notices.iter().map(|it| it.leaves).collect::<Vec<_>>(),
            [None, Some(Severity::Warning), Some(Severity::Critical)]
        );
    }

    #[test]
    fn notices_go_to_those_whom_they_concern_and_never_wait() {
        let receiver = |name: &str, severity| Receiver {
            name: name.into(),
            target: Target::Command(vec![]),
            severity,
            timeout: Span::from_secs(1),
        };
        let (all, mut of_all) = mpsc::channel(1);
        let (worst, mut of_worst) = mpsc::channel(1);
        let queues = [(receiver("all", Severity::Info), all), (receiver("worst", Severity::Critical), worst)];
        let deliveries = Deliveries::default();
        hand_out(&queues, &notice(1), &deliveries);
        hand_out(&queues, &notice(2), &deliveries);
        assert_eq!(of_all.try_recv().unwrap().id, notice(1).id);
        assert!(of_all.try_recv().is_err() && of_worst.try_recv().is_err());
        assert_eq!(deliveries.standings()["all"].dropped, 1, "one too many is dropped and counted");
        let about = Notice { source: delivery_source("all"), ..Arc::into_inner(notice(3)).unwrap() };
        hand_out(&queues, &Arc::new(about), &deliveries);
        assert!(of_all.try_recv().is_err(), "it does not hear of itself");
    }

    /// Reads a request: its head and its body.
    fn request(stream: &TcpStream) -> (String, Vec<u8>) {
        let mut reader = BufReader::new(stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert!(reader.read_line(&mut head).unwrap() > 0, "a request that breaks off: {head}");
        }
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let mut body = vec![0; length.unwrap().parse().unwrap()];
        reader.read_exact(&mut body).unwrap();
        (head, body)
    }

    fn answer(mut stream: &TcpStream, status: &str) {
        write!(stream, "HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n").unwrap();
    }

    /// Serves a webhook receiver on loopback for as long as `test` runs. It is given the listener, a way to send notices,
    /// and what is told of the receiver.
    fn with_webhook(
        timeout: Span,
        test: impl FnOnce(&TcpListener, &mpsc::Sender<Arc<Notice>>, &std::sync::mpsc::Receiver<Option<String>>, &Deliveries),
    ) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let receiver = Receiver {
            name: "hook".into(),
            target: Target::Webhook {
                url: format!("http://{}/alerts?x=1", listener.local_addr().unwrap()),
                secret: Some(b"secret".to_vec()),
            },
            severity: Severity::Warning,
            timeout,
        };
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (queue, waiting) = mpsc::channel(4);
        let (teller, told) = std::sync::mpsc::channel();
        let deliveries = Deliveries::default();
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(folder.path(), ["hook"]);
        let pace = Pace { first: Duration::from_millis(1), longest: Duration::from_millis(4), dead_after: 3 };
        let tell = move |error| drop(teller.send(error));
        runtime.spawn(serve(receiver, waiting, tell, deliveries.clone(), ledger, pace));
        test(&listener, &queue, &told, &deliveries);
        runtime.shutdown_background();
    }

    #[test]
    fn a_webhook_gets_each_notice_signed_and_once() {
        with_webhook(Span::from_secs(60), |listener, queue, told, deliveries| {
            for number in 1..=2 {
                queue.blocking_send(notice(number)).unwrap();
                let (stream, _) = listener.accept().unwrap();
                let (head, body) = request(&stream);
                assert!(head.starts_with("POST /alerts?x=1 HTTP/1.1\r\n"), "{head}");
                assert!(head.contains(&format!("menagerie-delivery: {}\r\n", notice(number).id)), "{head}");
                assert!(head.contains("menagerie-timestamp: 1000001\r\n"), "{head}");
                assert!(head.contains("menagerie-signature: sha256="), "{head}");
                let json: serde_json::Value = serde_json::from_slice(&body).unwrap();
                assert_eq!((&json["event"], &json["alert"]["source"]), (&json!("raised"), &json!("cage 003")));
                answer(&stream, "204 No Content");
            }
            assert_eq!(told.recv().unwrap(), None, "what an earlier engine said of it is over");
            while deliveries.standings()["hook"].delivered < 2 {
                std::thread::yield_now();
            }
            assert!(told.try_recv().is_err(), "that it works is said once");
        });
    }

    #[test]
    fn one_that_answers_500_is_tried_again_told_of_once_and_heard_again_when_well() {
        with_webhook(Span::from_secs(60), |listener, queue, told, deliveries| {
            queue.blocking_send(notice(1)).unwrap();
            for _ in 0..8 {
                let (stream, _) = listener.accept().unwrap();
                assert!(request(&stream).0.contains(&notice(1).id), "the same notice each time");
                answer(&stream, "500 Internal Server Error");
            }
            let error = told.recv().unwrap().unwrap();
            assert!(error.contains("answered 500"), "{error}");
            assert!(told.try_recv().is_err(), "it is told once");
            let standing = deliveries.standings()["hook"].clone();
            assert!(standing.dead && standing.failures >= 3 && standing.delivered == 0, "{standing:?}");
            loop {
                let (stream, _) = listener.accept().unwrap();
                request(&stream);
                answer(&stream, "200 OK");
                if told.recv().unwrap().is_none() {
                    break;
                }
            }
            let standing = deliveries.standings()["hook"].clone();
            assert_eq!(standing, Standing { delivered: 1, ..Standing::default() });
        });
    }

    #[test]
    fn one_that_hangs_or_is_not_there_counts_as_failed() {
        with_webhook(Span::from_millis(20), |listener, queue, told, _| {
            queue.blocking_send(notice(1)).unwrap();
            // Taken and never answered.
            let held: Vec<_> = (0..3).map(|_| listener.accept().unwrap()).collect();
            let error = told.recv().unwrap().unwrap();
            assert!(error.contains("did not answer within 20ms"), "{error}");
            drop(held);
        });
        let parcel = Parcel { id: "x".into(), timestamp: 1, body: vec![] };
        let unused = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let error = runtime.block_on(webhook::post(&format!("http://{unused}/"), None, &parcel)).unwrap_err();
        assert!(error.error.contains("cannot connect") && !error.for_good, "{error:?}");
    }

    #[test]
    fn one_notice_that_is_refused_for_good_holds_up_no_other() {
        with_webhook(Span::from_secs(60), |listener, queue, told, deliveries| {
            for number in 1..=3 {
                queue.blocking_send(notice(number)).unwrap();
            }
            let next = |status: &str| {
                let (stream, _) = listener.accept().unwrap();
                let (head, _) = request(&stream);
                answer(&stream, status);
                (1..=3).find(|number| head.contains(&format!("menagerie-delivery: {}\r\n", notice(*number).id)))
            };
            for patience in ["408 Request Timeout", "425 Too Early", "429 Too Many Requests", "500 Oh"] {
                assert_eq!(next(patience), Some(1), "it is asked for patience");
            }
            assert_eq!(next("422 Unprocessable Content"), Some(1));
            assert_eq!(next("200 OK"), Some(2));
            assert_eq!(next("200 OK"), Some(3));
            assert!(told.recv().unwrap().is_some(), "it was dead meanwhile");
            assert_eq!(told.recv().unwrap(), None);
            while deliveries.standings()["hook"].delivered < 2 {
                std::thread::yield_now();
            }
            let standing = deliveries.standings()["hook"].clone();
            assert_eq!((standing.refused, standing.dropped, standing.failures), (1, 0, 0));
            assert!(standing.refusal.unwrap().contains("answered 422"));
        });
    }
}
