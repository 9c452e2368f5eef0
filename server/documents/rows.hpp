// Inner to server/documents: documents as rows.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "server/base/result.hpp"
#include "server/documents/partitions.hpp"
#include "server/documents/types.hpp"
#include "server/store/statement.hpp"

namespace tutti::documents {

/// A document and the number that other rows know it by.
struct DocumentRow {
  std::int64_t document_seq = 0;
  Document document;
};

/// In the order that rowFrom() reads. For a statement in which the table is `d`.
inline constexpr std::string_view kDocumentColumns =
    "d.document_seq, d.id, d.filename, d.content_type, d.size_bytes, d.checksum, d.created_at,"
    " d.updated_at, d.tags, d.metadata, d.partition, d.version, d.revision, d.author_session";
DocumentRow rowFrom(const store::Statement& row);

/// Errors: NotFound "document_not_found".
Result<DocumentRow> findRow(store::Connection& db, const Viewer& viewer, const DocumentRef& ref);
Error documentNotFound(const DocumentRef& ref);
/// Conflict "version_conflict".
Error versionConflict(const Document& document, std::int64_t expected);
/// Nothing for one that the viewer may not see.
std::optional<DocumentRow> visibleRow(store::Connection& db, const Viewer& viewer,
                                      std::int64_t document_seq);

/// Removes the document with its versions, labels and relations, and contents that only it had.
void removeRow(store::Tx& tx, std::int64_t document_seq, const std::string& now);

/// Notes that the document was "created", "updated" or "deleted".
void noteChange(store::Tx& tx, const Document& document, std::string_view change);
/// Gives the search its work: "put" or "remove".
void queueForIndex(store::Tx& tx, const Document& document, std::string_view change,
                   const std::string& now);

/// What the document is found by: its tags and metadata.
std::set<std::string> labelsOf(const Document& document);
std::string tagLabel(std::string_view tag);
std::string metadataLabel(std::string_view key, std::string_view value);
/// Those of labelsOf().
void insertLabels(store::Tx& tx, const DocumentRow& row);
/// `row` as insertLabels() had it.
void removeLabels(store::Tx& tx, const DocumentRow& row);

/// Documents whose names are not in the index of names yet are at most this many, and are looked
/// through one by one. A commit's names in the index cost about as much as all its other rows, and
/// many of them hardly more than a few.
inline constexpr std::int64_t kNamesAside = 256;
/// Takes the names of all documents up to `document_seq` into the index.
void indexNames(store::Tx& tx, std::int64_t document_seq);
std::string tagsText(const std::vector<std::string>& tags);
std::string metadataText(const std::map<std::string, std::string>& metadata);

/// Removes what the retention no longer allows.
void retire(store::Tx& tx, std::int64_t document_seq, const Retention& retention,
            const std::string& now);

}  // namespace tutti::documents
