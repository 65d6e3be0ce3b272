#!/usr/bin/env python3
"""Holds hostsplit's model of the kernel's huge page parameters against another one.

  kernel_parser.py READ_COMMAND_LINES [--lines N] [--seed N]

The model here is written from what the kernel does (mm/hugetlb.c, lib/cmdline.c, kernel/params.c), not from hostsplit's:
it goes through the text with an index as the kernel goes through memory, keeps the kernel's own variables, and knows
nothing of what a parameter is meant to do. N random lines are tried for each of the kernels 6.8 and 6.17; a first
difference is printed with its line. Exit 0 when there is none.
"""
import argparse
import random
import subprocess
import sys

MASK = (1 << 64) - 1
MEBIBYTE = 1 << 20
MAX_NUMNODES = 1024
MOST_ARGUMENTS = 5
RELEASES = {"6.8.12-4-pve": False, "6.17.13-2-pve": True}  # whether parameters are noted first, read later


def is_space(c):
    return c in " \t\n\v\f\r"


def next_argument(text, i):
    """lib/cmdline.c, next_arg(): name, value or None, and where the next one begins."""
    in_quote = quoted = False
    if text[i] == '"':
        i += 1
        in_quote = quoted = True
    start, equals, at = i, 0, i
    while at < len(text):
        if is_space(text[at]) and not in_quote:
            break
        if equals == 0 and text[at] == "=":
            equals = at - start
        if text[at] == '"':
            in_quote = not in_quote
        at += 1
    end = at
    last_quote = at > 0 and at - 1 >= start and text[at - 1] == '"'
    value = None
    if equals:
        begin = start + equals + 1
        name = text[start:start + equals]
        if begin < len(text) and text[begin] == '"':
            begin += 1
            if last_quote:
                end, last_quote = at - 1, False
        if quoted and last_quote:
            end = at - 1
        value = text[begin:end] if end > begin else ""
    else:
        if quoted and last_quote:
            end = at - 1
        name = text[start:end]
    while at < len(text) and is_space(text[at]):
        at += 1
    return name, value, at


def arguments(text):
    i = 0
    while i < len(text) and is_space(text[i]):
        i += 1
    while i < len(text):
        name, value, i = next_argument(text, i)
        if name == "--" and value is None:
            return
        yield name.replace("-", "_"), value


def strtoull(text, base):
    """lib/kstrtox.c: value and how many characters were used."""
    i = 0
    if base == 0:
        base = 10
        if text[:1] == "0":
            base = 8
            if text[1:2] in ("x", "X") and text[2:3] and text[2] in "0123456789abcdefABCDEF":
                base, i = 16, 2
    value = 0
    while i < len(text):
        digit = "0123456789abcdef".find(text[i].lower()) if text[i] != "" else -1
        if digit < 0 or digit >= base:
            break
        value = (value * base + digit) & MASK
        i += 1
    return value, i


def memparse(text):
    value, used = strtoull(text, 0)
    unit = text[used:used + 1].lower()
    if unit and unit in "kmgtpe":
        value = (value << (10 * ("kmgtpe".index(unit) + 1))) & MASK
        used += 1
    return value, used


def scan_lu(text):
    """sscanf("%lu%n"): None when there is no number."""
    skipped = 0
    while skipped < len(text) and is_space(text[skipped]):
        skipped += 1
    if not text[skipped:skipped + 1].isascii() or not text[skipped:skipped + 1].isdigit():
        return None
    value, used = strtoull(text[skipped:], 10)
    return value, skipped + used


class Hstate:
    def __init__(self, size):
        self.size, self.max, self.node = size, 0, [0] * MAX_NUMNODES
        self.boot_any, self.boot_node = 0, [0] * MAX_NUMNODES

    def gigantic(self):
        return self.size > 4 * MEBIBYTE

    def allocate(self):
        if any(self.node):
            for i, pages in enumerate(self.node):
                self.boot_node[i] += pages
        else:
            self.boot_any += self.max


