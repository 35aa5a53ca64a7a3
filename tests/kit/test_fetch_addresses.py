"""What counts as an address that could be asked, and the one form that it is brought into."""

import pytest

from sartor.kit.fetch import BadAddress, parse_address


@pytest.mark.parametrize(
    "address",
    [
        "",
        "example.com",
        "//example.com/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:6379/_INFO",
        "data:text/plain,x",
        "http:///path",
        "http://",
        "http:example.com",
        "http://user@example.com/",
        "http://user:word@example.com/",
        "http://example.com\\@127.0.0.1/",
        "http://[fe80::1%25eth0]/",
        "http://[fe80::1%eth0]/",
        "http://[::1/",
        "http://[1.2.3.4]/",
        "http://example.com:0/",
        "http://example.com:65536/",
        "http://example.com:http/",
        "http://exa mple.com/",
        "http://exa\nmple.com/",
        "http://ex%61mple.com/",
        "http://%31%32%37.0.0.1/",
        "http://①②⑦.⓪.⓪.①/",
        "http://a..b/",
        "http://localhost../",
        "http://.localhost/",
        "http://-a.example/",
        "http://0177.0.0.1/",
        "http://1.2.3.4.5/",
        "http://256.1.1.1/",
        "http://example.7/",
        "http://" + "a" * 64 + ".example/",
        "http://" + "a." * 127 + "example/",
        "http://example.com/" + "a" * 2048,
    ],
)
def test_addresses_that_are_none(address: str) -> None:
    with pytest.raises(BadAddress):
        parse_address(address)


@pytest.mark.parametrize(
    ("given", "plain"),
    [
        ("HTTPS://Example.COM./a?b#c", "https://example.com/a?b"),
        ("http://bücher.example/", "http://xn--bcher-kva.example/"),
        ("http://0x7f.1:80/", "http://127.0.0.1/"),
        ("http://[2606:4700::0001]:8080/x", "http://[2606:4700::1]:8080/x"),
        ("https://my_host.example:65535", "https://my_host.example:65535/"),
    ],
)
def test_the_plain_form(given: str, plain: str) -> None:
    assert str(parse_address(given).copy_with(raw_path=parse_address(given).raw_path)) == plain
    assert parse_address(plain).raw_host == parse_address(given).raw_host
