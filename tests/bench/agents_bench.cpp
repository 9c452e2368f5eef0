// What it costs to start, run and await an agent, on the real program; one table, with targets.
//
//   TUTTI_BIN=build/release/tutti TUTTI_FAKES=build/release/tests/fakes
//     build/release/tests/bench/bench_agents [ROUNDS | burst]
//
// Everything happens in a folder below $TMPDIR: set that to the disk that is to be measured.
#include <fcntl.h>
#include <poll.h>
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "server/base/clock.hpp"
#include "tests/crash/client.hpp"
#include "tests/crash/world.hpp"

namespace tutti::bench {
namespace {
namespace fs = std::filesystem;
using crash::Answer;
using crash::Client;
using crash::World;

constexpr int kWaitMs = 60'000;
constexpr int kStartsMax = 15;
constexpr int kCallers = 32;
constexpr int kBurst = 2000;
constexpr int kOneByOne = 100;

std::int64_t monotonicUs() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000LL + now.tv_nsec / 1'000;
}

/// The procedural agent: tells when it began and when it was about to end.
int runAgent(int argc, char** argv) {
  const std::int64_t began = monotonicUs();
  for (int at = 2; at + 1 < argc; ++at)
    if (std::string_view(argv[at]) == "--work_ms") ::poll(nullptr, 0, std::atoi(argv[at + 1]));
  std::printf(R"({"began_us":%lld,"ended_us":%lld})", static_cast<long long>(began),
              static_cast<long long>(monotonicUs()));
  return 0;
}

class Series {
 public:
  void add(double value) { values_.push_back(value); }
  double at(double part) {
    if (values_.empty()) return -1;
    std::sort(values_.begin(), values_.end());
    const auto last = static_cast<double>(values_.size() - 1);
    return values_[static_cast<std::size_t>(part * last + 0.5)];
  }

 private:
  std::vector<double> values_;
};

void row(const char* what, double value, const char* unit, double target) {
  const bool has_target = target > 0;
  std::printf("%-58s %9.2f %-4s", what, value, unit);
  if (has_target) std::printf("  target %6.1f  %s", target, value <= target ? "ok" : "MISSED");
  std::printf("\n");
  std::fflush(stdout);
}

void rows(const std::string& what, Series& series, double p50_max, double p99_max) {
  row((what + ", p50").c_str(), series.at(0.5), "ms", p50_max);
  row((what + ", p99").c_str(), series.at(0.99), "ms", p99_max);
}

double memoryMb(pid_t pid, const std::string& field) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with(field + ":")) return std::atof(line.c_str() + field.size() + 1) / 1024;
  return -1;
}

Json startArguments(int work_ms) {
  return Json::object(
      {{"blueprint", "steps"}, {"parameters", Json::object({{"work_ms", work_ms}})}});
}

// --- a process starts
// ------------------------------------------------------------------------------

void measureStart(const World& world, const char* what, double target) {
  Series ms;
  for (int round = 0; round < kStartsMax; ++round) {
    const std::int64_t began = monotonicUs();
    Client client(world, Client::Face::Stdio);
    if (client.call("list_sessions", Json::object({{"limit", 1}}), kWaitMs))
      ms.add(static_cast<double>(monotonicUs() - began) / 1000);
    client.leave(kWaitMs);
  }
  row(what, ms.at(0.5), "ms", target);
}

void execute(sqlite3* db, const std::string& sql) {
  char* problem = nullptr;
  if (sqlite3_exec(db, sql.c_str(), nullptr, nullptr, &problem) == SQLITE_OK) return;
  std::fprintf(stderr, "%s: %s\n", sql.c_str(), problem);
  std::exit(1);
}

