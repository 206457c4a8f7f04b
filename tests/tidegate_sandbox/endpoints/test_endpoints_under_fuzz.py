"""Random sequences of what can happen to an endpoint never break what holds of it at every moment.

`--hypothesis-profile=thorough` looks at many more of them than CI does.
"""

import tempfile
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from virtual import ACCOUNT, REGION, World

from tidegate.guardrails import WATCHED, Phase
from tidegate_sandbox import hooks
from tidegate_sandbox.errors import AwsError
from tidegate_sandbox.services.endpoints.endpoint import Endpoint, endpoints
from tidegate_sandbox.services.endpoints.metering import NAMESPACE
from tidegate_sandbox.services.endpoints.records import Container, Model, inventory

EXAMPLES, STEPS = 60, 30
"""As many as a few seconds are enough for."""

ALARM = "rollback"
BUSY = ("Creating", "Updating", "RollingBack", "Deleting")
SPELT = {
    "InService": "IN_SERVICE",
    "RollingBack": "ROLLING_BACK",
    "UpdateRollbackFailed": "UPDATE_ROLLBACK_FAILED",
}
AFTER = {
    "CREATING": {"IN_SERVICE", "FAILED"},
    "UPDATING": {"IN_SERVICE", "UPDATE_ROLLBACK_FAILED", "ROLLING_BACK"},
    "ROLLING_BACK": {"IN_SERVICE", "UPDATE_ROLLBACK_FAILED"},
    "IN_SERVICE": {"UPDATING", "DELETING"},
    "UPDATE_ROLLBACK_FAILED": {"UPDATING", "DELETING"},
    "FAILED": {"DELETING"},
}

Shape = dict[str, tuple[float, int]]
"""Weight and instance count by variant."""

counts = st.integers(1, 6)
shapes = st.one_of(
    st.fixed_dictionaries({"A": st.tuples(st.sampled_from([1.0, 3.0]), counts)}),
    st.fixed_dictionaries(
        {"A": st.tuples(st.sampled_from([0.5, 1.0]), counts), "B": st.tuples(st.sampled_from([0.0, 1.0, 2.5]), counts)}
    ),
)


def size(value: int) -> dict[str, Any]:
    return {"Type": "INSTANCE_COUNT", "Value": value}


def blue_green(kind: str, wait: int, **more: Any) -> dict[str, Any]:
    routing = {"Type": kind, "WaitIntervalInSeconds": wait, **more}
    return {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing, "TerminationWaitInSeconds": 120}}


deployments = st.sampled_from(
    [
        None,
        blue_green("ALL_AT_ONCE", 0),
        blue_green("CANARY", 300, CanarySize=size(1)),
        blue_green("LINEAR", 120, LinearStepSize=size(1)),
        {"RollingUpdatePolicy": {"MaximumBatchSize": size(1), "WaitIntervalInSeconds": 60}},
        {
            "RollingUpdatePolicy": {
                "MaximumBatchSize": size(2),
                "WaitIntervalInSeconds": 60,
                "RollbackMaximumBatchSize": size(1),
            }
        },
    ]
)


@dataclass
class Update:
    """An update under way: what there was, what there will be if it goes well, and whether alarms can take it back."""

    config: str
    before: dict[str, Any]
    wanted: Shape
    guarded: bool
    rolling: bool
    failed_starts: int
    alarm_seen: bool = False


