"""Brings the official JSON-Schema-Test-Suite (draft 2020-12) to a cache outside the repository.

The suite is part of the source distribution of the PyPI project `jsonschema`; pip fetches that, and its digest is
checked. `RTVI_SCHEMA_SUITE` may name a local copy of the folder `draft2020-12` instead. Run as a script to fetch ahead.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

VERSION = "4.26.0"
SHA256 = "0c26707e2efad8aa1bfc5b7ce170f3fccc2e4918ff85989ba9ffa9facb2be326"
_INSIDE = f"jsonschema-{VERSION}/json/tests/draft2020-12/"


def suite_folder() -> Path:
    """Give the folder of the suite's files, fetched if it is not there; raises when it cannot be had."""
    if named := os.environ.get("RTVI_SCHEMA_SUITE"):
        folder = Path(named)
        if not (folder / "ref.json").is_file():
            raise FileNotFoundError(f"RTVI_SCHEMA_SUITE is {named}, which holds no JSON-Schema-Test-Suite")
        return folder
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "rtvi-plugins"
    folder = cache / f"json-schema-test-suite-{VERSION}"
    if not folder.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as scratch:
            _unpack(_download(Path(scratch)), Path(scratch) / "suite")
            try:
                (Path(scratch) / "suite").rename(folder)  # whole or not at all, also beside another test run
            except OSError:
                if not folder.is_dir():
                    raise
    return folder


def _download(scratch: Path) -> Path:
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", "jsonschema"]
    done = subprocess.run(
        [*pip, "--dest", str(scratch), f"jsonschema=={VERSION}"],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    archive = scratch / f"jsonschema-{VERSION}.tar.gz"
    if done.returncode or not archive.is_file():
        raise RuntimeError(
            "the JSON-Schema-Test-Suite could not be fetched; name a copy in RTVI_SCHEMA_SUITE\n" + done.stderr[-2000:]
        )
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    if digest != SHA256:
        raise RuntimeError(f"jsonschema {VERSION} has digest {digest}, not the one expected")
    return archive


def _unpack(archive: Path, folder: Path) -> None:
    folder.mkdir()
    with tarfile.open(archive) as tar:
        for member in tar:
            name = member.name.removeprefix(_INSIDE)
            content = tar.extractfile(member) if member.isfile() else None
            if member.name.startswith(_INSIDE) and "/" not in name and name.endswith(".json") and content:
                (folder / name).write_bytes(content.read())


if __name__ == "__main__":
    sys.stdout.write(f"{suite_folder()}\n")
