#include "server/runner/process_tree.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>

#include "server/base/fd.hpp"

namespace tutti::runner {
namespace {

constexpr std::int64_t kPauseFirstMs = 1;
constexpr std::int64_t kPauseMaxMs = 50;
/// After SIGKILL only the kernel can hold a process back (a dead network mount); then it is
/// reported.
constexpr std::int64_t kKillWaitMaxMs = 10'000;

std::string_view readSmall(const char* path, char* buffer, std::size_t size) {
  const Fd fd(::open(path, O_RDONLY | O_CLOEXEC));
  if (!fd) return {};
  const ssize_t got = ::read(fd.get(), buffer, size);
  return {buffer, got > 0 ? static_cast<std::size_t>(got) : 0};
}

/// A run-host leads its session and is named so, by itself or (before it could) by its arguments.
bool isRunHost(const ProcessInfo& process, std::string_view name) {
  if (process.session != process.pid) return false;
  if (name == "tutti-run-host") return true;
  char path[64];
  char buffer[4096];
  std::snprintf(path, sizeof path, "/proc/%d/cmdline", process.pid);
  const std::string_view line = readSmall(path, buffer, sizeof buffer);
  const std::size_t first = line.find('\0');
  if (first == std::string_view::npos) return false;
  const std::string_view second = line.substr(first + 1);
  return second.substr(0, second.find('\0')) == "run-host";
}

bool isNumber(const char* text) {
  return *text != '\0' && std::strspn(text, "0123456789") == std::strlen(text);
}

}  // namespace

std::int64_t steadyMillis() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

ProcessInfo readProcess(int pid) {
  char path[64];
  char buffer[1024];
  std::snprintf(path, sizeof path, "/proc/%d/stat", pid);
  const std::string stat(readSmall(path, buffer, sizeof buffer));
  // "pid (name) state ppid pgrp session …": the name may contain anything, ")" too.
  const std::size_t open = stat.find('(');
  const std::size_t close = stat.rfind(')');
  if (open == std::string::npos || close == std::string::npos) return {};
  ProcessInfo process;
  unsigned long long start_time = 0;
  const int fields =
      std::sscanf(stat.c_str() + close + 1,
                  " %c %d %d %d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
                  &process.state, &process.parent, &process.group, &process.session, &start_time);
  if (fields != 5) return {};
  process.pid = pid;
  process.start_time = start_time;
  const std::string_view name = std::string_view(stat).substr(open + 1, close - open - 1);
  process.run_host = isRunHost(process, name);
  return process;
}

std::vector<ProcessInfo> listProcesses() {
  std::vector<ProcessInfo> all;
  DIR* const proc = ::opendir("/proc");
  if (proc == nullptr) return all;
  while (const dirent* entry = ::readdir(proc)) {
    if (!isNumber(entry->d_name)) continue;
    const ProcessInfo process = readProcess(std::atoi(entry->d_name));
    if (process.pid != 0) all.push_back(process);
  }
  ::closedir(proc);
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.pid < b.pid; });
  return all;
}

std::vector<ProcessInfo> descendants(const std::vector<ProcessInfo>& all, int root) {
  std::vector<ProcessInfo> found;
  std::vector<int> parents{root};
  std::set<int> known{root};
  while (!parents.empty()) {
    const int parent = parents.back();
    parents.pop_back();
    for (const ProcessInfo& process : all) {
      if (process.parent != parent || process.run_host) continue;
      if (!known.insert(process.pid).second) continue;
      parents.push_back(process.pid);
      if (!process.dead()) found.push_back(process);
    }
  }
  return found;
}

bool signalProcess(const ProcessInfo& process, int signal) {
  const Fd handle(static_cast<int>(::syscall(SYS_pidfd_open, process.pid, 0)));
  if (!handle) return false;
  // The handle is of whoever has the id now; only the start time says whether it is the one meant.
  if (readProcess(process.pid).start_time != process.start_time) return false;
  return ::syscall(SYS_pidfd_send_signal, handle.get(), signal, nullptr, 0) == 0;
}

Json processJson(int pid) {
  const ProcessInfo process = readProcess(pid);
  Json out = Json::object();
  out["pid"] = pid;
  out["pgid"] = process.group;
  out["sid"] = process.session;
  out["start_time"] = process.start_time;
  return out;
}

Json toJson(const StopReport& report) {
  Json out = Json::object();
  out["signal_sent"] = report.signal_sent;
  out["members"] = report.members;
  out["survivors"] = report.survivors;
  out["took_ms"] = report.took_ms;
  return out;
}

TreeStop::TreeStop(Loop& loop, const ChildReaper& reaper) : reaper_(reaper), timer_(loop.timer()) {}
TreeStop::~TreeStop() = default;

std::int64_t TreeStop::elapsed() const {
  return steadyMillis() - started_ms_;
}

void TreeStop::start(std::int64_t grace_ms, Done done) {
  done_ = std::move(done);
  report_ = {};
  seen_.clear();
  killing_ = false;
  grace_ms_ = grace_ms;
  started_ms_ = steadyMillis();
  pause_ms_ = kPauseFirstMs;
  timer_->after(0, [this] { look(); });
}

void TreeStop::wake() {
  if (active()) timer_->after(0, [this] { look(); });
}

void TreeStop::look() {
  if (reaper_.childless()) return finish({});
  const std::vector<ProcessInfo> members = descendants(listProcesses(), ::getpid());
  if (members.empty()) return finish({});
  if (killing_ && elapsed() >= grace_ms_ + kKillWaitMaxMs) return finish(members);
  if (!killing_ && elapsed() >= grace_ms_) {
    killing_ = true;
    pause_ms_ = kPauseFirstMs;
    report_.signal_sent.emplace_back("SIGKILL");
  }
  signalAll(members);
  std::int64_t pause = pause_ms_;
  if (!killing_) pause = std::min(pause, std::max<std::int64_t>(1, grace_ms_ - elapsed()));
  timer_->after(pause, [this] { look(); });
  pause_ms_ = std::min(pause_ms_ * 2, kPauseMaxMs);
}

void TreeStop::signalAll(const std::vector<ProcessInfo>& members) {
  for (const ProcessInfo& member : members) {
    const bool is_new = seen_.emplace(member.pid, member.start_time).second;
    if (killing_) {
      signalProcess(member, SIGKILL);
      continue;
    }
    if (!is_new) continue;
    if (report_.signal_sent.empty()) report_.signal_sent.emplace_back("SIGTERM");
    signalProcess(member, SIGTERM);
    signalProcess(member, SIGCONT);  // a stopped process acts on SIGTERM only when it goes on
  }
}

void TreeStop::finish(const std::vector<ProcessInfo>& left) {
  report_.members = static_cast<std::int64_t>(seen_.size());
  for (const ProcessInfo& process : left) report_.survivors.push_back(process.pid);
  report_.took_ms = elapsed();
  const Done done = std::move(done_);
  done_ = nullptr;
  done(report_);
}

}  // namespace tutti::runner
