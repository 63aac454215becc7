//! Metrics: the list, the chart, what is asked for it, and GPUs.

use std::time::Duration;

use super::{Driver, NOW, fleet, frames, options};
use crate::api::live::{Pulse, Topic};
use crate::domain::metric::{Function, Query};
use crate::ui::Options;
use crate::ui::message::Message;
use crate::ui::place::Place;
use crate::ui::request::{Answer, Request};
use crate::ui::terminal::ColorDepth;

fn on(metric: &str, size: (u16, u16)) -> Driver {
    let mut driver = Driver::new(&Place::Metrics, size);
    filter(&mut driver, metric);
    driver
}

fn filter(driver: &mut Driver, words: &str) {
    driver.press("/ ctrl-u");
    driver.type_text(words);
    driver.press("enter");
}

/// What is asked when a key is pressed; nothing is answered.
fn asked(driver: &mut Driver, key: &str) -> Vec<Query> {
    driver.app.update(Message::Key(key.parse().unwrap(), std::time::Instant::now()));
    driver.draw();
    driver.collect();
    queries(driver)
}

fn queries(driver: &mut Driver) -> Vec<Query> {
    let asked = std::mem::take(&mut driver.asked).into_iter();
    asked
        .filter_map(|(_, request)| if let Request::Series(queries) = request { Some(queries) } else { None })
        .flatten()
        .collect()
}

fn usage() -> Message {
    Message::Pulse(Pulse { changed: vec![Topic::Usage], ..fleet::pulse() })
}

#[test]
fn a_chart_names_its_lines_their_figures_and_units() {
    for size in [(80, 24), (120, 36), (200, 60)] {
        let mut driver = on("cpu_seconds", size);
        for words in ["cage_cpu_seconds_total", "rate", "the last 1h", "LAST", "MAX", "cage 000", "cage 002", "s/s"] {
            driver.sees(words);
        }
        // What all of them have in common is said once.
        assert_eq!(driver.draw().matches("node ").count(), 1, "{}", driver.draw());
        assert!(!driver.draw().replace('\n', "").chars().any(char::is_control));
        filter(&mut driver, "memory");
        for words in ["highest of 1000", "mean of 1000", "lowest of 1000", "MiB"] {
            driver.sees(words);
        }
        filter(&mut driver, "errors");
        driver.sees("14.4%");
        filter(&mut driver, "queue_wait");
        driver.sees("nothing was measured in this time");
        filter(&mut driver, "queue_wait cage:9*");
        driver.sees("no series fits, or nothing was measured in this time");
        driver.sees("menagerie_queue_wait_seconds{cage~");
        filter(&mut driver, "nothing_like_this");
        driver.sees("no metric matches");
    }
}

#[test]
fn a_series_that_has_ended_says_when() {
    for (minutes, says) in [(0, false), (2, false), (12, true)] {
        let mut driver = Driver::new(&Place::Metrics, (120, 36));
        driver.engine = Box::new(move |request| match fleet::answer(request) {
            Ok(Answer::Series(mut answers)) => {
                let end = NOW - minutes * 60_000_000;
                for line in answers.iter_mut().flat_map(|answer| answer.lines.iter_mut().take(1)) {
                    line.points.retain(|point| point.time.as_micros() <= end);
                }
                Ok(Answer::Series(answers))
            }
            answer => answer,
        });
        filter(&mut driver, "cpu_seconds");
        driver.press("ctrl-r");
        let frame = driver.draw();
        assert_eq!(frame.matches("ended 12m ago").count(), usize::from(says), "{minutes}: {frame}");
        assert_eq!(frame.matches("ended").count(), usize::from(says), "{minutes}: {frame}");
    }
}

#[test]
fn a_gap_stays_a_gap_and_is_neither_zero_nor_drawn_over() {
    let options = Options { ascii: true, ..options(ColorDepth::True) };
    let mut driver = Driver::with(options, &Place::Metrics, (120, 36));
    filter(&mut driver, "errors");
    let frame = driver.draw();
    let rows: Vec<Vec<char>> = frame.lines().map(|line| line.chars().collect()).collect();
    let (left, right) = (57, 118);
    let drawn = |column: usize| rows[5..30].iter().any(|row| row.get(column) == Some(&'a'));
    let empty: Vec<usize> = (left..right).filter(|column| !drawn(*column)).collect();
    // Six minutes of sixty, and at most a column at either end of the chart.
    assert!((5..10).contains(&empty.len()), "{empty:?}\n{frame}");
    assert!(empty.windows(2).filter(|pair| pair[1] == pair[0] + 1).count() >= 4, "{empty:?}\n{frame}");
}

