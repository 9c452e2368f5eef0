// What the doc_* tools share: who calls and where to look, out of a call's arguments, and how a
// document is told.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "server/documents/service.hpp"
#include "tools/context.hpp"

namespace tutti::tools {

/// The agent that the transport says the caller is, or a user's client.
documents::Caller documentCaller(const CallPtr& call);

/// `scope` and `partition`.
documents::Place placeOf(const Json& arguments);

/// `tags` as a list or a comma list; empty when absent.
std::vector<std::string> tagsOf(const Json& arguments);

/// `metadata`, with `description` as one of it.
std::map<std::string, std::string> metadataOf(const Json& arguments);

/// `expected_version`, `offset` and the like.
std::optional<std::int64_t> optionalInteger(const Json& arguments, std::string_view key);

/// `content` in its `encoding`. Errors: InvalidArgument "invalid_base64".
Result<std::string> contentOf(const Json& arguments);

/// The document as AOF has it, with its `uri` and, where documents are served by HTTP, its `url`.
Json told(const Context& context, const documents::Document& document);
/// The same, with `unchanged`: true when the newest version had that content already.
Json told(const Context& context, const documents::Changed& changed);

/// What ends `call`: with the error, or with what `tell` makes of the value.
template <class T>
std::function<void(Result<T>)> finishes(CallPtr call, std::function<Json(const T&)> tell) {
  return [call = std::move(call), tell = std::move(tell)](Result<T> result) {
    if (!result.ok()) return call->finish(std::move(result).error());
    call->finish(mcp::ToolOutput{tell(*result), {}});
  };
}

}  // namespace tutti::tools
