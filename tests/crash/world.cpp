#include "tests/crash/world.hpp"

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <fstream>

#include "server/base/fd.hpp"
#include "tests/read_file.hpp"

namespace tutti::crash {
namespace fs = std::filesystem;
namespace {

void writeBlueprint(const fs::path& folder, const std::string& name, const std::string& text) {
  fs::create_directories(folder / name);
  std::ofstream(folder / name / "agent.json") << text;
}

void writeBlueprints(const fs::path& folder, const std::string& self) {
  writeBlueprint(folder, "steps",
                 R"({"name":"steps","description":"Prints steps","type":"procedural",)"
                 R"("command":[")" +
                     self + R"(","agent"],"parameters_schema":{"type":"object"}})");
  writeBlueprint(folder, "talk",
                 R"({"name":"talk","description":"Talks","type":"autonomous",)"
                 R"("driver":"claude","tutti_tools":false})");
  writeBlueprint(folder, "brief",
                 R"({"name":"brief","description":"Talks, and goes soon","type":"autonomous",)"
                 R"("driver":"claude","tutti_tools":false,"idle_max_s":1})");
}

bool isHostOf(const fs::path& process, const std::string& data) {
  const std::string line = fixture::readAll(process / "cmdline");
  const auto has = [&](const std::string& word) {
    return line.find('\0' + word + '\0') != std::string::npos;
  };
  return has("run-host") && has(data);
}

bool isMarked(const fs::path& process, const std::string& data) {
  const std::string mark = "TUTTI_DATA=" + data;
  const std::string environ = '\0' + fixture::readAll(process / "environ");
  return environ.find('\0' + mark + '\0') != std::string::npos;
}

bool isZombie(const fs::path& process) {
  const std::string stat = fixture::readAll(process / "stat");
  const auto close = stat.rfind(')');
  return close == std::string::npos || stat.compare(close, 3, ") Z") == 0;
}

template <class Belongs>
std::vector<pid_t> scan(Belongs belongs) {
  std::vector<pid_t> found;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (!std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; }))
      continue;
    if (belongs(entry.path()) && !isZombie(entry.path())) found.push_back(std::stoi(name));
  }
  return found;
}

}  // namespace

World::World(const fs::path& self, fs::path tutti, fs::path fake_claude)
    : tutti_(std::move(tutti)), fake_claude_(std::move(fake_claude)) {
  std::string name = (fs::temp_directory_path() / "tutti-crash-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) std::abort();
  root_ = name;
  fs::create_directories(root_ / "home");
  writeBlueprints(root_ / "blueprints" / "agents", self.string());
}

World::~World() {
  for (const pid_t pid : processes())
    if (killMember(*this, pid)) waitGone(pid, 5'000);
  std::error_code ignored;
  if (!keep_) fs::remove_all(root_, ignored);
}

std::vector<std::string> World::command(const std::string& subcommand) const {
  return {tutti_,     "--data",     data(),        "--blueprints", root_ / "blueprints",
          "--claude", fake_claude_, "--log-level", "info",         subcommand};
}

std::vector<std::string> World::environment() const {
  const char* path = std::getenv("PATH");
  return {"PATH=" + std::string(path != nullptr ? path : "/usr/bin:/bin"),
          "HOME=" + (root_ / "home").string(), "LANG=C.UTF-8"};
}

std::vector<pid_t> World::hosts() const {
  return scan([this](const fs::path& process) { return isHostOf(process, data()); });
}

std::vector<pid_t> World::processes() const {
  return scan([this](const fs::path& process) {
    return isHostOf(process, data()) || isMarked(process, data());
  });
}

bool killMember(const World& world, pid_t pid) {
  const Fd handle(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!handle) return false;
  // Looked at again now that the handle pins who is meant.
  const fs::path process = fs::path("/proc") / std::to_string(pid);
  if (!isHostOf(process, world.data()) && !isMarked(process, world.data())) return false;
  return ::syscall(SYS_pidfd_send_signal, handle.get(), SIGKILL, nullptr, 0) == 0;
}

bool waitGone(pid_t pid, int ms) {
  const Fd handle(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!handle) return true;
  pollfd polled{handle.get(), POLLIN, 0};
  return ::poll(&polled, 1, ms) == 1;
}

}  // namespace tutti::crash
