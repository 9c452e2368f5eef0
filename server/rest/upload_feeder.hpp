// From a client to the store: bytes gathered into pieces, one of them under way at a time.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "server/documents/service.hpp"

namespace tutti::rest {

/// Holds at most two pieces (documents::kPieceBytesMax) and what one add() brought. What fits into
/// one piece goes to the store in one call, without an upload. I/O thread only; let go of before
/// finish(), it leaves nothing behind.
class UploadFeeder : public std::enable_shared_from_this<UploadFeeder> {
 public:
  /// `room` runs whenever full() has become false.
  UploadFeeder(documents::DocumentService& service, std::function<void()> room)
      : service_(service), room_(std::move(room)) {}

  void add(std::string_view bytes);
  /// Nothing should be added until `room` has run.
  bool full() const { return gathered_.size() >= documents::kPieceBytesMax && under_way_; }
  /// Nothing will be added any more. `done` runs once, now or later, with the content or the
  /// store's refusal.
  void finish(std::function<void(Result<documents::ContentSource>)> done);
  /// Why the store takes no more, if so: what is added then goes nowhere.
  const std::optional<Error>& refusal() const { return refusal_; }

 private:
  void flush();
  void flushed(Status status);
  void finishIfDone();

  documents::DocumentService& service_;
  std::function<void()> room_;
  std::shared_ptr<documents::Upload> upload_;  // null until the first piece is full
  std::string gathered_;
  bool under_way_ = false;
  std::optional<Error> refusal_;
  std::function<void(Result<documents::ContentSource>)> done_;
};

}  // namespace tutti::rest
