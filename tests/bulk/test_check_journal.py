"""`check_journal` accepts what keeps the contract, and names what does not."""

from dataclasses import replace
from threading import Lock

import pytest

from attach_confirm_stubs import check_journal


class DictJournal:
    """A journal in memory that keeps the contract."""

    def __init__(self):
        self.entries = {}
        self.lock = Lock()

    def get(self, key):
        return self.entries.get(key)

    def claim(self, key, entry):
        return self.entries.setdefault(key, entry)

    def mark_confirmed(self, key):
        if key in self.entries:
            self.entries[key] = replace(self.entries[key], confirmed=True)

    def delete(self, key):
        self.entries.pop(key, None)


class GetThenPut(DictJournal):
    def claim(self, key, entry):
        stored = self.get(key)
        if stored is None:
            self.entries[key] = stored = entry
        return stored


class LastClaimWins(DictJournal):
    def claim(self, key, entry):
        self.entries[key] = entry
        return entry


class ReturnsOwnEntry(DictJournal):
    def claim(self, key, entry):
        self.entries.setdefault(key, entry)
        return entry


class CaseInsensitive(DictJournal):
    def get(self, key):
        return super().get(key.lower())

    def claim(self, key, entry):
        return super().claim(key.lower(), entry)


class NeverConfirmed(DictJournal):
    def mark_confirmed(self, key):
        pass


class CreatesOnMark(DictJournal):
    def mark_confirmed(self, key):
        self.entries[key] = replace(self.entries[key], confirmed=True)


class KeepsDeleted(DictJournal):
    def delete(self, key):
        pass


class DeletesAll(DictJournal):
    def delete(self, key):
        if key in self.entries:
            self.entries.clear()


def test_contract_kept():
    journal = DictJournal()
    check_journal(lambda: journal)
    assert journal.entries == {}


def test_get_then_put_rejected():
    """The race is provoked, so the check does not depend on luck."""
    journal = GetThenPut()
    with pytest.raises(AssertionError, match="claim is not atomic"):
        check_journal(lambda: journal)


@pytest.mark.parametrize(
    ("journal_type", "message"),
    [
        (LastClaimWins, "a later claim must return the stored entry"),
        (ReturnsOwnEntry, "a later claim must return the stored entry"),
        (CaseInsensitive, "the first claim must return its own entry"),
        (NeverConfirmed, "mark_confirmed must change"),
        (KeepsDeleted, "delete must remove the entry"),
        (DeletesAll, "delete must remove one key's entry only"),
    ],
)
def test_broken_contract_named(journal_type, message):
    journal = journal_type()
    with pytest.raises(AssertionError, match=message):
        check_journal(lambda: journal)


def test_mark_of_unknown_key_must_not_raise():
    journal = CreatesOnMark()
    with pytest.raises(KeyError):
        check_journal(lambda: journal)
