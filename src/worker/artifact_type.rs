//! What an artifact is, judged by its name and the beginning of its content.

use crate::domain::ArtifactType;

const CODE: &[&str] = &[
    "rs", "py", "js", "ts", "tsx", "jsx", "c", "h", "cc", "cpp", "hpp", "go", "java", "kt", "rb", "php", "pl", "sh",
    "bash", "zig", "hs", "ml", "lua", "r", "sql", "patch", "diff", "toml", "yaml", "yml", "nix", "css", "scss",
    "swift", "cs", "awk", "sed", "ps1", "mk", "cmake", "proto", "tf", "vue", "ex", "exs", "erl", "scala", "clj",
    "dart",
];
const TEXT: &[&str] = &["md", "txt", "rst", "adoc", "html", "htm", "pdf", "tex", "org", "docx", "odt"];
const DATA: &[&str] =
    &["csv", "tsv", "json", "jsonl", "ndjson", "parquet", "xml", "png", "svg", "jpg", "log", "ipynb", "xlsx", "dat"];

/// The type of an artifact whose agent did not say it: what the name ends in decides first, then words in the name, then how
/// the content begins.
pub(super) fn judge(name: &str, content: &[u8]) -> ArtifactType {
    let lower = name.to_lowercase();
    let file = lower.rsplit('/').next().unwrap_or(&lower);
    let (stem, extension) = file.rsplit_once('.').unwrap_or((file, ""));
    let head = String::from_utf8_lossy(&content[..content.len().min(400)]).to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| stem.contains(word));
    let begins = |words: &[&str]| words.iter().any(|word| head.trim_start().starts_with(word));
    if CODE.contains(&extension)
        || matches!(file, "makefile" | "dockerfile" | "justfile" | "rakefile")
        || begins(&["#!", "diff --git", "--- a/"])
    {
        return ArtifactType::Code;
    }
    let structured = DATA.contains(&extension);
    if !structured && (says(&["decision", "adr-"]) || begins(&["# decision", "# adr"])) {
        return ArtifactType::Decision;
    }
    if !structured && (says(&["report", "summary"]) || begins(&["# report", "# summary"])) {
        return ArtifactType::Report;
    }
    if structured || says(&["analysis", "findings", "metrics", "benchmark"]) || begins(&["# analysis", "# findings"]) {
        return ArtifactType::Analysis;
    }
    if TEXT.contains(&extension) || std::str::from_utf8(content).is_ok() || !head.contains('\u{fffd}') {
        return ArtifactType::Doc;
    }
    ArtifactType::Analysis
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_follow_name_and_content() {
        let judged = [
            ("src/main.rs", "", ArtifactType::Code),
            ("run", "#!/bin/sh\n", ArtifactType::Code),
            ("fix.patch", "", ArtifactType::Code),
            ("README.md", "# Hello", ArtifactType::Doc),
            ("hot-spots.csv", "a,b", ArtifactType::Analysis),
            ("summary.md", "", ArtifactType::Report),
            ("notes.md", "# Decision: use it", ArtifactType::Decision),
        ];
        for (name, content, kind) in judged {
            assert_eq!(judge(name, content.as_bytes()), kind, "{name}");
        }
    }
}
