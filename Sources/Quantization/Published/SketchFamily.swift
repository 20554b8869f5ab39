/// Sketches, polar coordinates and codes for normalized vectors.
enum SketchFamily {
    private static let qjl = PaperSource(
        citation: "Zandieh et al., QJL: 1-Bit Quantized JL Transform for KV Cache Quantization, AAAI 2025",
        place: "§3; run_longbench.py",
        link: "https://arxiv.org/abs/2406.03482"
    )
    private static let polarGoogle = PaperSource(
        citation: "Han et al., PolarQuant: Quantizing KV Caches with Polar Transformation, AISTATS 2026",
        place: "§4",
        link: "https://arxiv.org/abs/2502.02617"
    )
    private static let polarWu = PaperSource(
        citation:
            "Wu et al., PolarQuant: Leveraging Polar Transformation for Efficient Key Cache Quantization, NeurIPS 2025",
        place: "§3",
        link: "https://arxiv.org/abs/2502.00527"
    )
    private static let turbo = PaperSource(
        citation: "Zandieh et al., TurboQuant: Online Vector Quantization with Near-optimal Distortion Rate, ICLR 2026",
        place: "Algorithms 1 and 2",
        link: "https://arxiv.org/abs/2504.19874"
    )
    private static let vllm = PaperSource(
        citation: "vLLM project, quantization/turboquant, 2026",
        place: "config.py, presets",
        link: "https://github.com/vllm-project/vllm"
    )

    private static let rotation = "signs:hadamard:norm"

    static let all: [PublishedScheme] =
        [
            PublishedScheme(
                "qjl",
                keys: "qjl-256-outliers8-256",
                values: "rtn-int2-token-g32",
                window: "window=128",
                "keys as 256 signs, 8 outlier channels of 32 tokens as 256 more; values at 2 bits",
                qjl
            ),
            PublishedScheme(
                "polarquant-recursive",
                keys: "signs:hadamard:polartree",
                "a radius and a tree of angles for 16 channels, after a random rotation",
                polarGoogle
            ),
            PublishedScheme(
                "polarquant-4",
                keys: "polar-4-4-g128",
                values: "rtn-int2-token-g32",
                window: "residual=128",
                "keys as 4-bit radii and angles; values at 2 bits",
                polarWu
            ),
        ]
        + [1, 2, 3, 4].map {
            PublishedScheme(
                "turboquant-mse-\($0)",
                keys: "\(rotation):lloyd-\($0)",
                "unit vectors after a random rotation, levels of least squared error",
                turbo
            )
        }
        + [2, 3, 4].map {
            PublishedScheme(
                "turboquant-prod-\($0)",
                keys: "\(rotation):sketch:lloyd-\($0 - 1)",
                values: "\(rotation):lloyd-\($0)",
                "keys with unbiased inner products: a bit less and the signs of what is left",
                turbo
            )
        }
        + [
            PublishedScheme(
                "vllm-k8v4",
                keys: "fp8-e4m3",
                values: "uniform-4-token-whole",
                "FP8 keys, 4-bit values",
                vllm
            ),
            PublishedScheme(
                "vllm-4bit-nc",
                keys: "hadamard:norm-corrected:lloyd-4",
                values: "uniform-4-token-whole",
                "4-bit keys with norm correction, 4-bit values; here in all layers, vLLM leaves two at either end exact",
                vllm
            ),
            PublishedScheme(
                "vllm-k3v4-nc",
                keys: "hadamard:norm-corrected:lloyd-3",
                values: "uniform-4-token-whole",
                "3-bit keys, 4-bit values",
                vllm
            ),
            PublishedScheme(
                "vllm-3bit-nc",
                keys: "hadamard:norm-corrected:lloyd-3",
                values: "uniform-3-token-whole",
                "3-bit keys and values",
                vllm
            ),
        ]
}
