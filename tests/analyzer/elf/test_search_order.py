"""One test for each step of the search, with real files below a sysroot that stands for the whole machine."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from support.elf_bytes import Elf
from support.fixtures import family, odd
from support.images import image, member
from truewheel.analyzer.elf.resolve import Member, build_graph
from truewheel.analyzer.graph import Outcome, SearchRule
from truewheel.analyzer.search_options import SearchOptions
from truewheel.errors import UsageError

if TYPE_CHECKING:
    from truewheel.analyzer.elf.image import Image
    from truewheel.analyzer.graph import Edge

GLIBC, MUSL = "libc.so.6", "libc.musl-x86_64.so.1"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    sysroot = tmp_path / "root"
    (sysroot / "etc").mkdir(parents=True)
    return sysroot


def _put(folder: Path, name: str = "libx.so.1") -> Path:
    """Put a sound x86_64 library there."""
    folder.mkdir(parents=True, exist_ok=True)
    return Path(shutil.copy(family("x86_64").tone, folder / name))


def _edge(content: Image, root: Path, *others: Member, name: str = "pkg/mod.so", **options: Any) -> Edge:  # noqa: ANN401
    """Return the edge of the file's first needed name."""
    resolution = build_graph([member(name, content), *others], SearchOptions(sysroot=root, **options))
    return resolution.graph.edges[name][0]


def _found(edge: Edge) -> tuple[str | None, SearchRule | None]:
    return edge.lookup.found, edge.lookup.rule


def test_a_configured_directory_comes_before_the_default_ones(root: Path) -> None:
    (root / "etc/ld.so.conf").write_text("/opt/lib\n")
    default = _put(root / "usr/lib/x86_64-linux-gnu")
    assert _found(_edge(image("libx.so.1", GLIBC), root)) == (str(default), SearchRule.DEFAULT)
    configured = _put(root / "opt/lib")
    assert _found(_edge(image("libx.so.1", GLIBC), root)) == (str(configured), SearchRule.CONFIGURED)


def test_a_conda_prefix_comes_before_the_system(root: Path, tmp_path: Path) -> None:
    _put(root / "usr/lib")
    conda = _put(tmp_path / "env/lib")
    edge = _edge(image("libx.so.1", GLIBC), root, conda_prefixes=(tmp_path / "env",))
    assert _found(edge) == (str(conda), SearchRule.CONDA)


def test_runpath_comes_before_a_conda_prefix_and_lies_in_the_sysroot(root: Path, tmp_path: Path) -> None:
    _put(tmp_path / "env/lib")
    runpath = _put(root / "opt/run")
    edge = _edge(image("libx.so.1", GLIBC, runpath=("/opt/run",)), root, conda_prefixes=(tmp_path / "env",))
    assert _found(edge) == (str(runpath), SearchRule.RUNPATH)


def test_the_environment_comes_before_runpath_and_after_rpath(root: Path, tmp_path: Path) -> None:
    written = _put(root / "opt/run")
    environment = _put(tmp_path / "env")
    paths = (tmp_path / "env",)
    edge = _edge(image("libx.so.1", GLIBC, runpath=("/opt/run",)), root, library_path=paths)
    assert _found(edge) == (str(environment), SearchRule.ENVIRONMENT)
    edge = _edge(image("libx.so.1", GLIBC, rpath=("/opt/run",)), root, library_path=paths)
    assert _found(edge) == (str(written), SearchRule.RPATH)
    edge = _edge(image("libx.so.1", MUSL, rpath=("/opt/run",)), root, library_path=paths)
    assert _found(edge) == (str(environment), SearchRule.ENVIRONMENT)


def test_the_users_directories_come_first_outside(root: Path, tmp_path: Path) -> None:
    _put(root / "opt/run")
    wish = _put(tmp_path / "wish")
    edge = _edge(image("libx.so.1", GLIBC, rpath=("/opt/run",)), root, lib_paths=(tmp_path / "wish",))
    assert _found(edge) == (str(wish), SearchRule.LIB_PATH)
    assert [(each.rule, each.outcome) for each in edge.lookup.attempts] == [(SearchRule.LIB_PATH, Outcome.FOUND)]


