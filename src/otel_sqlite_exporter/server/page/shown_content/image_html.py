# SPDX-License-Identifier: Apache-2.0
"""Images that were recorded, as elements. A browser loads none from elsewhere."""

from __future__ import annotations

from otel_sqlite_exporter.server.page.shown_content.page_allowance import PageAllowance
from otel_sqlite_exporter.show.html_text import Html, element
from otel_sqlite_exporter.show.recorded_images import read_image, write_data_url


def render_image(content: str, about: str, allowance: PageAllowance) -> Html | None:
    """Return the element of an image in base64; None: it is none that is shown, or the page shows enough of them."""
    image = read_image(content)
    if image is None or not allowance.take_image():
        return None
    source = write_data_url(image)
    shown = element("img", src=source, alt=about or "image", loading="lazy", class_="recorded-image")
    return Html(shown.removesuffix("</img>"))
