// Files, whole: read bounded, written so that a crash leaves the old content or the new, never half.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

#include "server/base/fd.hpp"
#include "server/base/result.hpp"

namespace tutti {

/// The file's content. Errors: NotFound, ResourceExhausted above `size_max` bytes, Internal otherwise.
Result<std::string> readFile(const std::filesystem::path& path, std::size_t size_max);

/// Writes a temporary file beside `path`, syncs it, renames it over `path` and syncs the folder.
/// Errors: ResourceExhausted when the disk or a quota is full, Internal otherwise.
Status writeFileDurably(const std::filesystem::path& path, std::string_view content);

/// The same without the syncs: whole after the death of any process, not after a loss of power. For
/// what is rewritten from the store when it is missing.
Status replaceFile(const std::filesystem::path& path, std::string_view content);

/// Creates the folder and its parents, for this user alone (0700). Existing ones are left as they are.
Status makeFolder(const std::filesystem::path& path);

/// An advisory lock that the kernel frees when this process dies, however it dies.
/// Empty Fd (not an error) when another process holds it.
Result<Fd> tryLockFile(const std::filesystem::path& path);

/// "No space left on device" and such, for an errno.
std::string errnoText(int number);

/// ResourceExhausted ("disk_full") for ENOSPC, EDQUOT and EFBIG, else Internal ("io_error").
Error ioError(int number, std::string_view doing, const std::filesystem::path& path);

}  // namespace tutti
