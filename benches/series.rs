//! What metrics cost, each beside what a bare loop takes for the same in the same run: samples a second in batches, a single
//! one, a year of one series at the width of a screen, ten thousand series as Prometheus reads them; and what a day of a thousand
//! cages takes of the disk before it is rolled up and after. Prints JSON; `of_bare` is the bare loop's time by ours, above 1 where we
//! are faster.
//!
//! `cargo bench --bench series -- [SECONDS]`: how many seconds of a thousand cages are simulated, 3600 when left out.

use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Instant;

use menagerie::domain::metric::exposition::Form;
use menagerie::domain::metric::{Function, Key, Meta, MetricKind, Query, Selector};
use menagerie::domain::{Span, Timestamp};
use menagerie::engine::exposition::{Bounds, Standing, text};
use menagerie::engine::samples;
use menagerie::store::series::{Policy, Sample, Series, SeriesId};
use serde_json::{Value, json};

type Outcomes<T> = Result<T, Box<dyn Error>>;

/// 2026-11-28T00:00:00Z.
const START: i64 = 1_795_824_000_000_000;
const SECOND: i64 = 1_000_000;
const HOUR: i64 = 3600 * SECOND;
const CAGES: u32 = 1000;

fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}

/// A stream of bits that is the same in every run (xorshift64*, Vigna 2016).
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    /// Below a bound.
    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }
}

/// A cage: what its gauges stand at and its counters have reached.
#[derive(Default)]
struct Cage {
    busy: bool,
    cpu_us: u64,
    memory: u64,
    pids: u64,
    throttled_us: u64,
    tokens: u64,
    read: u64,
    written: u64,
}

impl Cage {
    /// A second goes by: work begins or ends now and then, so that a third of all cages work at any time.
    fn pass(&mut self, draw: &mut Draw) {
        let turn = draw.below(1200);
        if self.busy && turn < 10 {
            *self = Self { pids: 0, memory: 8 << 20, busy: false, ..std::mem::take(self) };
        } else if !self.busy && turn < 5 {
            *self = Self { pids: 4, memory: 200 << 20, busy: true, ..std::mem::take(self) };
        }
        if !self.busy {
            return;
        }
        self.cpu_us += 150_000 + draw.below(500_000);
        self.memory = (self.memory + draw.below(256) * 4096).saturating_sub(draw.below(250) * 4096);
        if draw.below(10) == 0 {
            self.pids = 3 + draw.below(6);
        }
        if draw.below(20) == 0 {
            self.throttled_us += draw.below(90_000);
        }
        if draw.below(8) == 0 {
            self.tokens += draw.below(4000);
        }
        if draw.below(3) == 0 {
            self.read += draw.below(64) * 4096;
            self.written += draw.below(32) * 4096;
        }
    }

    /// In base units, as they are exposed.
    fn values(&self) -> [f64; 7] {
        let figure = |value: u64| value as f64;
        [
            figure(self.cpu_us) / 1e6,
            figure(self.memory),
            figure(self.pids),
            figure(self.throttled_us) / 1e6,
            figure(self.tokens),
            figure(self.read),
            figure(self.written),
        ]
    }
}

const METRICS: [(&str, MetricKind); 7] = [
    ("bench_cage_cpu_seconds_total", MetricKind::Counter),
    ("bench_cage_memory_bytes", MetricKind::Gauge),
    ("bench_cage_pids", MetricKind::Gauge),
    ("bench_cage_throttled_seconds_total", MetricKind::Counter),
    ("bench_cage_tokens_total", MetricKind::Counter),
    ("bench_cage_read_bytes_total", MetricKind::Counter),
    ("bench_cage_written_bytes_total", MetricKind::Counter),
];

fn ids(series: &Series) -> Outcomes<Vec<SeriesId>> {
    let handle = series.handle();
    let mut ids = vec![];
    for cage in 1..=CAGES {
        for (name, kind) in METRICS {
            let key = Key::new(name, [("cage", format!("{cage:03}").as_str()), ("node", "here")]);
            ids.push(handle.series_id(&key, &Meta::new(kind, "", ""))?);
        }
    }
    Ok(ids)
}

