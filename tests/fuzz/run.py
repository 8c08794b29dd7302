"""Look for inputs that break a target, longer than the tests do.

    python -m tests.fuzz.run TARGET --seconds 600 [--seed N] [--keep]

An input that breaks a law is written into the target's corpus, where every run of the tests meets
it again. `--keep` also writes inputs of which something came that came of none before.
"""

import argparse
import hashlib
import sys
import time

from tests.fuzz.mutation import Mutator
from tests.fuzz.targets import CORPUS, TARGETS, corpus


def main() -> int:
    """0 when nothing was found in the time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", choices=sorted(TARGETS))
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=time.time_ns())
    parser.add_argument("--keep", action="store_true")
    given = parser.parse_args()
    target, known = TARGETS[given.target], corpus(given.target)
    outcomes = {target.run(data) for data in known.values()}
    mutator = Mutator(list(known.values()), target.tokens, target.longest, given.seed)
    until, tried = time.monotonic() + given.seconds, 0
    for data in mutator:
        if time.monotonic() > until:
            break
        tried += 1
        try:
            outcome = target.run(data)
        except Exception:
            print(f"{_kept(given.target, data)} breaks {given.target} (seed {given.seed})")  # noqa: T201
            raise
        if outcome not in outcomes:
            outcomes.add(outcome)
            mutator.known.append(data)
            if given.keep:
                _kept(given.target, data)
    print(f"{given.target}: {tried} inputs, {len(outcomes)} outcomes, seed {given.seed}")  # noqa: T201
    return 0


def _kept(name: str, data: bytes) -> str:
    path = CORPUS / name / f"found-{hashlib.sha256(data).hexdigest()[:12]}"
    path.write_bytes(data)
    return str(path)


if __name__ == "__main__":
    sys.exit(main())