class AnEndpoint(RuleBasedStateMachine):
    """One endpoint and all that can be done to it."""

    def __init__(self) -> None:
        super().__init__()
        self.home = tempfile.TemporaryDirectory()
        self.world = World(Path(self.home.name))
        self.name = f"e-{uuid.uuid4().hex[:8]}"
        self.update: Update | None = None
        self.config, self.live = "", Shape()
        self.served: dict[tuple[str, str, int], int] = {}
        self.before: dict[tuple[str, str, int], int] = {}
        self.states: list[str] = []
        self.numbers = iter(range(10_000))
        with hooks.acting_in(ACCOUNT, REGION):
            container = Container("image", "s3://bucket/key", {})
            model = Model("m", "arn", container, self.world.clock.now(), {"ModelName": "m"})
            inventory.here().models["m"] = model

    def teardown(self) -> None:
        self.world.close()
        with hooks.acting_in(ACCOUNT, REGION):
            endpoints.here().clear()
            inventory.here().configs.clear()
        self.home.cleanup()
        assert not self.world.strange, self.world.strange

    # ------------------------------------------------------------ what there is
    @property
    def endpoint(self) -> Endpoint:
        with hooks.acting_in(ACCOUNT, REGION):
            return endpoints.here()[self.name]

    @property
    def there(self) -> bool:
        with hooks.acting_in(ACCOUNT, REGION):
            return self.name in endpoints.here()

    def described(self) -> dict[str, Any]:
        described: dict[str, Any] = self.endpoint.describe()
        return described

    @property
    def at_rest(self) -> bool:
        return self.there and self.endpoint.status in ("InService", "UpdateRollbackFailed")

    def make_config(self, shape: Shape) -> str:
        name = f"{self.name}-{next(self.numbers)}"
        variants = [
            {
                "VariantName": variant,
                "ModelName": "m",
                "InstanceType": "ml.m5.large",
                "InitialInstanceCount": count,
                "InitialVariantWeight": weight,
            }
            for variant, (weight, count) in shape.items()
        ]
        self.world.call("CreateEndpointConfig", EndpointConfigName=name, ProductionVariants=variants)
        return name

    # ------------------------------------------------------------ what can be done
    @initialize(shape=shapes)
    def begin(self, shape: Shape) -> None:
        self.create(shape)

    @precondition(lambda self: not self.there)
    @rule(shape=shapes)
    def create(self, shape: Shape) -> None:
        self.before |= self.served  # by an endpoint of this name that was deleted
        self.config, self.live, self.served, self.states = self.make_config(shape), shape, {}, []
        self.world.events.clear()
        self.world.call("CreateEndpoint", EndpointName=self.name, EndpointConfigName=self.config)

    @precondition(lambda self: self.at_rest)
    @rule(
        shape=shapes,
        same_names=st.sampled_from([True, True, True, False]),
        deployment=deployments,
        alarm=st.sampled_from([True, True, False]),
        retain=st.booleans(),
        excluded=st.sets(st.sampled_from(["DesiredInstanceCount", "DesiredWeight"]), max_size=1),
        timeout=st.sampled_from([None, None, 600]),
        slow=st.sampled_from([0.0, 90.0, 500.0]),
    )
    def begin_update(
        self,
        shape: Shape,
        same_names: bool,
        deployment: dict[str, Any] | None,
        alarm: bool,
        retain: bool,
        excluded: set[str],
        timeout: int | None,
        slow: float,
    ) -> None:
        self.world.slow = slow
        if same_names:
            shape = {name: shape.get(name, (1.0, 4)) for name in self.live}
        config, asked = self.make_config(shape), dict(deployment) if deployment else {}
        if alarm and asked:
            asked["AutoRollbackConfiguration"] = {"Alarms": [{"AlarmName": ALARM}]}
        if timeout and "BlueGreenUpdatePolicy" in asked:
            asked["BlueGreenUpdatePolicy"] = {
                **asked["BlueGreenUpdatePolicy"],
                "MaximumExecutionTimeoutInSeconds": timeout,
            }
        options: dict[str, Any] = {"DeploymentConfig": asked} if asked else {}
        if retain:
            options["RetainAllVariantProperties"] = True
            options["ExcludeRetainedVariantProperties"] = [{"VariantPropertyType": each} for each in sorted(excluded)]
        before, failed, traffic = self.described(), self.world.failed_starts, self.endpoint.router.traffic()
        try:
            self.world.call("UpdateEndpoint", EndpointName=self.name, EndpointConfigName=config, **options)
        except AwsError:
            # A fleet that is too small for its guardrails, or a limit that is too short for them.
            assert self.described() == before
            assert self.endpoint.router.traffic() == traffic
            return
        same_names = self.live.keys() == shape.keys()  # by chance, too
        rolling = "RollingUpdatePolicy" in asked
        guarded = bool(asked) and same_names and not (rolling and len(shape) > 1)
        wanted = {name: self.retained(name, *shape[name], retain, excluded) for name in shape}
        self.update = Update(config, before, wanted, guarded and alarm, guarded and rolling, failed)

    def retained(self, name: str, weight: float, count: int, retain: bool, excluded: set[str]) -> tuple[float, int]:
        if retain and name in self.live:
            was_weight, was_count = self.live[name]
            weight = weight if "DesiredWeight" in excluded else was_weight
            count = count if "DesiredInstanceCount" in excluded else was_count
        return weight, count

    @precondition(lambda self: self.at_rest)
    @rule(weight=st.sampled_from([0.5, 2.0]), count=counts)
    def reweigh(self, weight: float, count: int) -> None:
        wanted = [{"VariantName": "A", "DesiredWeight": weight, "DesiredInstanceCount": count}]
        before, grows, failed = self.described(), count > self.live["A"][1], self.world.failed_starts
        self.world.call(
            "UpdateEndpointWeightsAndCapacities", EndpointName=self.name, DesiredWeightsAndCapacities=wanted
        )
        if grows and self.world.slow:
            first = next(each for each in self.described()["ProductionVariants"] if each["VariantName"] == "A")
            assert (first["CurrentInstanceCount"], first["DesiredInstanceCount"]) == (self.live["A"][1], count)
            self.world.clock.advance(2000)
        after = self.described()
        assert after["EndpointStatus"] == before["EndpointStatus"]
        if self.world.failed_starts > failed:
            assert after["FailureReason"]
            assert after["ProductionVariants"] == before["ProductionVariants"]
        else:
            self.live = {**self.live, "A": (weight, count)}

    @precondition(lambda self: self.there and self.endpoint.status in BUSY)
    @rule(operation=st.sampled_from(["update", "weights", "delete", "create"]))
    def is_refused_while_it_changes(self, operation: str) -> None:
        before, events, traffic = self.described(), len(self.world.events), self.endpoint.router.traffic()
        weights = [{"VariantName": "A", "DesiredWeight": 9.0}]
        calls: dict[str, tuple[str, dict[str, Any]]] = {
            "update": ("UpdateEndpoint", {"EndpointConfigName": self.config}),
            "weights": ("UpdateEndpointWeightsAndCapacities", {"DesiredWeightsAndCapacities": weights}),
            "delete": ("DeleteEndpoint", {}),
            "create": ("CreateEndpoint", {"EndpointConfigName": self.config}),
        }
        name, parameters = calls[operation]
        with pytest.raises(AwsError):
            self.world.call(name, EndpointName=self.name, **parameters)
        assert self.described() == before
        assert (len(self.world.events), self.endpoint.router.traffic()) == (events, traffic)

    @precondition(lambda self: self.there and self.endpoint.status not in BUSY)
    @rule()
    def delete(self) -> None:
        self.world.call("DeleteEndpoint", EndpointName=self.name)
        assert not self.there
        assert not any(child.alive for child in self.world.children)

    @rule(seconds=st.sampled_from([20, 70, 400, 7200]))
    def let_time_pass(self, seconds: int) -> None:
        rollout = self.endpoint.rollout if self.there else None
        watched = rollout is not None and rollout.phase in WATCHED and self.update is not None and self.update.guarded
        firing = ALARM in self.world.alarms.firing
        self.world.clock.advance(seconds)
        if watched and firing:
            # Whatever else has happened since: the new fleet did not become the endpoint's.
            assert self.update is not None
            assert self.endpoint.config != self.update.config
            later = self.endpoint.rollout
            assert later is None or later.phase in (Phase.ROLLING_BACK, Phase.ROLLED_BACK, Phase.ROLLBACK_FAILED)

    @precondition(lambda self: self.there and self.endpoint.rollout and self.endpoint.rollout.phase in WATCHED)
    @rule(hours=st.sampled_from([-3, 3]))
    def the_clock_jumps(self, hours: int) -> None:
        before, clock = self.endpoint.rollout, self.world.clock
        assert before is not None
        assert before.next_deadline is not None
        bakes_on = before.next_deadline - clock.now() > timedelta(seconds=20) and not self.world.alarms.firing
        clock.jump(timedelta(hours=hours))
        clock.advance(20)
        later = self.endpoint.rollout
        assert not bakes_on or (later is not None and (later.phase, later.step) == (before.phase, before.step))

    @rule(firing=st.booleans())
    def the_alarm_changes(self, firing: bool) -> None:
        self.world.alarms.firing = {ALARM} if firing else set()

    @rule(starts=st.sampled_from(["all", "none", "every other"]), slow=st.sampled_from([0.0, 0.0, 90.0]))
    def model_servers_change(self, starts: str, slow: float) -> None:
        self.world.starts, self.world.slow = starts, slow

    @precondition(lambda self: self.there and self.endpoint.fleet is not None)
    @rule(times=st.integers(1, 8), variant=st.sampled_from([None, None, "A"]), status=st.sampled_from([200, 200, 500]))
    def is_invoked(self, times: int, variant: str | None, status: int) -> None:
        self.world.status = status
        before = self.accounted()
        for _ in range(times):
            answered, by = self.world.invoke(self.name, variant)
            assert answered == (200 if status == 200 else 424), by
            assert by in ((variant,) if variant and status == 200 else (*self.names(), ""))
        after = self.accounted()
        grown = {key: count - before.get(key, 0) for key, count in after.items() if count != before.get(key, 0)}
        assert sum(grown.values()) == times
        serving = {(each["endpoint_config"], each["variant"]) for each in self.endpoint.router.traffic()}
        assert all((config, variant) in serving and code == status for config, variant, code in grown)
        for key, count in grown.items():
            self.served[key] = self.served.get(key, 0) + count

    def names(self) -> set[str]:
        return {each["variant"] for each in self.endpoint.router.traffic()}

    def accounted(self) -> dict[tuple[str, str, int], int]:
        found: dict[tuple[str, str, int], int] = {}
        for entry in self.endpoint.ledger.entries():
            key = (entry["endpoint_config"], entry["variant"], entry["status_code"])
            found[key] = found.get(key, 0) + entry["count"]
        return found

    # ------------------------------------------------------------ what always holds
    @invariant()
    def what_always_holds(self) -> None:
        self.nothing_strange_happened()
        self.what_settled_is_what_was_there_or_what_was_asked_for()
        self.shares_add_up_to_one()
        self.only_healthy_fleets_serve_and_no_other_is_left()
        self.it_is_described_as_it_is()
        self.its_events_tell_of_every_change_in_order()
        self.ledger_and_metrics_agree_with_what_was_served()

    def nothing_strange_happened(self) -> None:
        assert not self.world.strange, self.world.strange

    def what_settled_is_what_was_there_or_what_was_asked_for(self) -> None:
        if self.update is None or not self.there or self.endpoint.status in BUSY:
            return
        update, described, self.update = self.update, self.described(), None
        if described["EndpointConfigName"] == update.config:
            assert described["EndpointStatus"] == "InService"
            assert "FailureReason" not in described
            self.config, self.live = update.config, update.wanted
            return
        could_not_start = self.world.failed_starts > update.failed_starts
        assert described["EndpointConfigName"] == update.before["EndpointConfigName"] == self.config
        assert described["ProductionVariants"] == update.before["ProductionVariants"]
        assert described["FailureReason"]
        if described["EndpointStatus"] == "UpdateRollbackFailed":
            stuck_before = update.before["EndpointStatus"] == "UpdateRollbackFailed"
            assert stuck_before or (update.rolling and could_not_start)
        else:
            assert described["EndpointStatus"] == update.before["EndpointStatus"]
        limited = "within 600 s" in described["FailureReason"]
        assert could_not_start or limited or (update.guarded and ALARM in described["FailureReason"])

    def shares_add_up_to_one(self) -> None:
        if self.there and self.endpoint.fleet is not None:
            assert sum(each["share"] for each in self.endpoint.router.traffic()) == pytest.approx(1.0)

    def only_healthy_fleets_serve_and_no_other_is_left(self) -> None:
        if not self.there:
            return
        endpoint = self.endpoint
        serving = endpoint.router.servers()
        assert all(server.serving and server.passes_ping() for server in serving)
        blue = [server for fleet, _ in endpoint.serving for server in fleet.every_server]
        rollout = endpoint.rollout
        if rollout is None or rollout.green_instances == 0:
            assert set(serving) == set(blue)
        if endpoint.status not in BUSY:
            assert sum(child.alive for child in self.world.children) == len(serving)

    def it_is_described_as_it_is(self) -> None:
        if not self.there:
            return
        described = self.described()
        if described["EndpointStatus"] == "InService":
            shape = {
                each["VariantName"]: (each["CurrentWeight"], each["CurrentInstanceCount"])
                for each in described["ProductionVariants"]
            }
            assert (described["EndpointConfigName"], shape) == (self.config, self.live)
            weights = {name: weight for name, (weight, _) in self.live.items()}
            shares = {each["variant"]: each["share"] for each in self.endpoint.router.traffic()}
            assert shares == pytest.approx({name: each / sum(weights.values()) for name, each in weights.items()})
        assert ("PendingDeploymentSummary" in described) == (self.endpoint.rollout is not None)

    def its_events_tell_of_every_change_in_order(self) -> None:
        own = [(kind, detail) for kind, detail in self.world.events if detail["EndpointName"] == self.name]
        states = [detail["EndpointStatus"] for kind, detail in own if kind == "SageMaker Endpoint State Change"]
        assert states == [] or states[0] == "CREATING"
        assert all(after in AFTER[before] for before, after in pairwise(states)), states
        if self.there and states:
            assert states[-1] == SPELT.get(self.endpoint.status, self.endpoint.status.upper())
        for kind, detail in own:
            if kind == "SageMaker Endpoint Deployment State Change":
                assert detail["EndpointStatus"] == "UPDATING"
                assert detail["PendingDeploymentSummary"]["EndpointConfigName"] != detail["EndpointConfigName"]

    def ledger_and_metrics_agree_with_what_was_served(self) -> None:
        if not self.there:
            return
        assert self.accounted() == self.served
        for config, variant in {(config, variant) for config, variant, _ in self.served}:
            served = {key[2]: count for key, count in self.served.items() if key[:2] == (config, variant)}
            isolated = {"EndpointName": self.name, "VariantName": variant, "EndpointConfigName": config}
            assert self.metered("Invocations", isolated) == sum(served.values())
            assert self.metered("Invocation5XXErrors", isolated) == served.get(500, 0)
        ever = self.before | self.served
        for variant in {variant for _, variant, _ in ever}:
            every = {"EndpointName": self.name, "VariantName": variant}
            counts = {key: count for key, count in ever.items() if key[1] == variant}
            assert self.metered("Invocations", every) == sum(counts.values())
            failed = sum(count for key, count in counts.items() if key[2] == 500)
            assert self.metered("Invocation5XXErrors", every) == failed

    def metered(self, metric: str, dimensions: dict[str, str]) -> float:
        with hooks.acting_in(ACCOUNT, REGION):
            points = hooks.metric_points(NAMESPACE, metric, dimensions)
        return sum(point["Value"] * point["Count"] for point in points)


