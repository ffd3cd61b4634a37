"""Download the photographs and networks that tests use into assets/.

tests/assets.json names their origins, licences and checksums. Tests find them there, or in the
folder that ZMHOOK_TEST_ASSETS names.
"""

from __future__ import annotations

import sys
from pathlib import Path

from zmhook.cli.models import main as models
from zmhook.models.manifest import load_manifest

ROOT = Path(__file__).resolve().parent.parent
MANIFEST = ROOT / "tests" / "assets.json"
FOLDER = ROOT / "assets"
WITHOUT = (
    "make assets: not everything could be downloaded (see above). make test runs without it and"
    " skips the tests that need it; ZMHOOK_TEST_ASSETS=FOLDER make test takes the files from a"
    " folder of yours"
)


def main(manifest: Path = MANIFEST, folder: Path = FOLDER) -> int:
    names = [model.name for model in load_manifest(manifest).models]
    # This machine's own configuration is not read: there is none in the folder.
    config = str(folder / "objectconfig.ini")
    options = ["--manifest", str(manifest), "--to", str(folder), "-c", config]
    if status := models(["get", *names, *options]):
        print(WITHOUT)
    return status


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:])))
