"""What runs inside an image's stand-in environment to serve a model. It must need nothing of the sandbox itself."""

from pathlib import Path

MODEL_SERVER = Path(__file__).with_name("model_server.py")
"""The script to run with the stand-in's Python: `python model_server.py --model FOLDER --announce FILE`."""
