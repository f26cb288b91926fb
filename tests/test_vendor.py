"""What others wrote and the pages are served with: named, licensed, and as it was published."""

import hashlib
import json
from typing import Any

import pytest

from tests.services.process import ROOT

VENDOR = ROOT / "static" / "headway" / "vendor"
MANIFEST: list[dict[str, Any]] = json.loads((VENDOR / "manifest.json").read_text())


def test_every_vendored_file_is_in_the_manifest() -> None:
    named = {file["file"] for package in MANIFEST for file in package["files"]}
    ours = {"manifest.json", "uPlot.esm.d.ts"}
    assert {path.name for path in VENDOR.iterdir()} - ours == named


@pytest.mark.parametrize("package", MANIFEST, ids=lambda package: package["name"])
def test_files_are_those_that_the_manifest_names(package: dict[str, Any]) -> None:
    sums = {
        file["file"]: hashlib.sha256((VENDOR / file["file"]).read_bytes()).hexdigest()
        for file in package["files"]
    }
    assert sums == {file["file"]: file["sha256"] for file in package["files"]}


@pytest.mark.parametrize("package", MANIFEST, ids=lambda package: package["name"])
def test_version_source_and_licence_are_named(package: dict[str, Any]) -> None:
    developed = json.loads((ROOT / "package.json").read_text())["devDependencies"]
    assert developed[package["name"]] == package["version"]
    assert package["version"] in package["source"]
    (licence,) = (file for file in package["files"] if file["from"] == "LICENSE")
    assert package["licence"] in (VENDOR / licence["file"]).read_text()
