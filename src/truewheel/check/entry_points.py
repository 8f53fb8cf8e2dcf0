"""Rule about entry_points.txt: an INI file whose scripts every installer can make.

Follows the PyPA entry points specification, and what pip (distlib's `get_export_entry`) and uv make of a script: each
refuses some forms that the other takes, and then refuses the whole wheel.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from truewheel.check.findings import Found, Rule, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truewheel.check.subject import Subject

_SCRIPTS = ("console_scripts", "gui_scripts")
_OBJECT = re.compile(r"\w+(?:\.\w+)*:\w+(?:\.\w+)*(?:\s*\[[^\[\]\n]*\])?")
_COMMAND = re.compile(r"[^\s\[/\\][^\s/\\]*")
_FIX = "build the wheel again"


def _entry_points(subject: Subject) -> Iterator[Found]:
    """Yield an entry point file that installers cannot read, and scripts that some cannot make."""
    content = subject.text("entry_points.txt")
    if content is None or subject.reader is None:
        return
    from configparser import ConfigParser, Error

    where = f"{subject.reader.dist_info}/entry_points.txt"
    parser = ConfigParser(delimiters=("=",), interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign] # as the documentation of configparser has it
    try:
        parser.read_string(content.decode("utf-8"))
    except (Error, UnicodeDecodeError) as error:
        yield Found(f"cannot be read: {next(iter(str(error).splitlines()))}", _FIX, where)
        return
    for group in _SCRIPTS:
        for name, value in parser.items(group) if parser.has_section(group) else ():
            if not _COMMAND.fullmatch(name):
                yield Found(f"{group}: not every installer can make a command of the name {name!r}", _FIX, where)
            if not _OBJECT.fullmatch(value):
                problem = f"{group}: {name} is {value!r}, which is not of the form module:function, so it is refused"
                yield Found(problem, _FIX, where)


RULES = (Rule("entry-points", Severity.ERROR, "the entry points cannot be read, or are no commands", _entry_points),)
