#!/bin/sh
# The summary: reads what the others found, from the task itself, and writes one report. It starts only when all of them
# are done and a person has approved what they made.
. "$(dirname "$0")/common.sh"

progress 10 "reading the findings of the others"
if [ -n "${MENAGERIE_TASK_FILE:-}" ]; then cat "$MENAGERIE_TASK_FILE"; else cat; fi >"$scratch/task.json"

# A JSON text as lines of PATH<TAB>VALUE, so that the rest can be plain awk: dependencies.0.output.title<TAB>Hot spots.
# Only strings and numbers are printed; \u escapes other than ASCII become "?".
awk '
    function leaf(value) { if (at ~ /^\.dependencies\./) { gsub(/[\t\n]/, " ", value); print substr(at, 2) "\t" value } }
    function text_of(s,   out, c, code) {
        s = substr(s, 2, length(s) - 2)
        if (index(s, "\\") == 0) return s
        out = ""
        while ((c = index(s, "\\")) > 0) {
            out = out substr(s, 1, c - 1); code = substr(s, c + 1, 1)
            if (code == "u") { out = out "?"; s = substr(s, c + 6) }
            else { out = out (code == "n" || code == "t" || code == "r" ? " " : code); s = substr(s, c + 2) }
        }
        return out s
    }
    function value_done() { at = saved[depth]; if (kind[depth] == "[") nth[depth]++; wants_key = kind[depth] == "{" }
    function open_value() { saved[depth] = at; if (kind[depth] == "[") at = at "." nth[depth] }
    function token(t) {
        if (t == "," || t == ":") return
        if (t == "}" || t == "]") { depth--; value_done(); return }
        if (wants_key) { saved[depth] = at; at = at "." text_of(t); wants_key = 0; return }
        if (kind[depth] == "[") open_value()
        if (t == "{" || t == "[") { depth++; kind[depth] = t; nth[depth] = 0; saved[depth] = at; wants_key = t == "{"; return }
        leaf(t ~ /^"/ ? text_of(t) : t); value_done()
    }
    {
        rest = $0
        # Tokens are cut off a window, since cutting them off a long text one by one is quadratic.
        while (rest != "" || window != "") {
            if (length(window) < 65536 && rest != "") { window = window substr(rest, 1, 65536); rest = substr(rest, 65537) }
            sub(/^[ \t\r]+/, "", window)
            if (window == "") continue
            if (!match(window, /^("([^"\\]|\\.)*"|[][{}:,]|[-+.A-Za-z0-9]+)/)) { if (rest == "") exit 1; window = window substr(rest, 1, 65536); rest = substr(rest, 65537); continue }
            t = substr(window, 1, RLENGTH); window = substr(window, RLENGTH + 1)
            token(t)
        }
    }
' "$scratch/task.json" >"$scratch/flat"

progress 60 "writing summary.md"
awk -F '\t' '
    { split($1, key, "."); n = key[2] + 0; if (n > top) top = n }
    $1 ~ /\.output\.title$/ { title[n] = $2 }
    $1 ~ /\.output\.headline$/ { headline[n] = $2 }
    $1 ~ /\.output\.findings\./ { findings[n] = findings[n] "- " $2 "\n" }
    $1 ~ /\.output\.figures\./ { figures[n] = figures[n] (figures[n] == "" ? "" : ", ") key[5] " " $2 }
    END {
        for (n = 0; n <= top; n++) if (n in title) {
            printf "- **%s**: %s\n", title[n], headline[n] >overview
            printf "\n## %s\n\n%s.\n\n%s", title[n], headline[n], findings[n]
            if (figures[n] != "") printf "\n%s\n", figures[n]
        }
    }
' overview="$scratch/overview" "$scratch/flat" >"$scratch/chapters"
touch "$scratch/overview"
sections=$(count "$scratch/overview")
[ "$sections" -gt 0 ] || {
    echo "the task names no findings of others (dependencies[].output)" >&2
    exit 1
}
name=$(basename "$(cd "$SURVEY_REPO" 2>/dev/null && pwd || echo "$SURVEY_REPO")" .git)
{
    echo "# Survey of $name"
    echo
    if [ "$has_history" = yes ]; then echo "Commit $(repo log -1 --format='%h of %cs' "$tree"). $sections reports, each approved before this was written."; else echo "No commit yet."; fi
    echo
    cat "$scratch/overview" "$scratch/chapters"
} | awk "$functions"'{ print utf8($0) }' >"$artifacts/summary.md"
sed 's/^- \*\*//; s/\*\*//' "$scratch/overview" >"$scratch/findings"
printf 'reports\t%d\n' "$sections" >"$scratch/figures"
finish "Survey of $name" "$sections reports put together"
