import Foundation

/// Refuses an output that could not be finished, before any work is done for it.
///
/// - Throws: `CaptureError`.
func checkOutput(_ path: String, overwrite: Bool) throws {
    let files = FileManager.default
    var isFolder: ObjCBool = false
    if files.fileExists(atPath: path, isDirectory: &isFolder) {
        if isFolder.boolValue { throw CaptureError.isFolder(path: path) }
        if !overwrite { throw CaptureError.outputExists(path: path) }
    }
    if !overwrite, files.fileExists(atPath: path + ".partial") {
        throw CaptureError.partialExists(path: path + ".partial")
    }
    let folder = folder(of: path)
    guard files.fileExists(atPath: folder, isDirectory: &isFolder), isFolder.boolValue else {
        throw CaptureError.folderMissing(path: path, folder: folder)
    }
    guard files.isWritableFile(atPath: folder) else {
        throw CaptureError.folderNotWritable(path: path, folder: folder)
    }
}
