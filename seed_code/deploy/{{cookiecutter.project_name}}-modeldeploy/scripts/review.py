"""Review this checkout: .venv/bin/python scripts/review.py

Validates every file, runs the tests, and says what a release of each stage would do. With PULL_REQUEST_ID in the
environment the outcome is also written on that pull request in CodeCommit (REPOSITORY, BEFORE_COMMIT, AFTER_COMMIT say
which and what about); other hosts are told by CodeBuild itself. Exits 1 if anything is wrong.
"""

import os
import subprocess
import sys
from pathlib import Path

BIN = Path(sys.executable).parent
STEPS = (
    ("Every file", ("tidegate", "validate")),
    ("What the stages promise", ("pytest", "-q", "tests")),
    ("What a release would do", ("tidegate", "plan", "--all")),
)
# CodeCommit takes comments of 10,240 characters.
LONGEST = 9_000


def look(title: str, command: tuple[str, ...]) -> tuple[bool, str]:
    """Run a command of this environment, say what it says, and return whether it succeeded and what it said."""
    print(f"== {title}: {' '.join(command)}", flush=True)
    done = subprocess.run(
        [str(BIN / command[0]), *command[1:]], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    print(done.stdout, flush=True)
    return done.returncode == 0, done.stdout


def report(results: list[tuple[str, bool, str]]) -> str:
    """Return what is written on the pull request; what is too long for it is left to the build's log."""
    failed = [title for title, succeeded, _ in results if not succeeded]
    build = os.environ.get("CODEBUILD_BUILD_ID", "on this machine")
    said = [f"**Review {'failed' if failed else 'passed'}** (build `{build}`)"]
    room = LONGEST // len(results)
    for title, succeeded, output in results:
        shown = output.strip().replace("~~~~", "~~~ ~")
        if len(shown) > room:
            shown = f"{shown[:room]}\n... the build's log has the rest"
        said.append(f"### {'ok' if succeeded else 'WRONG'}: {title}\n~~~~\n{shown}\n~~~~")
    return "\n\n".join(said)


def comment(text: str) -> bool:
    """Write `text` on the pull request that the environment names, once a build; say whether CodeCommit took it."""
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        boto3.client("codecommit").post_comment_for_pull_request(
            pullRequestId=os.environ["PULL_REQUEST_ID"],
            repositoryName=os.environ["REPOSITORY"],
            beforeCommitId=os.environ["BEFORE_COMMIT"],
            afterCommitId=os.environ["AFTER_COMMIT"],
            content=text,
            clientRequestToken=os.environ.get("CODEBUILD_BUILD_ID", "")[-64:] or "on-this-machine",
        )
    except (BotoCoreError, ClientError) as error:
        print(f"The outcome above could not be written on the pull request: {error}", file=sys.stderr)
        return False
    return True


def main() -> int:
    """Run every step, whatever the one before said; return the exit code."""
    results = [(title, *look(title, command)) for title, command in STEPS]
    told = comment(report(results)) if os.environ.get("PULL_REQUEST_ID") else True
    return 0 if told and all(succeeded for _, succeeded, _ in results) else 1


if __name__ == "__main__":
    sys.exit(main())
