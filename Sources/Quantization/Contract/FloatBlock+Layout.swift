/// Views of a block by channel and by token that several steps share.
extension FloatBlock {
    /// Folds the finite elements of each channel of each head over tokens, `[kv_head, channel]`.
    ///
    /// What is not finite must not spoil its channel in other tokens.
    func foldChannels<Value>(_ initial: Value, _ add: (inout Value, Float) -> Void) -> [Value] {
        var values = [Value](repeating: initial, count: heads * channels), place = 0
        for vector in 0..<vectors {
            let first = vector / tokens * channels
            for channel in 0..<channels {
                if elements[place].isFinite { add(&values[first + channel], elements[place]) }
                place += 1
            }
        }
        return values
    }

    /// The largest magnitude of each channel of each head, `[kv_head, channel]`.
    func channelMagnitudes() -> [Float] { foldChannels(Float(0)) { $0 = max($0, abs($1)) } }

    /// Calls with the place of each element's channel in `[kv_head, channel]` and the element, to be changed.
    mutating func forEachChannelElement(_ body: (Int, inout Float) -> Void) {
        let (tokens, channels) = (tokens, channels)
        forEachVector { vector, elements in
            let first = vector / tokens * channels
            for channel in elements.indices { body(first + channel, &elements[channel]) }
        }
    }

    /// All heads of a token as one vector, `[1, token, kv_head · channel]`.
    func joined() -> FloatBlock {
        var result = FloatBlock(zeros: shape.joined)
        for head in 0..<heads {
            for token in 0..<tokens {
                let source = (head * tokens + token) * channels, target = (token * heads + head) * channels
                for channel in 0..<channels { result.elements[target + channel] = elements[source + channel] }
            }
        }
        return result
    }

    /// A joined block as one of `shape`.
    /// - Precondition: as many elements.
    func separated(into shape: BlockShape) -> FloatBlock {
        var result = FloatBlock(zeros: shape)
        for head in 0..<shape.heads {
            for token in 0..<shape.tokens {
                let source = (token * shape.heads + head) * shape.channels
                let target = (head * shape.tokens + token) * shape.channels
                for channel in 0..<shape.channels { result.elements[target + channel] = elements[source + channel] }
            }
        }
        return result
    }
}

extension BlockShape {
    var joined: BlockShape { BlockShape(heads: min(1, heads), tokens: tokens, channels: heads * channels) }

    /// How many vectors of `width` neighbouring channels there are.
    ///
    /// - Throws: `SchemeError.shape` if the channels are no multiple.
    func vectors(of width: Int, scheme: String) throws -> Int {
        guard channels.isMultiple(of: width) else {
            throw SchemeError.shape(
                scheme: scheme,
                problem: "\(channels) channels are no multiple of \(width)",
                expected: "heads of a multiple of \(width) channels"
            )
        }
        return elementCount / width
    }
}
