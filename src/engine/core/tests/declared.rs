//! What a fleet file declares besides cages and agents: users, owners, what is to be known of resources, cages withheld;
//! and the tools that tasks ask for.

use super::world::*;
use crate::domain::command::{Change, Command};
use crate::domain::event::NodeSeen;
use crate::domain::*;

const FLEET: &str = r#"
[[cage]]
range = "001-002"
limits = { cpu = 4, memory = "1GiB", gpu = 1 }
[[agent]]
name = "one"
cage = "001"
tools_available = ["git", "cargo"]
[[agent]]
name = "two"
cage = "002"
"#;

fn applied(world: &mut World, fleet: &str) -> (Vec<Change>, Vec<String>) {
    match world.apply(fleet).unwrap() {
        Reply::Applied { changes, warnings, .. } => (changes, warnings),
        other => panic!("{other:?}"),
    }
}

/// The last record of an agent's declaration.
fn owner_of(world: &World, name: &str) -> UserId {
    let declared = world.records.iter().rev().find_map(|record| match &record.event {
        Event::AgentDeclared(event) if event.spec.name == name => Some((event.owner, event.spec.owner.clone())),
        _ => None,
    });
    let (owner, said) = declared.unwrap();
    assert_eq!(said, None, "the record has the owner once");
    owner
}

#[test]
fn users_are_declared_and_own_agents() {
    let mut world = World::new(FLEET);
    let alice = world.user;
    assert_eq!(owner_of(&world, "one"), alice, "whoever declares an agent owns it");
    let people = "[[user]]\nemail = \"bob@lab\"\nname = \"Bob\"\nroles = [\"reviewer\"]\n[[user]]\nemail = \"alice@host\"\nname = \"Alice\"\n";
    let owned = format!(
        "{people}[[agent]]\nname = \"one\"\ncage = \"001\"\ntools_available = [\"git\", \"cargo\"]\nowner = \"Bob\"\n"
    );
    let (changes, _) = applied(&mut world, &owned);
    let whats: Vec<_> = changes.iter().map(|change| (change.what.as_str(), change.action.as_str())).collect();
    assert_eq!(whats, [("user bob@lab", "add"), ("user alice@host", "change"), ("agent one", "change")]);
    assert_eq!(changes[2].fields, ["owner: alice@host -> bob@lab"]);
    assert_ne!(owner_of(&world, "one"), alice);
    assert!(applied(&mut world, &owned).0.is_empty(), "twice changes nothing");
    // An account of this machine keeps its id and its number.
    let known = world.records.iter().rev().find_map(|record| match &record.event {
        Event::UserAdded(event) if event.user.email == "alice@host" => Some(event.user.clone()),
        _ => None,
    });
    let known = known.unwrap();
    assert_eq!((known.id, known.uid, known.name.as_str()), (alice, Some(1000), "Alice"));
    let refusal = world.apply("[[agent]]\nname = \"one\"\nowner = \"Bobb\"\n").unwrap_err();
    assert!(refusal.to_string().contains("did you mean \"Bob\"?"), "{refusal}");
    // Who is put back after a removal still has its owner.
    let bob = owner_of(&world, "one");
    let one = world.agent("one");
    let reply = world.command(Command::RemoveAgents { ids: vec![one] }).unwrap();
    let Reply::Items { inverse, .. } = reply else { panic!("{reply:?}") };
    for command in inverse {
        world.command(command).unwrap();
    }
    assert_eq!(owner_of(&world, "one"), bob);
}

