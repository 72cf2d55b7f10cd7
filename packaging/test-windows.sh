#!/usr/bin/env bash
# test-windows.sh [AGENT.exe]: builds the agent for Windows, if none is given, and runs it under wine.
#
# The machine is a new wine prefix that this script furnishes as people and installers do: the registry by `reg`, programs
# by the Windows Installer with packages of wixl, files in the user's home, programs that run. What wine cannot show
# is not claimed: links of NTFS, placeholders of a cloud, rights (to whom a process is open, too) and MSIX. Needs wine, wixl,
# python3 and what cross.sh needs.
# Prints a line a check and, last, `windows: N passed, N failed`.
# shellcheck disable=SC2088 # "~" stands in reports as it is.
set -euo pipefail
cd "$(dirname "$0")/.."
source packaging/test/check.sh
SUITE=windows

for tool in wine wixl python3 x86_64-w64-mingw32-gcc; do
    command -v "$tool" >/dev/null || { echo "test-windows.sh needs $tool" >&2; exit 1; }
done
work=$(mktemp -d)
RESULTS=$work/results
: >"$RESULTS"
# wine makes links to the home's folders in its own.
export HOME=$work/home WINEPREFIX=$work/prefix WINEDEBUG=-all WINEDLLOVERRIDES="mscoree,mshtml=" DISPLAY=''
mkdir "$HOME"
clean_up() {
    wineserver -k 2>/dev/null || true
    rm -rf "$work"
}
trap clean_up EXIT

agent=${1:-$(packaging/cross.sh windows | tail -1)}
mkdir "$work/bin"
cp "$agent" "$work/bin/agent.exe"
# wine 8 lacks the library that Rust's standard library takes random numbers from. For this test only.
cat >"$work/prng.c" <<'C'
#include <windows.h>
BOOLEAN NTAPI SystemFunction036(PVOID, ULONG);
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE buffer, SIZE_T length) { return SystemFunction036(buffer, (ULONG)length); }
C
x86_64-w64-mingw32-gcc -shared -O1 -o "$work/bin/bcryptprimitives.dll" "$work/prng.c" -ladvapi32

timeout 240 wine wineboot -i >/dev/null 2>&1
wineserver -w
user=$WINEPREFIX/drive_c/users/$(id -un)

agent() { timeout 120 wine "$work/bin/agent.exe" "$@" </dev/null; }

# program KEY NAME VERSION: what an installer leaves in the registry.
program() {
    wine reg add "$1" /v DisplayName /d "$2" /f
    wine reg add "$1" /v DisplayVersion /d "$3" /f
    wine reg add "$1" /v UninstallString /d 'C:\x\unins000.exe' /f
} >/dev/null

# package NAME UPGRADE-CODE: a Windows Installer package with one file, installed.
package() {
    echo "$1" >"$work/$1.txt"
    cat >"$work/$1.wxs" <<WXS
<?xml version="1.0"?>
<Wix xmlns="http://schemas.microsoft.com/wix/2006/wi">
  <Product Id="*" Name="$1" Language="1033" Version="3.2.1" Manufacturer="Example" UpgradeCode="$2">
    <Package InstallerVersion="200" Compressed="yes"/>
    <Media Id="1" Cabinet="a.cab" EmbedCab="yes"/>
    <Directory Id="TARGETDIR" Name="SourceDir"><Directory Id="ProgramFiles64Folder"><Directory Id="D" Name="$1">
      <Component Id="C" Guid="*" Win64="yes"><File Id="F" Source="$1.txt" KeyPath="yes"/></Component>
    </Directory></Directory></Directory>
    <Feature Id="All" Level="1"><ComponentRef Id="C"/></Feature>
  </Product>
</Wix>
WXS
    # It takes no absolute path of a file.
    (cd "$work" && wixl -a x64 -o "$1.msi" "$1.wxs")
    timeout 120 wine msiexec /i "$work/$1.msi" /qn
}

# put PATH: a file below the home, from standard input.
put() {
    mkdir -p "$(dirname "$user/$1")"
    cat >"$user/$1"
}

uninstall='SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall'
program "HKCU\\$uninstall\\{44E83376-CE68-45EB-8FC1-393500EB558C}_is1" 'Ollama version 0.12.3' 0.12.3
# Neighbours, and others of a name that AI products have too.
program "HKLM\\$uninstall\\7-Zip" '7-Zip 24.08 (x64)' 24.08
program "HKLM\\SOFTWARE\\WOW6432Node\\Microsoft\\Windows\\CurrentVersion\\Uninstall\\Gemini" 'Gemini: The Duplicate Finder' 4.2
program "HKCU\\$uninstall\\CursorFX" 'CursorFX' 4.03
check "a package of the Windows Installer installs" package Neighbour 5D1B9D60-4C21-4B3A-9C1E-0C0E6E4A5B01
# By this upgrade code the catalogue knows Krisp, whatever the package is called.
check "another one does" package Headset 1F6E5D5F-17A9-4B5E-A515-E79542797842

