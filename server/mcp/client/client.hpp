// An MCP client as a state machine: all revisions, no transport, no thread, no timer of its own.
//
//   client::Client client(channel, options, events);   // the channel carries, the events tell
//   client.start();                                    // … Events::onReady()
//   client.call({"echo", {{"text", "hi"}}}, {}, [](Result<client::Reply> reply) { … });
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>  // Reply holds a value
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/base/result.hpp"
#include "server/json/json.hpp"
#include "server/mcp/client/channel.hpp"
#include "server/mcp/request_context.hpp"
#include "server/mcp/revision.hpp"

namespace tutti::mcp::client {

/// Which handshakes are tried.
enum class Era { Either, Legacy, Modern };

struct Options {
  std::string name = "tutti";
  std::string version = "0";
  Era era = Era::Either;
  // What this client can do for a server; the questions go to Events::onAsked().
  bool sampling = false;
  bool elicit_form = false;
  bool elicit_url = false;
  bool roots = false;
  bool follow_lists = true;  ///< ask a modern server to tell when a list changes
  /// A modern server tells of pages that were visited, see ServerOptions::keeps_elicitation_ids.
  bool keeps_elicitation_ids = false;

  std::int64_t probe_max_ms = 4'000;       ///< after it `initialize` is tried beside the probe
  std::int64_t handshake_max_ms = 60'000;  ///< until the server must have answered either
  /// In the handshake: without a message of any kind; 0: as long as handshake_max_ms.
  std::int64_t handshake_silent_max_ms = 0;
  std::int64_t request_max_ms = 60'000;   ///< of a request whose options name no other
  std::int64_t total_max_ms = 3'600'000;  ///< of a request, however much progress it reports
  std::size_t message_bytes_max = 16U * 1024 * 1024;
  std::size_t in_flight_max = 256;     ///< requests of ours without an answer
  std::size_t questions_max = 64;      ///< requests of the server without an answer
  std::size_t elicitations_max = 256;  ///< pages remembered for onElicitationComplete()
  std::size_t rounds_max = 8;          ///< of one request that needs input
  std::size_t pages_max = 200;         ///< of one list
  std::size_t entries_max = 10'000;    ///< of one list
  std::size_t list_bytes_max = 32U * 1024 * 1024;
  std::size_t garbage_max =
      64;  ///< messages in a row that are none; then the connection is given up
};

/// The code of an error that the server gave, or 0 when it is none.
std::int64_t serverCode(const Error& error);

/// Names one request from its start to its end, over all its rounds. 0 is none.
using Ticket = std::uint64_t;

/// The result of a request: as a value, and as the server wrote it.
struct Reply {
  Json value;        ///< an object
  std::string text;  ///< the same, its bytes
};
using Done = std::function<void(Result<Reply>)>;

struct Progress {
  double value = 0;
  std::optional<double> total;
  std::string message;
};

struct CallOptions {
  std::int64_t time_max_ms = 0;  ///< without an answer or progress; 0: Options::request_max_ms
  std::function<void(const Progress&)> on_progress;  ///< set: progress is asked for
  /// Meant for a modern server over HTTP, see Outgoing.
  std::vector<std::pair<std::string, std::string>> header_params;
  /// Log records of the request from that level on, of a modern server; empty: none.
  std::string log_level;
};

struct ToolRequest {
  std::string name;
  Json arguments = Json::object();
};

enum class ListKind { Tools, Resources, ResourceTemplates, Prompts };
struct ListEntry {
  Json value;        ///< an object
  std::string text;  ///< the same, its bytes: schemas stay as they were written
};
using ListDone = std::function<void(Result<std::vector<ListEntry>>)>;

/// Something the server wants of this client's side. Keep it until it is answered; letting go of it
/// refuses it. Runs on the I/O thread.
class Question {
 public:
  enum class Method { Sample, Elicit, ListRoots };
  virtual ~Question() = default;
  virtual Method method() const = 0;
  virtual const Json& params() const = 0;
  /// The request that made the server ask; 0 when that cannot be told for certain.
  virtual Ticket cause() const = 0;
  /// `result` is the method's result object. Once; later ones are ignored.
  virtual void answer(Json result) = 0;
  virtual void refuse(const Error& error) = 0;
  /// `callback` runs once if the server takes the question back, or goes.
  virtual void onWithdrawn(std::function<void()> callback) = 0;
};

struct LogRecord {
  Ticket cause = 0;   ///< the request that it is about; 0 when that cannot be told for certain
  std::string level;  ///< "debug" … "emergency"
  std::string logger;
  Json data;
};

/// What a client tells its owner. Called on the I/O thread; none of them may destroy the client.
class Events {
 public:
  virtual ~Events() = default;
  virtual void onReady() = 0;
  /// The handshake failed or the connection is gone. Every request has had its answer. Once.
  virtual void onLost(const Error& error) = 0;
  virtual void onAsked(std::shared_ptr<Question> question) { (void)question; }
  virtual void onListChanged(ListKind kind) { (void)kind; }
  virtual void onResourceUpdated(const std::string& uri) { (void)uri; }
  virtual void onLog(const LogRecord& record) { (void)record; }
  /// The user is done with a page that the server sent it to: a question had that elicitationId, or
  /// the error of a request that may be sent again now. Once for each.
  virtual void onElicitationComplete(const std::string& elicitation_id) { (void)elicitation_id; }
};

/// The pages that the user has to visit before the request that ended with `error` can be served:
/// those that a server of 2025-11-25 names with the code -32042. Empty for any other error.
std::vector<PageToVisit> requiredPages(const Error& error);

/// What the transport could not deliver.
struct Failure {
  int http_status = 0;  ///< 0: no answer at all
  Error error;
};

/// What the handshake told.
struct ServerFacts {
  Revision revision = kLatestLegacy;
  std::string name;
  std::string version;
  std::string instructions;
  Json capabilities = Json::object();
};

/// One connection to one server. Runs on the I/O thread only. `done` of a request runs exactly
/// once, also when it was cancelled or the client is destroyed (Cancelled); it may run before the
/// call returns when a bound is met.
///
/// Errors of requests: those the server gave (named "server_error", its error object as details);
/// DeadlineExceeded "request_timeout"; Cancelled; ResourceExhausted naming the bound; Unavailable
/// "server_lost" or "not_connected"; Internal "invalid_answer" when the server breaks the protocol.
class Client {
 public:
  Client(Channel& channel, Options options, Events& events);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// Begins the handshake. Once.
  void start();
  bool ready() const;
  const ServerFacts& facts() const;
  /// Requests of ours without an answer.
  std::size_t inFlight() const;
  /// Is an answer to the message with that id still awaited?
  bool awaits(const rpc::Id& id) const;

