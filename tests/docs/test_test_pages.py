"""Run the examples of the pages about tests with the fake."""

import pytest

from tests.docs.markdown import code_blocks, read

pytest_plugins = ["pytester"]


@pytest.mark.parametrize(
    ("page", "tests"),
    [
        ("test-a-lambda-handler", 3),
        ("test-code-that-uses-httpx-or-urllib", 3),
        ("test-an-integration", 3),
    ],
)
def test_examples_pass(pytester, page, tests):
    """The first line of each example is the name of its file."""
    for block in code_blocks(read(f"docs/{page}.md"), "python"):
        name, _, text = block.removeprefix("# ").partition("\n")
        pytester.path.joinpath(name).write_text(text)
    result = pytester.runpytest_subprocess(
        "-p", "attach_confirm_stubs.plugin", "-p", "no:randomly", "-p", "no:cacheprovider"
    )
    result.assert_outcomes(passed=tests)


def test_ways_in():
    for block in code_blocks(read("docs/ways-in.md"), "python"):
        exec(block, {})
