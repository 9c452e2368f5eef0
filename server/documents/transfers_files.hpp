// Inner to server/documents: transfers as the service makes them.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "server/documents/contents.hpp"
#include "server/documents/transfers.hpp"
#include "server/documents/worker.hpp"

namespace tutti::documents {

using Post = std::function<void(std::function<void()>)>;

class StagedUpload : public Upload {
 public:
  StagedUpload(Staged staged, std::shared_ptr<Worker> worker, Post post);
  ~StagedUpload() override;

  void append(std::string piece, std::function<void(Status)> ready) override;
  std::int64_t size() const override { return size_; }
  /// What came, to be finished on the worker; the upload is over then.
  std::shared_ptr<Staged> take() { return std::exchange(staged_, nullptr); }

 private:
  std::shared_ptr<Staged> staged_;  ///< worker's thread only
  std::shared_ptr<Worker> worker_;
  Post post_;
  std::shared_ptr<bool> under_way_ = std::make_shared<bool>(false);
  std::int64_t size_ = 0;
};

/// What a download is of.
struct Opened {
  Document document;
  Version version;
  bool is_text = false;
  std::shared_ptr<ContentReader> reader;
  std::optional<FoundRange> characters;
  std::int64_t bytes_start = 0;
  std::int64_t bytes_end = 0;
  bool in_file = false;
};

class ContentDownload : public Download {
 public:
  ContentDownload(Opened opened, std::shared_ptr<Worker> worker, Post post)
      : opened_(std::move(opened)),
        worker_(std::move(worker)),
        post_(std::move(post)),
        at_(opened_.bytes_start) {}

  const Document& document() const override { return opened_.document; }
  const Version& version() const override { return opened_.version; }
  std::int64_t bytesStart() const override { return opened_.bytes_start; }
  std::int64_t bytesEnd() const override { return opened_.bytes_end; }
  std::int64_t bytesTotal() const override { return opened_.reader->size(); }
  const std::optional<FoundRange>& characters() const override { return opened_.characters; }
  void next(std::function<void(Result<std::string>)> done) override;

 private:
  Opened opened_;
  std::shared_ptr<Worker> worker_;
  Post post_;
  std::int64_t at_;
};

}  // namespace tutti::documents
