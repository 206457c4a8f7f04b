"""Service Catalog: publish a product, launch it, take it back."""

import json
import uuid

import pytest
from botocore.exceptions import ClientError
from publishing import ASSOCIATION, BROKEN, NAME_RULE, TEMPLATE, Publisher

from tidegate_sandbox.services.catalog import launches


@pytest.fixture(scope="module")
def publisher(sandbox):
    return Publisher(sandbox)


@pytest.fixture(scope="module")
def product(publisher):
    return publisher.publish()[1]["Product"]


def test_a_stack_publishes_a_product_that_studio_can_find(publisher):
    _, outputs = publisher.publish()
    catalog = publisher.catalog

    described = catalog.describe_product_as_admin(Id=outputs["Product"])
    assert described["Tags"] == [{"Key": "sagemaker:studio-visibility", "Value": "true"}]
    assert [each["Id"] for each in described["ProvisioningArtifactSummaries"]] == [outputs["Versions"]]
    found = catalog.search_products(Filters={"FullTextSearch": ["guarded"]})["ProductViewSummaries"]
    assert outputs["Product"] in [each["ProductId"] for each in found]
    (path,) = catalog.list_launch_paths(ProductId=outputs["Product"])["LaunchPathSummaries"]
    assert path["ConstraintSummaries"] == [{"Type": "LAUNCH"}]
    principals = catalog.list_principals_for_portfolio(PortfolioId=outputs["Portfolio"])["Principals"]
    assert [each["PrincipalARN"] for each in principals] == ["arn:aws:iam::111122223333:role/studio"]


def test_a_launch_is_told_beforehand_what_it_will_be_asked(publisher, product):
    asked = publisher.catalog.describe_provisioning_parameters(ProductId=product)
    name, project_id = asked["ProvisioningArtifactParameters"]
    assert (name["ParameterKey"], name["ParameterType"], name["IsNoEcho"]) == ("SageMakerProjectName", "String", False)
    assert "DefaultValue" not in name
    assert name["ParameterConstraints"] == {
        "AllowedPattern": "^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,31}$",
        "ConstraintDescription": NAME_RULE,
        "MaxLength": "32",
    }
    assert project_id["ParameterConstraints"] == {}
    assert asked["ConstraintSummaries"] == [{"Type": "LAUNCH"}]
    with pytest.raises(ClientError, match="No launch paths found"):
        publisher.catalog.describe_provisioning_parameters(ProductId=product, PathId="lpv2-none")


def test_updating_the_stack_adds_a_version_and_keeps_the_id_of_the_one_before(publisher):
    role, url = publisher.role(), publisher.template(TEMPLATE)
    name = f"publish-{uuid.uuid4().hex[:8]}"
    cloudformation = publisher.sandbox.client("cloudformation")
    cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(publisher.stack(role, ("1.0.0", url))))
    before = publisher.outputs(name, "stack_create_complete")

    body = json.dumps(publisher.stack(role, ("1.0.0", url), ("1.1.0", url)))
    cloudformation.update_stack(StackName=name, TemplateBody=body)
    after = publisher.outputs(name, "stack_update_complete")

    assert after["Product"] == before["Product"]
    assert after["Versions"].split(",")[0] == before["Versions"]
    listed = publisher.catalog.list_provisioning_artifacts(ProductId=after["Product"])
    assert [each["Name"] for each in listed["ProvisioningArtifactDetails"]] == ["1.0.0", "1.1.0"]


def test_a_deprecated_version_is_not_launched_any_more_but_what_was_launched_of_it_can_be_updated(
    publisher, eventually
):
    _, outputs = publisher.publish()
    catalog, version = (
        publisher.catalog,
        {"ProductId": outputs["Product"], "ProvisioningArtifactId": outputs["Versions"]},
    )
    launched = publisher.launch(outputs["Product"], SageMakerProjectName="before")
    publisher.finished(launched, eventually)

    changed = catalog.update_provisioning_artifact(**version, Guidance="DEPRECATED")
    assert changed["ProvisioningArtifactDetail"]["Guidance"] == "DEPRECATED"
    assert catalog.describe_provisioning_artifact(**version)["ProvisioningArtifactDetail"]["Guidance"] == "DEPRECATED"
    with pytest.raises(ClientError, match="is deprecated"):
        publisher.launch(outputs["Product"])

    update = catalog.update_provisioned_product(
        ProvisionedProductId=launched["ProvisionedProductId"],
        ProvisioningParameters=[{"Key": "SageMakerProjectName", "Value": "after"}],
        UpdateToken=uuid.uuid4().hex,
    )["RecordDetail"]
    done = publisher.finished(update, eventually)
    assert (done["RecordDetail"]["RecordType"], done["RecordDetail"]["Status"]) == (
        "UPDATE_PROVISIONED_PRODUCT",
        "SUCCEEDED",
    )
    stack = f"SC-{publisher.sandbox.account}-{launched['ProvisionedProductId']}"
    (described,) = publisher.sandbox.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    given = {each["ParameterKey"]: each["ParameterValue"] for each in described["Parameters"]}
    assert given["SageMakerProjectName"] == "after"

    catalog.update_provisioning_artifact(**version, Guidance="DEFAULT")
    publisher.finished(publisher.launch(outputs["Product"]), eventually)


def test_an_inactive_version_is_not_shown_and_not_launched(publisher):
    _, outputs = publisher.publish()
    version = {"ProductId": outputs["Product"], "ProvisioningArtifactId": outputs["Versions"]}
    publisher.catalog.update_provisioning_artifact(**version, Active=False)
    assert publisher.catalog.describe_product(Id=outputs["Product"])["ProvisioningArtifacts"] == []
    with pytest.raises(ClientError, match="has no provisioning artifact"):
        publisher.launch(outputs["Product"])


