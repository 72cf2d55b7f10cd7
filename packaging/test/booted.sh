#!/usr/bin/env bash
# The packages on a machine whose service manager runs: install, enrol, report, upgrade, remove, purge.
# Run by test-packages.sh as a service of the container, with loopback for a network.
set -uo pipefail
source /packages-test/check.sh
RESULTS=/packages-test/results
export DEBIAN_FRONTEND=noninteractive PATH=/usr/sbin:/usr/bin:/sbin:/bin
agent_state=/var/lib/umbrascope-agent
collector_state=/var/lib/umbrascope-collector

# A person's tools, on the disk and on the wire. Nobody listens: a query is an observation of its own.
furnish() {
    useradd --create-home tester
    install -d -o tester /home/tester/.cursor
    cat >/home/tester/.cursor/mcp.json <<'JSON'
{"mcpServers": {"github": {"command": "npx", "args": ["-y", "@modelcontextprotocol/server-github"]}}}
JSON
}
ask_a_name() {
    dig @127.0.0.1 chatgpt.com +tries=1 +time=1 >/dev/null 2>&1
    dig @127.0.0.1 packages-test.example +tries=1 +time=1 >/dev/null 2>&1
    true
}

identity() { sha256sum "$agent_state/identity.json"; }
same_identity() { [ -n "$1" ] && [ "$(identity)" = "$1" ]; }
reported() {
    umbrascope-collector export json --data-dir "$collector_state" >/packages-test/export || return
    grep -qF -- "$1" /packages-test/export
}
on_the_wire() { ask_a_name; reported chatgpt.com; }
sensors() { umbrascope-collector sensor list --data-dir "$collector_state" | grep -c "$(hostname)"; }
one_sensor() { [ "$(sensors)" = 1 ]; }
main_pid() { systemctl show -P MainPID "umbrascope-$1"; }
active() { systemctl is-active --quiet "umbrascope-$1"; }
never_restarted() { [ "$(systemctl show -P NRestarts "umbrascope-$1")" = 0 ] && active "$1"; }
replaced() { [ "$(main_pid "$1")" != "$2" ] && active "$1"; }

