// One request to a mounted server, between its caller and the server.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "server/mcp/client/client.hpp"
#include "server/mcp/request_context.hpp"

namespace tutti::toolhost {

class Mount;

/// What a caller wants of a server, and how its round ends.
struct Passing {
  /// The method and what it is about: all rounds of one request have the same.
  std::string what;
  std::shared_ptr<mcp::RequestContext> caller;
  std::function<mcp::client::Ticket(mcp::client::Client& to, mcp::client::CallOptions options,
                                    mcp::client::Done done)>
      send;
  /// Ends the round; errors come as the caller should see them. False when the reply is no result
  /// of the method, which is the server's failure.
  std::function<bool(Result<mcp::client::Reply> reply)> finish;
};

/// The server's side is one request from start to end. The caller's side may come in rounds: when
/// the server asks something, the caller's round ends with the question, and the call is parked
/// until the caller comes again with the answer. Kept alive by the request under way. Runs on the
/// I/O thread only.
class MountedCall : public std::enable_shared_from_this<MountedCall> {
 public:
  MountedCall(std::shared_ptr<Mount> mount, Passing passing)
      : mount_(std::move(mount)), what_(passing.what), round_(std::move(passing)) {}

  void start(mcp::client::Client& client);
  /// The server wants something that only the caller can give.
  void ask(std::shared_ptr<mcp::client::Question> question);
  /// The caller is back, with an answer.
  void resume(Passing passing);
  /// The caller did not come back in time.
  void expire();
  /// The server says something about it.
  void log(mcp::LogLevel level, const std::string& logger, const Json& data);
  const std::string& what() const { return what_; }

 private:
  void watchCaller();
  void askNext();
  bool answeredHere();
  void ended(Result<mcp::client::Reply> reply);
  void finish();
  void cancel(std::string_view why);

  const std::shared_ptr<Mount> mount_;
  const std::string what_;
  std::optional<Passing> round_;  // nothing while parked
  mcp::client::Ticket ticket_ = 0;
  std::shared_ptr<mcp::client::Question> question_;  // the caller has it
  std::deque<std::shared_ptr<mcp::client::Question>> next_questions_;
  int questions_asked_ = 0;
  std::optional<Result<mcp::client::Reply>> reply_;  // came while parked
};

/// `error` as the caller of a server gets it.
Error ofServer(const std::string& server, const Error& error);

}  // namespace tutti::toolhost
