#!/usr/bin/env python3
"""third-party.py CRATE OUT.gz: licence texts of every library that is linked into CRATE's program.

What permissive licences ask for in return: their text and the authors' names, with the binary.
Fails when a library brings neither a licence file nor an SPDX expression.
"""

import gzip
import json
import pathlib
import subprocess
import sys


def linked(crate, metadata):
    """The packages that the program is linked from, build scripts' and tests' left out."""
    packages = {package["id"]: package for package in metadata["packages"]}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    (root,) = [key for key, package in packages.items() if package["name"] == crate]
    seen, queue = set(), [root]
    while queue:
        key = queue.pop()
        if key in seen:
            continue
        seen.add(key)
        macro = any("proc-macro" in target["kind"] for target in packages[key]["targets"])
        for dependency in [] if macro else nodes[key]["deps"]:
            if any(kind["kind"] is None for kind in dependency["dep_kinds"]):
                queue.append(dependency["pkg"])
    foreign = [packages[key] for key in seen if packages[key]["source"]]
    return sorted(foreign, key=lambda package: (package["name"], package["version"]))


def texts(package):
    """The licence files at the root of the package's source."""
    folder = pathlib.Path(package["manifest_path"]).parent
    wanted = ("license", "licence", "copying", "copyright", "notice", "unlicense")
    return [
        path.read_text(encoding="utf-8", errors="replace").strip()
        for path in sorted(folder.iterdir())
        if path.is_file() and path.name.lower().startswith(wanted)
    ]


def main():
    crate, out = sys.argv[1:]
    command = ["cargo", "metadata", "--locked", "--format-version=1", "--filter-platform=x86_64-unknown-linux-gnu"]
    packages = linked(crate, json.loads(subprocess.run(command, check=True, capture_output=True).stdout))
    holders = {}
    lines = [f"Libraries linked into {crate}, and their licences.", ""]
    for package in packages:
        found = texts(package)
        if not found and not package["license"]:
            sys.exit(f"{package['name']} {package['version']} states no licence: find out and say so here")
        lines.append(f"{package['name']} {package['version']}: {package['license'] or 'see its text'}")
        for author in package["authors"]:
            lines.append(f"    {author}")
        for text in found:
            holders.setdefault(text, []).append(f"{package['name']} {package['version']}")
    for text, names in holders.items():
        lines += ["", "=" * 78, ", ".join(names), "=" * 78, "", text]
    # Without a time stamp: the same libraries make the same file.
    pathlib.Path(out).write_bytes(gzip.compress(("\n".join(lines) + "\n").encode(), mtime=0))
    print(f"{crate}: {len(packages)} libraries, {len(holders)} licence texts")


main()
