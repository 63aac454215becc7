#!/bin/sh
# What it leans on: every dependency named in Cargo.toml, package.json, requirements.txt, pyproject.toml, go.mod and
# Gemfile, with the version asked for, and how many packages the lock files bring along.
. "$(dirname "$0")/common.sh"

progress 10 "looking for manifests"
files | cut -f2- >"$scratch/paths"
grep -E '(^|/)(Cargo\.toml|package\.json|requirements[^/]*\.txt|pyproject\.toml|go\.mod|Gemfile)$' "$scratch/paths" |
    grep -v -E '(^|/)(node_modules|vendor|third_party)/' | head -n 400 >"$scratch/manifests" || true

# Each reader prints NAME<US>VERSION<US>SECTION.
read_cargo() {
    awk -v OFS='\037' '
        /^[ \t]*\[/ {
            section = $0; gsub(/[][ \t"\r]/, "", section); one = ""
            wanted = section ~ /(^|\.)(dev-|build-)?dependencies(\.|$)/
            if (wanted && match(section, /dependencies\./)) { one = substr(section, RSTART + RLENGTH); sub(/\..*/, "", section) }
            next
        }
        wanted && one != "" && /^[ \t]*version[ \t]*=/ { v = $0; sub(/[^"]*"/, "", v); sub(/".*/, "", v); print one, v, section; next }
        wanted && one == "" && /^[ \t]*[A-Za-z0-9_-]+(\.[a-z]+)?[ \t]*=/ {
            name = $0; sub(/^[ \t]*/, "", name); sub(/[ \t=.].*/, "", name)
            v = $0
            if (v ~ /version[ \t]*=/) sub(/.*version[ \t]*=[ \t]*"/, "", v)
            else if (v ~ /=[ \t]*"/) sub(/[^"]*"/, "", v)
            else v = (v ~ /workspace/ ? "(workspace)" : v ~ /path/ ? "(path)" : v ~ /git/ ? "(git)" : "")
            sub(/".*/, "", v); print name, v, section
        }'
}
read_npm() {
    awk -v OFS='\037' '
        /"(dev|peer|optional)?[dD]ependencies"[ \t]*:[ \t]*\{/ { section = $0; sub(/[^"]*"/, "", section); sub(/".*/, "", section); wanted = $0 !~ /\}/; next }
        wanted && /\}/ { wanted = 0 }
        wanted && /"[^"]+"[ \t]*:[ \t]*"/ { split($0, part, "\""); print part[2], part[4], section }'
}
read_requirements() {
    awk -v OFS='\037' '/^[A-Za-z0-9]/ { sub(/[ \t]*[#;].*/, ""); name = $0; sub(/[^A-Za-z0-9._-].*/, "", name); v = substr($0, length(name) + 1); gsub(/[ \t\r]/, "", v); print name, v, "requirements" }'
}
read_pyproject() {
    awk -v OFS='\037' '
        /^dependencies[ \t]*=[ \t]*\[/ { wanted = 1 }
        wanted { line = $0; while (match(line, /["\047][A-Za-z0-9][^"\047]*["\047]/)) {
            item = substr(line, RSTART + 1, RLENGTH - 2); line = substr(line, RSTART + RLENGTH)
            name = item; sub(/[^A-Za-z0-9._-].*/, "", name); print name, substr(item, length(name) + 1), "project" } }
        wanted && /\][ \t\r]*$/ { wanted = 0 }'
}
read_go() {
    awk -v OFS='\037' '/^require[ \t]*\(/ { wanted = 1; next } wanted && /^\)/ { wanted = 0 }
        wanted && NF >= 2 { print $1, $2, ($0 ~ /\/\/ indirect/ ? "indirect" : "require") } !wanted && /^require[ \t]+[^( ]/ { print $2, $3, "require" }'
}
read_gem() {
    awk -v OFS='\037' '/^[ \t]*gem[ \t(]/ { gsub(/\047/, "\""); n = split($0, part, "\""); print part[2], (n >= 4 ? part[4] : ""), "gem" }'
}

total=$(count "$scratch/manifests")
number=0
: >"$scratch/found"
while IFS= read -r path; do
    number=$((number + 1))
    [ $((number % 25)) -ne 1 ] || progress $((10 + 70 * number / total)) "reading manifest $number of $total"
    case $path in
    *Cargo.toml) reader=read_cargo ;;
    *package.json) reader=read_npm ;;
    *pyproject.toml) reader=read_pyproject ;;
    *go.mod) reader=read_go ;;
    *Gemfile) reader=read_gem ;;
    *) reader=read_requirements ;;
    esac
    repo cat-file blob "$tree:$path" | $reader | head -n 5000 | PATH_SHOWN=$path awk -v OFS='\037' '{ print ENVIRON["PATH_SHOWN"], $0 }' >>"$scratch/found"
done <"$scratch/manifests"

progress 85 "counting locked packages"
: >"$scratch/locked"
grep -E '(^|/)(Cargo\.lock|poetry\.lock|go\.sum|yarn\.lock|package-lock\.json)$' "$scratch/paths" | head -n 50 >"$scratch/locks" || true
while IFS= read -r path; do
    repo cat-file blob "$tree:$path" | PATH_SHOWN=$path awk '
        /^\[\[package\]\]/ || /^[a-z].* h1:/ && !/go.mod h1:/ || /^  resolved / || /^ +"resolved":/ { n++ }
        END { print n + 0 "\037" ENVIRON["PATH_SHOWN"] }' >>"$scratch/locked"
done <"$scratch/locks"

{
    echo 'manifest,dependency,version,section'
    awk -F '\037' "$functions"'{ print csv($1) "," csv($2) "," csv($3) "," csv($4) }' "$scratch/found"
} >"$artifacts/dependencies.csv"
cut -d "$(printf '\037')" -f2 "$scratch/found" | sort | uniq -c | sort -k1,1nr -k2 >"$scratch/by-name"
direct=$(count "$scratch/by-name")
{
    echo "# Dependencies"
    echo
    echo "$direct different packages named in $total manifests."
    echo
    awk -F '\037' "$functions"'{ print "- `" cell($2) "` locks " $1 " packages" }' "$scratch/locked"
    echo
    echo "| dependency | version | section | manifest |"
    echo "| --- | --- | --- | --- |"
    sort -u "$scratch/found" | head -n 200 | awk -F '\037' "$functions"'{ print "| " cell($2) " | " cell(cut($3, 40)) " | " cell($4) " | " cell($1) " |" }'
} >"$artifacts/dependencies.md"
awk -F '\037' '{ print $2 " locks " $1 " packages" }' "$scratch/locked" | head -n 4 >"$scratch/findings"
awk '$1 > 1 { n = $1; sub(/^ *[0-9]+ /, ""); print $0 ": named " n " times" }' "$scratch/by-name" | head -n 4 >>"$scratch/findings"
wild=$(awk -F '\037' '$3 == "*" || $3 == "latest"' "$scratch/found" | wc -l | tr -d ' ')
printf 'manifests\t%d\ndirect\t%d\nany_version\t%d\n' "$total" "$direct" "$wild" >"$scratch/figures"
finish "Dependencies" "$direct packages named in $total manifests, $wild of them in any version"