wine reg add 'HKCU\Environment' /v OPENAI_API_KEY /d sk-Zq7PLANTED9xK2mV4nB8w /f >/dev/null
wine reg add 'HKLM\SYSTEM\CurrentControlSet\Control\Session Manager\Environment' /v GROQ_API_KEY /d Zq7PLANTED9xK2mV4nB8w /f >/dev/null

# A profile on another drive.
mkdir -p "$work/d/Profiles/sam/.cursor"
ln -sfn "$work/d" "$WINEPREFIX/dosdevices/d:"
echo '{"mcpServers": {"far": {"command": "x"}}}' >"$work/d/Profiles/sam/.cursor/mcp.json"
wine reg add 'HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList\S-1-5-21-0-0-0-1001' /v ProfileImagePath /d 'D:\Profiles\sam' /f >/dev/null

# An editor's state, with settings of an extension in it.
put AppData/Roaming/Code/User/globalStorage/saoudrizwan.claude-dev/settings/x.json <<<'{}'
python3 - "$user/AppData/Roaming/Code/User/globalStorage/state.vscdb" <<'PY'
import json, sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.execute("PRAGMA journal_mode = wal")
db.execute("CREATE TABLE ItemTable (key TEXT UNIQUE ON CONFLICT REPLACE, value BLOB)")
state = {"actModeApiProvider": "ollama", "actModeOllamaModelId": "qwen3", "apiKey": "Zq7PLANTED9xK2mV4nB8w", "history": "x" * 200_000}
db.execute("INSERT INTO ItemTable VALUES (?, ?)", ("saoudrizwan.claude-dev", json.dumps(state)))
db.commit()
db.close()
PY

put AppData/Roaming/Claude/claude_desktop_config.json <<'JSON'
{"mcpServers": {"files": {"command": "npx", "args": ["-y", "@modelcontextprotocol/server-filesystem", "C:\\"],
  "env": {"API_TOKEN": "Zq7PLANTED9xK2mV4nB8w"}}}}
JSON
put .vscode/extensions/extensions.json <<'JSON'
[{"identifier": {"id": "github.copilot"}, "version": "1.388.0", "location": {"$mid": 1, "path": "/c:/Users/kim/.vscode/extensions/github.copilot-1.388.0"}},
 {"identifier": {"id": "ms-vscode.powershell"}, "version": "2025.2.0", "location": {"$mid": 1, "path": "/c:/Users/kim/.vscode/extensions/ms-vscode.powershell-2025.2.0"}}]
JSON
put .ollama/models/manifests/registry.ollama.ai/library/llama3.2/1b <<'JSON'
{"schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
 "config": {"mediaType": "application/vnd.docker.container.image.v1+json", "digest": "sha256:4f659a1e86d7f5a33c389f7991e7224b7ee6ad0358b53437d54c02d2e1b1118d", "size": 485},
 "layers": [{"mediaType": "application/vnd.ollama.image.model", "digest": "sha256:74701a8c35f6c8d9a4b91f3f3497643001d63e0c7a84e085bed452548fa88d45", "size": 1321082688}]}
JSON
# Longer than MAX_PATH, which the usual functions of Windows stop at.
long=source/$(printf 'a%.0s' {1..90})/$(printf 'b%.0s' {1..90})/$(printf 'c%.0s' {1..90})
put "$long/.mcp.json" <<'JSON'
{"mcpServers": {"deep": {"command": "uvx", "args": ["mcp-server-git"]}}}
JSON
put "$long/notes.txt" <<<'chatgpt claude ollama copilot'

