#include "server/mcp/error_map.hpp"

#include <array>
#include <utility>

#include "server/base/text.hpp"
#include "server/mcp/revision.hpp"

namespace tutti::mcp {
namespace {

struct CodeRow {
  Code code;
  int rpc_code;
};

constexpr std::array kCodes = {
    CodeRow{Code::InvalidArgument, rpc::kInvalidParams},
    CodeRow{Code::NotFound, rpc::kInvalidParams},
    CodeRow{Code::Conflict, rpc::kInvalidRequest},
    CodeRow{Code::ResourceExhausted, rpc::kInternalError},
    CodeRow{Code::FailedPrecondition, rpc::kInternalError},
    CodeRow{Code::Unavailable, rpc::kInternalError},
    CodeRow{Code::DeadlineExceeded, rpc::kInternalError},
    CodeRow{Code::Cancelled, rpc::kInternalError},
    CodeRow{Code::Internal, rpc::kInternalError},
};

struct StatusRow {
  int rpc_code;
  int modern_status;  ///< older revisions answer 200 to every error of a dispatched request
};

constexpr std::array kStatuses = {
    StatusRow{rpc::kParseError, 400},     StatusRow{rpc::kInvalidRequest, 400},
    StatusRow{rpc::kMethodNotFound, 404}, StatusRow{kHeaderMismatch, 400},
    StatusRow{kMissingCapability, 400},   StatusRow{kUnsupportedVersion, 400},
};

void appendMember(std::string& object, std::string_view key, std::string_view text) {
  if (text.empty()) return;
  if (object.size() > 1) object.push_back(',');
  appendJsonString(object, key);
  object.push_back(':');
  appendJsonString(object, text);
}

std::string nameAndHint(std::string_view name, std::string_view hint) {
  if (name.empty()) return {};
  std::string data = "{";
  appendMember(data, "name", name);
  appendMember(data, "hint", hint);
  data.push_back('}');
  return data;
}

}  // namespace

int rpcCode(Code code) {
  for (const CodeRow& row : kCodes)
    if (row.code == code) return row.rpc_code;
  return rpc::kInternalError;
}

std::string errorObject(const Error& error) {
  std::string object = "{";
  appendMember(object, "code", codeName(error.code()));
  appendMember(object, "name", error.name());
  appendMember(object, "message", error.message());
  appendMember(object, "hint", error.hint());
  if (!error.details().empty()) object.append(",\"details\":").append(error.details());
  object.push_back('}');
  return object;
}

rpc::ErrorBody errorBody(const Error& error) {
  return {rpcCode(error.code()), error.text(), errorObject(error)};
}

int httpStatus(int code, bool modern) {
  if (!modern) return 200;
  for (const StatusRow& row : kStatuses)
    if (row.rpc_code == code) return row.modern_status;
  return 200;
}

WireError methodNotFound(std::string_view method, bool modern) {
  std::string message = "Method not found: " + shortened(method, 100);
  return {{rpc::kMethodNotFound, std::move(message), {}}, httpStatus(rpc::kMethodNotFound, modern)};
}

WireError invalidParams(std::string message, std::string_view name, std::string_view hint) {
  return {{rpc::kInvalidParams, "Invalid params: " + std::move(message), nameAndHint(name, hint)},
          200};
}

WireError resourceNotFound(std::string_view uri, bool modern) {
  std::string data = "{";
  appendMember(data, "uri", uri);
  appendMember(data, "name", "resource_not_found");
  appendMember(data, "hint", "list the resources and their templates");
  data.push_back('}');
  const int code = modern ? rpc::kInvalidParams : kLegacyResourceNotFound;
  return {{code, "Resource not found: " + shortened(uri, 200), std::move(data)}, 200};
}

WireError unsupportedVersion(std::string_view requested) {
  std::string data = "{\"supported\":";
  data.append(kModernRevisionsJson).append(",\"requested\":");
  appendJsonString(data, requested);
  data.push_back('}');
  return {{kUnsupportedVersion, "Unsupported protocol version", std::move(data)}, 400};
}

WireError missingCapability(std::string_view capabilities) {
  std::string message = "Missing client capability: this request needs a client that declares ";
  message.append(capabilities);
  std::string data = "{\"requiredCapabilities\":";
  data.append(capabilities).push_back('}');
  return {{kMissingCapability, std::move(message), std::move(data)}, 400};
}

WireError internalError() {
  return {
      {rpc::kInternalError, "Internal error", nameAndHint("internal", "the server's log has more")},
      200};
}

WireError pagesRequired(const std::vector<PageToVisit>& pages) {
  std::string data = "{\"elicitations\":";
  char before = '[';
  for (const PageToVisit& page : pages) {
    std::string entry = R"({"mode":"url")";
    appendMember(entry, "elicitationId", page.elicitation_id);
    appendMember(entry, "url", page.url);
    appendMember(entry, "message", page.message);
    data.append(1, before).append(entry).append("}");
    before = ',';
  }
  data += "]}";
  return {{kLegacyPagesRequired,
           "This request needs its user to visit a page first; then send it "
           "again",
           std::move(data)},
          200};
}

WireError overloaded(std::string_view limit, std::size_t value, std::string_view hint) {
  std::string message = "Overloaded: the limit ";
  message.append(limit).append(" of ").append(std::to_string(value)).append(" is reached");
  return {{rpc::kInternalError, std::move(message), nameAndHint(limit, hint)}, 503};
}

}  // namespace tutti::mcp
