#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <nlohmann/json.hpp>  // the report holds JSON's types
#include <utility>

#include "server/base/fd.hpp"
#include "server/base/file.hpp"
#include "server/base/text.hpp"
#include "server/cli/survey_git.hpp"

namespace tutti::cli {
namespace {
using Clock = std::chrono::steady_clock;
constexpr std::size_t kComplaintMax = 2000;
constexpr std::size_t kPieceMax = 1U << 20;  ///< of one path or field

/// Git's settings that would run a program or touch the network, and variables that would make it
/// look at another repository than `dir`'s.
std::vector<std::string> commandLine(const SurveyOptions& options,
                                     const std::vector<std::string>& arguments) {
  std::vector<std::string> line = {"git",
                                   "--no-pager",
                                   "--no-optional-locks",
                                   "-c",
                                   "core.fsmonitor=false",
                                   "-c",
                                   "core.hooksPath=/dev/null",
                                   "-c",
                                   "core.quotePath=false",
                                   "-c",
                                   "log.showSignature=false",
                                   "-C",
                                   options.dir};
  line.insert(line.end(), arguments.begin(), arguments.end());
  return line;
}

std::vector<std::string> environmentLines() {
  std::vector<std::string> lines = {"LC_ALL=C", "GIT_TERMINAL_PROMPT=0", "GIT_NO_LAZY_FETCH=1"};
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view line(*entry);
    if (!line.starts_with("GIT_") && !line.starts_with("LC_ALL=")) lines.emplace_back(line);
  }
  return lines;
}

std::vector<char*> pointers(std::vector<std::string>& lines) {
  std::vector<char*> list;
  for (std::string& line : lines) list.push_back(line.data());
  list.push_back(nullptr);
  return list;
}

struct Pipe {
  Fd read_end;
  Fd write_end;
};

Result<Pipe> makePipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return ioError(errno, "make", "a pipe");
  return Pipe{Fd(ends[0]), Fd(ends[1])};
}

Result<pid_t> spawnGit(std::vector<std::string> line, const Pipe& out, const Pipe& err) {
  std::vector<std::string> environment = environmentLines();
  const std::vector<char*> argv = pointers(line);
  const std::vector<char*> envp = pointers(environment);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, out.write_end.get(), 1);
  ::posix_spawn_file_actions_adddup2(&actions, err.write_end.get(), 2);
  pid_t pid = 0;
  const int failed = ::posix_spawnp(&pid, "git", &actions, nullptr, argv.data(), envp.data());
  ::posix_spawn_file_actions_destroy(&actions);
  if (failed == ENOENT)
    return Error(Code::FailedPrecondition, "git is not installed", "install the package git")
        .named("git_not_installed");
  if (failed != 0) return ioError(failed, "start", "git");
  return pid;
}

/// Cuts a stream into its NUL-terminated pieces.
class Pieces {
 public:
  explicit Pieces(const std::function<bool(std::string_view)>& reader) : reader_(reader) {}

  /// False when the reader had enough.
  bool take(std::string_view bytes) {
    for (std::size_t end = bytes.find('\0'); end != std::string_view::npos;
         end = bytes.find('\0')) {
      rest_.append(bytes.substr(0, end));
      bytes.remove_prefix(end + 1);
      if (!reader_(rest_)) return false;
      rest_.clear();
    }
    rest_.append(bytes);
    return rest_.size() <= kPieceMax;
  }

  /// Gives the reader what stands after the last NUL.
  void finish() {
    if (!rest_.empty()) reader_(rest_);
    rest_.clear();
  }

 private:
  const std::function<bool(std::string_view)>& reader_;
  std::string rest_;
};

