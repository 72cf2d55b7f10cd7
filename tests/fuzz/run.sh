#!/usr/bin/env bash
# Builds the fuzz targets and runs each for so many seconds: `run.sh SECONDS [TARGET…]`. Up to a minute it tries the same each
# time, so that a change is judged and not luck; longer runs go where chance leads them.
#
# libFuzzer needs code that counts what it reaches, which any compiler of ours can make: no nightly toolchain, no
# cargo-fuzz. No sanitizer: the crates that are fuzzed forbid unsafe code, so a memory error would be a panic. What is
# found and the corpus stay in $CARGO_TARGET_DIR/fuzz (default: target/fuzz at the root).
set -euo pipefail
cd "$(dirname "$0")"

seconds=$1
shift
target=$(realpath -m "${CARGO_TARGET_DIR:-../../target}/fuzz")
host=$(rustc -vV | sed -n 's/^host: //p')
targets=("$@")
[ $# -gt 0 ] || targets=(frame dns tls quic http pcapng dissector order station bundle scan)

export CARGO_TARGET_DIR=$target
# The flags are for this host only, as cargo-fuzz sets them; with --target they spare build scripts and macros.
export RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4
 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table
 -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1"
# The whole agent, and the minutes that it takes, only where its parsers are asked for.
features=()
[[ " ${targets[*]} " == *" scan "* ]] && features=(--features scan)
cargo build --quiet --release --locked --target "$host" --bins --example seeds "${features[@]}"
built=$target/$host/release
"$built/examples/seeds" "$target/seeds"

seed=$([ "$seconds" -le 60 ] && echo 1 || echo 0)
failed=0
for name in "${targets[@]}"; do
    mkdir -p "$target/corpus/$name" "$target/found/$name"
    log=$target/found/$name.log
    # The longest of the scan's seeds is a database of 18 pages.
    longest=$([ "$name" = scan ] && echo 80000 || echo 20000)
    if "$built/$name" -seed="$seed" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -max_len="$longest" -use_value_profile=1 \
        -print_final_stats=1 -artifact_prefix="$target/found/$name/" \
        "$target/corpus/$name" "$target/seeds/$name" >"$log" 2>&1; then
        runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
        covered=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -1)
        printf '%s: %s runs in %s s, %s edges reached, nothing found\n' "$name" "$runs" "$seconds" "$covered"
    else
        failed=1
        printf '%s: FOUND something, see %s\n' "$name" "$log"
        tail -30 "$log"
    fi
done
exit $failed
