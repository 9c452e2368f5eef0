#include "server/runner/leftovers.hpp"

#include <fcntl.h>
#include <sys/file.h>

#include <charconv>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>

#include "server/agents/sessions.hpp"
#include "server/base/fd.hpp"

namespace tutti::runner {
namespace fs = std::filesystem;
namespace {

bool isHosted(const fs::path& session_folder) {
  const Fd probe(::open((session_folder / "lock").c_str(), O_RDONLY | O_CLOEXEC));
  return probe && ::flock(probe.get(), LOCK_SH | LOCK_NB) != 0;
}

std::optional<std::int64_t> generationIn(const std::string& name) {
  std::int64_t generation = 0;
  const char* end = name.data() + name.size();
  const auto [at, failed] = std::from_chars(name.data(), end, generation);
  if (failed != std::errc() || at != end) return std::nullopt;
  return generation;
}

void addHosts(const fs::path& session_folder, Leftovers& found) {
  std::error_code none;
  std::vector<std::int64_t> generations;
  for (const auto& entry : fs::directory_iterator(session_folder, none))
    if (const auto generation = generationIn(entry.path().filename()))
      generations.push_back(*generation);
  if (generations.empty() || isHosted(session_folder)) return;
  for (const std::int64_t generation : generations)
    found.hosts.push_back({session_folder.filename(), generation});
}

bool isOver(store::Connection& db, const std::string& run_id) {
  const auto run = agents::findRun(db, run_id);
  return run.ok() ? agents::isTerminal(run->status) : run.error().code() == Code::NotFound;
}

bool isOver(store::Connection& db, const Leftovers::Host& host) {
  const auto session = agents::findSession(db, host.session_id);
  if (!session.ok()) return session.error().code() == Code::NotFound;
  return host.generation < session->generation ||
         (host.generation == session->generation && !session->host_live);
}

}  // namespace

Leftovers findLeftovers(const Layout& layout) {
  Leftovers found;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(layout.root() / "runs", none))
    found.runs.push_back(entry.path().filename());
  for (const auto& entry : fs::directory_iterator(layout.root() / "hosts", none))
    addHosts(entry.path(), found);
  return found;
}

void dropUnfinished(store::Connection& db, Leftovers& found) {
  std::erase_if(found.runs, [&](const std::string& run_id) { return !isOver(db, run_id); });
  std::erase_if(found.hosts, [&](const Leftovers::Host& host) { return !isOver(db, host); });
}

void removeLeftovers(const Layout& layout, const Leftovers& leftovers) {
  std::error_code ignored;
  for (const std::string& run_id : leftovers.runs) fs::remove_all(layout.run(run_id), ignored);
  for (const Leftovers::Host& host : leftovers.hosts)
    fs::remove_all(layout.host(host.session_id, host.generation), ignored);
}

}  // namespace tutti::runner
