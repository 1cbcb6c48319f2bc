"""`fake_connectparticipant` as a decorator of functions, generators and test classes."""

import asyncio
import inspect
import os
import unittest
from contextlib import asynccontextmanager, contextmanager

import pytest

from attach_confirm_stubs import FakeConnectParticipant, fake_connectparticipant

pytest_plugins = ["pytester"]


def add_chat():
    """Start a chat, and return the number of chats in the fake."""
    handle = FakeConnectParticipant()
    handle.start_chat()
    return len(handle.chats)


def is_active():
    return "AWS_ACCESS_KEY_ID" in os.environ


def test_function_runs_with_new_state_each_time():
    @fake_connectparticipant("us-west-2")
    def send(name, *, content):
        """Send a file."""
        handle = FakeConnectParticipant("us-west-2")
        assert handle.client.meta.region_name == "us-west-2"
        return name, content, add_chat()

    assert (send.__name__, send.__doc__) == ("send", "Send a file.")
    for name in ("a.txt", "b.txt"):
        assert send(name, content=b"1") == (name, b"1", 1)
    assert not is_active()


def test_coroutine_runs_inside():
    @fake_connectparticipant()
    async def chat(value):
        await asyncio.sleep(0)
        return value, add_chat()

    assert inspect.iscoroutinefunction(chat)
    assert asyncio.run(chat(5)) == (5, 1)
    assert asyncio.run(chat(6)) == (6, 1)
    assert not is_active()


def test_generator_runs_inside_until_it_ends():
    @fake_connectparticipant()
    def handles(name):
        try:
            received = yield name, add_chat()
            yield received, add_chat()
        finally:
            log.append(len(FakeConnectParticipant().chats))

    log = []
    assert inspect.isgeneratorfunction(handles)
    generator = handles("a")
    assert next(generator) == ("a", 1)
    assert is_active()
    assert generator.send("b") == ("b", 2)
    generator.close()
    assert (log, is_active()) == ([2], False)
    with pytest.raises(ZeroDivisionError), contextmanager(handles)("a"):
        raise ZeroDivisionError
    assert (log, is_active()) == ([2, 1], False)


def test_async_generator_runs_inside_until_it_ends():
    @fake_connectparticipant()
    async def handles(name):
        try:
            received = yield name, add_chat()
            yield received, add_chat()
        except ZeroDivisionError:
            yield "caught", add_chat()
        finally:
            log.append(len(FakeConnectParticipant().chats))

    async def use():
        generator = handles("a")
        assert await generator.asend(None) == ("a", 1)
        assert is_active()
        assert await generator.asend("b") == ("b", 2)
        await generator.aclose()
        assert (log, is_active()) == ([2], False)
        assert [value async for value in handles("c")] == [("c", 1), (None, 2)]
        generator = handles("d")
        await generator.asend(None)
        assert await generator.athrow(ZeroDivisionError) == ("caught", 2)
        await generator.aclose()
        with pytest.raises(KeyError):
            async with asynccontextmanager(handles)("e"):
                raise KeyError

    log = []
    assert inspect.isasyncgenfunction(handles)
    asyncio.run(use())
    assert log == [2, 2, 2, 1]


@pytest.mark.parametrize("kind", [staticmethod, classmethod])
def test_static_and_class_methods_run_inside(kind):
    class Helper:
        @fake_connectparticipant()
        @kind
        def chat(*args):
            return [*args, add_chat()]

    assert Helper.chat(1)[-2:] == [1, 1]
    assert Helper().chat(1)[-2:] == [1, 1]


