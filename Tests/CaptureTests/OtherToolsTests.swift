import Capture
import Foundation
import Inference
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
}
