// Large contents: bounded memory, clients that leave, stall or send too much.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <thread>

#include "server/base/digest.hpp"
#include "tests/rest/documents_server.hpp"

namespace tutti::rest {
namespace {

constexpr std::size_t kLargeBytes = 64U << 20;
constexpr std::size_t kBlockBytes = 1U << 20;

/// A block that differs from every other.
std::string block(std::size_t number) {
  std::string bytes(kBlockBytes, '\0');
  std::uint64_t state = number * 0x9E3779B97F4A7C15U + 1;
  for (char& byte : bytes) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    byte = static_cast<char>(state >> 56);
  }
  return bytes;
}

// AddressSanitizer keeps what was freed for a while, so that it says nothing of memory in use.
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TUTTI_KEEPS_FREED_MEMORY
#endif
#endif
#ifdef TUTTI_KEEPS_FREED_MEMORY
constexpr bool kMemoryTold = false;
#else
constexpr bool kMemoryTold = true;
#endif

/// This process's memory that is not of files, in bytes.
std::size_t memoryBytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("RssAnon:")) return std::stoul(line.substr(8)) * 1024;
  return 0;
}

std::size_t filesBelow(const std::filesystem::path& folder) {
  std::size_t count = 0;
  std::error_code none;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder, none))
    count += entry.is_regular_file(none) && entry.file_size(none) > 0 ? 1 : 0;
  return count;
}

class StreamsTest : public ::testing::Test {
 protected:
  /// Sends the head of a PUT of `size` bytes.
  void beginPut(fixture::HttpClient& client, const std::string& id, std::size_t size) const {
    client.send("PUT /documents/" + id +
                "/content HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(size) +
                "\r\n\r\n");
  }

  DocumentsServer server;
};

