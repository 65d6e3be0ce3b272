#!/usr/bin/python3
"""Which scenarios a CI run takes beside `main_job`, and runs them.

Each is due in one of four runs, chosen by the number of commits, so no state is kept between runs. Before those come the ones
the last commits touched: their file, or a path of their SUBJECTS. What time is left goes to the others. Nothing is started
that would not end within the budget; what was not run is named.
"""

import argparse
import subprocess
import time
from pathlib import Path

import run
from bench import Checks, runner, scenario
from bench.process import tool

TOP = Path(__file__).resolve().parent.parent.parent
RUNS = 4
COMMITS = 4  # how far back a touched file counts
OWN = {"main_job"}  # `./dev test` runs it


def main():
    options = parse_arguments()
    if options.self_test:
        return self_test()
    scenarios = [one for one in map(scenario.load, scenario.names()) if one.daily and one.name not in OWN]
    number, paths = commit_number(), touched_paths()
    budget = options.minutes * 60 - (time.time() - options.began if options.began else 0)
    first, due, rest = choose(scenarios, number, paths, budget)
    print(f"rota: run {number % RUNS + 1} of {RUNS}, {budget / 60:.0f} minutes")
    for title, group in (("touched by the last commits", first), ("due in this run", due), ("if time is left", rest)):
        print(f"rota: {title}: {' '.join(one.name for one in group) or 'none'}", flush=True)
    if options.dry_run:
        return 0
    return run.run([*first, *due, *rest], options, budget)


def parse_arguments():
    parser = argparse.ArgumentParser(description="Run the scenarios whose turn it is.")
    run.add_options(parser)
    parser.add_argument("--minutes", type=float, default=40, help="the budget (%(default)s)")
    parser.add_argument("--began", type=float, metavar="SECONDS",
                        help="the time since the epoch from which the budget counts (default: now)")
    parser.add_argument("--dry-run", action="store_true", help="only say which")
    parser.add_argument("--self-test", action="store_true", help="check the choice itself")
    return parser.parse_args()


def choose(scenarios, number, paths, budget):
    """(touched, due, the others), in the order in which they are to be run.

    Those due keep their place in the budget: a touched one that would take it is left to the others.
    """
    groups = grouped(scenarios)
    turn = number % RUNS
    due = groups[turn]
    left = budget - sum(one.seconds for one in due)
    first = []
    for one in sorted((one for one in scenarios if is_touched(one, paths)), key=lambda one: one.seconds):
        if one not in due and one.seconds <= left:
            left -= one.seconds
            first.append(one)
    later = [one for step in range(1, RUNS) for one in groups[(turn + step) % RUNS] if one not in first]
    return ([*first, *(one for one in due if is_touched(one, paths))],
            [one for one in due if not is_touched(one, paths)], later)


def grouped(scenarios):
    """As many groups as runs, of about the same length."""
    groups = [[] for _ in range(RUNS)]
    for one in sorted(scenarios, key=lambda one: (-one.seconds, one.name)):
        min(groups, key=lambda group: sum(other.seconds for other in group)).append(one)
    return groups


def is_touched(one, paths):
    """Whether one of the paths is the scenario's own or begins as one of its subjects."""
    own = f"tests/vm/scenarios/{one.name}.py"
    return any(path == own or path.startswith(tuple(one.subjects)) for path in paths)


def commit_number():
    """Another number for each commit; in a shallow clone, which does not know how many there are, from the commit's id."""
    if git("rev-parse", "--is-shallow-repository") == "true":
        return int(git("rev-parse", "HEAD")[:8], 16)
    return int(git("rev-list", "--count", "HEAD") or 0)


def touched_paths():
    """The files of the last commits. The last one of a shallow clone seems to add everything, and tells nothing."""
    shallow = git("rev-parse", "--git-path", "shallow")
    cut = (TOP / shallow).read_text().split() if shallow and (TOP / shallow).is_file() else []
    commits = [one for one in git("rev-list", f"--max-count={COMMITS}", "HEAD").split() if one not in cut]
    return sorted({path for one in commits
                   for path in git("diff-tree", "--no-commit-id", "--name-only", "--root", "-r", "-m", one).split("\n") if path})


def git(*words):
    """What git says; nothing without git or without a repository."""
    try:
        return subprocess.run(["git", "-C", TOP, *words], capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def self_test():
    """The promises of this file, on the scenarios there are and on invented ones."""
    check = Checks()
    real = [one for one in map(scenario.load, scenario.names()) if one.daily and one.name not in OWN]
    everything = {one.name for one in real}
    check("every scenario has SUBJECTS and SECONDS", all(one.subjects and one.seconds > 0 for one in real), everything)
    for start in range(RUNS):
        seen = set()
        for number in range(start, start + RUNS):
            first, due, rest = choose(real, number, [], 1)
            check(f"run {number}: each is chosen once", sorted(one.name for one in first + due + rest) == sorted(everything))
            seen |= {one.name for one in due}
        check(f"four runs from {start} on have all", seen == everything, everything - seen)
    made = [scenario.Scenario(f"s{n}", "article", None, subjects=(f"agent/{n}/",), seconds=100) for n in range(8)]
    first, due, _ = choose(made, 0, ["agent/5/plan.cpp"], 10_000)
    check("a touched one comes first", [one.name for one in first] == ["s5"] and len(due) == 2, (first, due))
    first, due, rest = choose(made, 0, [f"agent/{n}/plan.cpp" for n in range(8)], 350)
    check("the due ones keep their place in the budget", {"s0", "s4"} <= {one.name for one in first + due}
          and len(first + due) == 3 and len(rest) == 5, (first, due, rest))
    check("its own file touches a scenario", is_touched(made[0], ["tests/vm/scenarios/s0.py"]))
    check("others do not", not is_touched(made[0], ["README.md", "agent/00"]))
    late = runner.Runner(1, [], budget=50)
    late.run(made[:2])
    check("nothing is started that would not end in time", not late.outcomes and late.left == made[:2], late.left)
    print(check.summary())
    return 1 if check.failed else 0


if __name__ == "__main__":
    tool(main)