  Ticket call(ToolRequest tool, CallOptions options, Done done);
  Ticket readResource(const std::string& uri, CallOptions options, Done done);
  /// `arguments` is an object of strings.
  Ticket getPrompt(const std::string& name, Json arguments, CallOptions options, Done done);
  /// `ref` and `argument` as completion/complete has them; `context` may be null.
  Ticket complete(Json ref, Json argument, Json context, Done done);
  /// Any method with its params, without rounds of input.
  Ticket request(std::string_view method, Json params, CallOptions options, Done done);
  /// All pages. A list the server does not declare is empty.
  void list(ListKind kind, ListDone done);
  /// Events::onResourceUpdated() is to tell of these resources, and of no others any more. A server
  /// that does not offer it is not asked.
  void watch(std::set<std::string> uris);
  /// Legacy servers only; a modern one is asked per request.
  void setLogLevel(const std::string& level, Done done);

  /// The server is told, and the request ends with Cancelled. Unknown tickets are ignored.
  void cancel(Ticket ticket, std::string_view reason);
  /// A notification to the server.
  void notify(std::string_view method, Json params);

  // What the transport tells.
  /// One message or batch. `related`: the request on whose stream it came, or empty.
  void receive(std::string_view text, const rpc::Id& related = {});
  /// A message above message_bytes_max was skipped.
  void receiveOversized();
  /// That request will not be answered.
  void failed(const rpc::Id& id, Failure failure);
  /// The connection is gone.
  void lost(Error error);
  void tick();

  struct State;

 private:
  std::shared_ptr<State> state_;
};

}  // namespace tutti::mcp::client
