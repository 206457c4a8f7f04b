"""Every name fits its service and is nobody else's, for every project that SageMaker lets one make."""

import ast
import functools
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import botocore
import pytest
from botocore.loaders import Loader
from hypothesis import example, given
from hypothesis import strategies as st

from service_catalog import names as naming
from service_catalog.names import (
    PROJECT_ID_MAX,
    PROJECT_ID_PATTERN,
    PROJECT_NAME_MAX,
    PROJECT_NAME_PATTERN,
    ProjectNames,
    admin_bucket,
)
from tidegate.stage import limits
from tidegate.stage.model import Project, Repo, Stage

Template = dict[str, Any]

ROOT = Path(__file__).parents[2]
PARTITIONS = json.loads((Path(botocore.__file__).parent / "data" / "partitions.json").read_text())["partitions"]
REGIONS = [name for each in PARTITIONS for name in each["regions"] if not name.endswith("-global")]
LONGEST_REGION = max(REGIONS, key=len)

project_names = st.from_regex(PROJECT_NAME_PATTERN, fullmatch=True).filter(lambda name: len(name) <= PROJECT_NAME_MAX)
project_ids = st.from_regex(PROJECT_ID_PATTERN, fullmatch=True)
accounts = st.from_regex("[0-9]{12}", fullmatch=True)
regions = st.sampled_from(REGIONS)
stages = st.from_regex(limits.STAGE_NAME, fullmatch=True)
projects = st.builds(ProjectNames, project_names, project_ids, accounts, regions)
# Few and alike, so that two of them are often nearly the same.
alike = st.builds(
    ProjectNames,
    st.from_regex("[ap](-p|-0){0,2}(-a)?", fullmatch=True),
    st.from_regex("p-[ap0]{1,2}", fullmatch=True),
    st.sampled_from(["1" * 12, "2" * 12]),
    st.sampled_from(["eu-west-1", "us-isof-south-1"]),
)

LONGEST = ProjectNames("a" * PROJECT_NAME_MAX, "p-" + "z" * (PROJECT_ID_MAX - 2), "0" * 12, LONGEST_REGION)
PARTS = ("build", "deploy")


@functools.cache
def shape(service: str, operation: str, member: str) -> dict[str, Any]:
    """What a service says of a name that it is given: its greatest length and its pattern."""
    model = Loader().load_service_model(service, "service-2")
    request = model["shapes"][model["operations"][operation]["input"]["shape"]]
    return dict(model["shapes"][request["members"][member]["shape"]])


# Where botocore's models are silent: S3 user guide, "Bucket naming rules"; CloudFormation API reference, CreateStack.
BUCKET = {"max": 63, "pattern": r"(?!xn--)[a-z0-9][a-z0-9-]{1,61}[a-z0-9](?<!-s3alias)(?<!-an)"}
STACK = {"max": 128, "pattern": "[a-zA-Z][-a-zA-Z0-9]*"}
NAMED: dict[str, dict[str, Any]] = {
    "AWS::CloudFormation::StackSet": STACK,
    "AWS::CodeBuild::Project": shape("codebuild", "CreateProject", "name"),
    "AWS::CodeCommit::Repository": shape("codecommit", "CreateRepository", "repositoryName"),
    "AWS::CodePipeline::Pipeline": shape("codepipeline", "GetPipeline", "name"),
    "AWS::ECR::Repository": shape("ecr", "CreateRepository", "repositoryName"),
    "AWS::Events::Rule": shape("events", "PutRule", "Name"),
    "AWS::IAM::Role": shape("iam", "CreateRole", "RoleName"),
    # The model's limits are those of an ARN; a name has fewer (Lambda API reference, CreateFunction).
    "AWS::IAM::ManagedPolicy": shape("iam", "CreatePolicy", "PolicyName"),
    "AWS::ServiceCatalog::CloudFormationProduct": {"max": 8191},  # botocore: ProductViewName
    "AWS::Lambda::Function": {"max": 64, "pattern": "[a-zA-Z0-9-_]+"},
    "AWS::Logs::LogGroup": shape("logs", "CreateLogGroup", "logGroupName"),
    "AWS::S3::Bucket": BUCKET,
    "AWS::SNS::Topic": {"max": 256, "pattern": "[a-zA-Z0-9_-]+"},  # SNS API reference, CreateTopic
    "AWS::SageMaker::ModelPackageGroup": shape("sagemaker", "CreateModelPackageGroup", "ModelPackageGroupName"),
}


