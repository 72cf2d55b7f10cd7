#!/usr/bin/env python3
"""Fails when CONTRIBUTING.md does not say why a direct dependency is here, or speaks of one that is gone."""

import pathlib
import re
import sys
import tomllib

root = pathlib.Path(__file__).parent.parent
workspace = tomllib.loads((root / "Cargo.toml").read_text())


def direct():
    """Name of every direct dependency, and the manifests that ask for it."""
    asked = {}
    for member in workspace["workspace"]["members"]:
        path = root / member / "Cargo.toml"
        manifest = tomllib.loads(path.read_text())
        for table in [manifest, *manifest.get("target", {}).values()]:
            for section in ("dependencies", "dev-dependencies", "build-dependencies"):
                for name in table.get(section, {}):
                    asked.setdefault(name, []).append(f"{member}/Cargo.toml")
    return {name: files for name, files in asked.items() if not name.startswith("umbrascope-")}


section = (root / "CONTRIBUTING.md").read_text().split("## Direct dependencies", 1)[-1]
told = set(re.findall(r"^- `([^`]+)`: \S", section, re.MULTILINE))
asked = direct()
unused = set(workspace["workspace"]["dependencies"]) - set(asked) - {
    name for name in workspace["workspace"]["dependencies"] if name.startswith("umbrascope-")
}
mistakes = [
    *(f"CONTRIBUTING.md does not say why `{name}` is here ({', '.join(asked[name])})" for name in sorted(asked.keys() - told)),
    *(f"CONTRIBUTING.md speaks of `{name}`, which no Cargo.toml asks for" for name in sorted(told - asked.keys())),
    *(f"Cargo.toml gives a version of `{name}`, which no crate asks for" for name in sorted(unused)),
]
print("\n".join(mistakes) or f"{len(asked)} direct dependencies, each with its reason")
sys.exit(bool(mistakes))
