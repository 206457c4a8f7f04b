"""The custom resource's function that looks a CodeConnection up: which host it reaches, and by which addresses.

Published inline (at most 4,096 characters), so it imports only what Lambda's runtime has.
"""

import json
import urllib.request
from typing import Any

import boto3

# The provider of a connection: CodeBuild's word for it, and the host where it is always the same one.
HOSTS = {
    "GitHub": ("GITHUB", "https://github.com"),
    "GitLab": ("GITLAB", "https://gitlab.com"),
    "Bitbucket": ("BITBUCKET", "https://bitbucket.org"),
    "GitHubEnterpriseServer": ("GITHUB_ENTERPRISE", ""),
    "GitLabSelfManaged": ("GITLAB_SELF_MANAGED", ""),
}


def look_up(arn: str, repositories: dict[str, str]) -> dict[str, str]:
    """Return the source type for CodeBuild, and for each part the address at the host and the one to push to."""
    _, _, service, region, account, resource = arn.split(":", 5)
    connect: Any = boto3.client
    client = connect(service, region_name=region)
    found = client.get_connection(ConnectionArn=arn)["Connection"]
    provider, status = found["ProviderType"], found["ConnectionStatus"]
    if status != "AVAILABLE":
        raise ValueError(f"the connection is {status}: complete it in the console (Developer Tools, Connections)")
    if provider not in HOSTS:
        raise ValueError(f"the connection is to {provider}, which CodeBuild cannot clone from")
    source, host = HOSTS[provider]
    host = host or client.get_host(HostArn=found["HostArn"])["ProviderEndpoint"].rstrip("/")
    git = f"{client.meta.endpoint_url}/git-http/{account}/{region}/{resource.split('/')[1]}"
    data = {"SourceType": source}
    for part, name in repositories.items():
        data |= {f"{part}Address": f"{host}/{name}.git", f"{part}Remote": f"{git}/{name}.git"}
    return data


def handler(event: dict[str, Any], _context: object) -> None:
    """Look the connection up on Create and on Update; a Delete has nothing to take away."""
    body: dict[str, Any] = {"Status": "SUCCESS", "Reason": "Looked up."}
    try:
        if event["RequestType"] != "Delete":
            given = event["ResourceProperties"]
            body["Data"] = look_up(given["ConnectionArn"], given["Repositories"])
    except Exception as error:
        body = {"Status": "FAILED", "Reason": f"The CodeConnection cannot be used: {error}"[:1000]}
    body["PhysicalResourceId"] = event.get("PhysicalResourceId") or event["LogicalResourceId"]
    body |= {key: event[key] for key in ("StackId", "RequestId", "LogicalResourceId")}
    data, headers = json.dumps(body).encode(), {"content-type": ""}
    request = urllib.request.Request(event["ResponseURL"], data=data, method="PUT", headers=headers)  # noqa: S310
    urllib.request.urlopen(request, timeout=30).close()  # noqa: S310
