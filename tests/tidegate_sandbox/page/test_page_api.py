"""The page's API: who may ask it, what it answers, and that a change is the operation that boto3 would call."""

import json

import pytest

PAGE = "/_tidegate/"
HOSTILE = "<img src=x onerror=alert(1)>"


def test_a_browser_is_sent_to_the_page_and_an_aws_client_is_not(page_sandbox, visitor):
    html = {"accept": "text/html,application/xhtml+xml"}
    for path in ("/", "/_tidegate"):
        sent = visitor.get(path, **html)
        assert (sent.status, sent.headers["location"]) == (302, PAGE)
    assert visitor.get("/").status != 302
    assert visitor.get("/", **html, authorization="AWS4-HMAC-SHA256 Credential=111122223333/x").status != 302
    assert page_sandbox.client("s3").list_buckets()["Buckets"]
    assert "children" in visitor.get("/_tidegate/status").json


def test_the_page_takes_nothing_from_elsewhere_and_its_files_are_small(visitor):
    first = visitor.get(PAGE)
    assert first.headers["content-type"] == "text/html; charset=utf-8"
    policy = first.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert "require-trusted-types-for 'script'" in policy
    assert first.headers["x-content-type-options"] == "nosniff"
    modules = ["page/app.js", *(f"page/{name}.js" for name in ("api", "chart", "dom", "format", "ui"))]
    assert sum(len(visitor.get(PAGE + name).body) for name in (*modules, "page/page.css")) < 60_000
    assert visitor.get(PAGE + "page/../site.py").status == 404
    assert visitor.get(PAGE + "page/%2e%2e/site.py").status == 404


@pytest.mark.parametrize(
    "theirs",
    [
        {"origin": "http://127.0.0.1:1"},
        {"origin": "null"},
        {"origin": "https://attacker.example"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"host": "attacker.example"},
        {"host": "page.localhost"},
    ],
)
def test_another_page_is_answered_nothing(visitor, theirs):
    assert visitor.get("/_tidegate/api/sandbox", **theirs).status == 403
    assert visitor.call("sagemaker", "delete_project", {"ProjectName": "any"}, **theirs).status == 403


