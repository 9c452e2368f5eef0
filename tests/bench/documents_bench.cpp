// What the context store alone makes of small documents: pushes from many callers, then queries.
//
//   build/release/tests/bench/bench_documents [DOCUMENTS [CALLERS]]
//
// Prints pushes per second, the p99 of each kind of query, the CPU time of both, and the peak
// memory. Runs in a folder below $TMPDIR, which should be on the disk that matters.
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "server/agents/migrations.hpp"
#include "server/documents/migrations.hpp"
#include "server/documents/service.hpp"

namespace tutti::bench {
namespace {
namespace fs = std::filesystem;
using SteadyClock = std::chrono::steady_clock;
using namespace documents;  // NOLINT: all there is here

/// The I/O thread's queue, run by main().
class Loop {
 public:
  void post(std::function<void()> work) {
    const std::lock_guard lock(mutex_);
    queue_.push_back(std::move(work));
    wake_.notify_one();
  }
  void runOne() {
    std::function<void()> work;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return !queue_.empty(); });
      work = std::move(queue_.front());
      queue_.pop_front();
    }
    work();
  }

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> queue_;
};

double secondsSince(SteadyClock::time_point start) {
  return std::chrono::duration<double>(SteadyClock::now() - start).count();
}

PushRequest document(int number) {
  PushRequest request;
  request.filename = "finding-" + std::to_string(number) + ".md";
  request.tags = {"finding", "group" + std::to_string(number % 100)};
  request.metadata = {{"description", "finding " + std::to_string(number % 1000)}};
  request.content = "# Finding " + std::to_string(number) + "\n" + std::string(400, 'x');
  return request;
}

/// As many pushes under way as there are callers.
double push(DocumentService& service, Loop& loop, int documents, int callers) {
  int begun = 0;
  int finished = 0;
  std::function<void()> next = [&] {
    if (begun == documents) return;
    service.push(document(begun++), [&](Result<Document> pushed) {
      if (!pushed.ok()) std::fprintf(stderr, "%s\n", pushed.error().text().c_str());
      ++finished;
      next();
    });
  };
  const auto start = SteadyClock::now();
  for (int i = 0; i < callers; ++i) next();
  while (finished < documents) loop.runOne();
  return documents / secondsSince(start);
}

struct Kind {
  const char* name;
  std::function<DocumentFilter(std::mt19937&)> filter;
};

std::vector<Kind> kinds(int documents) {
  const auto number = [documents](std::mt19937& random) {
    return static_cast<int>(random() % static_cast<unsigned>(documents));
  };
  const auto with = [](auto fill) {
    return [fill](std::mt19937& random) {
      DocumentFilter filter;
      fill(filter, random);
      return filter;
    };
  };
  return {
      {"first page", with([](DocumentFilter&, std::mt19937&) {})},
      {"newest first", with([](DocumentFilter& filter, std::mt19937&) {
         filter.order = Order::Updated;
         filter.direction = Direction::Descending;
       })},
      {"rare tag", with([](DocumentFilter& filter, std::mt19937& random) {
         filter.tags = {"group" + std::to_string(random() % 100)};
       })},
      {"common and rare tag", with([](DocumentFilter& filter, std::mt19937& random) {
         filter.tags = {"finding", "group" + std::to_string(random() % 100)};
       })},
      {"metadata", with([](DocumentFilter& filter, std::mt19937& random) {
         filter.metadata = {{"description", "finding " + std::to_string(random() % 1000)}};
       })},
      {"name contains", with([number](DocumentFilter& filter, std::mt19937& random) {
         filter.name_contains = "finding-" + std::to_string(number(random)) + ".";
       })},
      {"name contains, of very many", with([](DocumentFilter& filter, std::mt19937& random) {
         filter.name_contains = std::to_string(random() % 10) + ".md";
       })},
  };
}

double cpuSeconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// Of this process, which is what counts on a machine that has other work.
struct Cost {
  double p99_ms = 0;
  double cpu_ms = 0;  ///< the mean
};

Cost queryCost(DocumentService& service, Loop& loop, const Kind& kind) {
  constexpr int kQueries = 300;
  std::mt19937 random(1);
  std::vector<double> times;
  const double cpu = cpuSeconds();
  for (int i = 0; i < kQueries; ++i) {
    bool answered = false;
    const auto start = SteadyClock::now();
    service.query({{}, kind.filter(random), false}, [&](Result<QueryAnswer>) { answered = true; });
    while (!answered) loop.runOne();
    times.push_back(secondsSince(start) * 1000);
  }
  std::sort(times.begin(), times.end());
  return {times[kQueries * 99 / 100], (cpuSeconds() - cpu) * 1000 / kQueries};
}

int run(int documents, int callers) {
  std::string pattern = (fs::temp_directory_path() / "tutti-bench-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) return 1;
  {
    auto migrations = agents::migrations();
    migrations.insert(migrations.end(), documents::migrations().begin(),
                      documents::migrations().end());
    auto store = store::Store::open(pattern, migrations);
    if (!store.ok()) return 1;
    Loop loop;
    DocumentService service({**store,
                             [&](std::function<void()> work) { loop.post(std::move(work)); },
                             &Clock::system(),
                             {}});
    const double cpu = cpuSeconds();
    const double rate = push(service, loop, documents, callers);
    std::printf("push, %d callers: %.0f/s, %.0f µs CPU each\n", callers, rate,
                (cpuSeconds() - cpu) * 1e6 / documents);
    for (const Kind& kind : kinds(documents)) {
      const Cost cost = queryCost(service, loop, kind);
      std::printf("query, %s: p99 %.2f ms, %.2f ms CPU each\n", kind.name, cost.p99_ms,
                  cost.cpu_ms);
    }
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    std::printf("peak memory: %ld MB\n", usage.ru_maxrss / 1024);
  }
  std::error_code ignored;
  fs::remove_all(pattern, ignored);
  return 0;
}
}  // namespace
}  // namespace tutti::bench

int main(int argc, char** argv) {
  const int documents = argc > 1 ? std::atoi(argv[1]) : 100'000;
  const int callers = argc > 2 ? std::atoi(argv[2]) : 16;
  return tutti::bench::run(documents, callers);
}