def assert_fits(name: str, limit: dict[str, Any]) -> None:
    assert len(name) <= limit["max"], name
    assert re.fullmatch(limit.get("pattern", ".+"), name), name


def test_then_a_project_is_what_sagemaker_lets_one_make() -> None:
    name = shape("sagemaker", "CreateProject", "ProjectName")
    assert name["max"] == PROJECT_NAME_MAX
    assert f"^{name['pattern']}$" == PROJECT_NAME_PATTERN
    sagemaker = Loader().load_service_model("sagemaker", "service-2")
    assert sagemaker["shapes"]["ProjectId"]["max"] == PROJECT_ID_MAX


@given(projects, stages)
@example(LONGEST, "a" * 9)
@example(ProjectNames("a--Z", "p-0", "0" * 12, "us-east-1"), "a")
def test_given_any_legal_project_then_every_name_is_legal_in_its_service(names: ProjectNames, stage: str) -> None:
    assert_fits(names.bucket, BUCKET)
    assert_fits(names.log_bucket, BUCKET)
    for part in PARTS:
        assert_fits(names.pipeline(part), NAMED["AWS::CodePipeline::Pipeline"])
        assert_fits(names.repository(part), NAMED["AWS::CodeCommit::Repository"])
        assert not names.repository(part).endswith(".git")
    assert_fits(names.image_repository, NAMED["AWS::ECR::Repository"])
    assert_fits(names.model_package_group, NAMED["AWS::SageMaker::ModelPackageGroup"])
    assert_fits(names.model_package_group, shape("sagemaker", "CreatePipeline", "PipelineName"))
    assert_fits(names.endpoint(stage), shape("sagemaker", "CreateEndpoint", "EndpointName"))
    assert_fits(names.endpoint_stack(stage), STACK)
    schedules = shape("sagemaker", "CreateMonitoringSchedule", "MonitoringScheduleName")
    assert_fits(f"{names.endpoint_stack(stage)}-model-quality", schedules)


@pytest.mark.parametrize("variant", ["product", "hosted", "portfolio"])
def test_given_the_longest_project_then_every_name_in_the_template_fits(
    variant: str, request: pytest.FixtureRequest
) -> None:
    found = dict(physical_names(request.getfixturevalue(variant)))
    assert len(found) > (5 if variant == "portfolio" else 30)
    for resource, (kind, name) in found.items():
        assert kind in NAMED, f"{resource} is named {name}: say here what {kind} allows"
        assert_fits(name, NAMED[kind])


@given(alike, alike, st.sampled_from(["p", "a", "prod"]), st.sampled_from(["p", "a", "prod"]))
def test_given_two_projects_then_no_name_is_shared_in_a_namespace_that_is(
    one: ProjectNames, other: ProjectNames, stage: str, another: str
) -> None:
    """SageMaker gives an id once in an account and region; the name is the project's own business."""
    same_account = one.account == other.account
    same_place = same_account and one.region == other.region
    if (one.project_id, one.account, one.region) == (other.project_id, other.account, other.region):
        return
    of_all = {one.bucket, one.log_bucket} & {other.bucket, other.log_bucket}
    assert not of_all
    if same_account:
        assert one.role("seed") != other.role("seed")
    if same_place:
        assert one.resource("seed") != other.resource("seed")
        assert one.image_repository != other.image_repository
        assert one.prefix.lower() != other.prefix.lower()
        assert one.endpoint(stage).lower() != other.endpoint(another).lower()
        assert one.endpoint_stack(stage) != other.endpoint_stack(another)


@given(project_names, project_ids, accounts, accounts, regions, regions)
@example("a", "p-1", "1" * 12, "2" * 12, "eu-west-1", "eu-west-1")
@example("a", "p-1", "1" * 12, "1" * 12, "eu-west-1", "eu-west-2")
def test_given_one_id_in_two_places_then_what_is_global_differs(
    name: str, project_id: str, home: str, abroad: str, region: str, elsewhere: str
) -> None:
    one, other = ProjectNames(name, project_id, home, region), ProjectNames(name, project_id, abroad, elsewhere)
    assert (one.bucket == other.bucket) == ((home, region) == (abroad, elsewhere))
    assert (one.role("seed") == other.role("seed")) == (region == elsewhere)


