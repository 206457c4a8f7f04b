"""Take over a newer version of the template that this repository was made from, as a branch of its own.

    .venv/bin/python scripts/upgrade.py [--preview] [--to VERSION]

The versions lie in the bucket that `.tidegate.json` names; credentials for the project's account may read them with the
policy `tidegate-owners-REGION` of that account. Without it, somebody who has it can hand you both bundles: --old FILE
--new FILE. The new version brings the program that does the rest, and nothing is changed until that has gone well.
"""

import argparse
import hashlib
import json
import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any, NoReturn

ROOT = Path(__file__).resolve().parent.parent
RECORD = ".tidegate.json"
TEMPLATES = "templates/"
TEMPLATE = re.compile(r"templates/tidegate-[a-z]+-(?P<version>[A-Za-z0-9][A-Za-z0-9.+-]*)\.yaml")
BUNDLE = re.compile(r"seeds/[0-9a-f]{32}\.zip")
ENTRY = Path("service_catalog", "upgrade", "code.py")


class Bucket:
    """The bucket in which the platform team publishes the versions."""

    def __init__(self, name: str, account: str, region: str) -> None:
        import boto3

        self.s3: Any = boto3.client("s3", region_name=region)
        self.mine = {"Bucket": name, "ExpectedBucketOwner": account}

    def read(self, key: str) -> bytes:
        """Return the content of an object."""
        content: bytes = self.s3.get_object(**self.mine, Key=key)["Body"].read()
        return content

    def versions(self) -> dict[str, str]:
        """Return where the template of each version lies, oldest first; those of a version name the same bundle."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(**self.mine, Prefix=TEMPLATES)
        found = [each for page in pages for each in page.get("Contents", [])]
        keys = [each["Key"] for each in sorted(found, key=lambda each: (each["LastModified"], each["Key"]))]
        return {match["version"]: key for key in keys if (match := TEMPLATE.fullmatch(key))}

    def bundle_of(self, template: str) -> str:
        """Return the key of the bundle that a template seeds projects from."""
        keys = {match[0] for match in BUNDLE.finditer(self.read(template).decode())}
        if len(keys) != 1:
            sys.exit(f"{template} names {len(keys)} bundles; it was not published by Tidegate")
        return keys.pop()


def read_record() -> tuple[str, str, str, str]:
    """Return the bucket, the key, the account and the region that the repository records."""
    try:
        said = json.loads((ROOT / RECORD).read_text(encoding="utf-8"))
        bundle, answers = said["bundle"], said["answers"]
        return bundle["bucket"], bundle["key"], answers["account"], answers["region"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        sys.exit(f"{RECORD} cannot be read ({error!r}); take it back from the repository's history")


def digest(content: bytes) -> str:
    """Return what a bundle is called by."""
    return hashlib.sha256(content).hexdigest()[:32]


def whole(content: bytes, key: str) -> bytes:
    """Return the content of the bundle that lies under `key`, if it is what its name says."""
    if digest(content) != Path(key).stem:
        sys.exit(f"the bundle {key} is not what its name says; ask who published it")
    return content


def choose(options: argparse.Namespace, recorded: tuple[str, str, str, str]) -> tuple[str, str, bytes, bytes]:
    """Return the name of the new version, its key, and both bundles; leaves if the repository has that version."""
    name, key, account, region = recorded
    if options.old and options.new:
        old, new = options.old.read_bytes(), options.new.read_bytes()
        if whole(old, key) == new:
            up_to_date()
        folder = key.rpartition("/")[0]
        return digest(new)[:8], "/".join(filter(None, [folder, f"{digest(new)}.zip"])), old, new
    bucket = Bucket(name, account, region)
    versions = bucket.versions()
    if not versions:
        sys.exit(f"nothing is published in {name}")
    if options.to and options.to not in versions:
        sys.exit(f"{options.to} is not published; there are {', '.join(versions)}")
    version = options.to or list(versions)[-1]
    new_key = bucket.bundle_of(versions[version])
    if new_key == key:
        up_to_date()
    return version, new_key, whole(bucket.read(key), key), whole(bucket.read(new_key), new_key)


def up_to_date() -> NoReturn:
    """Leave: the repository is of that version already."""
    print("This repository is up to date: it has that version of the template.")
    sys.exit(0)


def unpack(content: bytes, folder: Path) -> Path:
    """Unpack a bundle, with the permissions of its files."""
    archive = folder.with_suffix(".zip")
    archive.write_bytes(content)
    with zipfile.ZipFile(archive) as bundle:
        for info in bundle.infolist():
            Path(bundle.extract(info, folder)).chmod(info.external_attr >> 16)
    return folder


def main() -> None:
    """Fetch both versions, and let the new one do the rest."""
    parser = argparse.ArgumentParser(prog="scripts/upgrade.py", description=__doc__.splitlines()[0])
    parser.add_argument("--to", metavar="VERSION", help="a version that is published; else the newest")
    parser.add_argument("--preview", action="store_true", help="say what would change, and change nothing")
    parser.add_argument("--answer", action="append", default=[], metavar="NAME=VALUE", help="to a new question")
    parser.add_argument("--old", type=Path, metavar="FILE", help="the bundle that this repository was made from")
    parser.add_argument("--new", type=Path, metavar="FILE", help="the bundle of the new version")
    options = parser.parse_args()
    if bool(options.old) != bool(options.new):
        parser.error("--old and --new are given together")
    recorded = read_record()
    try:
        version, key, old, new = choose(options, recorded)
    except Exception as error:  # boto3's, which is not imported where files are given
        if type(error).__module__.partition(".")[0] not in ("botocore", "boto3"):
            raise
        bucket, _, _, region = recorded
        sys.exit(f"the versions in {bucket} cannot be read (the policy tidegate-owners-{region} lets you): {error}")
    with tempfile.TemporaryDirectory() as scratch:
        before, after = unpack(old, Path(scratch, "old")), unpack(new, Path(scratch, "new"))
        if not (after / ENTRY).is_file():
            sys.exit(f"the version {version} is too old to upgrade to")
        if subprocess.run([sys.executable, after / "scripts" / "environment.py"], check=False).returncode:
            sys.exit("the environment of the new version could not be made; the lines above say why")
        command: list[str | Path] = [after / ".venv" / "bin" / "python", "-m", ".".join(ENTRY.with_suffix("").parts)]
        places: list[str | Path] = ["--repository", ROOT, "--old", before, "--key", key, "--name", version]
        answers = [word for answer in options.answer for word in ("--answer", answer)]
        preview = ["--preview"] if options.preview else []
        sys.exit(subprocess.run([*command, *places, *answers, *preview], cwd=after, check=False).returncode)


if __name__ == "__main__":
    main()
