#!/usr/bin/env bash
# cross.sh windows|macos: builds the agent for another system and prints the program's path last.
#
# To be tried (test-windows.sh) or to see that it links; not to be shipped. Needs Debian's rustc-web, cargo-web,
# libstd-rust-web-dev and rust-web-src, whose source of the standard library is compiled with it; for Windows
# gcc-mingw-w64-x86-64, for macOS cargo-zigbuild and ziglang from PyPI on PATH.
set -euo pipefail
cd "$(dirname "$0")/.."

# Not rustup's, which has no source of the standard library here.
export CARGO=/usr/bin/cargo RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 CARGO_INCREMENTAL=0
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}/cross
arguments=(--locked --profile cross -p umbrascope-agent --bin umbrascope-agent "-Zbuild-std=std,panic_abort")

case ${1:-} in
windows)
    target=x86_64-pc-windows-gnu
    export CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER=x86_64-w64-mingw32-gcc
    export CC_x86_64_pc_windows_gnu=x86_64-w64-mingw32-gcc AR_x86_64_pc_windows_gnu=x86_64-w64-mingw32-ar
    "$CARGO" build "${arguments[@]}" --target "$target"
    echo "$CARGO_TARGET_DIR/$target/cross/umbrascope-agent.exe"
    ;;
macos)
    target=aarch64-apple-darwin
    # What strips is not in Debian's packages.
    export CARGO_TARGET_AARCH64_APPLE_DARWIN_RUSTFLAGS=-Cstrip=none
    cargo-zigbuild zigbuild "${arguments[@]}" --target "$target"
    echo "$CARGO_TARGET_DIR/$target/cross/umbrascope-agent"
    ;;
*)
    echo "usage: cross.sh windows|macos" >&2
    exit 2
    ;;
esac
