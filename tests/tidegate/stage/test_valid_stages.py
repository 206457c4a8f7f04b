"""What is valid is accepted: the rules refuse none of the stages that SageMaker would take."""

from hypothesis import HealthCheck, given, settings

from tests.tidegate.stage.valid_stages import repos


@settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(repos())
def test_a_valid_repository_has_no_problem(repo):
    assert repo.stages
