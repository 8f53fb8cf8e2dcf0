"""Lines as they reach a pipe, a file, or nothing at all."""

from __future__ import annotations

import io
from contextlib import redirect_stderr, redirect_stdout
from unittest.mock import patch

import click
import pytest

from truewheel.cli.output import echo, style


def _stream(encoding: str = "utf-8") -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="\n")


def _told(stream: io.TextIOWrapper) -> bytes:
    stream.flush()
    assert isinstance(stream.buffer, io.BytesIO)
    return stream.buffer.getvalue()


def test_a_pipe_gets_no_colours() -> None:
    with redirect_stdout(_stream()) as out:
        echo(f"one {style('two', fg='red')} {style('three', bold=True)}")
        echo("four", nl=False)

    assert _told(out) == b"one two three\nfour"


def test_errors_go_to_stderr() -> None:
    with redirect_stderr(_stream()) as err, redirect_stdout(_stream()) as out:
        echo("lost", err=True)

    assert (_told(err), _told(out)) == (b"lost\n", b"")


def test_a_path_is_written_as_the_file_system_spells_it() -> None:
    with redirect_stdout(_stream("ascii")) as out:
        echo("first")
        echo(b"/caf\xe9/x.whl")

    assert _told(out) == b"first\n/caf\xe9/x.whl\n"


def test_a_path_reaches_a_stream_of_text_alone_too() -> None:
    with redirect_stdout(io.StringIO()) as out:
        echo(b"/srv/x.whl")

    assert out.getvalue() == "/srv/x.whl\n"


def test_a_letter_that_the_encoding_lacks_is_spelled_out() -> None:
    with redirect_stdout(_stream("ascii")) as out:
        echo("caf\u00e9")

    assert _told(out) == b"caf\\xe9\n"


@pytest.mark.parametrize("err", [False, True])
def test_a_process_without_streams_says_nothing(*, err: bool) -> None:
    with patch("sys.stdout", None), patch("sys.stderr", None):
        echo("nobody hears it", err=err)


@pytest.mark.parametrize("colour", ["red", "green", "yellow", "cyan"])
def test_colours_are_those_of_click(colour: str) -> None:
    assert style("x", fg=colour) == click.style("x", fg=colour)


def test_bold_is_that_of_click_and_no_style_is_none() -> None:
    assert style("x", bold=True) == click.style("x", bold=True)
    assert style("x") == "x"
