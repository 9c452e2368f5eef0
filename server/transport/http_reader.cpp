#include "server/transport/http_reader.hpp"

#include <array>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/optional.hpp>
#include <optional>
#include <string>

#include "server/transport/http_routes.hpp"

namespace tutti::transport {
namespace {

namespace http = boost::beast::http;
/// "0", and two line ends. Beast takes for granted that so much is there when it looks for the end
/// of a chunked body a second time, and less never completes one.
constexpr std::size_t kLastChunkBytes = 5;
using boost::beast::error_code;
using BeastView = boost::beast::string_view;
using mcp::http::Header;

/// A piece of text_, which may move while it grows.
struct Slice {
  std::size_t at = 0;
  std::size_t size = 0;
};

struct HeaderSlice {
  Header name;
  Slice value;
};

class Parser final : public http::basic_parser<true> {
 public:
  Parser(const ReaderLimits& limits, const HttpRoutes* routes)
      : header_bytes_max_(limits.header_bytes_max), routes_(routes) {
    header_limit(static_cast<std::uint32_t>(limits.header_bytes_max));
    body_limit(limits.body_bytes_max);
    eager(true);
  }

  mcp::http::HttpRequest request() const {
    mcp::http::HttpRequest request;
    request.method = view(method_);
    request.target = view(target_);
    if (service == nullptr) request.body = *body;
    for (std::size_t i = 0; i < header_count_; ++i)
      request.setHeader(headers_[i].name, view(headers_[i].value));
    for (const auto& [name, value] : parameters_) request.addParameter(view(name), view(value));
    return request;
  }

  std::vector<HttpField> fields() const {
    std::vector<HttpField> all;
    all.reserve(fields_.size());
    for (const auto& [name, value] : fields_) all.push_back({view(name), view(value)});
    return all;
  }

  bool mayEndInChunks() const { return header_done && chunked(); }

  std::string* body = nullptr;
  HttpService* service = nullptr;
  bool head_told = false;
  bool http11 = true;
  bool expects_continue = false;
  bool header_done = false;
  bool unknown_coding = false;
  bool faulty_framing = false;

 private:
  std::string_view view(Slice slice) const {
    return std::string_view(text_).substr(slice.at, slice.size);
  }
  Slice keep(BeastView text) {
    const Slice slice{text_.size(), text.size()};
    text_.append(text.data(), text.size());
    return slice;
  }

  void on_request_impl(http::verb, BeastView method, BeastView target, int version,
                       error_code&) override {
    text_.reserve(512);
    method_ = keep(method);
    target_ = keep(target);
    http11 = version >= 11;
    if (routes_ != nullptr) service = routes_->find({target.data(), target.size()});
    if (service != nullptr) body_limit(boost::none);
  }
  void on_response_impl(int, BeastView, int, error_code&) override {}

  void on_field_impl(http::field field, BeastView name, BeastView value, error_code& ec) override {
    if (header_done) return;  // a trailer says nothing that counts
    if (field == http::field::transfer_encoding) {
      faulty_framing = faulty_framing || !http11;
      unknown_coding = unknown_coding || !boost::beast::iequals(value, "chunked");
      if (unknown_coding || faulty_framing) ec = http::error::bad_transfer_encoding;
      return;
    }
    if (field == http::field::expect) {
      expects_continue = http11 && boost::beast::iequals(value, "100-continue");
      return;
    }
    if (service != nullptr) return keepForService(name, value, ec);
    const auto known = mcp::http::headerNamed({name.data(), name.size()});
    const bool parameter = !known && mcp::http::isParameterHeader({name.data(), name.size()});
    if (!known && !parameter) return;
    if (parameter) {
      if (parameters_.size() == kParametersMax)
        ec = http::error::header_limit;
      else
        parameters_.emplace_back(keep(name), keep(value));
      return;
    }
    if (header_count_ == headers_.size() || text_.size() + value.size() > header_bytes_max_) {
      ec = http::error::header_limit;
      return;
    }
    headers_[header_count_++] = {*known, keep(value)};
  }
  /// Services see every header. Those that the guards look at are known as ever.
  void keepForService(BeastView name, BeastView value, error_code& ec) {
    if (fields_.size() == kFieldsMax) {
      ec = http::error::header_limit;
      return;
    }
    const auto& field = fields_.emplace_back(keep(name), keep(value));
    const auto known = mcp::http::headerNamed({name.data(), name.size()});
    if (!known) return;
    if (header_count_ == headers_.size())
      ec = http::error::header_limit;
    else
      headers_[header_count_++] = {*known, field.second};
  }
  void on_header_impl(error_code&) override { header_done = true; }

  void on_body_init_impl(const boost::optional<std::uint64_t>& size, error_code&) override {
    // A length is a promise, not a delivery: memory follows what really arrives.
    constexpr std::uint64_t kReserveMax = 64U * 1024;
    if (size) body->reserve(static_cast<std::size_t>(std::min(*size, kReserveMax)));
  }
  std::size_t on_body_impl(BeastView part, error_code&) override {
    body->append(part.data(), part.size());
    return part.size();
  }
  void on_chunk_header_impl(std::uint64_t, BeastView, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, BeastView part, error_code&) override {
    body->append(part.data(), part.size());
    return part.size();
  }
  void on_finish_impl(error_code&) override {}

