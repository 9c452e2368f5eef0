// What a resource is to the protocol layer: something with a URI that can be read and watched.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "server/base/result.hpp"
#include "server/mcp/content.hpp"
#include "server/mcp/icon.hpp"
#include "server/mcp/request_context.hpp"

namespace tutti::mcp {

/// One entry of resources/list.
struct Resource {
  std::string uri;
  std::string name;
  std::string title = {};
  std::string description = {};
  std::string mime_type = {};
  std::optional<std::int64_t> size = {};  ///< in bytes, before base64
  std::string annotations = {};           ///< audience, priority, lastModified as JSON text
  std::string meta = {};                  ///< `_meta`, a JSON object as text; may be empty
  std::vector<Icon> icons = {};
};

/// One entry of resources/templates/list.
struct ResourceTemplate {
  std::string uri_template;  ///< see uri_template.hpp for what of RFC 6570 can be matched
  std::string name;
  std::string title = {};
  std::string description = {};
  std::string mime_type = {};
  std::string annotations = {};
  std::string meta = {};
  std::vector<Icon> icons = {};
};

/// Who may keep a result: everybody, or only the client that got it.
enum class CacheScope { Private, Public };

struct ResourceOutput {
  std::vector<ResourceContents> contents;
  std::int64_t ttl_ms = 0;  ///< how long a modern client may keep it
  CacheScope scope = CacheScope::Private;
};

/// One resources/read under way.
class ResourceRead : public RequestContext {
 public:
  virtual const std::string& uri() const = 0;
  /// Of the template that matched, percent-decoded; empty for a resource that is listed.
  virtual const std::map<std::string, std::string>& variables() const = 0;

  /// Ends the request, exactly once; later ones are ignored. NotFound is "resource not found" as
  /// each revision says it; any other Error is a JSON-RPC error.
  virtual void finish(Result<ResourceOutput> result) = 0;
};

using ReadHandler = std::function<void(std::shared_ptr<ResourceRead>)>;

/// Is there such a resource? Asked when a client wants to watch it. Calls `answer` once, now or
/// later; NotFound says that there is none, or none that this caller may know of: no difference.
using FindHandler =
    std::function<void(const Caller& caller, const std::map<std::string, std::string>& variables,
                       std::function<void(Status)> answer)>;

}  // namespace tutti::mcp
