// The protocol core: every revision, any transport, no word about agents.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "server/mcp/tool.hpp"

namespace tutti::mcp {

struct ServerOptions {
  std::string name = "tutti";
  std::string title;
  std::string version;
  std::string instructions;
  std::size_t in_flight_max = 1024;    ///< unfinished requests of one connection
  std::size_t list_page_max = 200;     ///< entries of one page of tools/list
  std::int64_t list_ttl_ms = 300'000;  ///< how long a modern client may keep a list
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
