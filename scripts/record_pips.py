"""Records what real releases of pip look for on pretended systems, for the quick tests of `truewheel accepts`.

    python3 scripts/record_pips.py

Downloads the releases from the package index and runs each in a Python that it supports; 2.7, 3.6, 3.8 and 3.11 or
later must be installed. Writes tests/retagger/pips.json. The lists of tags are long, so it keeps their number, their
digest, and the first of them, which a person can check by eye.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))


def main() -> int:
    """Write the table."""
    from support.old_pips import PRETENDED, RELEASES, ask, fetch, host_of, summary

    rows = {}
    with tempfile.TemporaryDirectory() as folder:
        for release in RELEASES:
            answers = ask(host_of(release), fetch(release, Path(folder)), PRETENDED.values())
            rows[release] = {target: summary(tags) for target, tags in zip(PRETENDED, answers, strict=True)}
            print(f"pip {release}: {len(answers)} lists")
    (ROOT / "tests" / "retagger" / "pips.json").write_text(json.dumps(rows, indent=0) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
