//! Landlock: which files, which ports, and that neither signals nor abstract sockets leave the cage.
//!
//! The mount namespace shows a cage only what it was given; these rules say the same a second time by other means, and
//! add what mounts cannot: no writing to `/proc`, no ports, no signals to anybody outside.

use std::path::Path;

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, NetPort, PathBeneath, PathFd, Ruleset, RulesetAttr, RulesetCreated,
    RulesetCreatedAttr, Scope,
};

use super::Plan;
use super::template::SYSTEM;

/// The newest interface whose rights are known here; an older kernel holds what it knows.
const KNOWN: ABI = ABI::V6;

/// Applies the rules to this process and all that follow from it.
pub(super) fn restrict(plan: &Plan<'_>) -> Result<(), String> {
    if version().is_none() {
        return Ok(());
    }
    build(plan).map_err(|error| format!("setting Landlock rules: {error}"))
}

fn build(plan: &Plan<'_>) -> Result<(), Box<dyn std::error::Error>> {
    let all = AccessFs::from_all(KNOWN);
    let read = AccessFs::from_read(KNOWN);
    // Device files cannot be made without privileges anyway.
    let write = all & !(AccessFs::MakeChar | AccessFs::MakeBlock);
    let mut rules = Ruleset::default().handle_access(all)?.scope(Scope::from_all(KNOWN))?;
    if !plan.network.is_all() {
        rules = rules.handle_access(AccessNet::from_all(KNOWN))?;
    }
    let mut rules = rules.create()?;
    for path in SYSTEM.iter().copied().chain(["etc", "run/menagerie"]) {
        rules = allow(rules, &Path::new("/").join(path), read)?;
    }
    // Names may be listed anywhere: there is nothing but what the cage was given.
    rules = allow(rules, Path::new("/"), AccessFs::ReadDir.into())?;
    rules = allow(rules, Path::new("/proc"), AccessFs::ReadFile | AccessFs::ReadDir)?;
    let devices =
        AccessFs::ReadFile | AccessFs::WriteFile | AccessFs::ReadDir | AccessFs::IoctlDev | AccessFs::Truncate;
    rules = allow(rules, Path::new("/dev"), devices)?;
    for path in [Path::new("/tmp"), plan.work, plan.artifacts] {
        rules = allow(rules, path, write)?;
    }
    for grant in plan.grants {
        rules = allow(rules, &grant.target, if grant.writable { write } else { read })?;
    }
    for port in plan.network.ports() {
        rules = rules.add_rule(NetPort::new(*port, AccessNet::ConnectTcp))?;
    }
    rules.restrict_self()?;
    Ok(())
}

fn allow(
    rules: RulesetCreated,
    path: &Path,
    access: BitFlags<AccessFs>,
) -> Result<RulesetCreated, Box<dyn std::error::Error>> {
    let Ok(metadata) = std::fs::metadata(path) else { return Ok(rules) };
    let access = if metadata.is_dir() { access } else { access & AccessFs::from_file(KNOWN) };
    Ok(rules.add_rule(PathBeneath::new(PathFd::new(path)?, access))?)
}

/// The interface that the kernel speaks, from 1; `None` when it has no Landlock or it is switched off.
pub(super) fn version() -> Option<i32> {
    // SAFETY: with this flag the call reads no memory and returns the version.
    let version = unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, std::ptr::null::<u8>(), 0, 1) };
    i32::try_from(version).ok().filter(|version| *version > 0)
}
