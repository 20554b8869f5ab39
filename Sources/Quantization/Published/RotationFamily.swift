/// Schemes that rotate channels before they round.
enum RotationFamily {
    private static let quarot = PaperSource(
        citation: "Ashkboos et al., QuaRot: Outlier-Free 4-Bit Inference in Rotated LLMs, NeurIPS 2024",
        place: "§4, QKRotationWrapper",
        link: "https://arxiv.org/abs/2404.00456"
    )
    private static let saw = PaperSource(
        citation: "Together, System-Aware 4-Bit KV-Cache Quantization, 2026",
        place: "block-diagonal rotation",
        link: "https://github.com/togethercomputer/System-Aware-4-Bit-KV-Cache-Quantization"
    )
    private static let rotateKV = PaperSource(
        citation: "Su et al., RotateKV: Accurate and Robust 2-Bit KV Cache Quantization, IJCAI 2025",
        place: "§3",
        link: "https://arxiv.org/abs/2501.16383"
    )
    private static let oscar = PaperSource(
        citation: "OSCAR: 2-bit KV cache quantization by covariance-aware rotation, 2026",
        place: "compute_kv_rotation.py",
        link: "https://arxiv.org/abs/2605.17757"
    )
    private static let kvarn = PaperSource(
        citation: "KVarN: variance-normalized KV cache quantization, Huawei, 2026",
        place: "sinkhorn, presets",
        link: "https://arxiv.org/abs/2606.03458"
    )

    static let all: [PublishedScheme] =
        [2, 3, 4].map {
            PublishedScheme(
                "quarot-\($0)",
                keys: "hadamard:uniform-\($0)-token-whole-zero-origin-clip0.95",
                "Hadamard, a head's token, range with zero clipped to 0.95, integer zero",
                quarot
            )
        }
        + [
            PublishedScheme(
                "saw-int4-naive",
                keys: "uniform-4-token-g128",
                "4 bits per token in groups of 128, no rotation",
                saw
            ),
            PublishedScheme(
                "saw-int4-16",
                keys: "hadamard-16:uniform-4-token-g128",
                values: "uniform-4-token-g128",
                "keys rotated in blocks of 16",
                saw
            ),
            PublishedScheme(
                "saw-int4-64",
                keys: "hadamard-64:uniform-4-token-g128",
                values: "uniform-4-token-g128",
                "keys rotated in blocks of 64",
                saw
            ),
            PublishedScheme(
                "rotatekv-2",
                keys: "pre-rope:reorder:hadamard:rtn-int2-token-g128",
                values: "rtn-int2-token-g128",
                window: "sink=20",
                "keys reordered and rotated before RoPE, here one head at a time; 20 first tokens for its pivots",
                rotateKV
            ),
            PublishedScheme(
                "oscar-2",
                keys: "oscar:uniform-2-token-g128-clip0.96-up",
                values: "oscar:uniform-2-token-g128-clip0.92-up",
                window: "window=256+sink=64",
                "rotations learnt from queries' and values' covariance, clipped",
                oscar
            ),
        ]
        + [("k4v2", 4, 2), ("k4v4", 4, 4), ("k2v2", 2, 2)].map { name, keys, values in
            PublishedScheme(
                "kvarn-\(name)",
                keys: "hadamard:varnorm-\(keys)-channel-g128",
                values: "hadamard:varnorm-\(values)-token-g128",
                window: "residual=128+sink=128",
                "tiles of 128 tokens of even variance, first 128 tokens exact",
                kvarn
            )
        }
}
