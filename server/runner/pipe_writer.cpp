#include "server/runner/pipe_writer.hpp"

#include <unistd.h>

#include <cerrno>

namespace tutti::runner {

PipeWriter::PipeWriter(Loop& loop, Fd pipe)
    : pipe_(std::move(pipe)), watch_(loop.watch(pipe_.get())) {}
PipeWriter::~PipeWriter() {
  close();
}

void PipeWriter::write(std::string_view bytes) {
  if (!pipe_) return;
  queued_.append(bytes);
  flush();
}

void PipeWriter::close() {
  watch_.reset();
  pipe_.reset();
  std::string().swap(queued_);
}

void PipeWriter::flush() {
  while (written_ < queued_.size()) {
    const ssize_t sent = ::write(pipe_.get(), queued_.data() + written_, queued_.size() - written_);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno == EAGAIN) {
      watch_->writing([this] { flush(); });
      return;
    }
    if (sent < 0) return close();
    written_ += static_cast<std::size_t>(sent);
  }
  std::string().swap(queued_);
  written_ = 0;
  watch_->writing({});
}

}  // namespace tutti::runner
