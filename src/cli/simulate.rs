//! `menagerie simulate`: the real core in virtual time, for planning.
//!
//! This is the one verb that uses the engine's core directly: it asks no running engine and starts none.

mod figures;
mod workload;
mod world;

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use self::figures::Figures;
use self::workload::Job;
use self::world::Schedule;
use super::context::Context;
use super::failure::{Failure, Outcome};
use super::fleet_file;

/// Options of `menagerie simulate`.
#[derive(Args, Clone, Debug)]
#[command(
    after_help = "A line of the workload: {\"id\", \"submit\": seconds, \"duration\": seconds, \"estimate\": seconds or null, \
    \"cpu\", \"memory\", \"gpu\", \"tokens\", \"priority\", \"deadline\": seconds or null, \"owner\", \"type\"}; all but the first \
    three may be left out. Times count from the simulation's beginning. The scheduler learns a duration when it has passed; \
    the estimate drives backfill.\n\
    Exit status: 0 when every job ended, 1 when some did not or broke a timeout, 2 for refused input."
)]
pub struct SimulateArgs {
    /// The jobs, one JSON object a line; - for standard input
    #[arg(value_name = "WORKLOAD.jsonl")]
    pub workload: PathBuf,
    /// The fleet that does them
    #[arg(long, value_name = "FLEET.toml")]
    pub fleet: PathBuf,
    /// Where to write the schedule: id,start,end,cage as CSV, in the order of submission, seconds
    #[arg(long, value_name = "FILE")]
    pub schedule: Option<PathBuf>,
}

pub fn run(context: &mut Context, args: &SimulateArgs) -> Outcome {
    let fleet = fleet_file::read(&args.fleet)?;
    let (name, jobs) = read_jobs(&args.workload)?;
    // Opened before the work: a folder that cannot be written should not cost the simulation.
    let file = args.schedule.as_deref().map(create).transpose()?;
    let schedule = world::run(&fleet, &jobs).map_err(|error| match error {
        world::Error::Fleet(refusal) => Failure::from(refusal.within(args.fleet.display())),
        world::Error::Jobs(refused) => {
            Failure::Refused(refused.into_iter().map(|(line, refusal)| format!("{name}:{line}: {refusal}")).collect())
        }
    })?;
    if let (Some(file), Some(path)) = (file, &args.schedule) {
        write_schedule(file, &jobs, &schedule).map_err(|error| Failure::file("write", path, &error))?;
    }
    let figures = figures::figures(&jobs, &schedule.runs, schedule.cores, schedule.preemptions);
    show(context, &figures)?;
    context.out.flush()?;
    Ok(i32::from(figures.completed != figures.jobs))
}

fn read_jobs(path: &Path) -> Result<(String, Vec<Job>), Failure> {
    let (name, mut reader): (String, Box<dyn BufRead>) = if path.as_os_str() == "-" {
        ("<stdin>".to_owned(), Box::new(std::io::stdin().lock()))
    } else {
        let file = File::open(path).map_err(|error| Failure::file("read", path, &error))?;
        (path.display().to_string(), Box::new(BufReader::new(file)))
    };
    let jobs = workload::read(&name, &mut *reader).map_err(Failure::Refused)?;
    Ok((name, jobs))
}

fn create(path: &Path) -> Result<File, Failure> {
    File::create(path).map_err(|error| Failure::file("write", path, &error))
}

fn write_schedule(file: File, jobs: &[Job], schedule: &Schedule) -> std::io::Result<()> {
    let mut writer = BufWriter::new(file);
    writeln!(writer, "id,start,end,cage")?;
    for (job, run) in jobs.iter().zip(&schedule.runs) {
        let id = if job.id.contains([',', '"', '\n', '\r']) {
            format!("\"{}\"", job.id.replace('"', "\"\""))
        } else {
            job.id.clone()
        };
        match run {
            Some(run) => {
                writeln!(writer, "{id},{},{},{}", run.start.as_secs_f64(), run.end.as_secs_f64(), run.cage)?;
            }
            // A job that never ran keeps its line, with nothing in it.
            None => writeln!(writer, "{id},,,")?,
        }
    }
    writer.flush()
}

fn show(context: &mut Context, figures: &Figures) -> Result<(), Failure> {
    if context.out.value(&serde_json::json!(figures))? {
        return Ok(());
    }
    let utilisation = figures.utilisation.map_or_else(|| "unknown".to_owned(), |u| format!("{:.1} %", u * 100.0));
    let lines = [
        (
            "jobs",
            format!(
                "{}, {} completed, {} failed, {} unfinished",
                figures.jobs, figures.completed, figures.failed, figures.unfinished
            ),
        ),
        ("makespan", format!("{:.1} s", figures.makespan)),
        ("utilisation", utilisation),
        ("mean wait", format!("{:.1} s", figures.mean_wait)),
        ("p95 wait", format!("{:.1} s", figures.p95_wait)),
        ("longest wait", format!("{:.1} s", figures.longest_wait)),
        ("mean bounded slowdown", format!("{:.2} (runs count as 10 s at least)", figures.mean_bounded_slowdown)),
        ("missed deadlines", figures.missed_deadlines.to_string()),
        ("preemptions", figures.preemptions.to_string()),
    ];
    for (name, value) in lines {
        context.out.line(&format!("{name:<22} {value}"))?;
    }
    for (name, owner) in &figures.owners {
        context.out.line(&format!(
            "owner {name:<16} {} jobs, {:.1} core-seconds, share {:.1} %, mean wait {:.1} s",
            owner.jobs,
            owner.cpu_seconds,
            owner.share * 100.0,
            owner.mean_wait
        ))?;
    }
    Ok(())
}
