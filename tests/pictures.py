#!/usr/bin/env python3
"""Pictures of recorded machines as documents: pictures.py --bin HOSTSPLIT --machine HOSTSPLIT-MACHINE [--out DIR]

Every SVG is well-formed XML and every page refers to nothing outside itself; in a terminal no line is wider
than it. With --out the documents stay there, to be looked at. Exit 1 when one is not as it should be.
"""
import argparse
import os
import re
import subprocess
import sys
import tempfile
import unicodedata
import xml.etree.ElementTree as tree
from html.parser import HTMLParser
from pathlib import Path

MACHINES = Path(__file__).parent / "machines"
SVG = "{http://www.w3.org/2000/svg}"
VOID = {"meta", "link", "br", "hr", "img", "input"}
HOSTILE = '\n[vm.999]\nname = "<&\\"前面板 \\uFFFE]]>"\n'


class Page(HTMLParser):
    """Elements that are closed in order, and what leads elsewhere."""

    def __init__(self):
        super().__init__()
        self.open, self.offences, self.seen = [], [], set()

    def handle_starttag(self, tag, attributes):
        self.seen.add(tag)
        if tag in ("script", "link", "img", "iframe", "object"):
            self.offences.append(f"<{tag}>")
        for name, value in attributes:
            if name in ("src", "href", "xlink:href") or name.startswith("on"):
                self.offences.append(f"{name}={value}")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        self.handle_endtag(tag)

    def handle_endtag(self, tag):
        if tag in VOID:
            return
        if not self.open or self.open.pop() != tag:
            self.offences.append(f"</{tag}> closes nothing")


def columns(line):
    # Marks and noncharacters (Cn) take none, as for wcwidth(3).
    shown = [c for c in line if unicodedata.category(c) not in ("Mn", "Me", "Cf", "Cn")]
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in shown)


def run(binary, root, *words, **environment):
    variables = dict(os.environ, LC_ALL="C.UTF-8", **environment)
    done = subprocess.run([binary, "--root", str(root), "map", *words], capture_output=True, env=variables, check=False)
    if done.returncode != 0:
        raise AssertionError(f"map {' '.join(words)}: exit {done.returncode}: {done.stderr.decode()}")
    return done.stdout.decode("utf-8")


def check_svg(text):
    root = tree.fromstring(text.encode())
    assert root.tag == SVG + "svg", root.tag
    assert root.find(SVG + "title") is not None, "it has no title"
    assert len(list(root.iter(SVG + "text"))) >= 1, "nothing is written in it"
    assert not re.search(r"url\(|@import|href", text), "it refers to something"


def check_html(text):
    page = Page()
    page.feed(text)
    page.close()
    assert not page.offences, page.offences
    assert not page.open, f"never closed: {page.open}"
    assert {"svg", "title", "style"} <= page.seen, page.seen
    assert "prefers-color-scheme" in text and "@media print" in text
    assert not re.search(r"url\(|@import", text), "it refers to something"


def check_text(text, width):
    wide = [line for line in text.splitlines() if columns(line) > width]
    assert not wide, f"wider than {width}: {wide[0]}"


def check(binary, root, keep):
    documents = {}
    for panel in ([], ["--panel"]):
        name = "panel" if panel else "map"
        documents[name + ".svg"] = run(binary, root, *panel, "--svg")
        documents[name + ".html"] = run(binary, root, *panel, "--html")
        check_svg(documents[name + ".svg"])
        check_html(documents[name + ".html"])
    for width in (60, 80, 132):
        check_text(run(binary, root, COLUMNS=str(width)), width)
    plain = run(binary, root, TERM="dumb")
    assert not re.search("[─│┌█]", plain), "TERM=dumb gets box characters"
    for name, text in documents.items():
        if keep:
            (keep / f"{root.name}-{name}").write_text(text, encoding="utf-8")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", required=True)
    parser.add_argument("--machine", required=True)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
    seen, offences = 0, []
    with tempfile.TemporaryDirectory() as directory:
        for machine in sorted(MACHINES.glob("*.toml")):
            for hostile in (False, True):
                root = Path(directory) / (machine.stem + ("-hostile" if hostile else ""))
                subprocess.run([options.machine, str(machine), str(root)], check=True)
                if hostile:
                    config = root / "etc/hostsplit/hostsplit.toml"
                    config.parent.mkdir(parents=True, exist_ok=True)
                    before = config.read_text(encoding="utf-8") if config.exists() else "version = 1\n"
                    config.write_text(before + HOSTILE, encoding="utf-8")
                try:
                    check(options.bin, root, options.out)
                except (AssertionError, tree.ParseError) as problem:
                    offences.append(f"{root.name}: {problem}")
                seen += 1
    if seen < 14:
        offences.append(f"only {seen} machines below {MACHINES}")
    print("\n".join(offences) or f"{seen} machines drawn")
    return 1 if offences else 0


if __name__ == "__main__":
    sys.exit(main())
