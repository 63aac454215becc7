#!/bin/sh
# What can go badly wrong: unsafe Rust (and whether a SAFETY comment stands near), panics, raw C strings, eval and the
# like. Found by pattern: a list of places to read, no verdict.
. "$(dirname "$0")/common.sh"

us=$(printf '\037')
progress 5 "looking for unsafe Rust"
search '(^|[^A-Za-z0-9_])(unsafe|SAFETY)([^A-Za-z0-9_]|$)' '*.rs' | head -n 50000 >"$scratch/rust"
awk -F '\037' '
    $3 ~ /SAFETY/ { safety = $2; file = $1 }
    $3 ~ /(^|[^A-Za-z0-9_"])unsafe[ \t]*(\{|fn|impl|extern|trait)/ && $3 !~ /^[ \t]*\/\// {
        near = file == $1 && $2 - safety <= 5
        print (near ? "unsafe, with SAFETY" : "unsafe, unexplained") FS $0
    }' "$scratch/rust" >"$scratch/found"

# look KIND PATTERN PATHSPEC...
look() {
    kind=$1
    shift
    search "$@" | head -n 20000 | sed "s/^/$kind$us/" >>"$scratch/found"
}
progress 30 "looking for panics in Rust"
look 'may panic' '\.unwrap\(\)|\.expect\(|panic!\(|todo!\(|unreachable!\(' '*.rs'
progress 50 "looking for raw strings and shells in C and C++"
look 'unchecked C' '(^|[^A-Za-z0-9_])(strcpy|strcat|sprintf|gets|system|alloca)[ ]*\(' '*.c' '*.h' '*.cc' '*.cpp' '*.hpp'
progress 65 "looking for eval, exec and shells in scripts"
look 'runs text' '(^|[^A-Za-z0-9_.])(eval|exec)[ ]*\(|pickle\.loads?\(|shell=True|os\.system\(' '*.py'
look 'runs text' '(^|[^A-Za-z0-9_.])eval[ ]*\(|new Function\(|\.innerHTML[ ]*=|dangerouslySetInnerHTML|child_process' '*.js' '*.ts' '*.jsx' '*.tsx' '*.mjs'
look 'runs text' '(^|[;&| 	])eval ' '*.sh' '*.bash'
look 'unsafe Go' 'unsafe\.Pointer' '*.go'

progress 85 "writing unsafe.csv and unsafe.md"
{
    echo 'kind,path,line,text'
    awk -F '\037' "$functions"'{ sub(/^[ \t]+/, "", $4); print csv($1) "," csv($2) "," $3 "," csv(cut($4, 200)) }' "$scratch/found" | head -n 20000
} >"$artifacts/unsafe.csv"
cut -d "$us" -f1 "$scratch/found" | sort | uniq -c | sort -k1,1nr >"$scratch/by-kind"
cut -d "$us" -f1,2 "$scratch/found" | sort | uniq -c | sort -k1,1nr -k2 >"$scratch/by-file"
unexplained=$(grep -c '^unsafe, unexplained' "$scratch/found" || true)
{
    echo "# Dangerous places"
    echo
    echo "| count | kind |"
    echo "| ---: | --- |"
    awk '{ n = $1; sub(/^ *[0-9]+ /, ""); print "| " n " | " $0 " |" }' "$scratch/by-kind"
    echo
    echo "## Where they are"
    echo
    echo "| count | kind | file |"
    echo "| ---: | --- | --- |"
    head -n 40 "$scratch/by-file" | awk "$functions"'{ n = $1; sub(/^ *[0-9]+ /, ""); split($0, part, "\037"); print "| " n " | " part[1] " | " cell(part[2]) " |" }'
    echo
    echo "## Unsafe Rust without a SAFETY comment within five lines"
    echo
    grep '^unsafe, unexplained' "$scratch/found" | head -n 50 | awk -F '\037' "$functions"'{ sub(/^[ \t]+/, "", $4); print "- `" cell($2) ":" $3 "` " cell(cut($4, 120)) }'
} >"$artifacts/unsafe.md"

total=$(count "$scratch/found")
awk '{ n = $1; sub(/^ *[0-9]+ /, ""); print $0 ": " n }' "$scratch/by-kind" >"$scratch/findings"
printf 'places\t%d\nunsafe_unexplained\t%d\n' "$total" "$unexplained" >"$scratch/figures"
finish "Dangerous places" "$total places to read with care, $unexplained of them unsafe Rust without a reason given"
