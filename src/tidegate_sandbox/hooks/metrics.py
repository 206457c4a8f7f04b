"""Every name of ministack's CloudWatch that alarms and their expressions rely on, beside those in hooks."""

from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from typing import Any
from xml.sax.saxutils import escape

from ministack.services import cloudwatch as _cloudwatch
from ministack.services.cloudformation import provisioners as _provisioners

from tidegate_sandbox.errors import AwsError

Alarm = dict[str, Any]
"""An alarm as DescribeAlarms knows it, live: what is changed in it is changed. A composite one has an AlarmRule."""

RELIED_ON: list[tuple[Any, str]] = [
    (_cloudwatch, "_alarms"),
    (_cloudwatch, "_cbor_datapoint"),
    (_cloudwatch, "_cbor_metric_data_result"),
    (_cloudwatch, "_cbor_ok"),
    (_cloudwatch, "_composite_alarms"),
    (_cloudwatch, "_delete_alarms"),
    (_cloudwatch, "_dispatch_alarm_actions"),
    (_cloudwatch, "_error"),
    (_cloudwatch, "_evaluate_alarm"),
    (_cloudwatch, "_evaluate_all_alarms"),
    (_cloudwatch, "_get_metric_data"),
    (_cloudwatch, "_get_metric_statistics"),
    (_cloudwatch, "_json_ok"),
    (_cloudwatch, "_p"),
    (_cloudwatch, "_put_composite_alarm"),
    (_cloudwatch, "_put_metric_alarm"),
    (_cloudwatch, "_ts_iso"),
    (_cloudwatch, "_xml"),
    (_provisioners, "_cw_metric_alarm_record"),
]

_metrics_put: ContextVar[list[Any] | None] = ContextVar("_metrics_put", default=None)


def replace_alarm_evaluation(
    refuse_request: Callable[[Alarm], str | None],
    refuse: Callable[[Alarm], str | None],
    on_put: Callable[[Alarm], None],
) -> None:
    """Evaluate no alarm when data comes in, and call `on_put` for each that was put, by API or CloudFormation.

    `refuse_request` says first why a request of such parameters is refused, and `refuse`, once ministack has given an
    alarm its defaults, why it cannot be evaluated; None if it can.
    """
    stock_put = _cloudwatch._put_metric_alarm
    stock_record = _provisioners._cw_metric_alarm_record

    def put_by_api(params: Any, data: dict[str, Any], is_cbor: bool, is_json: bool = False) -> Any:
        if is_cbor or is_json:
            sentence = refuse_request(data)
        else:  # what ministack does not read of a form would be passed over
            by_form = any(name.startswith("Metrics.member.") for name in params)
            sentence = (
                "Metrics by the query protocol are not in the local simulation: use CBOR or JSON" if by_form else None
            )
        if sentence is not None:
            return _cloudwatch._error("ValidationError", sentence, 400, use_json=is_json, use_cbor=is_cbor)
        token = _metrics_put.set(data.get("Metrics") or None)
        name = data.get("AlarmName") or _cloudwatch._p(params, "AlarmName")
        before = _cloudwatch._alarms.get(name)
        try:
            return stock_put(params, data, is_cbor, is_json)
        except ValueError as error:
            if before is not None:
                _cloudwatch._alarms[name] = before
            return _cloudwatch._error("ValidationError", str(error), 400, use_json=is_json, use_cbor=is_cbor)
        finally:
            _metrics_put.reset(token)

    def record_of(name: str, properties: dict[str, Any]) -> Alarm:
        queries = properties.get("Metrics")
        if not queries:
            return dict(stock_record(name, properties))
        # ministack's own knows alarms on one metric only, and asks for its name.
        others = {key: value for key, value in properties.items() if key != "Metrics"}
        named = {"MetricName": "-", "Namespace": "-"}
        return _on_metrics(stock_record(name, others | named), queries) | {
            key: properties[key] for key in named if properties.get(key)
        }

    def stored(alarm: Alarm) -> None:
        if queries := _metrics_put.get():
            made = _on_metrics(alarm, queries)
            alarm.clear()
            alarm.update(made)
        sentence = refuse(alarm)
        if sentence is not None:  # by CloudFormation, which reports a ValueError as the resource's failure
            _cloudwatch._alarms.pop(alarm["AlarmName"], None)
            raise ValueError(sentence)
        on_put(alarm)

    _cloudwatch._put_metric_alarm = put_by_api
    _provisioners._cw_metric_alarm_record = record_of
    _cloudwatch._evaluate_alarm = stored
    _cloudwatch._evaluate_all_alarms = lambda: None


