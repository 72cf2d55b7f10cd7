"""Judges exports by what others wrote about their formats.

    validate.py check                       whether every validator is installed
    validate.py FORMAT[:PART]=FILE...       a line each: `good`, or `bad` and why

Offline. Exit 0 when every file could be judged, good or bad; anything else is a fault of this program.

CycloneDX   cyclonedx-python-lib: the schema of the version, strictly; then that every reference leads somewhere
SPDX        spdx-python-model: classes, properties and words of the model, read and written again; then references
OCSF        ocsf-json-schema: the schema of each event's class, held with jsonschema
OSCAL       compliance-trestle: the models of OSCAL 1.2.1; then that every control is in the catalogue that travels along
JSON Lines  jsonschema: the schema of a line that stands in this tree; then that the last line counts the others
CSV, CISO   the columns and words that the reader wants; no cell that a spreadsheet would calculate
"""

import base64
import csv
import io
import json
import pathlib
import sys
import unicodedata

ROOT = pathlib.Path(__file__).resolve().parents[3]


class Bad(Exception):
    """The file is not valid."""


def cyclonedx(version):
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    validator = JsonStrictValidator({"1.6": SchemaVersion.V1_6, "1.7": SchemaVersion.V1_7}[version])

    def judge(text):
        error = validator.validate_str(text)
        if error is not None:
            raise Bad(str(error).splitlines()[0])
        bom = json.loads(text)
        if bom["specVersion"] != version:
            raise Bad(f"is of version {bom['specVersion']}")
        declared, used = [], []

        def walk(value):
            if isinstance(value, list):
                for entry in value:
                    walk(entry)
            elif isinstance(value, dict):
                declared.extend([value["bom-ref"]] if "bom-ref" in value else [])
                for name in ("ref", "target", "assessor", "requirement"):
                    if isinstance(value.get(name), str):
                        used.append(value[name])
                for name in ("dependsOn", "provides", "subjects", "claims", "evidence"):
                    if isinstance(value.get(name), list):
                        used.extend(entry for entry in value[name] if isinstance(entry, str))
                for entry in value.values():
                    walk(entry)

        walk(bom)
        if len(set(declared)) != len(declared):
            raise Bad("a bom-ref is declared twice")
        dangling = set(used) - set(declared)
        if dangling:
            raise Bad(f"references lead nowhere: {sorted(dangling)[:3]}")

    return judge


def spdx():
    import spdx_python_model

    def judge(text):
        document = json.loads(text)
        try:
            model, objects = spdx_python_model.load_data(document)
            written = io.BytesIO()
            model.JSONLDSerializer().write(objects, written)
            again = json.loads(written.getvalue())
        except Exception as error:  # the model has exceptions of many classes
            raise Bad(f"{type(error).__name__}: {error}") from error
        if len(again["@graph"]) != len(document["@graph"]):
            raise Bad(f"{len(document['@graph'])} nodes were read, {len(again['@graph'])} written")
        unresolved = {id for id in objects.link() if "spdx.org" not in str(id)}
        if unresolved:
            raise Bad(f"references lead nowhere: {sorted(map(str, unresolved))[:3]}")

    return judge


def ocsf():
    import jsonschema
    from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

    schema = OcsfJsonSchemaEmbedded(get_ocsf_schema(version="1.8.0"))
    validators = {}

    def judge(text):
        for number, line in enumerate(text.splitlines(), 1):
            event = json.loads(line)
            uid = event["class_uid"]
            if uid not in validators:
                name = schema.lookup_class_name_from_uid(uid)
                validators[uid] = jsonschema.Draft202012Validator(schema.get_class_schema(class_name=name, profiles=[]))
            error = next(iter(validators[uid].iter_errors(event)), None)
            if error is not None:
                raise Bad(f"line {number}: {error.message[:200]}")
            if event["type_uid"] != uid * 100 + event["activity_id"]:
                raise Bad(f"line {number}: type_uid does not follow from class and activity")

    return judge


