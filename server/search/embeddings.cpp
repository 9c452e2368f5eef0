#include "server/search/embeddings.hpp"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdlib>
#include <mutex>
#include <optional>

#include "server/search/embeddings_wire.hpp"
#include "server/transport/http_link.hpp"
#include "server/transport/http_request.hpp"
#include "server/transport/tls.hpp"

namespace tutti::search {
namespace {
namespace asio = boost::asio;

std::int64_t steadyNowMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

Error invalidOptions(std::string message, std::string hint) {
  return Error(Code::InvalidArgument, std::move(message), std::move(hint))
      .named("invalid_embeddings");
}

Status check(const EmbeddingsOptions& options) {
  if (options.url.empty())
    return invalidOptions("the embeddings have no url", "configure where the server is");
  if (options.model.empty())
    return invalidOptions("the embeddings have no model", "configure its name");
  if (options.dimensions < 0 || options.dimensions > 8192)
    return invalidOptions("the embeddings' dimensions are " + std::to_string(options.dimensions),
                          "pass 1 to 8192, or 0 for what the model gives");
  if (options.batch_max == 0 || options.batch_max > 2048)
    return invalidOptions("the embeddings' batch is " + std::to_string(options.batch_max),
                          "pass 1 to 2048 texts");
  return ok();
}

/// An event loop with the connections on it. One thread at a time.
struct Wire {
  asio::io_context io{1};
  std::shared_ptr<transport::HttpLinks> links;  // after the loop: goes before it
  bool used = false;                            ///< there may be a connection of an earlier request
};

/// One request and its answer, on a wire. After a failure the wire is not to be used again: there
/// may be something left on its loop.
class Exchange {
 public:
  Exchange(Wire& wire, const EmbeddingsOptions& options, std::size_t count, std::int64_t max_ms)
      : wire_(wire), io_(wire.io), options_(options), count_(count), max_ms_(max_ms) {}

  Result<std::vector<Vector>> run(transport::HttpCall call, const std::stop_token& stop) {
    if (Status ended = exchange(std::move(call), stop); !ended.ok()) return ended.error();
    if (status_ != 200) return embeddingsStatusError(options_, status_);
    return embeddingsAnswer(options_, body_, count_);
  }
  /// The answer came in full, whatever it says.
  bool whole() const { return whole_; }
  /// Nothing came, as when the server has closed a connection that was kept.
  bool nothingCame() const { return status_ == 0 && error_ && isUnreachable(*error_); }

 private:
  static bool isUnreachable(const Error& error) { return error.name() == "embeddings_unreachable"; }

  Status exchange(transport::HttpCall call, const std::stop_token& stop) {
    io_.restart();
    transport::HttpTold told;
    told.on_head = [this](const transport::HttpTold::Head& head) { status_ = head.status; };
    told.on_body = [this](std::string_view bytes) { take(bytes); };
    told.on_end = [this](Status ended) { end(std::move(ended)); };
    // The request's own limit ends with the head of the answer.
    asio::steady_timer timer(io_, std::chrono::milliseconds(max_ms_));
    timer.async_wait([this](boost::system::error_code error) {
      if (!error) fail(late());
    });
    const auto request =
        transport::HttpRequest::start(io_, wire_.links, std::move(call), std::move(told));
    {
      const std::stop_callback stopped(stop, [this] {
        asio::post(io_, [this] { fail(Error(Code::Cancelled, "the search is shutting down")); });
      });
      while (!error_ && !whole_ && io_.run_one() != 0) {
      }
    }
    if (!whole_) request->abort();
    // What is queued on the loop refers to this exchange.
    timer.cancel();
    io_.restart();
    io_.poll();
    if (error_) return *error_;
    if (!whole_) return Error(Code::Internal, "the request ended without an end");
    return ok();
  }

  void fail(Error error) {
    if (!error_ && !whole_) error_ = std::move(error);
  }

  Error late() const {
    return Error(Code::DeadlineExceeded,
                 "the embeddings server gave no answer within " + std::to_string(max_ms_) + " ms",
                 "raise the time limit, lower the batch size, or choose a faster model")
        .named("embeddings_time");
  }

