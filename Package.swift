// swift-tools-version: 6.2
import PackageDescription

// MARK: - Settings every target of ours shares

let swiftSettings: [SwiftSetting] = [
    .treatAllWarnings(as: .error)
]
let cSettings: [CSetting] = [
    .treatAllWarnings(as: .error)
]

/// A library target of ours, with its dependencies by name.
func library(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: swiftSettings)
}

/// The test bundle of one target. Fixtures are found by path, not bundled.
func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies, swiftSettings: swiftSettings)
}

// MARK: - External libraries

let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")

let package = Package(
    name: "KVAtlas",
    platforms: [.macOS(.v15)],
    products: [
        .library(name: "KVAtlas", targets: ["KVAtlas"]),
        .executable(name: "kvatlas", targets: ["kvatlas"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: [
        // MARK: - System libraries
        .systemLibrary(name: "CHDF5", pkgConfig: "hdf5", providers: [.apt(["libhdf5-dev"])]),
        .systemLibrary(name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
        .systemLibrary(name: "COpenSSL", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),

        // MARK: - Ground floor
        .target(name: "CKernels", cSettings: cSettings),
        library("TensorCore"),
        library("HDF5", ["CHDF5"]),
        library("Plotting"),
        library("Tokenizers", ["TensorCore"]),
        library("ModelFormats", ["TensorCore"]),

        // MARK: - Numerics
        library("Kernels", ["TensorCore", "CKernels", "COpenBLAS"]),
        library("Quantization", ["TensorCore", "Kernels"]),
        library("Statistics", ["TensorCore", "Kernels"]),

        // MARK: - Models and captures
        library("Inference", ["TensorCore", "Kernels", "ModelFormats", "Tokenizers", "Quantization", "Statistics"]),
        library("Benchmarks", ["TensorCore", "Kernels", "Inference"]),
        library("Capture", ["Inference", "HDF5", "ModelFormats", "TensorCore", "Kernels", "CZlib"]),

        // MARK: - Studies
        library("Evaluation", ["Capture", "HDF5", "Quantization", "Inference", "Statistics", "Kernels", "TensorCore"]),
        library("Reporting", ["Plotting", "TensorCore"]),
        library(
            "Experiments",
            [
                "Evaluation", "Statistics", "Quantization", "Capture", "Inference", "ModelFormats", "Kernels",
                "Benchmarks", "Reporting", "TensorCore", "COpenSSL", yams,
            ]
        ),

        // MARK: - Public faces
        library(
            "KVAtlas",
            [
                "TensorCore", "HDF5", "Plotting", "Tokenizers", "ModelFormats", "Kernels", "Quantization",
                "Statistics", "Inference", "Capture", "Evaluation", "Reporting", "Experiments",
            ]
        ),
        .executableTarget(
            name: "kvatlas",
            dependencies: [
                "TensorCore", "HDF5", "Plotting", "Tokenizers", "ModelFormats", "Kernels", "Quantization",
                "Statistics", "Benchmarks", "Inference", "Capture", "Evaluation", "Reporting", "Experiments",
                argumentParser,
            ],
            swiftSettings: swiftSettings
        ),

        // MARK: - Tests
        .target(name: "TestSupport", path: "Tests/TestSupport", swiftSettings: swiftSettings),
        tests("TensorCoreTests", ["TensorCore"]),
        tests("HDF5Tests", ["TestSupport", "HDF5"]),
        tests("PlottingTests", ["Plotting"]),
        tests("TokenizersTests", ["Tokenizers", "ModelFormats", "TensorCore"]),
        tests("ModelFormatsTests", ["ModelFormats", "TensorCore"]),
        tests("KernelsTests", ["Kernels", "CKernels", "TensorCore"]),
        tests("QuantizationTests", ["Quantization", "Kernels", "TensorCore"]),
        tests("StatisticsTests", ["Statistics", "Kernels", "TensorCore"]),
        tests("BenchmarksTests", ["Benchmarks", "Inference", "Kernels", "TensorCore"]),
        tests(
            "InferenceTests",
            ["Inference", "Quantization", "Kernels", "ModelFormats", "Tokenizers", "TensorCore"]
        ),
        tests("CaptureTests", ["TestSupport", "Capture", "HDF5", "Inference", "Kernels", "TensorCore"]),
        tests(
            "EvaluationTests",
            ["Evaluation", "Capture", "HDF5", "Inference", "Quantization", "Statistics", "Kernels", "TensorCore"]
        ),
        tests("ReportingTests", ["Reporting", "Plotting", "TensorCore"]),
        tests(
            "ExperimentsTests",
            [
                "TestSupport", "Experiments", "Capture", "Inference", "ModelFormats", "Quantization", "Evaluation",
                "Reporting", "TensorCore",
            ]
        ),
        tests("IntegrationTests", ["Inference", "ModelFormats", "TensorCore"]),
    ],
    swiftLanguageModes: [.v6]
)
