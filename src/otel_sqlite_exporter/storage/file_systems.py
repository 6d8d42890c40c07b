# SPDX-License-Identifier: Apache-2.0
"""On which kind of file system a file stands. WAL mode needs memory that all its processes share, so it does not work
over a network (sqlite.org/wal.html)."""

from __future__ import annotations

import os
import re
from pathlib import Path

_NETWORK_TYPES = frozenset(
    (
        *(
            "nfs",
            "nfs4",
            "cifs",
            "smb3",
            "smbfs",
            "9p",
            "afs",
            "ceph",
            "glusterfs",
            "lustre",
            "ncpfs",
            "beegfs",
            "gpfs",
        ),
        *("fuse.sshfs", "fuse.glusterfs", "fuse.ceph", "fuse.ceph-fuse", "fuse.rclone", "fuse.s3fs", "fuse.gcsfuse"),
    )
)
_ESCAPED = re.compile(r"\\([0-7]{3})")


def find_network_type(path: str, mounts: str | None = None) -> str | None:
    """Return the type of the network file system that holds `path`, or None if it is a local one, or not known.
    `mounts` is the text of /proc/self/mountinfo (proc(5)), which is read if it is not given."""
    if mounts is None:
        try:
            mounts = Path("/proc/self/mountinfo").read_text()
        except OSError:
            return None
    path = os.path.realpath(path)
    best, found = -1, ""
    for line in mounts.splitlines():
        fields, _, rest = line.partition(" - ")
        # Spaces and the like are written as octal numbers. Of two on one place, the later hides the earlier.
        point = _ESCAPED.sub(lambda match: chr(int(match[1], 8)), fields.split(" ")[4])
        if len(point) >= best and (path == point or path.startswith(point.rstrip("/") + "/")):
            best, found = len(point), rest.split(" ")[0]
    return found if found in _NETWORK_TYPES else None