def test_a_file_of_the_wheel_comes_before_the_users_directories(root: Path, tmp_path: Path) -> None:
    _put(tmp_path / "wish")
    options: dict[str, Any] = {"lib_paths": (tmp_path / "wish",)}
    library = member("pkg.libs/libx.so.1", image(GLIBC, soname="libx.so.1"))
    led = _edge(image("libx.so.1", GLIBC, runpath=("$ORIGIN/../pkg.libs",)), root, library, **options)
    assert _found(led) == ("pkg.libs/libx.so.1", SearchRule.RUNPATH)
    astray = _edge(image("libx.so.1", GLIBC), root, library, **options)
    assert _found(astray) == ("pkg.libs/libx.so.1", SearchRule.IN_WHEEL)


def test_every_place_tried_is_kept(root: Path) -> None:
    (root / "etc/ld.so.conf").write_text("/opt/lib\n")
    edge = _edge(image("libx.so.1", GLIBC, runpath=("$ORIGIN/libs", "/r", "here")), root)
    assert _found(edge) == (None, None)
    assert [(each.place.replace(str(root), ""), each.rule.name) for each in edge.lookup.attempts] == [
        ("wheel:platlib/pkg/libs/libx.so.1", "RUNPATH"),
        ("/r/libx.so.1", "RUNPATH"),
        ("./here/libx.so.1", "RUNPATH"),
        ("/opt/lib/libx.so.1", "CONFIGURED"),
        ("/lib/x86_64-linux-gnu/libx.so.1", "DEFAULT"),
        ("/usr/lib/x86_64-linux-gnu/libx.so.1", "DEFAULT"),
        ("/lib64/libx.so.1", "DEFAULT"),
        ("/usr/lib64/libx.so.1", "DEFAULT"),
        ("/lib/libx.so.1", "DEFAULT"),
        ("/usr/lib/libx.so.1", "DEFAULT"),
    ]
    assert {each.outcome for each in edge.lookup.attempts} == {Outcome.ABSENT}


def test_files_that_do_not_fit_are_passed_over(root: Path) -> None:
    (root / "etc/ld.so.conf").write_text("".join(f"/{name}\n" for name in "abcdefg"))
    for name in "abcdef":
        (root / name).mkdir()
    shutil.copy(family("aarch64").tone, root / "a/libx.so.1")
    (root / "b/libx.so.1").write_text("GROUP ( libx.so.2 )")
    (root / "c/libx.so.1").write_bytes(b"")
    (root / "d/libx.so.1").mkdir()
    (root / "e/libx.so.1").write_bytes(family("x86_64").tone.read_bytes()[:100])
    (root / "f/libx.so.1").symlink_to("/no/such")
    good = _put(root / "g")
    edge = _edge(image("libx.so.1", GLIBC), root)
    assert _found(edge) == (str(good), SearchRule.CONFIGURED)
    assert [each.outcome for each in edge.lookup.attempts] == [
        Outcome.OTHER_ARCHITECTURE,
        Outcome.NOT_NATIVE,
        Outcome.NOT_NATIVE,
        Outcome.ABSENT,
        Outcome.NOT_NATIVE,
        Outcome.ABSENT,
        Outcome.FOUND,
    ]


