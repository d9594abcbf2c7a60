"""The operator's image, as far as it can be made without a container runtime: its own package, built as the Dockerfile says."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from tests.image import ROOT, stages


def test_the_operators_package_can_be_built_from_what_is_copied(tmp_path: Path) -> None:
    """Without a network and without the rest of the repository; its command is in it."""
    build, _ = stages()
    source = tmp_path / "source"
    for path in {path for words in build.all("COPY") for path in words.split()[:-1]}:
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (ROOT / path).is_dir() else shutil.copy
        copy(ROOT / path, source / path)
    (own,) = [command for command in build.commands() if command[1] == "wheel" and command[-1] == "."]
    options = [tmp_path if word == "/wheels" else word for word in own[1:]]
    subprocess.run([sys.executable, "-m", "pip", "-q", *options], cwd=source, check=True, timeout=60)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as files:
        entry = next(name for name in files.namelist() if name.endswith("entry_points.txt"))
        assert files.read(entry).decode() == "[console_scripts]\nimageferry = imageferry.cli:main\n"
        assert "imageferry/app.py" in files.namelist()
