#include "server/runner/durable_writer.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "server/base/fd.hpp"
#include "server/base/file.hpp"
#include "server/base/log.hpp"

namespace tutti::runner {
namespace {
constexpr off_t kReserveBytes = 65'536;
constexpr std::int64_t kPauseFirstMs = 50;
constexpr std::int64_t kPauseMaxMs = 5'000;
}  // namespace

DurableWriter::DurableWriter(Loop& loop, std::filesystem::path reserve)
    : reserve_(std::move(reserve)), timer_(loop.timer()) {}

void DurableWriter::prepare() {
  const Fd fd(::open(reserve_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  if (!fd || ::posix_fallocate(fd.get(), 0, kReserveBytes) != 0)
    log::warning("no reserve for the outcome could be set aside", {{"path", reserve_.string()}});
}

void DurableWriter::write(std::filesystem::path path, std::string content, Done done) {
  jobs_.push_back({std::move(path), std::move(content), std::move(done)});
  if (jobs_.size() == 1) timer_->after(0, [this] { attempt(); });
}

void DurableWriter::attempt() {
  const Job& job = jobs_.front();
  Status written = writeFileDurably(job.path, job.content);
  if (!written.ok() && ::unlink(reserve_.c_str()) == 0)
    written = writeFileDurably(job.path, job.content);
  // Without its folder nobody will ever look for the file: whoever removed it wants nothing more.
  const bool wanted = std::filesystem::exists(job.path.parent_path());
  if (!written.ok() && wanted) {
    pause_ms_ = std::clamp(pause_ms_ * 2, kPauseFirstMs, kPauseMaxMs);
    log::error("cannot write, will try again",
               {{"error", written.error().message()}, {"pause_ms", pause_ms_}});
    timer_->after(pause_ms_, [this] { attempt(); });
    return;
  }
  pause_ms_ = 0;
  const Done done = std::move(jobs_.front().done);
  jobs_.pop_front();
  if (!jobs_.empty()) timer_->after(0, [this] { attempt(); });
  done();
}

}  // namespace tutti::runner