  void take(std::string_view bytes) {
    if (body_.size() + bytes.size() <= options_.answer_bytes_max) {
      body_ += bytes;
      return;
    }
    fail(Error(Code::ResourceExhausted,
               "the embeddings server answered more than " +
                   std::to_string(options_.answer_bytes_max) + " bytes",
               "lower the batch size")
             .named("embeddings_answer_too_large"));
  }

  void end(Status ended) {
    if (ended.ok())
      whole_ = true;
    else
      fail(Error(Code::Unavailable, ended.error().message(), hintFor(ended.error()))
               .named("embeddings_unreachable"));
  }

  static std::string hintFor(const Error& error) {
    return error.name() == "tls_failed"
               ? "name the file with its certificate, or its authority's, by --embeddings-ca-file"
               : "it is tried again later";
  }

  Wire& wire_;
  asio::io_context& io_;
  const EmbeddingsOptions& options_;
  const std::size_t count_;
  const std::int64_t max_ms_;
  int status_ = 0;
  std::string body_;
  bool whole_ = false;
  std::optional<Error> error_;
};
}  // namespace

struct Embeddings::Impl {
  EmbeddingsOptions options;
  transport::HttpAddress address;
  std::string key;
  NowMs now_ms;

  std::mutex wires_mutex;
  std::shared_ptr<transport::TlsClientContext> tls;  // guarded by wires_mutex; null until needed
  std::vector<std::unique_ptr<Wire>> idle;           // guarded by wires_mutex; the last used last

  mutable std::mutex mutex;
  int failures = 0;                  // guarded by mutex: in a row
  std::int64_t paused_until_ms = 0;  // guarded by mutex

  std::int64_t pausedFor() const {
    const std::scoped_lock lock(mutex);
    if (failures < options.failures_max) return 0;
    return std::max<std::int64_t>(0, paused_until_ms - now_ms());
  }

  /// Lets one call through when the pause is over, the others when that one has succeeded.
  std::optional<Error> enter() {
    const std::scoped_lock lock(mutex);
    if (failures < options.failures_max) return std::nullopt;
    const std::int64_t now = now_ms();
    if (now >= paused_until_ms) {
      paused_until_ms = now + options.answer_max_ms;
      return std::nullopt;
    }
    return Error(Code::Unavailable,
                 "the embeddings server failed " + std::to_string(failures) +
                     " times and is left alone for " + std::to_string(paused_until_ms - now) +
                     " ms",
                 "check that it runs; text search works without it")
        .named("embeddings_paused");
  }

  void leave(const Result<std::vector<Vector>>& result) {
    const std::scoped_lock lock(mutex);
    if (result.ok() || isTextsFault(result.error())) {
      failures = 0;
      return;
    }
    if (result.error().code() == Code::Cancelled) {
      paused_until_ms = 0;
      return;
    }
    ++failures;
    const int doublings = std::clamp(failures - options.failures_max, 0, 20);
    paused_until_ms = now_ms() + std::min(options.pause_ms << doublings, options.pause_max_ms);
  }

  /// What is trusted is read once: that takes longer than most requests.
  Status loadTls() {
    if (!address.tls || tls) return ok();
    auto loaded = transport::TlsClientContext::load(options.ca_file);
    if (!loaded.ok()) return loaded.error();
    tls = std::move(*loaded);
    return ok();
  }

  Result<std::unique_ptr<Wire>> takeWire() {
    const std::scoped_lock lock(wires_mutex);
    if (!idle.empty()) {
      auto wire = std::move(idle.back());
      idle.pop_back();
      return wire;
    }
    return newWire();
  }
  Result<std::unique_ptr<Wire>> newWire() {
    if (Status loaded = loadTls(); !loaded.ok()) return loaded.error();
    auto wire = std::make_unique<Wire>();
    transport::HttpLinks::Options links;
    links.tls = tls;
    auto made = transport::HttpLinks::create(wire->io, address, std::move(links));
    if (!made.ok()) return made.error();
    wire->links = std::move(*made);
    return wire;
  }
  void keepWire(std::unique_ptr<Wire> wire) {
    const std::scoped_lock lock(wires_mutex);
    wire->used = true;
    if (idle.size() < options.idle_max) idle.push_back(std::move(wire));
  }
  void dropWires() {
    const std::scoped_lock lock(wires_mutex);
    idle.clear();
  }

