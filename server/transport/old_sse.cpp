#include "server/transport/old_sse.hpp"

#include <boost/asio/io_context.hpp>

#include "server/base/text.hpp"
#include "server/transport/http_request.hpp"
#include "server/transport/sse_reader.hpp"
#include "server/transport/wakeup.hpp"

namespace tutti::transport {
namespace {

Error badEndpoint(std::string_view endpoint) {
  constexpr std::size_t kShownMax = 200;
  return Error(Code::Internal, "the server says to POST to '" +
                                   shortened(std::string(endpoint), kShownMax) +
                                   "', which is not on the same server")
      .named("bad_endpoint");
}

class Stream final : public OldSse, public std::enable_shared_from_this<Stream> {
 public:
  Stream(boost::asio::io_context& io, std::shared_ptr<HttpLinks> links, OldSseOptions options,
         OldSseTold told)
      : links_(std::move(links)),
        options_(std::move(options)),
        told_(std::move(told)),
        reader_(options_.message_bytes_max, [this](const SseEvent& event) { onEvent(event); }),
        late_(io, [this] {
          end(Error(Code::Unavailable, "the server does not say where to POST")
                  .named("no_endpoint"));
        }) {}

  void start(boost::asio::io_context& io) {
    HttpCall call;
    call.method = "GET";
    call.headers = options_.headers;
    call.headers.emplace_back("Accept", "text/event-stream");
    call.connect_max_ms = options_.connect_max_ms;
    call.answer_max_ms = options_.endpoint_max_ms;
    late_.at(steadyMs() + options_.endpoint_max_ms);
    const std::weak_ptr<Stream> weak = weak_from_this();
    HttpTold told;
    told.on_head = [weak](const HttpTold::Head& head) {
      if (const auto self = weak.lock()) self->onHead(head);
    };
    told.on_body = [weak](std::string_view bytes) {
      const auto self = weak.lock();
      if (self && !self->reader_.read(bytes))
        self->end(Error(Code::ResourceExhausted, "a message is larger than message_bytes_max")
                      .named("message_bytes_max"));
    };
    told.on_end = [weak](const Status& status) {
      const auto self = weak.lock();
      if (self && !status.ok()) return self->end(status.error());
      if (self)
        self->end(
            Error(Code::Unavailable, "the server ended its event stream").named("stream_ended"));
    };
    http_ = HttpRequest::start(io, links_, std::move(call), std::move(told));
  }

  void close() override {
    told_ = {};
    late_.stop();
    if (http_) http_->abort();
  }

 private:
  void onHead(const HttpTold::Head& head) {
    constexpr int kOk = 200;
    if (head.status == kOk && head.content_type == "text/event-stream") return;
    end(Error(Code::Unavailable,
              "the server has no event stream there: HTTP status " + std::to_string(head.status))
            .named("no_endpoint"));
  }

  void onEvent(const SseEvent& event) {
    const auto kept = shared_from_this();
    if (event.name == "endpoint") {
      const auto tell = std::exchange(told_.on_endpoint, nullptr);
      if (!tell) return;  // said already
      auto target = endpointTarget(links_->address(), event.data);
      if (!target.ok()) return end(target.error());
      late_.at(Wakeup::kNever);
      settled_ = true;
      return tell(std::move(*target));
    }
    const bool is_message = event.name.empty() || event.name == "message";
    const auto tell = told_.on_message;
    if (settled_ && is_message && !event.data.empty() && tell) tell(event.data);
  }

  void end(const Error& why) {
    const auto kept = shared_from_this();
    const auto tell = told_.on_end;
    close();
    if (tell) tell(why);
  }

  const std::shared_ptr<HttpLinks> links_;
  const OldSseOptions options_;
  OldSseTold told_;
  SseReader reader_;
  Wakeup late_;
  std::shared_ptr<HttpRequest> http_;
  bool settled_ = false;
};

}  // namespace

std::shared_ptr<OldSse> OldSse::open(boost::asio::io_context& io, std::shared_ptr<HttpLinks> links,
                                     OldSseOptions options, OldSseTold told) {
  auto stream = std::make_shared<Stream>(io, std::move(links), std::move(options), std::move(told));
  stream->start(io);
  return stream;
}

Result<std::string> endpointTarget(const HttpAddress& base, std::string_view endpoint) {
  if (endpoint.empty() || endpoint.find_first_of(" \r\n\t") != endpoint.npos)
    return badEndpoint(endpoint);
  if (endpoint.find("://") < endpoint.find_first_of("/?")) {
    const auto address = HttpAddress::parse(endpoint);
    if (!address.ok() || address->origin() != base.origin()) return badEndpoint(endpoint);
    return address->target;
  }
  if (endpoint.starts_with("//")) return badEndpoint(endpoint);
  endpoint = endpoint.substr(0, endpoint.find('#'));
  const std::string path = base.target.substr(0, base.target.find('?'));
  if (endpoint.starts_with('/')) return std::string(endpoint);
  if (endpoint.starts_with('?')) return path + std::string(endpoint);
  return path.substr(0, path.rfind('/') + 1) + std::string(endpoint);
}

}  // namespace tutti::transport
