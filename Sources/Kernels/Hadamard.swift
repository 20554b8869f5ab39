internal import CKernels

/// The orthonormal Walsh–Hadamard transform y = H·x / √n, which spreads an outlier over all channels.
///
/// H is Sylvester's matrix in natural order: H[i, j] = (−1)^(number of ones in the binary digits of i AND j).
/// It is symmetric and, divided by √n, its own inverse, so that (H·q)·(H·k) = q·k: queries and keys that are both
/// transformed give the same scores. Source: Fino and Algazi, "Unified matrix treatment of the fast
/// Walsh–Hadamard transform" (1976).
public enum Hadamard {
    /// Transforms each of `rows` rows of `length` elements that follow each other, in place, on all threads.
    ///
    /// Results are the same in every bit on every instruction set. An element's error is at most
    /// (log2(length) + 2) · 2⁻²⁴ · Σ|x| / √length over its row. Moves 8 bytes an element.
    ///
    /// - Precondition: `length` is a power of two.
    /// - Complexity: O(rows · length · log(length)).
    public static func transform(_ x: UnsafeMutablePointer<Float>, rows: Int, length: Int) {
        precondition(length > 0 && length & (length - 1) == 0, "\(length) is no power of two")
        let rowsTogether = max(1, (1 << 14) / length)
        Parallel.forEachBlock(of: rowsTogether, in: rows) { block in
            KernelTable.active.pointee.walsh_hadamard(x + block.lowerBound * length, block.count, length)
        }
    }
}