def test_unittest_class_has_new_fake_in_each_test():
    counts, failures = [], []

    class Base(unittest.TestCase):
        def setUp(self):
            counts.append(add_chat())
            self.addCleanup(lambda: counts.append(add_chat()))

        def tearDown(self):
            counts.append(add_chat())

    @fake_connectparticipant()
    class Case(Base):
        def test_a(self):
            counts.append(add_chat())

        def test_b(self):
            counts.append(add_chat())
            self.fail("as planned")

        @unittest.skip("not run")
        def test_c(self):
            counts.append(add_chat())

    class Subclass(Case):
        def setUp(self):
            assert is_active()
            failures.append("set up")
            super().setUp()

    for cls in (Case, Subclass):
        counts.clear()
        result = unittest.TestResult()
        unittest.defaultTestLoader.loadTestsFromTestCase(cls).run(result)
        assert (result.testsRun, len(result.failures), result.errors) == (3, 1, [])
        assert counts == [1, 2, 3, 4, 1, 2, 3, 4]
        assert not is_active()
    assert failures == ["set up", "set up"]
    Case("test_a").debug()
    assert not is_active()


def test_async_unittest_class_has_new_fake_in_each_test():
    counts = []

    @fake_connectparticipant()
    class Case(unittest.IsolatedAsyncioTestCase):
        async def asyncSetUp(self):
            counts.append(add_chat())

        async def test_a(self):
            counts.append(add_chat())

        async def test_b(self):
            counts.append(add_chat())

    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(Case).run(result)
    assert result.wasSuccessful()
    assert counts == [1, 2, 1, 2]


PYTEST_MODULE = """
import unittest
import pytest
from attach_confirm_stubs import FakeConnectParticipant, fake_connectparticipant


def add_chat():
    handle = FakeConnectParticipant()
    handle.start_chat()
    return len(handle.chats)


class Base:
    def setup_method(self):
        assert add_chat() == 1

    def test_inherited(self):
        assert add_chat() == 2


@fake_connectparticipant()
class TestPlain(Base):
    def teardown_method(self, method):
        assert method.__name__.startswith("test_")
        assert add_chat() == 3

    @pytest.mark.parametrize("number", [1, 2])
    def test_parametrized(self, number):
        assert add_chat() == 2

    class TestInner:
        @staticmethod
        def setup_method(method):
            assert method.__name__.startswith("test_")
            assert add_chat() == 1

        def test_inner(self, tmp_path):
            assert add_chat() == 2


@fake_connectparticipant()
class TestFailingSetup:
    def setup_method(self):
        raise ZeroDivisionError

    def test_not_reached(self):
        pass


@fake_connectparticipant()
@fake_connectparticipant("us-west-2")
class TestTwice:
    def test_twice(self):
        assert add_chat() == 1


@fake_connectparticipant()
class TestCase(unittest.TestCase):
    def setUp(self):
        assert add_chat() == 1

    def test_a(self):
        assert add_chat() == 2


@pytest.fixture
@fake_connectparticipant()
def handle(tmp_path):
    add_chat()
    yield FakeConnectParticipant()
    add_chat()


def test_fixture(handle):
    assert len(handle.chats) == 1
    assert add_chat() == 2


@fake_connectparticipant()
def test_function(tmp_path):
    assert add_chat() == 1


def test_nothing_is_left():
    from attach_confirm_stubs.fake import connectparticipant_backends
    assert not connectparticipant_backends
"""


def test_pytest_collects_and_runs_decorated_tests(pytester):
    pytester.makepyfile(PYTEST_MODULE)
    result = pytester.runpytest_inprocess("-p", "no:randomly", "-p", "no:cacheprovider")
    result.assert_outcomes(passed=9, errors=1)
    result.stdout.fnmatch_lines(["ERROR *::TestFailingSetup::test_not_reached*"])


def test_decorator_without_parentheses_rejected():
    with pytest.raises(TypeError, match="with parentheses"):

        @fake_connectparticipant
        def function():
            pass


@pytest.mark.parametrize("decorated", [5, "text", pytest.fixture(lambda: None)])
def test_other_objects_rejected(decorated):
    with pytest.raises(TypeError, match=r"below\s@pytest\.fixture"):
        fake_connectparticipant()(decorated)