# What runs: one program under several names. It listens at the loopback port that it is told, so that it is seen when it runs,
# writes down what it is asked, answers what it is told to, and ends with the tests at the latest. wine 8 knows a socket's process
# only where that reads from it: so a thread does, in vain.
cat >"$work/server.c" <<'C'
#include <winsock2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static SOCKET server;
static DWORD WINAPI hold(LPVOID nothing) { char byte; recv(server, &byte, 1, 0); return 0; }
static DWORD WINAPI end(LPVOID nothing) { Sleep(600000); exit(0); }
int main(void) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(atoi(getenv("PORT"))), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    char question[1024];
    int length;
    const char *answer = getenv("ANSWER");
    WSADATA data;
    if (WSAStartup(MAKEWORD(2, 2), &data)) return 1;
    server = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(server, (struct sockaddr *)&at, sizeof at) || listen(server, 5)) return 1;
    CreateThread(NULL, 0, hold, NULL, 0, NULL);
    CreateThread(NULL, 0, end, NULL, 0, NULL);
    for (;;) {
        SOCKET client = accept(server, NULL, NULL);
        if (client == INVALID_SOCKET) continue;
        if ((length = recv(client, question, sizeof question - 1, 0)) > 0) {
            question[length] = 0;
            FILE *asked = fopen(getenv("ASKED"), "ab");
            if (asked) { fprintf(asked, "%s\n", strtok(question, "\r\n")); fclose(asked); }
            if (answer) send(client, answer, strlen(answer), 0);
        }
        closesocket(client);
    }
}
C
x86_64-w64-mingw32-gcc -O1 -o "$work/server.exe" "$work/server.c" -lws2_32

