"""What an engine is called, and what differs between two."""

from dataclasses import replace

import torch

from sartor.fibo.fingerprint import Fingerprint, describe_device

HERE = Fingerprint(checkpoint="aa", device="cpu", dtype="float32", threads=2)


def test_the_environment_is_the_engine_without_its_adapter() -> None:
    assert replace(HERE, adapter="bb").environment == HERE.environment
    changes = [{"checkpoint": "ab"}, {"device": "cuda"}, {"threads": 1}, {"torch": "2.0"}, {"upscaler": "x"}]
    for change in [*changes, {"arithmetic": 0}, {"mode": "compiled"}, {"second": "cpu"}]:
        assert replace(HERE, **change).environment != HERE.environment


def test_differences_name_the_fields() -> None:
    there = replace(HERE, threads=4, adapter="bb")
    assert HERE.differences(there) == {"threads": (2, 4), "adapter": (None, "bb")}
    assert HERE.differences(replace(HERE)) == {}


def test_dictionaries_round_trip() -> None:
    for one in (HERE, replace(HERE, second="cuda B, eager, attention flash")):
        assert Fingerprint.from_dict(one.to_dict()) == one


def test_without_a_second_device_an_environment_has_the_name_that_it_had_before_there_was_a_field_for_it() -> None:
    known = replace(HERE, torch="2", transformers="5", arithmetic=2)
    assert known.environment == "1b23bf5442edec96"
    assert "second" not in known.to_dict()
    second = replace(known, second="cuda B, eager, attention flash")
    assert known.differences(second) == {"second": (None, "cuda B, eager, attention flash")}
    assert second.differences(known) == {"second": ("cuda B, eager, attention flash", None)}


def test_a_processor_is_described_with_its_vectors() -> None:
    assert describe_device(torch.device("cpu")).endswith(torch.backends.cpu.get_cpu_capability())
