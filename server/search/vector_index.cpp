#include "server/search/vector_index.hpp"

// With SSE it prefetches by an index that it reads one place past the end of a list. The distances,
// where the time goes, are our own in any case.
#define NO_MANUAL_VECTORIZATION
#include <hnswlib/hnswlib.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <queue>
#include <unordered_set>

#include "server/search/vector_code.hpp"

namespace tutti::search {
namespace {
using store::Connection;
using store::execute;
using store::Statement;

/// Changes kept for replicas that were not searched for a while; who is further behind loads all.
constexpr std::int64_t kChangesKept = 200'000;
constexpr std::size_t kLinks = 16;         ///< of a vector in the graph
constexpr std::size_t kBuildWidth = 120;   ///< candidates looked at when one is added
constexpr std::size_t kSearchWidth = 400;  ///< and in a search

std::string asBytes(const Vector& vector) {
  std::string bytes(vector.size() * sizeof(float), '\0');
  std::memcpy(bytes.data(), vector.data(), bytes.size());
  return bytes;
}

Vector asVector(const std::string& bytes) {
  Vector vector(bytes.size() / sizeof(float));
  std::memcpy(vector.data(), bytes.data(), vector.size() * sizeof(float));
  return vector;
}

/// What the graph keeps of a vector: its scale, then its code.
class CodeSpace final : public hnswlib::SpaceInterface<float> {
 public:
  explicit CodeSpace(std::size_t dimensions) : dimensions_(dimensions) {}
  std::size_t get_data_size() override { return sizeof(float) + dimensions_; }
  hnswlib::DISTFUNC<float> get_dist_func() override { return &distance; }
  void* get_dist_func_param() override { return &dimensions_; }

  std::string point(const std::int8_t* code, float scale) const {
    std::string bytes(sizeof(float) + dimensions_, '\0');
    std::memcpy(bytes.data(), &scale, sizeof scale);
    std::memcpy(bytes.data() + sizeof scale, code, dimensions_);
    return bytes;
  }

 private:
  static float distance(const void* a, const void* b, const void* dimensions) {
    float scale_a = 0;
    float scale_b = 0;
    std::memcpy(&scale_a, a, sizeof scale_a);
    std::memcpy(&scale_b, b, sizeof scale_b);
    const auto dot = dotCodes(static_cast<const std::int8_t*>(a) + sizeof(float),
                              static_cast<const std::int8_t*>(b) + sizeof(float),
                              *static_cast<const std::size_t*>(dimensions));
    return 1.0F - scale_a * scale_b * static_cast<float>(dot);
  }

  std::size_t dimensions_;
};

struct Graph {
  Graph(std::size_t dimensions, std::size_t room)
      : space(dimensions), index(&space, room, kLinks, kBuildWidth) {
    index.setEf(kSearchWidth);
  }
  CodeSpace space;
  hnswlib::HierarchicalNSW<float> index;
};

struct Slot {
  std::int64_t chunk_id;
  CodeScale scale;
  std::uint32_t partition;
};

struct NearSlot {
  float bound;  ///< the similarity is not above it
  std::uint32_t slot;
  bool operator<(const NearSlot& other) const {
    return bound != other.bound ? bound < other.bound : slot > other.slot;
  }
};

constexpr std::string_view kRows =
    "SELECT v.chunk_id, v.vector, d.partition FROM search_vectors v"
    " JOIN search_chunks c ON c.chunk_id = v.chunk_id JOIN search_parts p ON p.part_id = c.part_id"
    " JOIN search_documents d ON d.document_id = p.document_id WHERE v.generation = ?";
}  // namespace

struct VectorIndex::Impl {
  VectorLimits limits;
  std::int64_t generation = -1;
  std::int64_t change_seen = 0;
  std::size_t dimensions = 0;
  std::vector<Slot> slots;
  std::vector<std::int8_t> codes;  ///< `dimensions` a slot
  std::unordered_map<std::int64_t, std::uint32_t> slot_of;
  std::unordered_map<std::string, std::uint32_t> partition_ids;
  std::unique_ptr<Graph> graph;
  std::unordered_set<std::int64_t> not_in_graph;

  const std::int8_t* codeOf(std::size_t slot) const { return codes.data() + slot * dimensions; }

  void forget() {
    slots = {};
    codes = {};
    slot_of = {};
    partition_ids = {};
    graph.reset();
    not_in_graph = {};
    generation = -1;
    change_seen = 0;
    dimensions = 0;
  }

  void remove(std::int64_t chunk_id) {
    const auto found = slot_of.find(chunk_id);
    if (found == slot_of.end()) return;
    const std::size_t slot = found->second;
    const std::size_t last = slots.size() - 1;
    if (slot != last) {
      slots[slot] = slots[last];
      slot_of[slots[slot].chunk_id] = static_cast<std::uint32_t>(slot);
      std::memcpy(codes.data() + slot * dimensions, codeOf(last), dimensions);
    }
    slots.pop_back();
    codes.resize(slots.size() * dimensions);
    slot_of.erase(chunk_id);
    not_in_graph.erase(chunk_id);
    // A point of the graph that has no slot is passed over; the graph is built anew when they are
    // many.
  }

