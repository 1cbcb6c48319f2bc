"""Distribution metadata, public names, and rules for the source code of both packages."""

import ast
import importlib
import pkgutil
import re
import subprocess
import sys
from configparser import ConfigParser
from importlib.metadata import distribution, version
from pathlib import Path

import pytest

import attach_confirm
import attach_confirm_stubs

PACKAGES = [attach_confirm, attach_confirm_stubs]
FOLDERS = {package.__name__: Path(package.__file__).parent for package in PACKAGES}
SETUP_CFG = Path(__file__).parents[2] / "setup.cfg"


def display_path(path):
    """Return the path of a module, starting with the name of its package."""
    return next(
        f"{name}/{path.relative_to(folder).as_posix()}"
        for name, folder in FOLDERS.items()
        if path.is_relative_to(folder)
    )


MODULES = {
    display_path(path): ast.parse(path.read_text(encoding="utf-8"))
    for folder in FOLDERS.values()
    for path in sorted(folder.rglob("*.py"))
}


def configured_packages():
    """Return the packages that setup.cfg lists."""
    config = ConfigParser()
    config.read(SETUP_CFG, encoding="utf-8")
    return config["options"]["packages"].split()


def test_metadata():
    metadata = distribution("attach-confirm").metadata
    assert re.fullmatch(r"\d+\.\d+\.\d+", metadata["Version"])
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Requires-Python"] == ">=3.10"
    assert "Typing :: Typed" in metadata.get_all("Classifier")


def test_version_matches_metadata():
    assert attach_confirm.__version__ == version("attach-confirm")


def test_required_dependencies():
    required = [
        re.match(r"[\w-]+", line).group()
        for line in distribution("attach-confirm").requires
        if "extra ==" not in line
    ]
    assert sorted(required) == ["boto3", "tenacity"]


@pytest.mark.skipif(not SETUP_CFG.exists(), reason="requires the source tree")
def test_setup_cfg_lists_every_package():
    """A package that is missing from the list is missing only from the wheel."""
    packages = set(FOLDERS) | {
        module.name
        for package in PACKAGES
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
        if module.ispkg
    }
    assert sorted(packages) == sorted(configured_packages())
    # `walk_packages` skips folders without an `__init__.py`.
    assert {path.rsplit("/", 1)[0].replace("/", ".") for path in MODULES} == packages


@pytest.mark.skipif(not SETUP_CFG.exists(), reason="requires the source tree")
def test_setup_cfg_packages_can_be_imported():
    for name in configured_packages():
        assert importlib.import_module(name).__name__ == name
    assert all((folder / "py.typed").is_file() for folder in FOLDERS.values())


@pytest.mark.parametrize("package", PACKAGES)
def test_public_names(package):
    """Tracebacks and reports show the module of a name, so it must be the public one."""
    assert package.__all__ == sorted(set(package.__all__))
    for name in package.__all__:
        value = getattr(package, name)
        assert value.__doc__, name
        assert value.__module__ == package.__name__, name


@pytest.mark.parametrize("package", PACKAGES)
def test_all_lists_every_public_name(package):
    for name in package.__all__:
        getattr(package, name)
    public = {
        name
        for name, value in vars(package).items()
        if name[0].isalpha() and getattr(value, "__module__", "").split(".")[0] == package.__name__
    }
    assert public == set(package.__all__)


def test_lazy_imports_match_type_checkers_view():
    """Type checkers read the imports under `if TYPE_CHECKING`, and Python reads the table."""
    imports = {
        alias.name: node.module.removeprefix("attach_confirm_stubs.")
        for node in ast.walk(MODULES["attach_confirm_stubs/__init__.py"])
        if isinstance(node, ast.ImportFrom) and node.module.startswith("attach_confirm_stubs.")
        for alias in node.names
    }
    assert imports == attach_confirm_stubs._MODULE_OF
    assert attach_confirm_stubs.__all__ == sorted(imports)


@pytest.mark.parametrize("package", PACKAGES)
def test_dir_lists_public_names_before_first_use(package):
    program = f"""
import {package.__name__} as package
assert dir(package) == sorted(set(dir(package)))
assert set(package.__all__) <= set(dir(package))
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_stubs_are_imported_on_first_use():
    program = """
