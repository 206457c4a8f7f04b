"""Serves a model as a SageMaker script-mode container does: GET /ping and POST /invocations around the user's code.

Runs inside an image's stand-in environment as a script of its own: standard library and uvicorn only. The model folder
is what /opt/ml/model is in a container: model.tar.gz unpacked, with the user's code in `code/`. The user's program
(SAGEMAKER_PROGRAM) defines `model_fn(model_dir)`, and either `transform_fn(model, body, content_type, accept)` or
`input_fn(body, content_type)`, `predict_fn(data, model)` and `output_fn(prediction, accept)`, for which the image's
framework may have defaults. Without a program, an image that has an algorithm of its own serves by that.

Rules are those of SageMaker's inference toolkit: an exception of the user's code answers 500 with its message, unless
the exception carries a `status_code` of its own, as the toolkit's do (UnsupportedFormatError is 415).
"""

import argparse
import importlib.util
import inspect
import os
import socket
import sys
import tempfile
import traceback
import types
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

MAX_BODY = 6_291_456
"""Bytes of an InvokeEndpoint body at most (botocore, BodyBlob)."""

Answer = tuple[int, bytes, str]
"""Status, body, content type."""


class BrokenProgramError(Exception):
    """The user's program cannot serve; the message is a sentence."""


class UnsupportedFormatError(Exception):
    """Raised by user code for a content type or an accept that it does not speak."""

    status_code = HTTPStatus.UNSUPPORTED_MEDIA_TYPE

    def __init__(self, content_type: str, **_: Any) -> None:
        super().__init__(f"Content type {content_type} is not supported by this framework.")


class Server(Protocol):
    """What answers requests."""

    def answer(self, body: bytes, content_type: str, accept: str) -> Answer:
        """Answer one request. Never raises."""
        ...


class Handler:
    """The user's program with its model loaded."""

    def __init__(self, module: types.ModuleType, model_dir: str, defaults: Mapping[str, Any] = MappingProxyType({})):
        self._name = module.__name__
        self._defaults = defaults
        self._model = self._function(module, "model_fn")(model_dir)
        self._default_accept = os.environ.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT", "application/json")
        if hasattr(module, "transform_fn"):
            self._answer = self._function(module, "transform_fn")
            return
        read, predict, write = (self._function(module, name) for name in ("input_fn", "predict_fn", "output_fn"))

        def answer(model: Any, body: Any, content_type: str, accept: str) -> Any:
            return write(predict(read(body, content_type), model), accept)

        self._answer = answer

    def _function(self, module: types.ModuleType, name: str) -> Callable[..., Any]:
        function: Callable[..., Any] | None = getattr(module, name, self._defaults.get(name))
        if function is None:
            raise BrokenProgramError(
                f"{self._name}.py does not define {name}; it must define model_fn, and either transform_fn "
                "or input_fn, predict_fn and output_fn"
            )
        # Toolkits call user functions with a context where they take one more argument.
        required = {"model_fn": 1, "transform_fn": 4}.get(name, 2)
        if len(inspect.signature(function).parameters) == required + 1:
            return lambda *arguments: function(*arguments, None)
        return function

    def answer(self, body: bytes, content_type: str, accept: str) -> Answer:
        """Answer one request. Never raises: what the user's code raises becomes the answer."""
        accept = self._default_accept if accept in ("", "*/*") else accept
        # The toolkit hands text over as str, and anything else as bytes.
        textual = content_type.partition(";")[0].strip() in ("text/csv", "application/json")
        try:
            given: bytes | str = body.decode() if textual else body
            output = self._answer(self._model, given, content_type, accept)
            output, kind = output if isinstance(output, tuple) else (output, accept)
            return HTTPStatus.OK, output.encode() if isinstance(output, str) else bytes(output), str(kind)
        except Exception as error:
            traceback.print_exc()
            own = getattr(error, "status_code", None)
            status = own if isinstance(own, int) and 400 <= own < 600 else HTTPStatus.INTERNAL_SERVER_ERROR
            return status, (str(error) or type(error).__name__).encode(), "text/plain"


