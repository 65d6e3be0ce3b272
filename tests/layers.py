#!/usr/bin/env python3
"""Holds the includes below agent/ against the layers: layers.py AGENT

An include may point down or sideways, never up; folders have no cycles; and each library stays in
the layers that may have it. Prints one line an offence; exit 1 when there is one.
"""
import re
import sys
from pathlib import Path

# From the bottom up. What a layer may have besides its own folders: layers below, and libraries.
LAYERS = {
    "core": ["fmt/", "utf8proc.h"],
    "formats": ["fmt/", "toml++/"],
    "host": ["fmt/"],
    "operations": ["fmt/", "nlohmann/"],
    "service": ["fmt/", "nlohmann/", "spdlog/", "systemd/", "libudev.h", "libusb.h", "libusb-1.0/"],
    "cli": ["fmt/", "CLI/", "nlohmann/"],
    "phone": ["nlohmann/", "microhttpd.h", "qrencode.h"],
}
# cli looks without the service; only the verbs that act may know it. What faces the network knows nothing of the machine.
MAY_NOT = {"cli": ["service/"], "phone": ["formats/", "host/", "operations/", "service/", "cli/"]}
EXCEPT = {"cli/act": ["service/"]}
# Only the verbs that act have a screen.
ONLY_IN = {"ncurses.h": "cli/act", "term.h": "cli/act"}
LIBRARIES = re.compile(r"(fmt|nlohmann|toml\+\+|spdlog|systemd|CLI|libusb-1\.0)/|libudev\.h|libusb\.h|utf8proc\.h|microhttpd\.h|qrencode\.h")
MADE_BY_CMAKE = {"boot_texts.hpp", "version.hpp", "phone_texts.hpp"}
FEWEST_FILES = 150  # with fewer, the check looked in the wrong place


def main(agent):
    offences, edges, seen = [], {}, 0
    for path in sorted(agent.rglob("*.[hc]pp")):
        folder = path.parent.relative_to(agent).as_posix()
        layer = folder.split("/")[0]
        if layer not in LAYERS:
            if folder != ".":
                offences.append(f"{path}: {layer} is no layer")
            continue
        seen += 1
        for number, line in enumerate(path.read_text().splitlines(), 1):
            found = re.match(r'#include ([<"])([^>"]+)[>"]', line)
            if not found:
                continue
            where, target = f"{path}:{number}", found.group(2)
            if found.group(1) == "<":
                offences += library(where, layer, target)
                if folder != ONLY_IN.get(target, folder):
                    offences.append(f"{where}: only {ONLY_IN[target]} may include <{target}>")
            elif target not in MADE_BY_CMAKE:
                offences += up(where, folder, layer, target)
                edges.setdefault(folder, {}).setdefault(target.rpartition("/")[0], where)
    offences += cycles(edges)
    if seen < FEWEST_FILES:
        offences.append(f"only {seen} files below {agent}: the check looked in the wrong place")
    print("\n".join(offences) or f"{seen} files in {len(edges)} folders keep to the layers")
    return 1 if offences else 0


def library(where, layer, target):
    if LIBRARIES.match(target) and not target.startswith(tuple(LAYERS[layer])):
        return [f"{where}: {layer} may not include <{target}>"]
    return []


def up(where, folder, layer, target):
    order, top = list(LAYERS), target.split("/")[0]
    if top not in LAYERS:
        return [f"{where}: {target} is in no layer"]
    if order.index(top) > order.index(layer):
        return [f"{where}: {layer} includes {target}, a layer above it"]
    if target.startswith(tuple(MAY_NOT.get(layer, []))) and not target.startswith(tuple(EXCEPT.get(folder, []))):
        return [f"{where}: {folder} may not include {target}"]
    return []


def cycles(edges):
    """One line for each set of folders that reach each other."""
    reach = {folder: reachable(edges, folder) for folder in edges}
    told, offences = set(), []
    for folder in sorted(reach):
        ring = sorted(other for other in reach if other in reach[folder] and folder in reach[other])
        if len(ring) > 1 and tuple(ring) not in told:
            told.add(tuple(ring))
            links = [f"{a} -> {b} ({edges[a][b]})" for a in ring for b in ring if a != b and b in edges[a]]
            offences.append("these folders include each other: " + "; ".join(links))
    return offences


def reachable(edges, start):
    found, todo = set(), [start]
    while todo:
        for target in edges.get(todo.pop(), {}):
            if target != start and target not in found:
                found.add(target)
                todo.append(target)
            elif target == start and len(found) > 0:
                found.add(start)
    return found


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
