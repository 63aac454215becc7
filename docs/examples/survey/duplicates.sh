#!/bin/sh
# The same thing twice: files with equal content, found by git's own object ids, and the bytes that they waste.
. "$(dirname "$0")/common.sh"

progress 20 "comparing object ids"
files | awk -F '\t' '{ split($1, meta, " "); if (meta[4] > 0) print meta[3] "\037" meta[4] "\037" $2 }' | sort >"$scratch/objects"
progress 60 "grouping"
us=$(printf '\037')
awk -F '\037' '
    function flush() { if (n > 1) print size * (n - 1) FS n FS size FS names }
    $1 != id { flush(); id = $1; size = $2; n = 0; names = "" }
    { n++; if (n <= 6) names = names (n > 1 ? FS : "") $3 }
    END { flush() }
' "$scratch/objects" | sort -t "$us" -k1,1nr -k4 >"$scratch/groups"
{
    echo 'wasted_bytes,copies,size,first_path'
    head -n 5000 "$scratch/groups" | awk -F '\037' "$functions"'{ print $1 "," $2 "," $3 "," csv($4) }'
} >"$artifacts/duplicates.csv"
n=$(count "$scratch/groups")
wasted=$(awk -F '\037' "$functions"'{ sum += $1 } END { print human(sum + 0) }' "$scratch/groups")
{
    echo "# Duplicates"
    echo
    echo "$n groups of files with the same content; $wasted could go."
    echo
    head -n 40 "$scratch/groups" | awk -F '\037' "$functions"'{
        print "- " $2 " copies of " human($3) ":"
        for (i = 4; i <= NF; i++) print "  - `" cell($i) "`"
        if ($2 > 6) print "  - and " $2 - 6 " more"
    }'
} >"$artifacts/duplicates.md"
head -n 4 "$scratch/groups" | awk -F '\037' "$functions"'{ print $4 ": " $2 " copies of " human($3) }' >"$scratch/findings"
printf 'groups\t%d\nwasted_bytes\t%s\n' "$n" "$(awk -F '\037' '{ sum += $1 } END { printf "%.0f", sum }' "$scratch/groups")" >"$scratch/figures"
finish "Duplicates" "$n groups of equal files; $wasted could go"
