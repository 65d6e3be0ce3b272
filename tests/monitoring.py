#!/usr/bin/env python3
"""Holds the dashboard and the alert rules against the sources: monitoring.py SOURCE_DIRECTORY [--promtool]

Each metric, label and label value they use is written by agent/service/daemon/metrics.cpp, each metric is used by one of
them, docs/bus.md lists the same metrics, and each `hostsplit VERB` they advise is a verb.
With --promtool, Prometheus checks all expressions, and evaluates them on samples; exit 77 where promtool is missing.
Exit 1 when something is wrong.
"""
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

NOT_USED = set()  # metrics that are neither on the dashboard nor in an alert
OF_PROMETHEUS = {"instance", "job"}  # labels of where a value was collected
PROSE = {"corrected", "from", "has", "is", "reports", "returned", "set", "writes"}  # what hostsplit does, in a sentence
METRIC = re.compile(r"(hostsplit_\w+)\s*(\{[^}]*\})?")
MATCHER = re.compile(r'(\w+)\s*(=~|!=|!~|=)\s*"([^"]*)"')

# What the table of hosts shows of a host where one of three controllers and three pages of node 1 are missing.
SAMPLE = {
    "hostsplit_configured{}": 1, "hostsplit_applied{}": 1, "hostsplit_sitting_out{}": 0, "hostsplit_pending_reboot{}": 0,
    "hostsplit_unhealthy_boots{}": 1, 'hostsplit_findings{severity="error"}': 0, 'hostsplit_findings{severity="warning"}': 4,
    'hostsplit_controllers{kind="actual",driver="vfio-pci"}': 2, 'hostsplit_controllers{kind="actual",driver="xhci_hcd"}': 6,
    'hostsplit_controllers{kind="wanted",driver="vfio-pci"}': 3, 'hostsplit_controllers{kind="wanted",driver="xhci_hcd"}': 5,
    'hostsplit_huge_pages{node="0",size_kib="1048576",kind="asked"}': 8,
    'hostsplit_huge_pages{node="0",size_kib="1048576",kind="got"}': 9,
    'hostsplit_huge_pages{node="1",size_kib="1048576",kind="asked"}': 8,
    'hostsplit_huge_pages{node="1",size_kib="1048576",kind="got"}': 5,
}
SHOWN = {"A": 1, "B": 1, "C": 0, "D": 0, "E": 0, "F": 4, "G": 1, "H": 3, "I": 1}


def written(source):
    """By metric, as metrics.cpp writes it: its labels, and the text of the function that writes it, with the values."""
    metrics = {}
    for function in re.split(r"\n}\n", source.read_text()):
        text = function.replace('\\"', '"')
        labels = set(re.findall(r'(\w+)="', text))
        for name in re.findall(r'\.begin\("(\w+)"', text):
            metrics[name] = (labels, text)
    return metrics


def in_dashboard(dashboard):
    """Expression and other text with labels, by place."""
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            yield f"panel \"{panel['title']}\" {target['refId']}", target["expr"], target.get("legendFormat", "")
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            yield f"variable {variable['name']}", re.search(r"label_values\((.*), *\w+\)", variable["query"]["query"])[1], ""


def alerts(text):
    """Name and text of each alert. Read without a YAML parser, so that this runs everywhere."""
    return re.findall(r"^      - alert: (\w+)\n((?:        .*\n|\n)*)", text, re.MULTILINE)


def in_alerts(text):
    for name, body in alerts(text):
        expression = re.search(r"^        expr: (?:\|\n((?:          .*\n)+)|(.*)\n)", body, re.MULTILINE)
        yield f"alert {name}", expression[1] or expression[2], body


def wrong_uses(where, expression, text, metrics):
    """What of an expression, and of the labels its text names, is not in the sources."""
    known = set(OF_PROMETHEUS)
    for name, matchers in METRIC.findall(expression):
        if name not in metrics:
            yield f"{where}: nothing writes {name}"
            continue
        labels, source = metrics[name]
        known |= labels
        for label, _, value in MATCHER.findall(matchers):
            if label not in labels | OF_PROMETHEUS:
                yield f"{where}: {name} has no label {label}"
            elif not value.startswith("$"):
                yield from (f"{where}: {label} of {name} is never {one}" for one in value.split("|")
                            if f'"{one}"' not in source)
    for labels in re.findall(r"\b(?:by|on|without|ignoring)\s*\(([^)]*)\)", expression):
        yield from (f"{where}: no metric in it has the label {label}" for label in re.findall(r"\w+", labels)
                    if label not in known)
    for label in re.findall(r"\$labels\.(\w+)", text) + re.findall(r"\{\{(\w+)\}\}", text):
        if label not in known:
            yield f"{where}: its text names the label {label}, which no metric in it has"


