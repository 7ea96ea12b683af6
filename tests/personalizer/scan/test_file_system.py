"""Which file systems are across a network, and how one is told from another."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from personalizer.scan.file_system import (
    Mount,
    file_system_id,
    has_network_part,
    mount_of,
    mounts_around,
    read_mounts,
)

TABLE = """\
21 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
35 21 0:33 / /mnt/my\\040nas rw,relatime shared:2 - nfs4 nas:/photos\\0402 rw,vers=4.2
36 21 0:34 / /home/a/phone rw,nosuid master:1 shared:3 - fuse.sshfs phone: rw
37 21 0:35 / /home/a/vault rw,nosuid - fuse.gocryptfs /home/a/cipher rw
38 21 254:16 / /mnt/disk rw - ext4 /dev/vdb rw
39 38 254:32 / /mnt/disk rw - xfs /dev/vdc rw
40 21 0:40 / /srv/share rw - cifs //nas/share rw
this is no mount
"""


@pytest.fixture
def mounts(tmp_path: Path) -> list[Mount]:
    table = tmp_path / "mountinfo"
    table.write_text(TABLE)
    return read_mounts(table)


@pytest.mark.parametrize(
    ("folder", "source", "network"),
    [
        ("/home/a", "/dev/vda", False),
        ("/home/a/phone/DCIM", "phone:", True),
        ("/home/a/phones", "/dev/vda", False),
        ("/home/a/vault/x", "/home/a/cipher", False),
        ("/mnt/my nas/2019", "nas:/photos 2", True),
        ("/mnt/disk/x", "/dev/vdc", False),
        ("/srv/share", "//nas/share", True),
    ],
)
def test_the_mount_of_a_folder(mounts: list[Mount], folder: str, source: str, network: bool) -> None:
    found = mount_of(Path(folder), mounts)
    assert found is not None and (found.source, found.is_network) == (source, network)


def test_a_folder_with_something_across_a_network_below_it(mounts: list[Mount]) -> None:
    assert has_network_part(Path("/home/a"), mounts)
    assert not has_network_part(Path("/home/a/vault"), mounts)
    assert [mount.point for mount in mounts_around(Path("/home/a"), mounts)] == [
        "/",
        "/home/a/phone",
        "/home/a/vault",
    ]


def test_systems_that_do_not_tell(tmp_path: Path) -> None:
    assert read_mounts(tmp_path / "none") == []
    assert not has_network_part(tmp_path, [])
    assert file_system_id(tmp_path, []) == file_system_id(tmp_path.parent, [])


def test_a_share_is_told_by_its_name_and_a_folder_that_is_not_there_by_an_error(
    mounts: list[Mount], tmp_path: Path
) -> None:
    assert file_system_id(Path("/srv/share"), mounts) == "cifs //nas/share"
    with pytest.raises(OSError, match=os.strerror(2)):
        file_system_id(tmp_path / "none", mounts)
