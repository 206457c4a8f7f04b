"""What publishing asks of AWS, and whether who is asking may.

CloudFormation makes the admin stack with the permissions of whoever publishes: so what its resources take is here too.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from service_catalog.doctor.check import Check, Subject
from service_catalog.doctor.looking import Rim, Unread, read
from service_catalog.doctor.question import Question
from service_catalog.doctor.simulating import SIMULATE, Denied, principal, simulate
from service_catalog.doctor.topic import Topic
from service_catalog.names import PORTFOLIO_STACK, ROLE_PATH, admin_bucket
from service_catalog.publishing.account import Account

PERMISSIONS = Subject("permissions", "Permissions to publish")
SHOWN = 6

STACK = ("CreateStack", "DeleteStack", "DescribeStackEvents", "DescribeStacks", "GetTemplate", "UpdateStack")
BUCKET = (
    "CreateBucket", "DeleteBucket", "GetBucketCORS", "ListBucket", "ListBucketVersions", "PutBucketCORS",
    "PutBucketPolicy", "PutBucketPublicAccessBlock", "PutBucketVersioning", "PutEncryptionConfiguration",
)  # fmt: skip
OBJECTS = ("DeleteObjectVersion", "GetObject", "GetObjectTagging", "PutObject", "PutObjectTagging")
ROLES = (
    "AttachRolePolicy", "CreateRole", "DeleteRole", "DeleteRolePolicy", "DetachRolePolicy", "GetRole", "GetRolePolicy",
    "ListAttachedRolePolicies", "ListRolePolicies", "PassRole", "PutRolePolicy", "TagRole", "UntagRole",
    "UpdateAssumeRolePolicy", "UpdateRole",
)  # fmt: skip
POLICIES = (
    "CreatePolicy", "CreatePolicyVersion", "DeletePolicy", "DeletePolicyVersion", "GetPolicy", "GetPolicyVersion",
    "ListEntitiesForPolicy", "ListPolicyVersions",
)  # fmt: skip
CATALOGUE = (
    "AssociatePrincipalWithPortfolio", "AssociateProductWithPortfolio", "CreateConstraint", "CreatePortfolio",
    "CreateProduct", "CreateProvisioningArtifact", "DeleteConstraint", "DeletePortfolio", "DeleteProduct",
    "DeleteProvisioningArtifact", "DescribeConstraint", "DescribePortfolio", "DescribeProductAsAdmin",
    "DescribeProvisioningArtifact", "DisassociatePrincipalFromPortfolio", "DisassociateProductFromPortfolio",
    "ListPortfoliosForProduct", "ListPrincipalsForPortfolio", "ListProvisioningArtifacts",
    "ListServiceActionsForProvisioningArtifact", "ListTagsForResource", "SearchProvisionedProducts", "TagResource",
    "UntagResource", "UpdateConstraint", "UpdatePortfolio", "UpdateProduct", "UpdateProvisioningArtifact",
)  # fmt: skip
PRINCIPALS = ("AttachRolePolicy", "DetachRolePolicy")
DOMAINS = ("AddTags", "DeleteTags", "DescribeDomain", "ListTags")
TEMPLATES = ("cloudformation:ValidateTemplate", "sagemaker:ListDomains", "sagemaker:ListProjects")


def of_publishing(account: Account, routes: Collection[str]) -> Mapping[str, Sequence[str]]:
    """Return what publishing by these routes, and taking back, ask for: actions by the resource they are asked of."""
    partition, region, bucket = account.partition, account.region, admin_bucket(account.id, account.region)
    asked: dict[str, Sequence[str]] = {
        f"arn:{partition}:cloudformation:{region}:{account.id}:stack/{PORTFOLIO_STACK}/*": _of("cloudformation", STACK),
        f"arn:{partition}:s3:::{bucket}": _of("s3", BUCKET),
        f"arn:{partition}:s3:::{bucket}/*": _of("s3", OBJECTS),
        f"arn:{partition}:iam::{account.id}:role{ROLE_PATH}*": _of("iam", ROLES),
        f"arn:{partition}:iam::{account.id}:policy{ROLE_PATH}*": _of("iam", POLICIES),
        "*": [*TEMPLATES, *(_of("servicecatalog", CATALOGUE) if "service-catalog" in routes else ())],
    }
    if "s3" in routes:
        asked[f"arn:{partition}:iam::{account.id}:role/*"] = _of("iam", PRINCIPALS)
        asked[f"arn:{partition}:sagemaker:{region}:{account.id}:domain/*"] = _of("sagemaker", DOMAINS)
        asked[f"arn:{partition}:sagemaker:{region}:{account.id}:project/*"] = _of("sagemaker", ("DescribeProject",))
    return asked


@dataclass(frozen=True)
class Permissions:
    """What is not allowed; or, where that could not be asked, why, and which harmless reads were refused instead."""

    denied: tuple[Denied, ...] | Unread
    root: bool = False
    reads_refused: tuple[str, ...] = ()
    reads_tried: tuple[str, ...] = ()


def gather(rim: Rim, question: Question) -> Permissions:
    """Simulate what publishing does; where that is refused, try what of it only reads."""
    arn = read(lambda: str(rim.client("sts").get_caller_identity()["Arn"]))
    if isinstance(arn, Unread):
        return Permissions(arn)
    if arn.endswith(":root"):
        return Permissions((), root=True)
    who = principal(rim, arn)
    denied = who if isinstance(who, Unread) else simulate(rim, who, of_publishing(rim.account, question.routes))
    if not isinstance(denied, Unread):
        return Permissions(denied)
    tried = {
        "cloudformation:ListStacks": lambda: rim.client("cloudformation").list_stacks(),
        "s3:ListAllMyBuckets": lambda: rim.client("s3").list_buckets(MaxBuckets=1),
        "servicecatalog:ListPortfolios": lambda: rim.client("servicecatalog").list_portfolios(PageSize=1),
    }
    answers = {name: read(call) for name, call in tried.items()}
    refused = tuple(name for name, answer in answers.items() if isinstance(answer, Unread) and answer.denied)
    return Permissions(denied, reads_refused=refused, reads_tried=tuple(tried))


def judge(facts: Permissions, _question: Question) -> list[Check]:
    """Judge whether publishing would get through."""
    if facts.root:
        return [PERMISSIONS.ok("The root user may do all that publishing does.")]
    if isinstance(facts.denied, Unread):
        tried = f" Of harmless calls, {', '.join(facts.reads_refused)} are refused too." if facts.reads_refused else ""
        return [
            PERMISSIONS.unknown(
                f"What is allowed could not be simulated: {facts.denied.why}.{tried}",
                f"Allow {SIMULATE} to who is asking, or compare its policies with docs/doctor.md.",
            )
        ]
    if not facts.denied:
        return [PERMISSIONS.ok("Who is asking may do all that publishing does, if the policies of resources let them.")]
    names = [each.action for each in facts.denied]
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    by = " by a policy of the organisation" if all(each.organisation for each in facts.denied) else ""
    return [
        PERMISSIONS.failed(
            f"Publishing also does what is not allowed here{by}: {', '.join(names[:SHOWN])}{more}.",
            "Let whoever administers the account allow them: docs/doctor.md has the whole policy.",
        )
    ]


def _of(service: str, actions: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"{service}:{action}" for action in actions)


TOPIC = Topic(
    PERMISSIONS,
    (
        "sts:GetCallerIdentity", "iam:GetRole", SIMULATE, "cloudformation:ListStacks", "s3:ListAllMyBuckets",
        "servicecatalog:ListPortfolios",
    ),
    gather,
    judge,
    wanted=lambda question: question.before == "publish",
)  # fmt: skip
