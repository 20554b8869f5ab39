/// Python of the cells that every notebook has.
enum NotebookCode {
    static let findRun = #"""
        import hashlib
        import json
        import os
        from pathlib import Path


        def find_run(path, notebook_folder, made_by):
            """The run's folder: beside this notebook, wherever Python was started."""
            if os.environ.get("KVATLAS_RUN"):
                places = [Path(os.environ["KVATLAS_RUN"])]
            else:
                # Editors say where the notebook is; others start Python in its folder, or in one above.
                notebook = globals().get("__vsc_ipynb_file__") or os.environ.get("JPY_SESSION_NAME")
                here = Path.cwd()
                folders = ([Path(notebook).parent] if notebook else []) + [here]
                folders += [parent / notebook_folder for parent in (here, *here.parents)]
                places = [folder / path for folder in folders]
            for place in places:
                if (place / "tables").is_dir():
                    return place.resolve()
            raise FileNotFoundError(
                f"there is no run at {places[0]}. Make it:\n  {made_by}\n"
                "or change RUN_PATH in this cell, or set the environment variable KVATLAS_RUN to its folder."
            )


        """#

    static let tables = #"""
        import matplotlib.pyplot as plt
        import numpy as np
        import pandas as pd
        from IPython.display import SVG

        # An empty field is a missing value; words such as "none" and "NA" are words.
        TABLES = {
            path.stem: pd.read_csv(path, keep_default_na=False, na_values=["", "nan"])
            for path in sorted((RUN / "tables").glob("*.csv"))
        }

        # Tables that somebody changed after the run made them are no results of it.
        if (RUN / "provenance.json").exists():
            for stage in json.loads((RUN / "provenance.json").read_text()).get("stages", []):
                for name, checksum in stage["outputs"].items():
                    if name.startswith("tables/") and (RUN / name).exists():
                        if hashlib.sha256((RUN / name).read_bytes()).hexdigest() != checksum:
                            print(f"warning: {name} was changed after the run made it")

        # What the columns mean is in tables/README.md of the run.
        pd.DataFrame(
            [(name, len(table), ", ".join(table.columns)) for name, table in TABLES.items()],
            columns=["table", "rows", "columns"],
        )
        """#

    static let structureText = """
        ## The structure study

        One row a tensor: medians over layers and heads of the tables that the run has; `tables/README.md` defines their \
        columns.
        """

    static let structure = #"""
        def by_tensor(table, columns, **only):
            """The median of some columns for each tensor, of the rows that `only` names; empty without the table."""
            rows = TABLES.get(table)
            if rows is None or "tensor" not in rows:
                return pd.DataFrame()
            for column, value in only.items():
                rows = rows[rows[column] == value]
            return rows.groupby("tensor")[[column for column in columns if column in rows]].median()


        parts = [
            by_tensor("transform-effects", ["range_to_median_channel", "excess_kurtosis"], transform="none"),
            by_tensor("transform-effects", ["range_to_median_channel", "excess_kurtosis"], transform="hadamard").add_suffix(
                " rotated"
            ),
            by_tensor("spectrum-summary", ["effective_rank", "components_90"]),
            by_tensor("locality", ["neighbour_cosine_centred", "delta_variance_ratio"]),
            by_tensor("cross-layer", ["unexplained_variance"]),
            by_tensor("outlier-stability", ["jaccard", "spearman"], kind="sequence").add_suffix(" between texts"),
        ]
        pd.concat([part for part in parts if len(part)], axis=1).round(3)
        """#

    static let captureText = """
        ## The capture

        The keys, values and queries themselves, as HDF5: `/layers/007/key` is float16 `[token, kv_head, channel]`. It is \
        there if the run kept it (`output.keep_capture`).
        """

    static let captureWithH5py = #"""
        CAPTURE = RUN / "capture.h5"
        if CAPTURE.exists():
            import h5py

            with h5py.File(CAPTURE, "r") as file:
                for name, value in file["model"].attrs.items():
                    print(f"{name}: {value}")
                for name, layer in list(file["layers"].items())[:2]:
                    for tensor, data in layer.items():
                        print(f"/layers/{name}/{tensor}", data.shape, data.dtype)
                print(len(file["layers"]), "layers,", file["tokens/id"].shape[0], "tokens, first:", list(file["tokens/text"].asstr()[:8]))
        else:
            print(f"{CAPTURE.name} was not kept: run the manifest again with --set output.keep_capture=true")
        """#

    static let captureChannels = #"""
        def largest(data, rows=4096):
            """max |x| of each head and channel over all tokens, a slab of tokens at a time."""
            result = np.zeros(data.shape[1:])
            for start in range(0, data.shape[0], rows):
                slab = np.abs(data[start : start + rows].astype(np.float64))
                result = np.maximum(result, np.where(np.isfinite(slab), slab, 0).max(axis=0))
            return result


        # The table of channels again, from the elements: the same numbers.
        channels = TABLES.get("statistics-channel")
        if CAPTURE.exists() and channels is not None and "absolute_maximum" in channels:
            with h5py.File(CAPTURE, "r") as file:
                compared = 0
                for (layer, tensor), rows in channels.groupby(["layer", "tensor"]):
                    place = f"layers/{layer:03d}/{tensor}"
                    if place in file:
                        found = largest(file[place])[rows["head"], rows["channel"]]
                        np.testing.assert_allclose(found, rows["absolute_maximum"], rtol=1e-6, err_msg=place)
                        compared += len(rows)
            print(f"{compared} channels of the capture are those of statistics-channel.csv")
        """#

    static let captureWithXarray = #"""
        if CAPTURE.exists():
            import xarray as xr

            with h5py.File(CAPTURE, "r") as file:
                first = next(iter(file["layers"]))
            with xr.open_dataset(CAPTURE, engine="h5netcdf", group=f"layers/{first}") as layer:
                print(layer)
                for name, tensor in layer.data_vars.items():
                    widest = np.abs(tensor.astype("float32")).max("token")
                    print(name, "largest |x| of a channel, by head:", widest.max("channel").values.round(2))
        """#
}
