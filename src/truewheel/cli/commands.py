"""All commands: what each is for, and what it takes. A command's own module is imported when the command runs."""

from __future__ import annotations

from truewheel.cli.option import Argument, Command, Kind, Option
from truewheel.cli.options import (
    BATCH,
    BUNDLE,
    EXCLUDE,
    JOBS,
    JSON,
    LABEL,
    OUTPUT,
    OUTPUT_OF_PLAN,
    POLICY,
    PROVIDED,
    RELEASE,
    RETAG,
    SEARCH,
    VERBOSITY,
    WHEELS,
)

SHOW = Command(
    "show",
    "Show what each wheel needs, whether its label is true, and what it could be.",
    "truewheel.cli.show:show_wheels",
    (*WHEELS, *SEARCH, POLICY, JSON, VERBOSITY),
)

WHY = Command(
    "why",
    """Say why a library comes along, or why a tag is forbidden.

    SUBJECT is a library (`libssl.so.3`), a symbol or symbol version (`GLIBC_2.34`), or a platform tag
    (`manylinux_2_17`). Without one, the command says what keeps the wheel from the next older label.
    """,
    "truewheel.cli.why:explain_wheel",
    (Argument("wheel", kind=Kind.PATH), Argument("subject", required=False), *SEARCH, JSON),
)

REPAIR = Command(
    "repair",
    """Bundle what each wheel needs and give it a name that is true.

    Leaves exactly one wheel per input in the output folder and prints its full path: a repaired one, or the same
    bytes when there is nothing to do. When a wheel cannot be repaired, nothing is written for it.
    """,
    "truewheel.cli.repair:repair_wheels",
    (*WHEELS, *OUTPUT, *BATCH, *RELEASE, *LABEL, POLICY, *SEARCH, *BUNDLE, JSON, VERBOSITY),
)

MERGE = Command(
    "merge",
    """Merge a macOS wheel for x86_64 and one for arm64 into one wheel for both.

    Files of machine code are joined, slice by slice, with their signatures untouched. Other files must be the same in
    both, or --prefer says which is right. Prints the full path of the new wheel.
    """,
    "truewheel.cli.merge:merge",
    (
        Argument("wheels", "WHEEL WHEEL", Kind.PATH, many=True),
        *OUTPUT,
        *RELEASE,
        Option(
            ("--prefer",),
            "Whose file to take where files differ that cannot be joined: of the wheel for arm64 or x86_64.",
            metavar="[GLOB=]ARCH",
            many=True,
        ),
        Option(("--allow-one-sided",), "Keep modules, programs and data that only one wheel has.", Kind.FLAG),
        Option(("--plat",), "The platform tag to hold.", metavar="TAG", default="auto", shown=True),
        EXCLUDE,
        JOBS,
        JSON,
        VERBOSITY,
    ),
)

THIN = Command(
    "thin",
    """Make each macOS wheel for several architectures one for a single architecture.

    Every fat file becomes its one slice, byte for byte; files for other architectures alone are left out. Prints the
    full path of each new wheel.
    """,
    "truewheel.cli.thin:thin_wheels",
    (
        *WHEELS,
        Option(("--arch",), "The architecture that stays: arm64, x86_64, i386 ...", metavar="ARCH", required=True),
        *OUTPUT,
        *BATCH,
        *RELEASE,
        EXCLUDE,
        JOBS,
        JSON,
        VERBOSITY,
    ),
)

ACCEPTS = Command(
    "accepts",
    """Show who can install a wheel: which Pythons on which systems, by which installers.

    Of two wheels, the command says who gains and who loses when the second takes the place of the first. With
    --target it answers for one target, with the reason, and exits with 1 when a wheel is refused.
    """,
    "truewheel.cli.accepts:accept_wheels",
    (
        *WHEELS,
        Option(
            ("--target",),
            "Answer for this one: a system, a Python and perhaps an installer, as in 'ubuntu-22.04 cp312 pip-24.0'.",
            metavar="TARGET",
            many=True,
        ),
        Option(("--name",), "Look at the names alone; the files need not exist.", Kind.FLAG),
        JSON,
    ),
    light=True,
)

RETAG_COMMAND = Command(
    "retag",
    """Give each wheel other tags, true of what is inside, without touching anything else.

    A value `a.b` of --python-tag, --abi-tag or --platform-tag replaces the tags, `+a.b` adds and `-a.b` removes; each
    can be given several times. A tag that the machine code contradicts is refused, with the reasons. Prints the full
    path of each wheel.
    """,
    "truewheel.cli.retag:retag_wheels",
    (*WHEELS, *RETAG, POLICY, PROVIDED, *BATCH, *RELEASE, JSON, VERBOSITY),
    light=True,
)

APPLY = Command(
    "apply",
    """Do what a plan says that `--plan` wrote: all of it, or nothing.

    Every wheel is checked against the plan first. New wheels get their names when all of them are ready; a run that
    was interrupted is finished by running it again. Prints the full path of each.
    """,
    "truewheel.cli.apply:apply_plan",
    (Argument("plan_file", "PLAN", Kind.FILE), *OUTPUT_OF_PLAN, *RELEASE, JOBS, JSON, VERBOSITY),
)

CHECK = Command(
    "check",
    """Check each wheel: its name, metadata, hashes, machine code and the index's rules against each other.

    Prints one line for each finding, with its rule and the mend, and exits with 1 when something is wrong. With --fix
    it prints the full path of each wheel as mended instead.
    """,
    "truewheel.cli.check:check_wheels",
    (
        *WHEELS,
        Option(("--select",), "Follow these rules alone; repeat it, or join by commas.", metavar="RULE", many=True),
        Option(("--ignore",), "Leave these rules out; repeat it, or join by commas.", metavar="RULE", many=True),
        Option(
            ("--index",),
            "Whose rules for uploads count too.",
            Kind.CHOICE,
            choices=("pypi", "none"),
            default="pypi",
            shown=True,
        ),
        POLICY,
        PROVIDED,
        Option(("--strict",), "Exit with 1 for warnings too.", Kind.FLAG),
        Option(("--fix",), "Write a mended copy of each wheel, as far as no new facts are needed.", Kind.FLAG),
        Option(
            ("--wheel-dir", "-w"),
            "Where mended wheels go; beside the given ones unless told.",
            Kind.FOLDER,
            metavar="DIR",
        ),
        Option(("--force",), "Replace another wheel of the name of a mended one, be it the given one.", Kind.FLAG),
        Option(("--sarif",), "Write the findings as SARIF 2.1.0 too; `-` is the standard output.", metavar="FILE"),
        JOBS,
        JSON,
        VERBOSITY,
    ),
)

COMMANDS = {command.name: command for command in (ACCEPTS, APPLY, CHECK, MERGE, REPAIR, RETAG_COMMAND, SHOW, THIN, WHY)}
