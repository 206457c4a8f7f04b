"""The command `train`: the user's script if there is one, else the framework's own algorithm."""

import importlib
import sys
import traceback

from .environment import Environment, read
from .problems import NotSimulatedError, UserError
from .script import run

_ALGORITHMS = {"xgboost": "toolkit.xgboost_algorithm"}
"""The module of each framework that trains without a script of the user's."""


def train(framework: str, version: str) -> None:
    """Train in a container of the `framework`, whose image has the `version`; what fails is in `output/failure`."""
    environment = read()
    try:
        code = run(environment) if environment.program else _run_algorithm(framework, version, environment)
    except (UserError, NotSimulatedError) as error:
        code = _fail(environment, str(error))
    except Exception as error:
        traceback.print_exc()
        code = _fail(environment, f"{type(error).__name__}: {error}")
    sys.exit(code)


def _run_algorithm(framework: str, version: str, environment: Environment) -> int:
    if framework not in _ALGORITHMS:
        raise UserError(f"the hyperparameter sagemaker_program is missing: {framework} has no algorithm of its own")
    print(f"Running {framework} in algorithm mode", flush=True)
    importlib.import_module(_ALGORITHMS[framework]).train(environment, version)
    return 0


def _fail(environment: Environment, why: str) -> int:
    print(why, file=sys.stderr)
    failure = environment.ml / "output" / "failure"
    failure.parent.mkdir(parents=True, exist_ok=True)
    failure.write_text(why)
    return 1
