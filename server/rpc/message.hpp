// What one JSON-RPC text can turn out to be.
#pragma once

#include <cstddef>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "server/json/json.hpp"

namespace tutti::rpc {

/// JSON-RPC's own error codes; those of MCP stand in mcp/error_map.hpp.
inline constexpr int kParseError = -32700;
inline constexpr int kInvalidRequest = -32600;
inline constexpr int kMethodNotFound = -32601;
inline constexpr int kInvalidParams = -32602;
inline constexpr int kInternalError = -32603;

/// An id as it is written in JSON: `7`, `"7"`, `9007199254740993`. Digits are never converted, so
/// that what is echoed is what came. Empty: the message has none.
using Id = std::string;

/// An error as JSON-RPC carries it. `data` is one JSON text or empty.
struct ErrorBody {
  int code = kInternalError;
  std::string message;
  std::string data;
};

/// A text, or an element of a batch, that is not a message. `id` is echoed when it could be read.
struct Refusal {
  Id id;
  ErrorBody error;
  /// It names a method and has no id: whatever is wrong with it, JSON-RPC never answers it.
  bool notification = false;
};

/// One valid message. Requests and notifications have a method; responses have none.
struct Message {
  enum class Kind { Request, Notification, Response };
  Kind kind = Kind::Request;
  Id id;
  std::string method;
  Json params;  ///< an object; null when absent
  /// `params._meta`, taken out of the params; null when absent. Equal texts of one client share it.
  std::shared_ptr<const Json> meta;
  Json answer;  ///< of a response: its `result` or its `error`
  bool answer_is_error = false;
};

/// One element of what came in: a message, or the reason why it is none.
struct Item {
  Message message;
  Refusal refusal;
  bool valid = true;
};

/// A whole text: one item, or a batch of them (an array, even of one element).
struct Decoded {
  std::vector<Item> items;
  bool batch = false;
  bool batch_refused = false;  ///< empty or too long: its one item says which
};

struct DecodeLimits {
  std::size_t depth_max = 128;
  std::size_t bytes_max = 64U * 1024 * 1024;
  std::size_t batch_max = 256;  ///< elements of one batch
};

}  // namespace tutti::rpc
