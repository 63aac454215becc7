//! Environment variables that people declare for agents and tasks.

use super::refusal::Refusal;

/// What the names of Menagerie's own variables begin with. The worker sets them; nobody else can.
pub const OWN_PREFIX: &str = "MENAGERIE_";

/// Checks the name of a variable that somebody declares in `field`.
///
/// # Errors
/// An empty name, one with `=` or a NUL byte, which no process could be given, and one of Menagerie's own.
pub fn check_variable_name(field: &str, name: &str) -> Result<(), Refusal> {
    if name.is_empty() || name.contains(['=', '\0']) {
        return Err(Refusal::invalid(field, name, "names of variables without = and NUL bytes, such as LEVEL"));
    }
    if name.starts_with(OWN_PREFIX) {
        return Err(Refusal::invalid(field, name, format!("names that do not begin with {OWN_PREFIX}"))
            .hint("Those are set by Menagerie itself; choose another name"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_no_process_could_be_given_are_refused() {
        for name in ["", "A=B", "=", "A\0"] {
            assert!(check_variable_name("env", name).is_err(), "{name:?}");
        }
        for name in ["A", "a.b", "MENAGERIE", "menagerie_x", "X_MENAGERIE_"] {
            assert!(check_variable_name("env", name).is_ok(), "{name:?}");
        }
    }

    #[test]
    fn our_own_names_are_refused_by_name() {
        let refusal = check_variable_name("env", "MENAGERIE_AGENT").unwrap_err().to_string();
        assert!(refusal.starts_with("env: \"MENAGERIE_AGENT\" is not allowed"), "{refusal}");
    }
}
