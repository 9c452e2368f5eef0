// How long searches take over many documents.
//
//   build/release/tests/bench/bench_search [DOCUMENTS [VECTORS [DIMENSIONS [GRAPH]]]]
//
// Fills a store below $TMPDIR with documents of about 100 words (drawn so that a few words are in
// nearly every document, as in language) and vectors in clusters, then prints p50 and p99 of each
// kind of search, and this process's memory. GRAPH: vectors above which hnswlib searches. What the
// embeddings server takes for the query is not in it.
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "server/search/migrations.hpp"
#include "server/search/text_index.hpp"
#include "server/search/vector_index.hpp"
#include "server/store/store.hpp"

namespace tutti::bench {
namespace {
namespace fs = std::filesystem;
using SteadyClock = std::chrono::steady_clock;
using search::Vector;

constexpr int kWords = 100;
constexpr int kVocabulary = 50'000;
constexpr int kClusters = 500;

double sinceMs(SteadyClock::time_point begin) {
  return std::chrono::duration<double, std::milli>(SteadyClock::now() - begin).count();
}

long residentMb() {
  std::ifstream status("/proc/self/statm");
  long pages = 0;
  long resident = 0;
  status >> pages >> resident;
  return resident * 4096 / 1024 / 1024;
}

class Bench {
 public:
  Bench(const fs::path& folder, int documents, int vectors, int dimensions, std::size_t graph)
      : documents_(documents), count_(vectors), dimensions_(static_cast<std::size_t>(dimensions)) {
    std::vector<store::Migration> migrations = {
        {300, "documents",
         "CREATE TABLE document_index_queue(id INTEGER PRIMARY KEY AUTOINCREMENT,"
         " document_id TEXT NOT NULL, version INTEGER NOT NULL, change TEXT NOT NULL,"
         " queued_at TEXT NOT NULL)"}};
    for (const store::Migration& one : search::migrations()) migrations.push_back(one);
    auto opened = store::Store::open(folder, migrations);
    if (!opened.ok()) std::abort();
    store_ = std::move(*opened);
    search::VectorLimits limits;
    limits.exact_max = graph;
    index_ = std::make_unique<search::VectorIndex>(limits);
    for (int i = 0; i < kClusters; ++i) centres_.push_back(randomVector(nullptr));
  }

  void fill() {
    const auto begin = SteadyClock::now();
    for (int from = 0; from < documents_; from += 500) {
      const Status written = store_->writeAndWait([&](store::Tx& tx) {
        for (int i = from; i < std::min(from + 500, documents_); ++i) put(tx, i);
        return ok();
      });
      if (!written.ok()) std::fprintf(stderr, "%s\n", written.error().text().c_str());
    }
    std::printf("indexed %d documents, %d vectors in %.1f s\n", documents_, count_,
                sinceMs(begin) / 1000);
  }

  void measure(const char* name, int rounds, const std::function<void(store::Tx&)>& search) {
    std::vector<double> times;
    for (int round = 0; round < rounds; ++round) {
      const auto begin = SteadyClock::now();
      static_cast<void>(store_->readAndWait([&](store::Tx& db) {
        search(db);
        return ok();
      }));
      times.push_back(sinceMs(begin));
    }
    std::sort(times.begin(), times.end());
    const auto at = [&](double share) {
      return times[static_cast<std::size_t>(share * static_cast<double>(times.size() - 1))];
    };
    std::printf("%-34s p50 %7.2f ms  p99 %7.2f ms  max %7.2f ms\n", name, at(0.5), at(0.99),
                at(1.0));
  }

  void words(store::Tx& db, const std::string& text, bool filtered = false) {
    search::Filter filter;
    if (filtered) filter.partitions = {"p3", "_global"};
    const auto query = search::parseQuery(text);
    const search::TextHits hits = search::searchText(db, *query, filter, 10);
    for (const search::TextHit& hit : hits.hits) search::findSections(db, hits, hit, 3, {});
  }

  void meaning(store::Tx& db) {
    const Vector query = randomVector(&centres_[random_() % kClusters]);
    index_->refresh(db, 1);
    const auto hits = index_->search(db, query, {200, {}, {}});
    if (!hits.ok() || hits->empty()) std::fprintf(stderr, "nothing found\n");
  }

