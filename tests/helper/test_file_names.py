"""Names from Content-Disposition, and names that every file system accepts."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from attach_confirm._file_names import numbered_name, parse_content_disposition, safe_name

BIDI_CONTROLS = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
HOSTILE_TEXT = st.text(
    st.one_of(
        st.characters(codec=None, categories=None),
        st.sampled_from("./\\ :*?\"<>|~-%$'\0\n\r\t\u202e\u2028\ud800\U000e0001" + BIDI_CONTROLS),
    )
)


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ('attachment; filename="a b.pdf"', "a b.pdf"),
        ("attachment; filename=a.pdf", "a.pdf"),
        ("ATTACHMENT;FileName = a.pdf ; size=3", "a.pdf"),
        ("attachment; filename=a b.pdf", "a b.pdf"),
        ('filename="a.pdf"', "a.pdf"),
        (r'attachment; filename="a\"b\\c.pdf"', r'a"b\c.pdf'),
        ('attachment; filename="a;b.pdf"', "a;b.pdf"),
        ('attachment; x="; filename=b.pdf"; filename="a.pdf"', "a.pdf"),
        ("attachment; filename=a.pdf; filename=b.pdf", "a.pdf"),
        ('attachment; filename="a.pdf', '"a.pdf'),
        ('attachment; filename="', '"'),
        ('attachment; filename="a\r\n b.pdf"', "a\r\n b.pdf"),
        ('attachment; filename="a\\\nb.pdf"', "a\nb.pdf"),
        ('attachment; filename=""', ""),
        ("attachment; filename*=UTF-8''%e2%82%ac%20a.pdf", "\u20ac a.pdf"),
        ("attachment; filename*=utf-8'en'a.pdf; filename=b.pdf", "a.pdf"),
        ("attachment; filename=b.pdf; FILENAME*=UTF-8''a'b.pdf", "a'b.pdf"),
        ("attachment; filename*=ISO-8859-1''%a3.pdf", "\u00a3.pdf"),
        ("attachment; filename*=\"UTF-8''a.pdf\"", "a.pdf"),
        # A value that cannot be decoded does not hide the other parameter.
        ("attachment; filename=b.pdf; filename*=UTF-8''%ff.pdf", "b.pdf"),
        ("attachment; filename=b.pdf; filename*=unicode_escape''a.pdf", "b.pdf"),
        ("attachment; filename=b.pdf; filename*=a.pdf", "b.pdf"),
        ("attachment; filename=b.pdf; filename*=UTF-8''", "b.pdf"),
        # UTF-8 and Latin-1 as http.client decodes them, and text that is neither.
        ('attachment; filename="\u00e2\u0082\u00ac.pdf"', "\u20ac.pdf"),
        ('attachment; filename="\u00a3.pdf"', "\u00a3.pdf"),
        ('attachment; filename="\u20ac.pdf"', "\u20ac.pdf"),
        ("attachment", None),
        ("inline; name=a.pdf", None),
        ("", None),
    ],
)
def test_parse_content_disposition(header, name):
    assert parse_content_disposition(header) == name


@given(st.text())
def test_parse_content_disposition_round_trip(name):
    """The header is as moto, S3 clients and this package's fake write it."""
    quoted = name.encode(errors="replace")
    encoded = "".join(f"%{byte:02X}" for byte in quoted)
    header = f"attachment; filename=\"other\"; filename*=UTF-8''{encoded}"
    assert parse_content_disposition(header) == (quoted.decode() or "other")


@given(HOSTILE_TEXT)
def test_parse_content_disposition_accepts_any_text(header):
    parse_content_disposition(header)
    parse_content_disposition(f"attachment; filename*=UTF-8''{header}")


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("receipt.pdf", "receipt.pdf"),
        ("M\u00e4rz \u65e5\u672c (1).tar.gz", "M\u00e4rz \u65e5\u672c (1).tar.gz"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("C:\\a/b.pdf", "b.pdf"),
        ("a/", ""),
        ("..", ""),
        (". . .", ""),
        ("", ""),
        (".bashrc", "bashrc"),
        ("\u202e.profile", "profile"),
        (".\u202e.", ""),
        (" a.pdf. .", "a.pdf"),
        ("\u3000a.pdf\u00a0", "a.pdf"),
        ("a..pdf", "a.pdf"),
        ('<a>:"b"|c?*.pdf', "_a___b__c__.pdf"),
        ("a\0b\r\n\x7f\x9f.pdf", "ab.pdf"),
        ("cod.\u202efdp.exe", "cod.fdp.exe"),
        ("a\u2028b\u2029\ufeff\u00ad\ud800c", "abc"),
        ("\U0001f469\u200d\U0001f4bb \u0645\u06cc\u200c.png",) * 2,
        ("NUL", "_NUL"),
        ("nul.txt", "_nul.txt"),
        ("Con .tar.gz", "_Con .tar.gz"),
        ("COM1.pdf", "_COM1.pdf"),
        ("lpt\u00b9", "_lpt\u00b9"),
        ("CONOUT$", "_CONOUT$"),
        ("CONtract.pdf", "CONtract.pdf"),
        ("a.nul", "a.nul"),
    ],
)
def test_safe_name(name, safe):
    assert safe_name(name) == safe


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("a" * 300 + ".pdf", "a" * 250 + ".pdf"),
        ("\u65e5" * 100 + ".pdf", "\u65e5" * 83 + ".pdf"),
        ("a." + "b" * 300, "a." + "b" * 252),
        ("a" * 253 + "." + "b" * 31, "a" * 222 + "." + "b" * 31),
        ("a" * 249 + "  " + "a" * 9 + ".pdf", "a" * 249 + ".pdf"),
        ("a" * 253 + "." + "b" * 40, "a" * 253),
        ("a" * 249 + "." + "a" * 9 + ".pdf", "a" * 249 + ".pdf"),
        ("a" * 249 + " .pdf",) * 2,
        # What is reserved after the cut is not reserved before.
        ("nul" + " " * 300 + "a.pdf", "_nul.pdf"),
    ],
)
def test_safe_name_is_shortened_before_its_suffix(name, safe):
    assert safe_name(name) == safe


@given(HOSTILE_TEXT)
@example("CON" + " " * 250 + ".a")
@example("\U0001f469" * 64 + ".pdf")
@example("../" * 100 + "..")
@example("a" * 253 + "." + "b" * 40)
def test_safe_name_property(tmp_path, name):
    safe = safe_name(name)
    assert not set(safe) & set('/\\<>:"|?*' + BIDI_CONTROLS)
    assert not {"Cc", "Cs", "Zl", "Zp"} & {unicodedata.category(character) for character in safe}
    assert ".." not in safe
    assert safe == safe.strip(" .")
    assert len(safe.encode()) <= 255
    assert safe_name(safe) == safe
    if safe:
        path = tmp_path / safe
        path.touch()
        assert [entry.name for entry in tmp_path.iterdir() if entry.is_file()] == [safe]
        path.unlink()


@pytest.mark.parametrize(
    ("name", "number", "numbered"),
    [
        ("a.pdf", 1, "a (1).pdf"),
        ("a.tar.gz", 12, "a.tar (12).gz"),
        ("receipt", 2, "receipt (2)"),
        ("a" * 251 + ".pdf", 10, "a" * 246 + " (10).pdf"),
        ("a" * 255, 1, "a" * 251 + " (1)"),
    ],
)
def test_numbered_name(name, number, numbered):
    assert numbered_name(name, number) == numbered
