#!/bin/sh
# What should not be in a repository: keys, tokens and passwords by their look, and files that usually hold them. Says
# where and of what kind, never what: this report is read by others.
. "$(dirname "$0")/common.sh"

us=$(printf '\037')
: >"$scratch/found"
# look KIND PATTERN: places only, the text is dropped at once.
look() {
    kind=$1
    search "$2" . | head -n 2000 | cut -d "$us" -f1,2 | sed "s/^/$kind$us/" >>"$scratch/found"
}
progress 10 "looking for private keys"
look 'private key' '^-----BEGIN [A-Z ]*PRIVATE KEY-----'
progress 30 "looking for access keys"
look 'cloud access key' '(^|[^A-Z0-9])(AKIA|ASIA)[A-Z0-9]{16}([^A-Z0-9]|$)'
look 'token' '(^|[^A-Za-z0-9_])(gh[pousr]_[A-Za-z0-9]{36}|glpat-[A-Za-z0-9_-]{20}|xox[abp]-[A-Za-z0-9-]{20}|sk-[A-Za-z0-9_-]{32})'
progress 55 "looking for passwords"
look 'password' '(password|passwd|secret|api_?key)["'"'"']?[ ]*[:=][ ]*["'"'"'][^"'"'"'$<{ ]{8,}["'"'"']'
look 'password in an address' '://[^/ :@"]+:[^/ :@"$<{]{4,}@'
progress 80 "looking at the names of files"
files | cut -f2- | grep -E '(^|/)(\.env(\.[a-z]+)?|id_(rsa|dsa|ecdsa|ed25519)|[^/]*\.(pem|p12|pfx|jks|kdbx)|\.netrc|\.pgpass)$' | grep -v -E '\.(example|sample|template)$' |
    sed "s/^/file that usually holds secrets$us/; s/\$/${us}0/" >>"$scratch/found" || true
sort -u "$scratch/found" >"$scratch/unique"
{
    echo 'kind,path,line'
    awk -F '\037' "$functions"'{ print $1 "," csv($2) "," $3 }' "$scratch/unique"
} >"$artifacts/secrets.csv"
n=$(count "$scratch/unique")
cut -d "$us" -f1 "$scratch/unique" | sort | uniq -c | sort -k1,1nr >"$scratch/by-kind"
{
    echo "# What looks like a secret"
    echo
    echo "$n places, by pattern: examples and test data are among them. The text itself is left out on purpose."
    echo
    head -n 200 "$scratch/unique" | awk -F '\037' "$functions"'{ print "- " $1 ": `" cell($2) ($3 > 0 ? ":" $3 : "") "`" }'
} >"$artifacts/secrets.md"
awk '{ n = $1; sub(/^ *[0-9]+ /, ""); print $0 ": " n }' "$scratch/by-kind" >"$scratch/findings"
printf 'places\t%d\n' "$n" >"$scratch/figures"
finish "What looks like a secret" "$n places to check by eye"