class Kernel:
    def __init__(self, noted, gibibytes, cma, online):
        self.noted, self.gibibytes, self.has_cma, self.online = noted, gibibytes, cma, online
        self.hstates, self.parsed, self.last_mhp = [], None, None
        self.valid, self.parsed_default, self.default_idx = True, False, 0
        self.default_max, self.default_node = 0, [0] * MAX_NUMNODES
        self.cma_size, self.cma_only = 0, False

    def boot(self, line):
        kept = []
        for name, value in arguments(line):
            if name == "hugetlb_cma" and value is not None:
                self.cma(value)
            if name == "hugetlb_cma_only" and value is not None and self.noted:  # since 6.15, too
                self.cma_only = value[:1] in tuple("1eEyYtT") or value[:2].lower() == "on"
            if name not in ("hugepages", "hugepagesz", "default_hugepagesz") or value is None:
                continue
            if not self.noted:
                getattr(self, name)(value)
            elif len(kept) < MOST_ARGUMENTS:
                kept.append((name, value))
        for name, value in kept:
            getattr(self, name)(value)
        self.init()
        return self

    def cma(self, value):
        if not self.has_cma:
            return
        at, size = 0, 0
        while at < len(value):
            scanned = scan_lu(value[at:])
            if scanned is None:
                break
            if value[at + scanned[1]:at + scanned[1] + 1] == ":":
                area, used = memparse(value[at + scanned[1] + 1:])
                if area >= 1024 * MEBIBYTE:
                    size += area
                at += scanned[1] + 1 + used
                if value[at:at + 1] != ",":
                    break
                at += 1
            else:
                whole, _ = memparse(value[at:])
                size = whole if whole >= 1024 * MEBIBYTE else size
                break
        self.cma_size = max(self.cma_size, size)

    def find(self, size):
        for h in self.hstates:
            if h.size == size:
                return h
        return None

    def valid_size(self, size):
        return size == 2 * MEBIBYTE or (size == 1024 * MEBIBYTE and self.gibibytes)

    def add_hstate(self, size):
        if self.find(size):
            return
        self.parsed = Hstate(size)
        self.hstates.append(self.parsed)

    def take_gigantic(self, h):
        if not self.noted and h.gigantic():
            h.allocate()

    def clear(self):
        if not self.hstates:
            self.default_max, self.default_node = 0, [0] * MAX_NUMNODES
        else:
            self.parsed.max, self.parsed.node = 0, [0] * MAX_NUMNODES

    def hugepages(self, s):
        if not self.valid:
            self.valid = True
            return
        mhp = self.parsed if self.hstates else "default"
        if mhp is self.last_mhp:
            return

        def add(pages, assign):
            if mhp == "default":
                self.default_max = pages if assign else (self.default_max + pages) & MASK
            else:
                mhp.max = pages if assign else (mhp.max + pages) & MASK

        p = 0
        while p < len(s):
            scanned = scan_lu(s[p:])
            if scanned is None:
                return self.clear()
            value, count = scanned
            if s[p + count:p + count + 1] != ":":
                if p != 0:
                    return self.clear()
                add(value, True)
                break
            if value >= MAX_NUMNODES or value not in self.online:
                return self.clear()
            node = value
            p += count + 1
            scanned = scan_lu(s[p:])
            if scanned is None:
                return self.clear()
            value, count = scanned
            (self.default_node if not self.hstates else self.parsed.node)[node] = value & 0xFFFFFFFF
            add(value, False)
            if s[p + count:p + count + 1] != ",":
                break
            p += count + 1
        if self.hstates:
            self.take_gigantic(self.parsed)
        self.last_mhp = mhp

    def hugepagesz(self, s):
        self.valid = False
        size, _ = memparse(s)
        if not self.valid_size(size):
            return
        h = self.find(size)
        if h:
            if not self.parsed_default or h is not self.hstates[self.default_idx] or h.max:
                return
            self.parsed = h
        else:
            self.add_hstate(size)
        self.valid = True

    def default_hugepagesz(self, s):
        self.valid = False
        if self.parsed_default:
            return
        size, _ = memparse(s)
        if not self.valid_size(size):
            return
        self.add_hstate(size)
        self.valid = self.parsed_default = True
        h = self.find(size)
        self.default_idx = self.hstates.index(h)
        if self.default_max:
            h.max = self.default_max
            for i, pages in enumerate(self.default_node):
                if pages:
                    h.node[i] = pages
            self.take_gigantic(h)
            self.default_max = 0

    def init(self):
        self.add_hstate(2 * MEBIBYTE)
        if not self.parsed_default and self.default_max:
            h = self.find(2 * MEBIBYTE)
            h.max, h.node = self.default_max, list(self.default_node)
        if not self.parsed_default:
            self.default_idx = self.hstates.index(self.find(2 * MEBIBYTE))
        for h in self.hstates:
            if self.noted or not h.gigantic():
                h.allocate()
            if h.gigantic() and self.cma_size and not self.cma_only:
                h.boot_any, h.boot_node = 0, [0] * MAX_NUMNODES

    def answer(self):
        parts = [str(self.hstates[self.default_idx].size // 1024)]
        for h in sorted(self.hstates, key=lambda h: h.size):
            nodes = ",".join(f"{i}={n}" for i, n in enumerate(h.boot_node) if n)
            if (h.boot_any + sum(h.boot_node)) & MASK:
                parts.append(f"{h.size // 1024}:{h.boot_any}:{nodes}")
        return " ".join(parts)


SIZES = ["1G", "2M", "1g", "2m", "1GB", "1024M", "2048K", "2048k", "1073741824", "0x40000000", "2097152", "0x200000",
         "010000000000", "4M", "1T", "", "x", "0", "1", "G", "1 G", "0.5G", "-1G", "1Gx", "1024MB", "0x"]
COUNTS = ["0", "1", "4", "16", "120", "1280", "0:4", "0:4,1:4", "1:7", "0:4,1:", "0:4,", "0:4,7", "2:4", "0:1,9:1", "x", "",
          "4x", "0:4x,1:4", "0x10", "-4", "+4", " 4", "0: 4", "0:0,1:0", "0:4,0:6", "4,4", "1:1,0:2", "0:",
          ":4", "1023:1", "1024:1", "99999999999999999999", "4:", "0:4 1:4", "0:2,1:3,3:4"]
OTHERS = ["quiet", "ro", "root=/dev/sda2", 'a="b c"', '"x y"', "iommu=pt", "=x", "hugepagesx=4", "xhugepages=4", "-", "---"]


def random_argument(rng):
    kind = rng.random()
    if kind < 0.15:
        return rng.choice(OTHERS)
    if kind < 0.16:
        return "hugetlb_cma_only=" + rng.choice(["1", "y", "on", "true", "0", "off", "", "2"])
    if kind < 0.19:
        return "hugetlb_cma=" + rng.choice(["1G", "0:1G,1:2G", "0", "512M", "0:4M,1:1G", "x", "", "0:1G;", "2048M"])
    if kind < 0.20:
        return "--"
    if kind < 0.5:
        name, value = "hugepagesz", rng.choice(SIZES[:2] if rng.random() < 0.6 else SIZES)
    elif kind < 0.62:
        name, value = "default_hugepagesz", rng.choice(SIZES[:2] if rng.random() < 0.6 else SIZES)
    else:
        name, value = "hugepages", rng.choice(COUNTS)
    if rng.random() < 0.03:
        name = name.replace("_", "-") if "_" in name else name
    if rng.random() < 0.02:
        return name
    quotes = rng.random()
    if quotes < 0.06:
        return f'{name}="{value}"'
    if quotes < 0.09:
        return f'"{name}={value}"'
    if quotes < 0.11:
        return f'{name}="{value}'
    return f"{name}={value}"


def random_line(rng):
    words = [random_argument(rng) for _ in range(rng.randint(0, 9))]
    return (" " if rng.random() < 0.05 else "") + rng.choice([" ", " ", " ", "  "]).join(words)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("reader")
    parser.add_argument("--lines", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=20)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    cases = []
    for release in RELEASES:
        for _ in range(options.lines):
            cases.append((release, rng.random() < 0.9, rng.random() < 0.5, rng.choice([[0], [0, 1], [0, 1, 3]]),
                          random_line(rng)))
    text = "".join(f"{release}\t{int(big)}\t{int(cma)}\t{','.join(map(str, nodes))}\t{line}\n"
                   for release, big, cma, nodes, line in cases)
    answers = subprocess.run([options.reader], input=text, capture_output=True, text=True, check=True).stdout.split("\n")
    differ, with_pages = dict.fromkeys(RELEASES, 0), 0
    for (release, big, cma, nodes, line), answer in zip(cases, answers):
        right = Kernel(RELEASES[release], big, cma, nodes).boot(line).answer()
        with_pages += ":" in right
        if right != answer:
            if differ[release] < 3:
                print(f"{release}, nodes {nodes}, 1 GiB pages {big}, CMA {cma}: {line!r}\n  kernel:    {right}\n"
                      f"  hostsplit: {answer}")
            differ[release] += 1
    for release, count in differ.items():
        print(f"{release}: {count} of {options.lines} lines differ")
    print(f"{with_pages} of {len(cases)} lines reserve something")
    # A comparison in which nothing happens proves nothing.
    sys.exit(0 if not any(differ.values()) and with_pages > len(cases) // 4 else 1)


if __name__ == "__main__":
    main()
