"""What people are told without asking: that an approval is waited for, and that a stage has failed.

One topic. CodePipeline publishes the approvals with the pipelines' role, EventBridge the failures by the topic's policy
(its user guide says of SNS targets: by resource-based policy only, and no RoleArn). Nothing else may.
"""

import json

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns

from service_catalog.names import ProjectNames
from service_catalog.policy import VERSION, sub
from service_catalog.project.choices import HAS_EMAIL, condition
from service_catalog.project.parameters import EMAIL
from service_catalog.project.scope import OWN_ACCOUNT
from service_catalog.project.sources import PARTS

PURPOSE = "notices"
# Only what CodePipeline itself makes up is taken from an event: EventBridge escapes nothing.
_PATHS = {
    "pipeline": "$.detail.pipeline",
    "stage": "$.detail.stage",
    "action": "$.detail.action",
    "execution": "$.detail.execution-id",
}
_TEXT = (
    "<action> of stage <stage> has failed in pipeline <pipeline>, execution <execution>. What it says, and what to do "
    "about it: {url} - open the action's details; of a build, the log ends with what to do next. Once the cause is "
    "mended: push, or choose Retry stage where nothing had to be pushed. Until then what serves goes on serving. "
    "Verify says the truth of a release that has begun: retry neither it nor Deploy before its log was read."
)
_CONSOLE = (
    "https://${AWS::Region}.console.aws.amazon.com/codesuite/codepipeline/pipelines/<pipeline>/executions/<execution>/"
    "timeline?region=${AWS::Region}"
)


def add_notices(stack: cdk.Stack, names: ProjectNames, key: kms.CfnKey) -> sns.CfnTopic:
    """Add the topic, who may publish to it, and the subscription of the launch's address if it has one."""
    topic = sns.CfnTopic(
        stack,
        "Notices",
        topic_name=sub(names.resource(PURPOSE)),
        display_name=sub(f"Tidegate {names.project_id}"),
        kms_master_key_id=key.ref,
    )
    tls_only = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "sns:Publish",
        "Resource": topic.ref,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    sns.CfnTopicPolicy(
        stack,
        "NoticesPolicy",
        topics=[topic.ref],
        policy_document={
            "Version": VERSION,
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "events.amazonaws.com"},
                    "Action": "sns:Publish",
                    "Resource": topic.ref,
                    "Condition": OWN_ACCOUNT,
                },
                tls_only,
            ],
        },
    )
    subscription = sns.CfnSubscription(
        stack, "NoticesByEmail", protocol="email", topic_arn=topic.ref, endpoint=str(cdk.Fn.ref(EMAIL))
    )
    subscription.cfn_options.condition = condition(stack, HAS_EMAIL)
    return topic


def failure_pattern(names: ProjectNames) -> dict[str, object]:
    """Match an action that failed, in either pipeline; a rejected approval is no failure that anybody has to mend."""
    return {
        "source": ["aws.codepipeline"],
        "detail-type": ["CodePipeline Action Execution State Change"],
        "detail": {
            "pipeline": [sub(names.pipeline(part)) for part in PARTS],
            "state": ["FAILED"],
            "type": {"category": [{"anything-but": ["Approval"]}]},
        },
    }


def tells(topic: sns.CfnTopic) -> events.CfnRule.TargetProperty:
    """Tell the topic which action failed, where to look, and what to do."""
    return events.CfnRule.TargetProperty(
        id="notices",
        arn=topic.ref,
        input_transformer=events.CfnRule.InputTransformerProperty(
            input_paths_map=_PATHS, input_template=sub(json.dumps(_TEXT.format(url=_CONSOLE)))
        ),
    )
