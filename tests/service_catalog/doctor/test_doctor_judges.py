"""What the doctor says of facts: of each, when all is well, when it is not, and when nobody could look."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from service_catalog.doctor import (
    codecommit,
    connection,
    identity,
    keys,
    linked_roles,
    machine,
    network,
    permissions,
    published,
    quotas,
    stage_accounts,
    studio,
)
from service_catalog.doctor.check import Check, Verdict
from service_catalog.doctor.looking import MISSING, Unread
from service_catalog.doctor.question import Network, Question
from service_catalog.doctor.simulating import Denied

PUBLISH = Question()
ROLE = "arn:aws:iam::111122223333:role/studio/DataScientists"
LAUNCH = Question(before="launch", principals=(ROLE,))
DENIED = Unread("TheCall is not allowed to who is asking", denied=True)
BROKEN = Unread("TheCall answers InternalError")
ARN = "arn:aws:codeconnections:eu-west-1:111122223333:connection/00000000-0000-0000-0000-000000000000"
HOSTED = Question(
    before="launch", git="connection", connection=ARN, repositories={"build": "acme/b", "deploy": "acme/d"}
)
IN_VPC = replace(LAUNCH, network=Network("vpc-1", ("subnet-1", "subnet-2"), ("sg-1",)))

WHO = identity.Identity("arn:aws:sts::111122223333:assumed-role/Admin/me", "111122223333", "eu-west-1", ())
HERE = published.Published("eu-west-1", "UPDATE_COMPLETE", "tidegate-111122223333-eu-west-1", True, (ROLE,))
DOMAIN = studio.Domain("d-1", "team", "InService", ROLE)
FOLDER = "s3://tidegate-111122223333-eu-west-1/templates/"
STUDIO = studio.Studio((DOMAIN,), "Enabled", FOLDER)
S3 = ("s3",)
QUOTA = quotas.Quota("sagemaker", "ml.m5.large for endpoint usage", 9, 9.0, "L-1")
ON_THE_BUS = quotas.Quota("events", "Number of rules", 9, 300.0, "L-2", 291.0)
FOUND = connection.Found("GitHub", "AVAILABLE", "111122223333", {"sagemaker": "True"}, "https://github.com")
REPOSITORY = connection.Repository("build", "https://github.com/acme/b.git", ())
CONNECTED = connection.Connected("111122223333", FOUND, (REPOSITORY, replace(REPOSITORY, part="deploy")))
ONE = network.Subnet("subnet-1", "vpc-1", "eu-west-1a", 200, "nat")
OTHER = network.Subnet("subnet-2", "vpc-1", "eu-west-1b", 200, "nat")
LAID = network.Laid((ONE, OTHER), {"sg-1": "vpc-1"}, frozenset())

THERE = "222233334444"
TRUST = {
    "Statement": [
        {
            "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
            "Condition": {
                "StringEquals": {
                    "aws:PrincipalArn": "arn:aws:iam::111122223333:role/tidegate/tidegate-stackset-admin-eu-west-1"
                }
            },
        }
    ]
}
BOOTSTRAPPED = stage_accounts.Bootstrapped(THERE, "CREATE_COMPLETE", "111122223333", TRUST)
STAGES = stage_accounts.StageAccounts("111122223333", "eu-west-1", ROLE, (), {THERE: BOOTSTRAPPED})
STAGED = replace(LAUNCH, staging=THERE, production=THERE)

OK, WARNING, FAILED, UNKNOWN = Verdict.OK, Verdict.WARNING, Verdict.FAILED, Verdict.UNKNOWN
Case = tuple[Any, Any, Question, str, Verdict, str, str]


def shut(*endpoints: str) -> network.Laid:
    return replace(LAID, subnets=(replace(ONE, way_out=""), OTHER), endpoints=frozenset(endpoints))


def shows(location: Any) -> studio.Studio:
    return replace(STUDIO, domains=(replace(DOMAIN, location=location),))


def there(**change: Any) -> stage_accounts.StageAccounts:
    return replace(STAGES, stages={THERE: replace(BOOTSTRAPPED, **change)})


def seen(found: Any) -> stage_accounts.StageAccounts:
    return replace(STAGES, stages={THERE: found})


ANOTHER_HOME = {"Statement": [{"Principal": {"AWS": "arn:aws:iam::999900001111:root"}}]}

CASES: list[Case] = [
    (stage_accounts, STAGES, STAGED, "stack-set-administration", OK, f"may reach {THERE}", ""),
    (
        stage_accounts, replace(STAGES, administration=MISSING), STAGED, "stack-set-administration", FAILED,
        "tidegate-stackset-admin-eu-west-1", "scripts/publish",
    ),
    (
        stage_accounts, replace(STAGES, denied=(Denied("sts:AssumeRole", "arn:there"),)), STAGED,
        "stack-set-administration", FAILED, "may not assume arn:there", "publish again",
    ),
    (
        stage_accounts, replace(STAGES, administration=DENIED), STAGED, "stack-set-administration", UNKNOWN,
        "not allowed", "iam:GetRole",
    ),
    (
        stage_accounts, replace(STAGES, denied=DENIED), STAGED, "stack-set-administration", UNKNOWN,
        "could not be simulated", "iam:SimulatePrincipalPolicy",
    ),
    (stage_accounts, STAGES, STAGED, "stage-account", OK, f"{THERE} is bootstrapped", ""),
    (
        stage_accounts, seen(MISSING), STAGED, "stage-account", FAILED, "is not bootstrapped",
        "scripts/bootstrap-account --home 111122223333",
    ),
    (
        stage_accounts, there(status="ROLLBACK_COMPLETE"), STAGED, "stage-account", FAILED, "ROLLBACK_COMPLETE",
        "scripts/bootstrap-account",
    ),
    (
        stage_accounts, there(home="999900001111"), STAGED, "stage-account", FAILED, "for the projects of 999900001111",
        "--home 111122223333",
    ),
    (
        stage_accounts, there(trust=ANOTHER_HOME), STAGED, "stage-account", FAILED, "does not trust",
        "scripts/bootstrap-account",
    ),
    (
        stage_accounts, there(trust=MISSING), STAGED, "stage-account", FAILED, "does not trust",
        "scripts/bootstrap-account",
    ),
    (
        stage_accounts, there(differs=("changed Boundary",)), STAGED, "stage-account", WARNING,
        "this checkout's differs in changed Boundary", "scripts/bootstrap-account --home 111122223333",
    ),
    (
        stage_accounts, there(differs=DENIED), STAGED, "stage-account", UNKNOWN, "not known",
        "cloudformation:GetTemplate",
    ),
    (
        stage_accounts, there(differs=Unread("cannot be synthesised")), STAGED, "stage-account", UNKNOWN,
        "cannot be synthesised", "--dry-run",
    ),
    (stage_accounts, there(trust=DENIED), STAGED, "stage-account", UNKNOWN, "could not be looked at", "iam:GetRole"),
    (
        stage_accounts, seen(Unread("no profile was given that reaches it")), STAGED, "stage-account", UNKNOWN,
        "no profile", f"--stage-profile {THERE}=",
    ),
    (identity, WHO, PUBLISH, "identity", OK, "assumed-role/Admin/me", ""),
    (identity, replace(WHO, arn="arn:aws:iam::111122223333:root"), PUBLISH, "identity", WARNING, "root user", "role"),
    (identity, replace(WHO, arn=BROKEN), PUBLISH, "identity", UNKNOWN, "InternalError", "Sign in"),
    (identity, WHO, PUBLISH, "region", OK, "eu-west-1 has", ""),
    (identity, replace(WHO, lacking=("sagemaker",)), PUBLISH, "region", FAILED, "has no sagemaker", "--region"),
    (machine, machine.Machine(None, (), "3.12.1"), PUBLISH, "node", OK, "22", ""),
    (machine, machine.Machine("No Node.", (), "3.12.1"), PUBLISH, "node", FAILED, "No Node.", "Install Node 22"),
    (machine, machine.Machine(None, (), "3.12.1"), PUBLISH, "packages", OK, "3.12.1", ""),
    (machine, machine.Machine(None, ("aws_cdk",), "3.12.1"), PUBLISH, "packages", FAILED, "aws_cdk", "scripts/publish"),
    (permissions, permissions.Permissions(()), PUBLISH, "permissions", OK, "may do all", ""),
    (permissions, permissions.Permissions((), root=True), PUBLISH, "permissions", OK, "root", ""),
    (
        permissions, permissions.Permissions((Denied("iam:CreateRole", "*"),)), PUBLISH, "permissions", FAILED,
        "iam:CreateRole", "docs/doctor.md",
    ),
    (
        permissions, permissions.Permissions((Denied("iam:CreateRole", "*", organisation=True),)), PUBLISH,
        "permissions", FAILED, "a policy of the organisation", "administers",
    ),
    (
        permissions, permissions.Permissions(DENIED, reads_refused=("s3:ListAllMyBuckets",)), PUBLISH, "permissions",
        UNKNOWN, "s3:ListAllMyBuckets", "iam:SimulatePrincipalPolicy",
    ),
    (published, HERE, PUBLISH, "portfolio", OK, "can be changed", ""),
    (published, replace(HERE, stack=MISSING), PUBLISH, "portfolio", OK, "Nothing is published", ""),
    (published, replace(HERE, stack="UPDATE_IN_PROGRESS"), PUBLISH, "portfolio", FAILED, "being changed", "Wait"),
    (
        published, replace(HERE, stack="UPDATE_ROLLBACK_FAILED"), PUBLISH, "portfolio", FAILED, "no update",
        "continue-update-rollback",
    ),
    (published, replace(HERE, stack="DELETE_FAILED"), PUBLISH, "portfolio", FAILED, "DELETE_FAILED", "unpublish"),
    (published, replace(HERE, stack=DENIED), PUBLISH, "portfolio", UNKNOWN, "not allowed", "DescribeStacks"),
    (published, HERE, PUBLISH, "admin-bucket", OK, "this account's", ""),
    (published, replace(HERE, bucket=MISSING), PUBLISH, "admin-bucket", OK, "is free", ""),
    (published, replace(HERE, bucket=DENIED), PUBLISH, "admin-bucket", FAILED, "another account's", "another region"),
    (published, replace(HERE, bucket=BROKEN), PUBLISH, "admin-bucket", UNKNOWN, "InternalError", "again"),
    (published, HERE, LAUNCH, "portfolio", OK, "is published", ""),
    (published, replace(HERE, stack=MISSING), LAUNCH, "portfolio", FAILED, "Nothing is published", "scripts/publish"),
    (published, replace(HERE, stack="ROLLBACK_COMPLETE"), LAUNCH, "portfolio", FAILED, "ROLLBACK", "publish again"),
    (published, replace(HERE, stack=BROKEN), LAUNCH, "portfolio", UNKNOWN, "InternalError", "again"),
    (published, HERE, LAUNCH, "launchers", OK, "may launch", ""),
    (published, replace(HERE, principals=()), LAUNCH, "launchers", FAILED, ROLE, f"--principal {ROLE}"),
    (
        published, replace(HERE, principals=()), Question(before="launch"), "launchers", FAILED, "Nobody",
        "--principal",
    ),
    (published, replace(HERE, principals=DENIED), LAUNCH, "launchers", UNKNOWN, "not allowed", "GetTemplate"),
    (studio, STUDIO, LAUNCH, "studio-domain", OK, "team (d-1)", ""),
    (studio, replace(STUDIO, domains=()), LAUNCH, "studio-domain", WARNING, "no Studio domain", "Make a domain"),
    (
        studio, replace(STUDIO, domains=MISSING), replace(LAUNCH, domain="d-9"), "studio-domain", FAILED, "d-9",
        "list-domains",
    ),
    (
        studio, replace(STUDIO, domains=(replace(DOMAIN, status="Failed"),)), LAUNCH, "studio-domain", FAILED,
        "is Failed", "console",
    ),
    (studio, replace(STUDIO, domains=DENIED), LAUNCH, "studio-domain", UNKNOWN, "not allowed", "sagemaker:ListDomains"),
    (studio, STUDIO, LAUNCH, "studio-projects", OK, "enabled", ""),
    (
        studio, replace(STUDIO, projects="Disabled"), LAUNCH, "studio-projects", FAILED, "not enabled",
        "enable-sagemaker-servicecatalog-portfolio",
    ),
    (studio, replace(STUDIO, projects=DENIED), LAUNCH, "studio-projects", UNKNOWN, "not allowed", "PortfolioStatus"),
    (studio, STUDIO, LAUNCH, "studio-role", OK, "may launch", ""),
    (
        studio, replace(STUDIO, domains=(replace(DOMAIN, role=""),)), LAUNCH, "studio-role", UNKNOWN,
        "no execution role", "user profiles",
    ),
    (
        studio, replace(STUDIO, domains=(replace(DOMAIN, denied=(Denied("sagemaker:CreateProject", "*"),)),)), LAUNCH,
        "studio-role", FAILED, "may not sagemaker:CreateProject", "AmazonSageMakerFullAccess",
    ),
    (
        studio, replace(STUDIO, domains=(replace(DOMAIN, denied=DENIED),)), LAUNCH, "studio-role", UNKNOWN,
        "could not be simulated", "iam:SimulatePrincipalPolicy",
    ),
    (
        studio, STUDIO, Question(principals=("arn:aws:iam::111122223333:role/Other",)), "studio-role", WARNING,
        "not among the principals", f"--principal {ROLE}",
    ),
    (
        studio, shows(FOLDER), replace(LAUNCH, routes=S3), "studio-templates", OK, FOLDER, "",
    ),
    (studio, shows(""), Question(routes=S3), "studio-templates", OK, "no templates in S3 yet", ""),
    (
        studio, shows(""), replace(LAUNCH, routes=S3), "studio-templates", FAILED, "shows no templates",
        "--domain-id d-1",
    ),
    (
        studio, shows("s3://other/"), Question(routes=S3), "studio-templates", FAILED, "s3://other/",
        "sagemaker:projectS3TemplatesLocation",
    ),
    (
        studio, shows(DENIED), replace(LAUNCH, routes=S3), "studio-templates", UNKNOWN, "not allowed",
        "sagemaker:ListTags",
    ),
    (codecommit, codecommit.CodeCommit(True, 0), LAUNCH, "codecommit", OK, "answers", ""),
    (codecommit, codecommit.CodeCommit(False, BROKEN), LAUNCH, "codecommit", FAILED, "no CodeCommit", "--git"),
    (codecommit, codecommit.CodeCommit(False, BROKEN), PUBLISH, "codecommit", WARNING, "no CodeCommit", "--git"),
    (codecommit, codecommit.CodeCommit(True, DENIED), LAUNCH, "codecommit", UNKNOWN, "not known", "ListRepositories"),
    (connection, CONNECTED, HOSTED, "connection", OK, "GitHub is AVAILABLE", ""),
    (
        connection, replace(CONNECTED, connection=replace(FOUND, status="PENDING")), HOSTED, "connection", FAILED,
        "is PENDING", "Update pending connection",
    ),
    (
        connection, replace(CONNECTED, connection=replace(FOUND, provider="AzureDevOps")), HOSTED, "connection", FAILED,
        "AzureDevOps", "GitLab",
    ),
    (
        connection, replace(CONNECTED, connection=replace(FOUND, account="444455556666")), HOSTED, "connection",
        WARNING, "444455556666", "share",
    ),
    (connection, replace(CONNECTED, connection=MISSING), HOSTED, "connection", FAILED, "There is no", "list-"),
    (
        connection, replace(CONNECTED, connection=MISSING), replace(HOSTED, connection=""), "connection", FAILED,
        "needs the ARN", "--connection",
    ),
    (connection, replace(CONNECTED, connection=DENIED), HOSTED, "connection", UNKNOWN, "not allowed", "GetConnection"),
    (connection, CONNECTED, HOSTED, "connection-tag", OK, "sagemaker=true", ""),
    (
        connection, replace(CONNECTED, connection=replace(FOUND, tags={})), HOSTED, "connection-tag", FAILED, "lacks",
        f"--resource-arn {ARN}",
    ),
    (
        connection, replace(CONNECTED, connection=replace(FOUND, tags=DENIED)), HOSTED, "connection-tag", UNKNOWN,
        "not allowed", "tag-resource",
    ),
    (connection, CONNECTED, HOSTED, "repository", OK, "exists and is empty", ""),
    (
        connection, replace(CONNECTED, repositories=(replace(REPOSITORY, branches=("main",)),)), HOSTED, "repository",
        WARNING, "(main)", "empty repository",
    ),
    (
        connection, replace(CONNECTED, repositories=(replace(REPOSITORY, branches=Unread("not found")),)), HOSTED,
        "repository", UNKNOWN, "acme/b.git could not be looked at", "exists",
    ),
    (
        connection, CONNECTED, replace(HOSTED, repositories={"build": "acme/b"}), "repository", FAILED,
        "deploys the model", "--deploy-repository",
    ),
    (
        connection, CONNECTED, replace(HOSTED, repositories={"build": "acme/b", "deploy": "Acme/b"}), "repository",
        FAILED, "the same", "two",
    ),
    (network, LAID, IN_VPC, "subnets", OK, "2 zones", ""),
    (network, replace(LAID, subnets=MISSING), IN_VPC, "subnets", FAILED, "does not exist", "describe-subnets"),
    (network, replace(LAID, subnets=(ONE, replace(OTHER, vpc="vpc-2"))), IN_VPC, "subnets", FAILED, "subnet-2", ""),
    (
        network, replace(LAID, subnets=(ONE, replace(OTHER, way_out="internet"))), IN_VPC, "subnets", FAILED,
        "subnet-2 are public", "NAT",
    ),
    (network, replace(LAID, subnets=(ONE,)), IN_VPC, "subnets", WARNING, "eu-west-1a", "two zones"),
    (network, replace(LAID, subnets=(ONE, replace(OTHER, free=3))), IN_VPC, "subnets", WARNING, "10 free", "larger"),
    (network, replace(LAID, subnets=DENIED), IN_VPC, "subnets", UNKNOWN, "not allowed", "ec2:DescribeSubnets"),
    (network, LAID, IN_VPC, "security-groups", OK, "1 security groups", ""),
    (network, replace(LAID, groups=MISSING), IN_VPC, "security-groups", FAILED, "does not exist", "describe-security"),
    (network, replace(LAID, groups={"sg-1": "vpc-2"}), IN_VPC, "security-groups", FAILED, "sg-1 are not in", "vpc-1"),
    (network, replace(LAID, groups=DENIED), IN_VPC, "security-groups", UNKNOWN, "not allowed", "DescribeSecurity"),
    (network, LAID, IN_VPC, "way-out", OK, "has a way out", ""),
    (network, shut(), IN_VPC, "way-out", FAILED, "no endpoint of s3, logs, sts", "NAT"),
    (network, shut("s3", "logs", "sts"), IN_VPC, "way-out", WARNING, "package index", "NAT"),
    (network, replace(shut(), endpoints=DENIED), IN_VPC, "way-out", UNKNOWN, "not allowed", "DescribeVpcEndpoints"),
    (keys, keys.Keys(True), PUBLISH, "kms", OK, "KMS answers", ""),
    (keys, keys.Keys(DENIED), PUBLISH, "kms", UNKNOWN, "not allowed", "kms:ListAliases"),
    (keys, keys.Keys(True, ROLE), LAUNCH, "kms", OK, "may make", ""),
    (
        keys, keys.Keys(True, ROLE, (Denied("kms:CreateKey", "*", organisation=True),)), LAUNCH, "kms", FAILED,
        "organisation forbids", ROLE,
    ),
    (keys, keys.Keys(True, ROLE, (Denied("kms:CreateKey", "*"),)), LAUNCH, "kms", UNKNOWN, "tag", "organisation"),
    (keys, keys.Keys(True, ROLE, DENIED), LAUNCH, "kms", UNKNOWN, "not known", "iam:SimulatePrincipalPolicy"),
    (keys, keys.Keys(True, DENIED), LAUNCH, "kms", UNKNOWN, "not known", "iam:GetRole"),
    (linked_roles, linked_roles.LinkedRole(ROLE), LAUNCH, "service-linked-role", OK, "is there", ""),
    (
        linked_roles, linked_roles.LinkedRole(MISSING), LAUNCH, "service-linked-role", WARNING, "not there yet",
        "create-service-linked-role --aws-service-name sagemaker.application-autoscaling.amazonaws.com",
    ),
    (linked_roles, linked_roles.LinkedRole(DENIED), LAUNCH, "service-linked-role", UNKNOWN, "not known", "create-"),
    (quotas, (QUOTA,), LAUNCH, "quotas", OK, "9, of which a project needs 9", ""),
    (
        quotas, (replace(QUOTA, value=8.0),), LAUNCH, "quotas", FAILED, "is 8, and a project needs 9",
        "--service-code sagemaker --quota-code L-1 --desired-value 9",
    ),
    (quotas, (replace(QUOTA, value=None),), LAUNCH, "quotas", UNKNOWN, "no quota of sagemaker", "console"),
    (quotas, DENIED, LAUNCH, "quotas", UNKNOWN, "not allowed", "servicequotas:ListServiceQuotas"),
    (quotas, (QUOTA,), LAUNCH, "quotas", OK, "what is in use is not counted", ""),
    (quotas, (ON_THE_BUS,), LAUNCH, "quotas", OK, "Number of rules: 300, 291 in use, of which a project needs 9.", ""),
    (
        quotas, (replace(ON_THE_BUS, used=292.0),), LAUNCH, "quotas", FAILED,
        "is 300, 292 in use, and a project needs 9 at once",
        "--service-code events --quota-code L-2 --desired-value 301",
    ),
    (
        quotas, (replace(ON_THE_BUS, used=DENIED),), LAUNCH, "quotas", UNKNOWN, "how much of it is used",
        "events:ListRules",
    ),
    (
        quotas, (replace(QUOTA, used=DENIED),), LAUNCH, "quotas", UNKNOWN, "how much of it is used",
        "cloudwatch:GetMetricStatistics",
    ),
    (
        quotas, (replace(ON_THE_BUS, used=DENIED, value=8.0),), LAUNCH, "quotas", FAILED,
        "is 8, and a project needs 9", "--desired-value 9",
    ),
]  # fmt: skip


def named(case: Case) -> str:
    module, _, question, subject, verdict, sentence, _ = case
    return f"{module.__name__.rpartition('.')[2]}-{question.before}-{subject}-{verdict}-{sentence}"


@pytest.mark.parametrize("case", CASES, ids=named)
def test_given_facts_then_they_are_judged(case: Case) -> None:
    module, facts, question, subject, verdict, sentence, remedy = case
    checks: Sequence[Check] = [each for each in module.TOPIC.judge(facts, question) if each.id == subject]
    found = [each for each in checks if each.verdict == verdict and sentence in each.sentence and remedy in each.remedy]
    assert found, checks
    for each in module.TOPIC.judge(facts, question):
        assert each.sentence.endswith("."), each
        assert ".." not in each.sentence, each
        assert (each.remedy == "") == (each.verdict == OK), each


def test_then_each_subject_has_a_case_of_being_well_of_not_being_well_and_of_not_being_known() -> None:
    verdicts: dict[str, set[Verdict]] = {}
    for _, _, _, subject, verdict, _, _ in CASES:
        verdicts.setdefault(subject, set()).add(verdict)
    # Of these there is nothing that could not be looked at.
    certain = {"region", "node", "packages"}
    for subject, found in verdicts.items():
        assert OK in found, subject
        assert found & {WARNING, FAILED}, subject
        assert UNKNOWN in found or subject in certain, subject
