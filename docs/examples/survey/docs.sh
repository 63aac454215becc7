#!/bin/sh
# How well it is explained: public items with a comment right before them (Rust, Go, JavaScript, TypeScript) or a
# docstring right after (Python), file by file, and what there is of prose.
. "$(dirname "$0")/common.sh"

progress 5 "reading the sources, at most 1,000,000 lines"
search '' '*.rs' '*.go' '*.py' '*.ts' '*.tsx' '*.js' '*.jsx' | head -n 1000000 >"$scratch/source"
progress 45 "looking at public items"
awk -F '\037' '
    function item(ok) { print ok "\037" $1 "\037" $2 "\037" label }
    $1 != file { if (waiting) print "0\037" held; waiting = 0; file = $1; said = 0; tests = 0 }
    {
        text = $3
        if (waiting && text !~ /^[ \t]*$/) {
            if (open_head) { if (text ~ /:[ \t]*(#.*)?\r?$/) open_head = 0; next }
            print (text ~ /^[ \t]*[rRbBuU]*("""|\047\047\047|")/ ? "1\037" : "0\037") held; waiting = 0
        }
        if (text ~ /^[ \t]*\/\/[\/!]?|^[ \t]*\*|^[ \t]*\/\*|^[ \t]*#\[doc/) { said = 1; next }
        if (text ~ /^[ \t]*(#!?\[|@)/) { if (text ~ /#\[cfg\(test\)\]/) tests = 1; next }
        label = text; sub(/^[ \t]+/, "", label); sub(/[{(;=].*/, "", label)
        if (file ~ /\.rs$/) { if (!tests && text ~ /^[ \t]*pub (async |const |unsafe |extern "C" )*(fn|struct|enum|trait|type|mod|static|union|const [A-Z])/ && text !~ /^[ \t]*pub mod [a-z_0-9]+;/) item(said) }
        else if (file ~ /\.go$/) { if (text ~ /^(func (\([^)]*\) )?[A-Z]|type [A-Z])/ && file !~ /_test\.go$/) item(said) }
        else if (file ~ /\.py$/) {
            if (text ~ /^(    )?(async )?(def|class) [A-Za-z]/) { waiting = 1; held = $1 "\037" $2 "\037" label; open_head = text !~ /:[ \t]*(#.*)?\r?$/ }
        }
        else if (text ~ /^export (default )?(async )?(function|class|const|interface|type|enum) /) item(said)
        said = 0
    }
    END { if (waiting) print "0\037" held }
' "$scratch/source" >"$scratch/items"
progress 80 "writing doc-coverage.csv and documentation.md"
us=$(printf '\037')
awk -F '\037' '{ n[$2]++; ok[$2] += $1 } END { for (f in n) print n[f] - ok[f] FS n[f] FS ok[f] FS f }' "$scratch/items" |
    sort -t "$us" -k1,1nr -k4 >"$scratch/by-file"
{
    echo 'path,public_items,documented'
    head -n 10000 "$scratch/by-file" | awk -F '\037' "$functions"'{ print csv($4) "," $2 "," $3 }'
} >"$artifacts/doc-coverage.csv"
files | cut -f2- | grep -i -E '\.(md|rst|adoc|txt)$' >"$scratch/prose" || true
readme=$(grep -i -m 1 -E '^readme' "$scratch/prose" || true)
all=$(count "$scratch/items")
good=$(awk -F '\037' '$1 == 1' "$scratch/items" | wc -l | tr -d ' ')
{
    echo "# Documentation"
    echo
    awk -v a="$all" -v g="$good" "$functions"'BEGIN { print g " of " a " public items are explained (" share(g, a) ")." }'
    echo "$(count "$scratch/prose") files of prose; README: ${readme:-none}."
    echo
    echo "| unexplained | public | file |"
    echo "| ---: | ---: | --- |"
    awk -F '\037' "$functions"'$1 > 0 && n++ < 40 { print "| " $1 " | " $2 " | " cell($4) " |" }' "$scratch/by-file"
} >"$artifacts/documentation.md"
awk -F '\037' '$1 > 0 && n++ < 4 { print $4 ": " $1 " of " $2 " public items unexplained" }' "$scratch/by-file" >"$scratch/findings"
[ -n "$readme" ] || echo "no README" >>"$scratch/findings"
printf 'public_items\t%d\ndocumented\t%d\nprose_files\t%d\n' "$all" "$good" "$(count "$scratch/prose")" >"$scratch/figures"
finish "Documentation" "$good of $all public items are explained; $(count "$scratch/prose") files of prose"
