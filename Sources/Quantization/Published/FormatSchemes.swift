/// Number formats: ggml's cache types, FP8, microscaling, normal floats.
enum FormatSchemes {
    private static let ggml = PaperSource(
        citation: "ggml-org, ggml: src/ggml-quants.c, 2026",
        place: "quantize_row_*_ref",
        link: "https://github.com/ggml-org/ggml"
    )
    private static let rotation = PaperSource(
        citation: "ggml-org, llama.cpp pull request 21038, 2026",
        place: "Hadamard rotation of quantized caches",
        link: "https://github.com/ggml-org/llama.cpp/pull/21038"
    )
    private static let fp8 = PaperSource(
        citation: "Micikevicius et al., FP8 Formats for Deep Learning, 2022",
        place: "§3",
        link: "https://arxiv.org/abs/2209.05433"
    )
    private static let mx = PaperSource(
        citation: "Open Compute Project, Microscaling Formats (MX) Specification 1.0, 2023",
        place: "§5, §6",
        link: "https://www.opencompute.org/documents/ocp-microscaling-formats-mx-v1-0-spec-final-pdf"
    )
    private static let nvfp4 = PaperSource(
        citation: "NVIDIA, Introducing NVFP4 for Efficient and Accurate Low-Precision Inference, 2025",
        place: "block and tensor scales",
        link: "https://developer.nvidia.com/blog/introducing-nvfp4-for-efficient-and-accurate-low-precision-inference/"
    )
    private static let nf = PaperSource(
        citation: "Dettmers et al., QLoRA: Efficient Finetuning of Quantized LLMs, NeurIPS 2023",
        place: "§3; signposts as in KVQuant's code",
        link: "https://arxiv.org/abs/2305.14314"
    )

    private static let types = ["q8-0", "q5-1", "q5-0", "q4-1", "q4-0", "iq4-nl"]

    static let all: [PublishedScheme] =
        types.map { PublishedScheme("ggml-\($0)", keys: "ggml-\($0)", "llama.cpp's cache type, byte for byte", ggml) }
        + types.map {
            PublishedScheme(
                "ggml-\($0)-hadamard",
                keys: "hadamard:ggml-\($0)",
                "the same after a Hadamard rotation, as llama.cpp has it since April 2026",
                rotation
            )
        }
        + [
            PublishedScheme("fp8-e4m3", keys: "fp8-e4m3", "FP8 E4M3 with a scale of 1, as vLLM's fp8 cache", fp8),
            PublishedScheme("fp8-e5m2", keys: "fp8-e5m2", "FP8 E5M2 with a scale of 1", fp8),
            PublishedScheme("mxfp8-e4m3", keys: "mx-e4m3", "MXFP8, E4M3 elements", mx),
            PublishedScheme("mxfp8-e5m2", keys: "mx-e5m2", "MXFP8, E5M2 elements", mx),
            PublishedScheme("mxfp6-e2m3", keys: "mx-e2m3", "MXFP6, E2M3 elements", mx),
            PublishedScheme("mxfp6-e3m2", keys: "mx-e3m2", "MXFP6, E3M2 elements", mx),
            PublishedScheme("mxfp4", keys: "mx-e2m1", "MXFP4", mx),
            PublishedScheme("mxfp4-ceil", keys: "mx-e2m1-ceil", "MXFP4 with exponents rounded up", mx),
            PublishedScheme("mxint8", keys: "mx-int8", "MXINT8", mx),
            PublishedScheme("nvfp4", keys: "nvfp4", "NVFP4", nvfp4),
        ]
        + [2, 3, 4].map {
            PublishedScheme("nf\($0)", keys: "nf-\($0)-token-g64", "NF\($0) per token in groups of 64", nf)
        }
}
