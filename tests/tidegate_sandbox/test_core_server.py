"""The one server: what it answers, to whom, and what it opens."""

import http.client
import json
import os
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError


def get(sandbox, path, headers=None):
    connection = http.client.HTTPConnection(urlsplit(sandbox.url).netloc, timeout=10)
    connection.request("GET", path, headers=headers or {})
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


def test_status_says_that_it_is_a_local_simulation(sandbox):
    status, page = get(sandbox, "/_tidegate/status")
    assert status == 200
    assert page["what"] == "local simulation"
    assert page["pid"] == sandbox.pid


def test_a_name_that_merely_resolves_to_this_machine_is_turned_away(sandbox):
    assert get(sandbox, "/_tidegate/status", {"Host": "attacker.example"})[0] == 403


def test_a_page_from_elsewhere_is_turned_away(sandbox):
    assert get(sandbox, "/_tidegate/status", {"Origin": "https://attacker.example"})[0] == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_an_image_of_a_page_from_elsewhere_is_no_operation(sandbox, site):
    name = f"from-elsewhere-{site}"
    operation = f"/?Action=CreateQueue&QueueName={name}&Version=2012-11-05"
    assert get(sandbox, operation, {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "no-cors"})[0] == 403
    assert not sandbox.client("sqs").list_queues(QueueNamePrefix=name).get("QueueUrls")


LINK = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Accept": "text/html"}


@pytest.mark.parametrize("path", ["/", "/_tidegate/"])
def test_a_link_from_elsewhere_leads_to_the_page_and_to_nothing_else(sandbox, path):
    def status(path: str, **headers: str) -> int:
        connection = http.client.HTTPConnection(urlsplit(sandbox.url).netloc)
        connection.request("GET", path, headers={**LINK, **headers})
        return connection.getresponse().status

    tab = {"Sec-Fetch-Dest": "document"}
    assert status(path, **tab) in (200, 302)
    assert status(path, **{"Sec-Fetch-Dest": "iframe"}) == 403
    assert status(path, **tab, Host="attacker.example") == 403
    assert status("/?Action=ListQueues&Version=2012-11-05", **tab) == 403
    assert status("/_tidegate/status", **tab) == 403


def test_a_page_of_this_machine_that_says_whose_it_is_is_answered(sandbox):
    own = {"Origin": "http://localhost:3000", "Sec-Fetch-Site": "same-site"}
    assert get(sandbox, "/_tidegate/status", own)[0] == 200
    assert get(sandbox, "/_tidegate/status", {"Sec-Fetch-Site": "same-origin"})[0] == 200


def test_own_memory_stays_under_300_mb(sandbox):
    assert get(sandbox, "/_tidegate/status")[1]["memory_bytes"] < 300 * 2**20


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="needs Linux's /proc")
def test_nothing_listens_but_the_one_port_on_loopback(sandbox):
    held = {link.readlink().name for link in Path(f"/proc/{sandbox.pid}/fd").iterdir() if link.is_symlink()}
    listening = []
    for table in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            address, state, inode = fields[1], fields[3], fields[9]
            if f"socket:[{inode}]" in held and (state == "0A" or table.startswith("udp")):
                listening.append((table, address))
    port = urlsplit(sandbox.url).port
    assert listening == [("tcp", f"0100007F:{port:04X}")]


def test_a_service_that_nobody_serves_is_refused_and_costs_no_memory(sandbox):
    with pytest.raises(ClientError) as refused:
        sandbox.client("comprehend").list_endpoints()
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] in (400, 501)
    assert get(sandbox, "/_tidegate/status")[1]["memory_bytes"] < 300 * 2**20


@pytest.mark.parametrize("versioning", ["Enabled", "Suspended"])
def test_bodies_of_objects_go_to_disk_and_leave_memory(sandbox, versioning):
    s3, bucket = sandbox.client("s3"), f"large-{versioning.lower()}"
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": sandbox.region})
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": versioning})
    body = os.urandom(4 * 2**20)
    put = [s3.put_object(Bucket=bucket, Key="model.tar.gz", Body=body) for _ in range(2)]
    before = get(sandbox, "/_tidegate/status")[1]["memory_bytes"]
    for number in range(12):
        put.append(s3.put_object(Bucket=bucket, Key="model.tar.gz", Body=bytes([number]) + body))
    after = get(sandbox, "/_tidegate/status")[1]["memory_bytes"]
    assert after - before < 16 * 2**20

    def read(**version):
        return s3.get_object(Bucket=bucket, Key="model.tar.gz", **version)["Body"].read()

    assert read() == b"\x0b" + body
    if versioning == "Enabled":
        assert read(VersionId=put[0]["VersionId"]) == body
        s3.delete_object(Bucket=bucket, Key="model.tar.gz", VersionId=put[-1]["VersionId"])
        assert read() == b"\x0a" + body


def test_what_a_user_has_set_for_the_real_aws_stays_outside(another_sandbox, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_PROFILE", "production")
    with another_sandbox() as other:
        monkeypatch.undo()
        sagemaker = other.client("sagemaker")
        sagemaker.create_model_package_group(ModelPackageGroupName="group")
        # Looks for the model in S3, through the sandbox's own client.
        with pytest.raises(ClientError, match="Could not find model data"):
            sagemaker.create_model_package(
                ModelPackageGroupName="group",
                InferenceSpecification={"Containers": [{"Image": "i", "ModelDataUrl": "s3://none/model"}]},
            )
