// The bytes of documents, kept once for each SHA-256: small ones as rows, larger ones as files
// beside the database.
//
// Order makes row and file agree. A file is staged, written, synced and renamed to its name, and
// its folder synced, before the row that names it is committed; a file is removed after the commit
// that removed its row. From rename to commit the writer holds `documents/.lock` shared; who
// removes files holds it exclusively and asks the store once more. So a row's file is always there,
// and what a crash leaves behind is only a file that no row names, which the sweep removes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/base/fd.hpp"
#include "server/base/result.hpp"
#include "server/store/connection.hpp"

namespace tutti::documents {

/// Content of this many bytes and above is a file.
inline constexpr std::size_t kFileBytesMin = 64U * 1024;

/// Content that is ready to be named by a row. While an object of a file's content lives, the file
/// is not swept: it is kept until the transaction that inserts the row has ended.
struct Content {
  std::string hash;  ///< 64 hex digits
  std::int64_t size_bytes = 0;
  std::string bytes;  ///< the content itself when it is below kFileBytesMin
  bool in_file = false;
  std::shared_ptr<Fd> lock;  ///< shared lock on documents/.lock; empty for small content
};

/// Small content from memory: no file, any thread. `bytes` is below kFileBytesMin.
Content smallContent(std::string bytes);

class ContentFiles;

/// Content on its way in. Starts in memory and goes on in a staged file at kFileBytesMin. Destroyed
/// without finish(), it leaves nothing. One thread at a time, never the I/O thread.
class Staged {
 public:
  Staged(Staged&&) noexcept;
  Staged& operator=(Staged&&) noexcept;
  ~Staged();

  /// Errors: ResourceExhausted "document_bytes_max" or "disk_full", Internal "io_error". After an
  /// error every further call gives that error.
  Status append(std::string_view bytes);
  std::int64_t size() const;
  /// Syncs, renames, and takes the shared lock. Errors as append(). Call it once.
  Result<Content> finish();

 private:
  friend class ContentFiles;
  struct Impl;
  explicit Staged(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// Reads one content, small or large. One thread at a time; of a file, never the I/O thread. Stays
/// readable when the content is removed meanwhile.
class ContentReader {
 public:
  explicit ContentReader(std::string bytes);
  ContentReader(Fd file, std::int64_t size);

  std::int64_t size() const;
  /// Up to `count_max` bytes from `offset`; "" at the end. Errors: Internal "io_error",
  /// "content_damaged" when the file is shorter than its row says.
  Result<std::string> read(std::int64_t offset, std::size_t count_max) const;
  /// All of it. Errors: as read(), ResourceExhausted "content_too_large" above `bytes_max`.
  Result<std::string> readAll(std::size_t bytes_max) const;

 private:
  std::string bytes_;
  std::shared_ptr<Fd> file_;
  std::int64_t size_ = 0;
};

/// Where a content is, as its row says: what a read transaction finds, to be opened after it.
struct ContentPlace {
  std::string hash;
  std::int64_t size_bytes = 0;
  bool in_file = false;
  std::string bytes;  ///< of small content
};

/// The files of one store's folder. Thread-safe.
class ContentFiles {
 public:
  /// Makes `store_folder`/documents when the first file is staged.
  explicit ContentFiles(std::filesystem::path store_folder);

  /// Begins new content. Errors come with the first append().
  Staged stage(std::int64_t bytes_max) const;
  /// Errors: NotFound "content_missing" (removed since the row was read, or damage), Internal.
  Result<ContentReader> open(const ContentPlace& place) const;

  /// `documents/ab/ab…`.
  std::filesystem::path pathOf(std::string_view hash) const;
  const std::filesystem::path& folder() const { return folder_; }

  /// The exclusive lock under which files may be removed, or nothing when somebody is between
  /// rename and commit: try again later.
  Result<std::optional<Fd>> tryLockForRemoval() const;
  /// Under that lock. A file that is gone already is a success.
  Status remove(std::string_view hash) const;

  struct StrayFiles {
    std::vector<std::string> hashes;               ///< of files that are named as contents
    std::vector<std::filesystem::path> leftovers;  ///< staged files whose writer is gone
    std::vector<std::filesystem::path> strangers;  ///< what tutti has not put there
  };
  /// All content files there are, and what is left of writers that died.
  Result<StrayFiles> list() const;
  /// Removes staged files whose writer is gone; how many.
  Result<std::int64_t> sweepLeftovers() const;

 private:
  std::filesystem::path folder_;
};

// --- rows, in a caller's transaction ---

/// Inserts the row unless the hash is known. The number that versions know it by.
std::int64_t insertContent(store::Tx& tx, const Content& content, const std::string& now);
/// That number of a content that is known; 0 of another.
std::int64_t contentSeq(store::Connection& db, std::string_view hash);
/// Removes the row unless a version names it; the file's removal is noted for the sweep.
void releaseContent(store::Tx& tx, std::string_view hash, const std::string& now);
/// Errors: Internal "content_missing" when there is no such row.
Result<ContentPlace> findContent(store::Connection& db, std::string_view hash);
/// Hashes whose files may go, oldest first.
std::vector<std::string> removalsWaiting(store::Connection& db, std::int64_t count_max);
/// Under the lock for removal: those of `hashes` that no row names.
std::vector<std::string> unnamed(store::Connection& db, const std::vector<std::string>& hashes);
void removalsDone(store::Tx& tx, const std::vector<std::string>& hashes);

}  // namespace tutti::documents