# The processes of a unit: those of its user.
processes() { pgrep -u "umbrascope-$1"; }
runs_as_its_user() { [ "$(stat -c %U "/proc/$(main_pid "$1")")" = "umbrascope-$1" ]; }
some_process_without_capability() {
    local pid
    for pid in $(processes agent); do
        grep -q '^CapEff:\s*0*$' "/proc/$pid/status" && grep -q '^Seccomp:\s*2' "/proc/$pid/status" && return 0
    done
    return 1
}
# Of what the unit gives, NET_RAW, NET_ADMIN, BPF and PERFMON are for the start alone.
the_start_is_over() {
    local has
    has=$((16#$(sed -n 's/^CapPrm:\s*//p' "/proc/$(main_pid agent)/status")))
    [ $((has & (1 << 13 | 1 << 12 | 1 << 39 | 1 << 38))) = 0 ]
}
only_the_units_capabilities() {
    # NET_RAW, NET_ADMIN, SYS_PTRACE, DAC_READ_SEARCH, BPF, PERFMON (linux/capability.h).
    local pid has seen=0 allowed=$((1 << 13 | 1 << 12 | 1 << 19 | 1 << 2 | 1 << 39 | 1 << 38))
    for pid in $(processes agent); do
        # A look at the installed software may have ended since it was listed.
        has=$(sed -n 's/^CapBnd:\s*//p' "/proc/$pid/status" 2>/dev/null) || [ -d "/proc/$pid" ] || continue
        seen=1
        has=$((16#$has))
        [ $((has & ~allowed)) = 0 ] || { echo "process $pid could get $has"; return 1; }
    done
    [ $seen = 1 ]
}

# start PROGRAM: `systemctl start` is content with a unit whose condition does not hold; this is not.
start() { systemctl start "umbrascope-$1" && active "$1"; }
# must COMMAND…: the rest would only wait for what cannot come.
must() {
    "$@" && return
    journalctl --no-pager --lines 60 --unit 'umbrascope-*' --output cat
    exit 1
}

paths >/packages-test/before

for program in agent collector; do
    package=umbrascope-$program
    check "$package is installed" dpkg -i /packages-test/old/"$package"_*.deb
    check "$package: the program starts" "/usr/bin/$package" --version
    check "$package: the program is root's" owned "/usr/bin/$package" "root:root 755"
    check "$package: the configuration is its user's to read" owned "/etc/umbrascope/$program.toml" "root:$package 640"
    check "$package: the configuration is a conffile" \
        sh -c "dpkg-query -W -f '\${Conffiles}' $package | grep -q '/etc/umbrascope/$program.toml'"
    check "$package: the state folder is its user's alone" owned "/var/lib/$package" "$package:$package 700"
    check "$package: the user cannot log in" sh -c "getent passwd $package | grep -q ':/usr/sbin/nologin\$'"
    check "$package: the unit is enabled" systemctl is-enabled "$package"
    refuse "$package: the unit is not started by the installation" systemctl is-active "$package"
    check "$package: systemd-analyze verify has nothing to say" \
        sh -c "out=\$(systemd-analyze verify --man=no $package.service 2>&1) && [ -z \"\$out\" ] || { echo \"\$out\"; false; }"
    for file in README.md copyright changelog.gz changelog.Debian.gz THIRD-PARTY.gz; do
        check "$package: $file is there" test -s "/usr/share/doc/$package/$file"
    done
    # Stricter than what is shipped: a refused system call kills, and the watchdog bites soon, so that
    # neither can be wrong unseen.
    mkdir -p "/run/systemd/system/$package.service.d"
    printf '[Service]\nSystemCallErrorNumber=kill\nWatchdogSec=6\n' >"/run/systemd/system/$package.service.d/strict.conf"
done
systemctl daemon-reload

systemctl start umbrascope-agent
refuse "the agent is not started before it is enrolled" systemctl is-active umbrascope-agent

check "the collector says it is ready" start collector
must active collector
token=$(umbrascope-collector token create --data-dir "$collector_state" | grep -o 'umb1-[A-Za-z0-9_-]*' | head -1)
check "the collector gives a token" test -n "$token"
check "what root did leaves the collector's files the collector's" \
    sh -c "[ -n \"\$(find $collector_state -type f)\" ] && [ -z \"\$(find $collector_state ! -user umbrascope-collector -ls | tee /dev/stderr)\" ]"

furnish
check "the agent is enrolled over TLS with the token" \
    sh -c "printf %s '$token' | umbrascope-agent enrol --collector https://127.0.0.1:8443 --token-file -"
check "the identity is the agent's alone" owned "$agent_state/identity.json" "umbrascope-agent:umbrascope-agent 600"
refuse "the token is not kept" grep -rqF -- "$token" "$agent_state" /etc/umbrascope
check "the agent says it is ready" start agent
must active agent

for program in agent collector; do
    check "the $program runs as its own user" runs_as_its_user "$program"
    check "the $program serves on" within 5 active "$program"
done
check "the process that parses has no capability and a filter on its calls" within 5 some_process_without_capability
check "no process of the agent can get a capability that the unit does not give" only_the_units_capabilities
check "the main process gave up what only the start needs" within 5 the_start_is_over
check "the filter that knows the streams stands" \
    within 20 sh -c "umbrascope-agent status | grep -q 'filter tier 2'"

check "an MCP server found by the scan is in the collector's export" within 120 reported "server-github"
check "a name asked for on the wire is in the collector's export" within 60 on_the_wire
refuse "a name that is not AI is not" reported packages-test.example
check "the collector knows one sensor" one_sensor
sleep 8
for program in agent collector; do
    check "the $program feeds its watchdog and breaks no rule of its unit" never_restarted "$program"
done

identity=$(identity)
for program in agent collector; do
    package=umbrascope-$program
    echo "# chosen here" >>"/etc/umbrascope/$program.toml"
    before=$(main_pid "$program")
    check "$package is upgraded" dpkg -i /packages-test/new/"$package"_*.deb
    check "$package: the upgrade restarts the service" within 10 replaced "$program" "$before"
    check "$package: the upgrade keeps the configuration" grep -q '^# chosen here$' "/etc/umbrascope/$program.toml"
    check "$package: the upgrade keeps the configuration's mode" owned "/etc/umbrascope/$program.toml" "root:$package 640"
done
check "the upgrade keeps the identity" same_identity "$identity"
check "the upgrade keeps the inventory" reported chatgpt.com
check "the upgraded agent is the same sensor" one_sensor

for program in agent collector; do
    package=umbrascope-$program
    check "$package is removed" dpkg -r "$package"
    refuse "$package: removing it leaves no process" pgrep -u "$package"
    refuse "$package: removing it removes the program" test -e "/usr/bin/$package"
    check "$package: removing it keeps the configuration" test -e "/etc/umbrascope/$program.toml"
done
check "removing keeps the agent's identity" test -e "$agent_state/identity.json"
check "removing keeps the collector's database" sh -c "ls $collector_state/*.db"
check "umbrascope-agent is installed again" dpkg -i /packages-test/new/umbrascope-agent_*.deb
check "umbrascope-collector is installed again" dpkg -i /packages-test/new/umbrascope-collector_*.deb
check "the collector starts again with what it had" start collector
check "the agent starts again without a new enrolment" start agent
check "the inventory is still there" reported chatgpt.com

for program in agent collector; do
    package=umbrascope-$program
    check "$package is purged" dpkg -P "$package"
    refuse "$package: purging it leaves no process" pgrep -u "$package"
    refuse "$package: purging it deletes its user" getent passwd "$package"
    refuse "$package: purging it deletes its group" getent group "$package"
    rm -r "/run/systemd/system/$package.service.d"
done
systemctl daemon-reload
refuse "no unit is left" sh -c "systemctl list-unit-files | grep umbrascope"
userdel --remove tester 2>/dev/null
check "nothing is left" left /packages-test/before
echo end >>"$RESULTS"
