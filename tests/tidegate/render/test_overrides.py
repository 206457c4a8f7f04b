"""Templates of the deploy repository: each part may be replaced, and what is broken says where."""

import pytest

from tests.tidegate.render.cases import SHADOW, package
from tidegate.render import BrokenTemplateError, TemplateFailedError, render_live, render_stage, render_test
from tidegate.render.document import parse, resources
from tidegate.render.environment import shipped_names, templates_of

WHOLE = "endpoint.yaml.j2"
MINIMAL = """\
Resources:
  Config:
    Type: AWS::SageMaker::EndpointConfig
    DeletionPolicy: Retain
    UpdateReplacePolicy: Retain
    Properties:
      ProductionVariants: [{VariantName: {{ variant }}, VolumeSizeInGB: 30}]
      Tags: [{Key: tidegate:release, Value: {{ release_id }}}]
  Endpoint:
    Type: AWS::SageMaker::Endpoint
    Properties: {EndpointName: {{ endpoint_name }}, DeploymentConfig: {{ deployment_config }}}
"""
EXTRA_ALARM = """\
{% include "shipped/alarms.yaml.j2" %}
  Slow:
    Type: AWS::CloudWatch::Alarm
    Properties: {AlarmName: {{ endpoint_name ~ "-slow" }}, ComparisonOperator: LessThanThreshold, EvaluationPeriods: 1}

"""


@pytest.fixture
def render(repo):
    """Render the release of a repository with these templates."""

    def render(templates: dict[str, str], **options) -> str:
        made = overridden(repo(**options), templates)
        return render_stage(made, made.stages[0], package(7)).files["prod.template.yaml"]

    return render


def overridden(made, templates: dict[str, str]):
    (made.root / "templates").mkdir(exist_ok=True)
    for name, text in templates.items():
        (made.root / "templates" / name).write_bytes(text.encode())
    return made


def document(text: str) -> dict:
    return parse(text, lambda line: f"line {line}")


def id_of(text: str) -> str:
    (config,) = resources(document(text), "AWS::SageMaker::EndpointConfig").values()
    return next(tag["Value"] for tag in config["Tags"] if tag["Key"] == "tidegate:release")


# What is replaced


def test_a_template_of_the_repository_takes_the_place_of_the_one_shipped(render):
    assert set(document(render({WHOLE: MINIMAL}))["Resources"]) == {"Config", "Endpoint"}


@pytest.mark.parametrize("name", sorted(shipped_names()))
def test_each_part_is_replaced_by_its_name(name, render):
    text = ("# mine\n" if name.endswith(".yaml.j2") else "\n") + f'{{% include "shipped/{name}" %}}'
    options = {
        "autoscaling": {"min": 4, "max": 8, "invocations_per_instance": 700},
        "capture": {"sampling": "100%"},
        "monitoring": {"data_quality": {"schedule": "hourly"}},
    }
    shipped, replaced = render({}, **options), render({name: text}, **options)
    assert document(shipped)["Resources"].keys() == document(replaced)["Resources"].keys()
    assert ("# mine" in replaced) == name.endswith(".yaml.j2")


def test_a_part_can_add_to_what_is_shipped(render):
    made = document(render({"alarms.yaml.j2": EXTRA_ALARM}))
    assert made["Resources"]["Slow"]["Properties"]["AlarmName"] == "bikeshare-p-abc123def456-prod-slow"
    assert "RollbackAlarm1NewFleet" in made["Resources"]


def test_a_part_is_read_anew_once_it_has_changed(render, repo):
    first = render({"outputs.yaml.j2": "  A: {Value: 1}\n"})
    second = render({"outputs.yaml.j2": "  B: {Value: 2, Description: longer}\n"})
    assert (set(document(first)["Outputs"]), set(document(second)["Outputs"])) == ({"A"}, {"B"})


def test_a_new_override_is_found_in_the_same_process(render):
    assert "Phase" in document(render({}))["Outputs"]
    assert set(document(render({"outputs.yaml.j2": "  A: {Value: 1}\n"}))["Outputs"]) == {"A"}


