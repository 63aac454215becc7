#!/bin/sh
# Under which terms: the licence files, the licence that each manifest names, and how many source files say theirs.
. "$(dirname "$0")/common.sh"

progress 10 "looking for licence files"
files | cut -f2- >"$scratch/paths"
grep -i -E '(^|/)(un)?(licen[cs]es?|copying|notice)([-._][^/]*)?$' "$scratch/paths" |
    grep -v -i -E '\.(sh|rs|py|go|js|ts|c|h|java|rb|json|toml|csv)$' | head -n 200 >"$scratch/licences" || true
us=$(printf '\037')
: >"$scratch/judged"
while IFS= read -r path; do
    kind=$(repo cat-file blob "$tree:$path" 2>/dev/null | head -c 20000 | tr -s ' \t\r\n' '    ' | awk '
        { text = text $0 }
        END {
            kind = "other"
            if (text ~ /Apache License/) kind = "Apache-2.0"
            else if (text ~ /GNU AFFERO GENERAL PUBLIC/) kind = "AGPL"
            else if (text ~ /GNU LESSER GENERAL PUBLIC/) kind = "LGPL"
            else if (text ~ /GNU GENERAL PUBLIC LICENSE/) kind = "GPL"
            else if (text ~ /Mozilla Public License/) kind = "MPL"
            else if (text ~ /Permission is hereby granted, free of charge/) kind = "MIT"
            else if (text ~ /Redistribution and use in source and binary forms/) kind = "BSD"
            else if (text ~ /Permission to use, copy, modify, and\/or distribute/) kind = "ISC"
            else if (text ~ /free and unencumbered software/) kind = "Unlicense"
            print kind
        }')
    printf '%s%s%s\n' "$kind" "$us" "$path" >>"$scratch/judged"
done <"$scratch/licences"
progress 40 "reading manifests"
search '^[ 	]*"?licen[cs]e"?[ 	]*[=:]' 'Cargo.toml' '*/Cargo.toml' 'package.json' '*/package.json' 'pyproject.toml' '*/pyproject.toml' 'setup.cfg' | head -n 500 >"$scratch/manifests"
progress 55 "looking at the heads of the sources"
grep -E '\.(rs|py|go|js|jsx|ts|tsx|java|kt|c|cc|cpp|h|hpp|rb|php|swift|cs|sh|scala)$' "$scratch/paths" >"$scratch/sources" || true
search 'SPDX-License-Identifier:|[Cc]opyright|\([Cc]\) [12][0-9][0-9][0-9]' '*.rs' '*.py' '*.go' '*.js' '*.jsx' '*.ts' '*.tsx' '*.java' '*.kt' '*.c' '*.cc' '*.cpp' '*.h' '*.hpp' '*.rb' '*.php' '*.swift' '*.cs' '*.sh' '*.scala' |
    awk -F '\037' '$2 <= 25' >"$scratch/heads"
awk -F '\037' -v sources="$scratch/sources" "$functions"'
    { head[$1] = 1; if (match($3, /SPDX-License-Identifier:[ \t]*[A-Za-z0-9.+() -]+/)) { id = substr($3, RSTART + 24, RLENGTH - 24); sub(/^[ \t]+/, "", id); sub(/[ \t]+$/, "", id); spdx[$1] = id } }
    END { while ((getline path < sources) > 0) print (path in spdx ? spdx[path] : path in head ? "(copyright line)" : "(none)") "\037" extension(path) "\037" path }
' "$scratch/heads" >"$scratch/by-source"
{
    echo 'path,header'
    head -n 20000 "$scratch/by-source" | awk -F '\037' "$functions"'{ print csv($3) "," csv($1) }'
} >"$artifacts/licence-headers.csv"
cut -d "$us" -f1 "$scratch/by-source" | sort | uniq -c | sort -k1,1nr -k2 >"$scratch/headers"
n=$(count "$scratch/by-source")
without=$(grep -c "^(none)$us" "$scratch/by-source" || true)
{
    echo "# Licences"
    echo
    echo "## Licence files"
    echo
    awk -F '\037' "$functions"'{ print "- `" cell($2) "`: " $1 }' "$scratch/judged"
    echo
    echo "## In manifests"
    echo
    head -n 50 "$scratch/manifests" | awk -F '\037' "$functions"'{ sub(/^[ \t]+/, "", $3); print "- `" cell($1) "`: " cell(cut($3, 100)) }'
    echo
    echo "## Headers of $n source files"
    echo
    head -n 30 "$scratch/headers" | awk "$functions"'{ n = $1; sub(/^ *[0-9]+ /, ""); print "- " cell($0) ": " n }'
} >"$artifacts/licences.md"
{
    awk -F '\037' '{ print $2 ": " $1 }' "$scratch/judged" | head -n 4
    [ -s "$scratch/judged" ] || echo "no licence file"
} >"$scratch/findings"
printf 'licence_files\t%d\nsources\t%d\nsources_without_header\t%d\n' "$(count "$scratch/judged")" "$n" "$without" >"$scratch/figures"
finish "Licences" "$(count "$scratch/judged") licence files; $without of $n sources have no header of their own"