/// Reads both pipes until git closes them, the reader has enough or the time is over.
void readOutput(const Pipe& out, const Pipe& err, Clock::time_point deadline, Pieces& pieces,
                GitEnd& end) {
  pollfd ends[2] = {{out.read_end.get(), POLLIN, 0}, {err.read_end.get(), POLLIN, 0}};
  char block[65536];
  while (ends[0].fd >= 0 || ends[1].fd >= 0) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    end.timed_out = left <= 0;
    if (end.timed_out) return;
    if (::poll(ends, 2, static_cast<int>(std::min<std::int64_t>(left, 60'000))) < 0) continue;
    for (pollfd& one : ends) {
      if (one.fd < 0 || one.revents == 0) continue;
      const ssize_t size = ::read(one.fd, block, sizeof block);
      if (size < 0 && errno == EINTR) continue;
      const std::string_view bytes(block, size > 0 ? static_cast<std::size_t>(size) : 0);
      const bool is_out = &one == &ends[0];
      if (size <= 0) one.fd = -1;
      if (!is_out && end.complaint.size() < kComplaintMax) end.complaint.append(bytes);
      if (is_out && !pieces.take(bytes)) end.stopped = true;
      if (end.stopped) return;
    }
  }
}

std::string firstLine(const std::string& text) {
  return shortened(toValidUtf8(text.substr(0, text.find('\n'))), 300);
}

std::string withoutNewline(std::string text) {
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

/// All pieces of a short output.
std::optional<std::vector<std::string>> shortOutput(const SurveyOptions& options,
                                                    const std::vector<std::string>& arguments) {
  constexpr std::size_t kShortMax = 16;
  std::vector<std::string> pieces;
  const auto keep = [&pieces](std::string_view piece) {
    pieces.emplace_back(piece);
    return pieces.size() < kShortMax;
  };
  const Result<GitEnd> end = runGit(options, arguments, keep);
  if (!end.ok() || end->status != 0) return std::nullopt;
  return pieces;
}
}  // namespace

Result<GitEnd> runGit(const SurveyOptions& options, const std::vector<std::string>& arguments,
                      const std::function<bool(std::string_view)>& reader) {
  Result<Pipe> out = makePipe();
  if (!out.ok()) return std::move(out).error();
  Result<Pipe> err = makePipe();
  if (!err.ok()) return std::move(err).error();
  const Result<pid_t> pid = spawnGit(commandLine(options, arguments), *out, *err);
  if (!pid.ok()) return pid.error();
  out->write_end.reset();
  err->write_end.reset();

  GitEnd end;
  Pieces pieces(reader);
  const auto deadline = Clock::now() + std::chrono::milliseconds(options.git_time_max_ms);
  readOutput(*out, *err, deadline, pieces, end);
  if (end.stopped || end.timed_out)
    ::kill(*pid, SIGKILL);
  else
    pieces.finish();
  out->read_end.reset();
  err->read_end.reset();
  int status = 0;
  while (::waitpid(*pid, &status, 0) < 0 && errno == EINTR) continue;
  end.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  end.complaint = firstLine(end.complaint);
  return end;
}

Result<std::optional<Checkout>> findCheckout(const SurveyOptions& options, std::string& why) {
  std::string answer;
  const auto keep = [&answer](std::string_view piece) {
    answer.append(piece);
    return true;
  };
  const Result<GitEnd> end = runGit(
      options, {"rev-parse", "--is-inside-work-tree", "--is-shallow-repository", "--show-prefix"},
      keep);
  if (!end.ok()) return end.error();
  if (end->status != 0 && end->complaint.find("not a git repository") == std::string::npos)
    why = "git does not read this folder: " + end->complaint;
  constexpr std::string_view kInside = "true\n";
  if (end->status != 0 || !answer.starts_with(kInside)) return std::optional<Checkout>();
  answer.erase(0, kInside.size());
  Checkout checkout;
  checkout.is_shallow = answer.starts_with("true\n");
  answer.erase(0, std::min(answer.find('\n'), answer.size() - 1) + 1);
  checkout.is_subfolder = !answer.empty() && answer != "\n";
  return std::optional<Checkout>(checkout);
}

Result<bool> listTracked(const SurveyOptions& options, std::vector<std::string>& files) {
  std::vector<std::string> arguments = {"ls-files", "-z", "--cached"};
  if (options.include_untracked)
    arguments.insert(arguments.end(), {"--others", "--exclude-standard"});
  const auto keep = [&](std::string_view path) {
    if (files.empty() || files.back() != path) files.emplace_back(path);
    return files.size() <= options.files_max;
  };
  const Result<GitEnd> end = runGit(options, arguments, keep);
  if (!end.ok()) return end.error();
  if (!end->stopped && !end->timed_out && end->status != 0)
    return Error(Code::Internal, "git ls-files failed: " + end->complaint);
  // A path with a merge conflict is listed once for each side.
  std::sort(files.begin(), files.end());
  files.erase(std::unique(files.begin(), files.end()), files.end());
  const bool cut = end->timed_out || files.size() > options.files_max;
  files.resize(std::min(files.size(), options.files_max));
  return cut;
}

std::optional<std::string> currentBranch(const SurveyOptions& options) {
  auto answer = shortOutput(options, {"symbolic-ref", "--short", "-q", "HEAD"});
  if (!answer || answer->empty()) return std::nullopt;
  return withoutNewline(answer->front());
}

std::optional<LastCommit> lastCommit(const SurveyOptions& options) {
  auto fields = shortOutput(options, {"log", "-1", "--format=%H%x00%aN%x00%cI%x00%s", "--"});
  if (!fields || fields->size() < 3) return std::nullopt;
  fields->resize(4);  // an empty subject leaves nothing to print
  LastCommit commit;
  commit.id = (*fields)[0];
  commit.author = (*fields)[1];
  commit.date = (*fields)[2];
  commit.subject = withoutNewline((*fields)[3]);
  return commit;
}

}  // namespace tutti::cli