def test_a_file_that_no_template_is_called_by_is_told(render, repo):
    render(
        {"dashbord.json.j2": "{}", "tags.j2": "# used\n", "outputs.yaml.j2": '{% include "tags.j2" %}  A: {Value: 1}\n'}
    )
    told = list(templates_of(repo().root).in_words())
    assert told[0].startswith("templates/dashbord.json.j2 is not used: those shipped are alarms.yaml.j2, ")
    assert told[1:] == ["templates/outputs.yaml.j2 takes the place of the one shipped"]


# The release id


def test_what_an_override_adds_to_the_endpoint_config_is_part_of_the_release(render):
    assert id_of(render({WHOLE: MINIMAL})) != id_of(render({WHOLE: MINIMAL.replace("30", "31")}))


def test_another_way_to_say_the_same_is_the_same_release(render):
    flow = MINIMAL.replace(
        "[{VariantName: {{ variant }}, VolumeSizeInGB: 30}]",
        "\n        - VariantName: {{ variant }}\n          VolumeSizeInGB: 30",
    )
    assert id_of(render({WHOLE: MINIMAL})) == id_of(render({WHOLE: flow}))


def test_a_key_that_looks_like_a_number_is_text_as_cloudformation_reads_it(render):
    text = render({WHOLE: MINIMAL.replace("VolumeSizeInGB: 30", "VolumeSizeInGB: 30, 007: 1")})
    (config,) = resources(document(text), "AWS::SageMaker::EndpointConfig").values()
    assert set(config["ProductionVariants"][0]) == {"VariantName", "VolumeSizeInGB", "007"}


def test_a_part_that_a_release_is_not_made_of_does_not_change_its_id(render):
    assert id_of(render({"alarms.yaml.j2": EXTRA_ALARM})) == id_of(render({"outputs.yaml.j2": "  A: {Value: 1}\n"}))


def test_the_end_of_a_test_has_the_champions_id_with_an_override_too(repo):
    made = overridden(repo(test=SHADOW, capture={"sampling": "100%"}), {WHOLE: MINIMAL})
    (stage,) = made.stages
    end = render_live(made, stage, package(6)).record.release_id
    assert end == render_stage(made, stage, package(6)).record.release_id
    assert render_test(made, stage, package(6), package(7)).record.release_id.startswith(f"{end}.")


# What is broken says where


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a: 1\nb: {% if %}\n", r"^templates/endpoint.yaml.j2:2: "),
        ("a: 1\n\nb: {{ nothing }}\n", r"^templates/endpoint.yaml.j2:3: 'nothing' is undefined"),
        ("a: {{ instances.size }}\n", r"^templates/endpoint.yaml.j2:1: .*has no attribute 'size'"),
        ("a: {{ 1 / 0 }}\n", r"^templates/endpoint.yaml.j2:1: division by zero"),
        ("{{ ''.__class__.__mro__ }}\n", r"^templates/endpoint.yaml.j2:1: access to attribute '__class__'"),
        ("a: 1\n{% include 'absent.j2' %}\n", r"^templates/endpoint.yaml.j2:2: there is no template absent.j2"),
        ("{% include 'shipped/absent.j2' %}\n", "there is no template shipped/absent.j2"),
        ("{% include '../../endpoint.yml' %}\n", "there is no template ../../endpoint.yml"),
        (
            "a: {{ variants.update({'x': 1}) }}\n",
            "^templates/endpoint.yaml.j2:1: .*'update' of 'dict' object",
        ),
        ("a: {{ range(10 ** 9) | list }}\n", "^templates/endpoint.yaml.j2:1: Range too big"),
    ],
)
def test_a_template_that_fails_says_where(text, sentence, render):
    with pytest.raises(TemplateFailedError, match=sentence):
        render({WHOLE: text})


def test_a_template_that_is_no_text_says_so(repo):
    made = overridden(repo(), {})
    (made.root / "templates" / WHOLE).write_bytes(b"\xff\xfe")
    with pytest.raises(TemplateFailedError, match=r"^templates/endpoint.yaml.j2: .*not UTF-8"):
        render_stage(made, made.stages[0], package(7))


def test_a_part_that_includes_itself_is_told_how_to_include_the_one_shipped(render):
    sentence = r"^templates/alarms.yaml.j2:2: .*includes itself.*`shipped/`"
    with pytest.raises(TemplateFailedError, match=sentence):
        render({"alarms.yaml.j2": '{# mine #}\n{% include "alarms.yaml.j2" %}\n'})


