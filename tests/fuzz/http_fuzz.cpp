// Any bytes as a client's input on a TCP connection: requests end where they end however the bytes
// arrive, and every request that is understood gets a status and a body that is JSON.
#include <cstddef>
#include <cstdint>

#include "server/mcp/http/guard.hpp"
#include "server/transport/http_reader.hpp"
#include "tests/fuzz/require.hpp"
#include "tests/mcp/http_fixture.hpp"

namespace tutti::fuzz {
namespace {

constexpr std::size_t kInputBytesMax = 32U * 1024;
constexpr std::size_t kRequestsMax = 64;
constexpr transport::ReaderLimits kLimits{8U * 1024, 16U * 1024};

/// What of a request the answer depends on.
struct Seen {
  std::string method;
  std::string target;
  std::string body;
  bool keep_alive = false;
  bool operator==(const Seen&) const = default;
};

/// The requests in `bytes`, which arrive in blocks of that size, up to the first that is refused.
/// When a refusal comes may depend on the blocks, as a head is looked at before it is whole.
template <class Handle>
std::vector<Seen> readAll(std::string_view bytes, std::size_t block, const Handle& handle) {
  transport::HttpReader reader(kLimits);
  std::vector<Seen> all;
  std::size_t arrived = 0;
  std::size_t done = 0;
  while (all.size() < kRequestsMax) {
    const auto step = reader.consume(bytes.substr(done, arrived - done));
    require(step.consumed <= arrived - done, "no byte is consumed that has not come");
    done += step.consumed;
    if (step.state == transport::HttpReader::State::Failed) {
      require(reader.errorStatus() >= 400, "a refusal has a status", reader.errorText());
      break;
    }
    if (step.state == transport::HttpReader::State::Complete) {
      const auto& request = reader.request();
      require(request.body.size() <= kLimits.body_bytes_max, "body_bytes_max holds");
      all.push_back({std::string(request.method), std::string(request.target),
                     std::string(request.body), reader.keepAlive()});
      handle(request);
      if (!reader.keepAlive()) break;
      reader.reset();
      continue;
    }
    if (arrived == bytes.size()) break;
    arrived = std::min(bytes.size(), arrived + block);
  }
  return all;
}

/// Compiling the tools' schemas costs more than all the rest: one server for every input. What a
/// client leaves behind is in its endpoint.
struct Served {
  Served() { fixture::addTools(server, held); }
  fixture::Held held;
  mcp::Server server{fixture::options()};
};

void answer(Served& served, mcp::http::Endpoint& endpoint, const mcp::http::HttpRequest& request) {
  if (request.contradictory()) return;
  if (mcp::http::Guard({}, {}).refusal(request)) return;
  if (request.body.find("blob") != request.body.npos) return;  // asks for as much as it likes
  const auto reply = std::make_shared<fixture::RecordedReply>();
  endpoint.handle(request, reply);
  while (!served.held.calls.empty()) served.held.finishOne();
  if (!reply->done && !reply->stream) return;
  require(reply->status >= 200 && reply->status < 600, "an answer has a status");
  if (!reply->body.empty()) require(Json::accept(reply->body), "a body is JSON", reply->body);
  for (const std::string& event : reply->events)
    require(Json::accept(event), "an event is JSON", event);
}

}  // namespace
}  // namespace tutti::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tutti::fuzz;
  if (size == 0 || size > kInputBytesMax) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  static Served served;
  tutti::mcp::http::Endpoint endpoint(served.server, {});
  const auto whole = readAll(bytes, bytes.size() + 1,
                             [&](const auto& request) { answer(served, endpoint, request); });
  const auto cut = readAll(bytes, 1U + data[0], [](const tutti::mcp::http::HttpRequest&) {});
  require(whole == cut, "how the bytes arrive does not change what they mean");
  return 0;
}
