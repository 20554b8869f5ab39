import Foundation
import Quantization
import Testing

@Suite struct CacheSchemeParsingTests {
    @Test func oneIdMeansTheSameForBoth() throws {
        let scheme = try CacheScheme(parsing: "rtn-int2-token-g32")
        #expect(scheme.key.id == "rtn-int2-token-g32" && scheme.value.id == "rtn-int2-token-g32")
        #expect(scheme.window == .none)
        #expect(try CacheScheme(parsing: "rtn-int2-token-g32/rtn-int2-token-g32").id == "rtn-int2-token-g32")
    }

    @Test func aPairHasAWindowAndASink() throws {
        let term = "rtn-int2-channel-g32/rtn-int4-token-g64+window=128+sink=4"
        let scheme = try CacheScheme(parsing: term)
        #expect(scheme.key.id == "rtn-int2-channel-g32")
        #expect(scheme.value.id == "rtn-int4-token-g64")
        #expect(scheme.window == (try WindowPolicy(sink: 4, recent: .last(128))))
        #expect(scheme.id == term)
        #expect(
            try CacheScheme(parsing: "rtn-int2-channel-g32/rtn-int4-token-g64+sink=4+window=128").id == term
        )
    }

    @Test func kiviIsANameForItsTerm() throws {
        let term = "rtn-int2-channel-g32/rtn-int2-token-g32+residual=128"
        let written = try CacheScheme(parsing: term)
        let named = try CacheScheme(parsing: "kivi-2-g32-r128")
        #expect(written == named)
        #expect(written.id == "kivi-2-g32-r128")
        #expect(named.window == (try WindowPolicy(recent: .residual(128))))
        #expect(named.key.id == "rtn-int2-channel-g32" && named.value.id == "rtn-int2-token-g32")
    }

    @Test func anyGroupAndResidualOfKiviIsRead() throws {
        #expect(try CacheScheme(parsing: "kivi-4-g48-r96").id == "kivi-4-g48-r96")
        #expect(try CacheScheme(parsing: "kivi-3-g1-r7").id == "kivi-3-g1-r7")
    }

    @Test func kiviTakesASink() throws {
        let scheme = try CacheScheme(parsing: "kivi-2-g32-r128+sink=4")
        #expect(scheme.window == (try WindowPolicy(sink: 4, recent: .residual(128))))
        #expect(try CacheScheme(parsing: scheme.id) == scheme)
    }

    @Test func aWindowOfNothingIsNoWindow() throws {
        #expect(try CacheScheme(parsing: "rtn-int2-token-g32+window=0+sink=0").id == "rtn-int2-token-g32")
    }

    @Test func everyCanonicalIdReadsAsItself() throws {
        for term in ["identity+window=1", "rtn-int3-token-whole/identity", "rtn-int2-token-g5+residual=7+sink=2"] {
            #expect(try CacheScheme(parsing: term).id == term)
        }
    }

    @Test func aSchemeIsCodedAsItsTerm() throws {
        let schemes = try [CacheScheme(parsing: "kivi-2-g32-r128"), CacheScheme(parsing: "identity+sink=4")]
        let text = try JSONEncoder().encode(schemes)
        #expect(String(decoding: text, as: UTF8.self) == #"["kivi-2-g32-r128","identity+sink=4"]"#)
        #expect(try JSONDecoder().decode([CacheScheme].self, from: text) == schemes)
    }

    /// Term, column of the offending part (from 1), and what the message must hold.
    @Test(arguments: [
        ("rtn-int2-tokn-g32", 0, "perhaps 'rtn-int2-token-g32'"),
        ("rtn-int2-token-g32/rtn-int2-chanel-g32", 20, "perhaps 'rtn-int2-channel-g32'"),
        ("kiwi-2-g32-r128", 0, "perhaps 'kivi-2-g32-r128'"),
        ("kivi-2-g32-r100", 1, "multiple of the group size 32"),
        ("kivi-7-g32-r128", 1, "1, 2, 3, 4, 8"),
        ("kivi-2-g32-r128/identity", 1, "is a pair with a window already"),
        ("identity/kivi-2-g32-r128", 10, "such as 'rtn-int2-channel-g32' or 'rtn-int2-token-g32'"),
        ("identity/identity/identity", 18, "names 3 schemes"),
        ("identity+windw=4", 10, "perhaps 'window'"),
        ("identity+colour=4", 10, "window=N, residual=R or sink=N"),
        ("identity+window=many", 17, "whole number of tokens"),
        ("identity+window=-1", 17, "whole number of tokens"),
        ("identity+window", 10, "whole number of tokens"),
        ("identity+window=1=2", 10, "whole number of tokens"),
        ("identity+residual=0", 19, "residual length"),
        ("identity+window=1+residual=2", 19, "second window"),
        ("identity+sink=1+sink=2", 17, "given twice"),
        ("kivi-2-g32-r128+window=4", 17, "the name's own window"),
        ("identity+", 10, "is no option"),
        ("identity/", 10, "there is no scheme ''"),
        ("", 1, "names no scheme"),
        ("+window=4", 1, "names no scheme"),
    ])
    func aWrongTermIsPointedAt(term: String, column: Int, message: String) {
        #expect {
            try CacheScheme(parsing: term)
        } throws: { error in
            let text = "\(error)"
            return text.contains(message) && (column == 0 || text.contains("column \(column):"))
        }
    }
}
