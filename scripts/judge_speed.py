#!/usr/bin/env python3
"""What `wordmill judge` costs, in microseconds of processor time for a candidate, by kind of candidate.

    scripts/judge_speed.py target/release/wordmill [--count 100000] [--fuel 1000000]

Kinds: passing, failing, not loading, and hostile ones that loop for ever, recurse for ever, flood memory or flood output.
Then a mix of which a tenth is hostile, judged on one and on two threads: every verdict must be the one that the candidate got
among its own kind. What starting the program costs is taken off. Needs nothing but the standard library.
"""

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile


def spec(word, inputs, tests):
    params = [{"name": name, "type": "int"} for name in inputs]
    cases = [{"input": list(before), "output": [after]} for before, after in tests]
    return {"word": word, "stack_effect": {"inputs": params, "outputs": [{"name": "r", "type": "int"}]}, "test_cases": cases}


SPECS = [
    spec("square", "n", [((0,), 0), ((2,), 4), ((-3,), 9), ((7,), 49), ((100,), 10000)]),
    spec("max3", "abc", [((1, 2, 3), 3), ((3, 2, 1), 3), ((-1, -2, -3), -1), ((5, 9, 2), 9)]),
    spec("gcd", "ab", [((48, 18), 6), ((7, 13), 1), ((0, 5), 5), ((5, 0), 5), ((1071, 462), 21)]),
    spec("sum-to", "n", [((0,), 0), ((1,), 1), ((4,), 10), ((10,), 55), ((100,), 5050)]),
]

KINDS = {
    "passing": {
        "square": ["dup *", ": square ( n -- r ) dup * ;"],
        "max3": ["max max", ": max3 ( a b c -- r ) 2dup < if swap then drop 2dup < if swap then drop ;"],
        "gcd": ["begin dup while tuck mod repeat drop", ": gcd dup if tuck mod recurse else drop then ;"],
        "sum-to": ["dup 1+ * 2/", "0 swap 1+ 0 ?do i + loop"],
    },
    "failing": {
        "square": ["2*", "dup +", "dup dup *", "drop", "abs dup *  1+"],
        "max3": ["min min", "max", "drop max", "rot drop max"],
        "gcd": ["mod", "min", "begin dup while 2dup mod nip repeat drop 1+", "drop"],
        "sum-to": ["dup *", "0 swap 0 ?do i + loop", "2*"],
    },
    "not loading": {
        "square": ["dup squre", "if dup", ": square dup *", "dup * ; then", "foo bar baz", "dup ( a -- ", "loop"],
        "max3": ["max maxx", "2dup > if drop else nip", "begin max", "{: a b c :} a b max d max"],
        "gcd": ["begin dup while tuck mod", "dup 0= if drop exit then tuck % recurse", "a b mod"],
        "sum-to": ["0 swap 1+ 0 do i + lop", "dup 1+ * 2 /)", "for i next"],
    },
    "loops for ever": {"square": ["begin again", "begin dup drop again", "0 begin 1+ dup 0< until"], "gcd": ["begin 2dup mod drop again"]},
    "recurses for ever": {"square": ["recurse", "dup recurse drop", ": square dup square ;"], "sum-to": ["1- recurse 1+"]},
    "floods memory": {"square": ["begin here 100 allot drop again", "begin 100000 allocate drop drop again", "begin dup again", "pad 1000000000 0 fill"]},
    "floods output": {"square": [': square begin s" flood" type again ;', "begin 42 emit again", "begin dup . again"]},
}
HOSTILE = list(KINDS)[3:]


def candidates(kind, count):
    pairs = [(word, code) for word, codes in KINDS[kind].items() for code in codes]
    return [pairs[at % len(pairs)] for at in range(count)]


class Bench:
    def __init__(self, program, fuel, folder):
        self.program, self.fuel, self.folder = os.path.abspath(program), fuel, folder
        with open(os.path.join(folder, "specs.jsonl"), "w") as file:
            file.writelines(json.dumps(spec) + "\n" for spec in SPECS)

    def judge(self, pairs, jobs=1):
        """The verdicts, and the seconds of processor time."""
        path = os.path.join(self.folder, "candidates.jsonl")
        with open(path, "w") as file:
            file.writelines(json.dumps({"word": word, "code": code}) + "\n" for word, code in pairs)
        command = [self.program, "judge", "specs.jsonl", "--candidates", path, "--no-config"]
        command += ["--jobs", str(jobs), "--fuel", str(self.fuel)]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        ran = subprocess.run(command, cwd=self.folder, stdout=subprocess.PIPE, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        verdicts = ran.stdout.decode().splitlines()
        assert len(verdicts) == len(pairs), (len(verdicts), len(pairs))
        return verdicts, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--fuel", type=int, default=1_000_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(options.program, options.fuel, folder)
        start = min(bench.judge([])[1] for _ in range(3))
        known, costs = {}, {}
        for kind in KINDS:
            count = max(40, options.count // 1000) if kind in HOSTILE else options.count
            pairs = candidates(kind, count)
            verdicts, seconds = bench.judge(pairs)
            known.update(zip(pairs, verdicts))
            costs[kind] = 1e6 * max(0.0, seconds - start) / count
            steps = sum(json.loads(verdict)["steps"] for verdict in verdicts) / count
            print(f"{kind:18} {costs[kind]:10.2f} us  {steps:12.0f} steps")
        chance = random.Random(1)
        kinds = [
            chance.choice(HOSTILE) if chance.random() < 0.1 else chance.choice(list(KINDS)[:3])
            for _ in range(max(1000, options.count // 50))
        ]
        pairs = [chance.choice(candidates(kind, 20)) for kind in kinds]
        for jobs in (1, 2):
            verdicts, seconds = bench.judge(pairs, jobs)
            for pair, verdict in zip(pairs, verdicts):
                assert known[pair] == verdict, (pair, known[pair], verdict)
            cost = 1e6 * max(0.0, seconds - start) / len(pairs)
            alone = sum(costs[kind] for kind in kinds) / len(kinds)
            print(f"mix, {jobs} thread{'s' * (jobs > 1)}     {cost:10.2f} us, alone they cost {alone:.2f}; no verdict changed")


if __name__ == "__main__":
    sys.exit(main())
