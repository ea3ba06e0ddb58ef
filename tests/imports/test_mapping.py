"""A mapping that cannot work is refused before anything is written, and says what to do."""

from pathlib import Path

import pytest

from crm_graph.imports.files import FileUnreadable, records
from crm_graph.imports.mapping import MappingInvalid, load, parse
from crm_graph.imports.references import nearest

HEAD = 'source = "s"\n[[table]]\nentity = "Customer"\nfile = "c.csv"\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("source = ", "not TOML"),
        ('source = "s"', "table"),
        (HEAD.replace("Customer", "Customr") + "[table.fields]\nname = 'n'", "no such entity"),
        (HEAD + "[table.fields]\nnmae = 'n'", "no such field"),
        (HEAD + "[table.fields]\nversion = 'n'", "no such field"),
        (HEAD + "[table.fields]\nexternalId = 'n'", "no such field"),
        (HEAD + "[table.fields]\nname = { colum = 'n' }", "colum"),
        (HEAD + "[table.fields]\nname = { column = 'n', constant = 'c' }", "exactly one"),
        (HEAD + "[table.fields]\nname = { column = 'n', by = 'name' }", "no reference"),
        (HEAD + "[table.fields]\nowner = 'n'", "say `by`"),
        (HEAD + "[table.fields]\nowner = { column = 'n', by = 'roles' }", "cannot be looked up"),
        (HEAD + "rows = [{ a = 'b' }]\n[table.fields]\nname = 'n'", "either `file` or `rows`"),
        (HEAD + "[table.clean]\nx = { case = 'lower' }\n[table.fields]\nname = 'n'", "nothing reads"),
    ],
)
def test_faults_are_named(text: str, message: str) -> None:
    with pytest.raises(MappingInvalid, match=message):
        parse(text)


def test_files_and_tables_must_meet(tmp_path: Path) -> None:
    mapping = parse(HEAD + "[table.fields]\nname = 'n'")
    with pytest.raises(MappingInvalid, match=r"No file given is called c\.csv"):
        mapping.assign([])
    with pytest.raises(MappingInvalid, match=r"no use for d\.csv"):
        mapping.assign([tmp_path / "c.csv", tmp_path / "d.csv"])


def test_a_mapping_file_names_itself(tmp_path: Path) -> None:
    with pytest.raises(MappingInvalid, match=r"absent\.toml"):
        load(tmp_path / "absent.toml")


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        (b"m\nx\n", MappingInvalid, "no column 'n'"),
        (b"name\nx\n", MappingInvalid, "Is it 'name'|It has name"),
        (b"n,n\nx,y\n", FileUnreadable, "same name"),
        (b"n\n\xff\n", FileUnreadable, "cp1252"),
        (b'n\n"open\n', FileUnreadable, "line"),
        (b"", MappingInvalid, "no column"),
    ],
)
def test_files_that_cannot_be_read(tmp_path: Path, content: bytes, error: type[Exception], message: str) -> None:
    (tmp_path / "c.csv").write_bytes(content)
    mapping = parse(HEAD + "[table.fields]\nname = 'n'")
    with pytest.raises(error, match=message):
        list(records(mapping.tables[0], [tmp_path / "c.csv"]))


def test_lines_are_counted_as_the_file_has_them(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_bytes(b'\xef\xbb\xbfn,m\r\n"two\nlines",1\r\n\r\n last ,2\r\n')
    mapping = parse(HEAD + "[table.fields]\nname = 'n'")
    found = list(records(mapping.tables[0], [tmp_path / "c.csv"]))
    assert [(r.line, r.values["n"]) for r in found] == [(2, "two\nlines"), (5, "last")]


def test_nearest_values_are_ranked() -> None:
    found = nearest("GTXPro", ["GTX Pro", "GTX Plus Pro", "MG Special", "gtxpro"])
    assert [c.value for c in found] == ["gtxpro", "GTX Pro", "GTX Plus Pro"]
    assert found[0].score == 1.0
    assert nearest("Zebra", ["GTX Pro"]) == ()
