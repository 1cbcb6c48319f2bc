"""`check_journal` accepts a correct journal, and rejects each kind of incorrect journal."""

from dataclasses import replace

import pytest

from attach_confirm import JournalEntry
from attach_confirm_stubs import check_journal


class DictJournal:
    """A correct in-memory journal."""

    def __init__(self):
        self.entries = {}

    def get(self, key):
        return self.entries.get(key)

    def claim(self, key, entry):
        return self.entries.setdefault(key, entry)

    def mark_confirmed(self, key):
        if key in self.entries:
            self.entries[key] = replace(self.entries[key], confirmed=True)

    def delete(self, key):
        self.entries.pop(key, None)


class NonAtomicClaimJournal(DictJournal):
    """Reads and then writes an entry in `claim`, so another thread can write in between."""

    def claim(self, key, entry):
        stored = self.get(key)
        if stored is None:
            self.entries[key] = stored = entry
        return stored


class OverwritingClaimJournal(DictJournal):
    """Replaces an existing entry in `claim`."""

    def claim(self, key, entry):
        self.entries[key] = entry
        return entry


class UnstoredClaimJournal(DictJournal):
    """Returns the new entry from `claim`, even if another entry is stored."""

    def claim(self, key, entry):
        self.entries.setdefault(key, entry)
        return entry


class CaseInsensitiveJournal(DictJournal):
    """Treats keys that differ only in case as equal."""

    def get(self, key):
        return super().get(key.lower())

    def claim(self, key, entry):
        return super().claim(key.lower(), entry)


class UnconfirmedJournal(DictJournal):
    """Ignores `mark_confirmed`."""

    def mark_confirmed(self, key):
        pass


class UnknownKeyErrorJournal(DictJournal):
    """Raises KeyError if `mark_confirmed` is called with an unknown key."""

    def mark_confirmed(self, key):
        self.entries[key] = replace(self.entries[key], confirmed=True)


class UndeletedJournal(DictJournal):
    """Ignores `delete`."""

    def delete(self, key):
        pass


class DeletingAllJournal(DictJournal):
    """Deletes all entries if one of them is deleted."""

    def delete(self, key):
        if key in self.entries:
            self.entries.clear()


class CreatingMarkJournal(DictJournal):
    """Creates an entry if `mark_confirmed` is called with an unknown key."""

    def mark_confirmed(self, key):
        self.entries.setdefault(key, JournalEntry("", "", 0, ""))
        super().mark_confirmed(key)


class UnconfirmingClaimJournal(DictJournal):
    """Resets `confirmed` in `claim`."""

    def claim(self, key, entry):
        self.entries[key] = replace(super().claim(key, entry), confirmed=False)
        return self.entries[key]


class UnconfirmingStoreJournal(DictJournal):
    """Returns the stored entry from `claim`, and then resets `confirmed`."""

    def claim(self, key, entry):
        stored = super().claim(key, entry)
        self.entries[key] = replace(stored, confirmed=False)
        return stored


class OneLineClaimJournal(DictJournal):
    """Reads and then writes an entry in one line, and returns what is stored."""

    def claim(self, key, entry):
        if key not in self.entries: self.entries[key] = entry  # fmt: skip # noqa: E701
        return self.entries[key]


class LastClaimJournal(DictJournal):
    """Returns the first entry from simultaneous claims, but stores the last one."""

    def __init__(self):
        super().__init__()
        self.first = {}

    def claim(self, key, entry):
        if stored := self.get(key):
            return stored
        first = self.first.setdefault(key, entry)
        self.entries[key] = entry
        return first

    def delete(self, key):
        super().delete(key)
        self.first.pop(key, None)


class RewritingMarkJournal(DictJournal):
    """Reads all entries and then writes all of them in `mark_confirmed`."""

    def mark_confirmed(self, key):
        entries = dict(self.entries)
        if key in entries:
            entries[key] = replace(entries[key], confirmed=True)
        self.entries = entries


def test_correct_journal_accepted():
    journal = DictJournal()
    check_journal(lambda: journal)
    assert journal.entries == {}


@pytest.mark.parametrize(
    "journal_type", [NonAtomicClaimJournal, OneLineClaimJournal, LastClaimJournal]
)
def test_non_atomic_claim_rejected(journal_type):
    """`check_journal` forces the race, so the result does not depend on timing."""
    journal = journal_type()
    with pytest.raises(AssertionError, match="claim is not atomic"):
        check_journal(lambda: journal)


def test_non_atomic_mark_confirmed_rejected():
    journal = RewritingMarkJournal()
    with pytest.raises(AssertionError, match="mark_confirmed of another key"):
        check_journal(lambda: journal)


def test_inherited_method_is_checked():
    """The methods can be defined in another file than the class."""
    inherited_type = type("Inherited", (NonAtomicClaimJournal,), {"__module__": "pathlib"})
    journal = inherited_type()
    with pytest.raises(AssertionError, match="claim is not atomic"):
        check_journal(lambda: journal)


def test_class_without_file_is_checked():
    """In a notebook, the module of the class has no file."""
    journal = type("Journal", (DictJournal,), {"__module__": "builtins"})()
    check_journal(lambda: journal)


@pytest.mark.parametrize(
    ("journal_type", "message"),
    [
        (OverwritingClaimJournal, "a later claim must return the stored entry"),
        (UnstoredClaimJournal, "a later claim must return the stored entry"),
        (CaseInsensitiveJournal, "the first claim must return its own entry"),
        (UnconfirmedJournal, "mark_confirmed must change"),
        (UndeletedJournal, "delete must remove the entry"),
        (CreatingMarkJournal, "must ignore an unknown key"),
        (UnconfirmingClaimJournal, "claim must return a confirmed entry unchanged"),
        (UnconfirmingStoreJournal, "claim must not change a confirmed entry"),
        (DeletingAllJournal, "delete must remove only the entry"),
    ],
)
def test_incorrect_journal_rejected(journal_type, message):
    journal = journal_type()
    with pytest.raises(AssertionError, match=message):
        check_journal(lambda: journal)


def test_error_of_mark_confirmed_with_unknown_key_propagates():
    journal = UnknownKeyErrorJournal()
    with pytest.raises(KeyError):
        check_journal(lambda: journal)
