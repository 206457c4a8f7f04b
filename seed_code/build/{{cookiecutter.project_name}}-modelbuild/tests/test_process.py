import numpy as np
import pandas as pd
import pytest
from process import FEATURES, LABEL, WEATHER, split

TIME = ["mnth", "day", "hr"]


def test_the_parts_follow_each_other_in_time_and_share_no_hour(raw: pd.DataFrame) -> None:
    shuffled = raw.sample(frac=1, random_state=3)
    parts = split(shuffled, 1, 3)
    times = [list(map(tuple, raw.loc[part.index, TIME].to_numpy())) for part in parts.values()]
    together = [time for part in times for time in part]
    assert together == sorted(set(together))


def test_every_hour_of_the_months_and_no_other_is_used_once(raw: pd.DataFrame) -> None:
    used = pd.concat(split(raw, 2, 4).values())
    assert sorted(used.index) == sorted(raw.index[raw["mnth"].between(2, 4)])


def test_the_parts_have_their_shares(raw: pd.DataFrame) -> None:
    parts = split(raw, 1, 12)
    shares = [len(part) / len(raw) for part in parts.values()]
    assert shares == pytest.approx([0.70, 0.15, 0.15], abs=0.001)


def test_the_label_comes_first_and_what_adds_up_to_it_is_absent(raw: pd.DataFrame) -> None:
    for part in split(raw, 1, 3).values():
        assert list(part.columns) == [LABEL, *FEATURES]
        assert not {"casual", "registered"} & set(part.columns)


def test_no_feature_gives_the_label_away(raw: pd.DataFrame) -> None:
    for part in split(raw, 1, 12).values():
        assert max(abs(np.corrcoef(part[name], part[LABEL])[0, 1]) for name in FEATURES) < 0.9


def test_weather_becomes_its_number(raw: pd.DataFrame) -> None:
    for part in split(raw, 1, 12).values():
        assert part["weather"].tolist() == [WEATHER[word] for word in raw.loc[part.index, "weathersit"]]


def test_an_unknown_weather_is_refused_by_name(raw: pd.DataFrame) -> None:
    odd = raw.copy()
    odd.loc[odd.index[5], "weathersit"] = "frogs"
    with pytest.raises(ValueError, match=r"frogs.*known are"):
        split(odd, 1, 1)


def test_too_few_rows_are_refused_with_what_to_do(raw: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match=r"hold 10 rows.*pipeline\.yml"):
        split(raw[:10], 1, 3)
