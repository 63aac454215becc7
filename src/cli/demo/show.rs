//! The demo in the console: the screen is there at once, and what is to be seen is submitted meanwhile.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::begin::{Begun, begin};
use super::command_line;
use super::scale::{self, Scale};
use super::survey::{self, Survey};
use crate::api::client::Client;
use crate::cli::config::Settings;
use crate::cli::console::{self, ConsoleArgs};
use crate::cli::context::Context;
use crate::cli::failure::{Failure, Outcome};
use crate::ui::{Starter, Voice};

/// Surveys the repository at or around `path`, or shows the survey that is there unless there is to be one `again`.
pub fn survey(context: &Context, args: &ConsoleArgs, path: Option<&Path>, again: bool) -> Outcome {
    let survey = Survey::prepare(context, path)?;
    let (fleet, tasks) = survey.work()?;
    let settings = survey.context.settings.clone();
    let submit = move |settings: &Settings, voice: &Voice| {
        let client = console::engine(settings, voice)?;
        let (cages, count) = (fleet.cage.len(), tasks.len());
        match begin(&client, fleet, tasks, again) {
            Ok(Begun { tasks, before: Some((since, over)), .. }) => {
                voice.done(survey::was_there(tasks.len(), since, over))
            }
            Ok(_) => voice.done(format!("the survey begins: {count} tasks in {cages} cages")),
            // The engine is there all the same, so the console stays on it.
            Err(failure) => voice.failed(format!("the survey was not submitted: {}", console::one_line(failure))),
        };
        Ok(())
    };
    show(&settings, args, submit)
}

/// Shows a fleet of a given size while its tasks are being submitted.
pub fn at_scale(context: &Context, args: &ConsoleArgs, scale: Scale) -> Outcome {
    let (settings, scripts) = scale::place(context, scale)?;
    let filled = Arc::new(AtomicBool::new(false));
    let begun = Arc::clone(&filled);
    let submit = move |settings: &Settings, voice: &Voice| {
        console::engine(settings, voice)?;
        let (dir, voice) = (settings.data_dir.value.clone(), voice.clone());
        // A million tasks take a while, and the console wants to see them come.
        std::thread::spawn(move || match fill(&dir, scale, &scripts) {
            Ok(()) => {
                filled.store(true, Ordering::Release);
                voice.done(format!("{} tasks are submitted", scale.tasks))
            }
            Err(failure) => voice.failed(format!("not all tasks were submitted: {}", console::one_line(failure))),
        });
        Ok(())
    };
    let status = show(&settings, args, submit)?;
    if !begun.load(Ordering::Acquire) {
        println!("Not all tasks were submitted yet; the same command goes on with it.");
    }
    Ok(status)
}

fn fill(data_dir: &Path, scale: Scale, scripts: &Path) -> Result<(), Failure> {
    let client = Client::connect(data_dir)?;
    scale::declare(&client, scale, scripts)?;
    scale::submit(&client, scale, |_| {})
}

/// Shows the console, with `submit` for what is done beside it at the beginning, and says how to come back.
fn show(
    settings: &Settings,
    args: &ConsoleArgs,
    submit: impl FnOnce(&Settings, &Voice) -> Result<(), Failure> + Send + 'static,
) -> Outcome {
    if !settings.start.value {
        // Better refused now than shown as an engine that cannot be reached.
        Client::connect(&settings.data_dir.value)?;
    }
    let for_starter = settings.clone();
    let starter: Starter = Box::new(move |voice| submit(&for_starter, voice).map_err(console::one_line));
    console::show(settings, args, Some(starter))?;
    let data_dir = &settings.data_dir.value;
    println!("The fleet goes on. To come back:  {}", command_line(data_dir, ""));
    println!("To end it and what runs in it:    {}", command_line(data_dir, "stop --all"));
    Ok(0)
}
