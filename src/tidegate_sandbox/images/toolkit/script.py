"""Runs the user's script, as the SageMaker SDK sends it: an archive in S3, or a folder of the container."""

import os
import subprocess
import sys
import tarfile
from pathlib import Path
from urllib.parse import urlsplit

from .environment import Environment
from .problems import UserError


def run(environment: Environment) -> int:
    """Fetch the code, install what its requirements.txt asks for, run the script; return its exit code."""
    program = environment.program
    assert program is not None
    code = environment.ml / "code"
    code.mkdir(exist_ok=True)
    where = str(environment.reserved.get("sagemaker_submit_directory", code))
    if where.startswith("s3://"):
        _fetch(where, code)
    elif Path(where).is_dir():
        code = Path(where)
    if not (code / program).is_file():
        raise UserError(f"there is no {program} in {where} (sagemaker_program names it)")
    if (code / "requirements.txt").is_file():
        _run([sys.executable, "-m", "pip", "install", "-r", "requirements.txt"], code, dict(os.environ))
    runner = ["/bin/sh", "-c", f'./{program} "$@"', program] if program.endswith(".sh") else [sys.executable, program]
    _run([*runner, *environment.arguments()], code, {**os.environ, **environment.variables(), "PYTHONPATH": str(code)})
    return 0


def _run(command: list[str], folder: Path, variables: dict[str, str]) -> None:
    print(f"Invoking script with the following command:\n\n{' '.join(command)}\n", flush=True)
    ended = subprocess.run(command, cwd=folder, env=variables, stderr=subprocess.PIPE, text=True, check=False)
    sys.stderr.write(ended.stderr)
    if ended.returncode:
        last = "\n".join(ended.stderr.strip().splitlines()[-20:])
        raise UserError(
            f"ExecuteUserScriptError:\nExitCode {ended.returncode}\nErrorMessage {last}\nCommand {' '.join(command)}"
        )


def _fetch(url: str, folder: Path) -> None:
    import boto3
    from botocore.exceptions import ClientError

    parts = urlsplit(url)
    archive = folder.parent / "sourcedir.tar.gz"
    try:
        boto3.client("s3").download_file(parts.netloc, parts.path.removeprefix("/"), str(archive))
    except ClientError as error:
        raise UserError(f"the code at {url} could not be downloaded: {error}") from error
    try:
        with tarfile.open(archive) as tar:
            tar.extractall(folder)  # noqa: S202 - the user's own code, which is about to be run, in its own enclosure
    except tarfile.TarError as error:
        raise UserError(f"the code at {url} is not a tar archive: {error}") from error
    archive.unlink()