def test_a_rolling_update_that_can_neither_go_on_nor_back_is_one_of_them() -> None:
    machine = AnEndpoint()

    def do(step: Callable[[], object]) -> str:
        step()
        machine.what_always_holds()
        return str(machine.endpoint.status)

    def update(deployment: dict[str, Any] | None) -> str:
        shape, none = {"A": (1.0, 4)}, set[str]()
        return do(lambda: machine.begin_update(shape, True, deployment, True, False, none, None, 0.0))

    rolling = {"RollingUpdatePolicy": {"MaximumBatchSize": size(1), "WaitIntervalInSeconds": 60}}
    try:
        do(lambda: machine.create({"A": (1.0, 4)}))
        assert update(rolling) == "Updating"
        do(lambda: machine.let_time_pass(70))
        machine.model_servers_change("none", 0.0)
        machine.the_alarm_changes(True)
        assert do(lambda: machine.let_time_pass(400)) == "UpdateRollbackFailed"
        do(lambda: machine.is_invoked(8, None, 200))
        assert len({config for config, _, _ in machine.served}) == 2
        machine.the_alarm_changes(False)
        machine.model_servers_change("all", 0.0)
        assert update(None) == "InService"
    finally:
        machine.teardown()


@pytest.mark.parametrize("hours", [-3, 3])
def test_a_bake_lasts_as_long_as_it_is_to_though_the_clock_jumps(hours: int) -> None:
    machine = AnEndpoint()
    try:
        machine.create({"A": (1.0, 4)})
        canary = blue_green("CANARY", 300, CanarySize=size(1))
        machine.begin_update({"A": (1.0, 4)}, True, canary, True, False, set(), 600, 0.0)
        machine.let_time_pass(70)
        machine.world.clock.jump(timedelta(hours=hours))
        machine.let_time_pass(20)
        [variant] = machine.described()["PendingDeploymentSummary"]["ProductionVariants"]
        [baking] = variant["VariantStatus"]
        assert (baking["Status"], variant["CurrentInstanceCount"]) == ("Baking", 1)
        assert machine.world.clock.now() - baking["StartTime"] == timedelta(seconds=90)
        # And the alarms are looked at for the rest of it.
        machine.the_alarm_changes(True)
        machine.let_time_pass(20)
        assert "canary's bake" in machine.described()["FailureReason"]
    finally:
        machine.teardown()


def test_nothing_that_happens_to_an_endpoint_breaks_what_holds_of_it() -> None:
    thorough = settings.get_current_profile_name() == "thorough"
    examples = settings.default.max_examples if thorough else EXAMPLES
    run_state_machine_as_test(AnEndpoint, settings=settings(max_examples=examples, stateful_step_count=STEPS))
