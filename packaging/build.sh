#!/usr/bin/env bash
# build.sh OUT [VERSION]: builds the Debian packages of both programs into the folder OUT. They hold the programs of
# `cargo build --release`: what was tried is what is shipped.
# Needs cargo-deb (`cargo install cargo-deb --locked`). VERSION is the Debian version; without it, that
# of packaging/deb/*.changelog, which has to be the crates' own.
set -euo pipefail
out=$(realpath -m "${1:?usage: build.sh OUT [VERSION]}")
version=${2:-}
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}
mkdir -p "$out" "$target/release"

cargo build --release --locked

crate_version=$(cargo metadata --no-deps --locked --format-version=1 |
    python3 -c 'import json, sys; print({p["version"] for p in json.load(sys.stdin)["packages"]}.pop())')
for program in agent collector; do
    package=umbrascope-$program
    stated=$(sed -n '1s/^[^(]*(\([^)]*\)-[0-9]*).*/\1/p' "packaging/deb/$program.changelog")
    if [ "$stated" != "$crate_version" ]; then
        echo "packaging/deb/$program.changelog says $stated, Cargo.toml $crate_version: write its entry" >&2
        exit 1
    fi
    python3 packaging/third-party.py "$package" "$target/release/$package.third-party.gz"
    cargo deb --locked --no-build -p "$package" --output "$out/" ${version:+--deb-version "$version"}
done
