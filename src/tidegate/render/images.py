"""The container image of Model Monitor, region by region.

Source: the SageMaker Python SDK 3.27.0, `sagemaker/core/image_uri_config/model-monitor.json`.
"""

from typing import Final

from tidegate.render.partitions import partition_of
from tidegate.stage.model_monitor import REGISTRIES

REPOSITORY: Final = "sagemaker-model-monitor-analyzer"


def monitor_image(region: str) -> str:
    """Return the address of Model Monitor's image in a region; a valid stage has no monitor where there is none."""
    return f"{REGISTRIES[region]}.dkr.ecr.{region}.{partition_of(region).dns_suffix}/{REPOSITORY}"
