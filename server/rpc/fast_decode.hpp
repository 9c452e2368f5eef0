// The short way for the message that nearly every message is.
#pragma once

#include <string_view>

#include "server/rpc/codec.hpp"
#include "server/rpc/message.hpp"

namespace tutti::rpc {

/// Reads a request or notification of the usual shape: known members once each, names and method
/// without escapes, an integer or plain string id. Only the values inside `params` become a tree,
/// and
/// `_meta` only when it differs from the last one. False, and `message` in no particular state, for
/// any other text, valid or not: the long way then says what it is. Never accepts what that would
/// refuse.
bool decodeUsual(std::string_view text, const DecodeLimits& limits, MetaCache& cache,
                 Message& message);

}  // namespace tutti::rpc