@given(regions, accounts)
def test_given_any_region_then_the_admin_names_fit(region: str, account: str) -> None:
    assert_fits(admin_bucket(account, region), BUCKET)
    for function in by_region():
        name = function(region)
        assert_fits(name, NAMED["AWS::IAM::Role"])  # which is less than a policy's may have
        assert name.endswith(f"-{region}"), "IAM is global: what one region publishes must not be another's"


@given(projects, stages)
def test_then_the_engine_and_the_product_call_a_stage_the_same(names: ProjectNames, stage: str) -> None:
    repo = Repo.model_construct(project=Project.model_construct(name=names.project_name, id=names.project_id))
    of_stage = Stage.model_construct(name=stage)
    assert repo.endpoint_name(of_stage) == names.endpoint(stage)
    assert repo.stack_name(of_stage) == names.endpoint_stack(stage)


def test_then_names_are_made_in_one_place() -> None:
    """The engine's two are held to the product's above: it is installed where the product is not."""
    allowed = {Path("service_catalog/names.py"), Path("src/tidegate/stage/model.py")}
    built = {
        f"{path.relative_to(ROOT)}:{line}: {text}"
        for folder in ("service_catalog", "src/tidegate")
        for path in sorted((ROOT / folder).rglob("*.py"))
        if path.relative_to(ROOT) not in allowed
        for line, text in made_up_names(path.read_text())
    }
    assert not built


@pytest.mark.parametrize(
    "code", ['f"sagemaker-{project}-seed"', 'f"tidegate-launch-{region}"', '"sagemaker-${Id}-x"', '"sagemaker-" + x']
)
def test_given_a_name_that_is_made_elsewhere_then_it_is_seen(code: str) -> None:
    assert list(made_up_names(f"name = {code}"))


def made_up_names(source: str) -> Iterator[tuple[int, str]]:
    """Find texts of code that put a physical name together; documentation may say how names look."""
    tree = ast.parse(source)
    prose = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if id(node) in prose:
            continue
        text = ast.unparse(node) if isinstance(node, ast.JoinedStr | ast.BinOp) else ""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
        if re.search(r"\b(sagemaker|tidegate)-([a-z0-9-]*-)?(\$?\{|['\"] *[+%])", text):
            yield node.lineno, text


def by_region() -> list[Callable[[str], str]]:
    """Return every function that names something of the admin side by its region alone."""
    return [
        each
        for each in vars(naming).values()
        if callable(each) and getattr(each, "__annotations__", None) == {"region": str, "return": str}
    ]


def physical_names(template: Template) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield each resource's type and name, for the longest project."""
    given = {
        "SageMakerProjectName": LONGEST.project_name,
        "SageMakerProjectId": LONGEST.project_id,
        "AWS::AccountId": LONGEST.account,
        "AWS::Region": LONGEST.region,
    }
    keys = (
        "Name", "AliasName", "BucketName", "FunctionName", "LogGroupName", "ManagedPolicyName",
        "ModelPackageGroupName", "RepositoryName", "RoleName", "StackSetName", "TopicName",
    )  # fmt: skip
    for resource, each in template["Resources"].items():
        for key in keys:
            name = each.get("Properties", {}).get(key)
            # A reference names another resource, which is looked at itself.
            if name is not None and not (isinstance(name, dict) and "Ref" in name):
                text = name.get("Fn::Sub") if isinstance(name, dict) else name
                assert isinstance(text, str), f"{resource}.{key} is {name}"
                yield resource, (each["Type"], re.sub(r"\$\{([A-Za-z:]+)\}", lambda found: given[found[1]], text))


@pytest.mark.parametrize("name", ["{{7*7}}", "a{b", "a}b", "-a", "a-", "a_b", "a b", "../a", "", "a$b", "a\nb", "é"])
def test_given_a_hostile_name_then_the_pattern_refuses_it(name: str) -> None:
    assert not re.fullmatch(PROJECT_NAME_PATTERN, name)
