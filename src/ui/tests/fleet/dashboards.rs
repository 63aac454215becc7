//! What the fixed fleet did.

use serde_json::json;

use super::{HOSTILE, NOW, agents, at};
use crate::domain::confidence::{MedianTime, Rate};
use crate::domain::dashboard::{
    Collaboration, DayPerformance, ErrorSummary, Per, Period, Timeline, TopAgent, TopBy, Trend, Trends,
};
use crate::domain::{Day, Span, Timestamp};

/// The agents that did most; one was removed, one said nothing of tokens, one has a name that means harm.
pub fn top_agents(by: TopBy) -> Vec<TopAgent> {
    let agent = |number: u64| {
        let name = match number {
            3 => None,
            4 => Some(HOSTILE[0].to_owned()),
            other => Some(format!("builder-{other}")),
        };
        json!({
            "agent_id": agents::id(number), "agent": name,
            "execution_count": 5_000 / (number + 1), "success_count": 5_000 / (number + 1) - number * 30,
            "success": Rate::of(5_000 / (number + 1) - number * 30, 5_000 / (number + 1)),
            "avg_duration_ms": (number != 6).then_some(4_200 + number * 1_000),
            "busy_ms": (number != 6).then_some(90_000_000 / (number + 1)),
            "total_tokens_used": (number != 5).then_some(1_234_567 / (number + 1)),
            "last_day": "2026-03-04",
        })
    };
    let mut rows: Vec<TopAgent> = (0..12).map(|number| serde_json::from_value(agent(number)).unwrap()).collect();
    if by == TopBy::Tokens {
        rows.sort_by_key(|row| std::cmp::Reverse(row.total_tokens_used));
    }
    rows
}

/// Days, with a gap in which nothing ended.
pub fn days(count: u64) -> Vec<DayPerformance> {
    let today = Day::of(Timestamp::from_micros(NOW));
    let day = |back: u64| {
        json!({
            "date": Day::from_number(today.number() - i64::try_from(back).unwrap()), "agents": 12 - back % 5,
            "execution_count": 9_000 - back * 800, "success_count": 8_800 - back * 900,
            "success": Rate::of(8_800 - back * 900, 9_000 - back * 800),
            "avg_duration_ms": 4_200 + back * 100, "total_tokens_used": (back != 1).then_some(2_000_000),
        })
    };
    let days = (0..count.min(9)).rev().filter(|back| *back != 3);
    days.map(|back| serde_json::from_value(day(back)).unwrap()).collect()
}

/// Days of two groups, one with an evil name.
pub fn days_apart(count: u64) -> Vec<DayPerformance> {
    let of = |group: &str, day: &DayPerformance| DayPerformance { group: Some(group.to_owned()), ..day.clone() };
    days(count).iter().flat_map(|day| [of("coder", day), of(HOSTILE[0], day)]).collect()
}

/// Groups: one better and slower than before, one that did little, one that did nothing lately.
pub fn trends(days: u64, per: Per) -> Trends {
    let period = |good: u64, all: u64, ms: u64, timed: u64| Period {
        agents: 1 + all % 4,
        success: Rate::of(good, all),
        time: MedianTime::of((0..timed).map(|place| ms + place * 10).collect()),
    };
    let trend = |group: &str, now: Period, before: Period| Trend {
        group: group.to_owned(),
        success_change: now.success.beside(&before.success),
        time_change: now.time.beside(&before.time),
        now,
        before,
    };
    let today = Day::of(Timestamp::from_micros(NOW));
    let back = |days: u64| Day::from_number(today.number() + 1 - i64::try_from(days).unwrap());
    let all = vec![
        trend("builder-1", period(950, 1_000, 4_200, 900), period(600, 1_000, 1_200, 500)),
        trend("tester", period(2, 2, 300, 2), period(40, 50, 300, 40)),
        trend(HOSTILE[0], period(0, 0, 0, 0), period(9, 10, 700, 9)),
    ];
    Trends { per, from: back(days), before: back(2 * days), timed_from: at(600), groups: 3, trends: all }
}

