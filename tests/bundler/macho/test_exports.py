from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truewheel.bundler.macho.exports import moved_exports
from truewheel.bundler.macho.move import Move
from truewheel.errors import RefusedError

MOVE = Move(0, 0x4000)
Symbols = dict[bytes, tuple[int, ...]]
"""By name: flags, then the numbers behind them."""
REEXPORT, RESOLVER, ABSOLUTE = 8, 16, 2


def uleb(value: int, length: int = 1) -> bytes:
    groups = [value & 0x7F]
    while value := value >> 7:
        groups.append(value & 0x7F)
    groups += [0] * (length - len(groups))
    return bytes([*(group | 0x80 for group in groups[:-1]), groups[-1]])


def said(symbol: tuple[int, ...]) -> bytes:
    return b"".join(map(uleb, symbol)) + (b"_other\0" if symbol[0] & REEXPORT else b"")


def trie(symbols: Symbols) -> bytes:
    """Write a trie the plain way: one letter for each edge, and three bytes for every place of a node."""
    order: list[tuple[bytes, bytes, list[bytes]]] = []

    def visit(prefix: bytes) -> None:
        letters = sorted({name[len(prefix)] for name in symbols if name.startswith(prefix) and name != prefix})
        order.append(
            (prefix, said(symbols[prefix]) if prefix in symbols else b"", [prefix + bytes([x]) for x in letters])
        )
        for letter in letters:
            visit(prefix + bytes([letter]))

    visit(b"")
    places, at = {}, 0
    for prefix, symbol, children in order:
        places[prefix] = at
        at += len(uleb(len(symbol)) + symbol) + 1 + 5 * len(children)
    return b"".join(
        uleb(len(symbol)) + symbol + bytes([len(children)])
        + b"".join(child[-1:] + b"\0" + uleb(places[child], 3) for child in children)
        for _, symbol, children in order
    )  # fmt: skip


def read(data: bytes, at: int = 0, prefix: bytes = b"") -> Symbols:
    """Read a trie, as the comment in `mach-o/loader.h` describes it."""

    def number(at: int) -> tuple[int, int]:
        value = shift = 0
        while True:
            value |= (data[at] & 0x7F) << shift
            shift, at = shift + 7, at + 1
            if data[at - 1] < 0x80:
                return value, at

    found: Symbols = {}
    size, at = number(at)
    end = at + size
    if size:
        numbers: list[int] = []
        while at < end and not (numbers and numbers[0] & REEXPORT and len(numbers) == 2):
            value, at = number(at)
            numbers.append(value)
        found[prefix] = tuple(numbers)
        assert data[at:end] == (b"_other\0" if numbers[0] & REEXPORT else b"")
    at = end + 1
    for _ in range(data[end]):
        stop = data.index(b"\0", at)
        child, after = number(stop + 1)
        found.update(read(data, child, prefix + data[at:stop]))
        at = after
    return found


def moved(symbol: tuple[int, ...]) -> tuple[int, ...]:
    flags, *numbers = symbol
    if flags & REEXPORT or flags & 3 == ABSOLUTE:
        return symbol
    return flags, *(item + 0x4000 if item else 0 for item in numbers)


NUMBER = st.one_of(st.integers(0, 0x200), st.integers(0, 1 << 32))
SYMBOL = st.one_of(
    st.tuples(st.sampled_from([0, 1, 2, 4, 5]), NUMBER),
    st.tuples(st.sampled_from([REEXPORT, REEXPORT | 4]), st.integers(1, 200)),
    st.tuples(st.sampled_from([RESOLVER]), NUMBER, NUMBER),
)
NAME = st.text("abc_", min_size=1, max_size=6).map(lambda text: b"_" + text.encode())


@settings(max_examples=200)
@given(st.dictionaries(NAME, SYMBOL, max_size=30))
def test_every_symbol_moves_and_keeps_its_name(symbols: Symbols) -> None:
    data = trie(symbols)
    assert read(data) == symbols
    assert read(moved_exports(data, MOVE)) == {name: moved(symbol) for name, symbol in symbols.items()}


def test_a_tree_grows_with_its_numbers() -> None:
    symbols: Symbols = {b"_%d" % number: (0, number) for number in range(0x1000, 0x1100)}
    data = moved_exports(trie(symbols), Move(0, 0))
    after = moved_exports(data, MOVE)
    assert read(after) == {name: (0, number + 0x4000) for name, (_, number) in symbols.items()}
    assert len(after) > len(data)


def test_two_names_may_share_a_node() -> None:
    data = b"\0\2_a\0\x0a_b\0\x0a" + b"\2\0\x10\0"
    assert read(moved_exports(data, MOVE)) == {b"_a": (0, 0x4010), b"_b": (0, 0x4010)}


def test_no_symbols_stay_none() -> None:
    assert moved_exports(b"", MOVE) == b""
    assert moved_exports(b"\0\0", MOVE) == b"\0\0"
    assert moved_exports(b"\0\0" + bytes(6), MOVE) == b"\0\0"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\x05\0", "the exported symbols are damaged"),
        (b"\0\1_a", "the exported symbols are damaged"),
        (b"\0\1_a\0\x7f", "a number in a table has no end"),
        (b"\0\1_a\0", "a number in a table has no end"),
        (b"\3\0\x10\x10\0", "an exported symbol says more than is known"),
        (b"\2\x20\x10\0", "an exported symbol of an unknown kind, 0x20"),
        (b"\1\0\0", "a number in a table has no end"),
    ],
)
def test_what_is_not_understood_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(RefusedError, match=f"cannot be moved: {reason}$"):
        moved_exports(data, MOVE)


def test_nodes_over_each_other_are_refused() -> None:
    # 255 nodes of two bytes each, each beginning within the one before
    data = b"\0\xff" + b"".join(b"\0" + uleb(1022 + number, 3) for number in range(255)) + bytes(256)
    with pytest.raises(RefusedError, match="the exported symbols lie over each other"):
        moved_exports(data, MOVE)


def test_an_order_of_nodes_that_never_settles_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("truewheel.bundler.macho.exports._MOST_ROUNDS", 1)
    with pytest.raises(RefusedError, match="not in any usual order"):
        moved_exports(trie({b"_a": (0, 1)}), MOVE)
