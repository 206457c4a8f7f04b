"""Whatever is put where a stage file is expected, the answer is a sentence, soon and in little memory."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tidegate.stage.reading import parse_document

SECONDS, MEGABYTES = 1, 100

MEASURE = """
import json, os, resource, sys, time
from pathlib import Path
from tidegate.stage.reading import parse_document, read_document

parse_document("warm", b"a: 1")
for name in sys.argv[1:]:
    if os.fork():
        os.wait()
        continue
    resource.setrlimit(resource.RLIMIT_AS, (512 << 20, 512 << 20))
    resource.setrlimit(resource.RLIMIT_CPU, (10, 10))
    began, before = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    document = read_document(Path(name))
    took, after = time.process_time() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    sentences = [str(problem) for problem in document.problems]
    print(json.dumps([name, took, (after - before) / 1024, sentences]), flush=True)
    os._exit(0)
"""


def levels(count: int) -> bytes:
    """Aliases of aliases: nine to the power of `count` values."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    for level in range(1, count):
        lines.append(f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]")
    return "\n".join(lines).encode()


HOSTILE = {
    "aliases that explode": (levels(9), "1:5: anchors are not used here"),
    "10,000 lists in each other": (b"a: " + b"[" * 10_000 + b"]" * 10_000, "the nesting is deeper than 20 levels"),
    "10,000 mappings in each other": (b"{a: " * 10_000 + b"}" * 10_000, "the nesting is deeper than 20 levels"),
    "10,000 lists by hyphens": (b"- " * 10_000, "the nesting is deeper than 20 levels"),
    "10,000 question marks": (b"? " * 10_000, "the nesting is deeper than 20 levels"),
    "300 levels by indentation": (
        "\n".join(" " * depth + f"k{depth}:" for depth in range(300)).encode(),
        "the nesting is deeper than 20 levels",
    ),
    "10,000 times a key": (b"a: 1\n" * 10_000, "is here for the second time"),
    "a line of 60,000 characters": (b"a: " + b"x" * 60_000, None),
    "a key of 60,000 characters": (b"x" * 60_000 + b": 1", "this is not YAML"),
    "a quotation that does not end": (b'a: "' + b"x\n" * 30_000, "this is not YAML"),
    "60,000 line breaks in quotes": (b"a: '" + b"\n" * 60_000 + b"'", "more than one line"),
    "60,000 quotes": (b'"' * 60_000, "this is not YAML"),
    "60,000 ampersands": (b"&" * 60_000, "this is not YAML"),
    "60,000 exclamation marks": (b"a: " + b"!" * 60_000, "1:4: tags are not used here"),
    "a number of 60,000 digits": (b"a: " + b"9" * 60_000, "the number has too many digits"),
    "NUL": (b"a: 1\nb: \0", "2:4: the text holds the control character U+0000"),
    "an escape sequence": (b"a: \x1b[2J", "1:4: the text holds the control character U+001B"),
    "a tab that indents": (b"a:\n\tb: 1", "2:1: the line is indented with a tab"),
    "UTF-16": ("a: 1".encode("utf-16"), "1:1: the file is not UTF-8"),
    "UTF-16 without its mark": ("a: 1".encode("utf-16-le"), "1:2: the text holds the control character U+0000"),
    "UTF-32": ("a: 1".encode("utf-32"), "1:1: the file is not UTF-8"),
    "latin-1": ("a: 1\nb: café".encode("latin-1"), "2:7: the file is not UTF-8"),
    "half a character": ("a: é".encode()[:-1], "1:4: the file is not UTF-8"),
    "two marks of its encoding": (b"\xef\xbb\xbf\xef\xbb\xbfa: 1", "1:1: the text holds the control character U+FEFF"),
    "an executable tag": (b"a: !!python/object/apply:os.system [id]", "1:4: tags are not used here"),
    "a merge key": (b"<<: {a: 1}", None),
    "64 KiB and a byte": (b"#" * (64 * 1024 + 1), "the file is larger than 64 KiB"),
    "50 MB": (b"a: 1\n" * 10_000_000, "the file is larger than 64 KiB"),
}


def read_apart(*paths: Path) -> dict[str, tuple[float, float, list[str]]]:
    """Read each file in a process of its own; return the seconds, the megabytes and the sentences of each."""
    command = [sys.executable, "-c", MEASURE, *paths]
    run = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    lines = (json.loads(line) for line in run.stdout.splitlines())
    return {name: (seconds, megabytes, sentences) for name, seconds, megabytes, sentences in lines}


