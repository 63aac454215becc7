//! Candidates: able exactly when a reassignment is taken, and the best first.

use super::world::*;
use crate::domain::command::Command;
use crate::domain::*;

const FLEET: &str = r#"
[[cage]]
id = "001"
limits = { cpu = 2, memory = "256MiB" }
[[cage]]
range = "002-004"
limits = { cpu = 4, memory = "1GiB" }
[[agent]]
name = "small"
cage = "001"
capabilities = ["shell"]
[[agent]]
name = "large"
cage = "002"
capabilities = ["shell"]
concurrency = 2
[[agent]]
name = "rested"
cage = "003"
capabilities = ["shell"]
[[agent]]
name = "float"
capabilities = ["shell"]
[[agent]]
name = "reader"
capabilities = ["read"]
"#;

fn shell(mebibytes: u64) -> NewTask {
    let mut new = task();
    new.requirements.capabilities = vec!["shell".into()];
    new.requirements.memory = Bytes::from_mib(mebibytes);
    new
}

fn of_task(world: &World, id: TaskId) -> Vec<Candidate> {
    world.core.task_candidates(id).unwrap().into_iter().map(|(_, candidate)| candidate).collect()
}

#[test]
fn an_agent_is_able_exactly_when_it_may_be_given_the_task() {
    for mebibytes in [0, 200, 512, 1024] {
        let mut world = World::new(FLEET);
        let id = world.submit(shell(mebibytes));
        let candidates = of_task(&world, id);
        assert_eq!(candidates.len(), 5);
        for candidate in candidates {
            let agent = Some(world.agent(&candidate.name));
            let taken = world.command(Command::ReassignTasks { ids: vec![id], agent, cage: None });
            assert_eq!(taken.is_ok(), candidate.able, "{mebibytes}: {candidate:?} {taken:?}");
            // Who is free starts at once.
            if candidate.able {
                assert_eq!(world.schedule() == [id], candidate.free, "{candidate:?}");
                if candidate.free {
                    world.command(Command::CancelTasks { ids: vec![id], note: None, pending_only: false }).unwrap();
                    world.finish(id, OutcomeKind::Cancelled);
                    world.command(Command::RetryTasks { ids: vec![id] }).unwrap();
                }
            }
        }
    }
}

#[test]
fn who_is_free_comes_first_and_says_why() {
    let mut world = World::new(FLEET);
    let ids = vec![world.agent("rested")];
    world.command(Command::DrainAgents { ids }).unwrap();
    let busy = world.submit(NewTask { agent: Some("large".into()), ..shell(512) });
    world.submit(NewTask { agent: Some("large".into()), ..shell(768) });
    assert_eq!(world.schedule(), [busy]);
    let id = world.submit(shell(400));
    let candidates = of_task(&world, id);
    let names: Vec<_> = candidates.iter().map(|candidate| candidate.name.as_str()).collect();
    assert_eq!(names, ["float", "large", "rested", "reader", "small"]);
    let free: Vec<_> = candidates.iter().map(|candidate| candidate.free).collect();
    assert_eq!(free, [true, true, false, false, false]);
    let why = |name: &str| candidates.iter().find(|one| one.name == name).unwrap().reasons.join("; ");
    assert!(why("large").contains("memory 400MiB asked, 512MiB free of 1GiB"), "{}", why("large"));
    assert!(why("large").contains("1 of 2 slots taken; 1 task waits for it"), "{}", why("large"));
    assert!(why("small").contains("memory 400MiB asked, cage 001 has 256MiB"), "{}", why("small"));
    assert!(why("reader").contains("lacks shell"), "{}", why("reader"));
    assert!(why("rested").contains("drained"), "{}", why("rested"));
    assert!(world.core.task_candidates(TaskId(uuid::Uuid::nil())).is_none());
}