/// Every cage, second by second; a sensor that takes its time shows in the times.
fn batch(cages: &mut [Cage], draw: &mut Draw, ids: &[SeriesId], second: i64) -> Vec<Sample> {
    let time = at(START + second * SECOND + i64::try_from(draw.below(2000)).unwrap_or(0));
    for cage in cages.iter_mut() {
        cage.pass(draw);
    }
    let values = cages.iter().flat_map(Cage::values);
    ids.iter().zip(values).map(|(series, value)| Sample { series: *series, time, value }).collect()
}

fn folder_bytes(folder: &Path, prefix: &str) -> Outcomes<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder.join("metrics"))? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(prefix) {
            bytes += entry.metadata()?.len();
        }
    }
    Ok(bytes)
}

/// A table of samples as rows, and nothing else.
fn bare(path: &Path) -> Outcomes<rusqlite::Connection> {
    let bare = rusqlite::Connection::open(path)?;
    bare.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
         CREATE TABLE sample (series INTEGER NOT NULL, time INTEGER NOT NULL, value REAL NOT NULL);",
    )?;
    Ok(bare)
}

/// The middle of some times; they are sorted by it.
fn median(took: &mut [f64]) -> f64 {
    took.sort_by(f64::total_cmp);
    took[took.len() / 2]
}

/// A time of a thousand cages: throughput beside a bare loop, and what a day takes.
fn cages(root: &Path, seconds: i64) -> Outcomes<Value> {
    let folder = root.join("cages");
    std::fs::create_dir_all(&folder)?;
    let mut series = Series::open(&folder, Policy::default())?;
    let ids = ids(&series)?;
    let mut draw = Draw(1);
    let mut cages: Vec<Cage> = (0..CAGES).map(|_| Cage::default()).collect();
    // A third works from the beginning.
    for _ in 0..1000 {
        for cage in &mut cages {
            cage.pass(&mut draw);
        }
    }
    let bare = bare(&root.join("bare.db"))?;
    let (mut ours, mut theirs, mut samples, mut kept_up) = (0.0, 0.0, 0_usize, 0.0_f64);
    for second in 0..seconds {
        let batch = batch(&mut cages, &mut draw, &ids, second);
        let now = at(START + second * SECOND + 500_000);
        let start = Instant::now();
        series.append(now, &batch)?;
        series.maintain(now)?;
        let took = start.elapsed().as_secs_f64();
        ours += took;
        kept_up = kept_up.max(took);
        samples += batch.len();
        // The bare loop takes every tenth batch, in turns with ours: the machine is the same for both.
        if second % 10 == 0 {
            let rows: Vec<(u32, i64, f64)> =
                (0..).zip(&batch).map(|(place, sample)| (place, sample.time.as_micros(), sample.value)).collect();
            let start = Instant::now();
            bare.execute_batch("BEGIN IMMEDIATE")?;
            let mut insert = bare.prepare_cached("INSERT INTO sample VALUES (?, ?, ?)")?;
            for row in rows {
                insert.execute(row)?;
            }
            bare.execute_batch("COMMIT")?;
            theirs += start.elapsed().as_secs_f64() * 10.0;
        }
    }
    let log = folder_bytes(&folder, "series.db")?;
    let start = Instant::now();
    series.maintain(at(START + (seconds + 1200) * SECOND))?;
    series.maintain(at(START + seconds * SECOND + 2 * HOUR))?;
    let seal_and_roll_up = start.elapsed().as_secs_f64();
    let day = |bytes: u64| bytes as f64 * 86_400.0 / seconds as f64 / 1e6;
    let (raw, minutes, hours) =
        (folder_bytes(&folder, "raw-")?, folder_bytes(&folder, "minutes-")?, folder_bytes(&folder, "hours-")?);
    let every = Instant::now();
    let query = Query {
        selector: Selector::all("bench_cage_memory_bytes"),
        from: at(START),
        to: at(START + seconds * SECOND),
        step: Span::from_secs(60),
        function: Function::P95,
        grouping: Some(menagerie::domain::metric::Grouping {
            aggregate: menagerie::domain::metric::Aggregate::Sum,
            by: vec![],
        }),
    };
    let points = series.handle().query(&query)?.lines.iter().map(|line| line.points.len()).sum::<usize>();
    Ok(json!({
        "seconds": seconds, "series": ids.len(), "samples": samples,
        "samples_per_s": (samples as f64 / ours).round(), "of_bare": theirs / ours, "longest_batch_ms": kept_up * 1e3,
        "seal_and_roll_up_s": seal_and_roll_up,
        "raw_mb_a_day": day(raw), "log_mb": log as f64 / 1e6, "bits_a_sample": raw as f64 * 8.0 / samples as f64,
        "rolled_up_mb_a_day": day(minutes + hours), "minutes_mb_a_day": day(minutes),
        "p95_of_all_cages_an_hour_by_minutes": {"ms": every.elapsed().as_secs_f64() * 1e3, "points": points},
    }))
}

