"""`scripts/bootstrap-account`: let the projects of one account have stages in the account that boto3 reaches.

Needs boto3 alone, with credentials of the account that is to have the stages. What it makes is one stack; doing it
again changes nothing, unless this checkout's roles are others.
"""

import argparse
import re
import sys
from collections.abc import Sequence

from service_catalog.names import STAGE_ACCOUNT_STACK, stack_set_administration, stack_set_execution, stage_boundary
from service_catalog.publishing.account import Account, PublishError
from service_catalog.publishing.admin_stack import AdminStack
from service_catalog.publishing.command import run
from service_catalog.publishing.synth import synthesise_stage_account, to_json


def bootstrap(account: Account, home: str, *, dry_run: bool) -> None:
    """Bring `account` to what stages of the projects of `home` need.

    Raises PublishError if it is that account itself, or has stages of another account's projects.
    """
    if account.id == home:
        raise PublishError(
            f"The credentials are of account {home} itself, whose projects need nothing to have stages in it. Use "
            "those of the account that is to have the stages."
        )
    stack = AdminStack(account, STAGE_ACCOUNT_STACK)
    known = stack.outputs().get("Home", home)
    if known != home:
        raise PublishError(
            f"Account {account.id} has stages of the projects of account {known} in {account.region}, and can have "
            f"those of one account. To have those of {home} instead, delete its projects' stages, then the stack "
            f"{stack.name}, and run this again."
        )
    template = synthesise_stage_account(home)
    where = f"account {account.id}, {account.region}"
    if dry_run:
        status = stack.status()
        print(f"Dry run for {where}: nothing is changed.")
        print(f"- Stack {stack.name}: would be {'updated, if it differs' if status else 'created'}, with")
    else:
        change = stack.apply({"TemplateBody": to_json(template)})
        print(f"Stack {stack.name} in {where}: {change}. It holds")
    print(f"- the policy {stage_boundary(account.region)}: the most that a project's roles may be given here;")
    print(
        f"- the role {stack_set_execution(account.region)}: makes such roles, named sagemaker-p-*, for stack sets. "
        f"Only {stack_set_administration(account.region)} of account {home} may assume it."
    )
    print(
        f"Then launch a project in account {home} with StagingAccount or ProductionAccount {account.id}; "
        "scripts/publish makes the role there."
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(
        prog="scripts/bootstrap-account",
        description="Let the projects of one account have stages in the account that boto3 reaches.",
    )
    parser.add_argument("--home", required=True, metavar="ACCOUNT", help="the account that the projects are in")
    parser.add_argument("--dry-run", action="store_true", help="say what would change, and change nothing")
    options = parser.parse_args(arguments)
    if not re.fullmatch("[0-9]{12}", options.home):
        parser.error(f"{options.home} is not an account: write its 12 digits")
    return run(lambda account: bootstrap(account, options.home, dry_run=options.dry_run))


if __name__ == "__main__":
    sys.exit(main())
