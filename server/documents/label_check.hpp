// Are the labels that documents are found by those that the documents have?
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "server/base/result.hpp"
#include "server/store/store.hpp"

namespace tutti::documents {

struct WrongLabel {
  std::int64_t document_seq = 0;
  std::string document_id;  ///< "": there is no such document
  std::string label;        ///< as document_labels has it
  bool missing = false;     ///< the document has it; or it is there and the document has not

  /// "doc_… is not found by its tag 'review'".
  std::string text() const;
};

/// Compares the tags and metadata of all documents with their labels, and calls `each` with what is
/// wrong, some at a time, in no transaction. Each comparison is of one snapshot, so writers at work
/// do no harm. Errors: those of reading, and that of `each`, after which it ends.
Status findWrongLabels(store::Store& store,
                       const std::function<Status(const std::vector<WrongLabel>&)>& each);

/// Makes these labels as their documents say by now. Errors: those of writing.
Status mendLabels(store::Store& store, const std::vector<WrongLabel>& wrong);

}  // namespace tutti::documents
