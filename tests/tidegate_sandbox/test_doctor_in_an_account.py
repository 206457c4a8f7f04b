"""The doctor in an account: what it says of one that is bare, of one that is published to, of what a launch names."""

import itertools
import json

import boto3
import botocore.loaders
import pytest
import yaml
from publishing import TEMPLATE

from service_catalog.doctor.command import main
from service_catalog.names import ROLE_PATH, STAGE_ACCOUNT_STACK, stack_set_administration, stack_set_execution
from service_catalog.publishing import plan as planning
from service_catalog.publishing.account import Account
from service_catalog.publishing.plan import Request
from service_catalog.publishing.publish import publish
from service_catalog.publishing.release import Release
from service_catalog.publishing.versions import newest_name
from service_catalog.stage_account.bootstrap import bootstrap

_accounts = itertools.count(720000000000)
_MODELS = botocore.loaders.create_loader()
"""Of services, for all sessions here: each would read them for itself."""


class Desk:
    """Somebody who asks the doctor, in an account of their own."""

    def __init__(self, sandbox, monkeypatch, capsys):
        self.id, self._monkeypatch, self._capsys = str(next(_accounts)), monkeypatch, capsys
        self._sandbox = sandbox
        monkeypatch.setattr("botocore.session.create_loader", lambda _: _MODELS)
        for name in ("AWS_PROFILE", "AWS_REGION", "AWS_SESSION_TOKEN"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("AWS_ENDPOINT_URL", sandbox.url)
        monkeypatch.setenv("AWS_DEFAULT_REGION", sandbox.region)
        self.sign_in(self.id)

    def sign_in(self, key, secret="local", token=None):
        self._monkeypatch.setenv("AWS_ACCESS_KEY_ID", key)
        self._monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret)
        if token:
            self._monkeypatch.setenv("AWS_SESSION_TOKEN", token)

    def client(self, service):
        return self._sandbox.client(service, account=self.id)

    def publish(self, *principals):
        templates = {git: yaml.safe_dump(TEMPLATE) for git in ("codecommit", "connection")}
        self._monkeypatch.setattr(
            planning, "prepare", lambda _, known: Release(newest_name(known, "0.1.0-1"), "seeds/1.zip", b"1", templates)
        )
        session = boto3.Session(self.id, "local", region_name=self._sandbox.region)
        account = Account(session, self.id, self._sandbox.region)
        publish(account, Request(routes=("service-catalog",), principals=principals), dry_run=False)
        self._capsys.readouterr()

    def act_as(self, role, *actions):
        """Sign in as a new role that may do `actions`."""
        iam = self.client("iam")
        trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{self.id}:root"}, "Action": "sts:AssumeRole"}
        document = {"Version": "2012-10-17", "Statement": [trust]}
        iam.create_role(RoleName=role, Path="/team/", AssumeRolePolicyDocument=json.dumps(document))
        allowed = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
        iam.put_role_policy(
            RoleName=role,
            PolicyName="may",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allowed]}),
        )
        made = self.client("sts").assume_role(RoleArn=f"arn:aws:iam::{self.id}:role/team/{role}", RoleSessionName="me")[
            "Credentials"
        ]
        self.sign_in(made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"])

    def ask(self, *arguments):
        """Return the exit code, and of each subject the verdicts and what was said."""
        code = main([*arguments, "--json"])
        found = {}
        for each in json.loads(self._capsys.readouterr().out):
            verdicts, said = found.setdefault(each["id"], ([], []))
            verdicts.append(each["verdict"])
            said.append(f"{each['sentence']} {each['remedy']}")
        return code, {subject: (verdicts, " ".join(said)) for subject, (verdicts, said) in found.items()}


@pytest.fixture
def desk(sandbox, monkeypatch, capsys):
    return Desk(sandbox, monkeypatch, capsys)


def test_given_a_bare_account_then_nothing_is_unknown_and_nothing_would_fail_but_a_launch(desk):
    code, found = desk.ask()
    assert code == 0
    assert not [subject for subject, (verdicts, _) in found.items() if {"failed", "unknown"} & set(verdicts)]
    assert found["identity"][0] == ["warning"], "nobody should publish as root"
    assert found["service-linked-role"][0] == ["warning"]
    code, found = desk.ask("--before", "launch")
    assert code == 1
    assert [subject for subject, (verdicts, _) in found.items() if "failed" in verdicts] == ["portfolio"]


def test_given_a_role_then_what_it_may_not_do_of_publishing_is_told_and_once_it_may_all_nothing_is(desk):
    desk.act_as("Half", "s3:*", "cloudformation:*", "servicecatalog:*", "sagemaker:*")
    code, found = desk.ask()
    assert (code, found["permissions"][0]) == (1, ["failed"])
    assert "iam:CreateRole" in found["permissions"][1]
    assert "s3:" not in found["permissions"][1]
    assert "role/Half" in found["identity"][1] or "assumed-role/Half" in found["identity"][1]
    desk.act_as("Whole", "s3:*", "cloudformation:*", "servicecatalog:*", "sagemaker:*", "iam:*")
    code, found = desk.ask("--route", "both")
    assert (code, found["permissions"][0]) == (0, ["ok"])


def test_given_a_published_product_then_its_principals_may_launch_and_others_may_not(desk):
    mine, other = (f"arn:aws:iam::{desk.id}:role/{name}" for name in ("Mine", "Other"))
    desk.publish(mine)
    code, found = desk.ask("--before", "launch", "--principal", mine)
    assert code == 0, found
    assert found["launchers"] == (["ok"], f"{mine} may launch. ")
    assert found["kms"][0] == ["ok"]
    assert "launch role may make" in found["kms"][1]
    code, found = desk.ask("--before", "launch", "--principal", other)
    assert (code, found["launchers"][0]) == (1, ["failed"])
    assert f"--principal {other}" in found["launchers"][1]


def test_given_projects_are_disabled_then_the_remedy_enables_them(desk):
    desk.client("sagemaker").disable_sagemaker_servicecatalog_portfolio()
    assert desk.ask()[1]["studio-projects"][0] == ["failed"]
    desk.client("sagemaker").enable_sagemaker_servicecatalog_portfolio()
    assert desk.ask()[1]["studio-projects"][0] == ["ok"]


def test_given_a_domain_that_shows_another_folder_then_templates_in_s3_would_not_be_seen(desk):
    sagemaker = desk.client("sagemaker")
    domain = sagemaker.list_domains()["Domains"][0]["DomainArn"]
    assert desk.ask("--route", "s3")[1]["studio-templates"][0] == ["ok"]
    assert desk.ask("--route", "s3", "--before", "launch")[1]["studio-templates"][0] == ["failed"]
    sagemaker.add_tags(
        ResourceArn=domain, Tags=[{"Key": "sagemaker:projectS3TemplatesLocation", "Value": "s3://other/"}]
    )
    verdicts, said = desk.ask("--route", "s3")[1]["studio-templates"]
    assert verdicts == ["failed"]
    assert "s3://other/" in said


def test_given_a_connection_then_its_tag_is_looked_at_and_one_that_is_not_there_is_told(desk):
    connections = desk.client("codeconnections")
    arn = connections.create_connection(ConnectionName="host", ProviderType="GitHub")["ConnectionArn"]
    named = ["--before", "launch", "--git", "connection", "--connection", arn]
    found = desk.ask(*named)[1]
    assert found["connection"][0] == ["ok"]
    assert found["connection-tag"][0] == ["failed"]
    assert found["repository"][0] == ["failed", "failed"], "neither was named"
    assert "codecommit" not in found
    connections.tag_resource(ResourceArn=arn, Tags=[{"Key": "sagemaker", "Value": "true"}])
    assert desk.ask(*named)[1]["connection-tag"][0] == ["ok"]
    gone = f"{arn[:-12]}000000000000"
    assert desk.ask(*named[:-1], gone)[1]["connection"][0] == ["failed"]


def test_given_stage_accounts_then_each_is_looked_at_from_inside(desk, sandbox, tmp_path, monkeypatch, capsys):
    there, bare = str(int(desk.id) + 10_000_000), str(int(desk.id) + 20_000_000)
    settings = tmp_path / "credentials"
    settings.write_text(
        "".join(f"[{name}]\naws_access_key_id={key}\naws_secret_access_key=local\n" for name, key in
                (("there", there), ("bare", bare)))
    )  # fmt: skip
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(settings))
    administration, execution = stack_set_administration(sandbox.region), stack_set_execution(sandbox.region)
    named = ["--before", "launch", "--staging-account", there, "--production-account", bare]
    profiles = ["--stage-profile", f"{there}=there", "--stage-profile", f"{bare}=bare"]
    found = desk.ask(*named)[1]
    assert found["stack-set-administration"][0] == ["failed"]
    assert found["stage-account"][0] == ["unknown", "unknown"], "nobody said how to reach them"
    assert desk.ask(*named, *profiles)[1]["stage-account"][0] == ["failed", "failed"], "neither is bootstrapped"

    def trust(principal):
        statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
        return {"Version": "2012-10-17", "Statement": [statement]}

    reach = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": f"arn:aws:iam::*:role/{execution}"}
    iam = desk.client("iam")
    made = iam.create_role(
        RoleName=administration, Path=ROLE_PATH,
        AssumeRolePolicyDocument=json.dumps(trust({"Service": "cloudformation.amazonaws.com"})),
    )  # fmt: skip
    iam.put_role_policy(
        RoleName=administration, PolicyName="reach",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [reach]}),
    )  # fmt: skip
    role = {"RoleName": execution, "AssumeRolePolicyDocument": trust({"AWS": made["Role"]["Arn"]})}
    template = {
        "Resources": {"Role": {"Type": "AWS::IAM::Role", "Properties": role}},
        "Outputs": {"Home": {"Value": desk.id}},
    }
    stacks = sandbox.client("cloudformation", account=there)
    stacks.create_stack(
        StackName=STAGE_ACCOUNT_STACK, TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_NAMED_IAM"]
    )
    stacks.get_waiter("stack_create_complete").wait(StackName=STAGE_ACCOUNT_STACK, WaiterConfig={"Delay": 1})
    found = desk.ask(*named, *profiles)[1]
    assert found["stack-set-administration"][0] == ["ok"]
    assert found["stage-account"][0] == ["warning", "failed"], "it is not as this checkout bootstraps an account"
    assert "removed Role" in found["stage-account"][1]
    stacks.delete_stack(StackName=STAGE_ACCOUNT_STACK)
    stacks.get_waiter("stack_delete_complete").wait(StackName=STAGE_ACCOUNT_STACK, WaiterConfig={"Delay": 1})
    session = boto3.Session(there, "local", region_name=sandbox.region)
    bootstrap(Account(session, there, sandbox.region), desk.id, dry_run=False)
    capsys.readouterr()
    assert desk.ask(*named, *profiles)[1]["stage-account"][0] == ["ok", "failed"]
    wrong = ["--stage-profile", f"{there}=bare", "--stage-profile", f"{bare}=nobody"]
    found = desk.ask(*named, *wrong)[1]["stage-account"]
    assert found[0] == ["unknown", "unknown"]
    assert f"the profile bare reaches account {bare}" in found[1]
    assert "there is no profile nobody" in found[1]


def test_given_a_network_then_its_subnets_groups_and_way_out_are_judged(desk):
    ec2 = desk.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.9.{at}.0/24", AvailabilityZone=f"eu-west-1{zone}")["Subnet"][
            "SubnetId"
        ]
        for at, zone in enumerate("ab")
    ]
    group = ec2.create_security_group(GroupName="g", Description="g", VpcId=vpc)["GroupId"]
    named = ["--before", "launch", "--vpc", vpc, "--subnets", ",".join(subnets), "--security-groups", group]
    found = desk.ask(*named)[1]
    assert found["subnets"][0] == ["ok"], found
    assert found["security-groups"][0] == ["ok"]
    assert found["way-out"][0] == ["failed"]
    gateway = ec2.create_nat_gateway(SubnetId=subnets[0], ConnectivityType="private")["NatGateway"]["NatGatewayId"]
    for subnet in subnets:
        table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
        ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=gateway)
        ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
    assert desk.ask(*named)[1]["way-out"][0] == ["ok"]
    other = [*named[:-3], "subnet-0123456789abcdef0", *named[-2:]]
    assert desk.ask(*other)[1]["subnets"][0] == ["failed"]