def test_deleting_the_stack_takes_the_product_back(publisher):
    name, outputs = publisher.publish()
    cloudformation = publisher.sandbox.client("cloudformation")
    cloudformation.delete_stack(StackName=name)
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig={"Delay": 0.2})
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        publisher.catalog.describe_product_as_admin(Id=outputs["Product"])


def test_a_product_whose_template_is_not_in_s3_is_refused(publisher):
    with pytest.raises(ClientError, match="cannot be read") as refused:
        publisher.catalog.create_product(
            Name="x",
            Owner="x",
            ProductType="CLOUD_FORMATION_TEMPLATE",
            ProvisioningArtifactParameters={"Info": {"LoadTemplateFromURL": "https://s3.amazonaws.com/none-such/key"}},
        )
    assert refused.value.response["Error"]["Code"] == "InvalidParametersException"


def test_a_launch_becomes_a_stack_and_its_outputs_the_records(publisher, product, eventually):
    record = publisher.launch(product, SageMakerProjectId="p-launched")

    done = publisher.finished(record, eventually)
    assert done["RecordDetail"]["Status"] == "SUCCEEDED"
    outputs = {each["OutputKey"]: each["OutputValue"] for each in done["RecordOutputs"]}
    assert outputs["Topic"].endswith(":p-launched")
    stack = f"SC-{publisher.sandbox.account}-{record['ProvisionedProductId']}"
    assert f":stack/{stack}/" in outputs["CloudformationStackARN"]
    described = publisher.catalog.describe_provisioned_product(Id=record["ProvisionedProductId"])
    assert described["ProvisionedProductDetail"]["Status"] == "AVAILABLE"
    found = publisher.catalog.search_provisioned_products(
        Filters={"SearchQuery": [f"id:{record['ProvisionedProductId']}"]}
    )
    assert [each["PhysicalId"] for each in found["ProvisionedProducts"]] == [stack]


def test_a_record_that_is_said_to_have_succeeded_has_its_outputs(monkeypatch):
    record = {"RecordId": "rec-1", "Status": "IN_PROGRESS"}

    class FinishedMeanwhile(dict):
        def get(self, key, default=None):
            found = super().get(key, default)
            self[key] = [{"OutputKey": "Topic", "OutputValue": "topic"}]
            record["Status"] = "SUCCEEDED"
            return found

    made = launches.Launches(records={"rec-1": record}, outputs=FinishedMeanwhile())
    monkeypatch.setattr(launches.state, "here", lambda: made)
    first, second = (launches.describe_record({"Id": "rec-1"}) for _ in range(2))
    assert (first["RecordDetail"]["Status"], first["RecordOutputs"]) == ("IN_PROGRESS", [])
    assert second["RecordDetail"]["Status"] == "SUCCEEDED"
    assert [each["OutputKey"] for each in second["RecordOutputs"]] == ["Topic"]


def test_a_launch_with_a_bad_parameter_is_refused_with_the_templates_own_sentence(publisher, product):
    with pytest.raises(ClientError) as refused:
        publisher.launch(product, SageMakerProjectName="{{ 7*7 }}")
    assert refused.value.response["Error"]["Code"] == "InvalidParametersException"
    assert NAME_RULE in refused.value.response["Error"]["Message"]


def test_a_launch_with_a_parameter_that_the_template_lacks_is_refused(publisher, product):
    with pytest.raises(ClientError, match=r"\[Colour\] do not exist in the template"):
        publisher.launch(product, Colour="blue")


def test_a_launch_of_a_role_that_is_not_there_is_refused(publisher):
    _, outputs = publisher.publish(role="arn:aws:iam::111122223333:role/none-such")
    with pytest.raises(ClientError, match="Access denied while assuming the role"):
        publisher.launch(outputs["Product"])


def test_a_launch_whose_stack_fails_says_which_resource_and_why(publisher, eventually):
    _, outputs = publisher.publish(BROKEN)
    done = publisher.finished(publisher.launch(outputs["Product"]), eventually)
    assert done["RecordDetail"]["Status"] == "FAILED"
    (error,) = done["RecordDetail"]["RecordErrors"]
    assert error["Description"].startswith(f"Held ({ASSOCIATION}): Product none not found")


def test_a_name_can_be_launched_once(publisher, product, eventually):
    name = f"launch-{uuid.uuid4().hex[:8]}"
    record = publisher.launch(product, name)
    with pytest.raises(ClientError, match="DuplicateResourceException"):
        publisher.launch(product, name)
    publisher.finished(record, eventually)


def test_terminating_deletes_the_stack(publisher, product, eventually):
    launched = publisher.finished(publisher.launch(product), eventually)["RecordDetail"]
    record = publisher.catalog.terminate_provisioned_product(ProvisionedProductId=launched["ProvisionedProductId"])
    assert publisher.finished(record["RecordDetail"], eventually)["RecordDetail"]["Status"] == "SUCCEEDED"
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        publisher.catalog.describe_provisioned_product(Id=launched["ProvisionedProductId"])


def test_what_is_in_use_cannot_be_deleted(publisher):
    _, outputs = publisher.publish()
    for delete, what in (("delete_product", "Product"), ("delete_portfolio", "Portfolio")):
        with pytest.raises(ClientError, match="ResourceInUseException"):
            getattr(publisher.catalog, delete)(Id=outputs[what])


def test_an_operation_that_is_not_there_answers_501_by_name(publisher):
    with pytest.raises(ClientError, match="servicecatalog:ListTagOptions is not in the local simulation") as refused:
        publisher.catalog.list_tag_options()
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
