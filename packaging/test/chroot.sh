#!/usr/bin/env bash
# The packages on a machine where no service manager runs: image builds, containers. Run by test-packages.sh.
set -uo pipefail
source /packages-test/check.sh
RESULTS=/packages-test/results
export DEBIAN_FRONTEND=noninteractive PATH=/usr/sbin:/usr/bin:/sbin:/bin

check "chroot: no service manager runs" test ! -d /run/systemd/system
paths >/packages-test/before
for program in agent collector; do
    package=umbrascope-$program
    check "chroot: $package is installed" dpkg -i /packages-test/old/"$package"_*.deb
    check "chroot: $package is enabled for the next boot" \
        test -L "/etc/systemd/system/multi-user.target.wants/$package.service"
    check "chroot: $package is upgraded" dpkg -i /packages-test/new/"$package"_*.deb
    touch "/var/lib/$package/kept"
    check "chroot: $package is removed" dpkg -r "$package"
    check "chroot: removing $package keeps its state" test -e "/var/lib/$package/kept"
    check "chroot: removing $package keeps its configuration" test -e "/etc/umbrascope/$program.toml"
    check "chroot: $package is purged" dpkg -P "$package"
    refuse "chroot: purging $package deletes its user" getent passwd "$package"
    refuse "chroot: purging $package deletes its group" getent group "$package"
done
check "chroot: nothing is left" left /packages-test/before
echo end >>"$RESULTS"
