#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "server/store/connection.hpp"
#include "tools/context.hpp"

namespace tutti::tools {

/// get_events: what has happened in a session since a cursor, oldest first; waits up to wait_s
/// while there is nothing new.
struct GetEvents {
  static constexpr const char* kName = "get_events";

  struct Input {
    std::string session_id;
    std::int64_t after = 0;
    std::int64_t limit = 100;
    std::vector<std::string> types;  ///< empty: all
  };
  static Input decode(const Json& arguments);
  /// Errors: session_not_found.
  static Result<Json> run(store::Connection& db, const Input& input);
  static void handle(const Context& context, const CallPtr& call);
};

}  // namespace tutti::tools