def oscal(part):
    from trestle.oscal.catalog import Catalog
    from trestle.oscal.component import ComponentDefinition

    def parsed(model, document):
        try:
            return model.parse_obj(document)
        except Exception as error:
            raise Bad(str(error).replace("\n", " ")[:300]) from error

    def judge(text):
        document = json.loads(text)
        if part == "catalog":
            parsed(Catalog, document["catalog"])
            return
        definition = document["component-definition"]
        parsed(ComponentDefinition, definition)
        resources = {"#" + resource["uuid"]: resource for resource in definition["back-matter"]["resources"]}
        for component in definition.get("components", []):
            for implementation in component.get("control-implementations", []):
                resource = resources.get(implementation["source"])
                if resource is None:
                    raise Bad(f"the source {implementation['source']} leads nowhere")
                catalog = json.loads(base64.b64decode(resource["base64"]["value"], validate=True))["catalog"]
                parsed(Catalog, catalog)
                known = {control["id"] for control in catalog["controls"]}
                for requirement in implementation["implemented-requirements"]:
                    if requirement["control-id"] not in known:
                        raise Bad(f"no control {requirement['control-id']} in the catalogue")

    return judge


def jsonl():
    import jsonschema

    schema = json.loads((ROOT / "collector/schemas/export-line-1.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)

    def judge(text):
        lines = [json.loads(line) for line in text.split("\n")[:-1]]
        for number, line in enumerate(lines, 1):
            error = next(iter(validator.iter_errors(line)), None)
            if error is not None:
                raise Bad(f"line {number}: {error.json_path}: {error.message[:200]}")
        if not lines or lines[0]["type"] != "head" or lines[-1]["type"] != "end":
            raise Bad("the head or the end is missing")
        if lines[-1]["data"]["lines"] != len(lines) - 1:
            raise Bad("lines are missing")

    return judge


def rows_of(text):
    if not text.endswith("\r\n"):
        raise Bad("the last line has no end")
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        raise Bad(str(error)) from error
    for row in rows[1:]:
        if len(row) != len(rows[0]):
            raise Bad(f"a row of {len(row)} cells under {len(rows[0])} names")
        for cell in row:
            # As a spreadsheet may see it: full-width forms folded, what does not show left out.
            folded = unicodedata.normalize("NFKC", cell)
            shown = "".join(c for c in folded if not c.isspace() and unicodedata.category(c) not in ("Cc", "Cf"))
            if shown[:1] in ("=", "+", "-", "@"):
                raise Bad(f"a spreadsheet would calculate {cell[:40]!r}")
            if "\0" in cell:
                raise Bad("a cell holds NUL")
    return rows


def table(columns, words):
    def judge(text):
        rows = rows_of(text)
        if rows[0][: len(columns)] != columns or (words is not None and rows[0] != columns):
            raise Bad(f"the columns are {rows[0]}")
        for row in rows[1:]:
            cells = dict(zip(rows[0], row))
            for name, allowed in (words or {}).items():
                if cells[name] not in allowed:
                    raise Bad(f"{name} is {cells[name]!r}")
            if words is not None and not cells["name"].strip():
                raise Bad("a name is empty")

    return judge


ASSETS = "ref_id name type domain description business_value reference_link observation parent_assets filtering_labels asset_class"
FINDINGS = "name ref_id description severity status priority eta due_date observation filtering_labels asset"
EVIDENCE = "name ref_id description domain filtering_labels"
JUDGES = {
    "cyclonedx-1.6": lambda: cyclonedx("1.6"),
    "cyclonedx-1.7": lambda: cyclonedx("1.7"),
    "spdx-3.0.1": spdx,
    "ocsf-1.8": ocsf,
    "oscal": lambda: oscal("component-definition"),
    "oscal:catalog": lambda: oscal("catalog"),
    "jsonl": jsonl,
    "csv": lambda: table(["id", "name", "vendor", "kind"], None),
    "csv:systems": lambda: table(["reference", "id", "name", "kind"], None),
    "ciso-assistant": lambda: table(ASSETS.split(), {"type": {"PR", "SP"}}),
    "ciso-assistant:findings": lambda: table(
        FINDINGS.split(),
        {
            "severity": {"info", "low", "medium", "high", "critical"},
            "status": {"identified", "confirmed", "dismissed", "assigned", "in_progress", "mitigated", "resolved"},
            "priority": {"1", "2", "3", "4"},
        },
    ),
    "ciso-assistant:evidence": lambda: table(EVIDENCE.split(), {}),
}


def main():
    if sys.argv[1] == "check":
        for judge in JUDGES.values():
            judge()
        return
    judges = {}
    for word in sys.argv[1:]:
        name, path = word.split("=", 1)
        judge = judges.setdefault(name, None) or JUDGES[name]()
        judges[name] = judge
        try:
            judge(pathlib.Path(path).read_bytes().decode())
            print("good", flush=True)
        except Bad as bad:
            print("bad", " ".join(str(bad).split()), flush=True)


main()
