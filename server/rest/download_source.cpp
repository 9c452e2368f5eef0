#include "server/rest/download_source.hpp"

#include <algorithm>

#include "server/base/log.hpp"

namespace tutti::rest {
namespace {

/// What the source and the piece under way share: either may end first.
struct Stream : std::enable_shared_from_this<Stream> {
  std::shared_ptr<transport::HttpExchange> exchange;  // its answer's source ends before it
  std::shared_ptr<documents::Download> download;
  std::string piece;     ///< being sent
  std::size_t sent = 0;  ///< of it
  std::string next;      ///< read ahead
  bool has_next = false;
  bool under_way = false;
  bool ended = false;
  bool failed = false;

  void ask() {
    if (under_way || has_next || ended || failed) return;
    under_way = true;
    download->next([weak = weak_from_this()](Result<std::string> read) {
      if (const auto self = weak.lock()) self->take(std::move(read));
    });
  }

  void take(Result<std::string> read) {
    under_way = false;
    if (!read.ok()) {
      failed = true;
      log::error("a download broke off", {{"error", read.error().text()}});
    } else if (read->empty()) {
      ended = true;
    } else {
      next = std::move(*read);
      has_next = true;
    }
    exchange->resumeAnswer();
  }
};

class DownloadSource final : public transport::HttpBodySource {
 public:
  explicit DownloadSource(std::shared_ptr<Stream> stream) : stream_(std::move(stream)) {
    stream_->ask();
  }

  State read(std::string& to, std::size_t bytes_max) override {
    Stream& stream = *stream_;
    if (stream.sent == stream.piece.size() && stream.has_next) {
      stream.piece = std::exchange(stream.next, {});
      stream.sent = 0;
      stream.has_next = false;
      stream.ask();
    }
    const std::size_t size = std::min(bytes_max, stream.piece.size() - stream.sent);
    if (size > 0) {
      to.append(stream.piece, stream.sent, size);
      stream.sent += size;
      return State::More;
    }
    if (stream.failed) return State::Failed;
    return stream.ended ? State::End : State::Wait;
  }

 private:
  std::shared_ptr<Stream> stream_;
};

}  // namespace

std::unique_ptr<transport::HttpBodySource> downloadSource(
    std::shared_ptr<transport::HttpExchange> exchange,
    std::shared_ptr<documents::Download> download) {
  auto stream = std::make_shared<Stream>();
  stream->exchange = std::move(exchange);
  stream->download = std::move(download);
  return std::make_unique<DownloadSource>(std::move(stream));
}

}  // namespace tutti::rest
