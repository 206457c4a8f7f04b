"""The wires that AWS clients speak, and the checks of what comes over them."""

import asyncio
import http.client
import json
from datetime import UTC, datetime
from urllib.parse import urlsplit

import cbor2
import pytest
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st

from tidegate_sandbox import hooks, shapes
from tidegate_sandbox.errors import AwsError
from tidegate_sandbox.service import Service, check_answer, check_parameters
from tidegate_sandbox.service_models import service_model
from tidegate_sandbox.services.paging import listed, page


def post(sandbox, path, body, headers, service):
    credential = f"{sandbox.account}/20260101/{sandbox.region}/{service}/aws4_request"
    authorization = f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=0"
    connection = http.client.HTTPConnection(urlsplit(sandbox.url).netloc, timeout=30)
    connection.request("POST", path, body, {"Authorization": authorization, **headers})
    answer = connection.getresponse()
    return answer.status, answer.headers, answer.read()


CBOR = {"smithy-protocol": "rpc-v2-cbor", "Content-Type": "application/cbor", "Accept": "application/cbor"}


def call_cbor(sandbox, service, target, operation, parameters):
    path = f"/service/{target}/operation/{operation}"
    status, headers, body = post(sandbox, path, cbor2.dumps(parameters), CBOR, service)
    assert headers["smithy-protocol"] == "rpc-v2-cbor"
    return status, cbor2.loads(body)


@pytest.mark.parametrize(
    ("service", "target", "operation", "member"),
    [
        ("servicecatalog", "AWS242ServiceCatalogService", "ListPortfolios", "PortfolioDetails"),
        ("codebuild", "CodeBuild_20161006", "ListProjects", "projects"),
        ("codepipeline", "CodePipeline_20150709", "ListPipelines", "pipelines"),
    ],
)
def test_the_newer_wire_is_answered_in_kind(sandbox, service, target, operation, member):
    status, answer = call_cbor(sandbox, service, target, operation, {})
    assert status == 200, answer
    assert isinstance(answer[member], list)


def test_the_newer_wire_carries_timestamps_and_errors(sandbox):
    target = ("servicecatalog", "AWS242ServiceCatalogService")
    request = {"DisplayName": "By CBOR", "ProviderName": "x", "IdempotencyToken": "by-cbor"}
    status, answer = call_cbor(sandbox, *target, "CreatePortfolio", request)
    assert status == 200
    assert isinstance(answer["PortfolioDetail"]["CreatedTime"], datetime)

    status, answer = call_cbor(sandbox, *target, "DescribePortfolio", {"Id": "port-none"})
    assert status == 400
    assert answer == {"__type": "ResourceNotFoundException", "message": "Portfolio port-none not found."}


def test_the_older_wire_carries_timestamps_as_numbers(sandbox):
    headers = {"X-Amz-Target": "SageMaker.CreateModelPackageGroup", "Content-Type": "application/x-amz-json-1.1"}
    body = json.dumps({"ModelPackageGroupName": "by-json"})
    status, _, answer = post(sandbox, "/", body, headers, "sagemaker")
    assert status == 200, answer
    headers["X-Amz-Target"] = "SageMaker.ListModelPackageGroups"
    body = json.dumps({"NameContains": "by-json", "CreationTimeAfter": 0})
    _, _, answer = post(sandbox, "/", body, headers, "sagemaker")
    (group,) = json.loads(answer)["ModelPackageGroupSummaryList"]
    assert isinstance(group["CreationTime"], float)


def test_every_violation_is_named_in_one_message(sandbox):
    with pytest.raises(ClientError) as refused:
        sandbox.client("sagemaker").create_model_package_group(
            ModelPackageGroupName="-no-", ModelPackageGroupDescription="x" * 1025
        )
    error = refused.value.response["Error"]
    assert error["Code"] == "ValidationException"
    assert error["Message"].startswith("2 validation errors detected: Value '-no-' at 'modelPackageGroupName' failed")
    assert "Member must have length less than or equal to 1024" in error["Message"]


def test_an_unknown_parameter_is_refused():
    with pytest.raises(AwsError, match='Unknown parameter in input: "Colour"') as refused:
        check_parameters("sagemaker", "ListProjects", {"Colour": "blue"})
    assert refused.value.code == "ValidationException"


def test_numbers_become_times_and_text_becomes_bytes_where_the_shape_says_so():
    typed = check_parameters("sagemaker", "ListProjects", {"CreationTimeAfter": 0})
    assert typed == {"CreationTimeAfter": datetime(1970, 1, 1, tzinfo=UTC)}
    shape = operation("codecommit", "PutFile").input_shape
    assert shapes.as_python(shape, {"fileContent": "dGV4dA=="}) == {"fileContent": b"text"}


