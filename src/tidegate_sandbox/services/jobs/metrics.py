"""Puts the metrics that a monitor's container left in files into CloudWatch, as SageMaker does.

https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-byoc-cloudwatch.html
"""

import json
import logging
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from tidegate_sandbox import context

_log = logging.getLogger(__name__)

_METRICS_A_CALL = 500


def publish_metrics(scope: context.Scope, namespace: str, folder: Path) -> None:
    """Put every metric in the files of `folder`, a JSON document a line, into `namespace`.

    A failure is logged and changes nothing for the job.
    """
    try:
        lines = [line for file in sorted(folder.glob("*")) for line in file.read_text().splitlines() if line.strip()]
        metrics = [json.loads(line) for line in lines]
        for start in range(0, len(metrics), _METRICS_A_CALL):
            part = metrics[start : start + _METRICS_A_CALL]
            scope.client("cloudwatch").put_metric_data(Namespace=namespace, MetricData=part)
    except (OSError, ValueError, ClientError, BotoCoreError) as error:
        _log.warning("the metrics in %s are not in CloudWatch: %s", folder, error)
