#include "server/runner/spool.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>

#include "server/base/clock.hpp"
#include "server/base/fd.hpp"
#include "server/base/file.hpp"
#include "server/base/text.hpp"
#include "server/json/json.hpp"

namespace tutti::runner {
namespace {

constexpr std::size_t kGarbageShownMax = 200;
/// Of outcome.json: a program's whole output, escaped, and what stands around it.
constexpr std::size_t kOutcomeBytesMax = 512U * 1024 * 1024;
constexpr std::size_t kExitBytesMax = 1U << 20;

/// Reads up to `size_max` bytes from `offset`. Fewer only at the end of the file.
Result<std::string> readFrom(int fd, std::int64_t offset, std::size_t size_max,
                             const std::filesystem::path& path) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) return ioError(errno, "stat", path);
  const std::int64_t there = std::max<std::int64_t>(0, status.st_size - offset);
  const std::size_t size = std::min(size_max, static_cast<std::size_t>(there));
  std::string bytes(size, '\0');
  std::size_t filled = 0;
  while (filled < size) {
    const ssize_t got = ::pread(fd, bytes.data() + filled, size - filled,
                                offset + static_cast<std::int64_t>(filled));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return ioError(errno, "read", path);
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  bytes.resize(filled);
  return bytes;
}

void fillEvent(agents::Event& event, std::string_view line) {
  const Result<Json> parsed = json::parse(line);
  if (parsed.ok() && parsed->is_object() && !json::stringOr(*parsed, "event_type", "").empty()) {
    event.event_type = json::stringOr(*parsed, "event_type", "");
    event.timestamp = json::stringOr(*parsed, "timestamp", "");
    const Json* data = json::find(*parsed, "data");
    event.data = data != nullptr && data->is_object() ? json::dump(*data) : "{}";
    return;
  }
  event.event_type = "spool_garbage";
  event.timestamp = isoTimestamp(Clock::system().now());
  Json data = Json::object();
  data["line"] = shortened(toValidUtf8(line), kGarbageShownMax);
  event.data = json::dump(data);
}

agents::SessionStatus sessionStatusOr(const Json& object, agents::SessionStatus otherwise) {
  const auto status = agents::parseSessionStatus(json::stringOr(object, "session_status", ""));
  return status.value_or(otherwise);
}

}  // namespace

Result<agents::SpoolChunk> readSpool(const std::filesystem::path& run_folder,
                                     const std::string& session_id, const std::string& run_id,
                                     std::int64_t generation, std::int64_t from,
                                     std::size_t bytes_max) {
  const std::filesystem::path path = run_folder / "events.ndjson";
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd && errno == ENOENT) return Error(Code::NotFound, "run '" + run_id + "' has no spool yet");
  if (!fd) return ioError(errno, "open", path);

  // A line longer than bytes_max is read whole: otherwise the reader would never get past it.
  std::size_t size = bytes_max;
  std::string bytes;
  for (;;) {
    Result<std::string> read = readFrom(fd.get(), from, size, path);
    if (!read.ok()) return read.error();
    bytes = std::move(read).value();
    if (bytes.find('\n') != std::string::npos || bytes.size() < size) break;
    size *= 4;
  }

  agents::SpoolChunk chunk;
  chunk.run_id = run_id;
  chunk.generation = generation;
  chunk.from = from;
  std::size_t start = 0;
  for (std::size_t end = bytes.find('\n'); end != std::string::npos;
       end = bytes.find('\n', start)) {
    const std::string_view line = std::string_view(bytes).substr(start, end - start);
    start = end + 1;
    if (line.empty()) continue;
    agents::Event event;
    event.session_id = session_id;
    event.run_id = run_id;
    fillEvent(event, line);
    chunk.events.push_back(std::move(event));
  }
  chunk.to = from + static_cast<std::int64_t>(start);
  return chunk;
}

Result<std::optional<agents::Outcome>> readOutcome(const std::filesystem::path& run_folder) {
  Result<std::string> text = readFile(run_folder / "outcome.json", kOutcomeBytesMax);
  if (!text.ok() && text.error().code() == Code::NotFound)
    return std::optional<agents::Outcome>(std::nullopt);
  if (!text.ok()) return text.error();
  json::ParseLimits limits;
  limits.bytes_max = kOutcomeBytesMax;
  limits.depth_max = 256;
  const Result<Json> parsed = json::parse(*text, limits);
  if (!parsed.ok() || !parsed->is_object())
    return Error(Code::Internal, "outcome.json in '" + run_folder.string() + "' is not readable")
        .named("outcome_unreadable");

  const Json& object = *parsed;
  agents::Outcome outcome;
  outcome.status = agents::parseRunStatus(json::stringOr(object, "status", ""))
                       .value_or(agents::RunStatus::Failed);
  outcome.session_status = sessionStatusOr(object, agents::SessionStatus::Failed);
  outcome.error = json::stringOr(object, "error", "");
  outcome.error_name = json::stringOr(object, "error_name", "");
  outcome.error_hint = json::stringOr(object, "error_hint", "");
  if (json::find(object, "result_text") != nullptr)
    outcome.result_text = json::stringOr(object, "result_text", "");
  // A result may be JSON's null: what counts is whether the member is there.
  const auto data = object.find("result_data");
  if (data != object.end()) outcome.result_data = json::dump(*data);
  outcome.completed_at = json::stringOr(object, "completed_at", "");
  outcome.json = std::move(text).value();
  return std::optional<agents::Outcome>(std::move(outcome));
}

std::optional<HostExit> readHostExit(const std::filesystem::path& host_folder) {
  Result<std::string> text = readFile(host_folder / "exit.json", kExitBytesMax);
  if (!text.ok()) return std::nullopt;
  const Result<Json> parsed = json::parse(*text);
  HostExit exit;
  if (parsed.ok() && parsed->is_object())
    exit.session_status = sessionStatusOr(*parsed, agents::SessionStatus::Failed);
  exit.json = std::move(text).value();
  return exit;
}

}  // namespace tutti::runner
