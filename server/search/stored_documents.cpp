#include "server/search/stored_documents.hpp"

#include <nlohmann/json.hpp>

#include "server/json/json.hpp"

namespace tutti::search {
namespace {
using store::Connection;
using store::Statement;
}  // namespace

Result<std::optional<DocumentSource::Described>> StoredDocuments::describe(
    const std::string& document_id) {
  std::optional<Described> found;
  const Status read = store_.readAndWait([&](Connection& db) {
    Statement row(db,
                  "SELECT version, filename, partition, tags, content_type, size_bytes"
                  " FROM documents WHERE id = ?",
                  document_id);
    if (!row.step()) return ok();
    Described document;
    document.labels = {document_id, row.integer(0), row.text(1), row.text(2), {}};
    const Result<Json> tags = json::parse(row.text(3));
    if (!tags.ok()) return Status(tags.error());
    for (const Json& tag : *tags)
      if (tag.is_string()) document.labels.tags.push_back(tag.get<std::string>());
    document.content_type = row.text(4);
    document.size_bytes = row.integer(5);
    found = std::move(document);
    return ok();
  });
  if (!read.ok()) return read.error();
  return found;
}

Result<std::string> StoredDocuments::read(const Described& document, std::size_t bytes_max) {
  if (document.labels.version == 0) return std::string();
  documents::ContentPlace place;
  const Status found = store_.readAndWait([&](Connection& db) {
    Statement row(db,
                  "SELECT c.hash FROM documents d JOIN document_versions v"
                  " ON v.document_seq = d.document_seq AND v.version = ?"
                  " JOIN document_contents c ON c.content_seq = v.content_seq WHERE d.id = ?",
                  document.labels.version, document.labels.document_id);
    if (!row.step())
      return Status(Error(Code::NotFound, "version " + std::to_string(document.labels.version) +
                                              " of '" + document.labels.document_id + "' is gone"));
    Result<documents::ContentPlace> content = documents::findContent(db, row.text(0));
    if (!content.ok()) return Status(content.error());
    place = std::move(*content);
    return ok();
  });
  if (!found.ok()) return found.error();
  const Result<documents::ContentReader> content = files_.open(place);
  if (!content.ok()) return content.error();
  return content->readAll(bytes_max);
}

}  // namespace tutti::search
