# shellcheck shell=bash
# Sourced by .ci/run: steps with headings, durations and a sum of what passed and failed.

passed=0
failed=0
failures=()

heading() { printf '\n=== %s\n' "$1"; }

# retry COMMAND…: mirrors hiccup; four tries, with longer waits between them.
retry() {
    local wait
    for wait in 5 20 60; do
        "$@" && return
        echo "failed, trying again in $wait s: $*" >&2
        sleep "$wait"
    done
    "$@"
}

# timed NAME COMMAND…: runs the command in a shell of its own that stops at its first error. To be called
# where `set +e` is in force and outside conditions, in which `set -e` has no effect.
timed() {
    local name=$1 began=$SECONDS code=0
    shift
    heading "$name"
    (
        set -e
        "$@"
    )
    code=$?
    echo "--- $name: $([ $code = 0 ] && echo ok || echo "FAILED (exit $code)"), $((SECONDS - began)) s"
    return $code
}

# setup NAME COMMAND…: without it nothing else makes sense.
setup() {
    local code
    set +e
    timed "$@"
    code=$?
    [ $code = 0 ] || { echo "cannot go on without: $1"; echo "0 passed, 1 failed"; exit 1; }
    set -e
}

# step NAME COMMAND…: one check.
step() {
    local code
    set +e
    timed "$@"
    code=$?
    set -e
    if [ $code = 0 ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        failures+=("$1")
    fi
}

# suite NAME COMMAND…: many checks, counted from the lines that sum them up: those of `cargo test` and
# `NAME: N passed, N failed`. A suite that fails without a counted failure is one failure; one that
# passes without having run a check is one too.
suite() {
    local name=$1 log=${work:?}/suite code good bad
    set +e
    timed "$@" 2>&1 | tee "$log"
    code=${PIPESTATUS[0]}
    set -e
    read -r good bad < <(sed -nE 's/^(test result: [a-zA-Z]+\.|[a-z-]+:) ([0-9]+) passed[;,] ([0-9]+) failed.*/\2 \3/p' "$log" |
        awk '{ good += $1; bad += $2 } END { print good + 0, bad + 0 }')
    if [ "$bad" = 0 ] && { [ "$code" != 0 ] || [ "$good" = 0 ]; }; then
        bad=1
    fi
    passed=$((passed + good))
    failed=$((failed + bad))
    [ "$bad" = 0 ] || failures+=("$name")
}

# The last line; fails when anything did.
sum_up() {
    heading "sum"
    echo "took $SECONDS s"
    [ ${#failures[@]} = 0 ] || printf 'failed: %s\n' "${failures[@]}"
    echo "$passed passed, $failed failed"
    [ "$failed" = 0 ] && [ "$passed" -gt 0 ]
}
