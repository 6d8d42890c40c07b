# SPDX-License-Identifier: Apache-2.0
"""Images that were recorded. A browser gets one only if its bytes are what they are said to be, and loads none from
elsewhere."""

from __future__ import annotations

import base64
import binascii
import re
from typing import NamedTuple

from otel_sqlite_exporter.server.page.messages.page_allowance import PageAllowance
from otel_sqlite_exporter.show.html_text import Html, element

_MOST_BYTES = 1 << 20
_DATA = re.compile(r"data:([a-z0-9.+/-]*)(?:;[a-z0-9=.-]+)*?(;base64)?,", re.IGNORECASE)
_SPACES = str.maketrans("", "", " \n\r\t")


class RecordedImage(NamedTuple):
    """An image whose bytes were looked at."""

    media_type: str
    content: bytes


def read_data_url(url: str) -> tuple[str, str] | None:
    """Return the media type and the base64 of a `data:` URL; None: it is none, or is written in another way."""
    found = _DATA.match(url)
    return (found[1].lower(), url[found.end() :]) if found is not None and found[2] else None


def read_image(content: str) -> RecordedImage | None:
    """Return the image that base64 holds: PNG, JPEG, GIF or WebP of up to 1 MiB. None: it is no such image."""
    if len(content) > _MOST_BYTES * 3 // 2:
        return None
    try:
        decoded = base64.b64decode(content.translate(_SPACES), validate=True)
    except (binascii.Error, ValueError):
        return None
    media_type = _find_type(decoded)
    return RecordedImage(media_type, decoded) if media_type and len(decoded) <= _MOST_BYTES else None


def render_image(content: str, about: str, allowance: PageAllowance) -> Html | None:
    """Return the element of an image in base64; None: it is none that is shown, or the page shows enough of them."""
    image = read_image(content)
    if image is None or not allowance.take_image():
        return None
    source = f"data:{image.media_type};base64,{base64.b64encode(image.content).decode()}"
    shown = element("img", src=source, alt=about or "image", loading="lazy", class_="recorded-image")
    return Html(shown.removesuffix("</img>"))


def _find_type(content: bytes) -> str | None:
    """Return the media type that the first bytes of a file tell."""
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if content.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return "image/webp"
    return None
