/// Schemes that grew out of per-channel keys and per-token values.
enum KIVIFamily {
    private static let kvquant = PaperSource(
        citation: "Hooper et al., KVQuant: Towards 10 Million Context Length LLM Inference, NeurIPS 2024",
        place: "§3",
        link: "https://arxiv.org/abs/2401.18079"
    )
    private static let gear = PaperSource(
        citation: "Kang et al., GEAR: An Efficient KV Cache Compression Recipe for Near-Lossless Inference, 2024",
        place: "§3, Algorithm 1",
        link: "https://arxiv.org/abs/2403.05527"
    )
    private static let skvq = PaperSource(
        citation: "Duanmu et al., SKVQ: Sliding-window Key and Value Cache Quantization, COLM 2024",
        place: "§3",
        link: "https://arxiv.org/abs/2405.06219"
    )
    private static let kitty = PaperSource(
        citation:
            "Kitty: Accurate and Efficient 2-bit KV Cache Quantization with Dynamic Channel-wise Precision Boost, "
            + "2025",
        place: "§3",
        link: "https://arxiv.org/abs/2511.18643"
    )

    static let all: [PublishedScheme] =
        [2, 3, 4].map {
            PublishedScheme(
                "kvquant-\($0)",
                keys: "pre-rope:nuq-\($0)-0.01-channel\($0 == 2 ? "-qnorm" : "")",
                values: "joined:nuq-\($0)-0.01-token\($0 == 2 ? "-qnorm" : "")",
                window: "sink=1",
                "learnt levels, 1 % outliers exact, first token exact; all elements weighed alike",
                kvquant
            )
        }
        + [
            PublishedScheme(
                "kvquant-2-dense",
                keys: "pre-rope:nuq-2-0-channel-qnorm",
                values: "joined:nuq-2-0-token-qnorm",
                window: "sink=1",
                "the same without outliers",
                kvquant
            ),
            PublishedScheme(
                "kvquant-2-query",
                keys: "pre-rope:nuq-2-0.01-channel-qnorm-query",
                values: "joined:nuq-2-0.01-token-qnorm",
                window: "sink=1",
                "keys' levels weighed by what queries see",
                kvquant
            ),
        ]
        + [2, 4].flatMap { bits in
            [
                PublishedScheme(
                    "gear-\(bits)",
                    keys: "outliers-0.02-channel:lowrank-4:rtn-int\(bits)-channel-g64",
                    values: "outliers-0.02-token:lowrank-4:rtn-int\(bits)-token-g64",
                    "KIVI's groups of 64, 2 % outliers, rank 4",
                    gear
                ),
                PublishedScheme(
                    "gear-l-\(bits)",
                    keys: "lowrank-4:rtn-int\(bits)-channel-g64",
                    values: "lowrank-4:rtn-int\(bits)-token-g64",
                    "the same without outliers",
                    gear
                ),
            ]
        }
        + [
            PublishedScheme(
                "skvq-2",
                keys: "joined:clusters-2-g128-clip0.96-e4m3",
                window: "window=128+sink=5",
                "channels of like range in a group, clipped, FP8 scales",
                skvq
            ),
            PublishedScheme(
                "skvq-k2v1.5",
                keys: "joined:clusters-2-g128-clip0.96-e4m3",
                values: "joined:clusters-1.5-g128-clip0.96-e4m3",
                window: "window=128+sink=5",
                "values with three levels",
                skvq
            ),
            PublishedScheme(
                "kitty-2",
                keys: "boosted-2-4-0.1-g128",
                values: "rtn-int2-token-g128",
                window: "residual=128+sink=32",
                "KIVI-2 with a tenth of the key channels at 4 bits",
                kitty
            ),
            PublishedScheme(
                "kitty-pro-2",
                keys: "boosted-2-4-0.25-g128",
                values: "rtn-int2-token-g128",
                window: "residual=128+sink=32",
                "a quarter of the key channels at 4 bits",
                kitty
            ),
        ]
}
