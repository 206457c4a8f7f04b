"""Rules on accounts, regions and networks: what a stage refers to is where the stage is.

Where the pipeline does not reach the stage at all, only that is said.
"""

from collections.abc import Iterator

from tidegate.stage import limits
from tidegate.stage.fleet import Network
from tidegate.stage.model import Notifications, Project
from tidegate.stage.rules.rule import KEY, Finding, rule


def _reached(project: Project, name: str, account: str, region: str) -> bool:
    own = project.place(name) or project
    return (account, region) == (own.account, own.region) and region == project.region


def _arn(text: str) -> tuple[str, str]:
    """Return the region and the account of an ARN."""
    _, _, _, region, account, _ = text.split(":", 5)
    return region, account


@rule(
    "TG070",
    "A stage is where the pipeline deploys to",
    why="The launch decides to which account each stage is deployed: the project's own, or that of the stage's place "
    "under `project.places`. Saying another one moves nothing: the stage would be deployed there all the same. "
    "Every stage is in the project's region.",
    source="this project: docs/accounts.md",
    right="Leave `account` and `region` out; to move a stage, update the project with another account for it.",
)
def unknown_place(project: Project, name: str, account: str, region: str) -> Iterator[Finding]:
    """Find stages that the pipeline does not reach."""
    place = project.place(name)
    deployed_to = place.account if place else project.account
    if account != deployed_to:
        where = (
            f"is deployed to account {deployed_to}, which the launch chose"
            if place
            else f"its project in {deployed_to}"
        )
        yield Finding(
            ("account",),
            f"the stage is in {account}, {where}",
            "leave `account` out, since the launch says where a stage is deployed"
            if place
            else "leave `account` out, since a stage is deployed where its project is",
        )
    if region != project.region:
        yield Finding(
            ("region",),
            f"the stage is in {region}, its project in {project.region}",
            "leave `region` out, since a stage is deployed where its project is",
        )


@rule(
    "TG071",
    "Subnets and security groups stand together",
    why="SageMaker takes a VPC as both: instances need a subnet to be in and a security group that says what they "
    "reach.",
    source="botocore: VpcConfig requires Subnets and SecurityGroupIds",
    right="Write both, or neither.",
)
def half_a_network(network: Network) -> Iterator[Finding]:
    """Find one without the other."""
    if bool(network.subnets) != bool(network.security_groups):
        there, missing = ("subnets", "security_groups") if network.subnets else ("security_groups", "subnets")
        yield Finding(
            ("network", there, KEY), f"`{there}` needs `{missing}` beside it", f"add `{missing}`, or take `{there}` out"
        )


@rule(
    "TG072",
    "At most 16 subnets and 5 security groups",
    why="SageMaker refuses more.",
    source="botocore: Subnets and VpcSecurityGroupIds",
    right="Keep those that the instances need; a subnet in each of two or three zones is enough.",
)
def too_many_of_a_network(network: Network) -> Iterator[Finding]:
    """Find more than SageMaker takes."""
    for key, most in (("subnets", limits.SUBNETS_MAX), ("security_groups", limits.SECURITY_GROUPS_MAX)):
        given = len(getattr(network, key))
        if given > most:
            yield Finding(("network", key, most), f"there are {given} {key}", f"SageMaker allows {most}")


@rule(
    "TG073",
    "The execution role is in the stage's account",
    why="A role can be passed to SageMaker only within its own account. A stage in another account than the "
    "project's needs a role there.",
    source="IAM user guide, Granting a user permissions to pass a role to an AWS service: not across accounts",
    right="Write the ARN of a role in the stage's account as `execution_role` of the stage.",
)
def foreign_role(execution_role: str, project: Project, name: str, account: str, region: str) -> Iterator[Finding]:
    """Find a role that cannot be passed."""
    _, owner = _arn(execution_role)
    if owner != account and _reached(project, name, account, region):
        yield Finding(
            ("execution_role",),
            f"the role is in account {owner}, the stage in {account}",
            "write the ARN of a role in the stage's account",
        )


@rule(
    "TG074",
    "The key is one that the stage's account can use",
    why="KMS encrypts with the keys of its own region. A key of another account works only if that account's key "
    "policy lets the stage's in, which a launch does with the project's key for the accounts of its stages.",
    source="AWS KMS developer guide, Allowing users in other accounts to use a KMS key",
    right="Leave `kms_key` to endpoint.yml, or write the ARN of a key in the stage's account and region.",
)
def foreign_key(kms_key: str, project: Project, name: str, account: str, region: str) -> Iterator[Finding]:
    """Find a key that the stage's account cannot use."""
    of_region, owner = _arn(kms_key)
    if (of_region != region or owner not in (account, project.account)) and _reached(project, name, account, region):
        yield Finding(
            ("kms_key",),
            f"the key is in {of_region} of account {owner}, the stage in {region} of {account}",
            "write the ARN of a key in the stage's account and region",
        )


@rule(
    "TG075",
    "The topic is one that an alarm can tell",
    why="An alarm notifies topics of its own region. FIFO topics take only messages with a group id, and that an "
    "alarm sends one is not verified.",
    source="CloudWatch user guide, Using Amazon CloudWatch alarms: actions are in the alarm's region; botocore, in "
    "the text of SNS Publish.MessageGroupId",
    right="Write the ARN of a standard topic in the stage's region. It may be another account's.",
)
def deaf_topic(
    notifications: Notifications | None, project: Project, name: str, account: str, region: str
) -> Iterator[Finding]:
    """Find topics that would hear nothing."""
    if notifications is None or not _reached(project, name, account, region):
        return
    of_region, _ = _arn(notifications.topic)
    if of_region != region:
        yield Finding(
            ("notifications", "topic"),
            f"the topic is in {of_region}, the stage's alarms in {region}",
            "write the ARN of a topic in the stage's region",
        )
    elif notifications.topic.endswith(".fifo"):
        yield Finding(("notifications", "topic"), "the topic is a FIFO topic", "write the ARN of a standard topic")


@rule(
    "TG076",
    "The registry is in the stage's region",
    why="A model is created from a version of its own region. A group that is given by its name is in the "
    "project's registry; another account's can be read by its ARN, another region's cannot.",
    source="SageMaker developer guide, Deploy a model from the registry; that it works across regions is documented "
    "nowhere",
    right="Write the ARN of a group in the stage's region.",
)
def distant_registry(
    model_package_group: str, project: Project, name: str, account: str, region: str
) -> Iterator[Finding]:
    """Find a group whose versions cannot be used where the stage is."""
    of_region = _arn(model_package_group)[0] if ":" in model_package_group else project.region
    if of_region != region and _reached(project, name, account, region):
        yield Finding(
            ("model_package_group",),
            f"the registry is in {of_region}, the stage in {region}",
            "write the ARN of a group in the stage's region",
        )


RULES = (
    unknown_place,
    half_a_network,
    too_many_of_a_network,
    foreign_role,
    foreign_key,
    deaf_topic,
    distant_registry,
)
