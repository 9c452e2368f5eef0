// Do rows and files of the context store agree? For `tutti doctor` and the crash tests.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "server/base/result.hpp"
#include "server/documents/contents.hpp"
#include "server/store/store.hpp"

namespace tutti::documents {

/// One thing that is not as it should be.
struct Finding {
  /// Garbage harms nobody and can be removed; what is wrong with the index of the search can be
  /// made anew from the documents.
  enum class Kind { Damage, Garbage, Index };
  Kind kind = Kind::Damage;
  std::string name;     ///< "content_missing", "content_damaged", "orphan_file", …
  std::string subject;  ///< the hash, id or path
  std::string message;
  bool fixed = false;
};

struct Checked {
  std::int64_t documents = 0;
  std::int64_t versions = 0;
  std::int64_t contents = 0;
  std::int64_t files = 0;
  std::int64_t bytes_hashed = 0;
  std::int64_t findings_count = 0;  ///< also those beyond findings_max
  std::int64_t damage_count = 0;    ///< of these, damage
  std::vector<Finding> findings;
};

struct CheckOptions {
  bool fix = false;  ///< remove garbage; damage is never touched
  bool hash = true;  ///< read and hash every content
  std::size_t findings_max = 1000;
};

/// Checks every content (there, as long as its row says, its hash), every document and version
/// (their contents; the newest version is what the document says; both directions of each
/// relation; no cycle among parents), files without a row, staged leftovers, removals that wait.
/// The index of the search has its own check (search/check.hpp). Safe while others work on the
/// store: what looks wrong is looked at again before it is reported. Blocks; not on the I/O thread.
/// Errors: those of reading the store.
Result<Checked> checkDocuments(store::Store& store, const ContentFiles& files,
                               const CheckOptions& options = {});

}  // namespace tutti::documents