@pytest.fixture(scope="module")
def answers(tmp_path_factory) -> dict[str, tuple[float, float, list[str]]]:
    folder = tmp_path_factory.mktemp("hostile")
    paths = {name: folder / f"{index}.yml" for index, name in enumerate(HOSTILE)}
    for name, (content, _) in HOSTILE.items():
        paths[name].write_bytes(content)
    found = read_apart(*paths.values())
    paths["50 MB"].unlink()
    return {name: found[str(path)] for name, path in paths.items() if str(path) in found}


@pytest.mark.parametrize(("name", "said"), [(name, said) for name, (_, said) in HOSTILE.items()], ids=HOSTILE.keys())
def test_it_is_refused_with_a_place_within_a_second_and_100_mb(answers, name, said):
    seconds, megabytes, sentences = answers[name]

    assert (seconds < SECONDS, megabytes < MEGABYTES) == (True, True)
    assert all(len(sentence) < 400 for sentence in sentences)
    if said is None:
        assert sentences == []
    else:
        assert said in sentences[0]
        assert re.match(r"/.*\.yml:\d+:\d+: ", sentences[0])


class TestWhatIsNoFile:
    def test_a_pipe_is_not_waited_for(self, tmp_path):
        os.mkfifo(tmp_path / "stage.yml")

        ((_, _, (sentence,)),) = read_apart(tmp_path / "stage.yml").values()

        assert "1:1: this is not a file" in sentence

    def test_a_device_is_not_read(self, tmp_path):
        (tmp_path / "stage.yml").symlink_to("/dev/zero")

        ((_, _, (sentence,)),) = read_apart(tmp_path / "stage.yml").values()

        assert "1:1: this is not a file" in sentence

    def test_a_loop_of_links_ends(self, repo, good_stage):
        (repo.root / "stages/prod.yml").symlink_to("prod.yml")

        (problem,) = repo.problems()

        assert problem.startswith("stages/prod.yml:1:1: the file cannot be read: Too many levels of symbolic links")

    def test_endpoint_yml_as_a_loop_of_links_is_said_where_it_is(self, repo, good_stage):
        (repo.root / "endpoint.yml").unlink()
        (repo.root / "endpoint.yml").symlink_to("endpoint.yml")
        repo.write("stages/prod.yml", good_stage)

        assert repo.problems()[0].startswith("endpoint.yml:1:1: the file cannot be read")

    def test_a_link_to_nowhere(self, repo):
        (repo.root / "stages/prod.yml").symlink_to("nowhere.yml")

        assert repo.problems()[0].startswith("stages/prod.yml:1:1: the file cannot be read: No such file or directory")

    @pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
    def test_a_file_that_may_not_be_read(self, repo, good_stage):
        repo.write("stages/prod.yml", good_stage)
        (repo.root / "stages/prod.yml").chmod(0)

        (problem,) = repo.problems()

        assert problem.startswith("stages/prod.yml:1:1: the file cannot be read: Permission denied; make it readable")

    def test_stages_as_a_file(self, repo):
        (repo.root / "stages").rmdir()
        repo.write("stages", "")

        assert repo.problems()[0].startswith("stages:1:1: the folder cannot be read: Not a directory")


class TestColumnsCountCharacters:
    @pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "with the mark of UTF-8"])
    def test_after_characters_of_several_bytes(self, mark):
        root = parse_document("f.yml", mark + "é😀: {日本: 1, b: x}".encode()).root

        inner = root.entries["é😀"].value
        assert root.entries["é😀"].position == ("f.yml", 1, 1)
        assert inner.position == ("f.yml", 1, 5)
        assert inner.entries["b"].position == ("f.yml", 1, 13)
        assert inner.entries["b"].value.position == ("f.yml", 1, 16)

    def test_after_other_line_breaks(self):
        root = parse_document("f.yml", b"a: 1\r\nb: 2\rc: 3\n").root

        assert [entry.position.line for entry in root.entries.values()] == [1, 2, 3]

    def test_in_a_refusal_after_the_mark_of_utf_8(self):
        (problem,) = parse_document("f.yml", b"\xef\xbb\xbf" + "é: \x07".encode()).problems

        assert problem.position == ("f.yml", 1, 4)
