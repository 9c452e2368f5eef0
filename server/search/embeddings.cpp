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

/// One request and its answer, on an event loop of this call's own.
class Exchange {
 public:
  Exchange(const EmbeddingsOptions& options, std::size_t count, std::int64_t max_ms)
      : options_(options), count_(count), max_ms_(max_ms) {}

  Result<std::vector<Vector>> run(const transport::HttpAddress& address, transport::HttpCall call,
                                  const std::stop_token& stop) {
    auto links = transport::HttpLinks::create(io_, address, {});
    if (!links.ok()) return std::move(links).error();
    transport::HttpTold told;
    told.on_head = [this](const transport::HttpTold::Head& head) { status_ = head.status; };
    told.on_body = [this](std::string_view bytes) { take(bytes); };
    told.on_end = [this](Status ended) { end(std::move(ended)); };
    // The request's own limit ends with the head of the answer.
    asio::steady_timer timer(io_, std::chrono::milliseconds(max_ms_));
    timer.async_wait([this](boost::system::error_code error) {
      if (!error) fail(late());
    });
    request_ =
        transport::HttpRequest::start(io_, std::move(*links), std::move(call), std::move(told));
    const std::stop_callback stopped(stop, [this] {
      asio::post(io_, [this] { fail(Error(Code::Cancelled, "the search is shutting down")); });
    });
    while (!error_ && !whole_ && io_.run_one() != 0) {
    }
    if (request_) request_->abort();
    if (error_) return *error_;
    if (!whole_) return Error(Code::Internal, "the request ended without an end");
    if (status_ != 200) return embeddingsStatusError(options_, status_);
    return embeddingsAnswer(options_, body_, count_);
  }

 private:
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
      fail(Error(Code::Unavailable, ended.error().message(), "it is tried again later")
               .named("embeddings_unreachable"));
  }

  const EmbeddingsOptions& options_;
  const std::size_t count_;
  const std::int64_t max_ms_;
  asio::io_context io_{1};
  std::shared_ptr<transport::HttpRequest> request_;
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

  Result<std::vector<Vector>> embedBatch(std::span<const std::string> texts,
                                         const std::stop_token& stop, std::int64_t max_ms) {
    if (const auto paused = enter()) return *paused;
    transport::HttpCall call;
    call.method = "POST";
    call.headers = {{"Content-Type", "application/json"}, {"Accept", "application/json"}};
    if (!key.empty()) call.headers.emplace_back("Authorization", "Bearer " + key);
    call.body = embeddingsRequest(options, texts);
    call.connect_max_ms = options.connect_max_ms;
    Exchange exchange(options, texts.size(), max_ms);
    Result<std::vector<Vector>> vectors = exchange.run(address, std::move(call), stop);
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
  return error.name() == "embeddings_rejected";
}

}  // namespace tutti::search