void fillStore(const World& world) {
  sqlite3* db = nullptr;
  sqlite3_open((world.data() / "tutti.db").c_str(), &db);
  const std::string numbers =
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000) ";
  execute(db,
          "BEGIN; " + numbers +
              "INSERT INTO sessions(session_id, status, agent_name, created_at, executor_profile)"
              " SELECT printf('ses_%012x', i), 'finished', 'steps',"
              " '2025-01-01T00:00:00.' || printf('%06d', i) || '+00:00', 'process' FROM n; " +
              numbers +
              "INSERT INTO runs(run_id, session_id, type, status, execution_mode, created_at)"
              " SELECT printf('run_%012x', i), printf('ses_%012x', i), 'start_session',"
              " 'completed', 'async_poll', '2025-01-01T00:00:00+00:00' FROM n; " +
              numbers +
              "INSERT INTO events(session_id, run_id, event_type, timestamp)"
              " SELECT printf('ses_%012x', i), printf('run_%012x', i), 'run_completed',"
              " '2025-01-01T00:00:00+00:00' FROM n; COMMIT");
  sqlite3_close(db);
}

// --- memory
// ----------------------------------------------------------------------------------------

void measureMemory(const World& world) {
  Client client(world, Client::Face::Stdio);
  client.call("list_sessions", Json::object(), kWaitMs);
  row("idle tutti stdio, RSS", memoryMb(client.pid(), "VmRSS"), "MB", 12);
  row("  of which private", memoryMb(client.pid(), "RssAnon"), "MB", 0);
  {
    Client serve(world, Client::Face::Http);
    serve.call("list_sessions", Json::object(), kWaitMs);
    row("idle tutti serve, RSS", memoryMb(serve.pid(), "VmRSS"), "MB", 12);
    serve.leave(kWaitMs);
  }
  const Json talk = Json::object({{"blueprint", "talk"}, {"prompt", "say:x"}, {"mode", "sync"}});
  const auto answer = client.call("start_agent", talk, kWaitMs);
  for (const pid_t host : world.hosts()) {
    row("idle run-host, RSS", memoryMb(host, "VmRSS"), "MB", 5);
    row("  of which private", memoryMb(host, "RssAnon"), "MB", 0);
  }
  if (!answer) return;
  client.call("stop",
              Json::object({{"session_id", json::stringOr(answer->body, "session_id", "")}}),
              kWaitMs);
}

// --- a run
// -----------------------------------------------------------------------------------------

/// When the run's host wrote that it was over, as the store has it, in microseconds since 1970.
std::int64_t completedAtUs(const World& world, const std::string& run_id) {
  sqlite3* db = nullptr;
  sqlite3_open((world.data() / "tutti.db").c_str(), &db);
  sqlite3_stmt* statement = nullptr;
  const std::string sql =
      "SELECT CAST(strftime('%s', completed_at) AS INTEGER) * 1000000 +"
      " CAST(substr(completed_at, 21, 6) AS INTEGER) FROM runs WHERE run_id = '" +
      run_id + "'";
  std::int64_t at = 0;
  if (sqlite3_prepare_v2(db, sql.c_str(), -1, &statement, nullptr) == SQLITE_OK &&
      sqlite3_step(statement) == SQLITE_ROW)
    at = sqlite3_column_int64(statement, 0);
  sqlite3_finalize(statement);
  sqlite3_close(db);
  return at;
}

std::int64_t realUs() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return now.tv_sec * 1'000'000LL + now.tv_nsec / 1'000;
}

