#!/usr/bin/env bash
# test-packages.sh: builds both Debian packages and lives a machine's life with them.
#
# The machine is a throw-away layer over this one: nothing is installed here. First a chroot, as in an
# image build where no service manager runs; then a container with a systemd of its own and no network
# but loopback, which starts the units as they are shipped. Needs root, cargo-deb, lintian, systemd-nspawn.
# Prints a line a check and, last, `packages: N passed, N failed`.
set -euo pipefail
cd "$(dirname "$0")/.."
source packaging/test/check.sh
unset TMPDIR

for tool in cargo-deb lintian systemd-analyze systemd-nspawn; do
    command -v "$tool" >/dev/null || { echo "test-packages.sh needs $tool" >&2; exit 1; }
done
[ "$(id -u)" = 0 ] || { echo "test-packages.sh needs root: it mounts, and starts a container" >&2; exit 1; }

work=$(mktemp -d)
RESULTS=$work/results
: >"$RESULTS"
clean_up() {
    umount -R "$work/machine" 2>/dev/null || true
    umount "$work/layer" 2>/dev/null || true
    rm -rf "$work"
}
trap clean_up EXIT

packaging/build.sh "$work/old"
packaging/build.sh "$work/new" "$(next_version packaging/deb/agent.changelog)"

for package in "$work"/old/*.deb; do
    name=$(basename "$package" | cut -d_ -f1)
    check "$name: lintian finds no error" lintian --fail-on error --allow-root "$package"
    check "$name: its libraries' licences are in it" \
        sh -c "dpkg --fsys-tarfile '$package' | tar -xO './usr/share/doc/$name/THIRD-PARTY.gz' | zcat | grep -q '^serde 1'"
done
check "the agent's unit is exposed by no more than 3.0" \
    systemd-analyze security --offline=true --threshold=30 packaging/systemd/umbrascope-agent.service
check "the collector's unit is exposed by no more than 1.5" \
    systemd-analyze security --offline=true --threshold=15 packaging/systemd/umbrascope-collector.service

# A fresh machine: this one's files below, its own changes above.
new_machine() {
    umount -R "$work/machine" 2>/dev/null || true
    umount "$work/layer" 2>/dev/null || true
    mkdir -p "$work/layer" "$work/machine"
    mount -t tmpfs -o mode=0755 packages-test "$work/layer"
    mkdir "$work/layer/upper" "$work/layer/work"
    mount -t overlay -o "lowerdir=/,upperdir=$work/layer/upper,workdir=$work/layer/work" packages-test "$work/machine"
    # What somebody installed on this machine by hand must not help the test.
    chroot "$work/machine" dpkg -P umbrascope-agent umbrascope-collector >/dev/null 2>&1 || true
    tr -d - </proc/sys/kernel/random/uuid >"$work/machine/etc/machine-id"
    mkdir "$work/machine/packages-test"
    cp -r "$work/old" "$work/new" packaging/test/*.sh "$work/machine/packages-test/"
    : >"$work/machine/packages-test/results"
}

# Takes over what a machine found. No word from it is a failure too.
collect() {
    local found=$work/machine/packages-test/results
    cat "$found" >>"$RESULTS"
    check "$1 went through to its end" grep -qx "end" "$found"
}

new_machine
mount -t proc proc "$work/machine/proc"
mount --bind /dev "$work/machine/dev"
chroot "$work/machine" /packages-test/chroot.sh || true
collect "the life without a service manager"

new_machine
# Images for containers forbid packages to touch services; this machine's are real.
rm -f "$work/machine/usr/sbin/policy-rc.d"
cat >"$work/machine/etc/systemd/system/packages-test.target" <<'UNIT'
[Unit]
Requires=basic.target packages-test.service
After=basic.target
UNIT
cat >"$work/machine/etc/systemd/system/packages-test.service" <<'UNIT'
[Unit]
After=basic.target
[Service]
Type=oneshot
ExecStart=/packages-test/booted.sh
ExecStopPost=/bin/systemctl poweroff --force
StandardOutput=file:/packages-test/log
StandardError=file:/packages-test/log
TimeoutStartSec=480
UNIT
# landlock_*: this container manager's own filter is older than Landlock. The agent's filter needs bpf, which a container
# has not by itself.
timeout 540 systemd-nspawn --quiet --directory="$work/machine" --boot --private-network --register=no --keep-unit \
    --link-journal=no --resolv-conf=off --timezone=off --console=pipe \
    --system-call-filter="landlock_create_ruleset landlock_add_rule landlock_restrict_self bpf" \
    --capability=CAP_BPF,CAP_PERFMON \
    systemd.unit=packages-test.target systemd.show_status=no </dev/null >"$work/console" 2>&1 || true
cat "$work/machine/packages-test/log" 2>/dev/null || cat "$work/console"
collect "the life under systemd"

summary
