#!/bin/sh
# What is hard to read: long functions and deep nesting. Braces are counted outside of line comments and string
# literals, Python by its indentation. A heuristic, good enough to say where to look.
. "$(dirname "$0")/common.sh"

progress 5 "reading the sources, at most 1,000,000 lines"
search '' '*.rs' '*.c' '*.cc' '*.cpp' '*.go' '*.java' '*.js' '*.jsx' '*.ts' '*.tsx' '*.kt' '*.swift' '*.cs' '*.py' | head -n 1000000 >"$scratch/source"
progress 40 "measuring functions"
awk -F '\037' '
    function close_function() {
        if (name != "") print $2 - start + (python ? 0 : 1) "\037" deepest "\037" file "\037" start "\037" name
        name = ""
    }
    $1 != file { if (name != "" && python) { $2 = last + 1; close_function() } name = ""; file = $1; depth = 0; python = file ~ /\.py$/ }
    {
        text = $3
        for (i = 4; i <= NF; i++) text = text " " $i
    }
    python {
        if (text ~ /^[ \t]*($|#)/) next
        match(text, /^[ \t]*/); indent = RLENGTH
        if (name != "" && indent <= base) close_function()
        if (name == "" && text ~ /^[ \t]*(async )?def /) { name = text; sub(/^[ \t]*(async )?def /, "", name); sub(/\(.*/, "", name); start = $2; base = indent; deepest = 0 }
        if (name != "" && int((indent - base) / 4) > deepest) deepest = int((indent - base) / 4)
        last = $2
        next
    }
    {
        gsub(/\\./, "", text); gsub(/"[^"]*"/, "", text); gsub(/\047.\047/, "", text); sub(/\/\/.*/, "", text)
        if (name == "" && text !~ /;[ \t\r]*$/ && (text ~ /(^|[ \t])(fn|func|function)[ \t]+[A-Za-z_(]/ || text ~ /^[A-Za-z_].*[A-Za-z_0-9]\([^;]*$/ && text !~ /^(if|for|while|switch|else|return|impl|struct|enum|trait|mod|use|class|namespace)[^A-Za-z_]/)) {
            name = text; sub(/.*(fn|func|function)[ \t]+(\([^)]*\)[ \t]*)?/, "", name); sub(/[(<{].*/, "", name); sub(/.*[ *]/, "", name)
            start = $2; base = depth; deepest = 0; opened = 0
            if (name == "") name = "(unnamed)"
        }
        opening = gsub(/\{/, "", text); closing = gsub(/\}/, "", text)
        depth += opening
        if (name != "" && opening) opened = 1
        if (depth - base > deepest) deepest = depth - base
        depth -= closing
        if (depth < 0) depth = 0
        if (name != "" && opened && depth <= base) close_function()
        else if (name != "" && !opened && $2 - start > 20) name = ""
    }
    END { if (name != "" && python) { $2 = last + 1; close_function() } }
' "$scratch/source" >"$scratch/measured"
progress 80 "sorting $(count "$scratch/measured") functions"
us=$(printf '\037')
sort -t "$us" -k1,1nr -k3,3 -k4,4n "$scratch/measured" | head -n 2000 >"$scratch/long"
sort -t "$us" -k2,2nr -k1,1nr -k3,3 "$scratch/measured" | head -n 30 >"$scratch/deep"
{
    echo 'path,line,function,lines,nesting'
    awk -F '\037' "$functions"'{ print csv($3) "," $4 "," csv($5) "," $1 "," $2 }' "$scratch/long"
} >"$artifacts/functions.csv"
n=$(count "$scratch/measured")
long=$(awk -F '\037' '$1 > 80' "$scratch/measured" | wc -l | tr -d ' ')
deep=$(awk -F '\037' '$2 > 5' "$scratch/measured" | wc -l | tr -d ' ')
{
    echo "# Long functions and deep nesting"
    echo
    echo "$n functions measured; $long longer than 80 lines, $deep nested deeper than 5."
    echo
    echo "| lines | nesting | function | where |"
    echo "| ---: | ---: | --- | --- |"
    head -n 30 "$scratch/long" | awk -F '\037' "$functions"'{ print "| " $1 " | " $2 " | " cell(cut($5, 60)) " | " cell($3) ":" $4 " |" }'
    echo
    echo "## Deepest"
    echo
    echo "| nesting | lines | function | where |"
    echo "| ---: | ---: | --- | --- |"
    awk -F '\037' "$functions"'{ print "| " $2 " | " $1 " | " cell(cut($5, 60)) " | " cell($3) ":" $4 " |" }' "$scratch/deep"
} >"$artifacts/complexity.md"
head -n 4 "$scratch/long" | awk -F '\037' "$functions"'{ print cut($5, 60) " in " $3 ":" $4 " has " $1 " lines" }' >"$scratch/findings"
printf 'functions\t%d\nlong\t%d\ndeep\t%d\n' "$n" "$long" "$deep" >"$scratch/figures"
finish "Long functions and deep nesting" "$n functions measured; $long longer than 80 lines, $deep nested deeper than 5"