void measureRuns(const World& world, int rounds) {
  Client here(world, Client::Face::Stdio);
  Client there(world, Client::Face::Stdio);
  there.call("list_sessions", Json::object(), kWaitMs);
  Series acknowledged;
  Series running;
  Series visible;
  Series visible_after_exit;
  for (int round = 0; round < rounds; ++round) {
    const std::int64_t sent = monotonicUs();
    const auto handle = here.call("start_agent", startArguments(30), kWaitMs);
    const std::int64_t had = monotonicUs();
    if (!handle || handle->is_error) continue;
    const std::string run_id = json::stringOr(handle->body, "run_id", "");
    const auto result =
        there.call("get_result", Json::object({{"run_id", run_id}, {"wait_s", 30}}), kWaitMs);
    const std::int64_t seen = monotonicUs();
    const std::int64_t seen_real = realUs();
    if (!result || !json::booleanOr(result->body, "finished", false)) continue;
    const Json* data = json::find(result->body, "result_data");
    if (data == nullptr) continue;
    acknowledged.add(static_cast<double>(had - sent) / 1000);
    running.add(static_cast<double>(json::integerOr(*data, "began_us", 0) - had) / 1000);
    visible.add(static_cast<double>(seen_real - completedAtUs(world, run_id)) / 1000);
    visible_after_exit.add(static_cast<double>(seen - json::integerOr(*data, "ended_us", 0)) /
                           1000);
  }
  rows("start_agent acknowledged, one caller", acknowledged, 5, 20);
  rows("acknowledged to agent running", running, 0, 30);
  rows("run over to get_result in another process", visible, 0, 10);
  rows("  from the agent's last act", visible_after_exit, 0, 0);
  here.leave(kWaitMs);
  there.leave(kWaitMs);
}

// --- many callers
// ----------------------------------------------------------------------------------

/// Commits one by one, as a program without group commit would, of about what a start writes.
double singleCommitsPerSecond(const World& world) {
  sqlite3* db = nullptr;
  sqlite3_open((world.root() / "single.db").c_str(), &db);
  execute(db,
          "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
          "CREATE TABLE s(id TEXT PRIMARY KEY, x TEXT); CREATE TABLE r(id INTEGER PRIMARY KEY,"
          " x TEXT); CREATE TABLE e(id INTEGER PRIMARY KEY, x TEXT)");
  const std::string filler(300, 'x');
  const std::int64_t began = monotonicUs();
  int commits = 0;
  while (monotonicUs() - began < 2'000'000) {
    const std::string id = std::to_string(commits++);
    execute(db, "BEGIN IMMEDIATE; INSERT INTO s VALUES ('" + id + "', '" + filler +
                    "'); INSERT INTO r(x) VALUES ('" + filler + "'); INSERT INTO e(x) VALUES ('" +
                    filler + "'); COMMIT");
  }
  const double seconds = static_cast<double>(monotonicUs() - began) / 1e6;
  sqlite3_close(db);
  return commits / seconds;
}

/// CPU that each thread of a process has had, in microseconds.
std::map<std::string, double> threadsUs(pid_t pid) {
  std::map<std::string, double> all;
  std::error_code gone;
  for (const auto& thread :
       fs::directory_iterator(fs::path("/proc") / std::to_string(pid) / "task", gone)) {
    std::ifstream file(thread.path() / "schedstat");
    double ns = 0;
    file >> ns;
    all[thread.path().filename()] = ns / 1000;
  }
  return all;
}

