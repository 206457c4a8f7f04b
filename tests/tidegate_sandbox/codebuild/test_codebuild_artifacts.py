"""What a build's globs choose, and that a zip gives back what went in."""

import os
import stat
import tempfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidegate_sandbox.services.codebuild.artifacts import NothingMatchesError, collect, pack, pack_folder, unpack
from tidegate_sandbox.services.codebuild.buildspec import Artifacts

TREE = ("a.txt", "b.json", "sub/a.txt", "sub/deep/c.json", ".hidden")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in TREE:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    return tmp_path


@pytest.mark.parametrize(
    ("files", "chosen"),
    [
        (["**/*"], list(TREE)),
        (["*"], ["a.txt", "b.json", ".hidden"]),
        (["a.txt"], ["a.txt"]),
        (["./a.txt"], ["a.txt"]),
        (["*.json"], ["b.json"]),
        (["**/*.json"], ["b.json", "sub/deep/c.json"]),
        (["sub/*"], ["sub/a.txt"]),
        (["sub/**/*"], ["sub/a.txt", "sub/deep/c.json"]),
        (["?.txt", "sub/deep/*"], ["a.txt", "sub/deep/c.json"]),
    ],
)
def test_globs_choose_as_codebuild_does(tree: Path, files: list[str], chosen: list[str]) -> None:
    assert set(collect(Artifacts(tuple(files)), tree)) == set(chosen)


def test_base_directory_excluded_paths_and_discarded_paths(tree: Path) -> None:
    assert set(collect(Artifacts(("**/*",), base_directory="sub"), tree)) == {"a.txt", "deep/c.json"}
    assert set(
        collect(
            Artifacts(
                ("**/*",),
                exclude_paths=("sub/**/*", ".*"),
            ),
            tree,
        )
    ) == {"a.txt", "b.json"}
    assert set(collect(Artifacts(("sub/**/*",), discard_paths=True), tree)) == {"a.txt", "c.json"}


def test_a_base_directory_with_a_glob_is_every_folder_that_it_matches(tree: Path) -> None:
    (tree / "subway").mkdir()
    (tree / "subway" / "d.txt").touch()

    assert set(collect(Artifacts(("**/*",), base_directory="sub*"), tree)) == {"a.txt", "deep/c.json", "d.txt"}


def test_links_are_kept_as_links_only_where_they_are_asked_for(
    tree: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    (tree / "link").symlink_to("a.txt")
    out = tmp_path_factory.mktemp("out")
    for enabled in (True, False):
        pack(collect(Artifacts(("link",), enable_symlinks=enabled), tree), out / f"{enabled}.zip", keep_links=enabled)

    with zipfile.ZipFile(out / "True.zip") as kept, zipfile.ZipFile(out / "False.zip") as followed:
        assert (kept.read("link"), followed.read("link")) == (b"a.txt", b"a.txt")
        assert stat.S_ISLNK(kept.getinfo("link").external_attr >> 16)
        assert not stat.S_ISLNK(followed.getinfo("link").external_attr >> 16)


@pytest.mark.parametrize(
    ("artifacts", "sentence"),
    [
        (Artifacts(("nothing",)), "no matching artifact paths found for nothing"),
        (Artifacts(("*",), base_directory="absent"), "no matching base directory path found for absent"),
    ],
)
def test_an_output_of_nothing_is_an_error(tree: Path, artifacts: Artifacts, sentence: str) -> None:
    with pytest.raises(NothingMatchesError, match=sentence):
        collect(artifacts, tree)


def test_equal_files_make_equal_zips_and_modes_come_back(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    (tree / "a.txt").chmod(0o755)
    out = tmp_path_factory.mktemp("out")

    first, second = pack_folder(tree, out / "1.zip"), pack_folder(tree, out / "2.zip")
    unpack(out / "1.zip", out / "back")

    assert first == second
    assert os.access(out / "back" / "a.txt", os.X_OK)
    assert not os.access(out / "back" / "b.json", os.X_OK)


@settings(deadline=None)
@given(
    st.dictionaries(st.from_regex(r"[a-z]{1,8}(/[a-z]{1,8}\.x)?", fullmatch=True), st.binary(max_size=200), min_size=1)
)
def test_unpacking_gives_back_what_was_packed(contents: dict[str, bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        files = {}
        for number, (name, content) in enumerate(contents.items()):
            if name.partition("/")[0] in contents and "/" in name:
                continue  # one name cannot be a file and a folder
            files[name] = Path(folder, f"file-{number}")
            files[name].write_bytes(content)
        if not files:
            return
        pack(files, Path(folder, "packed.zip"))
        unpack(Path(folder, "packed.zip"), Path(folder, "back"))

        for name in files:
            assert Path(folder, "back", name).read_bytes() == contents[name]


def test_a_zip_cannot_write_outside_its_folder(tmp_path: Path) -> None:
    (tmp_path / "evil").write_text("evil")
    pack({"../../outside": tmp_path / "evil"}, tmp_path / "evil.zip")

    unpack(tmp_path / "evil.zip", tmp_path / "deep" / "into")

    assert not (tmp_path / "outside").exists()
