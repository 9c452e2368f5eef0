// The one table between errors as values and errors on the wire.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "server/base/result.hpp"
#include "server/mcp/request_context.hpp"
#include "server/rpc/message.hpp"

namespace tutti::mcp {

/// Codes that MCP adds to JSON-RPC's. The first three exist since 2026-07-28; the others are the
/// convention of older revisions and never appear in a modern answer.
inline constexpr int kHeaderMismatch = -32020;
inline constexpr int kMissingCapability = -32021;
inline constexpr int kUnsupportedVersion = -32022;
inline constexpr int kLegacyPagesRequired = -32042;
inline constexpr int kLegacyResourceNotFound = -32002;
inline constexpr int kLegacyTransport = -32000;
inline constexpr int kLegacySessionNotFound = -32001;

/// An error that ends a request, with the status HTTP gives it. Byte streams ignore the status.
struct WireError {
  rpc::ErrorBody body;
  int http_status = 200;
};

/// The JSON-RPC code that a service's failure becomes where no tool result can carry it.
int rpcCode(Code code);

/// {"code","name","message","hint"?,"details"?}: what a program needs to branch on a failure.
std::string errorObject(const Error& error);
/// `error` as a JSON-RPC error with errorObject() as data.
rpc::ErrorBody errorBody(const Error& error);

/// The status of an error that a dispatched request ended with.
int httpStatus(int code, bool modern);

// Errors with a fixed shape.
WireError methodNotFound(std::string_view method, bool modern);
WireError invalidParams(std::string message, std::string_view name = {},
                        std::string_view hint = {});
/// -32002 before 2026-07-28, -32602 since; `data.uri` in both.
WireError resourceNotFound(std::string_view uri, bool modern);
WireError unsupportedVersion(std::string_view requested);
WireError internalError();
/// For 2025-11-25 only, "URL elicitation required": `data.elicitations` has the pages.
WireError pagesRequired(const std::vector<PageToVisit>& pages);
/// `capabilities`: the ClientCapabilities object that would do, as JSON text.
WireError missingCapability(std::string_view capabilities);
/// `limit` is the name of the bound that was reached, as in "in_flight_max".
WireError overloaded(std::string_view limit, std::size_t value, std::string_view hint);

}  // namespace tutti::mcp
