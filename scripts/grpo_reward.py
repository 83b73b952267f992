#!/usr/bin/env python3
"""`wordmill judge` as a reward function for TRL's GRPO trainer.

    from datasets import load_dataset
    from trl import GRPOTrainer
    from grpo_reward import WordmillReward

    reward = WordmillReward("specs.jsonl")            # one process, as long as the training lasts
    dataset = load_dataset("json", data_files="rl.jsonl", split="train")   # columns `prompt` and `word`
    trainer = GRPOTrainer(model="…", reward_funcs=reward, train_dataset=dataset)
    trainer.train()

The trainer calls `reward(prompts=…, completions=…, word=…, **columns)` and expects a list of numbers of the same length.
A completion is text, or a list of messages of which the last counts. Code is what stands in its last fenced block, else
all of it. Needs nothing but the standard library.
"""

import argparse
import json
import re
import subprocess
import sys
import threading

# A block that is not closed goes to the end.
FENCE = re.compile(r"(```|~~~)[a-zA-Z0-9_-]*[ \t]*\r?\n(.*?)(?:\1|\Z)", re.DOTALL)


def code_of(completion):
    """The Forth in a completion: text, messages, or messages of parts. What holds no text is no code."""
    if isinstance(completion, (list, tuple)) and completion:
        completion = completion[-1]
    if isinstance(completion, dict):
        completion = completion.get("content")
    if isinstance(completion, (list, tuple)):
        parts = (part.get("text") if isinstance(part, dict) else part for part in completion)
        completion = "".join(part for part in parts if isinstance(part, str))
    if not isinstance(completion, str):
        return ""
    blocks = FENCE.findall(completion)
    return (blocks[-1][1] if blocks else completion).strip()


class WordmillReward:
    """A callable that keeps one `wordmill judge` running."""

    def __init__(self, *specs, program="wordmill", rule="tests", word_column="word", arguments=()):
        self.__name__ = "wordmill"  # the trainer names its metrics after this
        self.word_column = word_column
        self.command = [program, "judge", *specs, "--candidates", "-", "--reward", rule, *arguments]
        self.process = None
        self.lock = threading.Lock()

    def __call__(self, prompts=None, completions=None, **columns):
        words = columns[self.word_column]
        if len(words) != len(completions):
            raise ValueError(f"{len(words)} words for {len(completions)} completions")
        return [verdict["reward"] for verdict in self.judge(words, map(code_of, completions))]

    def judge(self, words, codes):
        """The whole verdicts, in order."""
        lines = [json.dumps({"word": word, "code": code}) + "\n" for word, code in zip(words, codes)]
        with self.lock:
            if self.process is None or self.process.poll() is not None:
                self.process = subprocess.Popen(
                    self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
                )
            # Verdicts are read while candidates are still written: neither pipe can fill up and stop the other.
            writer = threading.Thread(target=self._write, args=(lines,))
            writer.start()
            verdicts = []
            for _ in lines:
                line = self.process.stdout.readline()
                if not line:
                    raise RuntimeError(f"wordmill ended with exit code {self.process.wait()}")
                verdicts.append(json.loads(line))
            writer.join()
        return verdicts

    def _write(self, lines):
        try:
            self.process.stdin.writelines(lines)
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # the reader says why

    def close(self):
        """Ends the process."""
        if self.process is not None:
            self.process.stdin.close()
            self.process.wait()
            self.process = None


def self_test(program, specs):
    """Rewards of known completions for a word `square`, 4,000 of each, through one process."""
    reward = WordmillReward(specs, program=program)
    cases = [
        ("dup *", 1.0),
        ([{"role": "assistant", "content": "Here it is:\n```forth\n: square dup * ;\n```\nDone."}], 1.0),
        ([{"role": "assistant", "content": [{"type": "text", "text": "```forth\r\ndup *\r\n```"}]}], 1.0),
        ("~~~\n: square dup * ;\n~~~", 1.0),
        ("It is\n```forth\ndup *", 1.0),
        ("```\nnonsense here\n```", 0.0),
        ("", 0.0),
        (None, 0.0),
        ([], 0.0),
    ]
    completions = [completion for completion, _ in cases] * 4000
    words = ["square"] * len(completions)
    expected = [number for _, number in cases] * 4000
    first = reward(prompts=["p"] * len(completions), completions=completions, word=words)
    process = reward.process.pid
    second = reward(prompts=["p"] * 5, completions=completions[:5], word=words[:5])
    (partly,) = reward(prompts=["p"], completions=["2*"], word=["square"])
    assert 0.0 < partly < 1.0, f"2* passes some of the tests of `square`, not {partly} of them"
    assert first == expected, [pair for pair in zip(first, expected) if pair[0] != pair[1]][:3]
    assert second == expected[:5] and reward.process.pid == process, "the process was started again"
    reward.close()
    print(f"{len(first)} rewards as expected")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--self-test", nargs=2, metavar=("PROGRAM", "SPECS"), required=True)
    self_test(*parser.parse_args().self_test)


if __name__ == "__main__":
    sys.exit(main())
