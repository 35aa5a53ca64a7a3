"""Who is signed in: the API token itself, in a cookie that no script can read and no other site's page can send with a
form or a picture. A link elsewhere brings it: that reads a page, and changes nothing.

A revoked token is signed out everywhere at once, and there is no second secret to keep.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from fastapi import Request, Response

from sartor.errors import Forbidden

COOKIE = "sartor_console"
PATH = "/console"
# A working month; signing in again costs nothing but the token.
_LIFETIME_SECONDS = 30 * 24 * 3600


def sign_in(response: Response, token: str, *, secure: bool) -> None:
    """``secure`` where the service is reached by https: then the cookie never leaves by http."""
    response.set_cookie(
        COOKIE, token, max_age=_LIFETIME_SECONDS, path=PATH, secure=secure, httponly=True, samesite="lax"
    )


def sign_out(response: Response) -> None:
    response.delete_cookie(COOKIE, path=PATH, httponly=True, samesite="lax")


def token_of(request: Request) -> str | None:
    return request.cookies.get(COOKIE)


def page_of_console(address: str) -> str:
    """Where to go after signing in: this address where it is one of the console's pages, else the first page."""
    pages = address.startswith((f"{PATH}/", f"{PATH}?")) and not address.startswith(f"{PATH}/sign-")
    return address if pages else PATH


def _site(address: str) -> str:
    """Its host and port; empty for what is no address of a site."""
    try:
        return urlsplit(address).netloc
    except ValueError:
        return ""


def refuse_other_sites(request: Request, base: str) -> None:
    """Raises Forbidden for a form that another site's page sends: the cookie's rule, once more where browsers are old.

    ``base`` is the service's own address, which a proxy may have hidden from the request. A browser says where a form
    comes from in ``Sec-Fetch-Site``, to https and to this machine; elsewhere, and an old one, in ``Origin``. What names
    no site is no browser, and brings no cookie that it does not have itself.
    """
    fetched_from, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if fetched_from is not None:
        foreign = fetched_from not in ("same-origin", "none")
    else:
        own = {request.headers.get("host"), _site(base)}
        foreign = origin is not None and _site(origin) not in own
    if foreign:
        raise Forbidden("This form was sent from another site.")
