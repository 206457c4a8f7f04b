"""A build's fresh environment: a Python of its own with pip and boto3, an empty HOME, git without the user's settings.

It stands in for the container that CodeBuild starts from the project's image; package caches outlive it, as
CodeBuild's local cache does.
"""

import base64
import os
import shutil
import sys
import sysconfig
import threading
import zipfile
from dataclasses import dataclass
from pathlib import Path

from tidegate_sandbox import context, processes
from tidegate_sandbox.git.http import NOT_UNASKED
from tidegate_sandbox.services.codebuild import preinstalled
from tidegate_sandbox.services.codebuild.records import Build

INDEX_SETTINGS = (".config/pip/pip.conf", ".config/uv/uv.toml")
"""What a build's HOME has of the user's: where packages come from, and nothing else."""

_PIP = """\
#!{python}
import sys
from pip._internal.cli.main import main
sys.exit(main())
"""
_making_template = threading.Lock()


@dataclass(frozen=True)
class Container:
    """The folders of one build; `root` is removed when it ends."""

    root: Path

    @property
    def source(self) -> Path:
        """Where the primary source is."""
        return self.root / "src"

    def secondary(self, name: str) -> Path:
        """Where the secondary source `name` is."""
        return self.root / "secondary" / name

    @property
    def python(self) -> Path:
        """The build's own Python environment."""
        return self.root / "python"

    def remove(self) -> None:
        """Remove all of it."""
        shutil.rmtree(self.root, ignore_errors=True)


def provision(build: Build) -> Container:
    """Make a fresh container for `build`; RuntimeError, as a sentence, where Python cannot be set up."""
    home = context.sandbox().home / "codebuild"
    container = Container(home / "builds" / build.uuid)
    for folder in ("home", "src", "tmp"):
        (container.root / folder).mkdir(parents=True)
    for settings in INDEX_SETTINGS:
        if (Path.home() / settings).is_file():
            (container.root / "home" / settings).parent.mkdir(parents=True)
            shutil.copyfile(Path.home() / settings, container.root / "home" / settings)
    template = _template(home / "images")
    shutil.copytree(template, container.python, symlinks=True)
    for script in (container.python / "bin").iterdir():
        # Scripts name the interpreter by its full path, so a copy's must be told of theirs.
        if script.is_file() and not script.is_symlink():
            script.write_bytes(script.read_bytes().replace(os.fsencode(template), os.fsencode(container.python)))
    (container.root / "gitconfig").write_text(_git_configuration(build.scope))
    return container


def environment(container: Container) -> dict[str, str]:
    """Return what every build sees of its container (CodeBuild's own variables come from the runner)."""
    home = context.sandbox().home / "codebuild"
    caches = home / "cache"
    own_scripts = {str(Path(prefix) / "bin") for prefix in (sys.prefix, sys.exec_prefix) if prefix != sys.base_prefix}
    path = [entry for entry in processes.environment()["PATH"].split(os.pathsep) if entry not in own_scripts]
    shared = {"PIP_CACHE_DIR": str(caches / "pip"), "UV_CACHE_DIR": str(caches / "uv")}
    return {
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        **{name: os.environ.get(name, folder) for name, folder in shared.items()},
        "XDG_CACHE_HOME": str(caches),
        "PATH": os.pathsep.join([str(container.python / "bin"), str(home / "images" / "bin"), *path]),
        "HOME": str(container.root / "home"),
        "TMPDIR": str(container.root / "tmp"),
        "GIT_CONFIG_GLOBAL": str(container.root / "gitconfig"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CEILING_DIRECTORIES": str(container.root),  # a repository that the sandbox lies in is none of a build's
        "GIT_TERMINAL_PROMPT": "0",
    }


def lend_credentials(build: Build, container: Container) -> None:
    """Give git the account's credentials for CodeCommit and connections, as `git-credential-helper: yes` asks for."""
    url, user = context.sandbox().url, build.scope.keys()["AWS_ACCESS_KEY_ID"]
    helper = f"!f() {{ echo username={user}; echo password=local; }}; f"
    # Nothing here asks git for a name first, and without one nobody could tell who pulls and pushes.
    offered = base64.b64encode(f"{user}:local".encode()).decode()
    with (container.root / "gitconfig").open("a") as settings:
        settings.write(f'[credential "{url}"]\n\thelper = "{helper}"\n')
        settings.write(f'[http "{url}/"]\n\textraHeader = "Authorization: Basic {offered}"\n')


def withhold_credentials(container: Container) -> None:
    """Let git be asked for credentials, which it has none of unless the build sees to them, as on AWS."""
    with (container.root / "gitconfig").open("a") as settings:
        settings.write(f'[http "{context.sandbox().url}/"]\n\textraHeader = "{NOT_UNASKED}: yes"\n')


def _template(images: Path) -> Path:
    """Return an environment to copy, made on first use. It finds pip, boto3 and PyYAML in a folder that builds share.

    pip leaves what is outside its environment alone, so a build that upgrades any of them installs one of its own.
    Copying their thousands of files for each build would take longer than many a build.
    """
    template = images / f"python{sys.version_info[0]}.{sys.version_info[1]}"
    shared = images / "packages"
    with _making_template:
        # Its python is a link, which dangles once the machine's own Python has gone.
        if not all(path.exists() for path in (template / "bin" / "python", template / "bin" / "pip", shared / "pip")):
            for made_before in (template, shared):
                shutil.rmtree(made_before, ignore_errors=True)
            shared.mkdir(parents=True)
            with zipfile.ZipFile(_pip_wheel()) as wheel:
                wheel.extractall(shared)
            log = images / "python.log"
            argv = [sys.executable, "-m", "venv", "--without-pip", str(template)]
            if processes.run(argv, cwd=images, log=log, name="python for builds") != 0:
                raise RuntimeError(f"no Python environment could be made for builds; {log} says why")
            [packages] = template.glob("lib/python*/site-packages")
            (packages / "image.pth").write_text(f"{shared}\n")
            for name in ("pip3", "pip"):
                script = template / "bin" / name
                script.write_text(_PIP.format(python=template / "bin" / "python"))
                script.chmod(0o755)
        preinstalled.link(shared)
        preinstalled.write_command(images / "bin")
    return template


def _pip_wheel() -> Path:
    import ensurepip

    # Distributions that take the wheel out of ensurepip keep it in a folder that they configure.
    folders = [Path(ensurepip.__file__).parent / "_bundled", Path("/usr/share/python-wheels")]
    if configured := sysconfig.get_config_var("WHEEL_PKG_DIR"):
        folders.append(Path(configured))
    found = [wheel for folder in folders for wheel in folder.glob("pip-*.whl")]
    if not found:
        raise RuntimeError("this Python has no ensurepip; on Debian and Ubuntu, install python3-venv")
    return found[0]


def _git_configuration(scope: context.Scope) -> str:
    """Return git's settings in a build: CodeCommit's address leads here."""
    url = context.sandbox().url
    return (
        f'[url "{url}/git-codecommit.{scope.region}/v1/repos/"]\n'
        f"\tinsteadOf = https://git-codecommit.{scope.region}.amazonaws.com/v1/repos/\n"
        "[safe]\n\tdirectory = *\n"
    )