#[test]
fn a_resource_that_is_withheld_is_lent_to_nobody_and_stays_so() {
    let mut world = World::new(FLEET);
    let mut new = task();
    new.requirements.gpu = 1;
    let holding = world.submit(new.clone());
    assert_eq!(world.schedule(), [holding]);
    let withheld =
        "[[resource]]\nname = \"gpu\"\nmaintenance = true\nmetadata = { location = \"rack 4\", tags = [\"fast\"] }\n";
    let (changes, _) = applied(&mut world, withheld);
    assert_eq!(changes[0].what, "resource gpu of node host");
    assert!(changes[0].fields.contains(&"maintenance: false -> true".to_owned()), "{changes:?}");
    assert!(applied(&mut world, withheld).0.is_empty(), "twice changes nothing");
    let waiting = world.submit(new);
    assert_eq!(world.schedule(), [], "none is lent");
    let said = world.core.explain(world.now, waiting).unwrap();
    assert!(said.reasons.iter().any(|reason| reason.text.contains("withheld for maintenance")), "{said:?}");
    world.finish(holding, OutcomeKind::Succeeded);
    assert_eq!(world.schedule(), [], "nor what was given back");
    // A worker that comes back with more says nothing of what was declared.
    let mut out = crate::engine::core::Decisions::default();
    let more = crate::domain::node::Capacity { cpu_millis: 32_000, ..CAPACITY };
    world.core.node_hello(world.now, "host", more, serde_json::Map::new(), &mut out);
    world.core.node_synced(world.now, world.node, false, &[], &mut out);
    let Event::NodeSeen(NodeSeen { resources, .. }) = &out.records[0].event else { panic!("{out:?}") };
    let gpu = resources.iter().find(|resource| resource.name == "gpu").unwrap();
    assert_eq!((gpu.status, &gpu.metadata["location"]), (ResourceStatus::Maintenance, &"rack 4".into()));
    world.take(out);
    assert_eq!(world.schedule(), []);
    applied(&mut world, "[[resource]]\nname = \"gpu\"\n");
    assert_eq!(world.schedule(), [waiting], "given back, it is lent again");
}

#[test]
fn a_cage_is_withheld_by_the_file_and_given_back() {
    let mut world = World::new(FLEET);
    let cages = |rest: &str| {
        format!("[[cage]]\nrange = \"001-002\"\nlimits = {{ cpu = 4, memory = \"1GiB\", gpu = 1 }}\n{rest}\n")
    };
    let (changes, _) = applied(&mut world, &cages("maintenance = true"));
    assert_eq!(changes.len(), 2);
    assert_eq!(changes[0].fields, ["maintenance: false -> true"]);
    let id = world.submit(task());
    assert_eq!(world.schedule(), []);
    assert!(applied(&mut world, &cages("")).0.is_empty(), "left out, it stays as it is");
    assert_eq!(world.schedule(), []);
    applied(&mut world, &cages("maintenance = false"));
    assert_eq!(world.schedule(), [id]);
    let (changes, _) = applied(&mut world, "[[cage]]\nid = \"009\"\nmaintenance = true\n");
    assert_eq!((changes.len(), changes[0].action.as_str()), (1, "add"));
    let last = &world.records.last().unwrap().event;
    assert!(matches!(last, Event::CageMaintenance(event) if event.on && event.cage_id == cage(9)), "{last:?}");
}

#[test]
fn limits_beyond_the_machine_are_warned_of_once_for_cages_alike() {
    let mut world = World::new(FLEET);
    let (changes, warnings) =
        applied(&mut world, "[[cage]]\nrange = \"003-006\"\nlimits = { cpu = 64, memory = \"1GiB\" }\n");
    assert_eq!(changes.len(), 4, "they are taken all the same");
    assert_eq!(warnings, ["cage 003 and 3 more: limits.cpu 64 is more than node host has: 16"]);
    assert!(applied(&mut world, "[[cage]]\nid = \"007\"\nlimits = { cpu = 16 }\n").1.is_empty());
}

