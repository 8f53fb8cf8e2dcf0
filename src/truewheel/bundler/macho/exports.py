"""The exported symbols of a Mach-O slice, written again after everything behind its header has moved.

Follows the comment on the exports trie in `mach-o/loader.h`: a tree of name parts, whose nodes hold distances from the
header in numbers of variable length, so that larger distances make a larger tree.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from truewheel.bundler.macho.move import not_understood, read_uleb, uleb

if TYPE_CHECKING:
    from truewheel.bundler.macho.move import Move

_KIND, _ABSOLUTE = 0x03, 0x02
_REEXPORT, _RESOLVER = 0x08, 0x10
_KNOWN = _KIND | 0x04 | _REEXPORT | _RESOLVER
_MOST_ROUNDS = 64
"""Real tries take about four; each round that is not the last makes at least one number longer."""


class _Node(NamedTuple):
    """One node. symbol: what it says of the symbol that ends here. edges: name parts, and the nodes they lead to."""

    symbol: bytes
    edges: tuple[tuple[bytes, int], ...]


def moved_exports(trie: bytes, move: Move) -> bytes:
    """Return the trie with all distances moved, no longer than it must be.

    Raises RefusedError for a trie that is damaged, or that says what is not known here.
    """
    nodes = _nodes(trie, move)
    places = _places(nodes)
    return b"".join(
        node.symbol + bytes([len(node.edges)]) + b"".join(part + uleb(places[child]) for part, child in node.edges)
        for node in nodes.values()
    )


def _places(nodes: dict[int, _Node]) -> dict[int, int]:
    """Return where each node comes to lie, by its old place.

    The larger the numbers, the larger the nodes that hold them: places only ever grow from one round to the next.
    """
    places = dict.fromkeys(nodes, 0)
    for _ in range(_MOST_ROUNDS):
        at, placed = 0, {}
        for old, node in nodes.items():
            placed[old] = at
            at += len(node.symbol) + 1 + sum(len(part) + len(uleb(places[child])) for part, child in node.edges)
        if placed == places:
            return places
        places = placed
    raise not_understood("the exported symbols are not in any usual order")


def _nodes(trie: bytes, move: Move) -> dict[int, _Node]:
    """Return the nodes by their old place, in the order of the file; the first is the root."""
    found: dict[int, _Node] = {}
    waiting = [0] if trie else []
    left = len(trie)
    while waiting:
        start = waiting.pop()
        if start in found:
            continue
        if left <= 0 and start < len(trie):
            raise not_understood("the exported symbols lie over each other")
        size, at = read_uleb(trie, start, len(trie))
        children = at + size
        if children >= len(trie):
            raise not_understood("the exported symbols are damaged")
        symbol = _moved_symbol(trie[at:children], move) if size else b""
        at, edges = children + 1, []
        for _ in range(trie[children]):
            stop = trie.find(b"\0", at) + 1
            if not stop:
                raise not_understood("the exported symbols are damaged")
            child, after = read_uleb(trie, stop, len(trie))
            edges.append((trie[at:stop], child))
            at = after
        left -= at - start
        found[start] = _Node(uleb(len(symbol)) + symbol, tuple(edges))
        waiting += [child for _, child in edges]
    return dict(sorted(found.items()))


def _moved_symbol(symbol: bytes, move: Move) -> bytes:
    """Return what a node says of its symbol, with its distances from the header moved."""
    flags, at = read_uleb(symbol, 0, len(symbol))
    if flags & ~_KNOWN:
        raise not_understood(f"an exported symbol of an unknown kind, {flags:#x}")
    if flags & _REEXPORT or flags & _KIND == _ABSOLUTE:
        return symbol
    numbers = []
    for _ in range(2 if flags & _RESOLVER else 1):
        number, at = read_uleb(symbol, at, len(symbol))
        numbers.append(number)
    if at != len(symbol):
        raise not_understood("an exported symbol says more than is known")
    return uleb(flags) + b"".join(uleb(move.distance(number)) for number in numbers)
