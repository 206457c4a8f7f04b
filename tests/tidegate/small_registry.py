"""A model registry of one group, small enough to read."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.tidegate.answering import Handler, refusal

GROUP = "shop-p-1"
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def package_arn(version: int, group: str = GROUP, account: str = "111122223333", region: str = "eu-west-1") -> str:
    return f"arn:aws:sagemaker:{region}:{account}:model-package/{group}/{version}"


class SmallRegistry:
    """Versions by number; `page` is how many a page holds, `changes` what was written, `events` what it announced."""

    def __init__(self, *approvals: str, group: str = GROUP, page: int = 2) -> None:
        self.group, self.page = group, page
        self.versions: dict[int, dict[str, Any]] = {}
        self.changes: list[dict[str, Any]] = []
        self.events: list[dict[str, Any]] = []
        for approval in approvals:
            self.register(approval)

    def register(self, approval: str = "PendingManualApproval", **more: Any) -> str:
        number = max(self.versions, default=0) + 1
        self.versions[number] = {
            "ModelPackageName": f"{self.group}/{number}",
            "ModelPackageArn": package_arn(number, self.group),
            "ModelPackageVersion": number,
            "ModelPackageStatus": "Completed",
            "ModelPackageStatusDetails": {"ValidationStatuses": []},
            "ModelApprovalStatus": approval,
            "CreationTime": BEGAN + timedelta(days=number),
            **more,
        }
        return package_arn(number, self.group)

    def approval(self, number: int) -> str:
        return str(self.versions[number]["ModelApprovalStatus"])

    def decide(self, number: int, approval: str) -> None:
        """Let a person decide on a version, as Studio does."""
        self.update_model_package(ModelPackageArn=package_arn(number, self.group), ModelApprovalStatus=approval)

    @property
    def handlers(self) -> dict[str, Handler]:
        return {
            "ListModelPackages": self.list_model_packages,
            "DescribeModelPackage": self.describe_model_package,
            "UpdateModelPackage": self.update_model_package,
        }

    def list_model_packages(self, **asked: Any) -> dict[str, Any]:
        assert asked["ModelPackageGroupName"].rpartition("/")[2] == self.group
        members = ("Arn", "Version", "Status")
        newest_first = sorted(self.versions.values(), key=lambda each: -each["ModelPackageVersion"])
        wanted = asked.get("ModelApprovalStatus")
        found = [
            {
                **{f"ModelPackage{member}": each[f"ModelPackage{member}"] for member in members},
                "ModelApprovalStatus": each["ModelApprovalStatus"],
                "CreationTime": each["CreationTime"],
            }
            for each in newest_first
            if wanted in (None, each["ModelApprovalStatus"])
        ]
        begin = int(asked.get("NextToken", 0))
        more = {"NextToken": str(begin + self.page)} if begin + self.page < len(found) else {}
        return {"ModelPackageSummaryList": found[begin : begin + self.page], **more}

    def describe_model_package(self, ModelPackageName: str) -> dict[str, Any]:  # noqa: N803
        for package in self.versions.values():
            if package["ModelPackageArn"] == ModelPackageName:
                return dict(package)
        raise refusal("ValidationException", f"ModelPackage {ModelPackageName} does not exist.")

    def update_model_package(self, **change: Any) -> dict[str, Any]:
        self.changes.append(change)
        package = self.versions[int(change["ModelPackageArn"].rpartition("/")[2])]
        given = {name: value for name, value in change.items() if name != "ModelPackageArn"}
        package.update(given)
        self.events.append(
            {
                "ModelPackageGroupName": self.group,
                "ModelPackageVersion": package["ModelPackageVersion"],
                "ModelApprovalStatus": package["ModelApprovalStatus"],
                "UpdatedModelPackageFields": sorted(given),
            }
        )
        return {"ModelPackageArn": change["ModelPackageArn"]}