import attach_confirm_stubs as stubs
assert not set(stubs.__all__) & set(vars(stubs))
assert stubs.Throttle.__module__ == "attach_confirm_stubs"
assert "Throttle" in vars(stubs)
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_helper_imports_modules_on_first_use():
    """The classes that an imported module returns have their public names as well."""
    program = """
import sys, attach_confirm
from attach_confirm._exceptions import PutFailedError
assert PutFailedError.__module__ == "attach_confirm"
modules = {name for name in sys.modules if name.startswith("attach_confirm.")}
assert modules == {"attach_confirm._exceptions"}, modules
assert "boto3" not in sys.modules
attach_confirm.upload
from attach_confirm._uploader import Upload
assert Upload.__module__ == "attach_confirm"
assert "attach_confirm._download" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_helper_imports_match_type_checkers_view():
    imports = {
        alias.name: node.module.removeprefix("attach_confirm.")
        for node in ast.walk(MODULES["attach_confirm/__init__.py"])
        if isinstance(node, ast.ImportFrom) and node.module != "attach_confirm._exceptions"
        for alias in node.names
        if node.module.startswith("attach_confirm.")
    }
    assert imports == attach_confirm._MODULE_OF


def test_typed_program_uses_every_public_name():
    """The type checker runs on this program."""
    program = Path(__file__).parents[1] / "typing" / "api.py"
    source = program.read_text(encoding="utf-8")
    assert [name for name in attach_confirm.__all__ if f"attach_confirm.{name}" not in source] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_unknown_attribute_raises(package):
    with pytest.raises(AttributeError, match="has no attribute 'no_such_name'"):
        package.no_such_name  # noqa: B018


def test_helper_does_not_import_stubs():
    """The helper must work without pytest and moto. The command imports the stubs on demand."""
    violations = []
    for path, tree in MODULES.items():
        if path.startswith("attach_confirm/"):
            imported = {
                alias.name if isinstance(node, ast.Import) else node.module or ""
                for node in ast.walk(tree)
                if isinstance(node, (ast.Import, ast.ImportFrom))
                for alias in node.names
            }
            forbidden = {"attach_confirm_stubs", "moto", "pytest"}
            if path.startswith("attach_confirm/cli/"):
                forbidden.remove("attach_confirm_stubs")
            violations += [(path, name) for name in imported if name.split(".")[0] in forbidden]
    assert violations == []


BROAD_EXCEPTIONS = {"BaseException", "BotoCoreError", "Exception"}


def caught_names(handler):
    """Return the names of the exceptions that an except clause catches."""
    if handler.type is None:
        return {"BaseException"}
    return {
        node.id if isinstance(node, ast.Name) else node.attr
        for node in ast.walk(handler.type)
        if isinstance(node, (ast.Name, ast.Attribute))
    }


def is_broad(node):
    """Return whether a node swallows exceptions that its author did not expect.

    A handler may catch every exception if its last statement raises it again.
    """
    if isinstance(node, ast.ExceptHandler):
        return bool(caught_names(node) & BROAD_EXCEPTIONS) and not (
            caught_names(node) == {"BaseException"}
            and isinstance(node.body[-1], ast.Raise)
            and node.body[-1].exc is None
        )
    if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("suppress"):
        names = {ast.unparse(argument).rsplit(".", 1)[-1] for argument in node.args}
        return bool(names & BROAD_EXCEPTIONS)
    return False


@pytest.mark.parametrize(
    ("source", "broad"),
    [
        ("try: pass\nexcept: pass", True),
        ("try: pass\nexcept Exception: raise", True),
        ("try: pass\nexcept (OSError, exceptions.BotoCoreError): pass", True),
        ("try: pass\nexcept BaseException as error: raise error", True),
        ("try: pass\nexcept BaseException:\n if 1: raise\n pass", True),
        ("contextlib.suppress(Exception)", True),
        ("try: pass\nexcept BaseException:\n print()\n raise", False),
        ("try: pass\nexcept (OSError, ValueError): pass", False),
        ("contextlib.suppress(OSError)", False),
    ],
)
def test_broad_except_rule(source, broad):
    assert any(map(is_broad, ast.walk(ast.parse(source)))) == broad


def test_no_broad_except():
    """A broad handler would swallow, for example, the assertion errors of a test double."""
    assert [
        f"{path}:{node.lineno}"
        for path, tree in MODULES.items()
        for node in ast.walk(tree)
        if is_broad(node)
    ] == []


# Documented methods of named tuples.
PUBLIC_UNDERSCORE_NAMES = {"_asdict", "_fields", "_make", "_replace"}


def is_private(name):
    """Return whether a name is private by convention."""
    dunder = name.endswith("__")
    return name.startswith("_") and not dunder and name not in PUBLIC_UNDERSCORE_NAMES


def accesses_private_name(node):
    """Return whether a node uses a private name of another object or package."""
    if isinstance(node, ast.Attribute):
        return is_private(node.attr) and ast.unparse(node.value) not in {"self", "cls"}
    if isinstance(node, ast.ImportFrom) and node.module:
        names = {*node.module.split("."), *(alias.name for alias in node.names)}
        return node.module.split(".")[0] not in FOLDERS and any(map(is_private, names))
    if isinstance(node, ast.Call) and ast.unparse(node.func) in {"getattr", "setattr"}:
        name = node.args[1]
        return isinstance(name, ast.Constant) and is_private(str(name.value))
    return False


def test_no_private_attribute_access():
    """A new release of a dependency may rename its private names."""
    assert [
        f"{path}:{node.lineno}"
        for path, tree in MODULES.items()
        for node in ast.walk(tree)
        if accesses_private_name(node)
    ] == []
