"""Find a file's name in Content-Disposition, and make names safe for any file system."""

from __future__ import annotations

import os
import re
from urllib.parse import unquote_to_bytes

_MAX_NAME_SIZE = 255
_MAX_SUFFIX_SIZE = 32

# A parameter's value is a quoted string, or else everything before the next semicolon.
_PARAMETER = re.compile(r'(?:^|;)\s*([^\s;="]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^;]*)', re.DOTALL)
_EXTENDED_VALUE = re.compile(r"(utf-8|iso-8859-1)'[^']*'(.*)", re.IGNORECASE | re.DOTALL)
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)

# Other format characters reorder or hide text. Emoji and several scripts need these two.
_JOINERS = "\u200c\u200d"
_REMOVED_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
# Windows reserves these characters, and these names with any suffix (source: "Naming Files, Paths,
# and Namespaces" in the Windows documentation).
_RESERVED_CHARACTERS = re.compile(r'[<>:"|?*]')
_RESERVED_NAMES = frozenset(
    {"AUX", "CON", "CONIN$", "CONOUT$", "NUL", "PRN"}
    | {
        f"{device}{number}"
        for device in ("COM", "LPT")
        for number in "0123456789\u00b9\u00b2\u00b3"
    }
)


def parse_content_disposition(header: str) -> str | None:
    """Return the file name of a Content-Disposition header (RFC 6266), or None.

    `filename*` takes precedence over `filename`. The header may be malformed: a missing
    disposition type, unquoted spaces and UTF-8 in `filename` are accepted, as browsers do.

    Args:
        header: The header's value, decoded as Latin-1 as `http.client` does.
    """
    parameters: dict[str, str] = {}
    for match in _PARAMETER.finditer(header):
        parameters.setdefault(match[1].lower(), _unquote(match[2]))
    extended = _decode_extended(parameters.get("filename*", ""))
    if extended:
        return extended
    name = parameters.get("filename")
    if name is None:
        return None
    try:
        return name.encode("latin-1").decode()
    except UnicodeError:
        return name


def safe_name(name: str) -> str:
    """Return the last component of a name, changed so that every file system accepts it.

    Control characters, bidirectional controls and lone surrogates are removed. So are dots and
    spaces at both ends. Characters that Windows reserves become underscores, and a name that it
    reserves is prefixed with one. The result has 255 bytes at most and keeps its suffix.

    Args:
        name: A name from an untrusted source.

    Returns:
        The safe name, or an empty string if no character of the name is safe.
    """
    import unicodedata  # noqa: PLC0415

    name = re.split(r"[/\\]", name)[-1]
    name = "".join(
        character
        for character in name
        if character in _JOINERS or unicodedata.category(character) not in _REMOVED_CATEGORIES
    )
    name = re.sub(r"\.{2,}", ".", _RESERVED_CHARACTERS.sub("_", name))
    name = _shorten(re.sub(r"^[\s.]+|[\s.]+$", "", name), "", _MAX_NAME_SIZE - 1)
    is_reserved = name.partition(".")[0].rstrip().upper() in _RESERVED_NAMES
    return f"_{name}" if is_reserved else name


def numbered_name(name: str, number: int) -> str:
    """Return `name (number).suffix`, shortened if necessary.

    Args:
        name: A name that `safe_name` returned.
        number: The number.
    """
    return _shorten(name, f" ({number})", _MAX_NAME_SIZE)


def _unquote(value: str) -> str:
    if value.startswith('"') and value.endswith('"') and len(value) > 1:
        return _QUOTED_PAIR.sub(r"\1", value[1:-1])
    return value.strip()


def _decode_extended(value: str) -> str | None:
    """Return the text of an RFC 8187 value, or None if it is malformed."""
    match = _EXTENDED_VALUE.fullmatch(value)
    if match is None:
        return None
    try:
        return unquote_to_bytes(match[2]).decode(match[1])
    except UnicodeError:
        return None


def _shorten(name: str, ending: str, max_size: int) -> str:
    """Insert an ending before the suffix, and truncate the stem so that the name fits."""
    stem, suffix = os.path.splitext(name)  # noqa: PTH122
    if len(suffix.encode()) > _MAX_SUFFIX_SIZE:
        stem, suffix = name, ""
    size = max_size - len(f"{ending}{suffix}".encode())
    if len(stem.encode()) > size:
        stem = re.sub(r"[\s.]+$", "", stem.encode()[:size].decode(errors="ignore"))
    return f"{stem}{ending}{suffix}"
