#!/usr/bin/env python3
"""Counts the instructions of the hot paths and compares them with what they
took when somebody last looked (expected.txt). Time depends on the machine and
on who else uses it; the number of instructions does not."""

import argparse
import concurrent.futures
import dataclasses
import os
import re
import subprocess
import sys
import tempfile

# How far a count may be from the expected one, either way.
TOLERANCE = 0.03
# Enough that what happens once in a while happens a few times.
ROUNDS = 10
# What a library picks by processor has to be the same on every machine.
PLAIN_PROCESSOR = (
    "glibc.cpu.hwcaps=-AVX512F,-AVX512VL,-AVX512BW,-AVX2,-AVX,-BMI2,-ERMS,"
    "-FSRM,-MOVBE,-RTM,-SSSE3,-AVX_Fast_Unaligned_Load,-Fast_Unaligned_Copy"
)
UPDATE = "./dev instructions --update"


class Trouble(Exception):
    """Something that ends the program with a sentence."""


@dataclasses.dataclass
class Record:
    """Counts by name, and what the counted program was built of."""

    about: str
    counts: dict


# -- the file -----------------------------------------------------------------


def read_record(path):
    """No counts if there is no file yet."""
    record = Record("", {})
    if not os.path.exists(path):
        return record
    with open(path, encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            name, _, rest = line.strip().partition(" ")
            if not name or name.startswith("#"):
                continue
            if name == "built":
                record.about = rest
            elif re.fullmatch("[0-9]+", rest):
                record.counts[name] = int(rest)
            else:
                raise Trouble(f"{path}:{number}: not a name and a count")
    return record


def write_record(path, record):
    with open(path, "w", encoding="utf-8") as out:
        out.write(f"# Instructions per operation; written by {UPDATE}.\n")
        out.write(f"built {record.about}\n")
        for name, count in record.counts.items():
            out.write(f"{name} {count}\n")


# -- counting -----------------------------------------------------------------


def run(command, **more):
    try:
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, **more
        )
    except OSError as error:
        raise Trouble(f"{command[0]} cannot be run: {error}") from error
    if done.returncode != 0:
        raise Trouble(
            f"{' '.join(command)} ended with {done.returncode}:\n"
            + done.stdout
            + done.stderr
        )
    return done.stdout


def total_of(profile):
    """The sum of all costs in a file of callgrind's."""
    with open(profile, encoding="utf-8") as lines:
        for line in lines:
            if re.fullmatch("(totals|summary): [1-9][0-9]*\\s*", line):
                return int(line.split()[1])
    raise Trouble(f"{profile}: nothing was counted")


def count(valgrind, program, work, profile):
    """Instructions of one operation."""
    name, operations = work
    # Nothing of this environment: it lies on the program's stack.
    plain = {"PATH": os.defpath, "GLIBC_TUNABLES": PLAIN_PROCESSOR}
    run(
        [
            valgrind,
            "--tool=callgrind",
            "--collect-atstart=no",
            f"--callgrind-out-file={profile}",
            program,
            name,
            str(ROUNDS),
        ],
        env=plain,
    )
    return round(total_of(profile) / (ROUNDS * int(operations)))


def count_all(valgrind, program, folder):
    def counted(work):
        profile = os.path.join(folder, work[0] + ".callgrind")
        return count(valgrind, program, work, profile)

    works = [line.split() for line in run([program, "--list"]).splitlines()]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        counts = pool.map(counted, works)
        by_name = dict(zip((name for name, _ in works), counts))
    return Record(run([program, "--about"]).strip(), by_name)


# -- comparing ----------------------------------------------------------------


def verdict_on(expected, now):
    if expected is None:
        return "new"
    if now is None:
        return "gone"
    if now > expected * (1 + TOLERANCE):
        return "SLOWER"
    if now < expected * (1 - TOLERANCE):
        return "faster: keep it"
    return "as expected"


def table_of(expected, now):
    """Rows of what, expected, now, change and verdict."""
    rows = []
    for name in {**expected.counts, **now.counts}:
        old, new = expected.counts.get(name), now.counts.get(name)
        change = f"{(new - old) / old:+.2%}" if old and new else ""
        rows.append((name, old, new, change, verdict_on(old, new)))
    return rows


def print_table(rows):
    def text(x):
        return "" if x is None else f"{x:,}".replace(",", " ")

    def line(what, old, new, change, verdict=""):
        print(f"{what:<20}{old:>12}{new:>12}{change:>10}  {verdict}".rstrip())

    line("instructions of one", "expected", "now", "change")
    for name, old, new, change, verdict in rows:
        line(name, text(old), text(new), change, verdict)


def complaint_about(rows, expected, now):
    """Why the counts are not accepted; empty if they are."""
    verdicts = {verdict for *_, verdict in rows} - {"as expected"}
    if not verdicts:
        return ""
    words = []
    if "SLOWER" in verdicts:
        words.append(
            f"Beyond {TOLERANCE:.0%}. If it is worth that: {UPDATE}, and say "
            "why in the commit."
        )
    if verdicts - {"SLOWER"}:
        words.append(f"Run {UPDATE} and commit the file, so that it stays so.")
    if expected.about and expected.about != now.about:
        words.append(
            "Not only our code may have changed:\n"
            f"  expected: {expected.about}\n  now:      {now.about}"
        )
    return "\n".join(words)


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True)
    parser.add_argument("--expected", required=True)
    parser.add_argument("--profiles", help="keep callgrind's files there")
    parser.add_argument("--valgrind", default="valgrind")
    parser.add_argument("--update", action="store_true")
    args = parser.parse_args(arguments)
    expected = read_record(args.expected)
    with tempfile.TemporaryDirectory() as scratch:
        if args.profiles:
            os.makedirs(args.profiles, exist_ok=True)
        folder = args.profiles or scratch
        now = count_all(args.valgrind, args.program, folder)
    rows = table_of(expected, now)
    print_table(rows)
    if args.update:
        write_record(args.expected, now)
        print(f"{args.expected} is written")
        return 0
    complaint = complaint_about(rows, expected, now)
    if complaint:
        print(complaint)
    return 1 if complaint else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Trouble as trouble:
        sys.exit(f"gate.py: {trouble}")
