// Does the index say what the documents do? For `tutti doctor`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "server/base/result.hpp"
#include "server/documents/check.hpp"
#include "server/store/store.hpp"

namespace tutti::search {

struct IndexChecked {
  std::int64_t documents = 0;  ///< in the index
  std::int64_t sections = 0;
  std::int64_t vectors = 0;
  std::int64_t waiting = 0;  ///< documents that the indexer has not come to yet
  std::int64_t findings_count = 0;  ///< also those beyond findings_max
  std::int64_t unfixed_count = 0;
  std::vector<documents::Finding> findings;  ///< all of kind Index
};

struct IndexCheckOptions {
  bool fix = false;  ///< what is wrong is removed and queued: the next tutti that stays indexes it
  std::size_t findings_max = 1000;
};

/// Checks the full-text tables by FTS5's own integrity check (also that of the documents' names);
/// that documents are found by the tags and metadata they have, and by no others; that each
/// document that does not wait for the indexer is in the index, in its newest version, by its name
/// and partition, with rows and sections for its text; that nothing is there of documents that are
/// gone; that each vector belongs to a section and is as long as its model says. Not that each
/// section has a vector: a server may have refused its text. Safe while others work on the store:
/// it writes nothing, and keeps no writer waiting, unless it fixes. Takes room for a copy of the
/// full-text index where SQLite keeps temporary files. Blocks; not on the I/O thread. Errors: those
/// of reading and writing the store.
Result<IndexChecked> checkIndex(store::Store& store, const IndexCheckOptions& options = {});

}  // namespace tutti::search
