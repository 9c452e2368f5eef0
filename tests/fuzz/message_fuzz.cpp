// Any bytes as a client's input on stdio: every answer is one line of valid JSON-RPC, no request
// stays in flight without a reason, and how the bytes are cut into blocks changes nothing.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "server/mcp/connection.hpp"
#include "tests/fuzz/lines.hpp"
#include "tests/fuzz/require.hpp"
#include "tests/mcp/fixture.hpp"

namespace tutti::fuzz {
namespace {

constexpr std::size_t kLineBytesMax = 64U * 1024;
/// Above what `blob` is asked for there is nothing to learn and much memory to lose.
constexpr std::size_t kInputBytesMax = 32U * 1024;

struct Answers final : mcp::Exchange {
  void notify(std::string frame) override { check(std::move(frame)); }
  void reply(std::string frame, int) override { check(std::move(frame)); }
  void abandon() override {}

  void check(std::string frame) {
    require(frame.find('\n') == std::string::npos, "an answer is one line", frame);
    const Json value = Json::parse(frame, nullptr, /*allow_exceptions=*/false);
    const bool batch = value.is_array() && !value.empty();
    require(value.is_object() || batch, "an answer is JSON", frame);
    const Json& first = batch ? value.front() : value;
    require(first.is_object() && first.value("jsonrpc", "") == "2.0", "an answer is JSON-RPC",
            frame);
    frames.push_back(std::move(frame));
  }
  std::vector<std::string> frames;
};

/// Compiling the tools' schemas costs more than all the rest: one server for every input.
struct Served {
  Served() { addTools(); }
  void addTools();
  mcp::Server server{fixture::options()};
};

void Served::addTools() {
  const auto must = [](const Status& status) { require(status.ok(), "the fixture's tools load"); };
  must(server.addTool(fixture::echoTool(), fixture::echo));
  must(server.addTool({"fail", "", "Fails.", R"({"type":"object"})", "", {}},
                      [](std::shared_ptr<mcp::ToolCall> call) {
                        call->progress(1, 2, "half");
                        call->finish(Error(Code::NotFound, "nothing there", "look elsewhere"));
                      }));
}

std::vector<std::string> converse(std::string_view bytes, std::size_t block) {
  static Served served;
  const auto answers = std::make_shared<Answers>();
  mcp::Connection connection(served.server, answers, {});
  readLines(
      bytes, block, kLineBytesMax, [&](std::string_view line) { connection.receive(line); },
      [&] { connection.receiveOversized(kLineBytesMax); });
  require(connection.idle(), "nothing stays in flight when every tool has finished");
  connection.close();
  return std::move(answers->frames);
}

}  // namespace
}  // namespace tutti::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > tutti::fuzz::kInputBytesMax) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto whole = tutti::fuzz::converse(bytes, bytes.size() + 1);
  const auto cut = tutti::fuzz::converse(bytes, 1U + data[0]);
  tutti::fuzz::require(whole == cut, "blocks do not change what is answered");
  return 0;
}