  void growGraph() {
    const auto begin = SteadyClock::now();
    bool built = false;
    while (index_->extendGraph(1000)) built = true;
    if (built) std::printf("graph built in %.1f s\n", sinceMs(begin) / 1000);
  }

  std::string word() {
    // Rank by a power of a uniform number: word 0 is in nearly every document.
    const double uniform = std::uniform_real_distribution<double>(0, 1)(random_);
    return "w" + std::to_string(static_cast<int>(std::pow(uniform, 4.0) * kVocabulary));
  }
  const search::VectorIndex& index() const { return *index_; }

 private:
  void put(store::Tx& tx, int number) {
    search::Part part;
    for (int i = 0; i < kWords; ++i) part.text += word() + " ";
    part.text += "the";
    part.chunks.push_back({0, part.text.size(), 0, part.text.size()});
    const std::string id = "doc_" + std::to_string(number);
    search::putDocument(
        tx,
        {id, 1, "file" + std::to_string(number) + ".txt", "p" + std::to_string(number % 10), {}},
        {{part}, id, {}}, "now");
    if (number < count_)
      search::putVector(tx, number + 1, 1, randomVector(&centres_[random_() % kClusters]));
  }

  /// Near `centre`, or anywhere.
  Vector randomVector(const Vector* centre) {
    std::normal_distribution<float> normal;
    Vector vector(dimensions_);
    double squares = 0;
    for (std::size_t i = 0; i < dimensions_; ++i) {
      vector[i] = normal(random_) / std::sqrt(static_cast<float>(dimensions_));
      if (centre != nullptr) vector[i] += (*centre)[i];
      squares += static_cast<double>(vector[i]) * static_cast<double>(vector[i]);
    }
    for (float& value : vector) value = static_cast<float>(value / std::sqrt(squares));
    return vector;
  }

  const int documents_;
  const int count_;
  const std::size_t dimensions_;
  std::mt19937 random_{1};
  std::vector<Vector> centres_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<search::VectorIndex> index_;
};

void run(Bench& bench) {
  bench.fill();
  std::printf("memory before searches: %ld MB\n", residentMb());
  bench.measure("one word of each document", 60, [&](auto& db) { bench.words(db, "the"); });
  bench.measure("frequent words, all", 60, [&](auto& db) { bench.words(db, "the w0 w1"); });
  bench.measure("frequent words, any", 60, [&](auto& db) { bench.words(db, "the OR w0 OR w1"); });
  bench.measure("a frequent prefix", 60, [&](auto& db) { bench.words(db, "w1*"); });
  bench.measure("a phrase of frequent words", 60, [&](auto& db) { bench.words(db, "\"w0 w0\""); });
  bench.measure("frequent, in two partitions", 60,
                [&](auto& db) { bench.words(db, "the w0", true); });
  bench.measure("two words as they come", 300,
                [&](auto& db) { bench.words(db, bench.word() + " " + bench.word()); });
  std::printf("memory after text searches: %ld MB\n", residentMb());
  bench.measure("loading the vectors", 1, [&](auto& db) { bench.meaning(db); });
  std::printf("vectors: %zu, %zu MB held, memory %ld MB\n", bench.index().size(),
              bench.index().memoryBytes() / 1024 / 1024, residentMb());
  bench.growGraph();
  bench.measure("meaning", 100, [&](auto& db) { bench.meaning(db); });
  bench.measure("hybrid, two words", 100, [&](auto& db) {
    bench.words(db, bench.word() + " " + bench.word());
    bench.meaning(db);
  });
  bench.measure("hybrid, frequent words", 100, [&](auto& db) {
    bench.words(db, "the w0");
    bench.meaning(db);
  });
}
}  // namespace
}  // namespace tutti::bench

int main(int count, char** words) {
  const auto number = [&](int at, int otherwise) {
    return count > at ? std::atoi(words[at]) : otherwise;
  };
  std::string folder = (std::filesystem::temp_directory_path() / "tutti-bench-XXXXXX").string();
  if (::mkdtemp(folder.data()) == nullptr) return 1;
  {
    tutti::bench::Bench bench(folder, number(1, 100'000), number(2, 100'000), number(3, 768),
                              static_cast<std::size_t>(number(4, 100'000)));
    tutti::bench::run(bench);
  }
  std::filesystem::remove_all(folder);
  return 0;
}
