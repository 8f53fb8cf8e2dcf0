from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from support.macho_bytes import Macho, dylib, rpath
from truewheel.analyzer.macho.reader import read_macho
from truewheel.bundler.macho.edit import edit_macho
from truewheel.bundler.macho.growth import growth
from truewheel.bundler.plan import MachoEdit, SliceEdit

NAMES = st.text("abc/.@é", min_size=1, max_size=40)


@given(old=NAMES, new=NAMES, gone=NAMES, added=NAMES)
def test_the_reckoning_is_what_the_editor_takes(old: str, new: str, gone: str, added: str) -> None:
    content = Macho("x86_64", commands=[dylib("first"), dylib(old), rpath(gone)], pad=4096).build()
    edit = SliceEdit("x86_64", rename=((old, new),) if old != new else (), delete_rpaths=(gone,), add_rpaths=(added,))
    (before,) = read_macho(content, "x").slices
    edited = edit_macho(content, MachoEdit("x", "x", (edit,))).content
    (after,) = read_macho(edited, "x").slices
    assert before.free_bytes - after.free_bytes == growth(before, edit)