def test_objects_and_files_that_cannot_be_opened_are_passed_over(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "lib64").mkdir()
    (root / "lib64/libx.so.1").write_bytes(Elf(type=1).build().data)
    closed = _put(root / "usr/lib64")
    good = _put(root / "usr/lib")
    inner = Path.open

    def opening(path: Path, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401
        if path == closed:
            raise PermissionError(13, "Permission denied", str(path))
        return inner(path, *arguments, **options)

    monkeypatch.setattr(Path, "open", opening)
    edge = _edge(image("libx.so.1", GLIBC), root)
    assert _found(edge) == (str(good), SearchRule.DEFAULT)
    outcomes = {each.place.replace(str(root), ""): each.outcome for each in edge.lookup.attempts}
    assert outcomes["/lib64/libx.so.1"] is Outcome.NOT_NATIVE
    assert outcomes["/usr/lib64/libx.so.1"] is Outcome.ABSENT


def test_a_configuration_that_cannot_be_read_says_nothing(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "etc/ld.so.conf").write_text("/opt/lib\n")
    _put(root / "opt/lib")

    def closed(path: Path, *_: Any, **__: Any) -> None:  # noqa: ANN401
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", closed)
    assert _found(_edge(image("libx.so.1", GLIBC), root)) == (None, None)


def test_a_member_of_another_architecture_is_passed_over(root: Path) -> None:
    other = member("pkg/libx.so.1", image(GLIBC, soname="libx.so.1", architecture="aarch64"))
    edge = _edge(image("libx.so.1", GLIBC, rpath=("$ORIGIN",)), root, other)
    assert _found(edge) == (None, None)
    assert edge.lookup.attempts[0].outcome is Outcome.OTHER_ARCHITECTURE


def test_a_library_is_named_by_its_real_path(root: Path) -> None:
    real = _put(root / "usr/lib/x86_64-linux-gnu", "libx.so.1.2.3")
    (root / "usr/lib/x86_64-linux-gnu/libx.so.1").symlink_to("/lib/x86_64-linux-gnu/libx.so.1.2.3")
    (root / "lib").symlink_to("/usr/lib")
    assert _found(_edge(image("libx.so.1", GLIBC), root)) == (str(real), SearchRule.DEFAULT)


def test_a_build_for_newer_processors_is_no_find_but_is_told(root: Path) -> None:
    _put(root / "usr/lib64/glibc-hwcaps/x86-64-v3")
    edge = _edge(image("libx.so.1", GLIBC), root)
    assert _found(edge) == (None, None)
    assert edge.lookup.attempts[-1].place == f"{root}/usr/lib64/glibc-hwcaps/x86-64-v3/libx.so.1"
    assert edge.lookup.attempts[-1].outcome is Outcome.OTHER_ARCHITECTURE
    baseline = _put(root / "usr/lib")
    assert _found(_edge(image("libx.so.1", GLIBC), root)) == (str(baseline), SearchRule.DEFAULT)


def test_members_for_newer_processors_are_not_taken_by_soname(root: Path) -> None:
    newer = member("pkg.libs/glibc-hwcaps/x86-64-v3/libx.so.1", image(GLIBC, soname="libx.so.1"))
    assert _found(_edge(image("libx.so.1", GLIBC), root, newer)) == (None, None)


def test_without_the_system_nothing_outside_is_found(root: Path, tmp_path: Path) -> None:
    _put(root / "usr/lib")
    _put(tmp_path / "wish")
    edge = _edge(image("libx.so.1", GLIBC), root, lib_paths=(tmp_path / "wish",), system=False)
    assert (*_found(edge), edge.lookup.attempts) == (None, None, ())


def test_a_needed_name_with_a_slash_is_a_path(root: Path) -> None:
    real = _put(root / "opt/lib")
    assert _found(_edge(image("/opt/lib/libx.so.1", GLIBC), root)) == (str(real), SearchRule.PATH)
    assert _found(_edge(image("/opt/lib/libx.so.1", GLIBC), root, system=False)) == (None, None)
    beside = member("pkg/libx.so.1", image(GLIBC))
    edge = _edge(image("$ORIGIN/libx.so.1", GLIBC), root, beside)
    assert _found(edge) == ("pkg/libx.so.1", SearchRule.PATH)
    edge = _edge(image("$ORIGIN/libx.so.1", MUSL), root)
    assert _found(edge) == (None, None)
    edge = _edge(image("build/libx.so.1", GLIBC), root, beside)
    assert _found(edge) == ("pkg/libx.so.1", SearchRule.IN_WHEEL)


def test_the_nearest_of_several_members_with_that_soname_is_taken(root: Path) -> None:
    library = image(GLIBC, soname="libx.so.1")
    near = member("pkg/sub/libx.so.1", library)
    far = member("a.libs/libx.so.1", library)
    farther = member("z/y/x/libx.so.1", library)
    edge = _edge(image("libx.so.1", GLIBC), root, far, near, farther)
    assert _found(edge) == ("pkg/sub/libx.so.1", SearchRule.IN_WHEEL)
    twins = [member("b/libx.so.1", library), member("a/libx.so.1", library)]
    assert _found(_edge(image("libx.so.1", GLIBC), root, *twins)) == ("a/libx.so.1", SearchRule.IN_WHEEL)


def test_another_installation_scheme_is_farthest(root: Path) -> None:
    library = image(GLIBC, soname="libx.so.1")
    other = Member("x.data/scripts/libx.so.1", library, 1, "wheel:scripts/libx.so.1")
    deep = member("b/c/d/e/libx.so.1", library)
    edge = _edge(image("libx.so.1", GLIBC), root, other, deep)
    assert edge.lookup.found == "b/c/d/e/libx.so.1"


def test_a_soname_counts_more_than_a_file_name(root: Path) -> None:
    named = member("pkg/libx.so.1", image(GLIBC))
    assert _edge(image("libx.so.1", GLIBC), root, named).lookup.found == "pkg/libx.so.1"
    titled = member("far/away/libx.so.1.2.3", image(GLIBC, soname="libx.so.1"))
    assert _edge(image("libx.so.1", GLIBC), root, named, titled).lookup.found == "far/away/libx.so.1.2.3"


def test_a_member_that_is_not_installed_is_never_found(root: Path) -> None:
    nowhere = Member("x.data/strange/libx.so.1", image(GLIBC, soname="libx.so.1"), 1, None)
    assert _found(_edge(image("libx.so.1", GLIBC, rpath=("$ORIGIN",)), root, nowhere)) == (None, None)


def test_the_c_library_is_never_taken_from_the_wheel_by_name_alone(root: Path) -> None:
    stray = member("pkg/libm.so.6", image(soname="libm.so.6"))
    assert _found(_edge(image("libm.so.6", GLIBC), root, stray)) == (None, None)
    led = _edge(image("libm.so.6", GLIBC, rpath=("$ORIGIN",)), root, stray)
    assert _found(led) == ("pkg/libm.so.6", SearchRule.RPATH)


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("ld-linux-x86-64.so.2", SearchRule.LOADER),
        ("libpython3.13t.so.1.0", SearchRule.INTERPRETER),
        ("libpython3.so", SearchRule.INTERPRETER),
    ],
)
def test_some_names_are_not_searched_for(root: Path, name: str, rule: SearchRule) -> None:
    _put(root / "usr/lib", name)
    edge = _edge(image(name, GLIBC), root)
    assert (*_found(edge), edge.lookup.attempts) == (None, rule, ())


