from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = {
    "skipping": "import pytest\n\ndef test_one():\n    pytest.skip('no compiler')\n\ndef test_two():\n    pass\n",
    "module": "import pytest\n\npytest.skip('not here', allow_module_level=True)\n",
    "complete": "import pytest\n\ndef test_one():\n    pass\n\n@pytest.mark.xfail\ndef test_two():\n    assert False\n",
}


def run(folder: Path, name: str, *arguments: str, ci: str) -> subprocess.CompletedProcess[str]:
    shutil.copy(Path(__file__).with_name("conftest.py"), folder)
    (folder / f"test_{name}.py").write_text(TESTS[name], "utf-8")
    (folder / "pytest.ini").write_text("[pytest]\n", "utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:cov", *arguments]
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST", "COV"))}
    return subprocess.run(command, cwd=folder, env={**clean, "CI": ci}, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("name", "where", "arguments"),
    [("skipping", "test_skipping.py::test_one", ()), ("module", "test_module.py", ("--numprocesses=1",))],
    ids=["one test", "a whole module, distributed"],
)
def test_a_skip_fails_in_ci_and_is_named(tmp_path: Path, name: str, where: str, arguments: tuple[str, ...]) -> None:
    done = run(tmp_path, name, *arguments, ci="true")
    assert done.returncode == pytest.ExitCode.TESTS_FAILED
    assert where in done.stdout.split("skipped, which is a failure in CI")[1]


def test_a_skip_passes_elsewhere(tmp_path: Path) -> None:
    assert run(tmp_path, "skipping", ci="").returncode == pytest.ExitCode.OK


def test_an_expected_failure_is_no_skip(tmp_path: Path) -> None:
    assert run(tmp_path, "complete", ci="true").returncode == pytest.ExitCode.OK
