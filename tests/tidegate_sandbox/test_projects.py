"""SageMaker projects: a product launched under a name and an id."""

import re
import uuid

import pytest
from botocore.exceptions import ClientError
from publishing import ASSOCIATION, BROKEN, NAME_RULE, Publisher


@pytest.fixture(scope="module")
def publisher(sandbox):
    return Publisher(sandbox)


@pytest.fixture(scope="module")
def product(publisher):
    return publisher.publish()[1]["Product"]


@pytest.fixture
def sagemaker(sandbox):
    return sandbox.client("sagemaker")


@pytest.fixture
def settled(sagemaker, eventually):
    """Return a project once nothing happens to it any more."""

    def wait(name):
        def project():
            described = sagemaker.describe_project(ProjectName=name)
            return None if described["ProjectStatus"].endswith("InProgress") else described

        return eventually(project)

    return wait


def a_name():
    return f"Demo-{uuid.uuid4().hex[:8]}"


def create(sagemaker, product, name, **parameters):
    details = {"ProductId": product}
    if parameters:
        details["ProvisioningParameters"] = [{"Key": key, "Value": value} for key, value in parameters.items()]
    return sagemaker.create_project(ProjectName=name, ServiceCatalogProvisioningDetails=details)


def test_a_project_gets_an_id_and_its_stack_the_name_and_the_id(sandbox, sagemaker, product, settled):
    name = a_name()
    made = create(sagemaker, product, name)
    assert re.fullmatch(r"p-[a-z0-9]{12}", made["ProjectId"])
    assert made["ProjectArn"] == sandbox.arn("sagemaker", f"project/{name.lower()}")

    project = settled(name)
    assert project["ProjectStatus"] == "CreateCompleted"
    launched = project["ServiceCatalogProvisionedProductDetails"]["ProvisionedProductId"]
    (stack,) = sandbox.client("cloudformation").describe_stacks(StackName=f"SC-{sandbox.account}-{launched}")["Stacks"]
    given = {each["ParameterKey"]: each["ParameterValue"] for each in stack["Parameters"]}
    assert given == {"SageMakerProjectName": name, "SageMakerProjectId": made["ProjectId"]}
    tags = {tag["Key"]: tag["Value"] for tag in stack["Tags"]}
    assert tags["sagemaker:project-id"] == made["ProjectId"]
    assert tags["sagemaker:studio-visibility"] == "true"  # the product's


@pytest.mark.parametrize("name", ["x" * 33, "{{ 7*7 }}", "ends-", "-starts", "two words", "ünïcode"])
def test_a_name_that_sagemaker_does_not_take_is_refused_at_launch(sagemaker, product, name):
    with pytest.raises(ClientError) as refused:
        create(sagemaker, product, name)
    assert refused.value.response["Error"]["Code"] == "ValidationException"
    assert "at 'projectName' failed to satisfy constraint: Member must" in refused.value.response["Error"]["Message"]


def test_a_name_can_be_used_once(sagemaker, product):
    name = a_name()
    create(sagemaker, product, name)
    with pytest.raises(ClientError, match="Project already exists"):
        create(sagemaker, product, name)


def test_parameters_that_the_template_does_not_take_leave_nothing_behind(sagemaker, product):
    name = a_name()
    with pytest.raises(ClientError, match=r"ValidationException.*do not exist in the template"):
        create(sagemaker, product, name, Colour="blue")
    with pytest.raises(ClientError, match=f"Project {name} does not exist"):
        sagemaker.describe_project(ProjectName=name)


def test_the_names_that_sagemaker_gives_cannot_be_given(sagemaker, product):
    with pytest.raises(ClientError, match="SageMakerProjectId are SageMaker's to give"):
        create(sagemaker, product, a_name(), SageMakerProjectId="p-mine")


def test_a_project_whose_stack_fails_says_which_resource_and_why(publisher, sagemaker, settled):
    _, outputs = publisher.publish(BROKEN)
    name = a_name()
    create(sagemaker, outputs["Product"], name)
    project = settled(name)
    assert project["ProjectStatus"] == "CreateFailed"
    reason = project["ServiceCatalogProvisionedProductDetails"]["ProvisionedProductStatusMessage"]
    assert reason == f"Held ({ASSOCIATION}): Product none not found."


def test_deleting_a_project_deletes_its_stack(sandbox, sagemaker, product, settled):
    name = a_name()
    create(sagemaker, product, name)
    launched = settled(name)["ServiceCatalogProvisionedProductDetails"]["ProvisionedProductId"]
    sagemaker.delete_project(ProjectName=name)
    assert settled(name)["ProjectStatus"] == "DeleteCompleted"
    with pytest.raises(ClientError, match="does not exist"):
        sandbox.client("cloudformation").describe_stacks(StackName=f"SC-{sandbox.account}-{launched}")


def test_projects_are_listed_by_name(sagemaker, product):
    names = sorted(a_name() for _ in range(2))
    for name in names:
        create(sagemaker, product, name)
    listed = sagemaker.list_projects(SortBy="Name", NameContains=names[0].lower())["ProjectSummaryList"]
    assert [each["ProjectName"] for each in listed] == names[:1]


def test_a_template_provider_is_refused_by_name(sagemaker):
    provider = {"CfnTemplateProvider": {"TemplateName": "t", "TemplateURL": "https://s3.amazonaws.com/b/k"}}
    with pytest.raises(ClientError, match="TemplateProviders is not in the local simulation"):
        sagemaker.create_project(ProjectName=a_name(), TemplateProviders=[provider])


def test_another_region_has_projects_of_its_own(sandbox, sagemaker, product):
    name = a_name()
    create(sagemaker, product, name)
    elsewhere = sandbox.client("sagemaker", region="us-west-2")
    with pytest.raises(ClientError, match="does not exist"):
        elsewhere.describe_project(ProjectName=name)


def test_the_rule_of_the_template_reaches_who_launches_the_project(sagemaker, publisher):
    strict = {
        **{"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}},
        "Parameters": {
            "SageMakerProjectName": {"Type": "String", "MaxLength": 3, "ConstraintDescription": NAME_RULE},
            "SageMakerProjectId": {"Type": "String"},
        },
    }
    _, outputs = publisher.publish(strict)
    with pytest.raises(ClientError, match=re.escape(NAME_RULE)):
        create(sagemaker, outputs["Product"], a_name())
