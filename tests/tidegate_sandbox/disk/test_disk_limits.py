"""Which files are beyond a limit."""

from collections import Counter
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tidegate_sandbox.disk.limits import File, Limit, beyond

SIZES = st.integers(0, 100)


@st.composite
def files(draw):
    names = draw(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 30)), unique=True, max_size=20))
    return [File(Path(folder, str(number)), draw(SIZES), draw(st.integers(0, 5))) for folder, number in names]


@given(files(), st.integers(0, 10), st.integers(0, 400), st.sets(st.integers(0, 30)))
def test_what_stays_is_within_the_limit_and_what_is_in_use_stays(found, newest, size, used):
    def in_use(path):
        return int(path.name) in used

    gone = beyond(Limit(newest, size), found, in_use)
    assert not any(map(in_use, gone))
    left = [file for file in found if file.path not in gone and not in_use(file.path)]
    if left:
        kept = [file for file in found if file.path not in gone]
        assert sum(file.size for file in kept) <= size
        assert all(number <= newest for number in Counter(file.path.parent for file in left).values())


@given(files(), st.integers(0, 10))
def test_the_newest_of_each_folder_stay(found, newest):
    gone = set(beyond(Limit(newest, 10**6), found, lambda path: False))
    for folder in {file.path.parent for file in found}:
        here = [file for file in found if file.path.parent == folder]
        left = [file.written for file in here if file.path not in gone]
        assert len(left) == min(newest, len(here))
        assert all(min(left, default=0) >= file.written for file in here if file.path in gone and left)


def test_the_oldest_go_first():
    found = [File(Path("a", str(number)), 10, number) for number in range(5)]
    assert beyond(Limit(99, 30), found, lambda path: False) == [Path("a/0"), Path("a/1")]
