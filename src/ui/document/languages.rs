//! What has to be known of a language to colour it: how comments and strings begin and end, and its words.
//!
//! Languages are alike enough that a dozen families do for nearly everything that agents write. A word that is coloured
//! too much does no harm: colours help the eye, the text is all there.

/// How one family of languages is written.
#[derive(Debug, PartialEq, Eq)]
pub struct Language {
    /// Its name for people.
    pub name: &'static str,
    /// Endings of file names, and whole names of files.
    files: &'static [&'static str],
    /// Programs that the first line of a script may name.
    programs: &'static [&'static str],
    /// What begins a comment that ends with the line.
    pub line_comments: &'static [&'static str],
    /// What begins and ends a comment that may go over several lines.
    pub block_comment: Option<(&'static str, &'static str)>,
    /// What begins a string that may go over several lines, and ends it. Longer ones stand before shorter ones.
    pub long_quotes: &'static [&'static str],
    /// What begins and ends a string on one line.
    pub quotes: &'static [char],
    /// Whether a single quote may also stand alone, as in a lifetime.
    pub loose_quote: bool,
    /// Words with a meaning of their own.
    pub keywords: &'static [&'static str],
    /// Whether words mean the same in capitals.
    pub any_case: bool,
    /// What follows a name that is set: `=` or `:`; the name is then coloured like a keyword.
    pub keys: &'static [char],
}

/// A language of which nothing is known.
const BARE: Language = Language {
    name: "code",
    files: &[],
    programs: &[],
    line_comments: &[],
    block_comment: None,
    long_quotes: &[],
    quotes: &['"', '\''],
    loose_quote: false,
    keywords: &[],
    any_case: false,
    keys: &[],
};

/// Comments as in C.
const C_LIKE: Language =
    Language { line_comments: &["//"], block_comment: Some(("/*", "*/")), quotes: &['"', '\''], ..BARE };

