"""What a number of requests can tell, held to values of other programs and to an exact test."""

from math import ceil, exp, inf, lgamma, log

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tidegate.plan.detection import (
    POWER,
    Exposure,
    can_tell,
    minutes_needed,
    requests_needed,
    smallest_error_rate,
)

rates = st.floats(0.0, 0.2)
requests = st.floats(1, 1e7)


class TestRequestsNeeded:
    # The first number is `samplesize_proportions_2indep_onetail(diff=new - old, prop2=old, power=0.8, ratio=ratio,
    # alpha=0.05, alternative="larger")` of statsmodels 0.15.0, the second what the correction of Fleiss, Tytun and Ury
    # makes of it: n/4 * (1 + sqrt(1 + 2 * (ratio + 1) / (n * ratio * diff))) ** 2.
    @pytest.mark.parametrize(
        ("old", "new", "ratio", "uncorrected", "corrected"),
        [
            (0.01, 0.02, 9, 911.6215, 1019.7058),
            (0.001, 0.002, 9, 9236.188, 10317.3843),
            (0.001, 0.005, 3, 1335.3921, 1651.9099),
            (0.05, 0.1, 1, 342.084, 381.0343),
            (0.0001, 0.01, 4, 286.7037, 403.0785),
        ],
    )
    def test_are_those_of_statsmodels_with_the_continuity_correction(self, old, new, ratio, uncorrected, corrected):
        assert requests_needed(old, new, ratio) == pytest.approx(corrected, rel=1e-6)
        assert corrected > uncorrected

    def test_need_the_fewest_where_the_old_rate_is_known(self):
        known = requests_needed(0.01, 0.02)
        assert known < requests_needed(0.01, 0.02, 100) < requests_needed(0.01, 0.02, 1)
        assert requests_needed(0.01, 0.02, 1e9) == pytest.approx(known, rel=1e-6)

    @given(rates, rates)
    def test_are_without_end_where_nothing_got_worse(self, old, new):
        assume(new <= old)
        assert requests_needed(old, new, 4) == inf

    @given(rates, st.floats(0.001, 0.5), st.floats(1.01, 1.5), st.floats(0.5, 50))
    def test_grow_fewer_as_the_regression_grows(self, old, difference, more, ratio):
        new, worse = old + difference, min(1.0, old + difference * more)
        assert requests_needed(old, worse, ratio) <= requests_needed(old, new, ratio)


class TestSmallestErrorRate:
    @pytest.mark.parametrize(
        ("error_rate", "new", "old"),
        [
            (0.0, 600, 5400),
            (0.0001, 600, 5400),
            (0.001, 1500, 4500),
            (0.001, 6000, 54000),
            (0.005, 600, 5400),
            (0.01, 1500, 4500),
            (0.01, 600, 600),
            (0.05, 300, 900),
        ],
    )
    def test_is_noticed_by_an_exact_test_about_as_often_as_said(self, error_rate, new, old):
        told = smallest_error_rate(error_rate, Exposure(new, old))
        assert POWER - 0.05 <= exact_power(error_rate, told, new, old) <= POWER + 0.05

    @pytest.mark.parametrize("new", [30, 600, 60000])
    def test_without_failures_so_far_a_known_rate_is_exceeded_by_a_few_failures(self, new):
        told = smallest_error_rate(0.0, Exposure(new, inf))
        assert 1.0 < told * new < 3.0

    @given(rates, requests, requests, st.floats(1, 100))
    def test_never_grows_with_the_traffic_or_the_bake(self, error_rate, new, old, more):
        few = smallest_error_rate(error_rate, Exposure(new, old))
        many = smallest_error_rate(error_rate, Exposure(new * more, old * more))
        assert few is None or (many is not None and many <= few)

    @given(rates, requests, requests)
    def test_is_above_the_rate_of_the_old_version_and_at_most_all_requests(self, error_rate, new, old):
        told = smallest_error_rate(error_rate, Exposure(new, old))
        assert told is None or error_rate < told <= 1

    @given(rates, requests, requests, st.floats(0.0, 1.0))
    def test_parts_what_can_be_told_from_what_cannot(self, error_rate, new, old, rate):
        exposure = Exposure(new, old)
        told = smallest_error_rate(error_rate, exposure)
        assume(told is None or abs(rate - told) > 1e-9)
        assert can_tell(error_rate, rate, exposure) is (told is not None and rate > told)

    def test_takes_no_notice_of_what_is_too_small_to_write(self):
        assert not can_tell(0.0, 2e-311, Exposure(1e6, inf))

    @pytest.mark.parametrize("exposure", [Exposure(0, 100), Exposure(0, inf), Exposure(100, 0), Exposure(1, 3)])
    def test_is_none_where_there_are_no_requests_to_tell_by(self, exposure):
        assert smallest_error_rate(0.01, exposure) is None


class TestMinutesNeeded:
    def test_are_what_the_requests_take_to_come(self):
        minutes = minutes_needed(0.01, 0.02, new_share=0.1, requests_per_minute=600)
        assert minutes == pytest.approx(requests_needed(0.01, 0.02, 9) / 60)

    def test_hold_a_fleet_with_all_the_traffic_against_what_is_expected(self):
        minutes = minutes_needed(0.01, 0.02, new_share=1.0, requests_per_minute=600)
        assert minutes == pytest.approx(requests_needed(0.01, 0.02) / 600)

    @pytest.mark.parametrize(("share", "traffic", "rate"), [(0.0, 600, 0.02), (0.1, 0, 0.02), (0.1, 600, 0.01)])
    def test_are_none_where_no_time_is_enough(self, share, traffic, rate):
        assert minutes_needed(0.01, rate, new_share=share, requests_per_minute=traffic) is None


def exact_power(old_rate: float, new_rate: float, new: int, old: int) -> float:
    """Return how often the exact conditional test of two Poisson rates notices the new one.

    Of all failures, those of the new fleet are binomial by its share of the requests if both fleets are alike. The test
    calls it worse where so many or more had a probability of at most 0.05.
    """
    share, of_new, of_old = new / (new + old), new * new_rate, old * old_rate
    total = of_new + of_old
    most = int(total + 10 * total**0.5 + 30)
    noticed = 0.0
    for failures in range(1, most):
        critical = next(
            (k for k in range(ceil(failures * share), failures + 1) if tail(k, failures, share) <= 0.05), failures + 1
        )
        noticed += exp(failures * log(total) - total - lgamma(failures + 1)) * tail(critical, failures, of_new / total)
    return noticed


def tail(least: int, trials: int, chance: float) -> float:
    if chance >= 1:
        return 1.0 if least <= trials else 0.0
    return sum(
        exp(
            lgamma(trials + 1)
            - lgamma(k + 1)
            - lgamma(trials - k + 1)
            + k * log(chance)
            + (trials - k) * log(1 - chance)
        )
        for k in range(least, trials + 1)
    )