  static constexpr std::size_t kKnownHeadersMax = 32;
  static constexpr std::size_t kParametersMax = 64;
  static constexpr std::size_t kFieldsMax = 256;
  const std::size_t header_bytes_max_;
  const HttpRoutes* const routes_;
  std::string text_;
  Slice method_;
  Slice target_;
  std::array<HeaderSlice, kKnownHeadersMax> headers_{};
  std::size_t header_count_ = 0;
  std::vector<std::pair<Slice, Slice>> parameters_;  // mcp-param-…: name and value
  std::vector<std::pair<Slice, Slice>> fields_;      // a service's: name and value
};

struct Failure {
  int status = 400;
  std::string_view text = "Bad Request: not valid HTTP";
};

Failure failureFor(const error_code& ec, const Parser& parser) {
  if (ec == http::error::body_limit)
    return {413, "Content Too Large: the body is above body_bytes_max"};
  if (ec == http::error::header_limit)
    return {431, "Request Header Fields Too Large: the header is above header_bytes_max"};
  if (ec == http::error::bad_version) return {505, "HTTP Version Not Supported"};
  if (parser.faulty_framing) return {400, "Bad Request: HTTP/1.0 has no Transfer-Encoding"};
  if (parser.unknown_coding)
    return {501, "Not Implemented: the only Transfer-Encoding known is chunked"};
  if (ec == http::error::bad_transfer_encoding || ec == http::error::bad_content_length)
    return {400, "Bad Request: Content-Length and Transfer-Encoding contradict each other"};
  return {};
}

}  // namespace

struct HttpReader::Impl {
  Impl(const ReaderLimits& given, const HttpRoutes* given_routes)
      : limits(given), routes(given_routes) {}

  const ReaderLimits limits;
  const HttpRoutes* const routes;
  std::optional<Parser> parser;
  std::string body;
  mcp::http::HttpRequest request;
  Failure failure;
};

HttpReader::HttpReader(const ReaderLimits& limits, const HttpRoutes* routes)
    : impl_(std::make_unique<Impl>(limits, routes)) {
  reset();
}
HttpReader::~HttpReader() = default;

void HttpReader::reset() {
  constexpr std::size_t kKeptBytesMax = 64U * 1024;
  if (impl_->body.capacity() > kKeptBytesMax) impl_->body = std::string();
  impl_->body.clear();
  impl_->parser.emplace(impl_->limits, impl_->routes);
  impl_->parser->body = &impl_->body;
}

HttpReader::Step HttpReader::consume(std::string_view bytes) {
  Parser& parser = *impl_->parser;
  Step step;
  if (parser.is_done()) {  // with its head, which was told before
    step.state = State::Complete;
    return step;
  }
  while (step.consumed < bytes.size()) {
    error_code ec;
    const auto rest = bytes.substr(step.consumed);
    if (parser.mayEndInChunks() && rest.size() < kLastChunkBytes) break;
    const std::size_t used = parser.put(boost::asio::const_buffer(rest.data(), rest.size()), ec);
    step.consumed += used;
    if (ec && ec != http::error::need_more) {
      impl_->failure = failureFor(ec, parser);
      step.state = State::Failed;
      return step;
    }
    if (parser.service != nullptr && parser.header_done && !parser.head_told) {
      parser.head_told = true;
      impl_->request = parser.request();
      step.state = State::Head;
      return step;
    }
    if (parser.is_done()) {
      if (parser.service == nullptr) impl_->request = parser.request();
      step.state = State::Complete;
      return step;
    }
    if (ec || used == 0) break;
  }
  // Chunk headers and trailers have no limit of their own in Beast.
  if (bytes.size() - step.consumed > impl_->limits.header_bytes_max) {
    impl_->failure = failureFor(http::error::header_limit, parser);
    step.state = State::Failed;
  }
  return step;
}

bool HttpReader::started() const {
  return impl_->parser->got_some();
}

bool HttpReader::takeExpectsContinue() {
  Parser& parser = *impl_->parser;
  if (!parser.header_done || !parser.expects_continue) return false;
  parser.expects_continue = false;
  return impl_->body.empty();
}

const mcp::http::HttpRequest& HttpReader::request() const {
  return impl_->request;
}
HttpService* HttpReader::service() const {
  return impl_->parser->service;
}
std::vector<HttpField> HttpReader::fields() const {
  return impl_->parser->fields();
}
std::optional<std::uint64_t> HttpReader::contentLength() const {
  const Parser& parser = *impl_->parser;
  if (parser.chunked()) return std::nullopt;
  return parser.content_length().value_or(0);
}
std::string_view HttpReader::body() const {
  return impl_->body;
}
void HttpReader::dropBody() {
  impl_->body.clear();
}
bool HttpReader::keepAlive() const {
  return impl_->parser->keep_alive();
}
bool HttpReader::http11() const {
  return impl_->parser->http11;
}
int HttpReader::errorStatus() const {
  return impl_->failure.status;
}
std::string_view HttpReader::errorText() const {
  return impl_->failure.text;
}

}  // namespace tutti::transport
