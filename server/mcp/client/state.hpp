// The inside of a Client, for its own files.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "server/mcp/client/client.hpp"
#include "server/rpc/codec.hpp"

namespace tutti::mcp::client {

class ServerQuestion;
class RoundQuestion;

/// One request of ours, from its start to its end.
struct Pending {
  Ticket ticket = 0;
  std::uint64_t id = 0;  ///< of the round under way; 0 while the answers to questions are awaited
  std::string method;
  std::string name;
  Json params;  ///< without `_meta`
  CallOptions options;
  Done done;
  std::int64_t began_ms = 0;
  std::int64_t heard_ms = 0;  ///< when it began, or its last progress
  bool untimed = false;       ///< a subscription
  bool takes_input = false;
  std::size_t rounds = 0;
  // Of the round that needs input:
  std::size_t open_questions = 0;
  Json input_responses;
  std::string request_state;
  bool has_state = false;
  std::vector<std::weak_ptr<RoundQuestion>> questions;
};

enum class Phase { New, Probing, Initializing, Ready, Lost };

struct Client::State : std::enable_shared_from_this<Client::State> {
  State(Channel& given, Options chosen, Events& told)
      : channel(given),
        options(std::move(chosen)),
        events(told),
        decoder(rpc::DecodeLimits{.bytes_max = options.message_bytes_max}) {}

  // handshake.cpp
  void probe();
  void sendProbe();
  void probed(Result<Reply> reply);
  void probeRefused(const Error& error);
  void initialize();
  void initialized(Result<Reply> reply);
  void becomeReady(const Json& described, Revision revision);
  void follow();
  void followEnded();
  Json capabilities() const;
  Json clientInfo() const;

  // watch.cpp
  void watchNext();
  void watchOne(std::string_view method, const std::string& uri);
  void watchModern();
  void watchLater();

  // requests.cpp
  Ticket begin(std::unique_ptr<Pending> request);
  void sendRound(Pending& request);
  void end(Ticket ticket, Result<Reply> result);
  void cancel(Ticket ticket, std::string_view reason, const Error& error);
  void loseAll(const Error& error);
  void sendNotification(std::string_view method, const Json& params);
  void sendResponse(const rpc::Id& id, const std::string& frame);
  void rearm();
  void expire();
  void loseUnanswered(std::string_view what, std::int64_t limit_ms);
  std::int64_t deadline(const Pending& request) const;
  Pending* byTicket(Ticket ticket);
  Pending* byId(const rpc::Id& id);

  // receive.cpp
  void take(rpc::Item item, std::string_view text, const rpc::Id& related);
  void takeResponse(rpc::Message message, std::string_view text);
  void takeRequest(rpc::Message message, const rpc::Id& related);
  void takeNotification(const rpc::Message& message, const rpc::Id& related);
  void takeAcknowledgement(const Json& params);
  void takeProgress(const Json& params);
  void notePage(const std::string& elicitation_id);
  void noteHeard();
  void noteGarbage(const std::string& what);
  Ticket causeOf(const rpc::Id& related);

  // rounds.cpp
  void needInput(Pending& request, const Json& result);
  void roundAnswered(Ticket ticket, const std::string& key, Json result);
  void roundRefused(Ticket ticket, const Error& error);
  void nextRound(Pending& request);
  void dropQuestions(Pending& request);

  bool modern() const { return isModern(facts.revision) && phase == Phase::Ready; }
  bool declares(std::string_view capability) const {
    return json::find(facts.capabilities, capability) != nullptr;
  }

  Channel& channel;
  const Options options;
  Events& events;
  rpc::Decoder decoder;
  Phase phase = Phase::New;
  ServerFacts facts;
  std::uint64_t last_number = 0;  // of tickets and ids alike
  std::map<Ticket, std::unique_ptr<Pending>> pending;
  std::unordered_map<std::uint64_t, Ticket> by_id;
  std::unordered_map<rpc::Id, std::weak_ptr<ServerQuestion>> questions;
  std::size_t open_questions = 0;
  std::size_t garbage = 0;
  std::deque<std::string> elicitations;  // pages that the user may be at, the oldest first
  std::int64_t probe_until_ms = 0;       // 0: no probe waits for its time
  std::int64_t handshake_until_ms = 0;   // 0: the handshake is over
  std::int64_t silent_until_ms = 0;      // 0: it is over, or has no such limit
  Ticket probe_ticket = 0;
  bool probed_again = false;
  Ticket init_ticket = 0;
  Ticket follow_ticket = 0;
  std::int64_t follow_again_ms = 0;  // 0: not waiting to ask again
  std::int64_t follow_pause_ms = 1'000;
  bool followed_before = false;
  std::set<std::string> watch_wanted;  // resources
  std::set<std::string> watch_held;    // those that the server was asked for
  Ticket watch_ticket = 0;             // of a request about them
  std::int64_t watch_again_ms = 0;     // 0: not waiting to ask again
  std::int64_t watch_pause_ms = 1'000;
  bool alive = true;  // false once the client's destructor runs: no event is told any more
};

/// The method of a list, and the member of its result.
struct ListNames {
  std::string_view method;
  std::string_view member;
  std::string_view capability;
};
ListNames listNames(ListKind kind);

/// "the server's answer to 'tools/call' …": it broke the protocol.
Error invalidAnswer(std::string_view method, std::string_view what);
/// What a question's method is called, and back.
std::optional<Question::Method> questionMethod(std::string_view name);

}  // namespace tutti::mcp::client