#[test]
fn who_is_idle_and_cannot_start_is_not_called_busy() {
    let mut world = World::new(FLEET);
    let ids = vec!["003".parse().unwrap(), "004".parse().unwrap()];
    world.command(Command::SetCageMaintenance { ids, on: true }).unwrap();
    let busy = world.submit(NewTask { agent: Some("large".into()), ..shell(800) });
    let small = world.agent("small");
    world.command(Command::DrainAgents { ids: vec![small] }).unwrap();
    assert_eq!(world.schedule(), [busy]);
    let id = world.submit(shell(200));
    let standings = |world: &World| -> Vec<(String, String)> {
        let told = |one: Candidate| (one.name, format!("{}: {}", one.standing, one.reasons.join("; ")));
        of_task(world, id).into_iter().map(told).collect()
    };
    let said = |world: &World, name: &str| standings(world).into_iter().find(|(one, _)| one == name).unwrap().1;
    assert!(
        said(&world, "rested").starts_with("later: can do shell; cage 003 is withheld"),
        "{}",
        said(&world, "rested")
    );
    let float = "later: can do shell; no vacant cage has room now: 1 withheld";
    assert!(said(&world, "float").starts_with(float), "{}", said(&world, "float"));
    assert!(said(&world, "large").starts_with("free: "), "{}", said(&world, "large"));
    assert!(said(&world, "small").starts_with("drained: "), "{}", said(&world, "small"));
    assert!(said(&world, "reader").starts_with("cannot: "), "{}", said(&world, "reader"));
    // Who has its hands full is busy.
    assert_eq!(world.schedule(), [id]);
    assert!(said(&world, "large").starts_with("busy: "), "{}", said(&world, "large"));
}

#[test]
fn the_best_ten_are_told_what_would_have_them_score_best() {
    let mut world = World::new(FLEET);
    let id = world.submit(shell(100));
    let scores = world.core.scores_for_task(id);
    let told: Vec<_> = scores.iter().map(|(_, judged)| judged.to_win.is_some()).collect();
    assert_eq!(told, [false, true, true, true], "the first has nothing to win");
}

#[test]
fn a_cage_is_able_exactly_when_an_agent_may_be_given_it() {
    let mut world = World::new(FLEET);
    world.submit(NewTask { agent: Some("float".into()), ..shell(512) });
    let float = world.agent("float");
    let candidates = world.core.agent_candidates(float).unwrap();
    assert_eq!(candidates[0].name, "004");
    assert!(candidates[0].reasons.contains(&"is vacant".to_owned()), "{:?}", candidates[0]);
    assert!(candidates[0].reasons.iter().any(|reason| reason.contains("would take 1 of the 1")), "{candidates:?}");
    for candidate in candidates {
        let cage = Some(candidate.name.parse().unwrap());
        let taken = world.command(Command::ReassignAgents { ids: vec![float], cage });
        assert_eq!(taken.is_ok(), candidate.able, "{candidate:?} {taken:?}");
        world.command(Command::ReassignAgents { ids: vec![float], cage: None }).unwrap();
    }
}

#[test]
fn a_smaller_home_is_said_to_be_smaller() {
    let mut world = World::new(FLEET);
    let (small, large) = (world.agent("small"), world.agent("large"));
    let said = |world: &World, agent, cage: &str| {
        let candidates = world.core.agent_candidates(agent).unwrap();
        candidates.into_iter().find(|one| one.name == cage).unwrap().reasons
    };
    let smaller = "smaller than cage 002: cpu 2 instead of 4, memory 256MiB instead of 1GiB";
    assert_eq!(said(&world, large, "001")[..2], ["is the home of agent small", smaller], "why not comes first");
    assert!(said(&world, small, "004")[1].starts_with("limits: "), "more than it has is no reason to hesitate");
    assert!(said(&world, large, "004")[1].starts_with("limits: "));

    let what_if = |world: &World, agent, cage: &str| {
        let command = Command::ReassignAgents { ids: vec![agent], cage: Some(cage.parse().unwrap()) };
        let actor = Actor::User(world.user);
        let foretold = world.core.what_if(world.now, actor, &command, &world.context(&command), &world.means).unwrap();
        foretold.items.into_iter().next().unwrap().change
    };
    let said = what_if(&world, small, "004");
    assert!(said.contains("cage 001 -> 004, cpu 2 -> 4, memory 256MiB -> 1GiB"), "{said}");
    world.command(Command::ReassignAgents { ids: vec![small], cage: None }).unwrap();
    let said = what_if(&world, large, "001");
    assert!(said.contains("cage 002 -> 001, cpu 4 -> 2, memory 1GiB -> 256MiB"), "{said}");
    assert!(!what_if(&world, large, "004").contains("memory"), "alike is no change");
}