#[test]
fn a_quantile_has_its_bands_and_a_mean_has_none() {
    let options = Options { ascii: true, ..options(ColorDepth::True) };
    let mut driver = Driver::with(options, &Place::Metrics, (120, 36));
    filter(&mut driver, "request_duration");
    driver.sees("bands p90, p99");
    // Dots above the line of the median, and none below it.
    let dots = |driver: &mut Driver| {
        let frame = driver.draw();
        let rows: Vec<Vec<char>> = frame.lines().map(|line| line.chars().collect()).collect();
        let column = |x: usize| -> String { rows[4..28].iter().filter_map(|row| row.get(x)).collect() };
        (60..80).map(column).collect::<Vec<_>>()
    };
    for column in dots(&mut driver) {
        let (line, last) = (column.find(['a', 'b']).unwrap(), column.rfind('.'));
        assert!(column[..line].contains('.'), "{column:?}");
        assert!(last.is_some_and(|last| last <= column.rfind(['a', 'b']).unwrap() + 1), "{column:?}");
    }
    filter(&mut driver, "errors");
    driver.sees_not("bands");
    assert!(dots(&mut driver).iter().all(|column| !column.contains('.')));
}

#[test]
fn keys_change_range_function_and_moment() {
    let mut driver = on("temperature", (120, 36));
    let longer = asked(&mut driver, "+");
    let minutes = longer[0].to.since(longer[0].from).as_micros() / 60_000_000;
    assert!((360..364).contains(&minutes), "{minutes}");
    assert_eq!(longer[0].function, Function::Avg);
    assert_eq!(asked(&mut driver, "f")[0].function, Function::Min);
    let back = asked(&mut driver, "h");
    let hours = |query: &Query| (NOW - query.to.as_micros()) as f64 / 3.6e9;
    assert!((2.9..3.1).contains(&hours(&back[0])), "{back:?}");
    driver.press("ctrl-r");
    driver.sees("until 2026-03-04 07:0");
    let forward = asked(&mut driver, "l");
    assert!(hours(&forward[0]) <= 0.0, "now is followed again");
    driver.press("l");
    driver.sees("the chart ends now");
    let compared = asked(&mut driver, "c");
    assert_eq!(compared.len(), 2);
    assert_eq!(compared[1].to, compared[0].from);
    for _ in 0..5 {
        driver.press("-");
    }
    driver.sees("there is no shorter range than 15m");
    // A counter is not shown by what says nothing about it.
    filter(&mut driver, "cpu_seconds");
    driver.sees("rate");
    driver.sees("dim: 15m before");
}

#[test]
fn labels_in_the_filter_narrow_the_series() {
    let mut driver = on("memory", (120, 36));
    driver.press("/ end");
    driver.type_text(" cage:00*");
    driver.press("enter");
    let asked = asked(&mut driver, "+");
    assert_eq!(asked.len(), 1, "each series by itself");
    assert_eq!(asked[0].selector.to_string(), "menagerie_cage_memory_used_bytes{cage~\"00*\"}");
    driver.settle();
    driver.app.update(usage());
    driver.settle();
    driver.sees("more; / narrows them");
}

#[test]
fn only_what_is_in_sight_is_asked_for_and_only_when_something_changed() {
    let mut driver = on("temperature", (120, 36));
    driver.collect();
    assert!(driver.asked.is_empty() && driver.app.wake_at().is_none(), "no timer");
    driver.app.update(usage());
    driver.collect();
    let names: Vec<_> = driver.asked.iter().map(|(_, request)| request.clone()).collect();
    assert!(matches!(&names[..], [Request::Series(queries)] if queries.len() == 1), "{names:?}");
    let query = queries(&mut driver).remove(0);
    let steps = query.to.since(query.from).as_micros() / query.step.as_micros();
    assert!(steps <= 2 * 120 && steps > 60, "{steps}");
    driver.app.update(Message::Pulse(Pulse { changed: vec![Topic::Tasks, Topic::Alerts], ..fleet::pulse() }));
    driver.collect();
    assert!(queries(&mut driver).is_empty());
    // What was does not change.
    driver.settle();
    driver.press("h");
    driver.app.update(usage());
    driver.collect();
    assert!(queries(&mut driver).is_empty());
    driver.later(Duration::from_secs(11));
    driver.app.update(usage());
    driver.collect();
    assert!(driver.asked.iter().any(|(_, request)| *request == Request::Metrics), "there may be new ones");
    // GPUs are asked for while they are looked at.
    driver.settle();
    driver.press("p");
    driver.app.update(usage());
    driver.collect();
    assert!(driver.asked.iter().all(|(_, request)| *request == Request::Sensors) && !driver.asked.is_empty());
}

