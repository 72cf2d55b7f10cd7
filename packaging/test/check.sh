# shellcheck shell=bash
# Sourced by the packaging tests: named checks, their outcomes in the file $RESULTS.

# check NAME COMMAND…: passes when the command does; its output is shown when it does not.
check() {
    local name=$1 output
    shift
    if output=$("$@" 2>&1); then
        echo "ok $name" | tee -a "$RESULTS"
    else
        echo "FAIL $name" | tee -a "$RESULTS"
        printf '    %s\n' "command: $*" "$output" | sed 's/^ *$//' >&2
    fi
}

# refuse NAME COMMAND…: passes when the command fails.
refuse() {
    local name=$1
    shift
    check "$name" fails "$@"
}

fails() { ! "$@"; }

# within SECONDS COMMAND…: tries the command until it passes or the time is over.
within() {
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        [ "$SECONDS" -lt "$end" ] || return 1
        sleep 0.5
    done
}

# owned PATH "USER:GROUP MODE"
owned() {
    local is
    is=$(stat -c '%U:%G %a' "$1")
    [ "$is" = "$2" ] || { echo "$1 is $is, not $2"; return 1; }
}

# The Debian version that follows the one of a changelog.
next_version() {
    sed -n '1s/^[^(]*(\(.*\)-\([0-9]*\)).*/\1-\2+next1/p' "$1"
}

# Every path on this machine that a package could have left, volatile ones aside.
paths() {
    find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /run -o -path /tmp -o -path /var/tmp -o -path /work \
        -o -path /packages-test -o -path /var/log -o -path /var/cache -o -path /root \) -prune -o -print | sort
}

# left BEFORE: what is there now and was not in the listing BEFORE; nothing is what it should print.
left() {
    local more
    more=$(paths | comm -13 "$1" - |
        grep -v -e '^/var/lib/dpkg/' -e '^/var/lib/systemd/\(catalog\|random-seed\|timers\)' -e '^/etc/[a-z]*-$' || true)
    [ -z "$more" ] || { echo "left behind: $more"; return 1; }
}

# Sums up; fails when a check failed or none ran.
summary() {
    local passed failed
    passed=$(grep -c '^ok ' "$RESULTS" || true)
    failed=$(grep -c '^FAIL ' "$RESULTS" || true)
    grep '^FAIL ' "$RESULTS" || true
    echo "${SUITE:-packages}: $passed passed, $failed failed"
    [ "$failed" = 0 ] && [ "$passed" -gt 0 ]
}
