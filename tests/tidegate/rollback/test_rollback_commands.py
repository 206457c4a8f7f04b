"""The commands of a rollback as people meet them: what is said before anything is done, and the exit code."""

import json
import sys
from pathlib import Path

import pytest

from tests.tidegate.small_fleet import ENDPOINT, SmallFleet

FILES = {
    "endpoint.yml": """\
project: {name: shop, id: p-1, account: "111122223333", region: eu-west-1}
model_package_group: shop-p-1
execution_role: arn:aws:iam::111122223333:role/tidegate/execution
bucket: sagemaker-project-p-1
kms_key: arn:aws:kms:eu-west-1:111122223333:key/0f9e8d7c-6b5a-4321-9876-543210fedcba
""",
    "stages/prod.yml": "instances: {type: ml.m5.large, count: 4}\nrelease: {strategy: all_at_once}\n",
    "stages/staging.yml": "instances: {type: ml.m5.large, count: 1}\nrelease: {strategy: all_at_once}\n",
}


@pytest.fixture
def fleet(tmp_path, monkeypatch) -> SmallFleet:
    """Return what the stage prod of a deploy repository serves: version 3, after 2 and 1."""
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    monkeypatch.chdir(tmp_path)
    fleet = SmallFleet(1, 2, 3, live=3)
    for number in (1, 2, 3):
        fleet.outcome(number, "PROMOTED")
    monkeypatch.setattr("tidegate.aws.client", lambda service, region, role=None: getattr(fleet, service))
    return fleet


class TestRollback:
    def test_it_says_what_serves_then_and_whom_it_concerns_before_it_rejects(self, fleet, tidegate):
        code, out, _ = tidegate("rollback", "prod", "--yes", "--reason", "counts rides twice")

        assert code == 0
        assert out.splitlines() == [
            "serving: version 3, approved",
            "then: version 2, by a release of the pipeline like any other",
            "to reject: version 3, approved",
            "concerned: every stage that takes approved versions of shop-p-1: prod, staging",
            "rejected version 3",
            "the pipeline releases version 2 now; follow it there, or with tidegate verify prod",
        ]
        assert fleet.registry.versions[3]["ApprovalDescription"] == "rolled back in prod: counts rides twice"

    def test_a_dry_run_rejects_nothing(self, fleet, tidegate):
        code, out, _ = tidegate("rollback", "prod", "--dry-run", "--to", "1")

        assert code == 0
        assert "to reject: version 2, approved\nto reject: version 3, approved" in out
        assert fleet.registry.changes == []

    def test_without_somebody_to_ask_nothing_is_rejected(self, fleet, tidegate):
        code, _, err = tidegate("rollback", "prod")

        assert code == 1
        assert "nobody is here to ask; give --yes" in err
        assert fleet.registry.changes == []

    @pytest.mark.parametrize(("answer", "code", "rejected"), [("y\n", 0, 1), ("n\n", 1, 0)])
    def test_a_person_is_asked(self, answer, code, rejected, fleet, tidegate, monkeypatch):
        class Terminal:
            def isatty(self) -> bool:
                return True

        monkeypatch.setattr(sys, "stdin", Terminal())
        monkeypatch.setattr("typer.confirm", lambda *_, **__: answer == "y\n" or sys.exit(1))

        assert tidegate("rollback", "prod")[0] == code
        assert len(fleet.registry.changes) == rejected

    def test_once_more_says_that_it_is_done(self, fleet, tidegate):
        tidegate("rollback", "prod", "--yes")
        code, out, _ = tidegate("rollback", "prod", "--yes")

        assert code == 0
        assert "version 3 is rejected already; the pipeline releases version 2" in out

    def test_nothing_left_is_said_plainly(self, fleet, tidegate):
        for number in (1, 2):
            fleet.registry.decide(number, "Rejected")
        code, out, err = tidegate("rollback", "prod", "--yes")

        assert (code, out) == (1, "")
        assert "there is nothing to roll back to: shop-p-1-prod serves version 3, which is approved" in err

    def test_a_stage_that_there_is_not_is_said(self, fleet, tidegate):
        code, _, err = tidegate("rollback", "canary", "--yes")

        assert code == 1
        assert "there is no stage `canary`" in err