@pytest.mark.parametrize("headers", [{}, CBOR], ids=["json", "cbor"])
def test_an_answer_says_how_things_stood_when_it_was_made(headers, monkeypatch):
    builds = {"projects": ["IN_PROGRESS"]}
    service = Service("codebuild")
    service.operation("ListProjects")(lambda _: builds)

    async def finished_meanwhile(function, *args):
        answer = function(*args)
        builds["projects"] = ["SUCCEEDED"]
        return answer

    monkeypatch.setattr(hooks, "run_blocking", finished_meanwhile)
    status, body = asked(service, "ListProjects", headers)
    assert status == 200
    assert (cbor2 if headers else json).loads(body) == {"projects": ["IN_PROGRESS"]}


def asked(service, operation, headers):
    target = {"x-amz-target": f"CodeBuild_20161006.{operation}", **headers}
    path = f"/service/CodeBuild_20161006/operation/{operation}"
    status, _, body = asyncio.run(service._handle("POST", path, target, b"", {}))
    return status, body


def test_an_answer_that_is_none_of_awss_is_a_failure_of_the_simulation():
    service = Service("codebuild")
    service.operation("ListProjects")(lambda _: {"Status": "IN_PROGRESS"})
    status, body = asked(service, "ListProjects", {})
    assert status == 500
    assert (
        "the answer of codebuild:ListProjects is none of AWS's: it has no member Status" in json.loads(body)["message"]
    )


@pytest.mark.parametrize(
    ("service", "name", "answer", "sentences"),
    [
        ("sagemaker", "ListEndpoints", {"Endpoints": []}, []),
        ("sagemaker", "ListEndpoints", {}, ["it lacks Endpoints"]),
        ("sagemaker", "DeleteEndpoint", {"Gone": True}, ["it has none, and Gone is in it"]),
        ("codebuild", "ListProjects", {"projects": [1]}, ["it.projects[0] is no string, but 1"]),
        ("codebuild", "ListProjects", {"projects": "one"}, ["it.projects is no list, but 'one'"]),
        (
            "codecommit",
            "GetRepository",
            {"repositoryMetadata": {"creationDate": 0}},
            ["it.repositoryMetadata.creationDate is no timestamp, but 0"],
        ),
    ],
)
def test_what_an_answer_is_told_by(service, name, answer, sentences):
    if not sentences:
        assert check_answer(service, name, answer) is answer
        return
    with pytest.raises(ValueError, match="none of AWS's") as refused:
        check_answer(service, name, answer)
    assert str(refused.value).partition("none of AWS's: ")[2].split("; ") == sentences


def test_a_word_that_is_not_among_an_answers_words_is_named_with_those_that_are():
    answer = {"EndpointStatus": "Fine"}
    with pytest.raises(ValueError, match=r"it\.EndpointStatus is 'Fine', which is none of OutOfService, Creating"):
        check_answer("sagemaker", "DescribeEndpoint", answer)


def operation(service, name):
    return service_model(service).operation_model(name)


PROJECT_NAME = "[a-zA-Z0-9](-*[a-zA-Z0-9]){0,31}"


def refusal(name):
    return shapes.violations(operation("sagemaker", "CreateProject").input_shape, {"ProjectName": name})


@settings(deadline=None)  # the first look at a model loads it
@given(st.from_regex(f"(?!.{{33}})^{PROJECT_NAME}\\Z", fullmatch=True))
def test_every_name_of_the_pattern_is_taken(name):
    assert refusal(name) == []


@settings(deadline=None)
@given(st.text(min_size=1).filter(lambda name: not name.isascii() or not name.replace("-", "").isalnum()))
def test_every_other_name_is_refused(name):
    assert refusal(name)


@given(items=st.lists(st.integers()), at_most=st.integers(1, 7), size=st.none() | st.integers(1, 9))
def test_pages_put_together_are_the_list_each_within_its_size(items, at_most, size):
    parameters, found = {"MaxResults": size} if size else {}, []
    while True:
        answer = page(items, parameters, "Items", at_most=at_most)
        assert len(answer["Items"]) <= min(size or at_most, at_most)
        found += answer["Items"]
        if "NextToken" not in answer:
            break
        assert answer["Items"]
        parameters["NextToken"] = answer["NextToken"]
    assert found == items


@given(st.text(min_size=1))
def test_a_token_that_nobody_gave_is_refused(token):
    with pytest.raises(AwsError, match="not one that an earlier answer gave"):
        page([1, 2, 3], {"NextToken": token}, "Items")


@given(st.lists(st.integers(0, 3)))
def test_descending_is_ascending_turned_round(times):
    items = [{"CreationTime": time, "Name": str(number)} for number, time in enumerate(times)]
    ascending = listed(items, {}, "Name")
    assert listed(items, {"SortOrder": "Descending"}, "Name") == ascending[::-1]
    assert [item["CreationTime"] for item in ascending] == sorted(times)


def test_an_operation_has_one_function_whatever_is_imported_first():
    service = Service("codebuild")
    service.operation("StartBuild")(dict)
    with pytest.raises(ValueError, match="codebuild:StartBuild is served already"):
        service.operation("StartBuild")
