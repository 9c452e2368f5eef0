// Any bytes as what a server sends, on a pipe or as an event stream: every request of the client
// ends once and only once, what the client sends is JSON-RPC, the bounds hold, and how the bytes
// are cut into blocks changes nothing.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "server/base/log.hpp"
#include "server/transport/sse_reader.hpp"
#include "tests/fuzz/lines.hpp"
#include "tests/fuzz/require.hpp"
#include "tests/mcp/client_fakes.hpp"

namespace tutti::fuzz {
namespace {
using mcp::client::Client;
using mcp::client::Question;

constexpr std::size_t kInputBytesMax = 32U * 1024;
constexpr std::size_t kMessageBytesMax = 8U * 1024;
constexpr std::size_t kRequests = 4;

/// How an input is played, by the bits of its first byte.
struct Play {
  explicit Play(std::uint8_t bits)
      : events((bits & 1U) != 0), handshake((bits & 2U) != 0), modern((bits & 4U) != 0) {}
  bool events;     ///< the bytes are an event stream, not lines
  bool handshake;  ///< it is over before the bytes come
  bool modern;     ///< which one that was
};

/// Answers the first question, refuses the second, lets go of the third, keeps the fourth, …
struct Owner final : mcp::client::Events {
  void onReady() override { ++ready; }
  void onLost(const Error& error) override {
    ++lost;
    told += "lost " + error.text() + "\n";
  }
  void onAsked(std::shared_ptr<Question> question) override {
    told += "asked " + std::to_string(question->cause()) + question->params().dump() + "\n";
    question->onWithdrawn([this] { ++withdrawn; });
    const int turn = asked++ % 4;
    if (turn == 0) question->answer({{"action", "accept"}});
    if (turn == 1) question->refuse(Error(Code::FailedPrecondition, "not now"));
    if (turn == 3) kept.push_back(std::move(question));
  }
  void onListChanged(mcp::client::ListKind) override { told += "changed\n"; }
  void onResourceUpdated(const std::string& uri) override { told += "updated " + uri + "\n"; }
  void onElicitationComplete(const std::string& id) override { told += "visited " + id + "\n"; }
  void onLog(const mcp::client::LogRecord& record) override { told += "log " + record.level; }

  int ready = 0;
  int lost = 0;
  int asked = 0;
  int withdrawn = 0;
  std::string told;
  std::vector<std::shared_ptr<Question>> kept;
};

/// A client with requests under way, and all that came of them.
class Conversation {
 public:
  explicit Conversation(Play play) {
    auto options = mcp::client::allOptions();
    options.message_bytes_max = kMessageBytesMax;
    options.pages_max = 8;
    options.garbage_max = 16;
    client_ = std::make_unique<Client>(channel_, options, owner_);
    client_->start();
    if (play.handshake) shakeHands(play.modern);
    askForAll();
  }

  Client& client() { return *client_; }

  /// What was sent, told and answered, once everything has ended.
  std::string end() {
    client_->tick();
    client_->lost(Error(Code::Unavailable, "the bytes are over"));
    require(client_->inFlight() == 0, "nothing is in flight on a lost connection");
    require(owner_.lost == 1, "a loss is told once");
    require(owner_.ready <= 1, "a client becomes ready once");
    owner_.kept.clear();
    client_.reset();
    for (const int ended : ended_) require(ended == 1, "a request ends once");
    std::string all = std::move(owner_.told);
    for (const auto& message : channel_.sent) {
      const Json value = Json::parse(message.text, nullptr, /*allow_exceptions=*/false);
      require(value.is_object() && value.value("jsonrpc", "") == "2.0", "JSON-RPC is sent",
              message.text);
      require(message.text.find('\n') == std::string::npos, "a message is one line", message.text);
      all += message.text + "\n";
    }
    return all;
  }

 private:
  void shakeHands(bool modern) {
    if (modern)
      return client_->receive(
          R"({"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","supportedVersions":)"
          R"(["2026-07-28"],"capabilities":{"tools":{"listChanged":true},"resources":{},)"
          R"("prompts":{}}}})");
    client_->receive(R"({"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no"}})");
    client_->receive(
        R"({"jsonrpc":"2.0","id":2,"result":{"protocolVersion":"2025-11-25","capabilities":)"
        R"({"tools":{},"resources":{},"prompts":{}},"serverInfo":{"name":"s","version":"1"}}})");
    require(client_->ready(), "the handshake is good");
  }

  void askForAll() {
    mcp::client::CallOptions options;
    options.on_progress = [this](const mcp::client::Progress& progress) {
      owner_.told += "progress " + std::to_string(progress.value) + progress.message + "\n";
    };
    client_->call({"echo", {{"text", "hi"}}}, options, done(0));
    client_->readResource("test://a", {}, done(1));
    client_->getPrompt("p", Json::object(), {}, done(2));
    client_->list(mcp::client::ListKind::Tools, [this](const auto& entries) {
      ++ended_[3];
      owner_.told += entries.ok() ? "listed " + std::to_string(entries->size())
                                  : "unlisted " + entries.error().text();
    });
  }

  mcp::client::Done done(std::size_t which) {
    return [this, which](const Result<mcp::client::Reply>& reply) {
      ++ended_[which];
      owner_.told += reply.ok() ? "reply " + reply->text : "error " + reply.error().text();
    };
  }

  mcp::client::FakeChannel channel_;
  Owner owner_;
  std::array<int, kRequests> ended_{};
  std::unique_ptr<Client> client_;
};

void readLines(Client& client, std::string_view bytes, std::size_t block) {
  fuzz::readLines(
      bytes, block, kMessageBytesMax, [&](std::string_view line) { client.receive(line); },
      [&] { client.receiveOversized(); });
}

/// An event's id stands for the request on whose stream it comes.
void readEvents(Client& client, std::string_view bytes, std::size_t block) {
  transport::SseReader events(kMessageBytesMax, [&client](const transport::SseEvent& event) {
    require(event.data.size() <= kMessageBytesMax, "event_bytes_max holds");
    client.receive(event.data, event.id.value_or(""));
  });
  while (!bytes.empty()) {
    const std::size_t size = std::min(bytes.size(), block);
    if (!events.read(bytes.substr(0, size))) return;
    bytes.remove_prefix(size);
  }
}

std::string converse(Play play, std::string_view bytes, std::size_t block) {
  Conversation conversation(play);
  if (play.events)
    readEvents(conversation.client(), bytes, block);
  else
    readLines(conversation.client(), bytes, block);
  return conversation.end();
}

}  // namespace
}  // namespace tutti::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2 || size > tutti::fuzz::kInputBytesMax) return 0;
  tutti::log::configure(tutti::log::Level::Off);
  const tutti::fuzz::Play play(data[0]);
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  const auto whole = tutti::fuzz::converse(play, bytes, bytes.size() + 1);
  const auto cut = tutti::fuzz::converse(play, bytes, 1U + data[1]);
  tutti::fuzz::require(whole == cut, "blocks do not change what comes of it", whole);
  return 0;
}
