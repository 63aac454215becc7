# One short shift of a fleet at scale: a small piece of real work in some steps, with what the protocol lets an agent say.
#
# `menagerie demo --fleet-size N` carries this script and has every agent run it. Plain POSIX shell, built-ins alone but for
# `sleep`, so that a thousand of them share two cores. What a shift does follows from its number, which the task brings:
#   {"number": 17, "seconds": 30}   in parameters.configuration
# An element of an array has its own number instead. Every twentieth shift leaves a report for a person to judge, every fiftieth
# fails on purpose.

set -eu
LC_ALL=C
export LC_ALL

# The task has no line end, which `read` reports as a failure.
read -r task || [ -n "$task" ]
field() {
    found=${task#*"\"$1\":"}
    [ "$found" != "$task" ] || found=$2
    found=${found# }
    found=${found%%[!0-9]*}
}
field number 0; number=${MENAGERIE_ARRAY_INDEX:-$found}
field seconds 10; seconds=$found

steps=5
pause=$((seconds / steps))
seen=0
tokens=0
# Shifts differ in what they keep in memory, as programs do: up to about a MiB.
kept=x
size=$((number % 11))
while [ "$size" -gt 0 ]; do
    kept=$kept$kept$kept$kept
    [ ${#kept} -lt 262144 ] || break
    size=$((size - 1))
done

step=0
while [ "$step" -lt "$steps" ]; do
    for folder in /bin /usr/bin /usr/lib; do
        set -- "$folder"/*
        seen=$((seen + $#))
    done
    tokens=$((tokens + 100 + number % 400))
    step=$((step + 1))
    echo "{\"type\":\"progress\",\"percent\":$((step * 100 / steps - 1)),\"message\":\"step $step of $steps, $seen names read\"}"
    echo "{\"type\":\"tokens\",\"used\":$tokens}"
    sleep "$pause"
done

if [ $((number % 50)) -eq 49 ]; then
    echo "shift $number fails on purpose, as every fiftieth does, so that there is something to look into" >&2
    exit 1
fi
if [ $((number % 20)) -eq 7 ]; then
    {
        echo "# Shift $number"
        echo
        echo "Read $seen names of files in $steps steps, with ${#kept} bytes kept in memory."
    } >"$MENAGERIE_ARTIFACTS/shift-$number.md"
fi
echo "{\"type\":\"result\",\"output\":{\"names\":$seen},\"summary\":\"$seen names read\"}"
