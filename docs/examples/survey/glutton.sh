#!/bin/sh
# The one that misbehaves, on purpose: it keeps everything that it ever made up in memory. Its cage gives it 48 MiB; it
# goes for 4 GiB. What is expected is that it is ended, that the record says which limit it broke, and that nobody
# else notices.
. "$(dirname "$0")/common.sh"

progress 1 "remembering everything, for ever"
awk 'BEGIN {
    for (mib = 1; mib <= 4096; mib++) {
        for (i = 0; i < 1024; i++) hoard[mib, i] = sprintf("%01000d", i)
        if (mib % 8 == 0) {
            printf "{\"type\":\"progress\",\"percent\":%d,\"message\":\"holding more than %d MiB\"}\n", mib * 100 / 4096, mib
            fflush()
        }
    }
}' || {
    echo "ended while holding too much; the cage held" >&2
    exit 1
}
echo "nobody stopped me: this cage has no working memory limit" >&2
