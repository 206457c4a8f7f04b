"""What the benchmarks of endpoints share: a sandbox that serves the build seed's model, and a client that costs little.

IAM is enforced in it: the requests are signed with a session of a role that may invoke endpoints and do nothing else.
"""

import contextlib
import io
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

from tidegate_sandbox import context, images, lifecycle
from tidegate_sandbox.clock import ScaledClock

ACCOUNT, REGION, BUCKET = "111122223333", "eu-west-1", "bench-models"
IMAGE = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/sagemaker-xgboost:3.2-0"
SEED = Path(__file__).parents[1] / "seed_code" / "build" / "{{cookiecutter.project_name}}-modelbuild"
ROW = b"9,0,4,1,0.62,0.58,0.47,0.19,1\n"
"""A request of one row, as the seed's inference.py takes it."""

APART = 1000.0
"""By how much the answers of one version of the model differ from those of the next: each tells its version."""

# Trees as the seed's train.py grows them, on made-up rentals around each version's own level.
TRAIN = f"""
import sys
import numpy as np, xgboost as xgb
draw = np.random.default_rng(0)
rows = draw.random((2000, 9))
for version in range(1, int(sys.argv[1]) + 1):
    level = {APART} * version
    trees = {{"max_depth": 6, "eta": 0.2, "base_score": level, "objective": "reg:squarederror", "nthread": 1}}
    booster = xgb.train(trees, xgb.DMatrix(rows, level + 100 * rows[:, 0] * rows[:, 4]), 100)
    booster.save_model(f"{{sys.argv[2]}}/{{version}}.json")
"""


