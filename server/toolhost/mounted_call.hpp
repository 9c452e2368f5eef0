// One call of a mounted tool, between its caller and the server.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "server/mcp/client/client.hpp"
#include "server/mcp/tool.hpp"

namespace tutti::toolhost {

class Mount;

/// The server's side is one request from start to end. The caller's side may come in rounds: when
/// the server asks something, the caller's round ends with the question, and the call is parked
/// until the caller comes again with the answer. Kept alive by the request under way. Runs on the
/// I/O thread only.
class MountedCall : public std::enable_shared_from_this<MountedCall> {
 public:
  MountedCall(std::shared_ptr<Mount> mount, std::string tool, std::shared_ptr<mcp::ToolCall> call)
      : mount_(std::move(mount)), tool_(std::move(tool)), call_(std::move(call)) {}

  void start(mcp::client::Client& client);
  /// The server wants something that only the caller can give.
  void ask(std::shared_ptr<mcp::client::Question> question);
  /// The caller is back, with an answer.
  void resume(std::shared_ptr<mcp::ToolCall> call);
  /// The caller did not come back in time.
  void expire();
  const std::string& tool() const { return tool_; }

 private:
  void watchCaller();
  void askNext();
  void ended(Result<mcp::client::Reply> reply);
  void finish();
  void cancel(std::string_view why);

  const std::shared_ptr<Mount> mount_;
  const std::string tool_;
  std::shared_ptr<mcp::ToolCall> call_;  // null while parked
  mcp::client::Ticket ticket_ = 0;
  std::shared_ptr<mcp::client::Question> question_;  // the caller has it
  std::deque<std::shared_ptr<mcp::client::Question>> next_questions_;
  int questions_asked_ = 0;
  std::optional<Result<mcp::client::Reply>> reply_;  // came while parked
};

/// `error` as the caller of a server's tool gets it.
Error ofServer(const std::string& server, const Error& error);

}  // namespace tutti::toolhost
