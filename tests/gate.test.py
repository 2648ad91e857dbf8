#!/usr/bin/env python3
"""The gate of `./dev instructions`: what it says of counts that are made up."""

import contextlib
import io
import os
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(__file__),
                                "../bench/instructions"))
import gate  # pylint: disable=wrong-import-position

# A program of one kind of work, and a valgrind that counts what it is told.
PROGRAM = """#!/bin/sh
case $1 in
  --list) echo "cycle 4" ;;
  --about) echo "a compiler" ;;
esac
"""
VALGRIND = """#!/bin/sh
for word in "$@"; do
  case $word in --callgrind-out-file=*) out=${word#*=} ;; esac
done
printf 'version: 1\\ntotals: %s\\n' COUNT >"$out"
"""


class Gate(unittest.TestCase):
    """A gate with a file of its own."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = lambda name: os.path.join(folder.name, name)
        self.write("program", PROGRAM)
        self.expect("built a compiler\ncycle 1000\n")
        self.said = ""

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as out:
            out.write(text)
        os.chmod(self.path(name), 0o755)

    def expect(self, text):
        self.write("expected.txt", text)

    def kept(self):
        with open(self.path("expected.txt"), encoding="utf-8") as text:
            return text.read()

    def judge(self, per_operation, *more):
        """The exit code for so many instructions."""
        total = per_operation * gate.ROUNDS * 4
        self.write("valgrind", VALGRIND.replace("COUNT", str(total)))
        with contextlib.redirect_stdout(io.StringIO()) as said:
            code = gate.main([
                "--program", self.path("program"),
                "--expected", self.path("expected.txt"),
                "--valgrind", self.path("valgrind"), *more,
            ])
        self.said = said.getvalue()
        return code

    def test_what_is_within_three_percent_passes(self):
        for count in (970, 1000, 1030):
            self.assertEqual(self.judge(count), 0)
            self.assertIn("as expected", self.said)

    def test_more_is_refused(self):
        self.assertEqual(self.judge(1031), 1)
        self.assertIn("+3.10%  SLOWER", self.said)
        self.assertIn("say why in the commit", self.said)

    def test_less_is_to_be_kept(self):
        self.assertEqual(self.judge(969), 1)
        self.assertIn("-3.10%  faster: keep it", self.said)
        self.assertIn("commit the file", self.said)

    def test_an_update_shows_the_difference_and_keeps_it(self):
        self.assertEqual(self.judge(1500, "--update"), 0)
        self.assertIn("+50.00%", self.said)
        self.assertIn("built a compiler\ncycle 1500\n", self.kept())
        self.assertEqual(self.judge(1500), 0)

    def test_only_an_update_writes(self):
        before = self.kept()
        self.judge(1500)
        self.assertEqual(self.kept(), before)

    def test_work_that_nobody_has_counted_yet_is_refused(self):
        self.expect("built a compiler\n")
        self.assertEqual(self.judge(1000), 1)
        self.assertIn("new", self.said)

    def test_work_that_is_no_more_is_refused(self):
        self.expect("built a compiler\ncycle 1000\nother 7\n")
        self.assertEqual(self.judge(1000), 1)
        self.assertIn("gone", self.said)

    def test_another_compiler_is_named_where_counts_differ(self):
        self.expect("built another compiler\ncycle 1000\n")
        self.assertEqual(self.judge(1000), 0)
        self.assertEqual(self.judge(2000), 1)
        self.assertIn("expected: another compiler", self.said)
        self.assertIn("now:      a compiler", self.said)

    def test_a_file_that_nobody_can_read_is_no_empty_one(self):
        self.expect("cycle many\n")
        with self.assertRaises(gate.Trouble):
            self.judge(1000)

    def test_a_program_that_fails_is_not_counted(self):
        self.write("program", PROGRAM + "exit 3\n")
        with self.assertRaises(gate.Trouble):
            self.judge(1000)

    def test_a_program_that_is_not_there_is_not_counted(self):
        os.remove(self.path("program"))
        with self.assertRaises(gate.Trouble):
            self.judge(1000)

    def test_a_profile_without_a_sum_is_not_counted(self):
        for text in ("version: 1\n", "version: 1\ntotals: 0\n"):
            self.write("profile", text)
            with self.assertRaises(gate.Trouble):
                gate.total_of(self.path("profile"))

    def test_callgrinds_own_words_are_read(self):
        self.write("profile", "events: Ir\nsummary: 12\n\ntotals: 12\n")
        self.assertEqual(gate.total_of(self.path("profile")), 12)


if __name__ == "__main__":
    unittest.main()
