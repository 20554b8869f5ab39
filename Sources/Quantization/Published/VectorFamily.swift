/// Codes for several channels together.
enum VectorFamily {
    private static let higgs = PaperSource(
        citation:
            "Malinovskii et al., Pushing the Limits of Large Language Model Quantization via the Linearity Theorem, "
            + "NAACL 2025",
        place: "HIGGS; as in AQUA-KV's code",
        link: "https://arxiv.org/abs/2411.17525"
    )
    private static let quip = PaperSource(
        citation: "Tseng et al., QuIP#: Even Better LLM Quantization with Hadamard Incoherence and Lattice Codebooks, "
            + "ICML 2024",
        place: "§4.2, E8P",
        link: "https://arxiv.org/abs/2402.04396"
    )
    private static let nest = PaperSource(
        citation: "Savkin et al., NestQuant: Nested Lattice Quantization for Matrix Products and LLMs, ICML 2025",
        place: "§4",
        link: "https://arxiv.org/abs/2502.09720"
    )
    private static let coupled = PaperSource(
        citation: "Zhang et al., KV Cache is 1 Bit Per Channel: Efficient Large Language Model Inference with Coupled "
            + "Quantization, NeurIPS 2024",
        place: "§3",
        link: "https://arxiv.org/abs/2405.03917"
    )
    private static let nsn = PaperSource(
        citation:
            "NSNQuant: A Double Normalization Approach for Calibration-Free Low-Bit Vector Quantization of KV Cache, "
            + "NeurIPS 2025",
        place: "§3",
        link: "https://arxiv.org/abs/2505.18231"
    )
    private static let aqua = PaperSource(
        citation: "Shutova et al., Cache Me If You Must: Adaptive Key-Value Quantization for Large Language Models, "
            + "ICML 2025",
        place: "§3",
        link: "https://arxiv.org/abs/2501.19392"
    )

    static let all: [PublishedScheme] =
        ["2-16", "2-64", "2-256", "4-256"].map {
            PublishedScheme(
                "higgs-\($0)",
                keys: "layernorm:hadamard:grid-\($0)",
                "a layer's vector normalized, heads rotated, a grid for normal vectors",
                higgs
            )
        }
        + [
            PublishedScheme("e8p-2", keys: "layernorm:hadamard:grid-e8p", "the same with QuIP#'s E8P codebook", quip),
            PublishedScheme("nestquant-d4-4", keys: "norm:hadamard:lattice-d4-4", "nested D4 codes, 2.5 bits", nest),
            PublishedScheme("nestquant-e8-4", keys: "norm:hadamard:lattice-e8-4", "nested E8 codes, 2.25 bits", nest),
            PublishedScheme("nestquant-e8-16", keys: "norm:hadamard:lattice-e8-16", "nested E8 codes, 4.25 bits", nest),
        ]
        + ["4c8b", "8c8b"].map {
            PublishedScheme(
                "cq-\($0)",
                keys: "pre-rope:coupled-\($0)",
                values: "coupled-\($0)",
                "channels coupled, k-means with all elements alike",
                coupled
            )
        }
        + [
            PublishedScheme(
                "cq-4c8b-query",
                keys: "pre-rope:coupled-4c8b-query",
                values: "coupled-4c8b",
                "keys' codebooks weighed by what queries see",
                coupled
            ),
            PublishedScheme(
                "nsnquant-2",
                keys: "norm:center:norm:hadamard:grid-e8p",
                "normalize, shift, normalize, Hadamard, a codebook for normal vectors: here E8P, plain norms, means of the block",
                nsn
            ),
            PublishedScheme(
                "aqua-kv-2",
                keys: "pre-rope:predict:layernorm:hadamard:grid-2-16",
                values: "predict:layernorm:hadamard:grid-2-16",
                window: "window=128+sink=4",
                "what the layer before does not predict, HIGGS 2-16; values from the layer before's values alone",
                aqua
            ),
            PublishedScheme(
                "aqua-kv-3",
                keys: "pre-rope:predict:layernorm:hadamard:grid-2-64",
                values: "predict:layernorm:hadamard:grid-2-64",
                window: "window=128+sink=4",
                "the same with HIGGS 2-64",
                aqua
            ),
        ]
}