  Result<std::vector<Vector>> exchange(const transport::HttpCall& call, std::size_t count,
                                       const std::stop_token& stop, std::int64_t max_ms) {
    for (;;) {
      auto wire = takeWire();
      if (!wire.ok()) return wire.error();
      const bool used = (*wire)->used;
      Exchange one(**wire, options, count, max_ms);
      auto vectors = one.run(call, stop);
      if (one.whole()) keepWire(std::move(*wire));
      if (!used || !one.nothingCame()) return vectors;
      dropWires();  // the others are as old: the next one is new
    }
  }

  Result<std::vector<Vector>> embedBatch(std::span<const std::string> texts,
                                         const std::stop_token& stop, std::int64_t max_ms) {
    if (const auto paused = enter()) return *paused;
    transport::HttpCall call;
    call.method = "POST";
    call.headers = {{"Content-Type", "application/json"}, {"Accept", "application/json"}};
    if (!key.empty()) call.headers.emplace_back("Authorization", "Bearer " + key);
    call.body = embeddingsRequest(options, texts);
    call.connect_max_ms = options.connect_max_ms;
    Result<std::vector<Vector>> vectors = exchange(call, texts.size(), stop, max_ms);
    leave(vectors);
    return vectors;
  }
};

Result<std::unique_ptr<Embeddings>> Embeddings::create(EmbeddingsOptions options, NowMs now_ms) {
  if (Status checked = check(options); !checked.ok()) return checked.error();
  auto address = transport::HttpAddress::parse(embeddingsUrl(options));
  if (!address.ok()) return address.error();
  auto impl = std::make_unique<Impl>();
  if (!options.key_environment.empty()) {
    const char* key = std::getenv(options.key_environment.c_str());
    if (key == nullptr || *key == '\0')
      return Error(Code::FailedPrecondition,
                   "the environment variable " + options.key_environment +
                       " with the embeddings server's key is not set",
                   "set it, or leave the key out of the configuration")
          .named("embeddings_key_missing");
    impl->key = key;
  }
  impl->options = std::move(options);
  impl->address = std::move(*address);
  if (!impl->options.ca_file.empty())
    if (Status loaded = impl->loadTls(); !loaded.ok()) return loaded.error();
  impl->now_ms = now_ms ? std::move(now_ms) : steadyNowMs;
  return std::unique_ptr<Embeddings>(new Embeddings(std::move(impl)));
}

Embeddings::Embeddings(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Embeddings::~Embeddings() = default;

Result<std::vector<Vector>> Embeddings::embed(std::span<const std::string> texts,
                                              std::stop_token stop, std::int64_t max_ms) {
  if (max_ms <= 0) max_ms = impl_->options.answer_max_ms;
  std::vector<Vector> all;
  while (!texts.empty()) {
    const std::size_t count = std::min(texts.size(), impl_->options.batch_max);
    Result<std::vector<Vector>> batch = impl_->embedBatch(texts.first(count), stop, max_ms);
    if (!batch.ok()) return batch.error();
    std::move(batch->begin(), batch->end(), std::back_inserter(all));
    texts = texts.subspan(count);
  }
  return all;
}

std::string Embeddings::identity() const {
  const EmbeddingsOptions& options = impl_->options;
  return std::string(options.wire == EmbeddingsWire::Ollama ? "ollama " : "openai ") +
         options.model + " " + std::to_string(options.dimensions);
}

const EmbeddingsOptions& Embeddings::options() const {
  return impl_->options;
}

std::int64_t Embeddings::pausedForMs() const {
  return impl_->pausedFor();
}

bool isTextsFault(const Error& error) {
  return error.name() == "embeddings_rejected" || error.name() == "embeddings_not_finite" ||
         error.name() == "embeddings_zero";
}

}  // namespace tutti::search
