"""What differs from region to region, held to what AWS's own packages say."""

import importlib.resources
import importlib.util
import json

import botocore
import pytest
from botocore.loaders import Loader
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from tidegate.render.images import monitor_image
from tidegate.render.partitions import partition_of
from tidegate.stage.model_monitor import REGISTRIES, WITHOUT_JOB_DEFINITIONS

PARTITIONS = {
    region: partition
    for partition in Loader().load_data("partitions")["partitions"]
    for region in partition["regions"]
    if not region.endswith("-global")
}


@pytest.mark.parametrize("region", PARTITIONS)
def test_a_regions_partition_is_the_one_that_botocore_puts_it_in(region):
    expected = PARTITIONS[region]
    assert partition_of(region) == (expected["id"], expected["outputs"]["dnsSuffix"]), botocore.__version__


@pytest.mark.parametrize("region", sorted(REGISTRIES))
def test_a_monitor_is_offered_where_cloudformation_can_make_it(region):
    known = "AWS::SageMaker::DataQualityJobDefinition" in PROVIDER_SCHEMA_MANAGER.get_resource_types(region)
    assert known == (region not in WITHOUT_JOB_DEFINITIONS)


def test_an_image_is_in_the_regions_own_registry():
    expected = "468650794304.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-model-monitor-analyzer"
    assert monitor_image("eu-west-1") == expected


def test_the_registries_are_accounts_of_regions_that_botocore_knows():
    assert set(REGISTRIES) <= set(PARTITIONS)
    assert len(set(REGISTRIES.values())) == len(REGISTRIES)
    assert all(account.isdecimal() and len(account) == 12 for account in REGISTRIES.values())


@pytest.mark.skipif(importlib.util.find_spec("sagemaker") is None, reason="the SageMaker SDK is not installed here")
def test_the_registries_are_those_of_the_sagemaker_sdk():
    table = importlib.resources.files("sagemaker") / "core/image_uri_config/model-monitor.json"
    (version,) = json.loads(table.read_text())["versions"].values()
    assert version["registries"] == REGISTRIES