@dataclass
class Workbench:
    """A running sandbox and what its endpoint `bench` is made of."""

    running: lifecycle.Running
    home: Path
    clients: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        """Return a client with the account's own keys."""
        if service not in self.clients:
            self.clients[service] = boto3.client(
                service,
                endpoint_url=self.running.url,
                region_name=REGION,
                aws_access_key_id=ACCOUNT,
                aws_secret_access_key="local",
                config=Config(retries={"max_attempts": 0}, s3={"addressing_style": "path"}, read_timeout=120),
            )
        return self.clients[service]

    def role(self, name: str, service: str | None, *actions: str) -> str:
        """Make a role that may do `actions` to anything; `service` may assume it, or the account where it is None."""
        principal = {"Service": f"{service}.amazonaws.com"} if service else {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
        iam = self.client("iam")
        trust = policy({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"})
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        allowed = policy({"Effect": "Allow", "Action": list(actions), "Resource": "*"})
        iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=allowed)
        return str(arn)

    def prepare(self, versions: int) -> None:
        """Make the roles, and put the models of versions 1 to `versions` into a bucket."""
        self.role("serves", "sagemaker", "s3:GetObject", "s3:ListBucket", "logs:*")
        self.role("invokes", None, "sagemaker:InvokeEndpoint")
        self.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        context.start(context.Sandbox(self.home, self.running.port, ScaledClock(1.0)))
        trees = self.home / "tmp"
        subprocess.run([images.environment_for(IMAGE), "-c", TRAIN, str(versions), trees], check=True)
        for version in range(1, versions + 1):
            data = model_data(trees / f"{version}.json")
            self.client("s3").put_object(Bucket=BUCKET, Key=f"{version}/model.tar.gz", Body=data)

    def config(self, version: int, instances: int = 4, **options: Any) -> str:
        """Make a model and an endpoint configuration of a version; return their name."""
        name = f"bench-{version}"
        container = {
            "Image": IMAGE,
            "ModelDataUrl": f"s3://{BUCKET}/{version}/model.tar.gz",
            "Environment": {"SAGEMAKER_PROGRAM": "inference.py"},
        }
        role = f"arn:aws:iam::{ACCOUNT}:role/serves"
        variant = {
            "VariantName": "AllTraffic",
            "ModelName": name,
            "InstanceType": "ml.m5.large",
            "InitialInstanceCount": instances,
        }
        sagemaker = self.client("sagemaker")
        sagemaker.create_model(ModelName=name, ExecutionRoleArn=role, PrimaryContainer=container)
        sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant], **options)
        return name

    def endpoint(self) -> dict[str, Any]:
        """Describe the endpoint."""
        described: dict[str, Any] = self.client("sagemaker").describe_endpoint(EndpointName="bench")
        return described

    def settled(self, look: Callable[[float], None] = time.sleep) -> dict[str, Any]:
        """Wait until no change of the endpoint is in progress, looking every 0.2 s; describe it then."""
        while (described := self.endpoint())["EndpointStatus"] in ("Creating", "Updating"):
            look(0.2)
        return described

    def model_server(self) -> int:
        """Return the port of the endpoint's one model server."""
        (announcement,) = (self.home / "endpoints" / f"{ACCOUNT}-{REGION}" / "bench").glob("*/*/port")
        return int(announcement.read_text())

    def invocation(self) -> bytes:
        """Return a request for the endpoint, signed with a session of the role that may invoke it."""
        keys = self.client("sts").assume_role(RoleArn=f"arn:aws:iam::{ACCOUNT}:role/invokes", RoleSessionName="bench")[
            "Credentials"
        ]
        session = Credentials(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
        url = f"{self.running.url}/endpoints/bench/invocations"
        request = AWSRequest("POST", url, {"Content-Type": "text/csv", "Accept": "text/csv"}, ROW)
        SigV4Auth(session, "sagemaker", REGION).add_auth(request)
        return post("/endpoints/bench/invocations", dict(request.headers.items()))


def policy(statement: dict[str, Any]) -> str:
    """Return a policy document of one statement."""
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def post(path: str, headers: dict[str, str]) -> bytes:
    """Return a request over HTTP with ROW as its body."""
    lines = [f"POST {path} HTTP/1.1", "host: 127.0.0.1", f"content-length: {len(ROW)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join((*lines, "", "")).encode() + ROW


def model_data(trees: Path) -> bytes:
    """Return a model.tar.gz: trees that XGBoost has saved, and the seed's own inference.py."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        tar.add(trees, "model.json")
        tar.add(SEED / "steps" / "train" / "inference.py", "code/inference.py")
    return archive.getvalue()


def version_of(answer: bytes) -> int:
    """Return which version of the model gave an answer."""
    return round(float(answer) / APART)


@contextlib.contextmanager
def workbench(home: Path, speed: float = 1.0) -> Iterator[Workbench]:
    """Run a sandbox in `home` until the block ends; of one before it there only the images' stand-ins are left."""
    home.mkdir(parents=True, exist_ok=True)
    lifecycle.reset(home)
    command = [sys.executable, "-m", "tidegate_sandbox.cli", "up", "--foreground", "--port", "0", "--home", str(home)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    process = subprocess.Popen(
        [*command, "--speed", str(speed)], env=environment, stdout=subprocess.DEVNULL, start_new_session=True
    )
    try:
        while (running := _started(home)) is None or running.pid != process.pid:
            if process.poll() is not None:
                sys.exit("the sandbox did not start")
            time.sleep(0.05)
        yield Workbench(running, home)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def _started(home: Path) -> lifecycle.Running | None:
    with contextlib.suppress(lifecycle.LifecycleError):  # it is starting
        return lifecycle.find(home)
    return None


# ---------------------------------------------------------------- a client
MOST_IN_FLIGHT = 256


@dataclass(slots=True)
class Answer:
    """An answer: when it was asked for and when it was whole (time.perf_counter), its status and body."""

    asked: float
    answered: float
    status: int
    body: bytes


class Connection:
    """A connection that is kept, with one request in flight at a time; status 0 is one that broke off."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.broken = False
        self._received = b""

    def ask(self, request: bytes) -> None:
        """Send a request."""
        self._asked = time.perf_counter()
        with contextlib.suppress(OSError):  # found out when the answer is read
            self.socket.sendall(request)

    def read(self) -> Answer | None:
        """Read what there is; return the answer once it is whole."""
        try:
            part = self.socket.recv(65536)
        except OSError:
            part = b""
        if not part:
            self.broken = True
            return Answer(self._asked, time.perf_counter(), 0, self._received)
        self._received += part
        head, found, body = self._received.partition(b"\r\n\r\n")
        if not found:
            return None
        _, _, length = head.lower().partition(b"content-length:")
        if len(body) < int(length.partition(b"\r\n")[0]):
            return None
        self._received = b""
        return Answer(self._asked, time.perf_counter(), int(head[9:12]), body)


def back_to_back(port: int, request: bytes, connections: int, requests: int) -> list[Answer]:
    """Ask `requests` times over `connections`, each of which asks again as soon as it is answered."""
    if connections == 1:
        return _one_by_one(Connection(port), request, requests)
    answers: list[Answer] = []
    with selectors.DefaultSelector() as selector:
        opened = [Connection(port) for _ in range(connections)]
        for connection in opened:
            selector.register(connection.socket, selectors.EVENT_READ, connection)
            connection.ask(request)
        asked = connections
        while len(answers) < requests:
            for key, _ in selector.select():
                answer = key.data.read()
                if answer is None:
                    continue
                answers.append(answer)
                if asked < requests and not key.data.broken:
                    asked += 1
                    key.data.ask(request)
    for connection in opened:
        connection.socket.close()
    return answers


def steadily(
    port: int, request: Callable[[], bytes], rate: float, going: Callable[[], bool], take: Callable[[Answer], None]
) -> int:
    """Ask `rate` times a second, answered or not, while `going`; return how many requests have no answer in the end.

    Each goes over a connection that is free, a new one if none is; with MOST_IN_FLIGHT to be answered, the next ones
    wait, and are caught up with. `request` gives the next one. What is still to be answered when it ends is waited
    for, 60 seconds at most.
    """
    idle: list[Connection] = []
    busy: set[Connection] = set()
    due = time.perf_counter()
    with selectors.DefaultSelector() as selector:

        def ask() -> None:
            connection = idle.pop() if idle else Connection(port)
            selector.register(connection.socket, selectors.EVENT_READ, connection)
            busy.add(connection)
            connection.ask(request())

        def look(until: float) -> None:
            for key, _ in selector.select(max(0.0, until - time.perf_counter())):
                answer = key.data.read()
                if answer is not None:
                    selector.unregister(key.fileobj)
                    busy.remove(key.data)
                    if not key.data.broken:
                        idle.append(key.data)
                    take(answer)

        while going():
            while due <= time.perf_counter() and len(busy) < MOST_IN_FLIGHT:
                due += 1 / rate
                ask()
            look(max(due, time.perf_counter() + 0.001))
        until = time.perf_counter() + 60
        while busy and time.perf_counter() < until:
            look(until)
    for connection in [*idle, *busy]:
        connection.socket.close()
    return len(busy)


def _one_by_one(connection: Connection, request: bytes, requests: int) -> list[Answer]:
    answers: list[Answer] = []
    for _ in range(requests):
        connection.ask(request)
        while (answer := connection.read()) is None:
            pass
        answers.append(answer)
    connection.socket.close()
    return answers