  void add(std::int64_t chunk_id, const Vector& vector, const std::string& partition) {
    if (dimensions == 0) dimensions = vector.size();
    if (vector.size() != dimensions || slots.size() >= limits.vectors_max) return;
    const auto next = static_cast<std::uint32_t>(partition_ids.size());
    const std::uint32_t partition_id = partition_ids.emplace(partition, next).first->second;
    slot_of[chunk_id] = static_cast<std::uint32_t>(slots.size());
    codes.resize(codes.size() + dimensions);
    const CodeScale scale = encode(vector, codes.data() + slots.size() * dimensions);
    slots.push_back({chunk_id, scale, partition_id});
    not_in_graph.insert(chunk_id);
  }

  void loadAll(Connection& db, std::int64_t wanted_generation) {
    forget();
    generation = wanted_generation;
    {
      Statement newest(db, "SELECT coalesce(max(id), 0) FROM search_vector_changes");
      if (newest.step()) change_seen = newest.integer(0);
    }
    Statement rows(db, std::string(kRows) + " ORDER BY v.chunk_id DESC LIMIT ?", generation,
                   static_cast<std::int64_t>(limits.vectors_max));
    while (rows.step()) add(rows.integer(0), asVector(rows.text(1)), rows.text(2));
  }

  /// False when changes that were not seen are gone.
  bool loadChanges(Connection& db) {
    std::vector<std::int64_t> changed;
    {
      Statement oldest(db, "SELECT min(id) FROM search_vector_changes");
      if (oldest.step() && !oldest.isNull(0) && oldest.integer(0) > change_seen + 1) return false;
      Statement rows(db, "SELECT id, chunk_id FROM search_vector_changes WHERE id > ? ORDER BY id",
                     change_seen);
      while (rows.step()) {
        change_seen = rows.integer(0);
        changed.push_back(rows.integer(1));
      }
    }
    for (const std::int64_t chunk_id : changed) {
      remove(chunk_id);
      Statement row(db, std::string(kRows) + " AND v.chunk_id = ?", generation, chunk_id);
      if (row.step()) add(chunk_id, asVector(row.text(1)), row.text(2));
    }
    return true;
  }
};

namespace {
/// The best so far, exactly ranked.
class Best {
 public:
  explicit Best(std::size_t count_max) : count_max_(count_max) {}
  bool full() const { return hits_.size() >= count_max_; }
  double worst() const { return hits_.top().similarity; }
  void add(VectorHit hit) {
    hits_.push(hit);
    if (hits_.size() > count_max_) hits_.pop();
  }
  std::vector<VectorHit> sorted() {
    std::vector<VectorHit> all;
    for (; !hits_.empty(); hits_.pop()) all.push_back(hits_.top());
    std::reverse(all.begin(), all.end());
    return all;
  }

