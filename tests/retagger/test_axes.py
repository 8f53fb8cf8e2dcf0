"""Operations on the tags of one axis."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truewheel.errors import UsageError
from truewheel.retagger.axes import Axis, Kind, Operation, applied, named_by, parse_operation, parse_operations

TAGS = st.lists(st.from_regex(r"[a-z][a-z0-9_]{0,6}", fullmatch=True), min_size=1, max_size=4, unique=True)
OPERATIONS = st.builds(Operation, st.sampled_from(Kind), TAGS.map(tuple))
PLAIN = OPERATIONS.filter(lambda operation: "auto" not in operation.tags)


@pytest.mark.parametrize(
    ("text", "kind", "tags"),
    [
        ("py3", Kind.REPLACE, ("py3",)),
        ("py2.py3", Kind.REPLACE, ("py2", "py3")),
        ("+cp312", Kind.ADD, ("cp312",)),
        ("-a.b", Kind.REMOVE, ("a", "b")),
        ("+b.a.b", Kind.ADD, ("b", "a")),
        ("WIN_AMD64", Kind.REPLACE, ("win_amd64",)),
    ],
)
def test_an_operation_is_read(text: str, kind: Kind, tags: tuple[str, ...]) -> None:
    assert parse_operation(Axis.PLATFORM, text) == (kind, tags)


@given(PLAIN)
def test_an_operation_reads_as_it_is_written(operation: Operation) -> None:
    assert parse_operation(Axis.PYTHON, str(operation)) == operation


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("+a.-b", "sign stands before a tag that is not the first"),
        ("-a.+b", "sign stands before a tag that is not the first"),
        ("+a.+b", "sign stands before a tag that is not the first"),
        ("a.+b", "sign stands before a tag that is not the first"),
        ("", "a tag is empty"),
        ("+", "a tag is empty"),
        ("-", "a tag is empty"),
        ("x..y", "a tag is empty"),
        (".any", "a tag is empty"),
        ("a-b", "'a-b' is not a tag"),
        ("foo bar", "'foo bar' is not a tag"),
        ("../../etc", "a tag is empty"),
        ("--dry-run", "sign stands before"),
        ("a/b", "'a/b' is not a tag"),
        ("é", "'é' is not a tag"),
    ],
)
def test_what_is_no_operation_is_refused(text: str, what: str) -> None:
    with pytest.raises(UsageError, match=re.escape(what)) as caught:
        parse_operation(Axis.ABI, text)
    assert caught.value.hint
    assert caught.value.where == f"--abi-tag {text}"


@pytest.mark.parametrize(
    ("axis", "text"),
    [(Axis.PYTHON, "auto"), (Axis.ABI, "+auto"), (Axis.PLATFORM, "auto.any"), (Axis.PLATFORM, "-auto")],
)
def test_auto_stands_alone_and_for_platforms(axis: Axis, text: str) -> None:
    with pytest.raises(UsageError, match="`auto` stands alone"):
        parse_operation(axis, text)


def test_a_replacement_comes_first() -> None:
    assert len(parse_operations(Axis.ABI, ["a", "+b", "-a"])) == 3
    with pytest.raises(UsageError, match="replaced after another operation"):
        parse_operations(Axis.ABI, ["+b", "a"])
    with pytest.raises(UsageError, match="replaced after another operation"):
        parse_operations(Axis.ABI, ["b", "a"])


@pytest.mark.parametrize(
    ("texts", "result"),
    [
        ((), ("b", "a")),
        (("c",), ("c",)),
        (("+c.a",), ("b", "a", "c")),
        (("-b",), ("a",)),
        (("-x",), ("b", "a")),
        (("+c", "-b.c"), ("a",)),
        (("-a.b", "+a"), ("a",)),
        (("auto", "+d"), ("y", "z", "d")),
        (("+auto",), ("b", "a", "y", "z")),
    ],
)
def test_operations_work_in_order(texts: tuple[str, ...], result: tuple[str, ...]) -> None:
    operations = parse_operations(Axis.PLATFORM, texts)
    assert applied(("b", "a"), operations, lambda: ("y", "z")) == result


@given(TAGS, st.lists(PLAIN, max_size=4))
def test_each_operation_is_that_of_sets(present: list[str], operations: list[Operation]) -> None:
    expected = set(present)
    for kind, tags in operations:
        expected = {"": set(tags), "+": expected | set(tags), "-": expected - set(tags)}[kind.value]
    result = applied(present, operations)
    assert set(result) == expected
    assert len(set(result)) == len(result)


@given(TAGS, PLAIN)
def test_an_operation_twice_is_that_operation_once(present: list[str], operation: Operation) -> None:
    once = applied(present, [operation])
    assert applied(once, [operation]) == once


def test_tags_that_are_asked_for_are_those_that_are_not_removed() -> None:
    operations = parse_operations(Axis.PLATFORM, ["a.b", "+c", "-d", "+auto"])
    assert named_by(operations, lambda: ("z",)) == {"a", "b", "c", "z"}
