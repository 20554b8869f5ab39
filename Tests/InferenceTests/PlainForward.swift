import Foundation
import Inference
import ModelFormats

/// The forward pass of a float32 `llama` or `qwen2` file in double precision, one scalar at a time, from the
/// definition: what the fast path is compared with where no real model is at hand.
struct PlainForward {
    let file: GGUFFile
    let architecture: String
    let layers: Int
    let heads: Int
    let kvHeads: Int
    let headDim: Int

    init(path: String) throws {
        file = try GGUFFile(path: path)
        architecture = try file.string("general.architecture")
        layers = try file.integer("\(architecture).block_count")
        heads = try file.integer("\(architecture).attention.head_count")
        kvHeads = try file.integer("\(architecture).attention.head_count_kv")
        headDim = try file.integer("\(architecture).embedding_length") / heads
    }

    struct Result {
        /// `[token][vocabulary]`.
        var logits: [[Double]] = []
        /// `[token, head, channel]`, by tensor and layer.
        var tensors: [KeepingTap.Key: [Double]] = [:]
    }

    func run(_ tokens: [Int32]) throws -> Result {
        var result = Result()
        let embedding = try matrix("token_embd.weight")
        var hidden = tokens.map { embedding[Int($0)] }
        for layer in 0..<layers {
            let prefix = "blk.\(layer)."
            let normed = try hidden.map { norm($0, try vector(prefix + "attn_norm.weight")) }
            let query = rotated(try project(normed, prefix + "attn_q", heads: heads))
            let before = try project(normed, prefix + "attn_k", heads: kvHeads)
            let key = rotated(before)
            let value = try product(normed, prefix + "attn_v")
            for (tensor, values) in [
                (CapturedTensor.query, query), (.keyPreRope, before), (.key, key), (.value, value),
            ] {
                result.tensors[.init(tensor: tensor, layer: layer)] = values.flatMap { $0 }
            }
            add(try product(attention(query, key, value), prefix + "attn_output"), to: &hidden)
            let second = try hidden.map { norm($0, try vector(prefix + "ffn_norm.weight")) }
            let gate = try product(second, prefix + "ffn_gate"), up = try product(second, prefix + "ffn_up")
            let gated = zip(gate, up).map { zip($0, $1).map { $0 / (1 + exp(-$0)) * $1 } }
            add(try product(gated, prefix + "ffn_down"), to: &hidden)
        }
        let last = try hidden.map { norm($0, try vector("output_norm.weight")) }
        let output = file.tensors["output.weight"] == nil ? "token_embd" : "output"
        result.logits = try product(last, output)
        return result
    }

    private func vector(_ name: String) throws -> [Double] {
        file.bytes(of: try file.tensor(name)).bindMemory(to: Float.self).map { Double($0) }
    }

    private func matrix(_ name: String) throws -> [[Double]] {
        let columns = try file.tensor(name).dimensions[0]
        let values = try vector(name)
        return stride(from: 0, to: values.count, by: columns).map { Array(values[$0..<$0 + columns]) }
    }

    private func product(_ input: [[Double]], _ name: String) throws -> [[Double]] {
        let rows = try matrix(name + ".weight")
        let bias = file.tensors[name + ".bias"] == nil ? nil : try vector(name + ".bias")
        return input.map { x in
            rows.indices.map { row in zip(rows[row], x).reduce(bias?[row] ?? 0) { $0 + $1.0 * $1.1 } }
        }
    }

    /// Query or key projection in the original model's channel order.
    private func project(_ input: [[Double]], _ name: String, heads: Int) throws -> [[Double]] {
        let stored = try product(input, name)
        guard architecture == "llama" else { return stored }
        return stored.map { row in
            (0..<heads).flatMap { head in
                let channels = Array(row[head * headDim..<(head + 1) * headDim])
                return (0..<headDim).map { $0 < headDim / 2 ? channels[2 * $0] : channels[2 * $0 - headDim + 1] }
            }
        }
    }

    private func rotated(_ rows: [[Double]]) -> [[Double]] {
        let half = headDim / 2
        return rows.enumerated().map { position, row in
            var turned = row
            for channel in row.indices where channel % headDim < half {
                let angle = Double(position) * pow(10_000, -Double(channel % headDim) / Double(half))
                turned[channel] = row[channel] * cos(angle) - row[channel + half] * sin(angle)
                turned[channel + half] = row[channel + half] * cos(angle) + row[channel] * sin(angle)
            }
            return turned
        }
    }

    private func attention(_ query: [[Double]], _ key: [[Double]], _ value: [[Double]]) -> [[Double]] {
        query.indices.map { token in
            (0..<heads).flatMap { head in
                let q = query[token][head * headDim..<(head + 1) * headDim]
                let first = head / (heads / kvHeads) * headDim
                let scores = (0...token).map { past in
                    zip(q, key[past][first..<first + headDim]).reduce(0) { $0 + $1.0 * $1.1 }
                        / Double(headDim).squareRoot()
                }
                let weights = scores.map { exp($0 - (scores.max() ?? 0)) }
                let total = weights.reduce(0, +)
                return (0..<headDim).map { channel in
                    (0...token).reduce(0) { $0 + weights[$1] * value[$1][first + channel] } / total
                }
            }
        }
    }

    private func norm(_ x: [Double], _ weight: [Double]) -> [Double] {
        let meanSquare = x.reduce(0) { $0 + $1 * $1 } / Double(x.count)
        return zip(x, weight).map { $0 / (meanSquare + 1e-5).squareRoot() * $1 }
    }

    private func add(_ change: [[Double]], to hidden: inout [[Double]]) {
        for row in hidden.indices { for column in hidden[row].indices { hidden[row][column] += change[row][column] } }
    }
}