 private:
  struct Better {
    bool operator()(const VectorHit& a, const VectorHit& b) const {
      return a.similarity != b.similarity ? a.similarity > b.similarity : a.chunk_id < b.chunk_id;
    }
  };
  std::size_t count_max_;
  std::priority_queue<VectorHit, std::vector<VectorHit>, Better> hits_;  // the worst on top
};

std::optional<double> exactSimilarity(Connection& db, std::int64_t chunk_id, const Vector& query) {
  Statement row(db, "SELECT vector FROM search_vectors WHERE chunk_id = ?", chunk_id);
  if (!row.step()) return std::nullopt;
  const Vector vector = asVector(row.text(0));
  if (vector.size() != query.size()) return std::nullopt;
  return dotExact(vector.data(), query.data(), query.size());
}

/// A query in the form that the codes are compared with.
struct EncodedQuery {
  explicit EncodedQuery(const Vector& vector) : code(vector.size()) {
    scale = encode(vector, code.data());
  }
  /// |v·q - v'·q'| is at most |v-v'||q| + |v'||q-q'|, with v' and q' what the codes stand for.
  float bound(const std::int8_t* other, const CodeScale& other_scale) const {
    const std::int32_t dot = dotCodes(other, code.data(), code.size());
    return static_cast<float>(dot) * other_scale.scale * scale.scale + other_scale.residual +
           (1.0F + other_scale.residual) * scale.residual + 1e-5F;
  }
  std::vector<std::int8_t> code;
  CodeScale scale;
};

std::vector<char> wantedPartitions(
    const std::unordered_map<std::string, std::uint32_t>& partition_ids,
    const std::vector<std::string>& names) {
  std::vector<char> wanted(partition_ids.size(), names.empty() ? 1 : 0);
  for (const std::string& name : names) {
    const auto found = partition_ids.find(name);
    if (found != partition_ids.end()) wanted[found->second] = 1;
  }
  return wanted;
}
}  // namespace

VectorIndex::VectorIndex(VectorLimits limits) : impl_(std::make_unique<Impl>()) {
  impl_->limits = limits;
}
VectorIndex::~VectorIndex() = default;

void VectorIndex::refresh(Connection& db, std::int64_t generation) {
  if (impl_->generation == generation && impl_->loadChanges(db)) return;
  impl_->loadAll(db, generation);
}

Result<std::vector<VectorHit>> VectorIndex::search(Connection& db, const Vector& query,
                                                   const Wanted& wanted) const {
  const Impl& impl = *impl_;
  if (impl.slots.empty() || wanted.hits_max == 0) return std::vector<VectorHit>();
  if (query.size() != impl.dimensions)
    return Error(Code::InvalidArgument,
                 "the query's vector has " + std::to_string(query.size()) +
                     " dimensions, the documents' have " + std::to_string(impl.dimensions),
                 "the model behind its name has changed: configure it under another name")
        .named("embeddings_dimension");
  const EncodedQuery encoded(query);
  const std::vector<char> partitions = wantedPartitions(impl.partition_ids, wanted.partitions);
  std::vector<NearSlot> candidates;
  const auto consider = [&](std::uint32_t slot) {
    const Slot& one = impl.slots[slot];
    if (partitions[one.partition] != 0)
      candidates.push_back({encoded.bound(impl.codeOf(slot), one.scale), slot});
  };
  const auto considerAll = [&] {
    candidates.clear();
    candidates.reserve(impl.slots.size());
    for (std::uint32_t slot = 0; slot < impl.slots.size(); ++slot) consider(slot);
  };
  const auto rank = [&] {
    Best best(wanted.hits_max);
    std::make_heap(candidates.begin(), candidates.end());
    std::size_t reads = 0;
    for (auto end = candidates.end();
         end != candidates.begin() && reads < impl.limits.rerank_max;) {
      if (best.full() && static_cast<double>(candidates.front().bound) < best.worst()) break;
      std::pop_heap(candidates.begin(), end--);
      const std::int64_t chunk_id = impl.slots[end->slot].chunk_id;
      if (wanted.accept && !wanted.accept(chunk_id)) continue;
      ++reads;
      if (const auto similarity = exactSimilarity(db, chunk_id, query))
        best.add({chunk_id, *similarity});
    }
    return best.sorted();
  };
  if (impl.slots.size() > impl.limits.exact_max && impl.graph && impl.not_in_graph.empty()) {
    const std::string point = impl.graph->space.point(encoded.code.data(), encoded.scale.scale);
    auto found = impl.graph->index.searchKnn(point.data(), kSearchWidth);
    for (; !found.empty(); found.pop()) {
      const auto slot = impl.slot_of.find(static_cast<std::int64_t>(found.top().second));
      if (slot != impl.slot_of.end()) consider(slot->second);
    }
    std::vector<VectorHit> hits = rank();
    if (hits.size() >= std::min(wanted.hits_max, impl.slots.size())) return hits;
  }
  considerAll();
  return rank();
}

bool VectorIndex::extendGraph(std::size_t count_max) {
  Impl& impl = *impl_;
  if (impl.slots.size() <= impl.limits.exact_max) {
    impl.graph.reset();
    return false;
  }
  const std::size_t room = impl.slots.size() + impl.slots.size() / 2;
  const bool full = impl.graph && impl.graph->index.cur_element_count + impl.not_in_graph.size() >
                                      impl.graph->index.max_elements_;
  if (!impl.graph || full) {
    impl.graph = std::make_unique<Graph>(impl.dimensions, room);
    for (const Slot& slot : impl.slots) impl.not_in_graph.insert(slot.chunk_id);
  }
  while (count_max-- > 0 && !impl.not_in_graph.empty()) {
    const std::int64_t chunk_id = *impl.not_in_graph.begin();
    const std::uint32_t slot = impl.slot_of.at(chunk_id);
    const std::string point =
        impl.graph->space.point(impl.codeOf(slot), impl.slots[slot].scale.scale);
    impl.graph->index.addPoint(point.data(), static_cast<std::size_t>(chunk_id));
    impl.not_in_graph.erase(chunk_id);
  }
  return !impl.not_in_graph.empty();
}

std::size_t VectorIndex::size() const {
  return impl_->slots.size();
}

std::size_t VectorIndex::memoryBytes() const {
  return impl_->codes.capacity() + impl_->slots.capacity() * sizeof(Slot);
}

void VectorIndex::clear() {
  impl_->forget();
}

void putVector(store::Tx& tx, std::int64_t chunk_id, std::int64_t generation,
               const Vector& vector) {
  execute(tx,
          "INSERT INTO search_vectors(chunk_id, generation, vector) VALUES (?, ?, CAST(? AS BLOB))"
          " ON CONFLICT(chunk_id) DO UPDATE SET generation = excluded.generation,"
          " vector = excluded.vector",
          chunk_id, generation, asBytes(vector));
  execute(tx, "INSERT INTO search_vector_changes(chunk_id) VALUES (?)", chunk_id);
  const std::int64_t change = tx.lastInsertId();
  if (change % 1024 == 0)
    execute(tx, "DELETE FROM search_vector_changes WHERE id <= ?", change - kChangesKept);
}

}  // namespace tutti::search
