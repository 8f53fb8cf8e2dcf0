"""The JSON documents have exactly the fields that docs/json.md and the schemas in docs/schemas name."""

from __future__ import annotations

import hashlib
import importlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

from support.cli import truewheel
from support.fixtures import family, odd, unrepaired_mac_wheel, unrepaired_wheel
from support.hello import hello_wheel
from support.mac_pairs import code, lib, pair
from truewheel.platforms.verdict import Rule
from truewheel.report.model import Fate

DOCS = Path(__file__).resolve().parents[2] / "docs"
SCHEMAS = (
    "check-1",
    "show-1",
    "why-1",
    "repair-1",
    "repair-plan-1",
    "merge-1",
    "merge-plan-1",
    "thin-1",
    "thin-plan-1",
    "accepts-1",
    "retag-1",
    "retag-plan-1",
    "apply-1",
    "batch-plan-1",
    "names-1",
    "done-1",
)
HELLO = unrepaired_wheel("x86_64")
WITH = ("--lib-path", str(family("x86_64").folder))


def schema(name: str) -> Any:  # noqa: ANN401 - JSON
    return json.loads((DOCS / "schemas" / f"{name}.json").read_text())


def check(name: str, *arguments: str | Path) -> Any:  # noqa: ANN401 - JSON
    """Run a command and hold the document that it prints against a schema."""
    document = json.loads(truewheel(*arguments).output)
    validate(name, document)
    return document


def validate(name: str, document: object) -> None:
    jsonschema: Any = importlib.import_module("jsonschema")  # has no types
    jsonschema.Draft202012Validator(schema(name)).validate(document)


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_schemas_are_schemas(name: str) -> None:
    jsonschema: Any = importlib.import_module("jsonschema")
    jsonschema.Draft202012Validator.check_schema(schema(name))


@pytest.mark.parametrize("search", [(), WITH])
def test_show(search: tuple[str, ...], tmp_path: Path) -> None:
    untrue = hello_wheel(tmp_path, {"x.so": odd("relr.so")}, tag="cp310-abi3-manylinux_2_17_x86_64.any")
    document = check("show-1", "show", "--json", *search, HELLO, unrepaired_wheel("aarch64"), untrue, "gone.whl")
    assert len(document["wheels"]) == 3
    assert [tag["true"] for tag in document["wheels"][2]["tags"]] == [False, False]
    assert [each["file"] for each in document["failed"]] == ["gone.whl"]


@pytest.mark.parametrize("subject", ["libtone.so.2", "GLIBC_2.2.5", "manylinux_2_17"])
def test_why(subject: str) -> None:
    check("why-1", "why", "--json", *WITH, HELLO, subject)


def test_repair(tmp_path: Path) -> None:
    refused = unrepaired_wheel("aarch64")
    document = check("repair-1", "repair", "--json", "-w", tmp_path, *WITH, HELLO, refused)
    (made,) = document["repaired"]
    assert made["changed"] is True
    assert Path(made["path"]).stat().st_size == made["size_after"]
    assert made["size_before"] == HELLO.stat().st_size
    (failure,) = document["failed"]
    assert failure["exit_code"] == 1
    assert failure["reasons"] == ["hello/_hello.abi3.so needs libgreet.so.1, which was not found"]


def test_repair_plan() -> None:
    document = check("repair-1", "repair", "--json", "--dry-run", *WITH, HELLO)
    (plan,) = document["plans"]
    validate("repair-plan-1", plan)
    assert plan["libraries"]
    assert plan["edits"]


def test_merge(tmp_path: Path) -> None:
    bill = "hello-1.0.dist-info/sboms/a.json"
    own = [{"hello/a.py": each, bill: each, f"hello/{each.decode()}": lib("arm64")} for each in (b"1", b"2")]
    wheels = pair(tmp_path, own[0], {**own[1], "hello/_more.abi3.so": code("arm64")})
    rules = ("--prefer=arm64", "--prefer=hello/1=arm64", "--allow-one-sided")
    document = check("merge-1", "merge", "--json", "-w", tmp_path, *rules, *wheels)
    (made,) = document["merged"]
    assert all(made["plan"].values())
    validate("merge-plan-1", made["plan"])
    check("merge-1", "merge", "--json", "--dry-run", *rules, *wheels)
    assert check("merge-1", "merge", "--json", *wheels)["failed"][0]["reasons"][0] == "hello/a.py differs"


def test_thin(tmp_path: Path) -> None:
    wheel = unrepaired_mac_wheel("universal2")
    document = check("thin-1", "thin", "--json", "--arch=arm64", "-w", tmp_path, "--exclude=lib*", wheel, "gone.whl")
    validate("thin-plan-1", document["thinned"][0]["plan"])
    assert [each["file"] for each in document["failed"]] == ["gone.whl"]
    check("thin-1", "thin", "--json", "--arch=x86_64", "--dry-run", "--exclude=lib*", wheel)