def test_musl_answers_its_own_names(root: Path) -> None:
    _put(root / "usr/lib", "libm.so.6")
    assert _found(_edge(image("libm.so.6", MUSL), root)) == (None, SearchRule.LOADER)
    assert _found(_edge(image("libc.so"), root)) == (None, SearchRule.LOADER)


def test_musl_searches_its_configured_or_default_directories(root: Path) -> None:
    _put(root / "usr/lib/x86_64-linux-gnu")
    local = _put(root / "usr/local/lib")
    assert _found(_edge(image("libx.so.1", MUSL), root)) == (str(local), SearchRule.DEFAULT)
    (root / "etc/ld-musl-x86_64.path").write_text("/opt/musl\n")
    assert _found(_edge(image("libx.so.1", MUSL), root)) == (None, None)
    configured = _put(root / "opt/musl")
    assert _found(_edge(image("libx.so.1", MUSL), root)) == (str(configured), SearchRule.CONFIGURED)


@pytest.mark.parametrize("pattern", ["librocblas.so.5", "librocblas.so", "librocblas", "librocblas*", "lib[rs]oc*.so"])
def test_an_excluded_name_fits_with_and_without_its_version(root: Path, pattern: str) -> None:
    edge = _edge(image("librocblas.so.5", GLIBC), root, exclude=(pattern,))
    assert _found(edge) == (None, SearchRule.EXCLUDED)