# runs PROGRAM WORD…: the program, a path below the drive, in the folder $folder of it. Sets $port, and what it is asked is in
# $work/asked-PORT.
folder=windows
runs() {
    local drive=$WINEPREFIX/drive_c
    mkdir -p "$drive/$(dirname "$1")" "$drive/$folder"
    cp "$work/server.exe" "$drive/$1"
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    (cd "$drive/$folder" && PORT=$port ASKED=Z:$work/asked-$port exec wine "C:\\${1//\//\\}" "${@:2}" </dev/null >/dev/null 2>&1) &
    within 60 listens "$port" || { echo "$1 does not run" >&2; exit 1; }
}
listens() { (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

home=users/$(id -un)
ANSWER=$'HTTP/1.1 200 OK\r\n\r\n{"models":[{"name":"llama3.2:1b"}]}' runs "$home/AppData/Local/Programs/Ollama/ollama.exe" serve
ollama=$port
runs python/python.exe -m vllm.entrypoints.openai.api_server
vllm=$port
folder=$home/pictures
put pictures/comfyui_version.py </dev/null
put pictures/main.py </dev/null
runs python2/python.exe -u main.py
runs node/node.exe "C:\\$home\\AppData\\Roaming\\npm\\node_modules\\@acme\\tracker-mcp\\dist\\index.js"
# Neighbours: whose name goes on, whose words name AI, and who runs what is none.
folder=windows
runs "$home/AppData/Local/Programs/Ollama Notes/ollama-notes.exe"
notes=$port
runs viewer/viewer.exe "C:\\$home\\AppData\\Local\\Programs\\Ollama\\ollama.exe" chatgpt claude mcp-server-git
runs python3/python.exe notes.py -m sglang.launch_server

agent scan --format json >"$work/scan.json" 2>"$work/scan.err" || { cat "$work/scan.err"; echo "scan failed" >&2; }
cat >"$work/look.py" <<'PY'
"""look.py SCAN found SOURCE VALUE [LOCATION] | only SOURCE VALUE… | state SOURCE STATE | seen SOURCE NUMBER | owner SOURCE SID |
listens ADDRESS YES"""
import json, sys
scan = json.load(open(sys.argv[1]))
what, rest = sys.argv[2], sys.argv[3:]
said = [(s["source"], s["evidence"]["value"], s.get("details", {}).get("location", ""), s.get("owner")) for s in scan["sightings"]]
if what == "found":
    good = any(s == rest[0] and rest[1] in v and (len(rest) < 3 or l.startswith(rest[2])) for s, v, l, _ in said)
elif what == "only":
    good = {v for s, v, *_ in said if s == rest[0]} == set(rest[1:])
elif what == "state":
    good = [r["state"] for r in scan["sources"] if r["source"] == rest[0]] == [rest[1]]
elif what == "seen":
    good = [r["items_seen"] for r in scan["sources"] if r["source"] == rest[0]] == [int(rest[1])]
elif what == "owner":
    good = {o for s, _, _, o in said if s == rest[0]} == {rest[1]}
elif what == "listens":
    details = [s["details"] for s in scan["sightings"] if s["channel"] == "runtime"]
    good = [d.get("confirmed", False) for d in details if d.get("host") == rest[0]] == [rest[1] == "yes"]
    print(*details, sep="\n")
print(*said, *scan["sources"], *scan["problems"], sep="\n")
sys.exit(not good)
PY
look() { python3 "$work/look.py" "$work/scan.json" "$@"; }

check "a program of the user's registry is found" look found windows-programs '{44E83376-CE68-45EB-8FC1-393500EB558C}_is1' 'HKCU\Software\Microsoft'
check "a package is found by its upgrade code" \
    look found windows-programs '{1F6E5D5F-17A9-4B5E-A515-E79542797842}' 'HKLM\SOFTWARE\Microsoft'
check "whose it is, is told" look owner mcp-config S-1-5-21-0-0-0-1000
check "an MCP server of Claude Desktop is found" look found mcp-config files '~/AppData/Roaming/Claude'
check "an MCP server at the end of a long path is found" look found mcp-config deep '~/source/aaa'
check "a profile on another drive is read" look found mcp-config far '~/.cursor'
check "settings in the state of an editor are read" look found assistants saoudrizwan.claude-dev '~/AppData/Roaming/Code'
check "a key in the environment of a user is told by its name" look found environment-keys OPENAI_API_KEY 'HKCU\Environment'
check "and one of the machine" look found environment-keys GROQ_API_KEY 'HKLM\SYSTEM'
check "an extension of VS Code is found" look found vscode-extensions github.copilot '~/.vscode'
check "a model of Ollama is found" look found ollama llama3.2
check "programs that run are found by executable, module, script and folder, and no others" \
    look only processes '~/AppData/Local/Programs/Ollama/ollama.exe' vllm \
    '~/pictures/comfyui_version.py' @acme/tracker-mcp
check "whose programs run, is told" look owner processes S-1-5-21-0-0-0-1000
check "a server is found by the port that its process owns, and says what it is" look listens "127.0.0.1:$ollama" yes
check "one that does not answer is told as not confirmed" look listens "127.0.0.1:$vllm" no
check "it is asked once" sh -c "[ \"\$(cat '$work/asked-$ollama')\" = 'GET /api/tags HTTP/1.0' ]"
refuse "a port of a neighbour is not asked" test -e "$work/asked-$notes"
for source in windows-programs mcp-config vscode-extensions ollama processes; do
    check "$source was read to its end" look state "$source" read
done
refuse "no neighbour is taken for AI" grep -q -i -e 7-zip -e '"Gemini"' -e cursorfx -e powershell -e Neighbour "$work/scan.json"
refuse "no secret comes out" grep -q Zq7PLANTED "$work/scan.json"

# Without this the check above says nothing: Ollama, three neighbours and two packages.
check "every program was looked at" look seen windows-programs 6

check "a tree is read as a machine" sh -c "timeout 120 wine '$work/bin/agent.exe' scan --format tsv --root 'C:\\' | grep -q '^vscode-extensions.*github.copilot'"
refuse "of a tree it is not told what runs" sh -c "timeout 120 wine '$work/bin/agent.exe' scan --format json --root 'C:\\' | grep -q '\"source\": *\"processes\"'"
check "a name is judged" sh -c "timeout 60 wine '$work/bin/agent.exe' rules match chatgpt.com example.org | grep -q '^chatgpt.com.ChatGPT.OpenAI'"
echo 0000 12 34 01 00 00 01 00 00 00 00 00 00 07 63 68 61 74 67 70 74 03 63 6f 6d 00 00 01 00 01 |
    python3 -c '
import struct, sys
dns = bytes.fromhex("".join(sys.stdin.read().split()[1:]))
udp = struct.pack(">HHHH", 40000, 53, 8 + len(dns), 0) + dns
ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, bytes([10, 1, 1, 1]), bytes([10, 2, 2, 2])) + udp
frame = bytes([2] * 12) + b"\x08\x00" + ip
sys.stdout.buffer.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1) + struct.pack("<IIII", 0, 0, len(frame), len(frame)) + frame)
' >"$work/query.pcap"
check "a capture is replayed" sh -c "timeout 60 wine '$work/bin/agent.exe' replay --format tsv 'Z:$work/query.pcap' | grep -q chatgpt.com"
check "what does not work yet is said by doctor" sh -c "timeout 60 wine '$work/bin/agent.exe' doctor | grep -q 'no network traffic is watched'"
code() { local is=0; agent "${@:2}" >/dev/null 2>"$work/err" || is=$?; cat "$work/err"; [ "$is" = "$1" ]; }
for command in run doctor status; do
    check "$command ends with 1" code 1 "$command" --config 'C:\agent.toml'
done
check "run says why" grep -q 'does not work on Windows yet' <(agent run 2>&1 || true)
check "a wrong option ends with 2" code 2 scan --nonsense

summary