/// The languages; the last one is for code of which nothing else is known.
// Words fill their lines here; left to itself the formatter gives each a line of its own.
#[rustfmt::skip]
static ALL: &[Language] = &[
    Language {
        name: "Rust",
        files: &["rs"],
        quotes: &['"'],
        loose_quote: true,
        keywords: &[
            "as", "async", "await", "break", "const", "continue", "crate", "dyn", "else", "enum", "extern", "false",
            "fn", "for", "if", "impl", "in", "let", "loop", "match", "mod", "move", "mut", "pub", "ref", "return",
            "self", "Self", "static", "struct", "super", "trait", "true", "type", "unsafe", "use", "where", "while",
        ],
        ..C_LIKE
    },
    Language {
        name: "JavaScript",
        files: &["js", "mjs", "cjs", "jsx", "ts", "tsx", "vue", "svelte"],
        programs: &["node", "deno", "bun"],
        long_quotes: &["`"],
        keywords: &[
            "abstract", "any", "as", "async", "await", "boolean", "break", "case", "catch", "class", "const",
            "continue", "default", "delete", "do", "else", "enum", "export", "extends", "false", "finally", "for",
            "from", "function", "if", "implements", "import", "in", "instanceof", "interface", "let", "new", "null",
            "number", "of", "private", "protected", "public", "readonly", "return", "static", "string", "super",
            "switch", "this", "throw", "true", "try", "type", "typeof", "undefined", "var", "void", "while", "yield",
        ],
        ..C_LIKE
    },
    Language {
        name: "Go",
        files: &["go"],
        long_quotes: &["`"],
        keywords: &[
            "break", "case", "chan", "const", "continue", "default", "defer", "else", "fallthrough", "false", "for",
            "func", "go", "goto", "if", "import", "interface", "map", "nil", "package", "range", "return", "select",
            "struct", "switch", "true", "type", "var",
        ],
        ..C_LIKE
    },
    Language {
        name: "C family",
        files: &[
            "c", "h", "cc", "cpp", "cxx", "hh", "hpp", "m", "mm", "java", "kt", "kts", "cs", "swift", "scala",
            "groovy", "gradle", "dart", "zig", "proto", "php", "glsl", "cu", "v", "sv",
        ],
        long_quotes: &["\"\"\""],
        keywords: &[
            "abstract", "as", "async", "auto", "await", "bool", "boolean", "break", "byte", "case", "catch", "char",
            "class", "const", "constexpr", "continue", "def", "default", "delete", "do", "double", "else", "enum",
            "explicit", "extends", "extern", "false", "final", "finally", "float", "for", "foreach", "fun", "func",
            "function", "goto", "if", "implements", "import", "in", "inline", "int", "interface", "internal", "let",
            "long", "message", "namespace", "new", "nil", "null", "nullptr", "object", "operator", "override",
            "package", "private", "protected", "public", "return", "self", "short", "signed", "sizeof", "static",
            "string", "struct", "super", "switch", "template", "this", "throw", "throws", "true", "try", "typedef",
            "typename", "union", "unsigned", "using", "val", "var", "virtual", "void", "volatile", "when", "while",
        ],
        ..C_LIKE
    },
    Language {
        name: "Python",
        files: &["py", "pyi", "pyw", "ipy", "star", "bzl", "build"],
        programs: &["python", "python3"],
        line_comments: &["#"],
        long_quotes: &["\"\"\"", "'''"],
        keywords: &[
            "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del", "elif", "else",
            "except", "False", "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "match",
            "None", "nonlocal", "not", "or", "pass", "raise", "return", "self", "True", "try", "while", "with",
            "yield",
        ],
        ..BARE
    },
    Language {
        name: "shell",
        files: &["sh", "bash", "zsh", "ksh", "fish", "dockerfile", "makefile", "mk", "just", "justfile", "env"],
        programs: &["sh", "bash", "zsh", "dash", "ksh", "fish", "make"],
        line_comments: &["#"],
        keywords: &[
            "case", "cd", "do", "done", "echo", "elif", "else", "esac", "exec", "exit", "export", "fi", "for",
            "function", "if", "in", "local", "read", "return", "set", "shift", "source", "then", "trap", "unset",
            "until", "while", "ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "LABEL", "RUN",
            "USER", "VOLUME", "WORKDIR",
        ],
        ..BARE
    },
    Language {
        name: "Ruby family",
        files: &["rb", "rake", "gemfile", "pl", "pm", "ex", "exs", "cr", "jl", "r", "nim", "tcl"],
        programs: &["ruby", "perl", "elixir", "julia", "Rscript"],
        line_comments: &["#"],
        keywords: &[
            "alias", "and", "begin", "break", "case", "class", "def", "defmodule", "do", "else", "elseif", "elsif",
            "end", "ensure", "export", "false", "fn", "for", "function", "if", "import", "in", "let", "local",
            "module", "my", "next", "nil", "not", "or", "our", "package", "proc", "puts", "raise", "redo", "require",
            "rescue", "return", "self", "struct", "sub", "super", "then", "true", "undef", "unless", "until", "use",
            "using", "when", "while", "yield",
        ],
        ..BARE
    },
    Language {
        name: "JSON",
        files: &["json", "jsonl", "ndjson", "json5", "jsonc", "ipynb", "geojson"],
        line_comments: &["//"],
        quotes: &['"'],
        keywords: &["true", "false", "null"],
        ..BARE
    },
    Language {
        name: "configuration",
        files: &[
            "toml", "yaml", "yml", "ini", "cfg", "conf", "properties", "service", "socket", "timer", "tf", "hcl",
            "nix", "lock", "editorconfig", "gitconfig",
        ],
        line_comments: &["#", ";"],
        long_quotes: &["\"\"\"", "'''"],
        keywords: &["true", "false", "null", "yes", "no", "on", "off"],
        keys: &['=', ':'],
        ..BARE
    },
    Language {
        name: "SQL",
        files: &["sql", "ddl", "psql"],
        line_comments: &["--"],
        block_comment: Some(("/*", "*/")),
        any_case: true,
        keywords: &[
            "add", "all", "alter", "and", "as", "asc", "begin", "between", "by", "case", "check", "column", "commit",
            "constraint", "create", "cross", "default", "delete", "desc", "distinct", "drop", "else", "end", "exists",
            "foreign", "from", "full", "group", "having", "if", "in", "index", "inner", "insert", "integer", "into",
            "is", "join", "key", "left", "like", "limit", "not", "null", "offset", "on", "or", "order", "outer",
            "primary", "references", "replace", "returning", "right", "rollback", "select", "set", "table", "text",
            "then", "trigger", "union", "unique", "update", "using", "values", "view", "when", "where", "with",
        ],
        ..BARE
    },
    Language {
        name: "Lua family",
        files: &["lua", "hs", "elm", "ada", "adb", "ads", "vhd", "vhdl"],
        programs: &["lua"],
        line_comments: &["--"],
        keywords: &[
            "and", "break", "case", "class", "data", "do", "else", "elseif", "end", "false", "for", "function", "if",
            "import", "in", "instance", "is", "let", "local", "module", "newtype", "nil", "not", "of", "or",
            "repeat", "return", "then", "true", "type", "until", "where", "while",
        ],
        ..BARE
    },
    Language {
        name: "Lisp",
        files: &["lisp", "el", "clj", "cljs", "scm", "rkt", "edn"],
        line_comments: &[";"],
        quotes: &['"'],
        keywords: &["def", "define", "defmacro", "defn", "defun", "do", "fn", "if", "lambda", "let", "nil", "quote"],
        ..BARE
    },
    Language {
        name: "markup",
        files: &["html", "htm", "xml", "svg", "xhtml", "rss", "plist", "xsd", "xsl"],
        block_comment: Some(("<!--", "-->")),
        quotes: &['"'],
        keys: &['='],
        ..BARE
    },
    Language {
        name: "style sheet",
        files: &["css", "scss", "sass", "less"],
        block_comment: Some(("/*", "*/")),
        keys: &[':'],
        ..BARE
    },
    Language { name: "TeX", files: &["tex", "sty", "bib", "cls"], line_comments: &["%"], quotes: &[], ..BARE },
    Language {
        name: "code",
        line_comments: &["//", "#"],
        block_comment: Some(("/*", "*/")),
        long_quotes: &["\"\"\""],
        keywords: &[
            "break", "case", "class", "const", "continue", "def", "do", "else", "end", "enum", "export", "false",
            "fn", "for", "from", "func", "function", "if", "import", "in", "let", "local", "match", "module", "new",
            "nil", "null", "package", "private", "pub", "public", "return", "self", "static", "struct", "switch",
            "then", "this", "true", "try", "type", "use", "var", "void", "while",
        ],
        ..BARE
    },
];

