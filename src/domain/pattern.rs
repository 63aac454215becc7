//! Texts with stars in them, as silences and rules use them to say which things they mean.

/// Whether `text` fits `pattern`, in which each `*` stands for any number of characters and every other character for
/// itself. Takes at most the product of both lengths.
pub fn fits(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or("");
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything_and_the_rest_for_itself() {
        for (pattern, text) in [
            ("cage 003", "cage 003"),
            ("cage *", "cage 003"),
            ("*", ""),
            ("*003", "cage 003"),
            ("c*0*3", "cage 003"),
            ("**", "x"),
            ("a*a", "aba"),
        ] {
            assert!(fits(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in
            [("cage 00", "cage 003"), ("agent *", "cage 003"), ("*4", "cage 003"), ("", "x"), ("a*a", "a"), ("x*", "")]
        {
            assert!(!fits(pattern, text), "{pattern} {text}");
        }
    }
}
