#!/usr/bin/env python3
"""Holds the codes of findings in the sources against docs/findings.md: findings.py AGENT DOCS

Every code the sources use has one row, every row is used, and the severities agree. A severity
marked * in the table may be a warning, too (see there). Exit 1 when something differs.
"""
import re
import sys
from pathlib import Path

CODE = r'"([a-z0-9]+(?:-[a-z0-9]+)+)"'
# A code with its severity: an aggregate, or a helper that takes both.
WITH_SEVERITY = re.compile(CODE + r',\s*((?:\([^()]*\)|[^,;"{}()]|"[^"]*")*?Severity::\w+[^,;]*),')
# A helper that knows the severity by itself.
BY_HELPER = re.compile(r"\b(error|warn)\(\s*" + CODE)
# A helper that is given a severity which is decided elsewhere.
DECIDED_ELSEWHERE = re.compile(r"\badd\(\s*" + CODE + r",\s*severity\b")
HELPERS = {"error": {"error"}, "warn": {"warning"}}
ROW = re.compile(r"\| `([a-z0-9-]+)` \| (error|warning|info)(\*?) \|")


def main(agent, docs):
    used = {}
    for path in sorted(agent.rglob("*.cpp")):
        text = path.read_text()
        for code, severities in WITH_SEVERITY.findall(text):
            used.setdefault(code, set()).update(re.findall(r"Severity::(\w+)", severities))
        for helper, code in BY_HELPER.findall(text):
            used.setdefault(code, set()).update(HELPERS[helper])
        for code in DECIDED_ELSEWHERE.findall(text):
            used.setdefault(code, set())
    table = {code: (severity, bool(star)) for code, severity, star in ROW.findall(docs.read_text())}
    wrong = [f"{code} has no row in {docs}" for code in sorted(used.keys() - table.keys())]
    wrong += [f"{code} is in {docs} and nowhere in {agent}" for code in sorted(table.keys() - used.keys())]
    for code in sorted(used.keys() & table.keys()):
        severity, star = table[code]
        others = used[code] - {severity} - ({"warning"} if star else set())
        if others:
            wrong.append(f"{code} is {severity} in the table and also {', '.join(sorted(others))} in the sources")
    if len(used) < 50:
        wrong.append(f"only {len(used)} codes found below {agent}: the check looked in the wrong place")
    print("\n".join(wrong) or f"{len(used)} codes are as {docs.name} says")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