/// The language of a file of this name, in small letters, with this ending.
pub fn of_file(name: &str, ending: &str) -> Option<&'static Language> {
    ALL.iter().find(|language| language.files.iter().any(|known| *known == ending || *known == name))
}

/// The language that a script's first line names.
pub fn of_first_line(line: &str) -> Option<&'static Language> {
    let words = line.strip_prefix("#!")?.split([' ', '/']).filter(|word| !word.is_empty());
    let program = words.rev().find(|word| !word.starts_with('-'))?;
    ALL.iter().find(|language| language.programs.contains(&program))
}

/// The language by the name that a Markdown fence gives it; of any when that says nothing.
pub fn of_fence(info: &str) -> Option<&'static Language> {
    let word = info.split([' ', ',', '{']).next().unwrap_or_default().to_lowercase();
    let known = match word.as_str() {
        "" | "text" | "txt" | "plain" | "console" | "output" | "log" => return None,
        "rust" => "rs",
        "javascript" | "typescript" => "js",
        "golang" => "go",
        "python" | "python3" => "py",
        "shell" | "make" | "docker" => "sh",
        "ruby" | "perl" | "elixir" | "julia" => "rb",
        "kotlin" | "c++" | "c#" | "csharp" | "objc" => "c",
        "haskell" => "hs",
        "clojure" | "scheme" => "clj",
        "latex" => "tex",
        word => word,
    };
    Some(of_file(known, known).unwrap_or_else(any))
}

/// The language for code of which nothing else is known.
pub fn any() -> &'static Language {
    // The table ends with it.
    static NONE: Language = BARE;
    ALL.last().unwrap_or(&NONE)
}