class TestDecline:
    def test_without_a_test_it_says_so_and_all_is_well(self, fleet, tidegate):
        code, out, _ = tidegate("decline", "prod")

        assert (code, out) == (0, "there is nothing to decline: no test is in place at shop-p-1-prod\n")

    def test_the_challenger_is_rejected(self, fleet, tidegate):
        fleet.configs["Config-3"]["ProductionVariants"] = [fleet.variant("Model-2")]
        fleet.configs["Config-3"]["ShadowProductionVariants"] = [fleet.variant("Model-3", "Shadow")]
        code, out, _ = tidegate("decline", "prod", "--reason", "answers differ")

        assert (code, out) == (0, "rejected version 3, which shop-p-1-prod has as Shadow\n")
        assert fleet.registry.approval(3) == "Rejected"


class TestHistory:
    def test_each_statement_has_its_time_and_what_it_rests_on(self, fleet, tidegate):
        code, out, _ = tidegate("history", "prod")

        assert code == 0
        assert out.splitlines()[:4] == [
            "2026-01-04 12:00:00Z  serves       version 3 (Config-3)",
            "2026-01-03 12:00:00Z  served       version 2 (Config-2)",
            "2026-01-02 12:00:00Z  served       version 1 (Config-1)",
            "nothing is known of what was before 2026-01-02 00:00:00Z",
        ]
        assert "which does not prove what served" in out

    def test_programs_get_one_document(self, fleet, tidegate):
        code, out, _ = tidegate("history", "prod", "--json")

        assert code == 0
        assert [each["standing"] for each in json.loads(out)["updates"]] == ["serves", "served", "served"]


class TestPrune:
    def test_it_says_what_stays_and_why_and_what_went(self, fleet, tidegate):
        code, out, _ = tidegate("prune", "prod")

        assert code == 0
        assert out.splitlines() == [
            "keep Config-3 of release r3: serves",
            "keep Config-2 of release r2: served before",
            "removed endpoint config Config-1 of release r1",
            "removed model Model-1",
        ]

    def test_a_dry_run_removes_nothing(self, fleet, tidegate):
        code, out, _ = tidegate("prune", "prod", "--dry-run")

        assert code == 0
        assert "would remove Config-1 of release r1, and the models that only it uses" in out
        assert fleet.writes == []

    def test_nothing_to_remove_is_said(self, fleet, tidegate):
        assert "there is nothing to remove" in tidegate("prune", "prod", "--keep", "2")[1]

    def test_the_last_good_one_is_always_kept(self, fleet, tidegate):
        assert tidegate("prune", "prod", "--keep", "0")[0] == 2


class TestRecover:
    def test_with_nothing_to_recover_it_says_so(self, fleet, tidegate):
        code, out, _ = tidegate("recover", "prod")

        assert code == 0
        assert out.splitlines()[-1] == "there is nothing to recover"

    def test_the_runbook_is_printed_and_nothing_is_done(self, fleet, tidegate):
        fleet.endpoint |= {"EndpointStatus": "UpdateRollbackFailed", "FailureReason": "it did not go"}
        code, out, _ = tidegate("recover", "prod")

        assert code == 4
        assert out.startswith(f"endpoint {ENDPOINT}: UpdateRollbackFailed on Config-3: it did not go\n")
        assert "config Config-2, release r2, of 2026-01-03 00:00:00Z: PROMOTED at 2026-01-03 12:00:00+00:00" in out
        assert "1. update shop-p-1-prod to endpoint config Config-3, all at once and without alarms" in out
        assert 'sagemaker:UpdateEndpoint {"EndpointName": "shop-p-1-prod"' in out
        assert out.endswith("nothing was done; give --yes to take step 1\n")
        assert fleet.writes == []

    def test_with_yes_the_next_step_is_taken(self, fleet, tidegate):
        fleet.endpoint |= {"EndpointStatus": "UpdateRollbackFailed"}
        code, out, _ = tidegate("recover", "prod", "--to", "Config-2", "--yes")

        assert code == 0
        assert fleet.calls[-1][0] == "UpdateEndpoint"
        assert fleet.calls[-1][1]["EndpointConfigName"] == "Config-2"
        assert out.endswith("step 1 has begun; once it has ended, look again: tidegate recover prod\n")

    def test_a_step_for_a_person_is_left_to_one(self, fleet, tidegate):
        fleet.endpoint["EndpointStatus"] = "Updating"
        code, out, _ = tidegate("recover", "prod", "--yes")

        assert code == 4
        assert out.endswith("nothing was done: step 1 is for a person\n")


def test_other_stages_take_no_notice(fleet, tidegate, tmp_path):
    assert Path("stages/staging.yml").exists()
    fleet.endpoint = None
    code, _, err = tidegate("prune", "staging")
    assert code == 1
    assert "there is no endpoint shop-p-1-staging" in err
