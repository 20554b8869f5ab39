import TensorCore

/// A figure that a notebook draws with matplotlib from one table.
struct NotebookRedraw {
    let id: String
    /// The table, and the columns of it that the code reads.
    let table: String
    let columns: [String]
    let text: String
    let code: String

    func isPossible(_ tables: [String: Table]) -> Bool {
        guard let table = tables[table], !table.rows.isEmpty else { return false }
        return columns.allSatisfy { table.index(of: $0) != nil }
    }

    static let all = [magnitudes, pairs, sinks, quality, decode]

    private static let sinks = NotebookRedraw(
        id: "sinks",
        table: "attention-sinks",
        columns: ["layer", "token", "piece", "attention_share"],
        text: "Share of attention of the tokens that get most of it, layer by layer.",
        code: #"""
            table = TABLES["attention-sinks"].dropna(subset=["attention_share"])
            order = table.groupby("token").attention_share.sum().sort_values(ascending=False).index[:5]
            figure, axis = plt.subplots(figsize=(9, 3.6), layout="constrained")
            for token in order:
                rows = table[table.token == token].sort_values("layer")
                axis.plot(rows.layer, 100 * rows.attention_share, marker="o", markersize=3, label=f"{token} {rows.piece.iloc[0]!r}")
            axis.set(xlabel="layer", ylabel="share of attention (%)", ylim=(0, None))
            axis.legend(title="token", fontsize=8)
            plt.show()
            """#
    )

    private static let magnitudes = NotebookRedraw(
        id: "magnitudes",
        table: "magnitude",
        columns: ["layer", "tensor", "head", "token_first", "token_last", "channel", "absolute_maximum"],
        text:
            "Magnitudes over tokens and channels: the layer whose keys reach highest, and of each tensor the head that\nreaches highest there.",
        code: #"""
            table = TABLES["magnitude"]
            keys = table[table.tensor == "key"] if (table.tensor == "key").any() else table
            layer = keys.loc[keys.absolute_maximum.idxmax(), "layer"]
            table = table[table.layer == layer]
            panels = []
            for tensor, rows in table.groupby("tensor"):
                head = rows.loc[rows.absolute_maximum.idxmax(), "head"]
                panels.append((tensor, head, rows[rows["head"] == head]))
            figure, axes = plt.subplots(
                len(panels), 1, figsize=(9, 2.2 * len(panels)), squeeze=False, sharex=True, layout="constrained"
            )
            for axis, (tensor, head, rows) in zip(axes[:, 0], panels):
                grid = rows.pivot(index="channel", columns="token_first", values="absolute_maximum")
                edges = [*grid.columns, rows.token_last.max() + 1]
                mesh = axis.pcolormesh(edges, np.arange(len(grid) + 1), grid, cmap="viridis")
                figure.colorbar(mesh, ax=axis, label="largest |x|")
                axis.set(title=f"{tensor}, layer {layer}, head {head}", ylabel="channel")
            axes[-1, 0].set_xlabel("token")
            plt.show()
            """#
    )

    private static let pairs = NotebookRedraw(
        id: "pairs",
        table: "per-token-vs-per-channel",
        columns: ["layer", "tensor", "metric", "bits", "group_size", "per_token", "per_channel"],
        text: "Errors per token against per channel, layer by layer: above the diagonal, per channel is better.",
        code: #"""
            from matplotlib.ticker import LogLocator, NullLocator

            table = TABLES["per-token-vs-per-channel"]
            table = table[(table.bits == table.bits.min()) & (table.per_token > 0) & (table.per_channel > 0)]
            smallest = table.group_size.min()
            if pd.notna(smallest):
                table = table[table.group_size == smallest]
            figure, axes = plt.subplots(1, 2, figsize=(9, 4.4), layout="constrained")
            for axis, (tensor, metric) in zip(axes, [("key", "mean_absolute_relative_error"), ("value", "output_error_value")]):
                rows = table[(table.tensor == tensor) & (table.metric == metric)]
                points = axis.scatter(rows.per_channel, rows.per_token, c=rows.layer, cmap="viridis")
                if len(rows):
                    errors = rows[["per_token", "per_channel"]]
                    axis.axline((errors.min().min(),) * 2, (errors.max().max() * 1.01,) * 2, color="gray", linewidth=1)
                    axis.set(xscale="log", yscale="log")
                    for scale in (axis.xaxis, axis.yaxis):
                        scale.set_major_locator(LogLocator(base=2))
                        scale.set_major_formatter("{x:g}")
                        scale.set_minor_locator(NullLocator())
                axis.set(title=f"{tensor}: {metric}", xlabel="error per channel", ylabel="error per token")
            figure.colorbar(points, ax=axes, label="layer")
            plt.show()
            """#
    )

    private static let quality = NotebookRedraw(
        id: "quality",
        table: "quality",
        columns: ["cache", "divergence_mean"],
        text: "Divergence of the next token's distribution from that with a float32 cache, by cache.",
        code: #"""
            table = TABLES["quality"]
            means = table[table.divergence_mean > 0].pivot_table(
                index="cache", columns="text" if "text" in table else None, values="divergence_mean"
            )
            means = means.loc[means.mean(axis=1).sort_values().index]
            figure, axis = plt.subplots(figsize=(9, 1 + 0.35 * len(means)), layout="constrained")
            means.plot.barh(ax=axis, logx=True)
            axis.set(xlabel="mean KL divergence (nat)", ylabel="")
            plt.show()
            """#
    )

    private static let decode = NotebookRedraw(
        id: "decode",
        table: "decode",
        columns: ["cache", "prompt_tokens", "batch", "tokens_per_second"],
        text: "Tokens a second by length of the prompt, one line a cache, a panel a batch size.",
        code: #"""
            table = TABLES["decode"].dropna(subset=["tokens_per_second"])
            batches = sorted(table.batch.unique())
            figure, axes = plt.subplots(1, len(batches), figsize=(4.5 * len(batches), 4), squeeze=False, layout="constrained")
            for axis, batch in zip(axes[0], batches):
                for cache, rows in table[table.batch == batch].groupby("cache"):
                    means = rows.groupby("prompt_tokens").tokens_per_second.mean()
                    axis.plot(means.index, means.values, marker="o", label=cache)
                axis.set(title=f"batch {batch}", xlabel="prompt (tokens)", ylabel="tokens a second")
            axes[0, -1].legend(fontsize=7)
            plt.show()
            """#
    )
}