/// What went wrong.
pub fn errors(since: Span) -> ErrorSummary {
    let group = |pattern: &str, outcome: &str, count: u64, example: &str| {
        json!({
            "pattern": pattern, "outcome": outcome, "count": count, "share": Rate::of(count, 171), "agents": 1 + count % 7, "cages": 1 + count % 5,
            "first": at(60_000), "last": at(i64::try_from(count).unwrap() * 13), "example": example,
            "execution_id": format!("0195bbbb-0000-7000-8000-{count:012x}"),
            "task_id": format!("0195dddd-0000-7000-8000-{count:012x}"),
        })
    };
    let from = at(since.as_micros() / 1_000_000);
    serde_json::from_value(json!({
        "looked_at": 171, "complete_from": from,
        "groups": [
            group("exit status <number>: no rule to make target", "failed", 120, "exit status 2: \u{1b}[31mno rule to make target\u{1b}[0m"),
            group("memory: <number> used", "limit_exceeded", 31, "memory: 512MiB used"),
            group(&format!("cannot open <path>: {}", HOSTILE[1]), "failed", 12, &"long ".repeat(200)),
            group("<number> passed", "timed_out", 8, "10m passed"),
        ],
    }))
    .unwrap()
}

/// Who works on whose results.
pub fn collaboration(since: Span) -> Collaboration {
    let link = |from: &str, to: &str, tasks: u64| {
        json!({"from": from, "to": to, "tasks": tasks, "artifacts": tasks / 2, "approved": tasks / 3,
        "success": Rate::of(tasks - tasks / 5, tasks), "overall": Rate::of(tasks * 3 - tasks / 8, tasks * 3),
        "change": Rate::of(tasks - tasks / 5, tasks).beside(&Rate::of(tasks * 3 - tasks / 8, tasks * 3))})
    };
    serde_json::from_value(json!({
        "looked_at": 340, "open": 12, "complete_from": at(since.as_micros() / 1_000_000),
        "links": [
            link("builder-1", "tester", 120), link("tester", "reviewer", 96), link("builder-2", "tester", 60),
            link("builder-1", "builder-1", 31), link("reviewer", HOSTILE[3], 14), link(HOSTILE[0], "builder-2", 7),
        ],
    }))
    .unwrap()
}

/// Executions over eighty cages; of the first half of the time nothing is known when it is longer than a day.
pub fn timeline((from, to): (Timestamp, Timestamp), offset: u64, limit: u64) -> Timeline {
    let range = to.since(from).as_micros();
    let place = |part: i64| Timestamp::from_micros(from.as_micros() + range * part / 100);
    let row = |cage: u64| {
        let start = i64::try_from(cage * 7 % 40).unwrap();
        let span = |from: i64, to: Option<i64>, count: u64, failed: u64| {
            json!({
                "from": place(from), "to": to.map(place), "count": count, "failed": failed,
                "cancelled": u64::from(cage == 2 && count == 1 && from == start),
                "execution_id": format!("0195bbbb-0000-7000-8000-{cage:012x}"),
                "task_id": format!("0195dddd-0000-7000-8000-{cage:012x}"),
                "task_type": if cage == 3 { HOSTILE[2].to_owned() } else { format!("build part {cage}") },
                "agent": (cage != 4).then(|| format!("builder-{cage}")),
            })
        };
        let last = if cage.is_multiple_of(3) {
            span(start + 50, None, 1, 0)
        } else {
            span(start + 50, Some(start + 55), 1, cage % 2)
        };
        json!({"cage_id": format!("{cage:03}"), "spans": [
            span(start, Some(start + 18), 1, u64::from(cage.is_multiple_of(5))),
            span(start + 25, Some(start + 40), 240, if cage.is_multiple_of(4) { 3 } else { 0 }),
            last,
        ]})
    };
    let rows: Vec<_> =
        (1..=80).skip(usize::try_from(offset).unwrap()).take(usize::try_from(limit).unwrap()).map(row).collect();
    let complete = if range > 86_400_000_000 { place(50) } else { from };
    serde_json::from_value(json!({"complete_from": complete, "cages": 80, "rows": rows})).unwrap()
}
