"""What is installed is what was written: packages, names, types, metadata; and its manners."""

import ast
import importlib
import pkgutil
import re
from configparser import ConfigParser
from importlib.metadata import distribution
from pathlib import Path

import pytest

import attach_confirm
import attach_confirm_stubs

PACKAGES = [attach_confirm, attach_confirm_stubs]
FOLDERS = {package.__name__: Path(package.__file__).parent for package in PACKAGES}
MODULES = sorted(path for folder in FOLDERS.values() for path in folder.rglob("*.py"))
SETUP = Path(__file__).parents[2] / "setup.cfg"


def named(path):
    """Return a module's file relative to where its package lies."""
    return next(
        f"{name}/{path.relative_to(folder).as_posix()}"
        for name, folder in FOLDERS.items()
        if path.is_relative_to(folder)
    )


def listed():
    """Return the packages that setup.cfg lists."""
    config = ConfigParser()
    config.read(SETUP, encoding="utf-8")
    return config["options"]["packages"].split()


def test_metadata():
    """The installed distribution says its version, its licence and the Python it needs."""
    metadata = distribution("attach-confirm").metadata
    assert re.fullmatch(r"\d+\.\d+\.\d+", metadata["Version"])
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Requires-Python"] == ">=3.10"
    assert "Typing :: Typed" in metadata.get_all("Classifier")


def test_what_running_needs():
    """Without extras it needs boto3 and tenacity, and nothing of the doubles or the command."""
    needed = [
        re.match(r"[\w-]+", line).group()
        for line in distribution("attach-confirm").requires
        if "extra ==" not in line
    ]
    assert sorted(needed) == ["boto3", "tenacity"]


@pytest.mark.skipif(not SETUP.exists(), reason="the sources are not here")
def test_every_package_is_listed():
    """A folder that is a package is in setup.cfg's list: another would miss in the wheel alone."""
    found = set(FOLDERS) | {
        module.name
        for package in PACKAGES
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
        if module.ispkg
    }
    assert sorted(found) == sorted(listed())
    folders = {named(path.parent / "x").rsplit("/", 1)[0] for path in MODULES}
    assert {folder.replace("/", ".") for folder in folders} == found


@pytest.mark.skipif(not SETUP.exists(), reason="the sources are not here")
def test_every_listed_package_is_there():
    """Each listed package can be imported, and its types are to be used."""
    for name in listed():
        assert importlib.import_module(name).__name__ == name
    assert all((folder / "py.typed").is_file() for folder in FOLDERS.values())


@pytest.mark.parametrize("package", PACKAGES)
def test_public_names(package):
    """`__all__` is sorted, and its names can be had and are documented."""
    assert package.__all__ == sorted(package.__all__)
    assert len(set(package.__all__)) == len(package.__all__)
    for name in package.__all__:
        assert getattr(package, name).__doc__, name


def test_all_is_all():
    """No public name of the helper is missing from `__all__`."""
    submodules = {module.name for module in pkgutil.iter_modules(attach_confirm.__path__)}
    public = {name for name in vars(attach_confirm) if name[0].isalpha()}
    assert public - submodules == set(attach_confirm.__all__)


def test_every_public_name_is_in_the_typed_program():
    """The program that mypy checks uses every public name of the helper."""
    program = Path(__file__).parents[1] / "typing" / "api.py"
    source = program.read_text(encoding="utf-8")
    assert [name for name in attach_confirm.__all__ if f"attach_confirm.{name}" not in source] == []


def test_no_such_name():
    """The doubles' lazy names do not invent others."""
    with pytest.raises(AttributeError, match="has no attribute 'no_such_name'"):
        attach_confirm_stubs.no_such_name  # noqa: B018
    with pytest.raises(AttributeError):
        attach_confirm.no_such_name  # noqa: B018


@pytest.mark.parametrize("path", sorted(FOLDERS["attach_confirm"].rglob("*.py")), ids=named)
def test_the_helper_never_imports_the_doubles(path):
    """The helper runs where pytest and moto are not installed."""
    imported = {
        alias.name if isinstance(node, ast.Import) else node.module or ""
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in node.names
    }
    roots = {name.split(".")[0] for name in imported}
    deferred = {"attach_confirm_stubs"} if path.parent.name == "cli" else set()
    assert not roots & {"attach_confirm_stubs", "moto", "pytest"} - deferred


TOO_BROAD = {"BaseException", "BotoCoreError", "Exception"}


def caught(handler):
    """Return the names of what an except clause catches; of a bare one, a name for all."""
    if handler.type is None:
        return {"BaseException"}
    return {
        node.id if isinstance(node, ast.Name) else node.attr
        for node in ast.walk(handler.type)
        if isinstance(node, (ast.Name, ast.Attribute))
    }


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_no_module_catches_everything(path):
    """No clause swallows what it was not written for, a test double's assertion for one."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ExceptHandler):
            assert not caught(node) & TOO_BROAD, f"{named(path)}:{node.lineno}"
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("suppress"):
            names = {ast.unparse(argument).rsplit(".", 1)[-1] for argument in node.args}
            assert not names & TOO_BROAD, f"{named(path)}:{node.lineno}"


# Documented, though they begin with an underscore: a named tuple's methods.
DOCUMENTED = {"_asdict", "_fields", "_make", "_replace"}


def is_private(name):
    """Tell whether a name is somebody's own business."""
    return name.startswith("_") and not name.endswith("__") and name not in DOCUMENTED


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_no_module_reads_what_is_others_own(path):
    """No underscored name of an upstream object or module is used: the next release drops it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        where = f"{named(path)}:{getattr(node, 'lineno', 0)}"
        if isinstance(node, ast.Attribute) and is_private(node.attr):
            owner = ast.unparse(node.value)
            assert owner in {"self", "cls"}, f"{where} {owner}.{node.attr}"
        if isinstance(node, ast.ImportFrom) and node.module:
            names = {*node.module.split("."), *(alias.name for alias in node.names)}
            ours = node.module.split(".")[0] in FOLDERS
            assert ours or not any(map(is_private, names)), where
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"getattr", "setattr"}:
            name = node.args[1]
            private = isinstance(name, ast.Constant) and is_private(str(name.value))
            assert not private, where
