#!/bin/sh
# Hot spots: the files that change most, by the last 3,000 commits. What changes often and much is where the work is,
# and where the mistakes are.
. "$(dirname "$0")/common.sh"

progress 5 "reading the last 3,000 commits"
if [ "$has_history" = yes ]; then
    repo log --no-merges --no-renames --no-ext-diff --no-textconv -n 3000 --format='@%ct' -z --numstat "$tree" | tr '\000' '\n' >"$scratch/log"
else
    : >"$scratch/log"
fi
files | cut -f2- >"$scratch/paths"
progress 60 "counting changes by file"
awk -F '\t' -v paths="$scratch/paths" '
    BEGIN { while ((getline path < paths) > 0) alive[path] = 1 }
    /^@/ { when = substr($0, 2); next }
    NF == 3 && ($3 in alive) {
        commits[$3]++; added[$3] += $1; removed[$3] += $2
        if (!($3 in last)) last[$3] = when
    }
    END { for (path in commits) printf "%d\t%d\t%d\t%s\t%s\n", commits[path], added[path], removed[path], last[path], path }
' "$scratch/log" | sort -t "$(printf '\t')" -k1,1nr -k2,2nr -k5 >"$scratch/hot"

commits=$(grep -c '^@' "$scratch/log" || true)
touched=$(count "$scratch/hot")
progress 85 "writing hotspots.csv and hotspots.md"
{
    echo 'path,commits,lines_added,lines_removed,last_change_unix'
    head -n 2000 "$scratch/hot" | awk -F '\t' "$functions"'{ print csv($5) "," $1 "," $2 "," $3 "," $4 }'
} >"$artifacts/hotspots.csv"
{
    echo "# Hot spots"
    echo
    echo "Files by the number of commits that touched them, over the last $commits commits without merges. $touched files of today were touched at all."
    echo
    echo "| commits | lines added | lines removed | file |"
    echo "| ---: | ---: | ---: | --- |"
    head -n 30 "$scratch/hot" | awk -F '\t' "$functions"'{ print "| " $1 " | " $2 " | " $3 " | " cell($5) " |" }'
} >"$artifacts/hotspots.md"

head -n 5 "$scratch/hot" | awk -F '\t' '{ print $5 ": " $1 " commits, " $2 + $3 " lines changed" }' >"$scratch/findings"
printf 'commits\t%d\nfiles_touched\t%d\n' "$commits" "$touched" >"$scratch/figures"
top=$(head -n 1 "$scratch/hot" | cut -f5)
finish "Hot spots" "$touched files touched by $commits commits; most often ${top:-none}"
