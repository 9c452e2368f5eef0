#include "server/runner/spool_writer.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <nlohmann/json.hpp>

#include "server/base/clock.hpp"
#include "server/base/file.hpp"
#include "server/base/text.hpp"

namespace tutti::runner {
namespace {

/// Kept free below bytes_max for the event that says what was dropped.
constexpr std::int64_t kLastEventBytesMax = 512;
/// Of one event; a larger one is cut, so that a page of events stays something one can send.
constexpr std::size_t kEventBytesMax = 1U << 20;
constexpr std::size_t kCutShownMax = 65'536;
constexpr std::size_t kCutMemberMax = 1'024;

std::string eventLine(std::string_view type, const Json& data) {
  std::string line = "{\"event_type\":";
  appendJsonString(line, type);
  line.append(",\"timestamp\":\"").append(isoTimestamp(Clock::system().now()));
  line.append("\",\"data\":").append(json::dump(data)).append("}\n");
  return line;
}

/// The event's short members, and the beginning of the rest as text.
Json cutDown(const Json& data, const std::string& whole) {
  Json cut = Json::object();
  for (const auto& [key, value] : data.items()) {
    if (value.is_primitive() && json::dump(value).size() <= kCutMemberMax) cut[key] = value;
  }
  cut["cut"] = true;
  cut["bytes"] = whole.size();
  cut["shown"] = shortened(whole, kCutShownMax);
  return cut;
}

bool endsWithinLine(int fd, std::int64_t size) {
  char last = '\n';
  return size > 0 && ::pread(fd, &last, 1, size - 1) == 1 && last != '\n';
}

}  // namespace

SpoolWriter::SpoolWriter(std::filesystem::path path, Fd fd, SpoolLimits limits, std::int64_t bytes)
    : path_(std::move(path)), fd_(std::move(fd)), limits_(limits), bytes_(bytes) {
  torn_ = endsWithinLine(fd_.get(), bytes_);
}

Result<SpoolWriter> SpoolWriter::open(const std::filesystem::path& run_folder, SpoolLimits limits) {
  std::filesystem::path path = run_folder / "events.ndjson";
  Fd fd(::open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600));
  struct stat status {};
  if (!fd || ::fstat(fd.get(), &status) != 0) return ioError(errno, "open", path);
  return SpoolWriter(std::move(path), std::move(fd), limits, status.st_size);
}

Status SpoolWriter::append(std::string_view type, const Json& data) {
  // The last event and its room belong to "events_dropped".
  if (events_ + 1 >= limits_.events_max) {
    if (dropped_++ == 0) dropped_because_ = "events_max";
    return ok();
  }
  std::string line = eventLine(type, data);
  if (line.size() > kEventBytesMax) line = eventLine(type, cutDown(data, json::dump(data)));
  const std::int64_t after = bytes_ + static_cast<std::int64_t>(line.size());
  if (after + kLastEventBytesMax > limits_.bytes_max) {
    if (dropped_++ == 0) dropped_because_ = "spool_bytes_max";
    return ok();
  }
  return write(line);
}

Status SpoolWriter::finish() {
  if (dropped_ > 0) {
    Json data = Json::object();
    data["dropped"] = dropped_;
    data["limit"] = dropped_because_;
    data["value"] = dropped_because_ == "events_max" ? limits_.events_max : limits_.bytes_max;
    if (Status written = write(eventLine("events_dropped", data)); !written.ok()) return written;
    dropped_because_.clear();
  }
  if (::fdatasync(fd_.get()) != 0) return ioError(errno, "sync", path_);
  return ok();
}

Status SpoolWriter::write(std::string_view line) {
  const std::string sealed = torn_ ? "\n" + std::string(line) : std::string();
  std::string_view rest = torn_ ? std::string_view(sealed) : line;
  const std::int64_t size = static_cast<std::int64_t>(rest.size());
  while (!rest.empty()) {
    const ssize_t written = ::write(fd_.get(), rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      const int number = errno;
      if (::ftruncate(fd_.get(), bytes_) != 0) torn_ = true;
      return ioError(number, "write", path_);
    }
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  torn_ = false;
  bytes_ += size;
  ++events_;
  return ok();
}

}  // namespace tutti::runner