/// Large batches of many series, as a backlog would come in.
fn bulk(root: &Path) -> Outcomes<Value> {
    let folder = root.join("bulk");
    std::fs::create_dir_all(&folder)?;
    let mut series = Series::open(&folder, Policy::default())?;
    let ids = ids(&series)?;
    let mut draw = Draw(2);
    let mut rates = vec![];
    for second in 0..60 {
        let time = at(START + second * SECOND);
        let batch: Vec<Sample> = (0..10)
            .flat_map(|tenth| ids.iter().map(move |id| (tenth, *id)))
            .map(|(tenth, series)| Sample {
                series,
                time: at(time.as_micros() + tenth * 100_000),
                value: draw.below(1 << 20) as f64,
            })
            .collect();
        let start = Instant::now();
        series.append(time, &batch)?;
        rates.push(batch.len() as f64 / start.elapsed().as_secs_f64());
    }
    rates.sort_by(f64::total_cmp);
    Ok(json!({"batch": ids.len() * 10, "median_samples_per_s": rates[rates.len() / 2].round()}))
}

/// One sample at a time.
fn single(root: &Path) -> Outcomes<Value> {
    let folder = root.join("single");
    std::fs::create_dir_all(&folder)?;
    let mut series = Series::open(&folder, Policy::default())?;
    let id = series.handle().series_id(&Key::new("bench", []), &Meta::new(MetricKind::Gauge, "", ""))?;
    let bare = bare(&root.join("bare-single.db"))?;
    let mut insert = bare.prepare("INSERT INTO sample VALUES (1, ?, ?)")?;
    let (mut took, mut theirs) = (vec![], vec![]);
    for place in 0..300 {
        let time = at(START + place * SECOND);
        let start = Instant::now();
        series.append(time, &[Sample { series: id, time, value: place as f64 }])?;
        took.push(start.elapsed().as_secs_f64() * 1e3);
        let start = Instant::now();
        insert.execute((time.as_micros(), place as f64))?;
        theirs.push(start.elapsed().as_secs_f64() * 1e3);
    }
    let middle = median(&mut took);
    Ok(json!({
        "median_ms": middle, "p99_ms": took[took.len() * 99 / 100], "worst_ms": took[took.len() - 1],
        "of_bare": median(&mut theirs) / middle,
    }))
}

