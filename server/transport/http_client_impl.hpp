// What HttpClient's sources share.
#pragma once

#include <boost/asio/io_context.hpp>
#include <deque>
#include <map>
#include <optional>

#include "server/mcp/client/client.hpp"
#include "server/transport/http_client.hpp"
#include "server/transport/http_request.hpp"
#include "server/transport/old_sse.hpp"
#include "server/transport/sse_reader.hpp"
#include "server/transport/wakeup.hpp"

namespace tutti::transport {

struct HttpClient::Impl : std::enable_shared_from_this<HttpClient::Impl> {
  /// One message of ours and what comes back for it, over however many connections that takes.
  struct Exchange {
    mcp::client::Outgoing message;
    bool listening = false;  ///< the stream for what belongs to no request
    std::shared_ptr<HttpRequest> http;
    HttpTold::Head head;
    std::string body;
    std::shared_ptr<SseReader> events;
    std::string last_event_id;
    int resumes = 0;  ///< in a row without an event
    int polls = 0;    ///< in a row without a message
    std::int64_t began_ms = 0;
    std::optional<std::int64_t> retry_ms;
    std::int64_t resume_at_ms = 0;  ///< 0: not waiting
  };
  using Key = std::uint64_t;

  Impl(boost::asio::io_context& given, std::shared_ptr<HttpLinks> where, HttpClientOptions chosen)
      : io(given),
        links(std::move(where)),
        options(std::move(chosen)),
        tick(given, [this] { onTick(); }),
        resume(given, [this] { onResume(); }) {}

  void begin(mcp::client::Outgoing message);
  void request(Key key, std::string method);
  std::vector<std::pair<std::string, std::string>> headersOf(const Exchange& exchange) const;
  void onHead(Key key, const HttpTold::Head& head);
  void onBody(Key key, std::string_view bytes);
  void onEvent(Key key, SseEvent event);
  void onEnd(Key key, const Status& status);
  void refused(Key key);
  std::int64_t pauseOf(Exchange& exchange) const;
  void streamEnded(Key key, const Status& status);
  void give(std::string_view text, const rpc::Id& id) const;
  void fail(Key key, int status, Error error);
  void openOld();
  void tryOld(Key key, int status, Error refused);
  void onEndpoint(std::string target);
  void onOldEnd(const Error& why);
  void release();
  void letGo();
  void onTick() const {
    if (client != nullptr) client->tick();
  }
  void onResume();
  void armResume();
  void stop();
  Exchange* find(Key key) {
    const auto found = exchanges.find(key);
    return found == exchanges.end() ? nullptr : &found->second;
  }

  boost::asio::io_context& io;
  const std::shared_ptr<HttpLinks> links;
  const HttpClientOptions options;
  Wakeup tick;
  Wakeup resume;
  mcp::client::Client* client = nullptr;
  std::map<Key, Exchange> exchanges;
  Key last_key = 0;
  std::string session_id;
  std::string revision;  // settled by a legacy handshake
  std::deque<mcp::client::Outgoing>
      held;                    // until the server has taken `initialized` and the stream is there
  std::optional<Key> holding;  // the exchange that they wait for
  std::int64_t hold_until_ms = Wakeup::kNever;
  bool listen_when_released = false;

  // HTTP+SSE: everything of the server comes on this stream.
  std::shared_ptr<OldSse> old;  // null: streamable HTTP
  std::string old_target;       // empty until it is told
  struct Refused {
    rpc::Id id;
    int status;
    Error error;
  };
  std::optional<Refused> first_refused;  // what becomes of `initialize` if the server is not old
};

inline bool isSuccess(int status) {
  return status >= 200 && status < 300;
}

}  // namespace tutti::transport
