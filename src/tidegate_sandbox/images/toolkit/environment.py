"""What a training container is given in /opt/ml, and the variables and arguments that programs get of it."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ML = Path("/opt/ml")

_RESERVED = "sagemaker_"


@dataclass(frozen=True)
class Environment:
    """A training job as its container sees it. `ml` is the folder that /opt/ml is."""

    given: dict[str, str]
    """The hyperparameters as they were given."""
    hyperparameters: dict[str, Any]
    """The user's own, decoded from JSON where they are JSON."""
    reserved: dict[str, Any]
    """The toolkit's: those whose names begin with sagemaker_."""
    channels: dict[str, dict[str, Any]]
    resources: dict[str, Any]
    ml: Path = ML

    @property
    def program(self) -> str | None:
        """The user's script; None for the framework's own algorithm."""
        return self.reserved.get("sagemaker_program") or os.environ.get("SAGEMAKER_PROGRAM")

    @property
    def model(self) -> Path:
        """Where the model is to be left."""
        return self.ml / "model"

    def channel(self, name: str) -> Path:
        """Return the folder of a channel's data."""
        return self.ml / "input" / "data" / name

    def arguments(self) -> list[str]:
        """Return the hyperparameters as a script's arguments: `--name value`, `-n value` for one letter."""
        words = []
        for name, value in sorted(self.hyperparameters.items()):
            words += [f"--{name}" if len(name) > 1 else f"-{name}", _argument(value)]
        return words

    def variables(self) -> dict[str, str]:
        """Return the environment variables of the toolkit, SM_..., for a script."""
        config, output = self.ml / "input" / "config", self.ml / "output"
        program = self.program or ""
        host = self.resources.get("current_host", "algo-1")
        found: dict[str, Any] = {
            "SM_MODEL_DIR": self.model,
            "SM_INPUT_DIR": self.ml / "input",
            "SM_INPUT_CONFIG_DIR": config,
            "SM_INPUT_DATA_CONFIG": self.channels,
            "SM_INPUT_DATA_CONFIG_FILE": config / "inputdataconfig.json",
            "SM_INPUT_TRAINING_CONFIG_FILE": config / "hyperparameters.json",
            "SM_OUTPUT_DIR": output,
            "SM_OUTPUT_DATA_DIR": output / "data",
            "SM_OUTPUT_INTERMEDIATE_DIR": output / "intermediate",
            "SM_RESOURCE_CONFIG": self.resources,
            "SM_HOSTS": self.resources.get("hosts", [host]),
            "SM_CURRENT_HOST": host,
            "SM_CURRENT_INSTANCE_TYPE": self.resources.get("current_instance_type", ""),
            "SM_NETWORK_INTERFACE_NAME": self.resources.get("network_interface_name", ""),
            "SM_NUM_CPUS": os.cpu_count() or 1,
            "SM_NUM_GPUS": 0,
            "SM_LOG_LEVEL": self.reserved.get("sagemaker_container_log_level", 20),
            "SM_USER_ENTRY_POINT": program,
            "SM_MODULE_NAME": program.removesuffix(".py"),
            "SM_MODULE_DIR": self.reserved.get("sagemaker_submit_directory", self.ml / "code"),
            "SM_HPS": self.hyperparameters,
            "SM_CHANNELS": sorted(self.channels),
            "SM_USER_ARGS": self.arguments(),
            **{f"SM_HP_{name.upper()}": value for name, value in self.hyperparameters.items()},
            **{f"SM_CHANNEL_{name.upper()}": self.channel(name) for name in self.channels},
        }
        found["SM_TRAINING_ENV"] = {
            "channel_input_dirs": {name: str(self.channel(name)) for name in self.channels},
            "current_host": host,
            "hosts": found["SM_HOSTS"],
            "hyperparameters": self.hyperparameters,
            "input_data_config": self.channels,
            "job_name": os.environ.get("TRAINING_JOB_NAME", ""),
            "model_dir": str(self.model),
            "module_name": found["SM_MODULE_NAME"],
            "num_cpus": found["SM_NUM_CPUS"],
            "num_gpus": 0,
            "output_data_dir": str(output / "data"),
            "resource_config": self.resources,
            "user_entry_point": program,
        }
        return {name: value if isinstance(value, str) else _text(value) for name, value in found.items()}


def read(ml: Path = ML) -> Environment:
    """Return what the container's configuration files say."""
    config = ml / "input" / "config"
    given = _json(config / "hyperparameters.json")
    decoded = {name: _decoded(value) for name, value in given.items()}
    return Environment(
        given=given,
        hyperparameters={name: value for name, value in decoded.items() if not name.startswith(_RESERVED)},
        reserved={name: value for name, value in decoded.items() if name.startswith(_RESERVED)},
        channels=_json(config / "inputdataconfig.json"),
        resources=_json(config / "resourceconfig.json"),
        ml=ml,
    )


def _json(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text())) if path.exists() else {}


def _decoded(value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        return value


def _argument(value: Any) -> str:
    if isinstance(value, dict):
        return ",".join(f"{key}={each}" for key, each in sorted(value.items()))
    return "" if value is None else str(value)


def _text(value: Any) -> str:
    return str(value) if isinstance(value, Path) else json.dumps(value)
