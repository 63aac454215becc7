//! The yardstick of `menagerie bench dispatch`: the cheapest honest way to run a program in a cgroup of its own.

use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// Runs `/bin/true` `tasks` times on `threads` threads, each time: make a cgroup, spawn into it, wait, remove it. No
/// journal, no output, no sandbox.
///
/// # Errors
/// When no cgroup can be made, or a program fails.
pub fn spawn_into_fresh_cgroups(tasks: usize, threads: usize) -> io::Result<Duration> {
    let root = ["/sys/fs/cgroup/pids", "/sys/fs/cgroup"].map(PathBuf::from).into_iter().find(|path| path.is_dir());
    let root = root.ok_or_else(|| io::Error::other("this host has no cgroups"))?;
    let begun = Instant::now();
    std::thread::scope(|scope| {
        let share = |thread| tasks / threads + usize::from(thread < tasks % threads);
        let running: Vec<_> = (0..threads)
            .map(|thread| (thread, share(thread)))
            .map(|(thread, tasks)| {
                let root = &root;
                scope.spawn(move || one_thread(root, thread, tasks))
            })
            .collect();
        running.into_iter().try_for_each(|thread| {
            thread.join().unwrap_or_else(|_| Err(io::Error::other("a thread of the bare loop panicked")))
        })
    })?;
    Ok(begun.elapsed())
}

fn one_thread(root: &Path, thread: usize, tasks: usize) -> io::Result<()> {
    for number in 0..tasks {
        let group = root.join(format!("menagerie-bare-{}-{thread}-{number}", std::process::id()));
        fs::create_dir(&group)?;
        let status = spawn(&group);
        // The group goes whatever came of the program; the kernel may need a moment to let go of a process that ended.
        while fs::remove_dir(&group).is_err_and(|error| error.kind() == io::ErrorKind::ResourceBusy) {
            std::thread::yield_now();
        }
        if !status? {
            return Err(io::Error::other("/bin/true failed"));
        }
    }
    Ok(())
}

/// Runs the program in the group; gives whether it succeeded.
fn spawn(group: &Path) -> io::Result<bool> {
    let processes = File::options().write(true).open(group.join("cgroup.procs"))?;
    let mut command = Command::new("/bin/true");
    // SAFETY: the child only writes to a descriptor that was opened before; it allocates nothing and takes no lock.
    unsafe {
        command.pre_exec(move || rustix::io::write(&processes, b"0").map(|_| ()).map_err(io::Error::from));
    }
    Ok(command.status()?.success())
}
