#!/usr/bin/env python3
"""Holds real output against docs/schemas: schemas.py --bin HOSTSPLIT --machine HOSTSPLIT-MACHINE --schemas DIR

Every recorded machine is shown by every verb with --json, with its configuration, without one, and with a damaged one.
Within a version keys may be added, so the schemas allow others; here a key that a schema does not know is an offence,
because it is not documented. Understands what the schemas use of JSON Schema and refuses the rest. Exit 1 on offences.
"""
import argparse
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib

TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "null": type(None)}
KNOWN = {"$schema", "$id", "$defs", "$ref", "title", "type", "properties", "required", "items", "enum", "const", "anyOf",
         "minimum", "pattern"}
VERBS = [("status", "status"), ("plan", "plan"), ("ports", "ports"), ("doctor", "doctor"), ("verify", "verify"),
         ("setup", "setup"), ("mapping", "mapping"), ("apply --dry-run", "plan"), ("undo --dry-run", "plan"),
         ("apply --yes", "result"), ("status --no-such-option", "error"), ("verify 999", "error")]


def offences(value, schema, whole, where):
    unknown = schema.keys() - KNOWN
    if unknown:
        yield f"{where}: the schema uses {sorted(unknown)}, which this check does not understand"
    if "$ref" in schema:
        yield from offences(value, whole["$defs"][schema["$ref"].removeprefix("#/$defs/")], whole, where)
    if "anyOf" in schema and all(list(offences(value, each, whole, where)) for each in schema["anyOf"]):
        yield f"{where}: {value!r:.80} is none of those allowed"
    if "const" in schema and value != schema["const"] or "enum" in schema and value not in schema["enum"]:
        yield f"{where}: {value!r:.80} is not allowed"
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    if types and not any(isinstance(value, TYPES[t]) and not (t == "integer" and isinstance(value, bool)) for t in types):
        yield f"{where}: {value!r:.80} is not of type {types}"
        return
    if "minimum" in schema and isinstance(value, int) and value < schema["minimum"]:
        yield f"{where}: {value} is below {schema['minimum']}"
    if "pattern" in schema and isinstance(value, str) and not re.search(schema["pattern"], value):
        yield f"{where}: {value!r:.80} does not match {schema['pattern']}"
    if isinstance(value, list) and "items" in schema:
        for number, item in enumerate(value):
            yield from offences(item, schema["items"], whole, f"{where}[{number}]")
    if isinstance(value, dict) and "properties" in schema:
        for key in schema.get("required", []):
            if key not in value:
                yield f"{where}.{key} is missing"
        for key, item in value.items():
            if key not in schema["properties"]:
                yield f"{where}.{key} is in no schema"
            else:
                yield from offences(item, schema["properties"][key], whole, f"{where}.{key}")


def machines(options, top):
    folder = pathlib.Path(__file__).parent / "machines"
    for file in sorted([*folder.glob("*.toml"), *folder.glob("*.tar.gz")]):
        root = top / file.name.split(".")[0]
        if file.suffix == ".toml":
            subprocess.run([options.machine, file, root], check=True, capture_output=True)
        else:
            root.mkdir()
            subprocess.run(["tar", "-xzf", file, "-C", root], check=True)
        yield root


def variants(root):
    """Names the state of the configuration while the machine is in it."""
    config = root / "etc/hostsplit/hostsplit.toml"
    yield "as recorded"
    kept = config.read_text() if config.exists() else None
    config.unlink(missing_ok=True)
    yield "not configured"
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text("version = 1\n[vm.101]\nmemroy = 1\n")
    yield "damaged"
    config.write_text('version = 1\n[vm.101]\nnode = 99\nmemory = "1GiB"\nports = ["nowhere"]\n')
    yield "misfit"
    config.unlink() if kept is None else config.write_text(kept)
    if (root / "var/lib/hostsplit/ports.toml").exists() and not (root / "etc/hostsplit/boot/plan").exists():
        apply(root)
        yield "applied"


def apply(root):
    """As if the controllers of all named sockets were given to VM 101, on a node of a cluster."""
    ports = tomllib.loads((root / "var/lib/hostsplit/ports.toml").read_text())["port"]
    binds = {}
    for port in ports:
        of, at = port["controller"], port.get("last_seen", {}).get("address")
        if at:
            binds[at] = (f"bind {at} root={of['root']} chain={of['chain']} ids={of['ids']} subsystem={of['subsystem']} "
                         f"class={of['class']} vm=101 why=port {port['label']}\n")
    plan = root / "etc/hostsplit/boot/plan"
    plan.parent.mkdir(parents=True, exist_ok=True)
    plan.write_text("version 1\nfloor keep_free=1048576\n" + "".join(binds.values()) +
                    "pages node=0 size=1048576 count=2 vms=101:2\n")
    pve = root / "etc/pve"
    pve.mkdir(parents=True, exist_ok=True)
    (pve / "local").is_symlink() or (pve / "local").symlink_to("nodes/pve1")


def main():
    parser = argparse.ArgumentParser()
    for name in ("--bin", "--machine", "--schemas"):
        parser.add_argument(name, required=True, type=pathlib.Path)
    options = parser.parse_args()
    schemas = {path.name.split(".")[0]: json.loads(path.read_text()) for path in options.schemas.glob("*.schema.json")}
    wrong, documents, seen = [], 0, set()
    with tempfile.TemporaryDirectory() as top:
        for root in machines(options, pathlib.Path(top)):
            for variant in variants(root):
                for verb, name in VERBS:
                    answer = subprocess.run([options.bin, "--root", root, *verb.split(), "--json"], capture_output=True,
                                            text=True, timeout=120)
                    where = f"{root.name}, {variant}: {verb}"
                    try:
                        document = json.loads(answer.stdout)
                    except ValueError as error:
                        wrong.append(f"{where}: no JSON ({error}): {answer.stdout[:200]}{answer.stderr[:200]}")
                        continue
                    documents += 1
                    # A plan that is refused is printed instead of a result.
                    name = "error" if "error" in document else "plan" if "steps" in document else name
                    seen.add(name)
                    if name == "error" and answer.returncode not in (1, 2):
                        wrong.append(f"{where}: an error, and exit {answer.returncode}")
                    wrong += [f"{where}: {offence}" for offence in offences(document, schemas[name], schemas[name], name)]
            shutil.rmtree(root)
    # Needs a person with a stick: plug_test.cpp compares the program with this one.
    plug = json.loads((pathlib.Path(__file__).parent / "golden/plug.json").read_text())
    wrong += [f"golden/plug.json: {offence}" for offence in offences(plug, schemas["plug"], schemas["plug"], "plug")]
    seen.add("plug")
    wrong += [f"no document for {name}.schema.json" for name in sorted(schemas.keys() - seen)]
    print("\n".join(wrong[:40]) or f"{documents} documents are as {len(seen)} schemas say")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