def test_a_part_that_fails_says_where_in_the_part(render):
    with pytest.raises(TemplateFailedError, match=r"^templates/alarms.yaml.j2:2: 'alrms' is undefined"):
        render({"alarms.yaml.j2": "# mine\n{% for alarm in alrms %}{% endfor %}\n"})


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a: 1\n  b: [\n", "^templates/endpoint.yaml.j2:2: the output is no YAML"),
        ("Resources:\n  A: {}\n  A: {}\n", "^templates/endpoint.yaml.j2:3: .*the key 'A' is there twice"),
        ("Resources:\n  ? [A]\n  : {}\n", "^templates/endpoint.yaml.j2:2: .*unhashable"),
        (MINIMAL + "Metadata: &self\n  again: *self\n", "^templates/endpoint.yaml.j2:1: .*alias inside of what it"),
        ("a: !!python/name:os.system\n", "^templates/endpoint.yaml.j2:1: .*could not determine a constructor"),
        ("Description: nothing\n", "^templates/endpoint.yaml.j2:1: .*it has no Resources"),
        ("[]\n", "^templates/endpoint.yaml.j2:1: .*it has no Resources"),
        (MINIMAL.replace("tidegate:release", "release"), "^templates/endpoint.yaml.j2:2: .*the tag tidegate:release"),
        (MINIMAL.replace("{{ endpoint_name }}", "other"), "^templates/endpoint.yaml.j2:9: .*make one AWS::SageMaker"),
        (MINIMAL.replace("{{ deployment_config }}", "{}"), "^templates/endpoint.yaml.j2:9: .*out: .*-rollback-1-"),
        (MINIMAL.replace("{{ variant }}", "Another"), "^templates/endpoint.yaml.j2:2: .*production variant"),
        (
            MINIMAL.replace("DeletionPolicy: Retain", "DeletionPolicy: Delete"),
            "^templates/endpoint.yaml.j2:2: Config .*Retain",
        ),
        (MINIMAL.partition("  Endpoint:")[0], "^templates/endpoint.yaml.j2:1: .*make one AWS::SageMaker::Endpoint"),
        (
            f"{MINIMAL}    DependsOn: Confg\n",
            "^templates/endpoint.yaml.j2:9: Endpoint refers to Confg, which is not there",
        ),
        (f"{MINIMAL}    DependsOn: [Config, Alarm]\n", "^templates/endpoint.yaml.j2:9: Endpoint refers to Alarm,"),
        (f"{MINIMAL}  Topic: {{Name: !Ref Nam}}\n", "^templates/endpoint.yaml.j2:12: Topic refers to Nam,"),
        (f"{MINIMAL}  Topic: {{Name: !GetAtt Nam.x.y}}\n", "^templates/endpoint.yaml.j2:12: Topic refers to Nam,"),
        (f"{MINIMAL}  Topic: {{Name: !Sub '-${{Nam.Arn}}'}}\n", "^templates/endpoint.yaml.j2:12: Topic refers to Nam,"),
        (f"{MINIMAL}Outputs:\n  A: {{Value: !Ref Nam}}\n", "^templates/endpoint.yaml.j2:13: A refers to Nam,"),
        # What is not of the shape that it should be.
        (
            MINIMAL.replace("[{Key: tidegate:release, Value: {{ release_id }}}]", "mine"),
            ":2: .*the tag tidegate:release",
        ),
        (MINIMAL.replace("{VariantName: {{ variant }}, VolumeSizeInGB: 30}", "mine"), ":2: .*production variant"),
        (
            MINIMAL.replace("[{VariantName: {{ variant }}, VolumeSizeInGB: 30}]", "!If [Large, [{}], [{}]]"),
            ":2: .*production variant",
        ),
        (MINIMAL.replace("VariantName: {{ variant }}", "VariantName: !Ref Variant"), ":2: .*production variant"),
        (MINIMAL.replace("DeletionPolicy: Retain", "DeletionPolicy: [Retain]"), ":2: Config .*Retain"),
        (MINIMAL.partition("{EndpointName:")[0] + "mine\n", ":9: .*make one AWS::SageMaker::Endpoint"),
        (MINIMAL.replace("{{ deployment_config }}", "mine"), ":9: .*out: .*-rollback-1-"),
        (
            MINIMAL.replace("{{ deployment_config }}", "{AutoRollbackConfiguration: {Alarms: [mine]}}"),
            ":9: .*out: .*-rollback-1-",
        ),
    ],
)
def test_a_template_after_which_nobody_could_tell_what_serves_says_where(text, sentence, render):
    with pytest.raises(BrokenTemplateError, match=sentence):
        render({WHOLE: text})


