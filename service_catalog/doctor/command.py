"""`scripts/doctor`: what would fail later, told before."""

import argparse
import os
import shutil
import sys
from collections.abc import Sequence

from service_catalog.doctor.check import NOT_LOOKED, exit_code
from service_catalog.doctor.examine import examine
from service_catalog.doctor.looking import Rim
from service_catalog.doctor.question import BEFORE, Network, Question, refusals
from service_catalog.doctor.report import as_json, as_table, summary
from service_catalog.project.parameters import GITS
from service_catalog.publishing.account import PublishError, reach, sentences
from service_catalog.publishing.published import ROUTES


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return 0 if nothing would fail, 1 if something would, 2 if it could not look."""
    parser = _parser()
    given = parser.parse_args(arguments)
    question, wrong = _question(given)
    if wrong:
        print("\n".join(wrong), file=sys.stderr)
        return NOT_LOOKED
    if given.region:
        os.environ["AWS_DEFAULT_REGION"] = os.environ["AWS_REGION"] = given.region
    try:
        with sentences():
            account = reach()
    except PublishError as error:
        print(error, file=sys.stderr)
        return NOT_LOOKED
    checks = examine(Rim(account), question, _progress)
    if given.json:
        print(as_json(checks))
    else:
        print(f"Before {question.before} in account {account.id}, {account.region}:\n")
        width = min(shutil.get_terminal_size((120, 24)).columns, 140)
        print(as_table(checks, width, colour=sys.stdout.isatty() and "NO_COLOR" not in os.environ))
        print(f"\n{summary(checks)}")
    return exit_code(checks, strict=given.strict)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/doctor",
        description="Look, before publishing or launching, for what would fail later. Nothing is changed.",
        epilog="Exit code: 0 nothing would fail, 1 something would, 2 it could not look.",
    )
    add = parser.add_argument
    add("--before", choices=BEFORE, default="publish", help="what is to come next (publish)")
    add("--region", help="the region to look at, instead of that of boto3's settings")
    add("--json", action="store_true", help="write the findings as JSON")
    add("--strict", action="store_true", help="let warnings and what is not known count as failures")
    add(
        "--route",
        choices=[*ROUTES, "both"],
        default="service-catalog",
        help="the gallery (service-catalog)",
    )
    add("--principal", action="append", default=[], metavar="ARN", help="who is to launch; can be given more than once")
    add("--domain-id", default="", metavar="ID", help="the Studio domain to look at, instead of all")
    launch = parser.add_argument_group("what a launch would be given").add_argument
    launch("--git", choices=GITS, default="codecommit", help="where the repositories are to be (codecommit)")
    launch("--connection", default="", metavar="ARN", help="the CodeConnection to the git host")
    launch("--build-repository", default="", metavar="OWNER/NAME", help="the repository that builds the model")
    launch("--deploy-repository", default="", metavar="OWNER/NAME", help="the repository that deploys it")
    launch("--staging-account", default="", metavar="ACCOUNT", help="the account of staging, if not the project's")
    launch(
        "--production-account", default="", metavar="ACCOUNT", help="the account of production, if not the project's"
    )
    launch(
        "--stage-profile", action="append", default=[], metavar="ACCOUNT=PROFILE",
        help="the profile of boto3's settings that reaches the account of a stage",
    )  # fmt: skip
    launch("--vpc", default="", metavar="VPC", help="the network of builds, jobs and endpoints")
    launch("--subnets", default="", metavar="SUBNET,…", help="its subnets")
    launch("--security-groups", default="", metavar="GROUP,…", help="its security groups")
    return parser


def _question(given: argparse.Namespace) -> tuple[Question, list[str]]:
    wrong = [f"{each!r} is not ACCOUNT=PROFILE." for each in given.stage_profile if "=" not in each.strip("=")]
    profiles = dict(each.split("=", 1) for each in given.stage_profile if "=" in each)
    repositories = {"build": given.build_repository, "deploy": given.deploy_repository}
    question = Question(
        before=given.before,
        git=given.git,
        connection=given.connection,
        repositories={part: name for part, name in repositories.items() if name},
        staging=given.staging_account,
        production=given.production_account,
        stage_profiles=profiles,
        network=Network(given.vpc, _listed(given.subnets), _listed(given.security_groups)),
        routes=ROUTES if given.route == "both" else (given.route,),
        principals=tuple(given.principal),
        domain=given.domain_id,
    )
    return question, wrong + refusals(question)


def _listed(text: str) -> tuple[str, ...]:
    return tuple(each.strip() for each in text.split(",") if each.strip())


def _progress(done: int, of: int) -> None:
    if sys.stderr.isatty():
        print(
            f"\r\x1b[2m· {done} of {of} looked at\x1b[0m{'' if done < of else chr(13) + chr(27) + '[K'}",
            end="",
            file=sys.stderr,
        )


if __name__ == "__main__":
    sys.exit(main())
