"""A model's archive is unpacked into the fleet's folder and nowhere else, by Pythons with and without tar filters."""

import io
import tarfile
from pathlib import Path

import pytest

from tidegate_sandbox.services.endpoints import fleets


def archive(*members: tarfile.TarInfo) -> tarfile.TarFile:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for member in members:
            tar.addfile(member, io.BytesIO(b"x" * member.size))
    buffer.seek(0)
    return tarfile.open(fileobj=buffer)


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, target, 1 if kind == tarfile.REGTYPE else 0
    return info


@pytest.fixture(params=["with filters", "without filters"])
def _python(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "without filters":
        monkeypatch.delattr(tarfile, "data_filter", raising=False)


@pytest.mark.usefixtures("_python")
class TestUnpacking:
    def test_files_and_folders_are_put_where_they_belong(self, tmp_path: Path) -> None:
        folder = member("code", tarfile.DIRTYPE)
        folder.mode = 0o755

        fleets._extract(archive(folder, member("code/inference.py"), member("model.json")), tmp_path)

        assert (tmp_path / "code" / "inference.py").read_text() == "x"
        assert (tmp_path / "model.json").read_text() == "x"

    @pytest.mark.parametrize(
        "hostile",
        [
            member("../outside"),
            member("link", tarfile.SYMTYPE, "/etc/passwd"),
            member("link", tarfile.LNKTYPE, "../outside"),
            member("device", tarfile.CHRTYPE),
        ],
        ids=["parent", "symbolic link", "hard link", "device"],
    )
    def test_what_would_leave_the_folder_is_refused(self, hostile: tarfile.TarInfo, tmp_path: Path) -> None:
        inside = tmp_path / "inside"
        inside.mkdir()

        with pytest.raises(tarfile.TarError):
            fleets._extract(archive(hostile), inside)

        assert list(tmp_path.iterdir()) == [inside]
