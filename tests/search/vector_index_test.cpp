#include "server/search/vector_index.hpp"

#include <algorithm>
#include <cmath>
#include <random>

#include "server/search/vector_code.hpp"
#include "tests/search/support.hpp"

namespace tutti::search {
namespace {
constexpr std::size_t kDimensions = 100;  // no multiple of a register

Vector randomVector(std::mt19937& random) {
  std::normal_distribution<double> normal;
  Vector vector(kDimensions);
  double squares = 0;
  for (float& value : vector) {
    value = static_cast<float>(normal(random));
    squares += static_cast<double>(value) * static_cast<double>(value);
  }
  for (float& value : vector) value = static_cast<float>(value / std::sqrt(squares));
  return vector;
}

TEST(VectorCodeTest, EveryInstructionSetGivesTheSumOfProducts) {
  std::mt19937 random(5);
  for (const std::size_t size : {1U, 15U, 16U, 31U, 33U, 64U, 100U, 768U, 1000U}) {
    std::vector<std::int8_t> a(size);
    std::vector<std::int8_t> b(size);
    std::int32_t sum = 0;
    for (std::size_t i = 0; i < size; ++i) {
      a[i] = static_cast<std::int8_t>(static_cast<int>(random() % 255) - 127);
      b[i] = static_cast<std::int8_t>(static_cast<int>(random() % 255) - 127);
      sum += a[i] * b[i];
    }
    EXPECT_EQ(dotCodes(a.data(), b.data(), size), sum) << size;
  }
}

TEST(VectorCodeTest, TheResidualIsWhatTheCodeLost) {
  std::mt19937 random(6);
  const Vector vector = randomVector(random);
  std::vector<std::int8_t> code(kDimensions);
  const CodeScale scale = encode(vector, code.data());
  double squares = 0;
  for (std::size_t i = 0; i < kDimensions; ++i)
    squares +=
        std::pow(static_cast<double>(vector[i]) - static_cast<double>(scale.scale) * code[i], 2);
  EXPECT_NEAR(scale.residual, std::sqrt(squares), 1e-6);
  EXPECT_LT(scale.residual, 0.03);
}

class VectorIndexTest : public SearchTest {
 protected:
  /// Documents d0, d1, … with one chunk each, numbered from 1, in two partitions by turns.
  void fill(int count) {
    write([&](store::Tx& tx) {
      for (int i = 0; i < count; ++i) {
        const std::string id = "d" + std::to_string(i);
        putDocument(tx, {id, 1, "f", i % 2 == 0 ? "even" : "odd", {}},
                    {{{"text " + id, "", {{0, 4, 0, 4}}}}, id, {}}, "now");
        vectors_.push_back(randomVector(random_));
        putVector(tx, i + 1, 1, vectors_.back());
      }
      return ok();
    });
  }
  std::vector<std::int64_t> nearest(VectorIndex& index, const Vector& query,
                                    const VectorIndex::Wanted& wanted) {
    std::vector<std::int64_t> ids;
    read([&](store::Tx& db) {
      index.refresh(db, 1);
      const auto hits = index.search(db, query, wanted);
      if (!hits.ok()) return Status(hits.error());
      for (const VectorHit& hit : *hits) ids.push_back(hit.chunk_id);
      return ok();
    });
    return ids;
  }
  /// By comparing with each.
  std::vector<std::int64_t> trueNearest(const Vector& query, std::size_t count) const {
    std::vector<std::pair<double, std::int64_t>> all;
    for (std::size_t i = 0; i < vectors_.size(); ++i)
      all.emplace_back(-dotExact(vectors_[i].data(), query.data(), kDimensions),
                       static_cast<std::int64_t>(i + 1));
    std::sort(all.begin(), all.end());
    std::vector<std::int64_t> ids;
    for (std::size_t i = 0; i < count; ++i) ids.push_back(all[i].second);
    return ids;
  }
  std::mt19937 random_{1};
  std::vector<Vector> vectors_;
};

TEST_F(VectorIndexTest, TheAnswerIsExact) {
  fill(1000);
  VectorIndex index;
  for (int round = 0; round < 20; ++round) {
    const Vector query = randomVector(random_);
    ASSERT_EQ(nearest(index, query, {10, {}, {}}), trueNearest(query, 10));
  }
}

TEST_F(VectorIndexTest, ChangesOfTheStoreAreTakenOver) {
  fill(50);
  VectorIndex index;
  EXPECT_EQ(nearest(index, vectors_[7], {1, {}, {}}), std::vector<std::int64_t>{8});
  write([](store::Tx& tx) {
    removeDocument(tx, "d7");
    return ok();
  });
  EXPECT_NE(nearest(index, vectors_[7], {1, {}, {}}), std::vector<std::int64_t>{8});
  EXPECT_EQ(index.size(), 49U);
  const Vector moved = vectors_[7];
  write([&](store::Tx& tx) {
    putVector(tx, 3, 1, moved);
    return ok();
  });
  EXPECT_EQ(nearest(index, moved, {1, {}, {}}), std::vector<std::int64_t>{3});
  EXPECT_EQ(index.size(), 49U);
}

TEST_F(VectorIndexTest, AfterAGapInTheChangesAllIsLoadedAnew) {
  fill(20);
  VectorIndex index;
  nearest(index, vectors_[0], {1, {}, {}});
  const Vector moved = randomVector(random_);
  write([&](store::Tx& tx) {
    putVector(tx, 5, 1, moved);
    putVector(tx, 6, 1, moved);
    store::execute(tx, "DELETE FROM search_vector_changes WHERE chunk_id = 5");
    store::execute(tx, "DELETE FROM search_vector_changes WHERE id <= 21");
    return ok();
  });
  EXPECT_EQ(nearest(index, moved, {2, {}, {}}), (std::vector<std::int64_t>{5, 6}));
}

TEST_F(VectorIndexTest, PartitionsAndTheCallersWordAreHeeded) {
  fill(100);
  VectorIndex index;
  const Vector query = randomVector(random_);
  for (const std::int64_t id : nearest(index, query, {10, {"odd"}, {}})) EXPECT_EQ(id % 2, 0);
  EXPECT_TRUE(nearest(index, query, {10, {"nowhere"}, {}}).empty());
  const auto only = nearest(index, query, {10, {}, [](std::int64_t id) { return id == 42; }});
  EXPECT_EQ(only, std::vector<std::int64_t>{42});
}

TEST_F(VectorIndexTest, AQueryOfAnotherDimensionIsNamed) {
  fill(3);
  VectorIndex index;
  read([&](store::Tx& db) {
    index.refresh(db, 1);
    const auto hits = index.search(db, Vector(5, 0.1F), {});
    EXPECT_FALSE(hits.ok());
    EXPECT_EQ(hits.error().name(), "embeddings_dimension");
    return ok();
  });
}

TEST_F(VectorIndexTest, AGraphFindsNearlyAllOfTheTrueNeighbours) {
  fill(2000);
  VectorLimits limits;
  limits.exact_max = 500;
  VectorIndex index(limits);
  nearest(index, vectors_[0], {1, {}, {}});
  while (index.extendGraph(100)) {
  }
  int found = 0;
  for (int round = 0; round < 20; ++round) {
    const Vector query = randomVector(random_);
    const auto truth = trueNearest(query, 10);
    for (const std::int64_t id : nearest(index, query, {10, {}, {}}))
      found += std::count(truth.begin(), truth.end(), id) > 0 ? 1 : 0;
  }
  EXPECT_GE(found, 180) << "of 200";
  // What goes from the store is not found any more, though the graph still has it.
  write([](store::Tx& tx) {
    removeDocument(tx, "d7");
    return ok();
  });
  EXPECT_NE(nearest(index, vectors_[7], {1, {}, {}}), std::vector<std::int64_t>{8});
}

}  // namespace
}  // namespace tutti::search
