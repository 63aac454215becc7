#!/bin/sh
# The test map: folder by folder, how many source files, test files and test functions there are, and which folders with
# source have no test at all.
. "$(dirname "$0")/common.sh"

progress 10 "listing the sources"
files | cut -f2- | grep -E '\.(rs|py|go|js|jsx|ts|tsx|mjs|java|kt|c|cc|cpp|rb|php|swift|cs|ex|exs|scala)$' >"$scratch/sources" || true
progress 25 "looking for test functions"
# Rust attributes, Python and Go by name, JavaScript and Ruby blocks, JUnit annotations, C macros.
search '^[ 	]*#\[((tokio|async_std)::)?test|^[ 	]*proptest!|^[ 	]*(async )?def test_|^func (Test|Fuzz|Benchmark)|^[ 	]*(it|test|describe)\(|^[ 	]*(it|test) ["'"'"']|^[ 	]*@Test|^(TEST|TEST_F|TEST_P)\(' \
    '*.rs' '*.py' '*.go' '*.js' '*.jsx' '*.ts' '*.tsx' '*.mjs' '*.java' '*.kt' '*.c' '*.cc' '*.cpp' '*.rb' '*.ex' '*.exs' '*.scala' '*.php' '*.swift' '*.cs' |
    cut -d "$(printf '\037')" -f1 | sort | uniq -c >"$scratch/functions"
progress 70 "drawing the map"
awk -v functions="$scratch/functions" "$functions"'
    BEGIN { while ((getline row < functions) > 0) { n = row + 0; sub(/^ *[0-9]+ /, "", row); tests[row] = n } }
    {
        path = $0; where = folder(path)
        is_test = path ~ /(^|\/)(tests?|spec|__tests__|testing)\// || path ~ /[._-](test|spec)\.[a-z]+$/ || path ~ /_test\.[a-z]+$/ || path ~ /(^|\/)test_[^\/]*$/
        folders[where] = 1
        if (is_test) test_files[where]++; else sources[where]++
        if (path in tests) { count[where] += tests[path]; if (!is_test) inside[where]++ }
    }
    END { for (w in folders) print sources[w] + 0 "\037" test_files[w] + 0 "\037" inside[w] + 0 "\037" count[w] + 0 "\037" w }
' "$scratch/sources" | sort -t "$(printf '\037')" -k5 >"$scratch/map"
{
    echo 'folder,source_files,test_files,sources_with_tests_inside,test_functions'
    head -n 5000 "$scratch/map" | awk -F '\037' "$functions"'{ print csv($5) "," $1 "," $2 "," $3 "," $4 }'
} >"$artifacts/tests.csv"
awk -F '\037' '$1 > 0 && $4 == 0 && $2 == 0' "$scratch/map" | sort -t "$(printf '\037')" -k1,1nr -k5 >"$scratch/bare"
set -- $(awk -F '\037' '{ s += $1; t += $2; f += $4 } END { print s + 0, t + 0, f + 0 }' "$scratch/map")
{
    echo "# Test map"
    echo
    echo "$3 test functions; $2 test files beside $1 source files. Found by name and attribute."
    echo
    echo "| folder | sources | with tests inside | test files | test functions |"
    echo "| --- | ---: | ---: | ---: | ---: |"
    sort -t "$(printf '\037')" -k4,4nr -k5 "$scratch/map" | head -n 60 | awk -F '\037' "$functions"'{ print "| " cell($5) " | " $1 " | " $3 " | " $2 " | " $4 " |" }'
    echo
    echo "## Folders with source and no test of their own"
    echo
    head -n 40 "$scratch/bare" | awk -F '\037' "$functions"'{ print "- `" cell($5) "`: " $1 " source files" }'
} >"$artifacts/tests.md"
head -n 5 "$scratch/bare" | awk -F '\037' '{ print $5 ": " $1 " source files, no test beside them" }' >"$scratch/findings"
printf 'source_files\t%d\ntest_files\t%d\ntest_functions\t%d\nfolders_without_tests\t%d\n' "$1" "$2" "$3" "$(count "$scratch/bare")" >"$scratch/figures"
finish "Test map" "$3 test functions; $(count "$scratch/bare") folders with source have no test of their own"
