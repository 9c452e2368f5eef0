#include "server/runner/pipe_reader.hpp"

#include <unistd.h>

#include <cerrno>

namespace tutti::runner {
namespace {
constexpr std::size_t kBlockBytes = 32'768;
/// A buffer that grew beyond this for one long line is given back.
constexpr std::size_t kKeptBytesMax = 262'144;
}  // namespace

PipeReader::PipeReader(Loop& loop, Fd pipe, Data data, End end)
    : pipe_(std::move(pipe)),
      data_(std::move(data)),
      end_(std::move(end)),
      alive_(std::make_shared<bool>(true)),
      watch_(loop.watch(pipe_.get())) {
  watch_->reading([this] { readBlock(); });
}

PipeReader::~PipeReader() {
  *alive_ = false;
}

bool PipeReader::readBlock() {
  // One for the whole single-threaded host: a block is used up before the next is read.
  static char block[kBlockBytes];
  if (ended_) return false;
  const ssize_t got = ::read(pipe_.get(), block, sizeof block);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  const std::shared_ptr<bool> alive = alive_;
  if (got > 0) {
    data_(std::string_view(block, static_cast<std::size_t>(got)));
    return *alive;
  }
  ended_ = true;
  watch_->reading({});
  end_();
  return false;
}

void PipeReader::drain() {
  while (readBlock()) {
  }
}

LineSplitter::LineSplitter(std::size_t line_bytes_max, Line line, TooLong too_long)
    : line_bytes_max_(line_bytes_max), line_(std::move(line)), too_long_(std::move(too_long)) {}

void LineSplitter::feed(std::string_view block) {
  while (!block.empty()) {
    const std::size_t end = block.find('\n');
    if (end != std::string_view::npos) {
      endLine(block.substr(0, end));
      block.remove_prefix(end + 1);
      continue;
    }
    if (skipped_ > 0 || pending_.size() + block.size() > line_bytes_max_) {
      skipped_ += pending_.size() + block.size();
      std::string().swap(pending_);
    } else {
      pending_.append(block);
    }
    return;
  }
}

void LineSplitter::finish() {
  if (skipped_ > 0 || !pending_.empty()) endLine({});
}

void LineSplitter::endLine(std::string_view tail) {
  const std::size_t size = skipped_ + pending_.size() + tail.size();
  if (size > line_bytes_max_) {
    skipped_ = 0;
    std::string().swap(pending_);
    too_long_(size);
    return;
  }
  if (pending_.empty()) return line_(tail);
  // Taken out first: the callback may feed or end this splitter.
  std::string line;
  line.swap(pending_);
  line.append(tail);
  line_(line);
  line.clear();
  if (pending_.empty() && line.capacity() <= kKeptBytesMax) pending_.swap(line);
}

}  // namespace tutti::runner
