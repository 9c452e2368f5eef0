// A context store in a folder of its own, whose callbacks the test runs by hand.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>

#include "server/agents/migrations.hpp"
#include "server/documents/check.hpp"
#include "server/documents/migrations.hpp"
#include "server/documents/service.hpp"
#include "server/store/statement.hpp"
#include "server/store/store.hpp"
#include "tests/temp_folder.hpp"

namespace tutti::documents {
using fixture::TempFolder;

/// The I/O thread's queue: whoever waits runs it.
class Loop {
 public:
  void post(std::function<void()> work) {
    const std::lock_guard lock(mutex_);
    queue_.push_back(std::move(work));
    wake_.notify_all();
  }
  bool runOne(std::chrono::milliseconds limit = std::chrono::minutes(1)) {
    std::function<void()> work;
    {
      std::unique_lock lock(mutex_);
      if (!wake_.wait_for(lock, limit, [this] { return !queue_.empty(); })) return false;
      work = std::move(queue_.front());
      queue_.pop_front();
    }
    work();
    return true;
  }

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> queue_;
};

inline std::vector<store::Migration> allMigrations() {
  std::vector<store::Migration> all = agents::migrations();
  all.insert(all.end(), migrations().begin(), migrations().end());
  return all;
}

class DocumentsTest : public ::testing::Test {
 protected:
  void SetUp() override { open(); }

  void open(ServiceOptions options = {}) {
    service.reset();
    store.reset();
    auto opened = store::Store::open(folder.path(), allMigrations());
    ASSERT_TRUE(opened.ok()) << opened.error().text();
    store = std::move(*opened);
    service = std::make_unique<DocumentService>(DocumentService::Parts{
        *store, [this](std::function<void()> work) { loop.post(std::move(work)); },
        &Clock::system(), std::move(options)});
  }

  /// Calls, and runs the loop until the answer is there.
  template <class T, class Call>
  Result<T> await(Call call) {
    std::optional<Result<T>> answer;
    call([&answer](Result<T> result) { answer.emplace(std::move(result)); });
    EXPECT_FALSE(answer.has_value()) << "answered before the call returned";
    while (!answer)
      if (!loop.runOne()) return Error(Code::DeadlineExceeded, "no answer");
    return std::move(*answer);
  }

  Result<Document> push(PushRequest request) {
    return await<Document>([&](auto done) { service->push(std::move(request), done); });
  }
  Result<Document> push(std::string filename, std::string content, Place place = {},
                        Caller caller = {}) {
    PushRequest request;
    request.caller = std::move(caller);
    request.place = std::move(place);
    request.filename = std::move(filename);
    request.content = std::move(content);
    return push(std::move(request));
  }
  Result<Changed> write(const std::string& id, std::string content,
                        std::optional<std::int64_t> expected = {}) {
    WriteRequest request;
    request.ref.document_id = id;
    request.content = std::move(content);
    request.expected_version = expected;
    return await<Changed>([&](auto done) { service->write(std::move(request), done); });
  }
  Result<Edited> edit(const std::string& id, Edit edit, std::optional<std::int64_t> expected = {}) {
    EditRequest request;
    request.ref.document_id = id;
    request.edit = std::move(edit);
    request.expected_version = expected;
    return await<Edited>([&](auto done) { service->edit(std::move(request), done); });
  }
  Result<ReadContent> read(ReadRequest request) {
    return await<ReadContent>([&](auto done) { service->read(std::move(request), done); });
  }
  Result<ReadContent> read(const std::string& id, std::int64_t version = 0) {
    ReadRequest request;
    request.ref.document_id = id;
    request.version = version;
    request.bytes_max = 64U << 20;
    return read(std::move(request));
  }
  Result<DocumentInfo> info(const std::string& id, Caller caller = {}) {
    return await<DocumentInfo>([&](auto done) {
      service->info({std::move(caller), {id, {}}}, done);
    });
  }
  Result<QueryAnswer> query(DocumentFilter filter, Caller caller = {}) {
    return await<QueryAnswer>([&](auto done) {
      service->query({std::move(caller), std::move(filter), false}, done);
    });
  }
  std::vector<std::string> names(DocumentFilter filter, Caller caller = {}) {
    auto found = query(std::move(filter), std::move(caller));
    EXPECT_TRUE(found.ok()) << found.error().text();
    std::vector<std::string> all;
    if (found.ok())
      for (const DocumentInfo& one : found->documents) all.push_back(one.document.filename);
    return all;
  }
  Result<std::vector<std::string>> remove(const std::string& id, Caller caller = {}) {
    return await<std::vector<std::string>>([&](auto done) {
      service->remove(std::move(caller), {{id, {}}, {}}, done);
    });
  }
  Result<RelationPair> relate(std::string definition, std::string from, std::string to) {
    return await<RelationPair>([&](auto done) {
      service->relate({}, {std::move(definition), {from, {}}, {to, {}}, {}, {}}, done);
    });
  }
  Result<DocumentService::Swept> sweep() {
    return await<DocumentService::Swept>([&](auto done) { service->sweep(done); });
  }

  /// A session's row; "" for a root.
  void addSession(const std::string& id, const std::string& parent, const std::string& project) {
    const Status added = store->writeAndWait([&](store::Tx& tx) {
      store::execute(tx,
                     "INSERT INTO sessions(session_id, parent_session_id, project_dir, created_at)"
                     " VALUES (?, ?, ?, '')",
                     id, parent.empty() ? std::optional<std::string>() : parent, project);
      return ok();
    });
    ASSERT_TRUE(added.ok()) << added.error().text();
  }

  void expectSound() {
    auto checked = checkDocuments(*store, service->files());
    ASSERT_TRUE(checked.ok()) << checked.error().text();
    for (const Finding& finding : checked->findings)
      ADD_FAILURE() << finding.name << ": " << finding.message;
  }

  TempFolder folder;
  Loop loop;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<DocumentService> service;
};

#define EXPECT_ERROR(result, name_text)                                       \
  do {                                                                        \
    const auto& result_ = (result);                                           \
    ASSERT_FALSE(result_.ok()) << "expected " << (name_text);                 \
    EXPECT_EQ(result_.error().name(), (name_text)) << result_.error().text(); \
  } while (false)

}  // namespace tutti::documents
