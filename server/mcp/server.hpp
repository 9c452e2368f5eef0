// The protocol core: every revision, any transport, no word about agents.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "server/base/clock.hpp"
#include "server/mcp/timers.hpp"
#include "server/mcp/tool.hpp"

namespace tutti::mcp {

class TaskStore;

struct ServerOptions {
  std::string name = "tutti";
  std::string title;
  std::string version;
  std::string instructions;
  std::size_t in_flight_max = 1024;        ///< unfinished requests of one connection
  std::size_t list_page_max = 200;         ///< entries of one page of tools/list
  std::int64_t list_ttl_ms = 300'000;      ///< how long a modern client may keep a list
  int input_rounds_max = 8;                ///< of one request that asks an older client
  std::int64_t input_wait_max_s = 600;     ///< for one round's answers of an older client
  std::int64_t request_state_max_s = 600;  ///< after which a signed requestState is refused
  std::size_t request_state_bytes_max = 64U * 1024;  ///< of state and answers in one
  /// Keys that sign requestState, of 32 bytes or more: the first one signs, all are accepted.
  /// Without one a random key is made when it is first needed.
  std::vector<std::string> request_state_keys;
  /// Where tasks are kept; null: there are none.
  std::shared_ptr<TaskStore> task_store;
  std::int64_t task_ttl_max_ms = 24LL * 3600 * 1000;
  const Clock* clock = &Clock::system();
  std::shared_ptr<Timers> timers;  ///< null: waits end with their connection only
};

/// Holds what is served (tools now; resources, prompts and the rest join here) and answers
/// messages. Runs on the I/O thread only. Add everything before the first message.
class Server {
 public:
  explicit Server(ServerOptions options);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Compiles both schemas. Errors: InvalidArgument naming the tool (bad name, duplicate name,
  /// schema that does not compile or whose root type is not object).
  Status addTool(Tool tool, ToolHandler handler);

  struct Impl;
  Impl& impl() { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace tutti::mcp
