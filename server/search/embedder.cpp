#include "server/search/embedder.hpp"

#include <algorithm>
#include <limits>
#include <unordered_map>

#include "server/base/clock.hpp"
#include "server/base/log.hpp"
#include "server/base/text.hpp"
#include "server/search/vector_index.hpp"

namespace tutti::search {
namespace {
using store::Connection;
using store::execute;
using store::Statement;
using store::Tx;

std::int64_t wallMs() {
  return epochMillis(Clock::system().now());
}
}  // namespace

std::int64_t EmbedWork::dueInMs() const {
  if (retry_at_ms_ == 0) return std::numeric_limits<std::int64_t>::max();
  return std::max<std::int64_t>(1, retry_at_ms_ - wallMs());
}

bool EmbedWork::work(const std::stop_token& stop) {
  if (embeddings_ == nullptr || wallMs() < retry_at_ms_) return false;
  if (Status begun = begin(); !begun.ok()) return failed(begun.error());
  Result<std::vector<Pending>> chunks = pending();
  if (!chunks.ok()) return failed(chunks.error());
  if (chunks->empty()) {
    retry_at_ms_ = 0;
    return false;
  }
  Status done = embed(*chunks, stop);
  if (done.ok()) done = checkDimensions(*chunks);
  if (done.ok()) done = commit(*chunks);
  if (!done.ok()) return failed(done.error());
  failures_ = 0;
  retry_at_ms_ = 0;
  return true;
}

bool EmbedWork::failed(const Error& error) {
  if (error.code() == Code::Cancelled) return false;
  ++failures_;
  const std::int64_t wait =
      std::min(options_.retry_ms << std::min(failures_ - 1, 20), options_.retry_max_ms);
  retry_at_ms_ = wallMs() + std::max(wait, embeddings_->pausedForMs());
  log::warning("cannot make vectors of documents yet",
               {{"failures", failures_}, {"error", error.text()}});
  return false;
}

/// Finds the model's generation, or begins one.
Status EmbedWork::begin() {
  if (generation_ != 0) return ok();
  const std::string identity = embeddings_->identity();
  return store_.writeAndWait([&](Tx& tx) {
    generation_ = generationOf(tx, identity);
    if (generation_ == 0) {
      execute(tx, "INSERT INTO search_models(identity) VALUES (?)", identity);
      generation_ = tx.lastInsertId();
    }
    Statement model(tx, "SELECT dimensions FROM search_models WHERE generation = ?", generation_);
    dimensions_ = model.step() ? model.integer(0) : 0;
    return ok();
  });
}

Result<std::vector<EmbedWork::Pending>> EmbedWork::pending() {
  std::vector<Pending> chunks;
  const Status read = store_.readAndWait([&](Connection& db) {
    chunks.clear();
    std::int64_t part_id = -1;
    std::string name;
    std::string text;
    Statement rows(db,
                   "SELECT chunk_id, part_id, text_at, text_bytes FROM search_chunks"
                   " WHERE embedded < ? ORDER BY embedded, chunk_id LIMIT ?",
                   generation_, options_.chunks_batch_max);
    while (rows.step()) {
      if (rows.integer(1) != part_id) {
        part_id = rows.integer(1);
        Statement part(db, "SELECT filename, text FROM search_text WHERE rowid = ?", part_id);
        if (!part.step()) continue;
        name = part.text(0);
        text = part.text(1);
      }
      const auto at = std::min(static_cast<std::size_t>(rows.integer(2)), text.size());
      const auto size = static_cast<std::size_t>(rows.integer(3));
      // The name says what the section is about.
      chunks.push_back({rows.integer(0), name + "\n" + text.substr(at, size), std::nullopt});
    }
    return ok();
  });
  if (!read.ok()) return read.error();
  return chunks;
}

Status EmbedWork::embed(std::vector<Pending>& chunks, const std::stop_token& stop) {
  std::vector<std::string> texts;
  for (const Pending& chunk : chunks) texts.push_back(chunk.text);
  Result<std::vector<Vector>> vectors = embeddings_->embed(texts, stop);
  if (!vectors.ok() && isTextsFault(vectors.error())) return embedOneByOne(chunks, stop);
  if (!vectors.ok()) return vectors.error();
  for (std::size_t i = 0; i < chunks.size(); ++i) chunks[i].vector = std::move((*vectors)[i]);
  return ok();
}

/// To find those that the server will not have.
Status EmbedWork::embedOneByOne(std::vector<Pending>& chunks, const std::stop_token& stop) {
  bool some = false;
  for (Pending& chunk : chunks) {
    Result<std::vector<Vector>> vector = embeddings_->embed({&chunk.text, 1}, stop);
    some = some || vector.ok();
    if (vector.ok())
      chunk.vector = std::move(vector->front());
    else if (!isTextsFault(vector.error()))
      return vector.error();
    else
      log::warning("a section gets no vector", {{"error", vector.error().text()}});
  }
  if (some) return ok();
  // Not one: is it these texts, or whatever the server is asked? Only then they are done with.
  const std::string plain = "text";
  Result<std::vector<Vector>> known = embeddings_->embed({&plain, 1}, stop);
  return known.ok() ? ok() : Status(known.error());
}

/// All vectors of a generation have as many dimensions as its first.
Status EmbedWork::checkDimensions(const std::vector<Pending>& chunks) {
  for (const Pending& chunk : chunks) {
    if (!chunk.vector) continue;
    const auto found = static_cast<std::int64_t>(chunk.vector->size());
    if (dimensions_ == 0) dimensions_ = found;
    if (found != dimensions_)
      return Error(Code::Internal,
                   "the embeddings server gave a vector of " + std::to_string(found) +
                       " dimensions instead of " + std::to_string(dimensions_),
                   "the model behind its name has changed: configure it under another name")
          .named("embeddings_dimension");
  }
  return ok();
}

Status EmbedWork::commit(const std::vector<Pending>& chunks) {
  return store_.writeAndWait([&](Tx& tx) {
    execute(tx, "UPDATE search_models SET dimensions = ? WHERE generation = ?", dimensions_,
            generation_);
    for (const Pending& chunk : chunks) {
      // A chunk whose document changed meanwhile is gone.
      if (execute(tx, "UPDATE search_chunks SET embedded = ? WHERE chunk_id = ?", generation_,
                  chunk.chunk_id) == 0)
        continue;
      if (chunk.vector) putVector(tx, chunk.chunk_id, generation_, *chunk.vector);
    }
    return ok();
  });
}

}  // namespace tutti::search
