"""What CodeBuild's standard images have installed: boto3 and PyYAML for Python, and the `aws` command.

So do the Dockerfiles of aws/aws-codebuild-docker-images (`ubuntu/standard/7.0`, `al/x86_64/standard/5.0` and later):
boto3 as new as it was on the day, PyYAML pinned, version 2 of the AWS CLI. Here all of it is the sandbox's own. It
lies outside of a build's environment: what a build installs goes before it, in whole packages, and replaces none.
"""

import sys
from functools import cache
from importlib.metadata import distribution
from pathlib import Path

DISTRIBUTIONS = ("boto3", "botocore", "jmespath", "python-dateutil", "s3transfer", "six", "urllib3", "PyYAML")
"""boto3 with all that it requires, and PyYAML."""

_AWS = """\
#!{python} -EP
import os, shutil, sys
try:
    from awscli.clidriver import main
except ModuleNotFoundError:
    own = os.path.dirname(__file__)
    others = [entry for entry in os.environ.get("PATH", "").split(os.pathsep) if entry != own]
    if command := shutil.which("aws", path=os.pathsep.join(others)):
        os.execv(command, [command, *sys.argv[1:]])
    said = "aws: CodeBuild's images have the AWS CLI, and this machine has none. Install awscli beside the sandbox or"
    print(said, "on the machine, or have the buildspec install it.", file=sys.stderr)
    sys.exit(127)
sys.exit(main())
"""


def link(packages: Path) -> None:
    """Have links in the folder `packages` to the sandbox's own DISTRIBUTIONS, in the versions that it runs now."""
    wanted = _parts()
    for there in packages.iterdir():
        if there.is_symlink() and wanted.get(there.name) != there.readlink():
            there.unlink()
    for name, target in wanted.items():
        if not (packages / name).is_symlink():
            (packages / name).symlink_to(target)


def write_command(folder: Path) -> None:
    """Write the command `aws` into `folder`.

    It is the AWS CLI of the sandbox's environment, whose version is known to heed AWS_ENDPOINT_URL; without one the
    machine's; without that a sentence.
    """
    folder.mkdir(parents=True, exist_ok=True)
    command = folder / "aws"
    if not command.is_file() or command.read_text() != _AWS.format(python=sys.executable):
        command.write_text(_AWS.format(python=sys.executable))
        command.chmod(0o755)


@cache
def _parts() -> dict[str, Path]:
    """Return where each file or folder of DISTRIBUTIONS is among the sandbox's own packages, by its name."""
    return {
        part: Path(str(one.locate_file(part)))
        for one in map(distribution, DISTRIBUTIONS)
        for part in {file.parts[0] for file in one.files or ()} - {"..", "__pycache__"}
    }
