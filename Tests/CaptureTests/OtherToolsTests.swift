import Capture
import Foundation
import Inference
import TestSupport
import Testing

/// Runs the committed check in the Python that `KVATLAS_PYTHON` names, which needs h5py, xarray and h5netcdf.
private let python = ProcessInfo.processInfo.environment["KVATLAS_PYTHON"]

@Suite struct OtherToolsTests {
    private static let script = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../Fixtures/capture/check_capture.py").standardizedFileURL.path

    private func check(_ arguments: [String]) throws -> (status: Int32, output: String) {
        let process = Process()
        process.executableURL = URL(filePath: python ?? "python3")
        process.arguments = [Self.script] + arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return (process.terminationStatus, output)
    }

    @Test(.enabled(if: python != nil, "KVATLAS_PYTHON names no Python with h5py, xarray and h5netcdf"))
    func h5pyAndXarrayOpenCaptures() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/capture.h5"
            try SyntheticCapture(sequenceLengths: [600, 33], tensors: Set(CapturedTensor.allCases)).write(to: path)
            let result = try check([path])
            #expect(result.status == 0 && result.output.hasSuffix("ok\n"), "\(result.output)")
            print(result.output)
        }
    }

    @Test(.enabled(if: python != nil, "KVATLAS_PYTHON names no Python with h5py, xarray and h5netcdf"))
    func h5pyOpensACaptureThatWasStopped() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/capture.h5"
            let synthetic = SyntheticCapture(sequenceLengths: [1024, 100])
            let recorder = try synthetic.makeRecorder(path: path)
            try synthetic.record(sequence: 0, into: recorder)
            recorder.abandon()
            let result = try check([path + ".partial", "--incomplete"])
            #expect(result.status == 0 && result.output.hasSuffix("ok\n"), "\(result.output)")
            print(result.output)
        }
    }

    @Test(.enabled(if: python != nil, "KVATLAS_PYTHON names no Python with h5py, xarray and h5netcdf"))
    func xarrayShowsNoRowsThatAKilledCaptureDidNotWrite() throws {
        try withTemporaryFolder { folder in
            let synthetic = SyntheticCapture(layers: 2, headDim: 16, tensors: Set(CapturedTensor.allCases))
            let recorder = try synthetic.makeRecorder(path: folder + "/capture.h5")
            try stopInLayer1(recorder, of: synthetic)
            var output = ""
            for attempt in 0..<20 {
                // What a kill would leave: the recorder has not closed the file.
                let copy = folder + "/copy-\(attempt).h5"
                try FileManager.default.copyItem(atPath: recorder.partialPath, toPath: copy)
                let result = try check([copy, "--incomplete"])
                output = result.output
                if result.status == 0, output.contains("layers/000 1024, layers/001 512, tokens 512") { return }
            }
            Issue.record("\(output)")
        }
    }
}
