"""Which addresses are the public internet, in every way that one can be written."""

from ipaddress import ip_address

import pytest

from sartor.kit.networks import literal, networks, permitted


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "10.1.2.3",
        "100.64.0.1",
        "100.100.100.200",
        "127.0.0.1",
        "127.255.255.254",
        "168.63.129.16",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.192",
        "192.168.1.1",
        "198.18.0.1",
        "203.0.113.7",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "::ffff:0:127.0.0.1",
        "64:ff9b::127.0.0.1",
        "64:ff9b::10.0.0.1",
        "64:ff9b:1::8.8.8.8",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "2002:808:808::",
        "3fff::1",
        "fc00::1",
        "fd00:ec2::254",
        "fd20:ce::254",
        "fe80::1",
        "fe80::1%eth0",
        "2606:4700::1%eth0",
        "fec0::1",
        "ff02::1",
        "5f00::1",
    ],
)
def test_closed(address: str) -> None:
    assert not permitted(ip_address(address), ())


@pytest.mark.parametrize(
    "address",
    [
        "8.8.8.8",
        "93.184.216.34",
        "100.63.255.255",
        "100.128.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "223.255.255.255",
        "::ffff:8.8.8.8",
        "64:ff9b::8.8.8.8",
        "2606:4700:4700::1111",
        "2a00:1450:4001::1",
    ],
)
def test_open(address: str) -> None:
    assert permitted(ip_address(address), ())


def test_what_the_operator_allows() -> None:
    allowed = networks("127.0.0.0/8, fd00:7::/64,10.0.0.9")
    for address in ("127.0.0.1", "::ffff:127.0.0.1", "fd00:7::1", "10.0.0.9", "8.8.8.8"):
        assert permitted(ip_address(address), allowed)
    for address in ("::1", "fd00:8::1", "10.0.0.8", "fd00:7::1%eth0", "169.254.169.254"):
        assert not permitted(ip_address(address), allowed)


@pytest.mark.parametrize(
    "text", ["2130706433", "0x7f000001", "0x7f.1", "127.1", "127.0.1", "017700000001", "0177.1", "127.0.0.1"]
)
def test_forms_of_one_address(text: str) -> None:
    assert literal(text) == ip_address("127.0.0.1")


@pytest.mark.parametrize("text", ["example.com", "localhost", "1.example", "0x7g", "a1", "xn--p1ai", ""])
def test_names(text: str) -> None:
    assert literal(text) is None


@pytest.mark.parametrize("text", ["1.2.3.4.5", "256.1.1.1", "4294967296", "example.7", "0x100000000", "a:b", "08.1"])
def test_what_looks_like_an_address_and_is_none(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        literal(text)


@pytest.mark.parametrize("text", ["10.0.0.1/8", "loopback", "10.0.0.0/33"])
def test_networks_that_are_none(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        networks(text)


def test_no_networks() -> None:
    assert networks("") == networks(" , ") == ()
