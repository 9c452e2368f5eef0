#include <algorithm>
#include <optional>

#include "server/documents/transfers_files.hpp"

namespace tutti::documents {

StagedUpload::StagedUpload(Staged staged, std::shared_ptr<Worker> worker, Post post)
    : staged_(std::make_shared<Staged>(std::move(staged))),
      worker_(std::move(worker)),
      post_(std::move(post)) {}

StagedUpload::~StagedUpload() {
  // Its file is removed where files are worked on; by whoever is last when the worker is busy.
  if (staged_) (void)worker_->submit([staged = std::move(staged_)] {});
}

void StagedUpload::append(std::string piece, std::function<void(Status)> ready) {
  const auto refuse = [&](Error error) {
    post_([ready, error = std::move(error)] { ready(error); });
  };
  if (*under_way_ || !staged_)
    return refuse(
        Error(Code::Internal, "an upload takes one piece at a time").named("one_at_a_time"));
  *under_way_ = true;
  size_ += static_cast<std::int64_t>(piece.size());
  const Status queued = worker_->submit([staged = staged_, piece = std::move(piece), post = post_,
                                         under_way = under_way_, ready]() mutable {
    Status taken = staged->append(piece);
    staged.reset();
    post([under_way, ready = std::move(ready), taken = std::move(taken)] {
      *under_way = false;
      ready(taken);
    });
  });
  if (queued.ok()) return;
  *under_way_ = false;
  refuse(queued.error());
}

void ContentDownload::next(std::function<void(Result<std::string>)> done) {
  const std::int64_t from = at_;
  const auto count = static_cast<std::size_t>(std::clamp<std::int64_t>(
      opened_.bytes_end - from, 0, static_cast<std::int64_t>(kPieceBytesMax)));
  at_ += static_cast<std::int64_t>(count);
  auto work = [reader = opened_.reader, from, count, post = post_, done] {
    Result<std::string> piece = count == 0 ? std::string() : reader->read(from, count);
    post([done, piece = std::move(piece)] { done(piece); });
  };
  if (!opened_.in_file || count == 0) return work();
  if (const Status queued = worker_->submit(std::move(work)); !queued.ok())
    post_([done, error = queued.error()] { done(error); });
}

}  // namespace tutti::documents