@pytest.mark.parametrize("pattern", ["librocblas.so.4", "LIBROCBLAS.so", "rocblas", "librocblas.s"])
def test_other_patterns_exclude_nothing_and_are_told(root: Path, pattern: str) -> None:
    real = _put(root / "usr/lib", "librocblas.so.5")
    members = [member("mod.so", image("librocblas.so.5", GLIBC))]
    resolution = build_graph(members, SearchOptions(sysroot=root, exclude=(pattern, "libc.*")))
    assert resolution.graph.edges["mod.so"][0].lookup.found == str(real)
    assert resolution.unused_excludes == (pattern,)


def test_a_path_can_be_excluded(root: Path) -> None:
    real = _put(root / "opt/rocm/lib", "libx.so.1.0")
    (root / "usr/lib").mkdir(parents=True)
    (root / "usr/lib/libx.so.1").symlink_to(real)
    (root / "usr/lib/libx.so.1").unlink()
    (root / "usr/lib/libx.so.1").symlink_to("/opt/rocm/lib/libx.so.1.0")
    for pattern in (f"{root}/opt/rocm/*", f"{root}/usr/lib/libx.so.1"):
        edge = _edge(image("libx.so.1", GLIBC), root, exclude=(pattern,))
        assert _found(edge) == (None, SearchRule.EXCLUDED)
        assert edge.lookup.attempts[-1].outcome is Outcome.FOUND
    edge = _edge(image("libx.so.1", GLIBC), root, exclude=(f"{root}/opt/cuda/*",))
    assert edge.lookup.found == str(real)


def test_an_included_library_is_a_node_with_its_own_needs(root: Path, tmp_path: Path) -> None:
    tone = _put(root / "usr/lib", "libtone.so.2")
    plugin = shutil.copy(family("x86_64").greet, tmp_path / "plugin.so")
    members = [member("mod.so", image(GLIBC, module=True))]
    resolution = build_graph(members, SearchOptions(sysroot=root), include=(str(plugin),))
    assert resolution.included == (str(plugin),)
    assert list(resolution.graph.nodes) == ["mod.so", str(plugin), str(tone)]
    assert resolution.graph.edges[str(plugin)][0].lookup.found == str(tone)


def test_a_library_is_included_by_name_too(root: Path) -> None:
    greet = shutil.copy(family("x86_64").greet, _put(root / "usr/lib", "libtone.so.2").with_name("libgreet.so.1"))
    members = [member("mod.so", image(GLIBC, module=True)), member("libown.so", image(soname="libown.so"))]
    resolution = build_graph(members, SearchOptions(sysroot=root), include=("libgreet.so.1", "libown.so"))
    assert resolution.included == (str(greet), "libown.so")


def test_an_included_path_is_relative_to_where_the_user_stands(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugin = _put(tmp_path / "plugins", "p.so")
    monkeypatch.chdir(tmp_path)
    members = [member("mod.so", image(GLIBC, module=True))]
    assert build_graph(members, SearchOptions(sysroot=root), include=("plugins/p.so",)).included == (str(plugin),)


def test_an_included_library_that_is_not_found_is_refused(root: Path) -> None:
    members = [member("mod.so", image(GLIBC, module=True))]
    with pytest.raises(UsageError, match=r"libno\.so: .*not found") as caught:
        build_graph(members, SearchOptions(sysroot=root), include=("libno.so",))
    assert f"{root}/usr/lib/libno.so (absent)" in caught.value.hint
    with pytest.raises(UsageError, match="of another architecture"):
        build_graph(members, SearchOptions(sysroot=root), include=(str(family("aarch64").tone),))
    with pytest.raises(UsageError, match="tried nothing"):
        build_graph([], SearchOptions(sysroot=root), include=("libno.so",))
    with pytest.raises(UsageError, match="excluded by the caller"):
        build_graph(members, SearchOptions(sysroot=root, exclude=("libno*",)), include=("libno.so",))


def test_a_wheel_without_native_files_takes_an_included_path_of_any_architecture(root: Path) -> None:
    path = str(odd("relr.so"))
    assert build_graph([], SearchOptions(sysroot=root), include=(path,)).included == (path,)
