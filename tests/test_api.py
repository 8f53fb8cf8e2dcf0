from __future__ import annotations

import subprocess
import sys

import pytest

import truewheel
from truewheel import errors, repair, report
from truewheel.bundler.plan import RepairPlan


def test_public_names_are_what_their_modules_define() -> None:
    assert truewheel.repair_wheel is repair.repair
    assert truewheel.inspect_wheel is report.inspect_wheel
    assert truewheel.RepairPlan is RepairPlan
    assert truewheel.RefusedError is errors.RefusedError


def test_every_public_name_can_be_had_and_is_listed() -> None:
    for name in truewheel.__all__:
        assert getattr(truewheel, name) is not None
    assert dir(truewheel) == truewheel.__all__


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        truewheel.no_such_name  # noqa: B018 - looking it up is the test


def test_importing_the_package_imports_nothing_else() -> None:
    code = "import sys, truewheel; print([name for name in sys.modules if name.startswith('truewheel.')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['truewheel.version']"