def wrong_form(dashboard, rules, verbs):
    ids = [panel["id"] for panel in dashboard["panels"]]
    if len(set(ids)) != len(ids):
        yield "dashboard: an id is used twice"
    for panel in dashboard["panels"]:
        if panel["datasource"]["uid"] != "${datasource}" or not panel.get("title"):
            yield f"panel {panel['id']}: another data source than the variable, or no title"
    for name, body in alerts(rules):
        yield from (f"alert {name}: no {part}" for part in ("severity", "summary", "description")
                    if f" {part}: " not in body)
    texts = rules + json.dumps(dashboard)
    yield from (f"advice: hostsplit {word} is no verb" for word in sorted(set(re.findall(r"hostsplit ([a-z]+)", texts)))
                if word not in verbs | PROSE)


def offences(source):
    metrics = written(source / "agent/service/daemon/metrics.cpp")
    dashboard = json.loads((source / "config/monitoring/hostsplit-dashboard.json").read_text())
    rules = (source / "config/monitoring/hostsplit-alerts.yml").read_text()
    verbs = set(re.findall(r'\{"([a-z]+)",', (source / "agent/cli/verb_table.cpp").read_text()))
    if len(metrics) < 11 or len(verbs) < 15 or len(alerts(rules)) != rules.count("alert:"):
        yield f"{len(metrics)} metrics, {len(verbs)} verbs, {len(alerts(rules))} alerts: the check looked in the wrong place"
    places = [*in_dashboard(dashboard), *in_alerts(rules)]
    for where, expression, text in places:
        yield from wrong_uses(where, expression, text, metrics)
    used = {name for _, expression, _ in places for name, _ in METRIC.findall(expression)}
    yield from (f"{name} is used nowhere" for name in sorted(metrics.keys() - used - NOT_USED))
    yield from (f"{name} is in NOT_USED, and used" for name in sorted(NOT_USED & used))
    listed = set(re.findall(r"hostsplit_\w+", "".join(
        line for line in (source / "docs/bus.md").read_text().splitlines() if line.startswith("| `hostsplit_"))))
    yield from (f"{name}: in docs/bus.md or in metrics.cpp, not in both" for name in sorted(listed ^ metrics.keys()))
    yield from wrong_form(dashboard, rules, verbs)
    try:
        import yaml
    except ImportError:
        print("PyYAML is missing: the rules were not parsed")
        return
    parsed = yaml.safe_load(rules)["groups"][0]["rules"]
    if [rule["alert"] for rule in parsed] != [name for name, _ in alerts(rules)]:
        yield "the alerts read here are not those of the file"


def promtool(source):
    """Whether Prometheus takes and evaluates everything. JSON is YAML: files for it can be written without a library."""
    rules, tests = source / "config/monitoring/hostsplit-alerts.yml", source / "tests/monitoring/alerts.test.yml"
    dashboard = json.loads((source / "config/monitoring/hostsplit-dashboard.json").read_text())
    with tempfile.TemporaryDirectory() as top:
        recorded, evaluated = Path(top) / "dashboard.yml", Path(top) / "dashboard.test.yml"
        records = [{"record": f"panel_{panel['id']}:{target['refId']}", "expr": target["expr"].replace("$instance", ".*")}
                   for panel in dashboard["panels"] for target in panel["targets"]]
        recorded.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": records}]}))
        series = [{"series": name.replace("{", '{instance="a",'), "values": f"{value}x5"} for name, value in SAMPLE.items()]
        evaluated.write_text(json.dumps({"rule_files": [str(recorded)], "evaluation_interval": "1m", "tests": [{
            "interval": "1m", "input_series": series, "promql_expr_test": [
                {"expr": f"panel_1:{ref}", "eval_time": "3m",
                 "exp_samples": [{"labels": f'panel_1:{ref}{{instance="a"}}', "value": value}]}
                for ref, value in SHOWN.items()]}]}))
        codes = [subprocess.run(["promtool", *arguments], check=False).returncode for arguments in (
            ("check", "rules", rules, recorded), ("test", "rules", tests, evaluated))]
    return 1 if any(codes) else 0


def main(source, *options):
    if "--promtool" in options:
        if not shutil.which("promtool"):
            print("skipped: promtool is missing (in Debian: package prometheus)")
            return 77
        return promtool(source)
    wrong = list(offences(source))
    print("\n".join(wrong) or "dashboard and alerts use what the service writes, and all of it")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), *sys.argv[2:]))
