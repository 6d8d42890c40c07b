# SPDX-License-Identifier: Apache-2.0
"""Tries what docs/operations.md promises, and counts what was found.

python -m tests.trials [--number N | --seconds N] [--seed N] [KIND ...]
"""

from __future__ import annotations

import argparse
import itertools
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.trials.damages import try_damages
from tests.trials.faults import try_faults
from tests.trials.forks import try_forks
from tests.trials.interruptions import try_interruptions
from tests.trials.kills import try_kills
from tests.trials.leaks import try_leaks
from tests.trials.orders import try_orders
from tests.trials.outcome import COLUMNS, FAULTS, Outcome, Trial, run_alone
from tests.trials.power_cuts import try_power_cuts
from tests.trials.receivers import try_receivers
from tests.trials.replacements import try_replacements
from tests.trials.sigterms import try_sigterms

KINDS: dict[str, Trial] = {
    "kills": try_kills,
    "receiver": try_receivers,
    "sigterm": try_sigterms,
    "signals": try_interruptions,
    "forks": try_forks,
    "faults": try_faults,
    "power": try_power_cuts,
    "damage": try_damages,
    "replaced": try_replacements,
    "orders": try_orders,
    "redaction": try_leaks,
}


def run_kind(trial: Trial, first_seed: int, number: int, seconds: float) -> Outcome:
    """Run trials with one seed after the other, until there are that many or the time is over."""
    total: Outcome = Counter()
    until = time.monotonic() + seconds
    for seed in itertools.count(first_seed):
        if total["trials"] >= number or time.monotonic() > until:
            return total
        folder = Path(tempfile.mkdtemp(prefix="trial-"))
        outcome = run_alone(trial, folder, seed)
        outcome["trials"] = max(1, outcome["trials"])
        total += outcome
        found = {fault: outcome[fault] for fault in FAULTS if outcome[fault]}
        if found:
            print(f"seed {seed}: {found}; see {folder}", file=sys.stderr, flush=True)
        else:
            shutil.rmtree(folder)
    raise AssertionError


def main(arguments: list[str] | None = None) -> int:
    """Run the trials and print the table. Return 1 if a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.trials", description="Try what the package promises.")
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=f"which: {', '.join(KINDS)}; all if none is given")
    parser.add_argument("--number", type=int, help="so many of each kind, at least (default: 100)")
    parser.add_argument("--seconds", type=float, help="so long for each kind, whatever the number")
    parser.add_argument("--seed", type=int, default=0, help="the first seed (default: 0)")
    given = parser.parse_args(arguments)
    unknown = set(given.kinds) - set(KINDS)
    if unknown:
        parser.error(f"there is no kind {', '.join(sorted(unknown))}")
    number = given.number or (sys.maxsize if given.seconds else 100)
    print(f"{'kind':14}", *(f"{column:>12}" for column in COLUMNS), flush=True)
    total: Outcome = Counter()
    for kind in given.kinds or KINDS:
        outcome = run_kind(KINDS[kind], given.seed, number, given.seconds or float("inf"))
        print(f"{kind:14}", *(f"{outcome[column]:>12,}" for column in COLUMNS), flush=True)
        total += outcome
    return int(any(total[fault] for fault in FAULTS))


if __name__ == "__main__":
    sys.exit(main())