#[test]
fn an_answer_that_comes_late_is_not_shown_under_another_name() {
    let mut driver = on("temperature", (120, 36));
    driver.app.update(Message::Key("+".parse().unwrap(), std::time::Instant::now()));
    driver.draw();
    driver.collect();
    let (ticket, request) = driver.asked.pop().unwrap();
    driver.asked.clear();
    driver.app.update(Message::Key("-".parse().unwrap(), std::time::Instant::now()));
    driver.draw();
    driver.app.update(Message::Answer { ticket, answer: fleet::answer(&request) });
    driver.sees("the last 1h");
    driver.settle();
    // What cannot be asked leaves what was there, and says why.
    driver.engine = Box::new(|_| Err("it is busy".to_owned()));
    driver.press("f");
    driver.sees("OLD: it is busy");
    driver.sees("cage 003");
}

#[test]
fn gpus_say_how_they_are_what_runs_on_them_and_why_there_are_none() {
    for size in [(80, 24), (120, 36), (200, 60)] {
        let mut driver = Driver::new(&Place::Metrics, size);
        driver.press("p");
        for words in [
            "GPUs [4, 1 lost]",
            "driver 550.54.15",
            "throttled: power cap",
            "96%",
            "71 GiB of 80 GiB",
            "640 of 700 W",
            "68 C",
            "1.98 GHz",
            "pid 4242",
            "cage 003",
            "no agent's",
            "3 errors of memory not corrected",
            // At the end of their lines: what there is no room for is left out before them.
            "from it 300 MiB/s   ecc 0 not corrected",
            "fan 30%",
        ] {
            driver.sees(words);
        }
        // What a device does not tell is not zero.
        assert!(driver.draw().contains("- of -"), "{}", driver.draw());
        driver.press("j");
        assert_eq!(driver.app.target(), Some(Place::Task("0195dddd-0000-7000-8000-000000000002".into())));
        driver.press("j j j");
        assert_eq!(driver.app.target(), None);
        driver.press("j");
        assert_eq!(driver.app.target(), Some(Place::Cage("004".into())));
        driver.press("G");
        driver.sees("lost: it no longer answers");
        driver.press("p");
        driver.sees("SERIES");
    }
    let mut driver = Driver::new(&Place::Metrics, (120, 36));
    driver.press("p");
    driver.sees("no_library: no GPU: the library of NVIDIA's driver");
    driver.sees("out of reach: how its GPUs are is unknown");
    driver.engine = Box::new(|request| match request {
        Request::Sensors => Ok(Answer::Sensors(vec![])),
        other => fleet::answer(other),
    });
    driver.app.update(usage());
    driver.settle();
    driver.sees("No machine has joined yet.");
}

#[test]
fn clicks_choose_a_metric() {
    let mut driver = Driver::new(&Place::Metrics, (120, 36));
    let frame = driver.draw();
    let row = frame.lines().position(|line| line.contains("gpu_temperature")).unwrap();
    let click = crossterm::event::MouseEvent {
        kind: crossterm::event::MouseEventKind::Down(crossterm::event::MouseButton::Left),
        column: 5,
        row: u16::try_from(row).unwrap(),
        modifiers: crossterm::event::KeyModifiers::NONE,
    };
    driver.app.update(Message::Mouse(click));
    driver.draw();
    driver.settle();
    driver.sees("▶ gpu_temperature");
    driver.sees("80.3 C");
}

#[test]
fn enter_gives_the_chart_all_the_room_and_the_list_back() {
    for size in [(80, 24), (120, 36)] {
        let mut driver = on("cpu_seconds", size);
        let before = driver.draw();
        driver.sees("▶ cage_cpu");
        driver.press("enter");
        driver.sees_not("▶ cage_cpu");
        driver.sees_not("under the cursor");
        driver.sees("cage_cpu_seconds_total");
        driver.press("enter");
        assert_eq!(driver.draw(), before);
    }
}

#[test]
fn they_look_as_they_did() {
    let mut problems = Vec::new();
    for size in frames::SIZES {
        for depth in [ColorDepth::True, ColorDepth::Mono] {
            for (name, keys) in [("metrics-chart", "j j j c"), ("metrics-quantiles", "G"), ("gpus", "p j")] {
                let mut driver = Driver::with(options(depth), &Place::Metrics, size);
                driver.press(keys);
                problems.extend(frames::check_encoded(name, size, depth, &mut driver).err());
            }
        }
        let options = Options { ascii: true, ..options(ColorDepth::True) };
        let mut driver = Driver::with(options, &Place::Metrics, size);
        driver.press("j j j");
        problems.extend(frames::check_encoded("metrics-ascii", size, ColorDepth::True, &mut driver).err());
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}