def load(model_dir: Path, program: str) -> types.ModuleType:
    """Import the user's program from `model_dir`/code, with that folder importable."""
    code = model_dir / "code"
    path = code / program
    if not path.is_file():
        raise BrokenProgramError(f"there is no code/{program} in the model data (SAGEMAKER_PROGRAM names it)")
    _offer_toolkit_errors()
    sys.path.insert(0, str(code))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def _offer_toolkit_errors() -> None:
    """Let user code import `sagemaker_inference.errors`, which every script-mode image has."""
    if importlib.util.find_spec("sagemaker_inference") is not None:
        return
    package, errors = types.ModuleType("sagemaker_inference"), types.ModuleType("sagemaker_inference.errors")
    errors.UnsupportedFormatError = UnsupportedFormatError  # type: ignore[attr-defined]
    package.errors = errors  # type: ignore[attr-defined]
    sys.modules |= {package.__name__: package, errors.__name__: errors}


def application(handler: Server) -> Callable[..., Awaitable[None]]:
    """Return the ASGI application of a container. One request is answered at a time, as by one worker."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        match scope["method"], scope["path"]:
            case "GET", "/ping":
                answer: Answer = (HTTPStatus.OK, b"", "text/plain")
            case "POST", "/invocations":
                headers = dict(scope["headers"])
                body = await _body(receive)
                if body is None:
                    answer = (
                        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                        b"the body has more than 6291456 bytes",
                        "text/plain",
                    )
                else:
                    content_type = headers.get(b"content-type", b"application/json").decode("latin-1")
                    answer = handler.answer(body, content_type, headers.get(b"accept", b"").decode("latin-1"))
            case _, "/ping" | "/invocations":
                answer = (HTTPStatus.METHOD_NOT_ALLOWED, b"", "text/plain")
            case _:
                answer = (HTTPStatus.NOT_FOUND, b"", "text/plain")
        status, content, kind = answer
        headers_out = [(b"content-type", kind.encode("latin-1")), (b"content-length", b"%d" % len(content))]
        await send({"type": "http.response.start", "status": int(status), "headers": headers_out})
        await send({"type": "http.response.body", "body": content})

    return app


async def _body(receive: Any) -> bytes | None:
    """Return the request's body, or None where it is too large."""
    parts, size, more = [], 0, True
    while more:
        event = await receive()
        part = event.get("body", b"")
        size += len(part)
        if size > MAX_BODY:
            return None
        parts.append(part)
        more = event.get("more_body", False)
    return b"".join(parts)


def main() -> None:
    """Load the model, then serve it on a free port of 127.0.0.1, which is written to the file --announce."""
    parser = argparse.ArgumentParser(description="Serve a model as a SageMaker script-mode container does.")
    parser.add_argument("--model", type=Path, required=True, help="the folder that /opt/ml/model is in a container")
    parser.add_argument("--announce", type=Path, required=True, help="the file that the port is written to")
    parser.add_argument("--framework", nargs=2, default=("", ""), help="the image's framework and its version")
    arguments = parser.parse_args()
    try:
        handler = _handler(arguments.model, *arguments.framework)
    except BrokenProgramError as error:
        sys.exit(str(error))
    import uvicorn

    config = uvicorn.Config(application(handler), access_log=False, lifespan="off", timeout_keep_alive=3600)
    with socket.socket() as listening:
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listening.bind(("127.0.0.1", 0))
        listening.listen(1024)
        _write_whole(arguments.announce, str(listening.getsockname()[1]))
        uvicorn.Server(config).run(sockets=[listening])


def _handler(model: Path, framework: str, version: str) -> Server:
    """Return what answers for the model, by the user's program or the framework's own algorithm."""
    program = os.environ.get("SAGEMAKER_PROGRAM")
    defaults: Mapping[str, Any] = {}
    try:
        if framework == "xgboost" and not program:
            from xgboost_algorithm import Algorithm, BrokenModelError

            try:
                return Algorithm(str(model), version)
            except BrokenModelError as error:
                raise BrokenProgramError(str(error)) from error
        if framework:
            from defaults import defaults_of

            defaults = defaults_of(framework)
    finally:
        # Python put this script's own folder first; user code must not import from it.
        sys.path.pop(0)
    return Handler(load(model, program or "inference.py"), str(model), defaults)


def _write_whole(path: Path, text: str) -> None:
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as draft:
        draft.write(text)
    Path(draft.name).rename(path)


if __name__ == "__main__":
    main()
