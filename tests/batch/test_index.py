"""A static package index: what installers read from it, and what stays of an index that is there."""

from __future__ import annotations

import functools
import hashlib
import http.server
import json
import subprocess
import sys
import threading
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest

from support.batches import pure_wheel
from support.cli import environment
from support.wheels import build_wheel
from truewheel.batch.index import update_index
from truewheel.errors import InvalidInputError, RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

METADATA = b"Metadata-Version: 2.1\nName: Foo.Bar\nVersion: %s\nRequires-Python: >=3.8,\n  <4\n"


def foo_bar(folder: Path, version: str = "1.0+cpu", content: bytes = b"") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    info = f"foo_bar-{version}.dist-info"
    files = {"foo_bar.py": content, f"{info}/METADATA": METADATA % version.encode()}
    return build_wheel(folder, files, filename=f"foo_bar-{version}-py3-none-any.whl", dist_info=info)


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Links(HTMLParser):
    """The attributes of each anchor."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.found: list[dict[str, str | None]] = []
        self.feed(page.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.found.append(dict(attrs))


def document(path: Path) -> Any:  # noqa: ANN401 - JSON
    return json.loads((path / "index.json").read_text())


def test_a_page_and_a_document_for_each_project(tmp_path: Path) -> None:
    wheel, root = foo_bar(tmp_path / "out"), tmp_path / "simple"
    assert update_index(root, [wheel, pure_wheel(tmp_path / "out", "a")]) == (root / "a", root / "foo-bar")
    metadata = hashlib.sha256(METADATA % b"1.0+cpu").hexdigest()
    (link,) = Links(root / "foo-bar" / "index.html").found
    assert link == {
        "href": f"foo_bar-1.0%2Bcpu-py3-none-any.whl#sha256={digest(wheel)}",
        "data-requires-python": ">=3.8, <4",
        "data-core-metadata": f"sha256={metadata}",
        "data-dist-info-metadata": f"sha256={metadata}",
    }
    assert document(root / "foo-bar") == {
        "meta": {"api-version": "1.1"},
        "name": "foo-bar",
        "versions": ["1.0+cpu"],
        "files": [
            {
                "filename": wheel.name,
                "url": "foo_bar-1.0%2Bcpu-py3-none-any.whl",
                "hashes": {"sha256": digest(wheel)},
                "requires-python": ">=3.8, <4",
                "size": wheel.stat().st_size,
                "core-metadata": {"sha256": metadata},
                "yanked": False,
            }
        ],
    }
    assert (root / "foo-bar" / wheel.name).read_bytes() == wheel.read_bytes()
    assert (root / "foo-bar" / f"{wheel.name}.metadata").read_bytes() == METADATA % b"1.0+cpu"
    assert [link["href"] for link in Links(root / "index.html").found] == ["a/", "foo-bar/"]
    assert document(root) == {"meta": {"api-version": "1.1"}, "projects": [{"name": "a"}, {"name": "foo-bar"}]}


def test_a_wheel_below_the_index_is_linked_where_it_is(tmp_path: Path) -> None:
    wheel = foo_bar(tmp_path / "simple" / "files")
    update_index(tmp_path / "simple", [wheel])
    assert document(tmp_path / "simple" / "foo-bar")["files"][0]["url"] == "../files/foo_bar-1.0%2Bcpu-py3-none-any.whl"
    assert sorted(path.name for path in (tmp_path / "simple" / "foo-bar").iterdir()) == ["index.html", "index.json"]
    assert wheel.with_name(f"{wheel.name}.metadata").exists()


def test_a_second_run_writes_nothing(tmp_path: Path) -> None:
    root, wheels = tmp_path / "simple", [foo_bar(tmp_path / "out"), pure_wheel(tmp_path / "out", "a")]
    update_index(root, wheels)
    before = {path: path.stat().st_ino for path in root.rglob("*")}
    update_index(root, wheels[::-1])
    assert {path: path.stat().st_ino for path in root.rglob("*")} == before


def test_what_is_there_is_kept(tmp_path: Path) -> None:
    root = tmp_path / "simple"
    old, new = foo_bar(tmp_path / "out", "1.10"), foo_bar(tmp_path / "out", "1.9")
    update_index(root, [old, pure_wheel(tmp_path / "out", "a")])
    path = root / "foo-bar" / "index.json"
    table = json.loads(path.read_text())
    table["files"][0] |= {"yanked": "broken <on> arm", "upload-time": "2024-01-01T00:00:00Z"}
    table["project-status"] = {"status": "archived"}
    table["meta"]["_last-serial"] = 7
    path.write_text(json.dumps(table))
    update_index(root, [new, old])
    now = document(root / "foo-bar")
    assert now["versions"] == ["1.9", "1.10"]
    assert [item["filename"] for item in now["files"]] == [old.name, new.name]
    assert now["files"][0] == table["files"][0]
    assert now["project-status"] == {"status": "archived"}
    assert now["meta"] == {"_last-serial": 7, "api-version": "1.1"}
    assert Links(root / "foo-bar" / "index.html").found[0]["data-yanked"] == "broken <on> arm"
    assert [item["name"] for item in document(root)["projects"]] == ["a", "foo-bar"]


PAGE = """<html><body>
<a href="https://files.example/foo_bar-0.9.tar.gz#md5=abc" data-requires-python="&gt;=3" data-yanked>foo_bar-0.9.tar.gz</a>
<a href="foo_bar-0.8-py3-none-any.whl" data-dist-info-metadata="true"></a>
<a href="foo_bar-0.7-py3-none-any.whl#sha256=ff" data-core-metadata="sha256=ee" data-yanked="why">foo_bar-0.7-py3-none-any.whl</a>
<a name="nothing"></a>
</body></html>"""  # noqa: E501 - an anchor is a line


def test_pages_of_other_tools_are_read(tmp_path: Path) -> None:
    root = tmp_path / "simple"
    (root / "foo-bar").mkdir(parents=True)
    (root / "foo-bar" / "index.html").write_text(PAGE)
    (root / "index.html").write_text('<a href="Foo_Bar/">Foo_Bar</a><a href="zoo/">zoo</a>')
    update_index(root, [foo_bar(tmp_path / "out")])
    files = {item["filename"]: item for item in document(root / "foo-bar")["files"]}
    assert files["foo_bar-0.9.tar.gz"] == {
        "filename": "foo_bar-0.9.tar.gz",
        "url": "https://files.example/foo_bar-0.9.tar.gz",
        "hashes": {"md5": "abc"},
        "requires-python": ">=3",
        "core-metadata": False,
        "yanked": True,
    }
    assert files["foo_bar-0.8-py3-none-any.whl"]["core-metadata"] is True
    assert files["foo_bar-0.7-py3-none-any.whl"]["core-metadata"] == {"sha256": "ee"}
    assert files["foo_bar-0.7-py3-none-any.whl"]["yanked"] == "why"
    assert document(root / "foo-bar")["versions"] == ["0.7", "0.8", "0.9", "1.0+cpu"]
    assert document(root / "foo-bar")["meta"]["api-version"] == "1.0"
    assert [item["name"] for item in document(root)["projects"]] == ["foo-bar", "zoo"]
    links = Links(root / "foo-bar" / "index.html").found
    assert [link.get("data-yanked") for link in links] == ["why", None, "", None]
    assert links[1]["data-core-metadata"] == "true"


def test_versions_that_are_none_come_first(tmp_path: Path) -> None:
    root = tmp_path / "simple"
    (root / "foo-bar").mkdir(parents=True)
    (root / "foo-bar" / "index.html").write_text('<a href="x">foo_bar-0.x.y-py3-none-any.whl</a>')
    update_index(root, [foo_bar(tmp_path / "out")])
    assert document(root / "foo-bar")["versions"] == ["0.x.y", "1.0+cpu"]


def test_another_file_of_the_same_name_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    root = tmp_path / "simple"
    update_index(root, [foo_bar(tmp_path / "out")])
    before = (root / "index.html").stat().st_ino
    other = foo_bar(tmp_path / "other", content=b"x = 1\n")
    with pytest.raises(RefusedError) as caught:
        update_index(root, [pure_wheel(tmp_path / "out", "a"), other])
    assert caught.value.reasons == (f"{other.name} has another content there",)
    assert not (root / "a").exists()
    assert (root / "index.html").stat().st_ino == before
    update_index(root, [other], force=True)
    assert document(root / "foo-bar")["files"][0]["hashes"] == {"sha256": digest(other)}
    assert digest(root / "foo-bar" / other.name) == digest(other)


def test_a_yanked_file_that_was_replaced_is_another_file(tmp_path: Path) -> None:
    root = tmp_path / "simple"
    update_index(root, [foo_bar(tmp_path / "out")])
    path = root / "foo-bar" / "index.json"
    path.write_text(path.read_text().replace('"yanked": false', '"yanked": true'))
    update_index(root, [foo_bar(tmp_path / "other", content=b"x = 1\n")], force=True)
    assert document(root / "foo-bar")["files"][0]["yanked"] is False


@pytest.mark.parametrize("content", ["", "[]", '{"files": [{"filename": "x"}]}', '{"files": ["x"]}'])
def test_a_document_that_is_none_is_told(content: str, tmp_path: Path) -> None:
    root = tmp_path / "simple"
    (root / "foo-bar").mkdir(parents=True)
    (root / "foo-bar" / "index.json").write_text(content)
    with pytest.raises(InvalidInputError, match="is no document of a package index"):
        update_index(root, [foo_bar(tmp_path / "out")])


def test_a_list_of_projects_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "index.json").write_text('{"projects": [1]}')
    with pytest.raises(InvalidInputError, match="is no document of a package index"):
        update_index(tmp_path, [foo_bar(tmp_path / "out")])


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    """The address of a plain file server over tmp_path/simple, which notes what is asked for."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            with (tmp_path / "asked").open("a") as file:
                file.write(f"{self.path}\n")

    handler = functools.partial(Handler, directory=str(tmp_path / "simple"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def pip_download(index: str, tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pip", "--isolated", "--disable-pip-version-check", "--no-cache-dir", "download"]
    command += ["--index-url", index, "-d", str(tmp_path / "got"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_pip_reads_it_from_a_file_server(served: str, tmp_path: Path) -> None:
    wheels = [foo_bar(tmp_path / "out", "1.9"), foo_bar(tmp_path / "out", "1.10")]
    update_index(tmp_path / "simple", wheels)
    done = pip_download(served, tmp_path, "Foo.Bar")
    assert done.returncode == 0, done.stderr
    assert [path.name for path in (tmp_path / "got").iterdir()] == ["foo_bar-1.10-py3-none-any.whl"]
    asked = (tmp_path / "asked").read_text().splitlines()
    assert "/foo-bar/foo_bar-1.10-py3-none-any.whl.metadata" in asked


def test_pip_reads_it_from_a_folder_and_checks_the_hash(tmp_path: Path) -> None:
    update_index(tmp_path / "simple", [foo_bar(tmp_path / "out")])
    address = (tmp_path / "simple").as_uri()
    assert pip_download(address, tmp_path, "foo-bar").returncode == 0
    copy = tmp_path / "simple" / "foo-bar" / "foo_bar-1.0+cpu-py3-none-any.whl"
    copy.write_bytes(foo_bar(tmp_path / "other", content=b"x = 1\n").read_bytes())
    done = pip_download(address, tmp_path / "again", "foo-bar")
    assert done.returncode != 0
    assert "DO NOT MATCH THE HASHES" in done.stderr.upper()


def test_pip_passes_over_yanked_files(tmp_path: Path) -> None:
    root = tmp_path / "simple"
    update_index(root, [foo_bar(tmp_path / "out", "1.9"), foo_bar(tmp_path / "out", "1.10")])
    path = root / "foo-bar" / "index.json"
    table = json.loads(path.read_text())
    table["files"][0]["yanked"] = "broken"
    path.write_text(json.dumps(table))
    update_index(root, [foo_bar(tmp_path / "out", "1.9")])
    assert pip_download(root.as_uri(), tmp_path, "foo-bar").returncode == 0
    assert [item.name for item in (tmp_path / "got").iterdir()] == ["foo_bar-1.9-py3-none-any.whl"]


def test_runs_of_several_processes_at_a_time_are_all_told(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from truewheel.batch.index import update_index\n"
        "from truewheel.batch.published import Published\n"
        "from truewheel.batch.sums import write_sums\n"
        "print('ready', flush=True); sys.stdin.readline()\n"
        "wheel = Path(sys.argv[1])\n"
        "update_index(Path('simple'), [wheel])\n"
        "write_sums(wheel.parent, [Published('old-' + wheel.name, '0', wheel)])\n"
    )
    wheels = [pure_wheel(tmp_path / "dist", f"w{number}") for number in range(5)]
    same = [pure_wheel(tmp_path / "dist", "w", tag=f"py3{number}-none-any") for number in range(5)]
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(wheel)],
            env=environment(), cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for wheel in (*wheels, *same)
    ]  # fmt: skip
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in started:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in started:
        process.communicate(timeout=60)
    assert [process.returncode for process in started] == [0] * 10
    listed = json.loads((tmp_path / "simple" / "index.json").read_text())["projects"]
    assert [item["name"] for item in listed] == ["w", "w0", "w1", "w2", "w3", "w4"]
    page = (tmp_path / "simple" / "w" / "index.html").read_text()
    assert all(wheel.name in page for wheel in same)
    told = json.loads((tmp_path / "dist" / "names.json").read_text())["names"]
    assert {item["new"] for item in told} == {wheel.name for wheel in (*wheels, *same)}


@pytest.mark.parametrize(
    "document",
    [
        b'{"files": [], "meta": 1}',
        b'{"files": [], "files": []}',
        b'{"files": [{"filename": 1, "url": "x", "hashes": {}}]}',
        b'{"files": [{"filename": "x", "url": null, "hashes": {}}]}',
        b'{"files": [{"filename": "x", "url": "x", "hashes": []}]}',
        b'{"files": [{"filename": "x", "url": "x", "hashes": {}, "size": "1"}]}',
        b'{"files": [{"filename": "x", "url": "x", "hashes": {}, "yanked": null}]}',
        b'{"files": [{"filename": "x", "url": "x", "hashes": {}, "requires-python": 3}]}',
        b"[" * 100_000,
    ],
)
def test_a_document_with_other_values_is_no_project(document: bytes, tmp_path: Path) -> None:
    (tmp_path / "simple" / "a").mkdir(parents=True)
    (tmp_path / "simple" / "a" / "index.json").write_bytes(document)
    with pytest.raises(InvalidInputError, match="is no document of a package index"):
        update_index(tmp_path / "simple", [pure_wheel(tmp_path / "dist", "a")])


def test_a_refused_index_is_not_even_made(tmp_path: Path) -> None:
    one, other = pure_wheel(tmp_path / "1", "a"), tmp_path / "b-1.0-py3-none-any.whl"
    other.write_bytes(b"none")
    with pytest.raises(InvalidInputError):
        update_index(tmp_path / "simple", [one, other])
    assert not (tmp_path / "simple").exists()
