#!/bin/sh
# Who works on it and when: commits by author and by month over the last 20,000 commits, and how few people made half
# of them. Names go through .mailmap; addresses are left out.
. "$(dirname "$0")/common.sh"

progress 10 "reading the last 20,000 commits"
if [ "$has_history" = yes ]; then
    repo log --no-merges -n 20000 --date=format:%Y-%m --format='%aN%x1f%cd' "$tree" >"$scratch/log"
else
    : >"$scratch/log"
fi
us=$(printf '\037')
commits=$(count "$scratch/log")
progress 60 "counting"
cut -d "$us" -f1 "$scratch/log" | sort | uniq -c | sort -k1,1nr -k2 >"$scratch/authors"
cut -d "$us" -f2 "$scratch/log" | sort | uniq -c | awk '{ print $2 "\t" $1 }' >"$scratch/months"
half=$(awk -v all="$commits" '{ sum += $1; if (sum * 2 >= all) { print NR; exit } }' "$scratch/authors")
{
    echo 'month,commits'
    tr '\t' ',' <"$scratch/months"
} >"$artifacts/activity.csv"
{
    echo "# Activity"
    echo
    echo "$commits commits (merges left out, at most 20,000) by $(count "$scratch/authors") people; ${half:-0} of them made half."
    echo
    echo "| commits | share | author |"
    echo "| ---: | ---: | --- |"
    head -n 30 "$scratch/authors" | awk -v all="$commits" "$functions"'{ n = $1; sub(/^ *[0-9]+ /, ""); print "| " n " | " share(n, all) " | " cell($0) " |" }'
    echo
    echo "## The last two years, month by month"
    echo
    echo '```'
    tail -n 24 "$scratch/months" | awk '{ month[NR] = $1; n[NR] = $2; if ($2 > top) top = $2 }
        END { for (i = 1; i <= NR; i++) { bar = ""; for (k = 0; k < 50 * n[i] / top; k++) bar = bar "#"; printf "%s %6d %s\n", month[i], n[i], bar } }'
    echo '```'
} >"$artifacts/activity.md"
head -n 3 "$scratch/authors" | awk '{ n = $1; sub(/^ *[0-9]+ /, ""); print $0 ": " n " commits" }' >"$scratch/findings"
tail -n 1 "$scratch/months" | awk '{ print "last month with a commit: " $1 ", " $2 " of them" }' >>"$scratch/findings"
printf 'commits\t%d\nauthors\t%d\nauthors_of_half\t%d\n' "$commits" "$(count "$scratch/authors")" "${half:-0}" >"$scratch/figures"
finish "Activity" "$commits commits by $(count "$scratch/authors") people; ${half:-0} of them made half"
