#include "server/rest/upload_feeder.hpp"

namespace tutti::rest {
namespace {
constexpr std::size_t kLongBytesMin = 64U * 1024;
}  // namespace

void UploadFeeder::add(std::string_view bytes) {
  if (refusal_) return;
  // A body that goes on for this long goes on to a whole piece, most likely.
  if (gathered_.size() >= kLongBytesMin && gathered_.capacity() < documents::kPieceBytesMax)
    gathered_.reserve(documents::kPieceBytesMax + kLongBytesMin);
  gathered_ += bytes;
  if (gathered_.size() >= documents::kPieceBytesMax) flush();
}

void UploadFeeder::finish(std::function<void(Result<documents::ContentSource>)> done) {
  done_ = std::move(done);
  if (upload_ && !refusal_) flush();
  finishIfDone();
}

void UploadFeeder::flush() {
  if (under_way_ || gathered_.empty()) return;
  if (!upload_) upload_ = service_.openUpload();
  under_way_ = true;
  // The content of a client that has left is let go of with this.
  upload_->append(std::exchange(gathered_, {}), [weak = weak_from_this()](Status status) {
    if (const auto self = weak.lock()) self->flushed(std::move(status));
  });
}

void UploadFeeder::flushed(Status status) {
  under_way_ = false;
  if (!status.ok()) {
    refusal_ = status.error();
    gathered_.clear();
    upload_.reset();
  }
  const bool last_pieces = static_cast<bool>(done_);
  if (!refusal_ && (last_pieces || gathered_.size() >= documents::kPieceBytesMax)) flush();
  finishIfDone();
  if (!last_pieces && !full() && room_) room_();
}

void UploadFeeder::finishIfDone() {
  if (!done_ || under_way_) return;
  const auto done = std::exchange(done_, nullptr);
  if (refusal_) return done(*refusal_);
  if (upload_) return done(documents::ContentSource(std::move(upload_)));
  done(documents::ContentSource(std::move(gathered_)));
}

}  // namespace tutti::rest
