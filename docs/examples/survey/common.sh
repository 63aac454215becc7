# What the agents of the survey share: where the repository is, how to speak to Menagerie, how to quote.
#
# Sourced by every other script of this folder. Plain POSIX shell with git and awk: no network, no home directory of a
# person, no /proc, nothing written but $MENAGERIE_ARTIFACTS and one temporary folder. Contents are read from the
# commit that is checked out (HEAD), never from the working tree, so that any name of a file is safe to work with and a
# bare repository will do.
#
# Called by hand, outside a cage, a script writes its artifacts to ./survey-artifacts:
#   SURVEY_REPO=~/src/project sh docs/examples/survey/churn.sh

set -eu
LC_ALL=C
export LC_ALL

: "${SURVEY_REPO:=.}"
: "${MENAGERIE_ARTIFACTS:=./survey-artifacts}"
mkdir -p "$MENAGERIE_ARTIFACTS"
artifacts=$MENAGERIE_ARTIFACTS
scratch=$(mktemp -d "${HOME:-/tmp}/survey.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
trap 'exit 143' TERM INT HUP

# The repository may belong to somebody else and its history may be large. These settings hold for this process only.
export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null GIT_OPTIONAL_LOCKS=0 GIT_NO_LAZY_FETCH=1 GIT_TERMINAL_PROMPT=0
export GIT_CONFIG_COUNT=6
export GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0='*'
export GIT_CONFIG_KEY_1=core.quotePath GIT_CONFIG_VALUE_1=false
export GIT_CONFIG_KEY_2=grep.threads GIT_CONFIG_VALUE_2=1
export GIT_CONFIG_KEY_3=core.packedGitLimit GIT_CONFIG_VALUE_3=64m
export GIT_CONFIG_KEY_4=core.deltaBaseCacheLimit GIT_CONFIG_VALUE_4=16m
export GIT_CONFIG_KEY_5=core.fsmonitor GIT_CONFIG_VALUE_5=false

repo() {
    git -c safe.directory='*' -C "$SURVEY_REPO" "$@"
}

repo rev-parse --git-dir >"$scratch/git-dir" 2>"$scratch/error" || {
    echo "SURVEY_REPO: $SURVEY_REPO is no git repository: $(cat "$scratch/error")" >&2
    exit 1
}
# A repository without a commit is surveyed as what it is: an empty tree.
if tree=$(repo rev-parse --verify --quiet 'HEAD^{commit}'); then
    has_history=yes
else
    tree=$(repo hash-object -t tree --stdin </dev/null)
    has_history=no
fi
# A bare repository and one with a working tree look alike from here: pathspecs count from the top.
toplevel=$(repo rev-parse --show-toplevel 2>/dev/null || true)
[ -z "$toplevel" ] || SURVEY_REPO=$toplevel

# Functions for awk, to stand before a program: awk "$functions"'...'.
# utf8 replaces what is not UTF-8 by "?", since a JSON text must be; doubled puts a backslash before a
# character; json, csv and cell quote for their format; cut shortens.
functions='
function utf8(s,   out) {
    if (s !~ /[\200-\377]/) return s
    out = ""
    while (s != "") {
        if (match(s, /^([\001-\177]|[\302-\337][\200-\277]|\340[\240-\277][\200-\277]|[\341-\354\356\357][\200-\277][\200-\277]|\355[\200-\237][\200-\277]|\360[\220-\277][\200-\277][\200-\277]|[\361-\363][\200-\277][\200-\277][\200-\277]|\364[\200-\217][\200-\277][\200-\277])+/)) {
            out = out substr(s, 1, RLENGTH); s = substr(s, RLENGTH + 1)
        } else { out = out "?"; s = substr(s, 2) }
    }
    return out
}
function doubled(s, mark,   out, i) {
    out = ""
    while ((i = index(s, mark)) > 0) { out = out substr(s, 1, i - 1) "\\" mark; s = substr(s, i + 1) }
    return out s
}
function json(s) {
    s = doubled(doubled(utf8(s), "\\"), "\"")
    gsub(/[\001-\037\177]/, " ", s)
    return "\"" s "\""
}
function csv(s) {
    s = utf8(s)
    if (s ~ /[",\t\r]/) { gsub(/"/, "\"\"", s); s = "\"" s "\"" }
    return s
}
function cell(s) { s = utf8(s); gsub(/[\001-\037\177]/, " ", s); return doubled(s, "|") }
function cut(s, n) { return length(s) > n ? substr(s, 1, n - 3) "..." : s }
function human(n) {
    if (n < 1024) return n " B"
    if (n < 1048576) return sprintf("%.1f KiB", n / 1024)
    if (n < 1073741824) return sprintf("%.1f MiB", n / 1048576)
    return sprintf("%.1f GiB", n / 1073741824)
}
function extension(path,   name) {
    name = path; sub(/.*\//, "", name)
    if (name !~ /[^.]\./) return "(none)"
    sub(/.*\./, "", name)
    return length(name) > 12 ? "(other)" : tolower(name)
}
function folder(path) { return sub(/\/[^\/]*$/, "", path) ? path : "." }
function share(part, whole) { return whole ? sprintf("%.0f %%", 100 * part / whole) : "-" }
'

# progress PERCENT MESSAGE
progress() {
    printf '%s\n' "$2" | awk -v percent="$1" "$functions"'{ print "{\"type\":\"progress\",\"percent\":" percent ",\"message\":" json($0) "}" }'
}
# metric NAME VALUE
metric() {
    printf '{"type":"metric","name":"%s","value":%s}\n' "$1" "$2"
}
# count FILE: its lines, as a bare number.
count() {
    awk 'END { print NR }' "$1"
}
# files: every file of the commit as MODE TYPE ID SIZE<TAB>PATH; submodules and links are no files. A line end in a name
# is shown as "?".
files() {
    repo ls-tree -r -l -z --full-tree "$tree" | tr '\n\000' '?\n' | awk '$2 == "blob" && $1 != "120000"'
}
# search PATTERN [PATHSPEC...]: matching lines as PATH<US>LINE<US>TEXT, text files only, long lines cut.
search() {
    pattern=$1
    shift
    repo grep -z -n -I -E -e "$pattern" "$tree" -- "$@" | tr '\000' '\037' | cut -c1-1000 | sed "s/^$tree://" || true
}
# finish TITLE HEADLINE: the result. Takes $scratch/findings (a sentence a line) and $scratch/figures (NAME<TAB>NUMBER).
finish() {
    touch "$scratch/findings" "$scratch/figures"
    progress 100 "$2"
    { printf '%s\n%s\n' "$1" "$2"; head -n 12 "$scratch/findings"; } |
        awk -v figures="$scratch/figures" "$functions"'
            NR == 1 { title = $0; next }
            NR == 2 { headline = $0; next }
            { findings = findings (NR > 3 ? "," : "") json(cut($0, 300)) }
            END {
                while ((getline line < figures) > 0) {
                    split(line, part, "\t")
                    numbers = numbers (numbers == "" ? "" : ",") json(part[1]) ":" part[2]
                }
                printf "{\"type\":\"result\",\"output\":{\"title\":%s,\"headline\":%s,\"findings\":[%s],\"figures\":{%s}},\"summary\":%s}\n", json(title), json(headline), findings, numbers, json(headline)
            }'
    awk -F '\t' '{ printf "{\"type\":\"metric\",\"name\":\"survey.%s\",\"value\":%s}\n", $1, $2 }' "$scratch/figures"
}
