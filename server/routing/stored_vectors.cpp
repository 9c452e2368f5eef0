#include "server/routing/stored_vectors.hpp"

#include <cstring>

#include "server/routing/vector_source.hpp"

namespace tutti::routing {
namespace {
using store::Blob;
using store::execute;
using store::Statement;

std::string bytesOf(const TextVector& vector) {
  std::string bytes(vector.size(), '\0');
  if (!vector.empty()) std::memcpy(bytes.data(), vector.data(), vector.size());
  return bytes;
}

TextVector vectorFrom(const std::string& bytes) {
  TextVector vector(bytes.size());
  if (!vector.empty()) std::memcpy(vector.data(), bytes.data(), bytes.size());
  return vector;
}
}  // namespace

FoundVectors findVectors(store::Connection& db, std::string_view identity,
                         const std::vector<std::string>& keys, std::int64_t day) {
  FoundVectors found;
  for (const std::string& key : keys) {
    Statement row(db,
                  "SELECT vector, used_day FROM route_vectors WHERE identity = ? AND text_key = ?",
                  identity, Blob{key});
    if (!row.step()) continue;
    found.vectors.emplace(key, vectorFrom(row.blob(0)));
    if (row.integer(1) < day) found.used_earlier.push_back(key);
  }
  return found;
}

Status putVectors(store::Tx& tx, std::string_view identity,
                  const std::vector<StoredVector>& vectors, std::int64_t day) {
  Statement known(tx,
                  "SELECT length(vector) FROM route_vectors"
                  " WHERE identity = ? AND length(vector) > 0 LIMIT 1",
                  identity);
  std::size_t dimensions = known.step() ? static_cast<std::size_t>(known.integer(0)) : 0;
  for (const StoredVector& one : vectors) {
    if (one.vector.empty()) continue;
    if (dimensions == 0) dimensions = one.vector.size();
    if (one.vector.size() != dimensions) return otherDimension(one.vector.size(), dimensions);
  }
  for (const StoredVector& one : vectors)
    execute(tx,
            "INSERT INTO route_vectors(identity, text_key, vector, used_day) VALUES (?, ?, ?, ?)"
            " ON CONFLICT(identity, text_key) DO UPDATE"
            " SET vector = excluded.vector, used_day = excluded.used_day",
            identity, Blob{one.key}, Blob{bytesOf(one.vector)}, day);
  execute(tx,
          "DELETE FROM route_vectors WHERE vector_seq IN (SELECT vector_seq FROM route_vectors"
          " ORDER BY used_day DESC, vector_seq DESC LIMIT -1 OFFSET ?)",
          kStoredVectorsMax);
  return ok();
}

void touchVectors(store::Tx& tx, std::string_view identity, const std::vector<std::string>& keys,
                  std::int64_t day) {
  for (const std::string& key : keys)
    execute(tx, "UPDATE route_vectors SET used_day = ? WHERE identity = ? AND text_key = ?", day,
            identity, Blob{key});
}

}  // namespace tutti::routing
