#include "server/search/indexer_text.hpp"

#include <algorithm>
#include <limits>
#include <unordered_map>

#include "server/base/clock.hpp"
#include "server/base/digest.hpp"
#include "server/base/log.hpp"

namespace tutti::search {
namespace {
using store::Connection;
using store::execute;
using store::Statement;
using store::Tx;

std::int64_t wallNowMs() {
  return epochMillis(Clock::system().now());
}

/// Errors that stay until the document changes.
bool isLasting(const Error& error) {
  return error.code() != Code::Internal && error.code() != Code::Unavailable;
}

std::size_t bytesOf(const IndexedText& text) {
  std::size_t bytes = 0;
  for (const Part& part : text.parts) bytes += part.text.size();
  return bytes;
}
}  // namespace

bool TextWork::work(const std::stop_token& stop) {
  Result<std::vector<Waiting>> found = waiting();
  if (!found.ok()) {
    log::warning("cannot read the index queue", {{"error", found.error().text()}});
    due_in_ms_ = options_.retry_ms;
    return false;
  }
  if (found->empty()) return false;
  std::vector<Prepared> batch;
  std::size_t bytes = 0;
  for (Waiting& one : *found) {
    if (stop.stop_requested()) return false;
    batch.push_back(prepare(std::move(one)));
    bytes += bytesOf(batch.back().text);
    if (batch.size() < options_.documents_batch_max && bytes < options_.text_batch_bytes_max)
      continue;
    break;  // the rest is found again
  }
  const Status committed = commit(batch);
  if (committed.ok()) return true;
  log::warning("cannot write the search index", {{"error", committed.error().text()}});
  due_in_ms_ = options_.retry_ms;
  return false;
}

Result<std::vector<TextWork::Waiting>> TextWork::waiting() {
  std::vector<Waiting> all;
  std::int64_t due = std::numeric_limits<std::int64_t>::max();
  const Status read = store_.readAndWait([&](Connection& db) {
    all.clear();
    std::unordered_map<std::string, std::size_t> places;
    Statement queued(db, "SELECT id, document_id FROM document_index_queue ORDER BY id LIMIT ?",
                     options_.queue_batch_max);
    while (queued.step()) {
      const auto [place, fresh] = places.emplace(queued.text(1), all.size());
      if (fresh) all.push_back({queued.text(1), {}, 0});
      all[place->second].queue_ids.push_back(queued.integer(0));
    }
    const std::int64_t now = wallNowMs();
    Statement retries(db,
                      "SELECT document_id, attempts, retry_at_ms FROM search_retries"
                      " ORDER BY retry_at_ms LIMIT ?",
                      options_.queue_batch_max);
    while (retries.step()) {
      const auto place = places.find(retries.text(0));
      if (place != places.end()) continue;  // it changed: a new beginning
      if (retries.integer(2) > now) {
        due = retries.integer(2) - now;
        break;
      }
      all.push_back({retries.text(0), {}, static_cast<int>(retries.integer(1))});
    }
    return ok();
  });
  if (!read.ok()) return read.error();
  due_in_ms_ = due;
  return all;
}

TextWork::Prepared TextWork::prepare(Waiting waiting) const {
  Prepared prepared;
  prepared.waiting = std::move(waiting);
  Result<std::optional<DocumentSource::Described>> document =
      source_.describe(prepared.waiting.document_id);
  if (!document.ok()) {
    prepared.failed = document.error();
  } else if (!*document) {
    prepared.gone = true;
  } else {
    prepared.labels = (*document)->labels;
    readText(**document, prepared);
  }
  return prepared;
}

void TextWork::readText(const DocumentSource::Described& document, Prepared& prepared) const {
  const Kind kind = kindOf(document.content_type, document.labels.filename);
  const std::size_t bytes_max = sourceBytesMax(kind, options_.extract);
  const auto fail = [&](const Error& error) {
    if (!isLasting(error) && prepared.waiting.attempts + 1 < options_.attempts_max) {
      prepared.failed = error;
      return;
    }
    prepared.text.problem = {std::string(error.name()), error.text()};
    prepared.text.hash = std::string(error.name()) + " " + std::to_string(document.labels.version);
  };
  if (document.size_bytes > static_cast<std::int64_t>(bytes_max))
    return fail(Error(Code::ResourceExhausted,
                      "the content has " + std::to_string(document.size_bytes) +
                          " bytes, more than the " + std::to_string(bytes_max) +
                          " that are searched",
                      "split the document to have its text found")
                    .named("content_too_large"));
  const Result<std::string> content = source_.read(document, bytes_max);
  if (!content.ok() && content.error().code() == Code::NotFound) {
    prepared.failed = content.error();  // it changes just now: what follows tells
    return;
  }
  if (!content.ok()) return fail(content.error());
  const Result<Extracted> extracted = extract(kind, *content, options_.extract);
  if (!extracted.ok()) return fail(extracted.error());
  prepared.text.hash = sha256(*content);
  // The same bytes read as another kind have other sections.
  prepared.text.hash += static_cast<char>('0' + static_cast<int>(kind));
  prepared.text.parts = makeParts(*extracted, options_.chunks);
}

Status TextWork::commit(const std::vector<Prepared>& batch) {
  return store_.writeAndWait([&](Tx& tx) {
    for (const Prepared& prepared : batch)
      if (Status applied = apply(tx, prepared); !applied.ok()) return applied;
    return ok();
  });
}

Status TextWork::apply(Tx& tx, const Prepared& prepared) const {
  for (const std::int64_t id : prepared.waiting.queue_ids)
    execute(tx, "DELETE FROM document_index_queue WHERE id = ?", id);
  if (prepared.failed) {
    postpone(tx, prepared);
    return ok();
  }
  execute(tx, "DELETE FROM search_retries WHERE document_id = ?", prepared.waiting.document_id);
  if (prepared.gone)
    removeDocument(tx, prepared.waiting.document_id);
  else
    putDocument(tx, prepared.labels, prepared.text, isoTimestamp(Clock::system().now()));
  return ok();
}

void TextWork::postpone(Tx& tx, const Prepared& prepared) const {
  const int attempts = prepared.waiting.attempts + 1;
  const std::int64_t wait =
      std::min(options_.retry_ms << std::min(attempts - 1, 20), options_.retry_max_ms);
  log::warning("cannot index a document yet", {{"document_id", prepared.waiting.document_id},
                                               {"attempts", attempts},
                                               {"error", prepared.failed->text()}});
  execute(tx,
          "INSERT INTO search_retries(document_id, attempts, retry_at_ms, problem, problem_text)"
          " VALUES (?, ?, ?, ?, ?) ON CONFLICT(document_id) DO UPDATE SET"
          " attempts = excluded.attempts, retry_at_ms = excluded.retry_at_ms,"
          " problem = excluded.problem, problem_text = excluded.problem_text",
          prepared.waiting.document_id, attempts, wallNowMs() + wait, prepared.failed->name(),
          prepared.failed->text());
}

}  // namespace tutti::search
