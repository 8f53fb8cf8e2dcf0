"""Write the names of Python's stable ABI anew from the installed abi3info.

abi3info is generated from CPython's own `Misc/stable_abi.toml`. The result depends only on it: each name once, under
the version of Python that added it. Run it after the `abi3info` pin of the test group was raised:

    python3 scripts/update_stable_abi.py            # writes; git shows what changed
    python3 scripts/update_stable_abi.py --check    # only says whether the committed file is up to date
"""

from __future__ import annotations

import argparse
from importlib.metadata import version
from pathlib import Path
from textwrap import fill

from abi3info import DATAS, FUNCTIONS, STRUCTS

DATA = Path(__file__).resolve().parent.parent / "src" / "truewheel" / "retagger" / "data" / "stable_abi.toml"
LINE_WIDTH = 118
HEAD = """\
# The names of Python's stable ABI, by the version of Python that added them. Written by scripts/update_stable_abi.py.
#
# Source: abi3info {version}, which is generated from CPython's Misc/stable_abi.toml: its functions and its data, those
# too that only some builds of Python have.
# opaque: structures of abi3 whose layout is not part of abi3t (PEP 803).
"""


def main() -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(description="write the names of the stable ABI anew from abi3info")
    parser.add_argument("--check", action="store_true", help="write nothing; fail when the file would change")
    options = parser.parse_args()
    text = generate()
    changed = not DATA.exists() or DATA.read_text("utf-8") != text
    if changed and not options.check:
        DATA.write_text(text, "utf-8")
    print(f"{DATA.name} {'changes' if changed else 'is up to date'}")
    return int(options.check and changed)


def generate() -> str:
    """Return the text of the data file."""
    added: dict[tuple[int, int], list[str]] = {}
    for item in (*FUNCTIONS.values(), *DATAS.values()):
        added.setdefault((item.added.major, item.added.minor), []).append(item.symbol.name)
    opaque = sorted(item.name for item in STRUCTS.values() if getattr(item, "abi3t_opaque", False))
    lines = [HEAD.format(version=version("abi3info")), f"opaque = [{', '.join(map(_quoted, opaque))}]", "", "[added]"]
    for (major, minor), names in sorted(added.items()):
        block = fill(" ".join(sorted(set(names))), LINE_WIDTH, break_long_words=False, break_on_hyphens=False)
        lines.append(f'"{major}.{minor}" = """\n{block}\n"""')
    return "\n".join(lines) + "\n"


def _quoted(name: str) -> str:
    return f'"{name}"'


if __name__ == "__main__":
    raise SystemExit(main())
