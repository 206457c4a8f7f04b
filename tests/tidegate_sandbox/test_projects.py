"""SageMaker projects: a product launched under a name and an id."""

import re
import uuid

import pytest
from botocore.exceptions import ClientError
from publishing import ASSOCIATION, BROKEN, NAME_RULE, TEMPLATE, Publisher


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


def test_given_a_deletion_failed_then_once_it_succeeds_nothing_more_is_said_of_the_failure(
    sandbox, sagemaker, product, settled
):
    name = a_name()
    create(sagemaker, product, name)
    launched = settled(name)["ServiceCatalogProvisionedProductDetails"]
    stack = f"SC-{sandbox.account}-{launched['ProvisionedProductId']}"
    cloudformation = sandbox.client("cloudformation")
    cloudformation.update_termination_protection(StackName=stack, EnableTerminationProtection=True)
    sagemaker.delete_project(ProjectName=name)
    project = settled(name)
    assert project["ProjectStatus"] == "DeleteFailed"
    assert (
        "TerminationProtection" in project["ServiceCatalogProvisionedProductDetails"]["ProvisionedProductStatusMessage"]
    )

    cloudformation.update_termination_protection(StackName=stack, EnableTerminationProtection=False)
    sagemaker.delete_project(ProjectName=name)
    project = settled(name)
    assert (project["ProjectStatus"], project["ServiceCatalogProvisionedProductDetails"]) == (
        "DeleteCompleted",
        launched,
    )


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


def from_s3(url, **also):
    return [{"CfnTemplateProvider": {"TemplateName": "tidegate", "TemplateURL": url, **also}}]


def test_a_project_of_a_template_in_s3_has_a_stack_of_its_own_made_with_the_role_that_is_named(
    sandbox, publisher, sagemaker, settled
):
    name, url, role = a_name(), publisher.template(TEMPLATE), publisher.role("cloudformation")
    made = sagemaker.create_project(ProjectName=name, TemplateProviders=from_s3(url, RoleARN=role))
    project = settled(name)
    assert project["ProjectStatus"] == "CreateCompleted"
    detail = project["TemplateProviderDetails"][0]["CfnTemplateProviderDetail"]
    assert (detail["TemplateURL"], detail["RoleARN"]) == (url, role)
    (stack,) = sandbox.client("cloudformation").describe_stacks(StackName=detail["StackDetail"]["Name"])["Stacks"]
    assert stack["StackName"].startswith("SP-")
    given = {each["ParameterKey"]: each["ParameterValue"] for each in stack["Parameters"]}
    assert given == {"SageMakerProjectName": name, "SageMakerProjectId": made["ProjectId"]}
    assert {"Key": "sagemaker:project-id", "Value": made["ProjectId"]} in stack["Tags"]

    sagemaker.delete_project(ProjectName=name)
    assert settled(name)["ProjectStatus"] == "DeleteCompleted"
    with pytest.raises(ClientError, match="does not exist"):
        sandbox.client("cloudformation").describe_stacks(StackName=stack["StackName"])


def test_a_project_of_a_template_in_s3_whose_stack_fails_says_which_resource_and_why(publisher, sagemaker, settled):
    name = a_name()
    sagemaker.create_project(ProjectName=name, TemplateProviders=from_s3(publisher.template(BROKEN)))
    project = settled(name)
    assert project["ProjectStatus"] == "CreateFailed"
    stack = project["TemplateProviderDetails"][0]["CfnTemplateProviderDetail"]["StackDetail"]
    assert stack["StatusMessage"] == f"Held ({ASSOCIATION}): Product none not found."


def test_a_template_in_s3_is_held_to_before_anything_is_made(publisher, sagemaker):
    name, url = a_name(), publisher.template(TEMPLATE)
    colour = [{"Key": "Colour", "Value": "blue"}]
    for providers, reason in (
        (from_s3(url, Parameters=colour), r"\[Colour\] do not exist in the template"),
        (from_s3(url + "-not"), "cannot be read"),
        (from_s3(url, Parameters=[{"Key": "SageMakerProjectId", "Value": "p-1"}]), "are SageMaker's to give"),
    ):
        with pytest.raises(ClientError, match=f"ValidationException.*{reason}"):
            sagemaker.create_project(ProjectName=name, TemplateProviders=providers)
    with pytest.raises(ClientError, match=r"Either .* or .* must be given"):
        sagemaker.create_project(ProjectName=name)
    with pytest.raises(ClientError, match=f"Project {name} does not exist"):
        sagemaker.describe_project(ProjectName=name)


