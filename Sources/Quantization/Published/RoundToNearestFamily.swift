/// Round-to-nearest as tools and papers ship it.
enum RoundToNearestFamily {
    private static let flexgen = PaperSource(
        citation: "Sheng et al., FlexGen, ICML 2023",
        place: "compression.py, groups of 64 along the head",
        link: "https://arxiv.org/abs/2303.06865"
    )
    private static let lmdeploy = PaperSource(
        citation: "InternLM, LMDeploy: docs/en/quantization/kv_quant.md",
        place: "quant_policy 4 and 8",
        link: "https://github.com/InternLM/lmdeploy"
    )
    private static let mlx = PaperSource(
        citation: "Apple, mlx-lm: --kv-bits, --kv-group-size",
        place: "mx.quantize, affine",
        link: "https://github.com/ml-explore/mlx-lm"
    )
    private static let hqq = PaperSource(
        citation: "Badri and Shaji, Half-Quadratic Quantization of Large Machine Learning Models, 2023",
        place: "hqq/core/optimize.py",
        link: "https://mobiusml.github.io/hqq_blog/"
    )
    private static let qserve = PaperSource(
        citation: "Lin et al., QServe: W4A8KV4 Quantization and System Co-design, MLSys 2025",
        place: "§4.2, SmoothAttention",
        link: "https://arxiv.org/abs/2405.04532"
    )
    private static let atom = PaperSource(
        citation: "Zhao et al., Atom: Low-bit Quantization for Efficient and Accurate LLM Serving, MLSys 2024",
        place: "§4.4; model/quant.py",
        link: "https://arxiv.org/abs/2310.19102"
    )
    private static let intact = PaperSource(
        citation:
            "Liu et al., IntactKV: Improving Large Language Model Quantization by Keeping Pivot Tokens Intact, 2024",
        place: "§3",
        link: "https://arxiv.org/abs/2403.01241"
    )
    private static let zipcache = PaperSource(
        citation:
            "He et al., ZipCache: Accurate and Efficient KV Cache Quantization with Salient Token Identification, "
            + "NeurIPS 2024",
        place: "§4",
        link: "https://arxiv.org/abs/2405.14256"
    )

    static let all: [PublishedScheme] =
        [
            PublishedScheme("flexgen-4", keys: "uniform-4-token-g64", "4 bits per token in groups of 64", flexgen),
            PublishedScheme("lmdeploy-4", keys: "uniform-4-token-whole", "4 bits a head's token", lmdeploy),
            PublishedScheme("lmdeploy-8", keys: "uniform-8-token-whole", "8 bits a head's token", lmdeploy),
        ]
        + [2, 3, 4, 6, 8].map {
            PublishedScheme("mlx-\($0)", keys: "uniform-\($0)-token-g64-away", "affine, groups of 64", mlx)
        }
        + [1, 2, 3, 4].map {
            PublishedScheme(
                "hqq-\($0)",
                keys: "hqq-\($0)-token-g64",
                window: "window=128",
                "zero point of least |error|^0.7, groups of 64",
                hqq
            )
        }
        + [
            PublishedScheme(
                "qserve-4",
                keys: "smooth-0.5:uniform-4-token-whole",
                values: "uniform-4-token-whole",
                "4 bits a head's token, keys smoothed",
                qserve
            ),
            PublishedScheme(
                "atom-4",
                keys: "uniform-4-token-whole-zero-clamped",
                "4 bits a head's token, integer zero",
                atom
            ),
            PublishedScheme(
                "atom-3",
                keys: "uniform-3-token-whole-zero-clamped",
                "3 bits a head's token, integer zero",
                atom
            ),
            PublishedScheme(
                "intactkv-4",
                keys: "uniform-4-token-whole",
                window: "sink=1",
                "4 bits a head's token, the first token exact",
                intact
            ),
            PublishedScheme(
                "zipcache-4-2",
                keys: "saliency-2-4-0.4-channel",
                values: "rootmax:saliency-2-4-0.4-token",
                "4 bits for salient tokens, 2 for the rest; values channel-separable, here per head",
                zipcache
            ),
        ]
}
