#!/bin/sh
# The promises in the code: every TODO, FIXME, XXX and HACK, by file and by kind.
. "$(dirname "$0")/common.sh"

progress 10 "searching for TODO, FIXME, XXX and HACK"
search '(^|[^A-Za-z0-9_])(TODO|FIXME|XXX|HACK)([^A-Za-z0-9_]|$)' | head -n 20000 >"$scratch/hits"
progress 70 "sorting $(count "$scratch/hits") of them"
awk -F '\037' '{
    kind = $3 ~ /FIXME/ ? "FIXME" : $3 ~ /HACK/ ? "HACK" : $3 ~ /TODO/ ? "TODO" : "XXX"
    print kind "\037" $0
}' "$scratch/hits" >"$scratch/kinds"
{
    echo 'kind,path,line,text'
    awk -F '\037' "$functions"'{ sub(/^[ \t]+/, "", $4); print $1 "," csv($2) "," $3 "," csv(cut($4, 200)) }' "$scratch/kinds"
} >"$artifacts/todo.csv"
cut -d "$(printf '\037')" -f2 "$scratch/kinds" | sort | uniq -c | sort -k1,1nr -k2 >"$scratch/by-file"
cut -d "$(printf '\037')" -f1 "$scratch/kinds" | sort | uniq -c | sort -k1,1nr >"$scratch/by-kind"
{
    echo "# TODO inventory"
    echo
    awk '{ print "- " $2 ": " $1 }' "$scratch/by-kind"
    echo
    echo "| count | file |"
    echo "| ---: | --- |"
    head -n 30 "$scratch/by-file" | awk "$functions"'{ n = $1; sub(/^ *[0-9]+ /, ""); print "| " n " | " cell($0) " |" }'
    echo
    echo "## The first hundred"
    echo
    head -n 100 "$scratch/kinds" | awk -F '\037' "$functions"'{ sub(/^[ \t]+/, "", $4); print "- `" cell($2) ":" $3 "` " cell(cut($4, 160)) }'
} >"$artifacts/todo.md"

total=$(count "$scratch/kinds")
head -n 5 "$scratch/by-file" | awk '{ n = $1; sub(/^ *[0-9]+ /, ""); print $0 ": " n }' >"$scratch/findings"
{ printf 'total\t%d\n' "$total"; awk '{ print tolower($2) "\t" $1 }' "$scratch/by-kind"; } >"$scratch/figures"
finish "TODO inventory" "$total promises in $(count "$scratch/by-file") files"
