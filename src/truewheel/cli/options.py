"""The options that several commands share, under the names that users of auditwheel and delocate know."""

from __future__ import annotations

import os

from truewheel.cli.option import Argument, Kind, Option

FROM_FILE = Option(
    ("--from-file",),
    "Take wheels, folders and patterns from this file too, one a line; `-` is the standard input.",
    metavar="LIST",
    many=True,
)

WHEELS = (Argument("wheels", "WHEEL...", Kind.WHEELS, many=True, required=False), FROM_FILE)
"""The wheels that a command works on: those of the argument and of the lists together are required."""

JSON = Option(("--json",), "Print the result as one JSON document.", Kind.FLAG, called="as_json")

VERBOSITY = Option(("--verbose", "-v"), "Say everything, and shorten nothing.", Kind.COUNT)

EXCLUDE = Option(
    ("--exclude",),
    "Leave matching libraries outside: by name, name without version, or path.",
    metavar="GLOB",
    many=True,
)

PROVIDED = EXCLUDE._replace(
    help="Take matching libraries as given, for another package provides them: by name, or name without version."
)

JOBS = Option(
    ("--jobs", "-j"),
    "Work with N threads; as many as there are processors unless told.",
    Kind.NUMBER,
    metavar="N",
    default=os.cpu_count() or 1,
)

SEARCH = (
    Option(
        ("--lib-path", "--ldpaths"),
        f"Look for libraries here before the system's folders; several by repeating or with `{os.pathsep}`.",
        metavar="DIR",
        many=True,
    ),
    Option(("--sysroot",), "Take the system's folders from this root.", metavar="DIR", default="/"),
    EXCLUDE,
    Option(
        ("--executable-path",),
        "What @executable_path stands for in a macOS wheel: a program, or the folder it lies in.",
        metavar="PATH",
    ),
    JOBS,
)

POLICY = Option(
    ("--policy",),
    "Judge Linux wheels by the policy of your own that this file describes, which `auto` then stands for.",
    Kind.FILE,
    metavar="FILE",
)

DRY_RUN = Option(("--dry-run", "-n"), "Print what would be done; write nothing.", Kind.FLAG)

OUTPUT = (
    Option(
        ("--wheel-dir", "-w"),
        "Where new wheels go; made when absent.",
        Kind.FOLDER,
        metavar="DIR",
        default="wheelhouse",
        shown=True,
    ),
    Option(("--force",), "Replace a different wheel of the same name in the output folder.", Kind.FLAG),
    DRY_RUN,
)

OUTPUT_OF_PLAN = (
    Option(
        ("--wheel-dir", "-w"),
        "Where new wheels go, made when absent; where the plan says unless told.",
        Kind.FOLDER,
        metavar="DIR",
    ),
    *OUTPUT[1:],
)

BATCH = (
    Option(
        ("--plan",),
        "Write what would be done to all wheels as JSON, for `truewheel apply`; do nothing.",
        Kind.FILE,
        metavar="FILE",
    ),
    Option(("--all-or-nothing",), "Publish all new wheels together, and none when one fails.", Kind.FLAG),
)

RELEASE = (
    Option(("--sums",), "Write SHA256SUMS and names.json (old names to new) beside the wheels.", Kind.FLAG),
    Option(("--index",), "Add the new wheels to the static package index in DIR.", Kind.FOLDER, metavar="DIR"),
)

LABEL = (
    Option(
        ("--plat",),
        "The platform tag to hold; `auto` finds the most portable, `linux` bundles and promises nothing.",
        metavar="TAG",
        default="auto",
        shown=True,
        variables=("TRUEWHEEL_PLAT", "AUDITWHEEL_PLAT"),
    ),
    Option(("--only-plat",), "Name the wheel by --plat alone, not by older true tags too.", Kind.FLAG),
    Option(
        ("--require-archs",),
        "Refuse a macOS wheel with a module that lacks one of these: `x86_64,arm64`, `universal2`, `intel` ...",
        metavar="ARCHS",
    ),
)

BUNDLE = (
    Option(
        ("--include",),
        "Bring a library along that no file names (opened by name at run time); a path or a name.",
        metavar="LIB",
        many=True,
    ),
    Option(("--no-mangle",), "Keep the names of matching libraries.", metavar="GLOB", many=True),
    Option(
        ("--lib-sdir", "-L"),
        "The folder of libraries is named after the distribution, with this suffix: .libs, on macOS .dylibs.",
        metavar="SUFFIX",
    ),
    Option(("--strip",), "Drop symbol tables and debug data that no loader reads.", Kind.FLAG),
    Option(
        ("--clear-executable-stack",),
        "Clear the executable-stack mark of files that carry it (glibc 2.41 and later refuse to load them).",
        Kind.FLAG,
    ),
    Option(
        ("--drop-hardened-runtime",),
        "Sign edited Mach-O files without the hardened runtime that their old signature asked for.",
        Kind.FLAG,
    ),
    Option(
        ("--sbom",),
        "List what was bundled inside the wheel.",
        Kind.FLAG,
        default=True,
        shown=True,
        contrary="--no-sbom",
    ),
)

RETAG = (
    Option(("--python-tag",), "What to do to the Python tags.", metavar="[+|-]TAG", many=True),
    Option(("--abi-tag",), "What to do to the ABI tags.", metavar="[+|-]TAG", many=True),
    Option(
        ("--platform-tag",),
        "What to do to the platform tags; `auto` stands for those that the machine code proves.",
        metavar="[+|-]TAG",
        many=True,
    ),
    Option(("--build",), "Set the build tag.", metavar="N"),
    Option(("--no-build",), "Take the build tag away.", Kind.FLAG),
    Option(
        ("--for",),
        "Add the names that interpreters or installers need: python.org, apple-10.9, homebrew, pip>=6 ...",
        metavar="PROFILE",
        many=True,
        called="profiles",
    ),
    Option(("--profiles",), "Read profiles of your own.", Kind.FILE, metavar="FILE", called="profile_file"),
    Option(
        ("--legacy-aliases",),
        "Name manylinux_X_Y by its older names too, or by none of them.",
        Kind.FLAG,
        default=None,
        contrary="--no-legacy-aliases",
    ),
    Option(("--normalize",), "Sort and expand the tags; make file name and WHEEL agree.", Kind.FLAG),
    Option(
        ("--trust",),
        "What --normalize believes where they do not agree.",
        Kind.CHOICE,
        choices=("filename", "wheel", "binaries"),
        default="filename",
        shown=True,
    ),
    Option(("--keep-order",), "Put new tags behind the present ones instead of sorting all.", Kind.FLAG),
    Option(
        ("--local-version",),
        "Give the version another local label; '' drops it.",
        metavar="[+]LABEL",
        may_be_empty=True,
    ),
    Option(("--force",), "Write tags that the machine code contradicts, and say so in the plan.", Kind.FLAG),
    Option(
        ("--wheel-dir", "-w"),
        "Where new wheels go, made when absent; beside the old ones unless told.",
        Kind.FOLDER,
        metavar="DIR",
    ),
    Option(("--in-place",), "Let each new wheel take the place of the old one.", Kind.FLAG),
    Option(
        ("--remove",),
        "Delete each old wheel when the new one is there, or keep it.",
        Kind.FLAG,
        default=None,
        contrary="--keep",
    ),
    Option(("--overwrite",), "Replace a different wheel that has the new name already.", Kind.FLAG),
    DRY_RUN,
    JOBS,
)