TEST_F(StreamsTest, ALargeContentGoesInAndOutInBoundedMemory) {
  const std::string id = server.pushed("large.bin", "", "application/octet-stream");
  const std::size_t before = memoryBytes();
  std::size_t most = before;
  fixture::HttpClient client(server.port());
  beginPut(client, id, kLargeBytes);
  for (std::size_t sent = 0; sent < kLargeBytes; sent += kBlockBytes) {
    ASSERT_TRUE(client.send(block(sent / kBlockBytes)));
    most = std::max(most, memoryBytes());
  }
  const Told put = DocumentsServer::told(client.answer());
  ASSERT_EQ(put.status, 200) << put.body;
  EXPECT_EQ(put.json["size_bytes"], kLargeBytes);
  client.send("GET /documents/" + id + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
  client.readUntil("\r\n\r\n");
  for (std::size_t read = 0; read < kLargeBytes; read += kBlockBytes) {
    ASSERT_EQ(client.read(kBlockBytes), block(read / kBlockBytes)) << read;
    most = std::max(most, memoryBytes());
  }
  if (kMemoryTold) {
    EXPECT_LT(most - before, 24U << 20);
  }
  const Told range = server.get("/documents/" + id, {{"Range", "bytes=5242880-5242889"}});
  EXPECT_EQ(range.body, block(5).substr(0, 10));
}

TEST_F(StreamsTest, ALargeFormIsStoredAsItIs) {
  std::string content;
  for (std::size_t number = 0; number < 5; ++number) content += block(number);
  content += "\r\n--X\r\n";
  const Told made = server.push("large.bin", content, "application/octet-stream");
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(made.json["size_bytes"], content.size());
  EXPECT_EQ(server.get("/documents/" + made.json.value("id", "")).body, content);
}

TEST_F(StreamsTest, AnUploadThatIsCutOffLeavesNothing) {
  const std::string id = server.pushed("a.bin", "old", "application/octet-stream");
  const std::size_t files = filesBelow(server.folder() / "documents");
  {
    fixture::HttpClient client(server.port());
    beginPut(client, id, kLargeBytes);
    for (std::size_t number = 0; number < 8; ++number) client.send(block(number));
    client.finishSending();
    client.readAll();  // to the end that the server makes of it
  }
  {
    fixture::HttpClient client(server.port());
    const std::string form = DocumentsServer::form("b.bin", block(1) + block(2), "", {});
    client.send(DocumentsServer::request("POST", "/documents", form,
                                         {{"Content-Type", "multipart/form-data; boundary=XX"}})
                    .substr(0, form.size() / 2));
    client.finishSending();
    client.readAll();
  }
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (filesBelow(server.folder() / "documents") != files &&
         std::chrono::steady_clock::now() < deadline)
    server.get("/documents");
  EXPECT_EQ(filesBelow(server.folder() / "documents"), files);
  EXPECT_EQ(server.get("/documents/" + id).body, "old");
  EXPECT_EQ(server.get("/documents").json.size(), 1U);
}

TEST_F(StreamsTest, AFormThatEndsTooEarlyIsRefused) {
  const Told told = server.ask(
      "POST", "/documents",
      "--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nhalf",
      {{"Content-Type", "multipart/form-data; boundary=XX"}});
  EXPECT_EQ(told.status, 400);
  EXPECT_EQ(told.detail(), quote("the body ends before its last boundary"));
  EXPECT_EQ(server.get("/documents").json, Json::array());
}

TEST_F(StreamsTest, AReaderThatStallsCostsLittleAndStopsNobody) {
  const std::string id = server.pushed("large.bin", "", "application/octet-stream");
  fixture::HttpClient writer(server.port());
  beginPut(writer, id, kLargeBytes);
  for (std::size_t number = 0; number < kLargeBytes / kBlockBytes; ++number)
    writer.send(block(number));
  ASSERT_EQ(writer.answer().status, 200);
  const std::size_t before = memoryBytes();
  std::vector<std::unique_ptr<fixture::HttpClient>> stalled;
  for (int count = 0; count < 4; ++count) {
    stalled.push_back(std::make_unique<fixture::HttpClient>(server.port()));
    stalled.back()->send("GET /documents/" + id + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
    stalled.back()->readUntil("\r\n\r\n");
  }
  for (int again = 0; again < 50; ++again) EXPECT_EQ(server.get("/documents").status, 200);
  if (kMemoryTold) {
    EXPECT_LT(memoryBytes() - std::min(before, memoryBytes()), 24U << 20);
  }
  EXPECT_EQ(stalled.back()->read(kBlockBytes), block(0)) << "and goes on when it reads";
}

TEST_F(StreamsTest, AContentAboveTheLimitIs413AndLeavesTheOldOne) {
  documents::ServiceOptions options;
  options.document_bytes_max = 3U << 20;
  const DocumentsServer limited({}, options);
  const std::string id = limited.pushed("a.md", "old");
  fixture::HttpClient client(limited.port());
  beginPut(client, id, 8U << 20);
  for (std::size_t number = 0; number < 8; ++number)
    if (!client.send(block(number))) break;
  const Told told = DocumentsServer::told(client.answer());
  EXPECT_EQ(told.status, 413) << told.body;
  EXPECT_EQ(told.json["code"], "document_bytes_max");
  EXPECT_EQ(limited.get("/documents/" + id).body, "old");
}

TEST_F(StreamsTest, ADocumentThatIsNotThereIsSaidBeforeItsContentHasCome) {
  fixture::HttpClient client(server.port());
  beginPut(client, "doc_000000000000000000000000", std::size_t{1} << 40);
  const Told told = DocumentsServer::told(client.answer());
  EXPECT_EQ(told.status, 404);
  EXPECT_EQ(told.detail(), quote("Document not found"));
}

TEST_F(StreamsTest, ManyUploadsAtOnceAllArrive) {
  std::vector<std::thread> clients;
  std::atomic<int> made{0};
  for (int client = 0; client < 8; ++client)
    clients.emplace_back([this, client, &made] {
      for (std::size_t number = 0; number < 10; ++number) {
        const std::string content = block(static_cast<std::size_t>(client) * 100 + number);
        const Told told = server.push("c.bin", content, "application/octet-stream");
        if (told.status != 201) continue;
        if (server.get("/documents/" + told.json.value("id", "")).body == content) ++made;
      }
    });
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(made, 80);
}

}  // namespace
}  // namespace tutti::rest
