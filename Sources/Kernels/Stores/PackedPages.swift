/// Where the tokens of a packed store lie: four small pages, then large ones.
///
/// Small ones leave little memory unused behind a short sequence, large ones are read faster: of pages of 256 tokens
/// keys were read a third slower than of 1,024.
struct PackedPages: Sendable {
    /// Small pages before the first large one, which is as large as they are together.
    private static let smallPages = 4

    struct Page {
        let index: Int
        /// Its first token.
        let first: Int
        /// Tokens that it has room for.
        let tokens: Int
        /// Bytes before its scales and minima, which begin on a cache line.
        let metadataOffset: Int
        let byteCount: Int

        var end: Int { first + tokens }
    }

    private let small: Int
    private let format: PackedFormat

    /// A small page has the least multiple of tiles and groups that is at least 256.
    init(_ format: PackedFormat) {
        let tile = PackedFormat.tileTokens
        var step = tile
        while format.side == .keys && !step.isMultiple(of: format.groupSize) { step += tile }
        small = (255 + step) / step * step
        self.format = format
    }

    /// Tokens of a large page.
    var largestTokens: Int { Self.smallPages * small }

    func page(_ index: Int) -> Page {
        let isSmall = index < Self.smallPages, tokens = isSmall ? small : largestTokens
        let offset = PageArena.pageSize(format.codeBytes(tokens: tokens))
        return Page(
            index: index,
            first: isSmall ? index * small : (index - Self.smallPages + 1) * largestTokens,
            tokens: tokens,
            metadataOffset: offset,
            byteCount: PageArena.pageSize(offset + format.metadataBytes(tokens: tokens))
        )
    }

    /// The page that holds a token.
    func page(of token: Int) -> Page {
        page(token < largestTokens ? token / small : Self.smallPages - 1 + token / largestTokens)
    }

    /// Pages that hold so many tokens.
    func count(tokens: Int) -> Int { tokens > 0 ? page(of: tokens - 1).index + 1 : 0 }

    /// Bytes of the pages of one head that hold so many tokens.
    func byteCount(tokens: Int) -> Int {
        let pages = count(tokens: tokens), small = min(pages, Self.smallPages)
        return small * page(0).byteCount + (pages - small) * page(Self.smallPages).byteCount
    }
}
