import Capture
import Foundation
import Inference
import TestSupport
import Testing

/// Runs in the Python that `KVATLAS_TORCH_PYTHON` names, which needs torch, transformers, h5py and safetensors.
private let python = ProcessInfo.processInfo.environment["KVATLAS_TORCH_PYTHON"]

@Suite struct ImportHookTests {
    /// The script compares the hook with five architectures of transformers, and captures one anew for the import.
    @Test(.enabled(if: python != nil, "KVATLAS_TORCH_PYTHON names no Python with torch and transformers"))
    func whatTheHookWritesIsWhatTheModelComputes() throws {
        try withTemporaryFolder { folder in
            let process = Process()
            process.executableURL = URL(filePath: python ?? "python3")
            process.arguments = [ImportFixtures.path("make_fixtures.py"), folder, "--check"]
            let pipe = Pipe()
            process.standardOutput = pipe
            process.standardError = pipe
            try process.run()
            let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            process.waitUntilExit()
            try #require(process.terminationStatus == 0 && output.hasSuffix("ok\n"), "\(output)")
            print(output)

            let path = folder + "/capture.h5"
            let options = CaptureImport.Options(axes: try ImportAxes(parsing: "token,kv_head,channel"))
            _ = try CaptureImport(files: [folder + "/tiny-llama.h5"], options: options)
                .run(to: path, command: "test", toolVersion: "test")
            let capture = try CaptureFile(path: path)
            let expected = try ImportFixtures.bits(in: folder)
            #expect(expected.count == 8)
            for layer in 0..<2 {
                for tensor in CapturedTensor.allCases {
                    let bits = try capture.readHalf(tensor, layer: layer, tokens: 0..<11)
                    #expect(bits == expected["\(layer) \(tensor.rawValue)"])
                }
            }
        }
    }
}
