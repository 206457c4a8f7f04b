"""The file of a snapshot: whole or not there, and read only by who wrote it."""

import threading
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tidegate_sandbox.state import snapshot

CLOCK = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)
NAMES, VALUES = st.sampled_from("abc"), st.integers()


def write(home, records, port=4650):
    snapshot.write(home, snapshot.pickled(records), CLOCK, port)


class KilledError(Exception):
    pass


class Homes(RuleBasedStateMachine):
    """Records change, snapshots are taken, and the sandbox is killed between any two writes of one."""

    def __init__(self):
        super().__init__()
        self._folder = TemporaryDirectory()
        self.home = Path(self._folder.name)
        self.records, self.kept = {}, None

    def teardown(self):
        self._folder.cleanup()

    @rule(name=NAMES, value=VALUES)
    def change(self, name, value):
        self.records.setdefault(name, []).append(value)

    @rule(name=NAMES)
    def remove(self, name):
        self.records.pop(name, None)

    @rule()
    def keep(self):
        write(self.home, self.records)
        self.kept = {name: list(values) for name, values in self.records.items()}

    @rule(at=st.sampled_from(["open", "replace"]))
    def is_killed_while_a_snapshot_is_written(self, at):
        def killed(*_args, **_options):
            raise KilledError

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Path, at, killed)
            with pytest.raises(KilledError):
                write(self.home, self.records)
        self.starts_again()

    @rule(part=st.binary(max_size=20))
    def is_killed_with_part_of_a_snapshot_written(self, part):
        file = self.home / snapshot.FILE
        file.parent.mkdir(exist_ok=True)
        file.with_suffix(".partial").write_bytes(part)
        self.starts_again()

    @rule()
    def starts_again(self):
        found = snapshot.read(self.home)
        self.records = found.records() if found else {}
        assert self.records == (self.kept or {})

    @invariant()
    def what_was_kept_last_is_there(self):
        found = snapshot.read(self.home)
        assert (found.records() if found else None) == self.kept


TestHomes = Homes.TestCase
TestHomes.settings = settings(max_examples=40, stateful_step_count=12, deadline=None)


def test_it_says_when_it_was_by_the_sandboxs_clock_and_where_that_answered(tmp_path):
    write(tmp_path, {}, port=1234)
    found = snapshot.read(tmp_path)
    assert found.clock == CLOCK
    assert found.about.port == 1234


def test_nobody_else_may_read_it(tmp_path):
    write(tmp_path, {})
    file = tmp_path / snapshot.FILE
    assert file.stat().st_mode & 0o077 == 0
    assert file.parent.stat().st_mode & 0o077 == 0


def test_records_that_refer_to_one_another_still_do(tmp_path):
    shared = {"name": "shared"}
    write(tmp_path, {"one": [shared], "other": shared})
    records = snapshot.read(tmp_path).records()
    assert records["one"][0] is records["other"]


def test_locks_are_free_and_events_as_they_were(tmp_path):
    over = threading.Event()
    over.set()
    held = threading.Lock()
    with held:
        write(tmp_path, [over, threading.Event(), held, threading.Condition()])
    is_set, is_not, lock, condition = snapshot.read(tmp_path).records()
    assert is_set.is_set()
    assert not is_not.is_set()
    assert lock.acquire(blocking=False)
    with condition:
        condition.notify_all()


def test_an_asymmetric_key_signs_as_before(tmp_path):
    key = ec.generate_private_key(ec.SECP256R1())
    write(tmp_path, key)
    signature = snapshot.read(tmp_path).records().sign(b"said", ec.ECDSA(hashes.SHA256()))
    key.public_key().verify(signature, b"said", ec.ECDSA(hashes.SHA256()))


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda content: content[:-1], "it is not what was written"),
        (lambda content: b"{" + content, "is damaged"),
        (lambda content: b"", "is damaged"),
        (lambda content: content.replace(b'"version": "', b'"version": "999.'), "wrote"),
    ],
)
def test_one_that_is_damaged_or_of_another_version_is_not_read(tmp_path, damage, sentence):
    write(tmp_path, {"a": 1})
    file = tmp_path / snapshot.FILE
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(snapshot.UnreadableError, match=sentence):
        snapshot.read(tmp_path)
