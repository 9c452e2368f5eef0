// What is small is done while something long is under way: the long one is held at a known point
// until the small ones have been answered.
#include <fstream>
#include <future>

#include "server/base/sha256.hpp"
#include "server/documents/crash_point.hpp"
#include "tests/documents/support.hpp"

namespace tutti::documents {
namespace {

/// Holds the first thread that comes to a step, as long as it lives.
class Held {
 public:
  explicit Held(std::string step) : step_(std::move(step)) {
    held = this;
    crash_hook = [](const char* at) {
      if (Held* const here = held.load()) here->arrive(at);
    };
  }
  ~Held() {
    letGo();
    crash_hook = nullptr;
    held = nullptr;
  }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;

  void awaitArrival() { arrived_.get_future().wait(); }
  void letGo() {
    if (!gone_.exchange(true)) gate_.set_value();
  }

 private:
  void arrive(const char* at) {
    if (step_ != at || taken_.exchange(true)) return;
    arrived_.set_value();
    gate_.get_future().wait();
  }

  static inline std::atomic<Held*> held{nullptr};
  const std::string step_;
  std::atomic<bool> taken_{false};
  std::atomic<bool> gone_{false};
  std::promise<void> arrived_;
  std::promise<void> gate_;
};

class LongWorkTest : public DocumentsTest {
 protected:
  void SetUp() override {
    ServiceOptions options;
    options.roots = {files.path()};
    open(options);
  }

  /// All of these go through the thread for files.
  void expectSmallWorkIsDone() {
    const auto pushed = push("small.txt", std::string(100'000, 's'));
    ASSERT_TRUE(pushed.ok()) << pushed.error().text();
    EXPECT_EQ(read(pushed->id)->bytes.size(), 100'000U);
    Edit wanted;
    wanted.new_string = "t";
    wanted.offset = 0;
    EXPECT_TRUE(edit(pushed->id, wanted).ok());
    const auto pulled = await<Pulled>([&](auto done) {
      service->pull({{}, {pushed->id, {}}, 0, files.path() / "small", true}, done);
    });
    EXPECT_TRUE(pulled.ok());
  }

  const std::string large = std::string(9U << 20, 'l') + "end";
  TempFolder files;
};

TEST_F(LongWorkTest, APullOfMuchKeepsNobodyWaiting) {
  const auto pushed = push("large.txt", large);
  ASSERT_TRUE(pushed.ok()) << pushed.error().text();
  std::optional<Result<Pulled>> pulled;
  Held held("pulling");
  service->pull({{}, {pushed->id, {}}, 0, files.path() / "large", true},
                [&](Result<Pulled> result) { pulled.emplace(std::move(result)); });
  held.awaitArrival();
  expectSmallWorkIsDone();
  EXPECT_FALSE(pulled.has_value());
  held.letGo();
  while (!pulled) ASSERT_TRUE(loop.runOne());
  ASSERT_TRUE(pulled->ok()) << pulled->error().text();
  EXPECT_EQ(std::filesystem::file_size(files.path() / "large"), large.size());
}

TEST_F(LongWorkTest, CharactersOfMuchKeepNobodyWaiting) {
  const auto pushed = push("large.txt", large);
  ASSERT_TRUE(pushed.ok()) << pushed.error().text();
  std::optional<Result<ReadContent>> got;
  Held held("counting");
  ReadRequest request;
  request.ref.document_id = pushed->id;
  request.characters = CharacterRange{static_cast<std::int64_t>(large.size()) - 3, {}};
  service->read(request, [&](Result<ReadContent> result) { got.emplace(std::move(result)); });
  held.awaitArrival();
  expectSmallWorkIsDone();
  EXPECT_FALSE(got.has_value());
  held.letGo();
  while (!got) ASSERT_TRUE(loop.runOne());
  ASSERT_TRUE(got->ok()) << got->error().text();
  EXPECT_EQ((*got)->bytes, "end");
}

TEST_F(LongWorkTest, TheSyncOfALargeFileKeepsNobodyWaiting) {
  std::ofstream(files.path() / "from") << large;
  std::optional<Result<Document>> pushed;
  Held held("synced");
  PushRequest request;
  request.content = FromPath{files.path() / "from"};
  service->push(request, [&](Result<Document> result) { pushed.emplace(std::move(result)); });
  held.awaitArrival();
  expectSmallWorkIsDone();
  EXPECT_FALSE(pushed.has_value());
  held.letGo();
  while (!pushed) ASSERT_TRUE(loop.runOne());
  ASSERT_TRUE(pushed->ok()) << pushed->error().text();
  EXPECT_EQ((*pushed)->size_bytes, static_cast<std::int64_t>(large.size()));
  expectSound();
}

/// More at a time than there are DirectWriters for, in pieces short and long.
TEST_F(LongWorkTest, LargeUploadsBesideOneAnotherHaveTheHashOfAllTheirBytes) {
  constexpr std::size_t kPieces[] = {1000, 70'000, 3U << 20, 1U << 20, 300'000, 2U << 20, 5};
  struct Sent {
    std::shared_ptr<Upload> upload;
    std::string bytes;
  };
  std::vector<Sent> all(4);
  for (Sent& one : all) one.upload = service->openUpload();
  for (const std::size_t size : kPieces) {
    for (std::size_t i = 0; i < all.size(); ++i) {
      const std::string piece(size, static_cast<char>('a' + i));
      all[i].bytes += piece + std::to_string(size);
      const auto taken = await<bool>([&](auto done) {
        all[i].upload->append(piece + std::to_string(size), [done](Status status) {
          done(status.ok() ? Result<bool>(true) : Result<bool>(status.error()));
        });
      });
      ASSERT_TRUE(taken.ok()) << taken.error().text();
    }
  }
  for (Sent& one : all) {
    PushRequest request;
    request.filename = "large";
    request.content = std::move(one.upload);
    const auto pushed = push(std::move(request));
    ASSERT_TRUE(pushed.ok()) << pushed.error().text();
    EXPECT_EQ(pushed->checksum, sha256Hex(one.bytes));
    EXPECT_TRUE(read(pushed->id)->bytes == one.bytes);
  }
  expectSound();
}

}  // namespace
}  // namespace tutti::documents
