"""Hashes of files: remembered only where size and time of change are the same, and held against the file's name."""

import hashlib
import json
import os
from pathlib import Path

import pytest

from sartor.fibo.checkpoint import hash_folder
from sartor.fibo.errors import CheckpointError
from sartor.fibo.integrity import FileHashes


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "weights.safetensors"
    path.write_bytes(b"weights")
    return path


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_what_is_remembered_is_not_read_again(file: Path, tmp_path: Path) -> None:
    memory = tmp_path / "kept" / "hashes.json"
    assert FileHashes(memory, large=4).get(file) == sha256(b"weights")
    kept = json.loads(memory.read_text())
    kept[str(file)]["sha256"] = "remembered"
    memory.write_text(json.dumps(kept))
    assert FileHashes(memory, large=4).get(file) == "remembered"
    assert FileHashes(memory, large=8).get(file) == sha256(b"weights")  # small files are always read
    assert FileHashes(None, large=4).get(file) == sha256(b"weights")


def test_a_changed_file_is_read_again(file: Path, tmp_path: Path) -> None:
    memory = tmp_path / "hashes.json"
    before = file.stat()
    FileHashes(memory, large=4).get(file)
    file.write_bytes(b"WEIGHTS")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    assert FileHashes(memory, large=4).get(file) == sha256(b"WEIGHTS")
    file.write_bytes(b"longer weights")
    assert FileHashes(memory, large=4).get(file) == sha256(b"longer weights")


@pytest.mark.parametrize("content", ["{", "[]", '{"a": 1}'])
def test_a_damaged_memory_is_made_anew(file: Path, tmp_path: Path, content: str) -> None:
    memory = tmp_path / "hashes.json"
    memory.write_text(content)
    assert FileHashes(memory, large=4).get(file) == sha256(b"weights")
    assert json.loads(memory.read_text())[str(file)]["sha256"] == sha256(b"weights")


def test_a_fetched_file_must_be_what_its_name_says(tmp_path: Path) -> None:
    blob = tmp_path / sha256(b"weights")
    blob.write_bytes(b"weights")
    link = tmp_path / "model.safetensors"
    link.symlink_to(blob)
    assert FileHashes(None).get(link) == sha256(b"weights")
    blob.write_bytes(b"weighty")
    with pytest.raises(CheckpointError, match=r"model\.safetensors is damaged: delete .* and fetch it again"):
        FileHashes(None).get(link)


def test_a_checkpoints_hash_is_the_same_with_and_without_memory(checkpoint_folder, tmp_path: Path) -> None:
    folder = checkpoint_folder()
    assert hash_folder(folder, tmp_path / "hashes.json") == hash_folder(folder)