#[test]
fn a_deadline_that_has_passed_is_warned_of() {
    let mut world = World::new(FLEET);
    let at = |time| NewTask { deadline: Some(crate::domain::time::When::At(time)), ..task() };
    let submit = |world: &mut World, tasks| match world.command(Command::SubmitTasks { tasks, keep_going: false }) {
        Ok(Reply::Submitted { warnings, .. }) => warnings,
        other => panic!("{other:?}"),
    };
    let (past, later) =
        (Timestamp::from_micros(world.now.as_micros() - 60_000_000), world.now.plus(Span::from_secs(60)));
    assert!(submit(&mut world, vec![at(later), task()]).is_empty());
    assert_eq!(submit(&mut world, vec![at(past)]), [format!("deadline: {past} has passed already")]);
    let several = submit(&mut world, vec![task(), at(past), at(past)]);
    assert!(several[0].contains("those of 2 tasks") && several[0].contains("task 2"), "{several:?}");
}

#[test]
fn tools_are_matched_like_capabilities_and_are_no_capabilities() {
    let mut world = World::new(FLEET);
    let asks = |tools: &[&str]| {
        let mut new = task();
        new.requirements.tools = tools.iter().map(|tool| (*tool).to_owned()).collect();
        new
    };
    let id = world.submit(asks(&["git"]));
    assert_eq!(world.schedule(), [id]);
    let run = world.core.running()[0];
    assert_eq!(run.2, world.agent("one"), "the only one that has it");
    let other = world.submit(asks(&["git", "cargo"]));
    assert_eq!(world.schedule(), [], "the other agent is idle and has neither");
    world.finish(id, OutcomeKind::Succeeded);
    assert_eq!(world.schedule(), [other]);
    let refusal = world.submit_all(vec![asks(&["gti"])]).unwrap_err().to_string();
    assert!(refusal.contains("requirements.tools: gti") && refusal.contains("did you mean \"git\"?"), "{refusal}");
    let mut capability = task();
    capability.requirements.capabilities = vec!["git".into()];
    assert_eq!(world.submit_all(vec![capability]).unwrap_err().kind, RefusalKind::Impossible);
}

#[test]
fn an_agent_is_changed_field_by_field_and_refused_what_a_file_is_refused() {
    let mut world = World::new(FLEET);
    let (one, two) = (world.agent("one"), world.agent("two"));
    let set = |world: &mut World, id: AgentId, changes: serde_json::Value| {
        let changes = Box::new(serde_json::from_value(changes).unwrap());
        world.command(Command::SetAgent { id, changes }).map_err(|refusal| refusal.to_string())
    };
    let json = |value: &str| serde_json::from_str(value).unwrap();
    set(&mut world, one, json(r#"{"role": "tester", "reports_to": "two", "tools_available": ["make"]}"#)).unwrap();
    let spec = world.core.agent_spec(one).unwrap().clone();
    assert_eq!((spec.role.as_deref(), spec.reports_to.as_deref()), (Some("tester"), Some("two")));
    assert_eq!((spec.tools_available, spec.cage), (vec!["make".to_owned()], "001".parse().ok()), "the rest stays");
    assert_eq!(owner_of(&world, "one"), world.user);
    let records = world.records.len();
    let reply = set(&mut world, one, json(r#"{"role": "tester"}"#)).unwrap();
    assert!(
        matches!(&reply, Reply::Items { warnings, .. } if warnings[0].contains("nothing was changed")),
        "{reply:?}"
    );
    for (id, changes, why) in [
        (two, r#"{"reports_to": "one"}"#, "a hierarchy without a cycle"),
        (two, r#"{"reports_to": "onne"}"#, "did you mean \"one\"?"),
        (two, r#"{"cage": "001"}"#, "001 holds agent one"),
        (two, r#"{"cage": "099"}"#, "099"),
        (two, r#"{"concurrency": 0}"#, "1 to 1024"),
        (two, r#"{"owner": "nobody"}"#, "owner \"nobody\" does not exist"),
        (two, r#"{"capabilities": ["a", "a"]}"#, "each capability once"),
        (two, r#"{"workdir": "x"}"#, "an absolute path"),
    ] {
        let refusal = set(&mut world, id, json(changes)).unwrap_err();
        assert!(refusal.contains(why), "{changes}: {refusal}");
    }
    assert_eq!(world.records.len(), records, "what is refused leaves nothing behind");
}
