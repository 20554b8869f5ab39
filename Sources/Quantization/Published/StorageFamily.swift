/// Formats for storing and sending, whose bits are measured sizes.
enum StorageFamily {
    private static let cachegen = PaperSource(
        citation: "Liu et al., CacheGen: KV Cache Compression and Streaming for Fast Large Language Model Serving, "
            + "SIGCOMM 2024",
        place: "released encoder",
        link: "https://arxiv.org/abs/2310.07240"
    )
    private static let kvtc = PaperSource(
        citation: "KVTC: KV cache transform coding for compact storage, ICLR 2026",
        place: "§3",
        link: "https://arxiv.org/abs/2511.01815"
    )

    static let all: [PublishedScheme] =
        [
            PublishedScheme(
                "cachegen",
                keys: "joined:entropy-cachegen",
                "integers a token by layer, entropy coded by channel",
                cachegen
            )
        ]
        + ["0.5", "1", "2"].map { bits in
            PublishedScheme(
                "kvtc-\(bits)",
                keys: "pre-rope:components-\(bits)",
                values: "components-\(bits)",
                window: "window=128+sink=4",
                "principal components of a layer, bits by their variance, entropy coded",
                kvtc
            )
        }
}
