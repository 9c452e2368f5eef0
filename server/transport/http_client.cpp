#include "server/transport/http_client.hpp"

#include <nlohmann/json.hpp>

#include "server/json/json.hpp"
#include "server/rpc/codec.hpp"
#include "server/transport/header_value.hpp"
#include "server/transport/http_client_impl.hpp"

namespace tutti::transport {

namespace asio = boost::asio;
using mcp::client::Outgoing;
using Kind = rpc::Message::Kind;

namespace {

constexpr std::string_view kEventStream = "text/event-stream";
constexpr std::size_t kRefusalBytesMax = 64 * 1024;

/// What a server of 2024-11-05 says to a POST where it has its event stream.
bool mayBeOld(int status) {
  constexpr int kBadRequest = 400;
  constexpr int kNotFound = 404;
  constexpr int kNoSuchMethod = 405;
  return status == kBadRequest || status == kNotFound || status == kNoSuchMethod;
}

/// What a refusal without an answer to our message says.
Error refusal(int status, const Json* error) {
  const std::string message = "the server answered with HTTP status " + std::to_string(status);
  if (error != nullptr && error->is_object())
    return Error(Code::Internal, json::stringOr(*error, "message", message))
        .named("server_error")
        .withDetails(json::dump(*error));
  if (status == 401 || status == 403)
    return Error(Code::FailedPrecondition, message, "it wants other credentials: see headers")
        .named("not_authorized");
  return Error(Code::Unavailable, message).named("http_status");
}

}  // namespace

void HttpClient::Impl::begin(Outgoing message) {
  const Key key = ++last_key;
  Exchange& exchange = exchanges[key];
  exchange.message = std::move(message);
  if (exchange.message.method == "notifications/initialized") holding = key;
  request(key, "POST");
}

std::vector<std::pair<std::string, std::string>> HttpClient::Impl::headersOf(
    const Exchange& exchange) const {
  auto headers = options.headers;
  const Outgoing& message = exchange.message;
  const bool get = exchange.listening || exchange.resumes > 0;
  headers.emplace_back("Accept", get ? "text/event-stream" : "application/json, text/event-stream");
  if (!get) headers.emplace_back("Content-Type", "application/json");
  const std::string& settled = message.revision.empty() ? revision : message.revision;
  if (!settled.empty()) headers.emplace_back("MCP-Protocol-Version", settled);
  if (!session_id.empty()) headers.emplace_back("Mcp-Session-Id", session_id);
  if (!exchange.last_event_id.empty())
    headers.emplace_back("Last-Event-ID", exchange.last_event_id);
  if (!message.modern) return headers;
  headers.emplace_back("Mcp-Method", message.method);
  if (!message.name.empty()) headers.emplace_back("Mcp-Name", headerValue(message.name));
  for (const auto& [name, value] : message.header_params)
    headers.emplace_back("Mcp-Param-" + name, headerValue(value));
  return headers;
}

void HttpClient::Impl::request(Key key, std::string method) {
  Exchange& exchange = exchanges.at(key);
  HttpCall call;
  call.headers = headersOf(exchange);
  if (method == "POST") call.body = exchange.message.text;
  call.method = std::move(method);
  if (old) call.target = old_target;
  call.connect_max_ms = options.connect_max_ms;
  constexpr std::int64_t kAcknowledgeMaxMs = 30'000;
  if (exchange.message.kind != Kind::Request && !exchange.listening)
    call.answer_max_ms = kAcknowledgeMaxMs;
  exchange.head = {};
  exchange.body.clear();
  exchange.events.reset();
  exchange.began_ms = steadyMs();
  const std::weak_ptr<Impl> weak = weak_from_this();
  HttpTold told;
  told.on_head = [weak, key](const HttpTold::Head& head) {
    if (const auto self = weak.lock()) self->onHead(key, head);
  };
  told.on_body = [weak, key](std::string_view bytes) {
    if (const auto self = weak.lock()) self->onBody(key, bytes);
  };
  told.on_end = [weak, key](const Status& status) {
    if (const auto self = weak.lock()) self->onEnd(key, status);
  };
  exchange.http = HttpRequest::start(io, links, std::move(call), std::move(told));
}

void HttpClient::Impl::onHead(Key key, const HttpTold::Head& head) {
  Exchange* exchange = find(key);
  if (exchange == nullptr) return;
  exchange->head = head;
  if (exchange->message.method == "initialize" && isSuccess(head.status))
    session_id = head.session_id;
  if (isSuccess(head.status) && head.content_type == kEventStream)
    exchange->events = std::make_shared<SseReader>(
        options.message_bytes_max, [this, key](SseEvent event) { onEvent(key, std::move(event)); });
  if (holding == key) release();
}

void HttpClient::Impl::onBody(Key key, std::string_view bytes) {
  Exchange* exchange = find(key);
  if (exchange == nullptr) return;
  const std::size_t most =
      isSuccess(exchange->head.status) ? options.message_bytes_max : kRefusalBytesMax;
  bool fits = true;
  if (exchange->events != nullptr) {
    const auto reader = exchange->events;  // an event may end the exchange
    fits = reader->read(bytes);
    exchange = find(key);
    if (exchange == nullptr) return;
    if (reader->retryMs()) exchange->retry_ms = reader->retryMs();
  } else {
    fits = exchange->body.size() + bytes.size() <= most;
    if (fits) exchange->body.append(bytes);
  }
  if (fits) return;
  exchange->http->abort();
  fail(key, exchange->head.status,
       Error(Code::ResourceExhausted, "the server's answer is larger than message_bytes_max")
           .named("message_bytes_max"));
}

void HttpClient::Impl::give(std::string_view text, const rpc::Id& id) const {
  if (client != nullptr) client->receive(text, id);
}

void HttpClient::Impl::onEvent(Key key, SseEvent event) {
  Exchange* exchange = find(key);
  if (exchange == nullptr) return;
  exchange->resumes = 0;
  if (event.id) exchange->last_event_id = *event.id;
  if (event.data.empty()) return;  // tells the id only
  exchange->polls = 0;
  const bool listening = exchange->listening;
  const rpc::Id id = listening ? rpc::Id() : exchange->message.id;
  give(event.data, id);
  exchange = find(key);
  if (listening || exchange == nullptr || (client != nullptr && client->awaits(id))) return;
  if (exchange->http) exchange->http->leave();  // that was the answer
  exchanges.erase(key);
}

void HttpClient::Impl::onEnd(Key key, const Status& status) {
  const auto kept = shared_from_this();
  Exchange* exchange = find(key);
  if (exchange == nullptr) return;
  exchange->http.reset();
  if (exchange->events != nullptr || exchange->resumes > 0) return streamEnded(key, status);
  if (!status.ok()) return fail(key, 0, status.error());
  if (!isSuccess(exchange->head.status)) return refused(key);
  if (exchange->listening || exchange->message.kind != Kind::Request || old) {
    exchanges.erase(key);  // of an old server the answer comes on its stream
    return release();
  }
  const rpc::Id id = exchange->message.id;
  const std::string body = std::move(exchange->body);
  const int http_status = exchange->head.status;
  exchanges.erase(key);
  give(body, id);
  // Nothing more will come: a request that still waits never had its answer.
  if (client != nullptr && client->awaits(id))
    client->failed(
        id, {http_status, Error(Code::Internal, "the server's answer is not to what it was asked")
                              .named("invalid_answer")});
}

/// The status is an error's. Its body may say more.
void HttpClient::Impl::refused(Key key) {
  Exchange& exchange = exchanges.at(key);
  const int status = exchange.head.status;
  const bool of_session = status == 404 && !session_id.empty();
  if (exchange.listening || exchange.message.kind != Kind::Request) {
    // Not every server offers a stream (405); and what has no answer has nobody to tell.
    exchanges.erase(key);
    if (of_session && client != nullptr)
      client->lost(
          Error(Code::Unavailable, "the server has ended the session").named("session_lost"));
    return release();
  }
  const rpc::Id id = exchange.message.id;
  const auto body = json::parse(exchange.body);
  const Json* error = body.ok() && body->is_object() ? json::find(*body, "error") : nullptr;
  const Json* its_id = error == nullptr ? nullptr : json::find(*body, "id");
  if (its_id != nullptr && !of_session && rpc::idOf(*its_id) == id) {
    const std::string text = std::move(exchange.body);
    exchanges.erase(key);
    return give(text, id);
  }
  if (of_session && client != nullptr) {
    exchanges.erase(key);
    return client->lost(
        Error(Code::Unavailable, "the server has ended the session").named("session_lost"));
  }
  Error why = refusal(status, error);
  if (exchange.message.method == "initialize" && !old && mayBeOld(status))
    return tryOld(key, status, std::move(why));
  fail(key, status, std::move(why));
}

void HttpClient::Impl::fail(Key key, int status, Error error) {
  const auto found = exchanges.find(key);
  const bool waited_for = !found->second.listening && found->second.message.kind == Kind::Request;
  const rpc::Id id = found->second.message.id;
  exchanges.erase(found);
  if (waited_for && client != nullptr) client->failed(id, {status, std::move(error)});
  release();
}

void HttpClient::Impl::stop() {
  client = nullptr;
  tick.stop();
  resume.stop();
  for (auto& [key, exchange] : exchanges)
    if (exchange.http) exchange.http->abort();
  exchanges.clear();
  held.clear();
  if (old) std::exchange(old, nullptr)->close();
  if (session_id.empty()) return;
  HttpCall call;
  call.method = "DELETE";
  call.headers = options.headers;
  call.headers.emplace_back("Mcp-Session-Id", std::exchange(session_id, {}));
  if (!revision.empty()) call.headers.emplace_back("MCP-Protocol-Version", revision);
  constexpr std::int64_t kGoodbyeMaxMs = 2'000;
  call.connect_max_ms = call.answer_max_ms = kGoodbyeMaxMs;
  HttpRequest::start(io, links, std::move(call), {});  // lives on by itself
}

Result<std::unique_ptr<HttpClient>> HttpClient::create(asio::io_context& io,
                                                       HttpClientOptions options) {
  auto address = HttpAddress::parse(options.url);
  if (!address.ok()) return std::move(address).error();
  HttpLinks::Options kept;
  kept.ca_file = options.ca_file;
  kept.idle_max = options.idle_max;
  kept.idle_ms = options.idle_ms;
  auto links = HttpLinks::create(io, std::move(*address), std::move(kept));
  if (!links.ok()) return std::move(links).error();
  return std::unique_ptr<HttpClient>(
      new HttpClient(std::make_shared<Impl>(io, std::move(*links), std::move(options))));
}

HttpClient::~HttpClient() {
  impl_->stop();
}
void HttpClient::start(mcp::client::Client& client) {
  impl_->client = &client;
  if (impl_->options.old_sse) impl_->openOld();
}
void HttpClient::stop() {
  impl_->stop();
}

void HttpClient::send(Outgoing message) {
  if (impl_->client == nullptr) return;
  if (!message.modern && !message.revision.empty()) impl_->revision = message.revision;
  const bool nowhere_yet = impl_->old && impl_->old_target.empty();
  if (impl_->holding || nowhere_yet) return impl_->held.push_back(std::move(message));
  impl_->begin(std::move(message));
}

void HttpClient::withdraw(const rpc::Id& id) {
  std::erase_if(impl_->held, [&id](const Outgoing& message) {
    return message.kind == Kind::Request && message.id == id;
  });
  for (auto at = impl_->exchanges.begin(); at != impl_->exchanges.end(); ++at) {
    Impl::Exchange& exchange = at->second;
    if (exchange.listening || exchange.message.kind != Kind::Request || exchange.message.id != id)
      continue;
    if (exchange.http) exchange.http->abort();
    impl_->exchanges.erase(at);
    return;
  }
}

void HttpClient::established() {
  impl_->listen_when_released = !impl_->old;
}

std::int64_t HttpClient::nowMs() const {
  return steadyMs();
}
void HttpClient::wakeAt(std::int64_t at_ms) {
  impl_->tick.at(at_ms);
}

}  // namespace tutti::transport