@pytest.mark.parametrize(
    "text",
    [
        f"{MINIMAL}    DependsOn: Config\n",
        f"{MINIMAL}  Topic: {{Name: !Ref AWS::Region, Other: !GetAtt Endpoint.EndpointName}}\n",
        f"Parameters: {{Here: {{Type: String}}}}\n{MINIMAL}  Topic: {{Name: !Ref Here}}\n",
        f"{MINIMAL}  Topic: {{Name: !Sub '${{Endpoint.EndpointName}}-${{AWS::Region}}-${{!Literal}}'}}\n",
        f"{MINIMAL}  Topic: {{Name: !Sub ['${{Mine}}', {{Mine: 1}}]}}\n",
        f"Parameters: [mine]\n{MINIMAL}Outputs: mine\n",
        f"Transform: AWS::LanguageExtensions\n{MINIMAL}  Topic: {{Name: !Ref MadeByTheTransform}}\n",
    ],
)
def test_what_a_template_refers_to_and_has_is_let_through(text, render):
    assert render({WHOLE: text})


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("model.yaml.j2", "", "endpoint_config.yaml.j2:[0-9]+: EndpointConfig refers to Model, which is not there"),
        (
            "endpoint_config.yaml.j2",
            "{# #}\n  EndpointConfig:\n    Type: AWS::SageMaker::EndpointConfig\n   Properties: {}\n",
            "^templates/endpoint_config.yaml.j2:4: the output is no YAML",
        ),
        (
            "alarms.yaml.j2",
            "{% for alarm in alarms %}\n  {{ alarm.logical_id }}:\n  Type: [\n{% endfor %}\n",
            "^templates/alarms.yaml.j2:[23]: the output is no YAML",
        ),
        (
            "endpoint_config.yaml.j2",
            '{% include "shipped/endpoint_config.yaml.j2" %}\n  Model: {}\n',
            "^templates/endpoint_config.yaml.j2:2: .*'Model' is there twice",
        ),
        (
            "endpoint_resource.yaml.j2",
            "\n  Endpoint:\n    Type: AWS::SageMaker::Endpoint\n    Properties: {EndpointName: {{ endpoint_name }}}\n",
            "^templates/endpoint_resource.yaml.j2:2: .*leaves rollback alarms out",
        ),
        (
            "model.yaml.j2",
            "\n\n  Model:\n    Type: AWS::SageMaker::Model\n\n",
            "^templates/model.yaml.j2:3: Model must have `DeletionPolicy: Retain`",
        ),
        ("dashboard.json.j2", '{"widgets": [\n  {{ region }},\n]}\n', "^templates/dashboard.json.j2:3: .*no JSON"),
        ("dashboard.json.j2", "", "^templates/dashboard.json.j2:1: .*no JSON"),
        (
            "model.yaml.j2",
            '{% include "shipped/model.yaml.j2" %}\n{% include "shipped/model.yaml.j2" %}\n',
            "^the shipped model.yaml.j2:[0-9]+: .*'Model' is there twice",
        ),
    ],
)
def test_a_part_whose_output_is_of_no_use_says_where_in_the_part(name, text, sentence, render):
    with pytest.raises(BrokenTemplateError, match=sentence):
        render({name: text})


def test_a_test_that_is_guarded_by_an_override_says_where(repo):
    text = MINIMAL.replace("{{ deployment_config }}", "{BlueGreenUpdatePolicy: {}}")
    made = overridden(repo(test=SHADOW, capture={"sampling": "100%"}), {WHOLE: text})
    with pytest.raises(BrokenTemplateError, match=r"^templates/endpoint.yaml.j2:9: .*no DeploymentConfig in a test"):
        render_test(made, made.stages[0], package(6), package(7))


def test_marking_a_value_as_safe_does_not_make_it_raw(render):
    text = render({WHOLE: MINIMAL + "Metadata: {Value: {{ stage | safe }}}\n"})
    assert '{Value: "prod"}' in text
