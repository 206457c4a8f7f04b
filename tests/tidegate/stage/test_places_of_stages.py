"""Where the launch put a stage is where it is, with the role it has there; its own file cannot move it."""

import json

import pytest
import yaml

ROLES = {f"{purpose}_role": f"arn:aws:iam::222222222222:role/{purpose}" for purpose in ("execution", "look")}
PLACE = {"stage": "prod", "account": "222222222222", "region": "eu-west-1", **ROLES}


@pytest.fixture
def placed(repo, good_stage):
    def write(*places, stage: str = ""):
        endpoint = yaml.safe_load((repo.root / "endpoint.yml").read_text())
        endpoint["project"]["places"] = list(places)
        repo.write("endpoint.yml", json.dumps(endpoint))
        return repo.write("stages/prod.yml", good_stage + stage).write("stages/staging.yml", good_stage)

    return write


def test_a_stage_is_where_the_launch_put_it_with_the_role_it_has_there(placed):
    loaded = placed(PLACE).load()
    prod, staging = loaded.stages

    assert (prod.account, prod.execution_role) == ("222222222222", ROLES["execution_role"])
    assert loaded.look_role(prod) == ROLES["look_role"]
    assert (staging.account, loaded.look_role(staging)) == (loaded.project.account, None)


def test_bucket_and_key_stay_the_projects_for_the_launch_shares_them(placed):
    prod, staging = placed(PLACE).load().stages

    assert (prod.bucket, prod.kms_key) == (staging.bucket, staging.kms_key)


def test_a_stages_own_file_may_name_another_role_there(placed):
    prod, _ = placed(PLACE, stage="execution_role: arn:aws:iam::222222222222:role/own\n").load().stages

    assert prod.execution_role.endswith("role/own")


@pytest.mark.parametrize(
    ("places", "said"),
    [
        ([PLACE | {"region": "us-east-1"}], "its project in eu-west-1"),
        ([PLACE | {"account": "333333333333"}], "the role is in account 222222222222, the stage in 333333333333"),
        ([PLACE, dict(PLACE, stage="prod")], "stage prod has two places"),
        ([{**PLACE, "look_role": "look"}], "`look` is not the ARN of a role"),
        ([PLACE["account"]], "is not a mapping"),
    ],
)
def test_places_that_no_launch_writes_are_refused(placed, repo, places, said):
    placed(*places)

    assert any(said in line for line in repo.problems()), repo.problems()


def test_a_stage_that_says_another_account_than_its_place_is_told_that_this_moves_nothing(placed, repo):
    placed(PLACE, stage='account: "111122223333"\n')

    (said,) = [line for line in repo.problems() if "[TG070]" in line]
    assert "is deployed to account 222222222222, which the launch chose" in said
