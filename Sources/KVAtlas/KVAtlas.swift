// The umbrella: one import for the whole toolkit.
@_exported import Capture
@_exported import Evaluation
@_exported import Experiments
@_exported import HDF5
@_exported import Inference
@_exported import Kernels
@_exported import ModelFormats
@_exported import Plotting
@_exported import Quantization
@_exported import Reporting
@_exported import Statistics
@_exported import TensorCore
@_exported import Tokenizers
