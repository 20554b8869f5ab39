"""Checks that a capture is what other tools expect: h5py and xarray open it.

    python3 Tests/Fixtures/capture/check_capture.py FILE.h5 [--incomplete]

Needs h5py, numpy, xarray and h5netcdf. Exits with 1 and a message if
something is not as Sources/Capture says.
"""

import argparse

import h5py
import numpy as np
import xarray

MODEL_ATTRIBUTES = {
    "name": str, "architecture": str, "layers": np.integer, "heads": np.integer, "kv_heads": np.integer,
    "head_dim": np.integer, "rope_base": np.floating, "rope_layout": str, "vocabulary": np.integer,
    "weights_sha256": str, "weight_type": str,
}
ROOT_ATTRIBUTES = {
    "format": str, "format_version": np.integer, "complete": np.integer, "flushed_tokens": np.integer,
    "tool_version": str, "created": str, "command": str,
}


def check_attributes(holder, kinds):
    for name, kind in kinds.items():
        assert name in holder.attrs, f"{holder.name}: no attribute {name}"
        value = holder.attrs[name]
        assert isinstance(value, kind), f"{holder.name}: attribute {name} is {type(value)}, not {kind}"


def check_tensor(dataset, model, tokens, incomplete):
    is_query = dataset.name.endswith("/query")
    heads = model["heads"] if is_query else model["kv_heads"]
    assert dataset.dtype in (np.float16, np.float32), f"{dataset.name}: {dataset.dtype}"
    assert dataset.shape[1:] == (heads, model["head_dim"]), f"{dataset.name}: {dataset.shape}"
    assert dataset.shape[0] >= tokens if incomplete else dataset.shape[0] == tokens, f"{dataset.name}"
    assert dataset.maxshape[0] is None, f"{dataset.name} cannot grow"
    assert dataset.fletcher32, f"{dataset.name} has no checksum"
    labels = [dimension.label for dimension in dataset.dims]
    scales = [list(dimension.keys()) for dimension in dataset.dims]
    wanted = ["token", "head" if is_query else "kv_head", "channel"]
    assert labels == wanted, f"{dataset.name}: labels {labels}"
    assert scales == [[name] for name in wanted], f"{dataset.name}: scales {scales}"
    values = dataset[:tokens]
    return dataset.dtype, float(np.abs(values.astype(np.float64)).max()) if values.size else 0.0


def check_with_h5py(path, incomplete):
    with h5py.File(path, "r") as file:
        check_attributes(file, ROOT_ATTRIBUTES)
        check_attributes(file["model"], MODEL_ATTRIBUTES)
        assert file.attrs["format"] == "kvatlas-capture" and file.attrs["format_version"] == 1
        assert file.attrs["complete"] == (0 if incomplete else 1)
        checksums = list(file["sequences"].attrs["text_sha256"])
        assert all(isinstance(item, str) for item in checksums)
        model = dict(file["model"].attrs)
        columns = {name: file["tokens"][name] for name in ("id", "text", "sequence", "position", "bytes_hex")}
        tensors = []
        for layer in file["layers"].values():
            of_layer = [dataset for name, dataset in layer.items() if name != "token"]
            # Were one longer, netCDF would show the others with rows of zeros.
            assert {d.shape[0] for d in of_layer} == {layer["token"].shape[0]}, f"{layer.name}: lengths differ"
            assert np.array_equal(layer["token"][:], np.arange(layer["token"].shape[0])), f"{layer.name}/token"
            tensors += of_layer
        lengths = {d.shape[0] for d in tensors} | {c.shape[0] for c in columns.values()}
        # Rows beyond may be there, but a kill inside a flush can leave some that cannot be read.
        tokens = int(file.attrs["flushed_tokens"])
        assert tokens == min(lengths), f"lengths {sorted(lengths)} with {tokens} tokens flushed"
        assert {c.shape[0] for c in [file["token"], *columns.values()]} == {tokens}, "/tokens"
        assert incomplete or lengths == {tokens}, f"lengths {sorted(lengths)}"
        text = columns["text"].asstr()[:tokens]
        assert all(isinstance(item, str) for item in text)
        starts, counts = file["sequences/start"][:], file["sequences/length"][:]
        for start, count in zip(starts, counts):
            end = min(start + count, tokens)
            assert np.array_equal(columns["position"][start:end], np.arange(max(0, end - start)))
        assert incomplete or counts.sum() == tokens
        assert np.array_equal(file["token"][:tokens], np.arange(tokens))
        found = [check_tensor(tensor, model, tokens, incomplete) for tensor in tensors]
        kinds = sorted({str(kind) for kind, _ in found})
        print(f"h5py {h5py.__version__}: {len(tensors)} tensors of {tokens} tokens, {', '.join(kinds)}, "
              f"largest |x| {max(peak for _, peak in found):.3f}, {len(starts)} sequences, "
              f"first pieces {list(text[:4])}")
        return list(file["layers"]), tokens


def check_with_xarray(path, layers, tokens):
    root = xarray.open_dataset(path, engine="h5netcdf")
    assert "token" in root.coords
    root.close()
    sizes = []
    for layer in layers:
        with xarray.open_dataset(path, engine="h5netcdf", group=f"layers/{layer}") as data:
            for name, variable in data.data_vars.items():
                heads = "head" if name == "query" else "kv_head"
                assert variable.dims == ("token", heads, "channel"), f"{layer}/{name}: {variable.dims}"
                # Elements are no zeros, neither a model's nor those of our tests.
                rows = np.abs(variable.values.astype(np.float64)).max(axis=(1, 2))
                assert rows.size >= tokens and rows.all(), f"{layer}/{name}: rows of zeros"
            sizes.append(f"layers/{layer} {data.sizes['token']}")
            assert np.array_equal(data["token"].values, np.arange(data.sizes["token"])), f"{layer}/token"
            if layer == layers[0]:
                print(f"xarray {xarray.__version__}: layers/{layer} {dict(data.sizes)} "
                      + ", ".join(f"{n} {v.dtype}" for n, v in data.data_vars.items()))
    with xarray.open_dataset(path, engine="h5netcdf", group="tokens") as data:
        assert data["text"].dims == ("token",) and data.sizes["token"] == tokens
        print(f"xarray {xarray.__version__}: tokens {dict(data.sizes)} {list(data.data_vars)}")
        print("tokens in xarray: " + ", ".join(sizes) + f", tokens {data.sizes['token']}")


parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("file")
parser.add_argument("--incomplete", action="store_true", help="the capture was stopped in the middle")
arguments = parser.parse_args()
layer_names, token_count = check_with_h5py(arguments.file, arguments.incomplete)
check_with_xarray(arguments.file, layer_names, token_count)
print("ok")
