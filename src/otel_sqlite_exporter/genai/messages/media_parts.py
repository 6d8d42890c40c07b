# SPDX-License-Identifier: Apache-2.0
"""Images, sounds, films and files as parts of a message. Pure."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any

from otel_sqlite_exporter.genai.messages.message_names import NAMES, Part, first, without_none
from otel_sqlite_exporter.model.values import repair_text

_NAMES = NAMES["parts"]
MODALITIES: dict[str, str] = {kind: modality for modality, kinds in _NAMES["media"].items() for kind in kinds}
"""What each kind of block holds: `image`, `audio`, `video` or `document`."""
_HELD_MEDIA: tuple[str, ...] = tuple(_NAMES["held_media"])
_BESIDE: tuple[str, ...] = tuple(_NAMES["beside_media"])
_MIME_TYPES: tuple[str, ...] = tuple(_NAMES["mime_types"])
_DATA_URL = re.compile(r"data:([^;,]*)(?:;[^,]*)?,(.*)", re.DOTALL)
_URL = re.compile(r"[A-Za-z][\w+.-]*:\S+")


def read_media(block: Mapping[str, Any], kind: str) -> Part:
    """Return an image, a sound, a film or a file of this `kind` as a part."""
    modality = MODALITIES[kind]
    mime = None
    media: Any = block
    beside: dict[str, str] = {}
    for _ in range(4):  # as {"image_url": {"url": ...}} or {"source": {"type": "base64", "data": ...}}
        if not isinstance(media, Mapping):
            break
        for key in _BESIDE:
            if isinstance(media.get(key), str) and media[key]:
                beside.setdefault(key, repair_text(media[key])[0])
        found = first(media, *_MIME_TYPES)
        if isinstance(found, str):
            mime = found if "/" in found else f"{'application' if modality == 'document' else modality}/{found}"
        if isinstance(media.get("file_id"), str):
            return _make_media("file", modality, mime, file_id=media["file_id"], **beside)
        media = first(media, *_HELD_MEDIA)
    if isinstance(media, (bytes, bytearray, memoryview)):
        media = base64.b64encode(media).decode()
    if not isinstance(media, str):
        return {**block, "type": kind or modality}
    if mime is not None:
        modality = _find_modality(mime, modality)
    inline = _DATA_URL.fullmatch(media)
    if inline is not None:
        mime = inline[1] or mime
        modality = _find_modality(mime or "", modality)
        return _make_media("blob", modality, mime, content=inline[2], **beside)
    if _URL.fullmatch(media):
        return _make_media("uri", modality, mime, uri=media, **beside)
    return _make_media("blob", modality, mime, content=repair_text(media)[0], **beside)


def _make_media(kind: str, modality: str, mime: str | None, **content: str) -> Part:
    return without_none({"type": kind, "modality": modality, "mime_type": mime, **content})


def _find_modality(mime: str, otherwise: str) -> str:
    kind = mime.partition("/")[0]
    return kind if kind in ("image", "audio", "video") else otherwise