WITH_COLOUR = TEMPLATE | {
    "Parameters": TEMPLATE["Parameters"] | {"Colour": {"Type": "String", "Default": "blue"}},
    "Outputs": {"Colour": {"Value": {"Ref": "Colour"}}},
}


def test_a_project_of_a_template_in_s3_is_updated_to_another_template_and_keeps_what_it_was_given(
    sandbox, publisher, sagemaker, settled
):
    name, url = a_name(), publisher.template(TEMPLATE)
    sagemaker.create_project(ProjectName=name, TemplateProviders=from_s3(url))
    settled(name)
    newer = publisher.template(WITH_COLOUR)
    red = [{"Key": "Colour", "Value": "red"}]
    sagemaker.update_project(ProjectName=name, TemplateProvidersToUpdate=from_s3(newer, Parameters=red))
    project = settled(name)
    assert project["ProjectStatus"] == "UpdateCompleted"
    detail = project["TemplateProviderDetails"][0]["CfnTemplateProviderDetail"]
    assert detail["TemplateURL"] == newer
    assert outputs(sandbox, detail["StackDetail"]["Name"]) == {"Colour": "red"}

    sagemaker.update_project(ProjectName=name, TemplateProvidersToUpdate=from_s3(newer))
    assert settled(name)["ProjectStatus"] == "UpdateCompleted"  # with nothing to change
    assert outputs(sandbox, detail["StackDetail"]["Name"]) == {"Colour": "red"}


def test_a_project_of_a_product_is_updated_to_the_newest_version_or_to_the_one_that_is_named(
    sandbox, publisher, sagemaker, settled
):
    name, product = a_name(), publisher.publish()[1]["Product"]
    create(sagemaker, product, name)
    launched = settled(name)["ServiceCatalogProvisionedProductDetails"]["ProvisionedProductId"]
    (first,) = publisher.catalog.list_provisioning_artifacts(ProductId=product)["ProvisioningArtifactDetails"]
    second = publisher.catalog.create_provisioning_artifact(
        ProductId=product,
        Parameters={"Name": "2", "Info": {"LoadTemplateFromURL": publisher.template(WITH_COLOUR)}},
        IdempotencyToken=uuid.uuid4().hex,
    )["ProvisioningArtifactDetail"]
    stack = f"SC-{sandbox.account}-{launched}"
    sagemaker.update_project(ProjectName=name, ServiceCatalogProvisioningUpdateDetails={})
    project = settled(name)
    assert project["ProjectStatus"] == "UpdateCompleted"
    assert project["ServiceCatalogProvisioningDetails"]["ProvisioningArtifactId"] == second["Id"]
    assert outputs(sandbox, stack) == {"Colour": "blue"}

    sagemaker.update_project(
        ProjectName=name, ServiceCatalogProvisioningUpdateDetails={"ProvisioningArtifactId": first["Id"]}
    )
    assert settled(name)["ProjectStatus"] == "UpdateCompleted"
    assert "Topic" in outputs(sandbox, stack)


def outputs(sandbox, stack):
    (described,) = sandbox.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    return {each["OutputKey"]: each["OutputValue"] for each in described["Outputs"]}


def test_a_project_is_updated_the_way_it_was_launched(sagemaker, product, publisher, settled):
    name = a_name()
    create(sagemaker, product, name)
    settled(name)
    with pytest.raises(ClientError, match="is not of a template in S3"):
        sagemaker.update_project(ProjectName=name, TemplateProvidersToUpdate=from_s3(publisher.template(TEMPLATE)))


def test_there_is_one_studio_domain_that_can_be_tagged(sandbox, sagemaker):
    (domain,) = sagemaker.list_domains()["Domains"]
    described = sagemaker.describe_domain(DomainId=domain["DomainId"])
    assert described["DomainArn"] == sandbox.arn("sagemaker", f"domain/{domain['DomainId']}")
    role = described["DefaultUserSettings"]["ExecutionRole"]
    assert sandbox.client("iam").get_role(RoleName=role.rpartition("/")[2])["Role"]["Arn"] == role
    tag = {"Key": "team", "Value": "models"}
    sagemaker.add_tags(ResourceArn=described["DomainArn"], Tags=[tag])
    assert tag in sagemaker.list_tags(ResourceArn=described["DomainArn"])["Tags"]
    with pytest.raises(ClientError, match="ResourceNotFound"):
        sagemaker.describe_domain(DomainId="d-other")


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
