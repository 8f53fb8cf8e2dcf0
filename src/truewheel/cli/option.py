"""What an option and an argument of a command are, as plain data.

click is built from them for help, for mistakes and for everything unusual; plain command lines are understood without.
"""

from __future__ import annotations

from enum import Enum
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from truewheel.errors import ExitCode


class Kind(Enum):
    """What the value of an option or an argument is.

    FLAG: whether it was given. COUNT: how often. NUMBER: a whole number, at least 1. CHOICE: one of some words.
    TEXT: anything. PATH: a path. FILE, FOLDER: a path at which no folder, or no file, is; there may be nothing.
    WHEELS: paths of wheels and of folders, and patterns, to which `--from-file` may add.
    """

    FLAG = "flag"
    COUNT = "count"
    NUMBER = "number"
    CHOICE = "choice"
    TEXT = "text"
    PATH = "path"
    FILE = "file"
    FOLDER = "folder"
    WHEELS = "wheels"


class Option(NamedTuple):
    """One option.

    names: as it is written, the long name first. contrary: the name that switches a flag off, empty for none.
    called: what the command calls its value, where that is not the long name. metavar: what help calls it.
    many: whether it can be given several times; the value is a tuple then. default: the value unless it is given, for
    a flag only where it has a contrary. shown: whether help tells it. choices: for the kind CHOICE.
    variables: environment variables that set it; the first that is set counts.
    required: whether the command makes no sense without.
    may_be_empty: whether an empty value has a meaning; otherwise it is a mistake, such as a variable that nobody set.
    """

    names: tuple[str, ...]
    help: str
    kind: Kind = Kind.TEXT
    metavar: str | None = None
    many: bool = False
    default: Any = None
    shown: bool = False
    contrary: str = ""
    choices: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    required: bool = False
    called: str = ""
    may_be_empty: bool = False

    @property
    def key(self) -> str:
        """What the command calls the value."""
        return self.called or self.names[0].lstrip("-").replace("-", "_")

    @property
    def absent(self) -> Any:  # noqa: ANN401 - as many types as there are kinds
        """The value when the option is not given."""
        if self.many:
            return ()
        if self.kind is Kind.COUNT:
            return 0
        return False if self.kind is Kind.FLAG and not self.contrary else self.default


class Argument(NamedTuple):
    """One argument.

    key: what the command calls its value. metavar: what help calls it. many: whether it takes all that are left; the
    value is a tuple then. required: whether there must be one.
    """

    key: str
    metavar: str | None = None
    kind: Kind = Kind.TEXT
    many: bool = False
    required: bool = True


class Command(NamedTuple):
    """One command.

    function: `module:name` of what is called with the values of options and arguments, by key.
    light: whether it reads and writes little of what a wheel holds, and need not care how it uses memory.
    """

    name: str
    help: str
    function: str
    parameters: tuple[Argument | Option, ...]
    light: bool = False

    def run(self, values: Mapping[str, Any]) -> ExitCode:
        """Import what the command does, and do it."""
        if not self.light:
            from truewheel.cli.memory import hand_back_large_blocks

            hand_back_large_blocks()
        module, _, name = self.function.partition(":")
        code: ExitCode = getattr(import_module(module), name)(values)
        return code