/// A year of one series, some samples in every hour; what is read afterwards is a summary for each hour.
fn year(root: &Path) -> Outcomes<Value> {
    let folder = root.join("year");
    std::fs::create_dir_all(&folder)?;
    let mut series = Series::open(&folder, Policy::default())?;
    let id = series.handle().series_id(&Key::new("bench", []), &Meta::new(MetricKind::Gauge, "", ""))?;
    let bare = bare(&root.join("bare-year.db"))?;
    bare.execute_batch("BEGIN")?;
    let mut insert = bare.prepare("INSERT INTO sample VALUES (1, ?, ?)")?;
    let mut draw = Draw(3);
    for hour in 0..365 * 24 {
        let time = |second: i64| at(START + hour * HOUR + second * SECOND);
        let samples: Vec<Sample> = (0..20)
            .map(|place| Sample { series: id, time: time(place * 10), value: draw.below(1000) as f64 })
            .collect();
        series.append(time(200), &samples)?;
        // A row an hour, as few as ours is read from.
        insert.execute((time(0).as_micros(), samples[0].value))?;
        if hour % 24 == 0 {
            series.maintain(time(200))?;
        }
    }
    bare.execute_batch("COMMIT; CREATE INDEX by_time ON sample (series, time)")?;
    let end = START + 365 * 24 * HOUR;
    series.maintain(at(end))?;
    let handle = series.handle();
    let mut found = serde_json::Map::new();
    let mut rows =
        bare.prepare("SELECT (time - ?1) / ?2, avg(value) FROM sample WHERE series = 1 GROUP BY 1 ORDER BY 1")?;
    let mut theirs = vec![];
    for _ in 0..15 {
        let start = Instant::now();
        let points = rows.query_map((START, (end - START) / 300), |row| row.get::<_, f64>(1))?;
        assert!(points.count() >= 300, "a point a step");
        theirs.push(start.elapsed().as_secs_f64() * 1e3);
    }
    let theirs = median(&mut theirs);
    for function in [Function::Avg, Function::Max, Function::P95] {
        let query = Query {
            selector: Selector::all("bench"),
            from: at(START),
            to: at(end),
            step: Span::from_micros((end - START) / 300),
            function,
            grouping: None,
        };
        let mut took = vec![];
        let mut points = 0;
        for _ in 0..15 {
            let start = Instant::now();
            points = handle.query(&query)?.lines.iter().map(|line| line.points.len()).sum();
            took.push(start.elapsed().as_secs_f64() * 1e3);
        }
        let middle = median(&mut took);
        found.insert(function.to_string(), json!({"median_ms": middle, "points": points, "of_bare": theirs / middle}));
    }
    Ok(found.into())
}

/// Ten thousand series as `GET /metrics` writes them.
fn scrape(root: &Path) -> Outcomes<Value> {
    let folder = root.join("scrape");
    std::fs::create_dir_all(&folder)?;
    let mut series = Series::open(&folder, Policy::default())?;
    let handle = series.handle();
    let metrics: Vec<_> = samples::METRICS.iter().filter(|metric| metric.name.starts_with("menagerie_cage_")).collect();
    let mut batch = vec![];
    for place in 0..10_000 {
        let metric = metrics[place % metrics.len()];
        let key = Key::new(metric.name, [("cage", format!("{:03}", place / metrics.len()).as_str()), ("node", "here")]);
        let series = handle.series_id(&key, &Meta::new(metric.kind, metric.unit, metric.description))?;
        batch.push(Sample { series, time: at(START), value: place as f64 * 1.1 });
    }
    series.append(at(START), &batch)?;
    let (mut took, mut theirs) = (vec![], vec![]);
    let mut bytes = 0;
    for _ in 0..15 {
        // As many lines of the same form, written from memory.
        let start = Instant::now();
        let mut lines = String::new();
        for (place, sample) in batch.iter().enumerate() {
            let (name, cage) = (metrics[place % metrics.len()].name, place / metrics.len());
            writeln!(lines, "{name}{{cage=\"{cage:03}\",node=\"here\"}} {}", sample.value)?;
        }
        std::hint::black_box(&lines);
        theirs.push(start.elapsed().as_secs_f64() * 1e3);
        let start = Instant::now();
        bytes = text(&handle, &Standing::default(), Form::OpenMetrics, Bounds::new(true), at(START)).len();
        took.push(start.elapsed().as_secs_f64() * 1e3);
    }
    let middle = median(&mut took);
    Ok(json!({
        "series": batch.len(), "bytes": bytes, "median_ms": middle, "of_bare": median(&mut theirs) / middle,
    }))
}

fn main() -> Outcomes<()> {
    let seconds = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(3600);
    let root = tempfile::tempdir()?;
    let report = json!({
        "single": single(root.path())?,
        "bulk": bulk(root.path())?,
        "cages": cages(root.path(), seconds)?,
        "year": year(root.path())?,
        "scrape": scrape(root.path())?,
    });
    println!("{}", serde_json::to_string_pretty(&report)?);
    Ok(())
}
