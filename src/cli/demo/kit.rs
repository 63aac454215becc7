//! What the demo brings along: the fleet and the scripts of `docs/examples/survey/` and `docs/examples/scale/`, carried in
//! the binary.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Embeds files of the survey by name.
macro_rules! survey {
    ($($name:literal),+ $(,)?) => {
        &[$(($name, include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/examples/survey/", $name)))),+]
    };
}

/// Scripts, by file name.
pub type Scripts = &'static [(&'static str, &'static str)];

/// Every script of the survey.
pub const SURVEY: Scripts = survey![
    "activity.sh",
    "churn.sh",
    "common.sh",
    "complexity.sh",
    "dependencies.sh",
    "docs.sh",
    "duplicates.sh",
    "glutton.sh",
    "licences.sh",
    "links.sh",
    "secrets.sh",
    "sizes.sh",
    "summary.sh",
    "tests.sh",
    "todo.sh",
    "unsafe.sh",
];

/// The fleet, with [`REPOSITORY_MARK`] and [`SCRIPTS_MARK`] where paths go.
pub const FLEET: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/examples/survey/survey.toml"));

/// Stands in [`FLEET`] for the repository.
pub const REPOSITORY_MARK: &str = "/SURVEY/repository";

/// Stands in [`FLEET`] for the folder of the scripts.
pub const SCRIPTS_MARK: &str = "/SURVEY/scripts";

/// Every script of a fleet at scale.
pub const SCALE: Scripts =
    &[("shift.sh", include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/examples/scale/shift.sh")))];

/// Writes scripts into `folder`, which is made when it is not there. They are readable for everybody: a cage may
/// run its agent as another user.
///
/// # Errors
/// Whatever the file system says.
pub fn write(folder: &Path, scripts: Scripts) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755))?;
    for (name, text) in scripts {
        let path = folder.join(name);
        fs::write(&path, text)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_script_of_the_folder_is_carried() {
        for (name, scripts) in [("survey", SURVEY), ("scale", SCALE)] {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/examples").join(name);
            let mut found: Vec<String> = fs::read_dir(folder)
                .unwrap()
                .map(|entry| entry.unwrap().path())
                .filter(|path| path.extension().is_some_and(|extension| extension == "sh"))
                .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
                .collect();
            found.sort();
            let carried: Vec<&str> = scripts.iter().map(|(name, _)| *name).collect();
            assert_eq!(found, carried);
        }
    }

    /// What a shift of this number, as a task or as an element of an array, says and leaves, and whether it succeeds.
    fn shift(number: u32, element: Option<u32>) -> (bool, String, usize) {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), SCALE).unwrap();
        let artifacts = folder.path().join("artifacts");
        fs::create_dir(&artifacts).unwrap();
        // As the worker hands it over: in one line that has no end.
        let task = folder.path().join("task");
        fs::write(&task, format!(r#"{{"a":1,"parameters":{{"configuration":{{"number":{number},"seconds":0}}}}}}"#))
            .unwrap();
        let mut command = std::process::Command::new("/bin/sh");
        command.arg(folder.path().join("shift.sh")).env("MENAGERIE_ARTIFACTS", &artifacts);
        command.env_remove("MENAGERIE_ARRAY_INDEX").envs(element.map(|at| ("MENAGERIE_ARRAY_INDEX", at.to_string())));
        let output = command.stdin(fs::File::open(task).unwrap()).output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        (output.status.success(), said, fs::read_dir(&artifacts).unwrap().count())
    }

    #[test]
    fn a_shift_speaks_the_protocol_and_follows_from_its_number() {
        let (succeeded, said, left) = shift(12, None);
        assert!(succeeded && left == 0, "{said}");
        let messages: Vec<serde_json::Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let kinds: Vec<&str> = messages.iter().filter_map(|message| message["type"].as_str()).collect();
        assert_eq!(kinds.iter().filter(|kind| **kind == "progress").count(), 5);
        assert_eq!(kinds.last(), Some(&"result"));
        assert!(messages[messages.len() - 1]["output"]["names"].as_u64() > Some(0), "{said}");
        assert_eq!(shift(27, None).2, 1, "every twentieth leaves a report");
        assert!(!shift(49, None).0, "every fiftieth fails");
        assert!(!shift(12, Some(99)).0, "an element of an array goes by its own number");
    }

    #[test]
    fn the_scripts_are_written_whole() {
        let folder = tempfile::tempdir().unwrap();
        let scripts = folder.path().join("a b/scripts");
        write(&scripts, SURVEY).unwrap();
        write(&scripts, SURVEY).unwrap();
        for (name, text) in SURVEY {
            assert_eq!(fs::read_to_string(scripts.join(name)).unwrap(), *text);
        }
    }
}