def test_no_answer_lets_another_origin_read_it(visitor):
    answers = [visitor.get("/_tidegate/api/sandbox"), visitor.get(PAGE), visitor.send("OPTIONS", PAGE)]
    assert not [name for answer in answers for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.parametrize(
    ("headers", "says"),
    [
        ({"x_tidegate_token": "guessed"}, "load it again"),
        ({"content_type": "text/plain"}, "in JSON"),
    ],
)
def test_a_change_needs_the_token_and_json(visitor, headers, says):
    refused = visitor.call("sagemaker", "delete_project", {"ProjectName": "any"}, **headers)
    assert refused.status == 403
    assert says in refused.json["message"]


def test_only_what_a_button_is_for_can_be_called(visitor):
    assert visitor.call("sagemaker", "delete_endpoint", {"EndpointName": "any"}).status == 404
    assert visitor.call("sagemaker", "meta", {}).status == 404
    assert visitor.send("DELETE", "/_tidegate/api/sandbox").status == 405


def test_what_an_operation_refuses_is_told_with_its_code(visitor):
    refused = visitor.call("sagemaker", "delete_project", {"ProjectName": "none"})
    assert (refused.status, refused.json["code"]) == (400, "ValidationException")
    assert "none" in refused.json["message"]
    unknown = visitor.call("sagemaker", "delete_project", {"Name": "none"})
    assert unknown.status == 400
    assert "ProjectName" in unknown.json["message"]
    assert visitor.call("sagemaker", "delete_project", ["none"]).status == 400


def test_what_is_not_new_is_not_sent_again(visitor):
    path = "/_tidegate/api/111122223333/eu-west-1/gallery"
    first = visitor.get(path)
    again = visitor.get(path, if_none_match=first.headers["etag"])
    assert (again.status, again.body) == (304, b"")
    assert float(again.headers["x-tidegate-time"]) > float(first.headers["x-tidegate-time"])


def test_a_view_that_is_not_there_says_so(visitor):
    refused = "document?bucket=&key=plan.html"  # by boto3, before anything is asked
    for path in ("nothing", "endpoints/none", "builds/none:1", "alarms/none", "a/b/c", refused):
        answer = visitor.get(f"/_tidegate/api/111122223333/eu-west-1/{path}")
        assert answer.status in (400, 404), path
        assert answer.json["message"]


def test_the_gallery_asks_what_the_template_asks(visitor, product):
    (shown,) = [each for each in visitor.view("gallery") if each["id"] == product.id]
    subject, size = shown["parameters"]
    assert (subject["key"], subject["default"], subject["constraint"]) == (
        "Subject",
        None,
        "A subject has small letters only.",
    )
    assert (size["default"], size["values"]) == ("small", ["small", "large"])


def test_the_gallery_has_the_templates_in_s3_that_a_domain_shows(page_sandbox, visitor, eventually):
    sagemaker, s3 = page_sandbox.client("sagemaker"), page_sandbox.client("s3")
    template = {
        "Description": "From S3",
        "Parameters": {
            "SageMakerProjectName": {"Type": "String"},
            "SageMakerProjectId": {"Type": "String"},
            "Subject": {"Type": "String", "Description": "What it is about"},
        },
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": {"Ref": "SageMakerProjectId"}}}},
    }
    for name, tags in (("shown.json", "sagemaker:studio-visibility=true"), ("hidden.json", "")):
        body = json.dumps(template).encode()
        s3.put_object(Bucket="endpoint-tests", Key=f"templates/{name}", Body=body, Tagging=tags)
    (domain,) = sagemaker.list_domains()["Domains"]
    location = {"Key": "sagemaker:projectS3TemplatesLocation", "Value": "s3://endpoint-tests/templates/"}
    sagemaker.add_tags(ResourceArn=domain["DomainArn"], Tags=[location])

    (shown,) = [each for each in visitor.view("gallery") if each["id"].startswith("endpoint-tests/")]
    assert (shown["name"], shown["description"]) == ("shown.json", "From S3")
    assert [(each["key"], each["description"]) for each in shown["parameters"]] == [("Subject", "What it is about")]
    provider = {"TemplateName": "shown", "TemplateURL": shown["template"]}
    provider["Parameters"] = [{"Key": "Subject", "Value": "rain"}]
    asked = {"ProjectName": "from-s3", "TemplateProviders": [{"CfnTemplateProvider": provider}]}
    assert visitor.call("sagemaker", "create_project", asked).status == 200

    project = eventually(lambda: (now := visitor.view("projects/from-s3"))["status"] == "CreateCompleted" and now)
    assert project["stack"] == f"SP-{project['id']}"
    assert visitor.call("sagemaker", "delete_project", {"ProjectName": "from-s3"}).status == 200
    eventually(lambda: "from-s3" not in [each["name"] for each in visitor.view("projects")])


def test_what_another_account_has_is_shown_when_it_is_chosen(page_sandbox, visitor):
    other = page_sandbox.client("sagemaker", account="222222222222", region="us-east-1")
    other.create_model_package_group(ModelPackageGroupName="theirs")
    assert ["222222222222", "us-east-1"] in visitor.get("/_tidegate/api/sandbox").json["scopes"]
    theirs = visitor.get("/_tidegate/api/222222222222/us-east-1/registry").json
    assert [each["name"] for each in theirs] == ["theirs"]
    assert "theirs" not in [each["name"] for each in visitor.view("registry")]


def test_a_note_is_the_registrys_own_word_for_word(page_sandbox, visitor, product):
    group = "notes"
    sagemaker = page_sandbox.client("sagemaker")
    sagemaker.create_model_package_group(ModelPackageGroupName=group)
    made = sagemaker.create_model_package(
        ModelPackageGroupName=group,
        InferenceSpecification={
            "Containers": [{"Image": "any", "ModelDataUrl": "s3://endpoint-tests/model.tar.gz"}],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
        ModelMetrics={
            "ModelQuality": {
                "Statistics": {"ContentType": "application/json", "S3Uri": "s3://endpoint-tests/evaluation.json"}
            }
        },
    )
    arn = made["ModelPackageArn"]
    asked = {"ModelPackageArn": arn, "ModelApprovalStatus": "Rejected", "ApprovalDescription": HOSTILE}
    assert visitor.call("sagemaker", "update_model_package", asked).status == 200

    described = sagemaker.describe_model_package(ModelPackageName=arn)
    assert (described["ModelApprovalStatus"], described["ApprovalDescription"]) == ("Rejected", HOSTILE)
    (version,) = visitor.view(f"registry/{group}")["versions"]
    assert (version["approval"], version["note"]) == ("Rejected", HOSTILE)
    assert version["metrics"] == [{"group": "regression_metrics", "name": "rmse", "value": 41.25, "deviation": 1.5}]


def test_a_document_is_shown_where_it_can_do_nothing(page_sandbox, visitor):
    s3 = page_sandbox.client("s3")
    s3.put_object(Bucket="endpoint-tests", Key="plan.html", Body=b"<script>alert(1)</script>")
    s3.put_object(Bucket="endpoint-tests", Key="plan.js", Body=b"alert(1)")
    shown = visitor.get("/_tidegate/api/111122223333/eu-west-1/document?bucket=endpoint-tests&key=plan.html")
    assert shown.headers["content-type"].startswith("text/html")
    assert shown.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    refused = visitor.get("/_tidegate/api/111122223333/eu-west-1/document?bucket=endpoint-tests&key=plan.js")
    assert refused.status == 404


def test_an_alarm_is_shown_with_the_data_that_it_looks_at(page_sandbox, visitor, eventually):
    cloudwatch = page_sandbox.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName="shown/here",
        Namespace="page",
        MetricName="Rate",
        Statistic="Average",
        Period=60,
        EvaluationPeriods=3,
        DatapointsToAlarm=2,
        Threshold=1.0,
        ComparisonOperator="GreaterThanThreshold",
    )
    cloudwatch.put_metric_data(Namespace="page", MetricData=[{"MetricName": "Rate", "Value": 5.0}])
    shown = eventually(lambda: (now := visitor.view("alarms/shown%2Fhere"))["points"] and now)
    assert (shown["datapoints_to_alarm"], shown["evaluation_periods"], shown["threshold"]) == (2, 3, 1.0)
    assert shown["points"][-1][1:] == [5.0, True]
    assert [each["name"] for each in visitor.view("alarms")].count("shown/here") == 1


def test_an_alarm_on_an_expression_is_shown_with_the_values_of_the_expression(page_sandbox, visitor, eventually):
    cloudwatch = page_sandbox.client("cloudwatch")
    metric = {"Namespace": "page", "MetricName": "Errors"}
    errors = {"Id": "errors", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}, "ReturnData": False}
    cloudwatch.put_metric_alarm(
        AlarmName="shown/expression",
        Metrics=[errors, {"Id": "double", "Expression": "2 * errors"}],
        EvaluationPeriods=1,
        Threshold=1.0,
        ComparisonOperator="GreaterThanThreshold",
    )
    cloudwatch.put_metric_data(Namespace="page", MetricData=[{"MetricName": "Errors", "Value": 5.0}])
    shown = eventually(lambda: (now := visitor.view("alarms/shown%2Fexpression"))["points"] and now)
    assert (shown["metric"], shown["dimensions"]) == ("2 * errors", {"errors": "Sum of Errors"})
    assert shown["points"][-1][1:] == [10.0, True]
    assert "shown/expression" in [each["name"] for each in visitor.view("alarms")]


def test_a_composite_alarm_is_shown_with_its_rule(page_sandbox, visitor):
    cloudwatch = page_sandbox.client("cloudwatch")
    cloudwatch.put_composite_alarm(AlarmName="shown/composite", AlarmRule="TRUE")
    shown = visitor.view("alarms/shown%2Fcomposite")
    assert (shown["rule"], shown["state"], len(shown["history"])) == ("TRUE", "ALARM", 1)
    assert "shown/composite" in [each["name"] for each in visitor.view("alarms")]
    cloudwatch.delete_alarms(AlarmNames=["shown/composite"])


def test_the_sandbox_says_what_it_is(page_sandbox, visitor, eventually):
    page_sandbox.client("sagemaker").list_model_package_groups()  # somebody has used this account and region
    told = visitor.get("/_tidegate/api/sandbox").json
    assert told["status"]["what"] == "local simulation"
    assert ["111122223333", "eu-west-1"] in told["scopes"]
    assert told["status"]["disk"]["s3"] > 0
    assert told["status"]["disk_told"] == ""
    assert json.dumps(told).count(told["token"]) == 1
