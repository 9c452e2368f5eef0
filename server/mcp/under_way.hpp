// What all requests that take time have in common: tools/call, prompts/get, resources/read.
#pragma once

#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "server/mcp/client_features.hpp"
#include "server/mcp/input.hpp"
#include "server/mcp/request.hpp"
#include "server/mcp/request_context.hpp"
#include "server/mcp/server_impl.hpp"

namespace tutti::mcp {

/// One request from its dispatch to its answer. It ends exactly once: answered, failed, cancelled,
/// or, when its owner dies before that, with an internal error. Runs on the I/O thread only.
class Flow {
 public:
  Flow(Server::Impl& server, Request&& request);
  ~Flow();
  Flow(const Flow&) = delete;
  Flow& operator=(const Flow&) = delete;

  const Request& request() const { return request_; }
  Revision revision() const { return request_.context.revision; }
  Server::Impl& server() const { return server_; }

  /// Ask before answering: false once the request has ended, the client is being asked, or the
  /// server is gone.
  bool open();
  /// `{"jsonrpc":"2.0","id":…,"result":`, for a result and a closing brace to be appended.
  std::string resultHead() const;
  /// Ends the request with a whole frame.
  void reply(std::string frame);
  /// Ends the request with an error. Nothing after the end.
  void error(const WireError& error);

  // RequestContext and Pending, for the class that has them.
  bool wantsProgress() const { return !request_.context.progress_token.empty(); }
  void progress(double value, std::optional<double> total, std::string_view message);
  void log(LogLevel level, std::string_view logger, const Json& data);
  std::optional<LogLevel> logLevel() const;
  void release(std::int64_t retry_ms) {
    if (!ended_) request_.exchange->release(retry_ms);
  }
  bool cancelled() const { return cancelled_; }
  void onCancelled(std::function<void()> callback);
  bool clientCan(ClientFeature feature) const;
  const Json* answer(std::string_view key) const;
  std::string_view state() const;
  void cancel();

  /// Those of `features` that the client has not declared.
  std::vector<ClientFeature> lacking(const std::vector<ClientFeature>& features) const;
  Json& params() { return request_.params; }
  /// Ends the request with an input_required result.
  Status askInResult(const InputNeeded& needed);
  /// Ends the request with the error that names `pages`.
  void askForVisits(const std::vector<PageToVisit>& pages);
  /// Sends what is needed to the client. Until its answers are there nothing ends the request but
  /// its cancellation.
  void askInRequests(InputNeeded needed);
  /// The client will not answer: the request may be answered again.
  void wakeUp() { suspended_ = false; }
  /// Has the request become a task? It then ends where others do, and is answered there.
  bool inTask() const { return request_.task != nullptr; }
  /// Makes it one. Asks clientCan(Tasks) first. `repeat_text`: see Task::request.
  void detach(const TaskOptions& options, std::string repeat_text);
  std::string_view taskId() const;
  bool repeated() const;
  /// Keeps the request with its task until the client has answered.
  void askInTask(InputNeeded needed);
  /// The client, or time, has ended the task.
  void cancelTask() { withdraw(); }
  /// The request for another round; nothing is answered here any more.
  Request take();

 private:
  bool takesTasks() const;
  void withdraw();
  void end();

  const std::weak_ptr<const char> alive_;
  Server::Impl& server_;
  Request request_;
  std::function<void()> cancel_callback_;
  double progress_ = -std::numeric_limits<double>::infinity();
  bool ended_ = false;
  bool suspended_ = false;
  bool cancelled_ = false;
};

/// A RequestContext of the kind that handlers of one method get. The method adds what it has of its
/// own and the way it finishes. The peer knows it weakly, the handler keeps it alive.
template <class Interface>
class UnderWay : public Interface, public Asking {
 public:
  UnderWay(Server::Impl& server, Request&& request) : flow_(server, std::move(request)) {}

  const Caller& caller() const override { return flow_.request().context.caller; }
  bool wantsProgress() const override { return flow_.wantsProgress(); }
  void progress(double value, std::optional<double> total, std::string_view message) override {
    flow_.progress(value, total, message);
  }
  void log(LogLevel level, std::string_view logger, const Json& data) override {
    flow_.log(level, logger, data);
  }
  std::optional<LogLevel> logLevel() const override { return flow_.logLevel(); }
  void release(std::int64_t retry_ms) override { flow_.release(retry_ms); }
  bool cancelled() const override { return flow_.cancelled(); }
  void onCancelled(std::function<void()> callback) override {
    flow_.onCancelled(std::move(callback));
  }
  bool clientCan(ClientFeature feature) const override { return flow_.clientCan(feature); }
  const Json* answer(std::string_view key) const override { return flow_.answer(key); }
  std::string_view state() const override { return flow_.state(); }
  void needInput(InputNeeded needed) override {
    if (!flow_.open()) return;
    const auto lacking = flow_.lacking(featuresFor(needed.requests));
    if (!lacking.empty()) return refuseWithout(lacking);
    restore(flow_.params());
    if (flow_.inTask()) return flow_.askInTask(std::move(needed));
    if (!isModern(flow_.revision())) return flow_.askInRequests(std::move(needed));
    if (Status asked = flow_.askInResult(needed); !asked.ok())
      this->finish(std::move(asked).error());
  }
  void needPages(const std::vector<PageToVisit>& pages) override {
    if (!flow_.open()) return;
    if (!flow_.clientCan(ClientFeature::ElicitUrl))
      return refuseWithout({ClientFeature::ElicitUrl});
    if (isModern(flow_.revision()) || flow_.inTask()) return needInput(visitsOf(pages));
    flow_.askForVisits(pages);
  }
  void refuseWithout(const std::vector<ClientFeature>& features) override {
    const std::string capabilities = capabilitiesFor(features);
    if (isModern(flow_.revision())) return flow_.error(missingCapability(capabilities));
    this->finish(Error(Code::FailedPrecondition,
                       "this needs a client that declares the capabilities " + capabilities,
                       "use a client that has them")
                     .named("missing_client_capability"));
  }
  void refuse(Error error) override { flow_.error({errorBody(error)}); }

  const Request& request() const { return flow_.request(); }
  void cancel() override { flow_.cancel(); }
  void fail() override { flow_.error(internalError()); }
  void failWith(Error error) override {
    flow_.wakeUp();
    this->finish(std::move(error));
  }
  Request takeRequest() override { return flow_.take(); }

 protected:
  /// Puts back into the parameters what the constructor took out of them.
  virtual void restore(Json& /*params*/) {}

  Flow flow_;
};

/// Hands `under_way` to its peer and to whoever catches. Before any handler runs.
template <class Interface, class T>
void begin(const std::shared_ptr<T>& under_way, std::shared_ptr<Pending>& pending) {
  static_assert(std::is_base_of_v<UnderWay<Interface>, T>);
  const Request& request = under_way->request();
  pending = under_way;
  if (request.peer && !request.task) request.peer->add(request.id, pending);
}

}  // namespace tutti::mcp
