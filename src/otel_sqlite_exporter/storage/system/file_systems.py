# SPDX-License-Identifier: Apache-2.0
"""Detects network file systems. WAL mode needs memory that all processes of a file share, so it does not work over a
network (sqlite.org/wal.html)."""

from __future__ import annotations

import os
import re
from pathlib import Path

_NETWORK_TYPE = re.compile(
    r"nfs4?|cifs|smb3|smbfs|9p|afs|ceph|glusterfs|lustre|ncpfs|beegfs|gpfs"
    r"|fuse\.(sshfs|glusterfs|ceph|ceph-fuse|rclone|s3fs|gcsfuse)"
)
_ESCAPED = re.compile(r"\\([0-7]{3})")


def find_network_type(path: str, mounts: str | None = None) -> str | None:
    """Return the type of the network file system that holds `path`, or None if it is local or unknown. `mounts` is the
    text of /proc/self/mountinfo (proc(5)); by default it is read."""
    if mounts is None:
        try:
            mounts = Path("/proc/self/mountinfo").read_text()
        except OSError:
            return None
    path = os.path.realpath(path)
    best, found = -1, ""
    for line in mounts.splitlines():
        fields, _, rest = line.partition(" - ")
        # Spaces are escaped as octal numbers. A later mount on the same point hides an earlier one.
        point = _ESCAPED.sub(lambda match: chr(int(match[1], 8)), fields.split(" ")[4])
        if len(point) >= best and (path == point or path.startswith(point.rstrip("/") + "/")):
            best, found = len(point), rest.split(" ")[0]
    return found if _NETWORK_TYPE.fullmatch(found) else None
