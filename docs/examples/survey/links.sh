#!/bin/sh
# Links in Markdown that lead nowhere: every relative target is looked up in the commit. Links to other hosts are
# counted, not followed: this cage has no network.
. "$(dirname "$0")/common.sh"

progress 10 "listing what can be linked to"
repo ls-tree -r -z --name-only --full-tree "$tree" | tr '\n\000' '?\n' >"$scratch/paths"
progress 25 "collecting links"
search '\]\([^)]+\)|^[ 	]*\[[^]]+\]:[ 	]' '*.md' '*.markdown' '*.mdx' | head -n 100000 >"$scratch/lines"
progress 50 "following them"
awk -F '\037' -v paths="$scratch/paths" "$functions"'
    BEGIN { while ((getline path < paths) > 0) { known[path] = 1; while (sub(/\/[^\/]*$/, "", path)) known[path] = 1 } }
    function resolve(from, target,   part, n, i, out, depth) {
        if (target ~ /^\//) { sub(/^\/+/, "", target); from = "." } else from = folder(from)
        n = split((from == "." ? "" : from "/") target, part, "/"); depth = 0
        for (i = 1; i <= n; i++) {
            if (part[i] == "" || part[i] == ".") continue
            if (part[i] == "..") { if (depth == 0) return "(outside)"; depth--; continue }
            stack[++depth] = part[i]
        }
        out = ""
        for (i = 1; i <= depth; i++) out = out (i > 1 ? "/" : "") stack[i]
        return out
    }
    function judge(target,   plain) {
        sub(/^[ \t]+/, "", target)
        if (target ~ /^</) { sub(/^</, "", target); sub(/>.*$/, "", target) }
        sub(/[ \t]+["\047(].*$/, "", target); sub(/[ \t\r]+$/, "", target); sub(/^\(+/, "", target)
        if (target ~ /^[A-Za-z][A-Za-z0-9+.-]*:/ || target ~ /^\/\//) { print "other\037" $1 "\037" $2 "\037" target; return }
        plain = target; sub(/[?#].*$/, "", plain); gsub(/%20/, " ", plain)
        if (plain == "" || plain ~ /[{}$]/) return
        plain = resolve($1, plain)
        print (plain == "" || plain in known ? "good" : "dead") "\037" $1 "\037" $2 "\037" target
    }
    {
        text = $3
        gsub(/`[^`]*`/, "", text)
        if (text ~ /^[ \t]*\[[^]^][^]]*\]:[ \t]/) { sub(/^[ \t]*\[[^]]+\]:[ \t]*/, "", text); judge(text); next }
        while (match(text, /\]\([^)]+\)/)) { found = substr(text, RSTART + 2, RLENGTH - 3); text = substr(text, RSTART + RLENGTH); judge(found) }
    }
' "$scratch/lines" >"$scratch/links"
progress 85 "writing links.csv and links.md"
awk -F '\037' '$1 == "dead"' "$scratch/links" >"$scratch/dead"
good=$(awk -F '\037' '$1 == "good"' "$scratch/links" | wc -l | tr -d ' ')
other=$(awk -F '\037' '$1 == "other"' "$scratch/links" | wc -l | tr -d ' ')
dead=$(count "$scratch/dead")
{
    echo 'path,line,target'
    head -n 10000 "$scratch/dead" | awk -F '\037' "$functions"'{ print csv($2) "," $3 "," csv(cut($4, 300)) }'
} >"$artifacts/links.csv"
{
    echo "# Links"
    echo
    echo "$dead relative links in Markdown lead nowhere, $good lead somewhere; $other go to other hosts and were not followed."
    echo
    head -n 200 "$scratch/dead" | awk -F '\037' "$functions"'{ print "- `" cell($2) ":" $3 "` -> `" cell(cut($4, 120)) "`" }'
} >"$artifacts/links.md"
head -n 5 "$scratch/dead" | awk -F '\037' "$functions"'{ print $2 ":" $3 " links to " cut($4, 80) ", which is not there" }' >"$scratch/findings"
printf 'dead\t%d\ngood\t%d\nother_hosts\t%d\n' "$dead" "$good" "$other" >"$scratch/figures"
finish "Links" "$dead dead links, $good good ones; $other to other hosts were not followed"
