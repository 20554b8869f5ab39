import Foundation
import Inference
import Testing

struct CatalogueTests {
    /// Every file `…Architecture.swift` but the protocol's own holds one entry.
    @Test func everyArchitectureFileIsInTheCatalogue() throws {
        let folder = TestModels.root.appending(path: "Sources/Inference/Architectures")
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
            .filter { $0.hasSuffix("Architecture.swift") && $0 != "Architecture.swift" }
        #expect(files.count == ArchitectureCatalogue.all.count)
    }

    @Test func idsAreUnique() {
        let ids = ArchitectureCatalogue.all.map { $0.id }
        #expect(Set(ids).count == ids.count)
        #expect(ids.contains("llama") && ids.contains("qwen2"))
    }
}
