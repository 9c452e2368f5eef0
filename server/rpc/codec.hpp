// From bytes to messages and back.
#pragma once

#include <string>
#include <string_view>

#include "server/rpc/message.hpp"

namespace tutti::rpc {

/// The last `_meta` of a client. Most clients send the same one with every request.
struct MetaCache {
  std::string text;
  std::shared_ptr<const Json> value;
};

/// Reads the texts of one client, or of many: what it remembers only saves work.
class Decoder {
 public:
  explicit Decoder(const DecodeLimits& limits = {}) : limits_(limits) {}

  /// Reads one text. Never fails as a whole: what is not JSON, or not JSON-RPC, comes back as one
  /// item with a Refusal (-32700 for anything that is no strict JSON, bounds included, else -32600;
  /// -32602 for array params, which MCP forbids). An empty array is one refused item.
  Decoded decode(std::string_view text);

  /// The same in two steps, for who reads many texts: first the short way, which takes nearly all
  /// of them and makes no list of one. After false, `message` is empty and the text is for
  /// decodeUnusual().
  bool decodeUsual(std::string_view text, Message& message);
  Decoded decodeUnusual(std::string_view text) const;

 private:
  const DecodeLimits limits_;
  MetaCache meta_;
};

/// The same, once. Thread-safe.
Decoded decode(std::string_view text, const DecodeLimits& limits = {});

/// The beginning of a result's frame; the result and "}" complete it. With room for that many bytes
/// more.
std::string resultHead(const Id& id, std::size_t room = 0);
/// `result` is one JSON text.
std::string resultFrame(const Id& id, std::string_view result);
/// An empty id is left out of the frame, as MCP demands (never null).
std::string errorFrame(const Id& id, const ErrorBody& error);
/// `params` is one JSON text.
std::string notificationFrame(std::string_view method, std::string_view params);

/// An id as JSON text, from a parsed value, as in `params.requestId`; empty when it is no valid id.
Id idOf(const Json& value);

}  // namespace tutti::rpc
