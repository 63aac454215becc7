#!/bin/sh
# How large it is: bytes and lines by language, the largest files.
. "$(dirname "$0")/common.sh"

progress 10 "listing the files"
files >"$scratch/files"
progress 30 "counting lines"
# git grep -c of the empty pattern counts the lines of every text file without unpacking anything to disk.
repo grep -z -I -c -e '' "$tree" -- . | tr '\000' '\037' | sed "s/^$tree://" >"$scratch/lines" || true
progress 70 "adding up"
awk -v lines="$scratch/lines" "$functions"'
    BEGIN { while ((getline row < lines) > 0) { split(row, part, "\037"); count[part[1]] = part[2] } FS = "\t" }
    {
        split($1, meta, " "); path = $2
        print extension(path) "\037" meta[4] + 0 "\037" (path in count ? count[path] : 0) "\037" path
    }' "$scratch/files" >"$scratch/sized"
awk -F '\037' '
    { n[$1]++; bytes[$1] += $2; lines[$1] += $3 }
    END { for (e in n) printf "%d\037%.0f\037%d\037%s\n", lines[e], bytes[e], n[e], e }
' "$scratch/sized" | sort -t "$(printf '\037')" -k1,1nr -k2,2nr -k4 >"$scratch/languages"
sort -t "$(printf '\037')" -k2,2nr -k4 "$scratch/sized" >"$scratch/largest"
{
    echo 'extension,files,lines,bytes'
    head -n 500 "$scratch/languages" | awk -F '\037' "$functions"'{ print csv($4) "," $3 "," $1 "," $2 }'
} >"$artifacts/languages.csv"
{
    echo 'path,lines,bytes'
    head -n 1000 "$scratch/largest" | awk -F '\037' "$functions"'{ print csv($4) "," $3 "," $2 }'
} >"$artifacts/largest-files.csv"
totals=$(awk -F '\037' '{ bytes += $2; lines += $3 } END { printf "%.0f %.0f", bytes, lines }' "$scratch/sized")
bytes=${totals% *}
lines=${totals#* }
n=$(count "$scratch/sized")
shown=$(awk -v n="$bytes" "$functions"'BEGIN { print human(n) }')
{
    echo "# Sizes"
    echo
    echo "$n files, $lines lines of text, $shown."
    echo
    echo "| language (extension) | files | lines | bytes |"
    echo "| --- | ---: | ---: | ---: |"
    head -n 25 "$scratch/languages" | awk -F '\037' "$functions"'{ print "| " cell($4) " | " $3 " | " $1 " | " human($2) " |" }'
    echo
    echo "## Largest files"
    echo
    echo "| bytes | lines | file |"
    echo "| ---: | ---: | --- |"
    head -n 25 "$scratch/largest" | awk -F '\037' "$functions"'{ print "| " human($2) " | " $3 " | " cell($4) " |" }'
} >"$artifacts/sizes.md"

{
    head -n 3 "$scratch/languages" | awk -F '\037' '{ print $4 ": " $1 " lines in " $3 " files" }'
    head -n 2 "$scratch/largest" | awk -F '\037' "$functions"'{ print "large: " $4 ", " human($2) }'
} >"$scratch/findings"
printf 'files\t%d\nlines\t%s\nbytes\t%s\n' "$n" "$lines" "$bytes" >"$scratch/figures"
finish "Sizes" "$n files, $lines lines of text, $shown"
