#!/usr/bin/env python3
"""Holds `onecycle schema` against the recipes that are shipped, with the JSON-Schema library of PyPI:

  recipe_schema.py PROGRAM RECIPES

Every recipe passes, as it stands and with all defaults filled in; every default passes its own option's schema; and what
`onecycle check` refuses, and a schema can tell, the schema refuses too.
"""
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import jsonschema
import yaml

NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$")


class Yaml12(yaml.SafeLoader):
    """The core schema of YAML 1.2, as editors read it: 5e-4 is a number and `on` a text."""

    yaml_implicit_resolvers = {}


Yaml12.add_implicit_resolver("tag:yaml.org,2002:float", NUMBER, list("-+.0123456789"))
Yaml12.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"[-+]?[0-9]+$"), list("-+0123456789"))
for first in Yaml12.yaml_implicit_resolvers.values():
    first.reverse()  # the first that fits is taken
Yaml12.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"(true|false)$"), list("tf"))
Yaml12.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"(~|null|)$"), ["~", "n", ""])
Yaml12.add_implicit_resolver("tag:yaml.org,2002:merge", re.compile(r"<<$"), ["<"])

WHOLE = """
data: {format: {name: synthetic, train: 200, test: 50}, batch_size: 16}
model: {name: mlp, hidden: [8]}
optimizer: {name: sgd, groups: [{match: "*.bias", lr_scale: 2}]}
schedule: {name: one_cycle, lr_max: 0.1}
"""
REFUSED = {
    "a key that is not known": "train: {durration: 1ep}",
    "a section that is not known": "shedule: {name: constant}",
    "a key of another variant": "schedule: {name: constant, lr_max: 0.1}",
    "a name that is not known": "model: {name: resnet21}",
    "no name": "model: {hidden: [8]}",
    "a text for a number": "schedule: {name: one_cycle, lr_max: large}",
    "a number in quotes": 'schedule: {name: one_cycle, lr_max: "0.1"}',
    "a number out of its range": "schedule: {name: one_cycle, lr_max: 0}",
    "no number of samples": "data: {format: {name: synthetic, train: 0}, batch_size: 16}",
    "no duration": "train: {duration: 5}",
    "an item without what it requires": "optimizer: {name: sgd, groups: [{lr_scale: 2}]}",
    "a variant without what it requires": "schedule: {name: step, lr: 0.1}",
    "a part without what it requires": "data: {name: cifar10, augment: {cutout: {}}}",
    "a search without its space": "search: {method: grid}",
    "no path to extend": "extends: [quickstart.yaml]",
}
ACCEPTED = {
    "it alone": "",
    "values of the environment": """schedule: {name: one_cycle, lr_max: "${LR:-0.1}"}
train: {duration: "${LENGTH:-1ep}", sync_bn: "${SYNC:-false}", device: "${DEVICE:-cpu}"}
model: {name: mlp, hidden: ["${HIDDEN:-8}"]}""",
    "parts in a list": "data: {name: cifar10, augment: [flip, {cutout: 8}]}",
    "a merge key": "model: {<<: {hidden: [8]}, name: mlp}",
}

program, recipes = sys.argv[1], Path(sys.argv[2])
failures = 0


def run(*arguments):
    return subprocess.run([program, *arguments], text=True, capture_output=True,
                          env={**os.environ, "LC_ALL": "C.UTF-8"})


def hold(fine, what):
    global failures
    if not fine:
        failures += 1
        print("FAILED:", what)


schema = json.loads(run("schema").stdout)
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)


def wrong(text):
    document = yaml.load(text, Yaml12)
    return "; ".join(f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(document))


def hold_defaults(part, path):
    """Of every option below; returns how many."""
    if isinstance(part, list):
        return sum(hold_defaults(one, path) for one in part)
    if not isinstance(part, dict):
        return 0
    count = 0
    if "default" in part and "description" in part:
        count = 1
        hold(jsonschema.Draft202012Validator(part).is_valid(part["default"]), f"{path}: default {part['default']!r}")
    return count + sum(hold_defaults(value, f"{path}.{key}") for key, value in part.items() if key != "default")


files = sorted(recipes.rglob("*.yaml"))
hold(len(files) >= 18, f"{len(files)} recipes in {recipes}")
for file in files:
    found = wrong(file.read_text())
    hold(not found, f"{file}: {found}")
    resolved = run("check", "--resolved", str(file))
    found = wrong(resolved.stdout) if resolved.returncode == 0 else resolved.stderr
    hold(not found, f"{file}, resolved: {found}")

num_defaults = hold_defaults(schema["properties"], "")
hold(num_defaults > 100, f"{num_defaults} defaults")

with tempfile.TemporaryDirectory() as folder:
    for cases, is_right in ((REFUSED, False), (ACCEPTED, True)):
        for what, changed in cases.items():
            sections = yaml.load(WHOLE, Yaml12)
            replaced = {line.split(":")[0] for line in changed.splitlines()}
            kept = {key: value for key, value in sections.items() if key not in replaced}
            text = "\n".join([f"{key}: {json.dumps(value)}" for key, value in kept.items()] + [changed, ""])
            file = Path(folder) / "case.yaml"
            file.write_text(text)
            hold((not wrong(text)) == is_right, f"{what}: by the schema {wrong(text) or 'right'}")
            checked = run("check", str(file))
            hold((checked.returncode == 0) == is_right, f"{what}: by `check` {checked.stderr or 'right'}")

print(f"{len(files)} recipes, {num_defaults} defaults, {len(REFUSED)} refused, {len(ACCEPTED)} accepted; "
      f"{failures} failures")
sys.exit(failures > 0)
