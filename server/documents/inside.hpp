// Files by path, for content that comes from or goes to the caller's own folders: only below
// allowed roots, whatever symbolic links and ".." say.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "server/base/fd.hpp"
#include "server/base/result.hpp"

namespace tutti::documents {

/// A place below one of the roots: its folder, open, and its name there.
struct InsidePath {
  Fd folder;
  std::string name;
  std::filesystem::path path;  ///< for messages
};

/// Opens the folder of `path` below the root that holds it. Symbolic links are followed as long as
/// they stay below the root (openat2 with RESOLVE_BENEATH; on kernels without it, none are).
/// Errors: InvalidArgument "path_not_absolute", "invalid_path" (control characters, no name at the
/// end), "path_outside_roots" (names the roots; also for a link that leads out), NotFound
/// "file_not_found" when the folder is missing, Internal "io_error". Not on the I/O thread.
Result<InsidePath> resolveInside(const std::vector<std::filesystem::path>& roots,
                                 const std::filesystem::path& path);

struct InsideFile {
  Fd file;
  std::int64_t size_bytes = 0;
  std::filesystem::path path;
};
/// Opens an existing regular file for reading. Errors as above, and NotFound "file_not_found",
/// InvalidArgument "not_a_file" (folder, pipe, device).
Result<InsideFile> openInside(const std::vector<std::filesystem::path>& roots,
                              const std::filesystem::path& path);

enum class Overwrite { No, Yes };

/// Writes a file in pieces: a temporary one beside it that takes its name at the end, so that the
/// old content or the new is there, never half. Destroyed before finish() it leaves nothing.
class InsideWriter {
 public:
  /// Errors: as resolveInside().
  static Result<InsideWriter> open(const std::vector<std::filesystem::path>& roots,
                                   const std::filesystem::path& path);
  InsideWriter(InsideWriter&& other) noexcept;
  InsideWriter& operator=(InsideWriter&&) noexcept = delete;
  ~InsideWriter();

  /// Errors: ResourceExhausted "disk_full", Internal "io_error".
  Status append(std::string_view bytes);
  /// Errors: as append(), Conflict "file_exists" with Overwrite::No, InvalidArgument "not_a_file"
  /// when something that is no regular file has the name.
  Status finish(Overwrite overwrite);

 private:
  InsideWriter(InsidePath place, Fd file, std::string temporary);
  InsidePath place_;
  Fd file_;
  std::string temporary_;  ///< "" when there is nothing to remove
};

}  // namespace tutti::documents
