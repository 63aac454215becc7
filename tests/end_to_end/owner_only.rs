//! The engine's socket is for its owner alone: by its mode, and should the mode be loosened, by who asks.

use std::fs::Permissions;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::process::CommandExt;

use super::site::Site;

/// An account that owns nothing here.
const STRANGER: u32 = 54_321;

#[test]
fn the_socket_is_for_its_owner_alone() {
    let mut site = Site::new();
    site.start_engine();
    site.apply_fleet(1, 1);
    let socket = site.data_dir().join("engine.sock");
    let metadata = std::fs::metadata(&socket).unwrap();
    assert!(metadata.file_type().is_socket());
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    assert_eq!(std::fs::metadata(site.data_dir()).unwrap().permissions().mode() & 0o077, 0, "the folder is closed too");
    if !rustix::process::getuid().is_root() {
        eprintln!("NOT TESTED: only root can ask as another account");
        return;
    }
    // Where the binary was built another account may have no way in.
    let binary = site.marks_dir().join("menagerie");
    std::fs::copy(env!("CARGO_BIN_EXE_menagerie"), &binary).unwrap();
    let ask = |arguments: &[&str]| {
        let mut command = std::process::Command::new(&binary);
        command.args(arguments).env("MENAGERIE_DATA_DIR", site.data_dir()).env("XDG_CONFIG_HOME", "/nonexistent");
        let output = command.current_dir("/").uid(STRANGER).gid(STRANGER).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (status, error) = ask(&["status"]);
    assert_eq!(status, Some(2), "{error}");
    assert!(error.contains("engine.sock") && error.contains("ermission denied"), "{error}");
    std::fs::set_permissions(site.data_dir(), Permissions::from_mode(0o755)).unwrap();
    std::fs::set_permissions(&socket, Permissions::from_mode(0o666)).unwrap();
    let seq = site.status().unwrap().seq;
    for arguments in
        [&["status"][..], &["task", "list"], &["run", "--", "true"], &["stop", "--all"], &["journal", "tail"]]
    {
        let (status, error) = ask(arguments);
        assert_eq!(status, Some(1), "{arguments:?}: {error}");
        assert!(error.contains(&STRANGER.to_string()), "{arguments:?} says who is refused: {error}");
    }
    assert_eq!(site.status().unwrap().seq, seq, "a stranger changed something");
}