def test_check(tmp_path: Path) -> None:
    untrue = hello_wheel(tmp_path, {"x.so": odd("relr.so")}, wheel_tags=("cp310-abi3-win32",))
    document = check("check-1", "check", "--json", untrue, "gone.whl")
    assert document["wheels"][0]["fixed"] is None
    assert {fault["rule"] for fault in document["wheels"][0]["findings"]} >= {"index-tag", "wheel-tags"}
    mended = check("check-1", "check", "--json", "--fix", "--wheel-dir", tmp_path / "new", untrue)
    assert [fault["rule"] for fault in mended["wheels"][0]["fixed"]["mended"]] == ["wheel-tags", "wheel-tags"]


def test_a_plan_for_many_wheels_and_its_end(tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    truewheel("repair", "--plan", plan, "-w", tmp_path / "out", *WITH, HELLO, "gone.whl")
    validate("batch-plan-1", json.loads(plan.read_text()))
    done = check("apply-1", "apply", plan, "--json", "--sums", "-w", tmp_path / "out")
    assert len(done["applied"]) == len(done["failed"]) == 1
    validate("names-1", json.loads((tmp_path / "out" / "names.json").read_text()))


def test_the_note_of_a_plan_that_was_done(tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    truewheel("retag", "--plan", plan, "--remove", "--build", "1", hello_wheel(tmp_path, {}))
    truewheel("apply", plan, "-w", tmp_path / "out")
    validate("done-1", json.loads((tmp_path / "plan.json.done").read_text()))


def test_accepts() -> None:
    names = [f"a-1-cp312-cp312-{tag}.whl" for tag in ("win32", "manylinux_2_28_x86_64", "macosx_11_2_arm64")]
    whole = check("accepts-1", "accepts", "--json", "--name", *names, "a.txt")
    assert [bool(wheel["table"]["rows"]) for wheel in whole["wheels"]] == [True, True, False]
    assert [each["file"] for each in whole["failed"]] == ["a.txt"]
    changed = check("accepts-1", "accepts", "--json", "--name", *names[1:])
    assert changed["comparison"]["gains"] is None
    assert changed["comparison"]["losses"]["rows"]
    targets = ("--target=windows x86 cp312", "--target=debian-9 cp312")
    told = check("accepts-1", "accepts", "--json", "--name", *targets, names[0])
    assert [answer["accepted"] for answer in told["wheels"][0]["answers"]] == [True, False]


def test_retag(tmp_path: Path) -> None:
    wheel = hello_wheel(tmp_path, {"x.so": family("x86_64").tone}, tag="cp310-abi3-manylinux_2_17_x86_64")
    wishes = ("--platform-tag=+win_amd64.manylinux_2_28_x86_64.manylinux_2_5_x86_64", "--force")
    plans = check("retag-1", "retag", "--json", "--dry-run", *wishes, wheel)["plans"]
    document = check("retag-1", "retag", "--json", *wishes, wheel, "gone.whl")
    (made,) = document["retagged"]
    assert plans == [made["plan"]]
    validate("retag-plan-1", made["plan"])
    assert made["plan"]["input_sha256"] == hashlib.sha256(wheel.read_bytes()).hexdigest()
    assert [ground["basis"] for ground in made["plan"]["grounds"]] == ["proved", "proved", "proved", "forced"]
    assert [each["file"] for each in document["failed"]] == ["gone.whl"]


def test_a_field_that_no_schema_names_is_noticed() -> None:
    document = check("why-1", "why", "--json", *WITH, HELLO, "libtone.so.2")
    jsonschema: Any = importlib.import_module("jsonschema")
    with pytest.raises(jsonschema.ValidationError):
        validate("why-1", {**document, "more": 1})
    del document["headline"]
    with pytest.raises(jsonschema.ValidationError):
        validate("why-1", document)


def test_the_schemas_name_every_rule_and_fate() -> None:
    parts = schema("show-1")["$defs"]
    assert sorted(parts["reason"]["properties"]["rule"]["enum"]) == sorted(rule.value for rule in Rule)
    assert sorted(parts["library"]["properties"]["fate"]["enum"]) == sorted(fate.value for fate in Fate)


def test_the_plan_within_a_repair_is_the_plan() -> None:
    inner, whole = schema("repair-1")["$defs"], schema("repair-plan-1")
    assert inner["plan"]["properties"] == whole["properties"]
    assert inner["edit"] == whole["$defs"]["edit"]
    assert inner["copy"] == whole["$defs"]["copy"]


@pytest.mark.parametrize("name", ["merge", "thin", "retag"])
def test_the_plan_within_a_result_is_the_plan(name: str) -> None:
    inner, whole = schema(f"{name}-1")["$defs"], schema(f"{name}-plan-1")
    assert inner["plan"]["properties"] == whole["properties"]
    assert inner.items() >= whole["$defs"].items()


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_page_has_a_table_for_every_object(name: str) -> None:
    page = (DOCS / "json.md").read_text()
    tables = {
        title.strip("`"): re.findall(r"^\| `(\w+)` \|", body, re.MULTILINE)
        for title, body in re.findall(r"^##+ (.+?)\n(.*?)(?=^##|\Z)", page, re.MULTILINE | re.DOTALL)
    }
    document = schema(name)
    assert tables[document["title"]] == list(document["properties"])
    for part, definition in document["$defs"].items():
        if part != "plan":
            assert tables[part] == list(definition["properties"])