def _on_metrics(alarm: Mapping[str, Any], queries: list[Any]) -> Alarm:
    of_one = ("MetricName", "Namespace", "Statistic", "ExtendedStatistic", "Period", "Dimensions", "Unit")
    return {**{key: value for key, value in alarm.items() if key not in of_one}, "Metrics": queries}


def replace_metric_data(answer: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Let `answer` answer GetMetricData, in botocore's shapes but for Timestamps, which are in epoch seconds."""

    def get(params: Any, data: dict[str, Any], is_cbor: bool, is_json: bool = False) -> Any:
        try:
            told = answer(data if is_cbor or is_json else _nested(params))
        except AwsError as error:
            return _cloudwatch._error(error.code, error.message, error.status, use_json=is_json, use_cbor=is_cbor)
        results = told["MetricDataResults"]
        if is_cbor:
            results = [_cloudwatch._cbor_metric_data_result(one) for one in results]
            return _cloudwatch._cbor_ok({**told, "MetricDataResults": results})
        return _cloudwatch._json_ok(told) if is_json else _as_xml(told)

    _cloudwatch._get_metric_data = get


def replace_metric_statistics(answer: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Let `answer` answer GetMetricStatistics, in botocore's shapes but for Timestamp, which is in epoch seconds."""

    def get(params: Any, data: dict[str, Any], is_cbor: bool, is_json: bool = False) -> Any:
        try:
            told = answer(data if is_cbor or is_json else _nested(params))
        except AwsError as error:
            return _cloudwatch._error(error.code, error.message, error.status, use_json=is_json, use_cbor=is_cbor)
        if is_cbor:
            points = [_cloudwatch._cbor_datapoint(one) for one in told["Datapoints"]]
            return _cloudwatch._cbor_ok({**told, "Datapoints": points})
        return _cloudwatch._json_ok(told) if is_json else _statistics_as_xml(told)

    _cloudwatch._get_metric_statistics = get


def _statistics_as_xml(told: Mapping[str, Any]) -> Any:
    members = "".join(f"<member>{_datapoint(one)}</member>" for one in told["Datapoints"])
    inner = f"<Label>{escape(told['Label'])}</Label><Datapoints>{members}</Datapoints>"
    wrapped = f"<GetMetricStatisticsResult>{inner}</GetMetricStatisticsResult>"
    return _cloudwatch._xml(200, "GetMetricStatisticsResponse", wrapped)


def _datapoint(point: Mapping[str, Any]) -> str:
    plain = {key: value for key, value in point.items() if key not in ("Timestamp", "ExtendedStatistics")}
    told = "".join(f"<{key}>{value}</{key}>" for key, value in plain.items())
    entries = "".join(
        f"<entry><key>{key}</key><value>{value}</value></entry>"
        for key, value in point.get("ExtendedStatistics", {}).items()
    )
    extended = f"<ExtendedStatistics>{entries}</ExtendedStatistics>" if entries else ""
    return f"<Timestamp>{_cloudwatch._ts_iso(point['Timestamp'])}</Timestamp>{told}{extended}"


def _nested(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a form says, such as MetricDataQueries.member.1.Id=m1; its values stay texts."""
    root: dict[str, Any] = {}
    for key, values in params.items():
        *path, last = key.split(".")
        node = root
        for part in path:
            node = node.setdefault(part, {})
        node[last] = values[0] if isinstance(values, list) else values
    for extra in ("Action", "Version"):
        root.pop(extra, None)
    return {key: _listed(value) for key, value in root.items()}


def _listed(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if set(value) == {"member"}:
        return [_listed(one) for _, one in sorted(value["member"].items(), key=lambda item: int(item[0]))]
    return {key: _listed(one) for key, one in value.items()}


def _as_xml(told: Mapping[str, Any]) -> Any:
    members = "".join(_member(one) for one in told["MetricDataResults"])
    token = f"<NextToken>{told['NextToken']}</NextToken>" if "NextToken" in told else ""
    inner = f"<MetricDataResults>{members}</MetricDataResults>{token}"
    return _cloudwatch._xml(200, "GetMetricDataResponse", f"<GetMetricDataResult>{inner}</GetMetricDataResult>")


def _member(result: Mapping[str, Any]) -> str:
    moments = "".join(f"<member>{_cloudwatch._ts_iso(at)}</member>" for at in result["Timestamps"])
    values = "".join(f"<member>{value}</member>" for value in result["Values"])
    return (
        f"<member><Id>{result['Id']}</Id><Label>{escape(result['Label'])}</Label>"
        f"<StatusCode>{result['StatusCode']}</StatusCode>"
        f"<Timestamps>{moments}</Timestamps><Values>{values}</Values></member>"
    )


# ---------------------------------------------------------------- composite alarms, and what alarms do
Act = Callable[[Alarm, str, str, str], None]
"""Does what follows a change: the alarm, its state before, its state now, and why."""

_stock_actions = _cloudwatch._dispatch_alarm_actions


def replace_alarm_actions(changed: Act) -> None:
    """Have `changed` called for each change of an alarm's state, in place of what sends its notices."""
    _cloudwatch._dispatch_alarm_actions = changed


def send_notices(alarm: Alarm, before: str, now: str, reason: str) -> None:
    """Do what the alarm has for its state: notices to SNS."""
    _stock_actions(alarm, before, now, reason)


def composite_alarm(name: str) -> Alarm | None:
    """Return a composite alarm of the current scope."""
    found: Alarm | None = _cloudwatch._composite_alarms.get(name)
    return found


def composite_alarms() -> list[tuple[str, str, Alarm]]:
    """Return every composite alarm with its account and region."""
    return [(account, region, alarm) for (account, region, _), alarm in _cloudwatch._composite_alarms.all_items()]


def any_alarm(name_or_arn: str) -> Alarm | None:
    """Return an alarm of the current scope, of either kind, by its name or its ARN."""
    name = name_or_arn.rpartition(":alarm:")[2]
    found: Alarm | None = _cloudwatch._alarms.get(name) or _cloudwatch._composite_alarms.get(name)
    return found


def replace_composite_alarms(
    refuse: Callable[[Alarm], str | None], put: Callable[[Alarm, Callable[[], Any]], Any]
) -> None:
    """Have PutCompositeAlarm first say by `refuse` why not, and then go on through `put`, which calls what it gets.

    An alarm that `put` gives is one of the request's parameters. No alarm is deleted that suppresses another's actions.
    """
    stock_put, stock_delete = _cloudwatch._put_composite_alarm, _cloudwatch._delete_alarms

    def put_by_api(params: Any, data: dict[str, Any], is_cbor: bool, is_json: bool = False) -> Any:
        given = data if is_cbor or is_json else _nested(params)
        sentence = refuse(given)
        if sentence is not None:
            return _cloudwatch._error("ValidationError", sentence, 400, use_json=is_json, use_cbor=is_cbor)
        return put(given, lambda: stock_put(params, data, is_cbor, is_json))

    def delete_by_api(params: Any, data: dict[str, Any], is_cbor: bool, is_json: bool = False) -> Any:
        given = data if is_cbor or is_json else _nested(params)
        names = given.get("AlarmNames") or []
        if needed := suppressors(names):
            sentence = f"Cannot delete {needed} as there are composite alarm(s) depending on it."
            return _cloudwatch._error("ValidationError", sentence, 400, use_json=is_json, use_cbor=is_cbor)
        return stock_delete(params, data, is_cbor, is_json)

    _cloudwatch._put_composite_alarm = put_by_api
    _cloudwatch._delete_alarms = delete_by_api


def suppressors(names: Sequence[str]) -> str | None:
    """Return one of the alarms `names` that suppresses the actions of another alarm, None where none does."""
    others = [one for one in _cloudwatch._composite_alarms.values() if one["AlarmName"] not in names]
    used = {one["ActionsSuppressor"].rpartition(":alarm:")[2] for one in others if one.get("ActionsSuppressor")}
    return next((name for name in names if name in used), None)