/// CPU that all processes of this machine have had, in microseconds.
double machineUs() {
  std::ifstream file("/proc/stat");
  std::string word;
  double user = 0, nice = 0, system = 0;
  file >> word >> user >> nice >> system;
  return (user + nice + system) * 1e6 / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

/// Where the time of a burst has gone: the server's threads, and everything there is.
struct Spent {
  std::map<std::string, double> threads;
  double callers = 0;
  double machine = 0;

  static Spent now(pid_t pid) {
    double callers = 0;
    for (const auto& [id, us] : threadsUs(::getpid())) callers += us;
    return {threadsUs(pid), callers, machineUs()};
  }
  void print(const Spent& before, std::size_t starts) const {
    const auto each = [&](double us) { return us / static_cast<double>(starts); };
    std::vector<double> threads_us;
    for (const auto& [id, us] : threads) {
      const auto old = before.threads.find(id);
      threads_us.push_back(each(us - (old == before.threads.end() ? 0 : old->second)));
    }
    std::sort(threads_us.rbegin(), threads_us.rend());
    std::printf("  CPU per start, server's threads:");
    for (const double us : threads_us) std::printf(" %.1f", us);
    std::printf(" us; the callers: %.1f us; this machine, all processes: %.1f us\n",
                each(callers - before.callers), each(machine - before.machine));
  }
};

/// One caller that waits for each answer: a commit for each start.
double oneByOnePerSecond(Client& client) {
  const Json arguments = startArguments(0);
  const std::int64_t began = monotonicUs();
  for (int i = 0; i < kOneByOne; ++i) client.call("start_agent", arguments, kWaitMs);
  return kOneByOne / (static_cast<double>(monotonicUs() - began) / 1e6);
}

void measureBurst(const World& world) {
  const double single = singleCommitsPerSecond(world);
  Client client(world, Client::Face::Stdio);
  client.call("list_sessions", Json::object(), kWaitMs);
  const double one_by_one = oneByOnePerSecond(client);
  const Json arguments = startArguments(0);
  std::vector<std::string> run_ids;
  int sent = 0;
  bool open = true;
  const Spent before = Spent::now(client.pid());
  const std::int64_t began = monotonicUs();
  for (; sent < kCallers; ++sent) client.send("start_agent", arguments);
  while (open && std::ssize(run_ids) < kBurst) {
    for (const Answer& answer : client.receive(kWaitMs, open)) {
      run_ids.push_back(json::stringOr(answer.body, "run_id", ""));
      if (sent < kBurst && client.send("start_agent", arguments)) ++sent;
    }
  }
  const double seconds = static_cast<double>(monotonicUs() - began) / 1e6;
  const Spent after = Spent::now(client.pid());
  for (const std::string& run_id : run_ids)
    client.call("get_result", Json::object({{"run_id", run_id}, {"wait_s", 60}}), 2 * kWaitMs);
  const double whole = static_cast<double>(monotonicUs() - began) / 1e6;
  const double rate = static_cast<double>(run_ids.size()) / seconds;
  row("single commits, SQLite FULL, this disk", single, "/s", 0);
  row("start_agent acknowledged, one caller, a commit each", one_by_one, "/s", 0);
  row("start_agent acknowledged, 32 callers", rate, "/s", 0);
  row("  of one caller's rate", rate / one_by_one, "x", 0);
  std::printf("%-58s %9.2f x     target >= 10.0  %s\n", "  ratio", rate / single,
              rate >= 10 * single ? "ok" : "MISSED");
  after.print(before, run_ids.size());
  row("whole runs, 32 callers", static_cast<double>(run_ids.size()) / whole, "/s", 0);
  client.leave(kWaitMs);
}

int bench(int rounds, bool burst_only) {
  std::signal(SIGPIPE, SIG_IGN);
  const char* program = std::getenv("TUTTI_BIN");
  const char* fakes = std::getenv("TUTTI_FAKES");
  if (program == nullptr || fakes == nullptr) {
    std::fputs("TUTTI_BIN and TUTTI_FAKES are needed\n", stderr);
    return 2;
  }
  World world(fs::read_symlink("/proc/self/exe"), fs::absolute(program),
              fs::absolute(fakes) / "claude_fake");
  if (burst_only) {
    measureBurst(world);
    return 0;
  }
  measureStart(world, "process start to first answer, empty store", 8);
  measureMemory(world);
  measureRuns(world, rounds);
  measureBurst(world);
  fillStore(world);
  measureStart(world, "process start to first answer, 10,000 sessions", 20);
  return 0;
}

}  // namespace
}  // namespace tutti::bench

int main(int argc, char** argv) {
  if (argc > 1 && std::string_view(argv[1]) == "agent") return tutti::bench::runAgent(argc, argv);
  const bool burst_only = argc > 1 && std::string_view(argv[1]) == "burst";
  return tutti::bench::bench(argc > 1 && !burst_only ? std::atoi(argv[1]) : 100, burst_only);
}
