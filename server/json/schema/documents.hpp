// The schema documents of one compilation: where each resource starts, which anchors it has, and
// what a reference names. Nothing is ever fetched.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "server/base/result.hpp"
#include "server/json/json.hpp"
#include "server/json/schema/dialect.hpp"
#include "server/json/schema/uri.hpp"

namespace tutti::json::schema {

using ResourceId = std::uint32_t;

/// A schema with an identity of its own: a document, or a subschema with $id.
struct Resource {
  std::string uri;  ///< absolute where the document says so, without fragment
  const Json* root = nullptr;
  Dialect dialect;
  std::map<std::string, const Json*, std::less<>> anchors;
  std::vector<std::pair<std::string, const Json*>> dynamic_anchors;
};

/// A place that a reference names.
struct Target {
  const Json* schema = nullptr;
  ResourceId resource = 0;
};

/// Not thread-safe; lives for one compilation. The documents must outlive it.
class Documents {
 public:
  explicit Documents(const SchemaOptions& options) : options_(options) {}

  /// Registers the resources of a document. Errors: a bad $id, $anchor or $schema
  /// (InvalidArgument), more than nodes_max subschemas (ResourceExhausted).
  Result<ResourceId> add(const Json& document, std::string uri, const Dialect& otherwise);

  /// What `reference` names as seen from `from`. Errors: InvalidArgument when it names nothing.
  Result<Target> resolve(ResourceId from, const std::string& reference);

  const Resource& resource(ResourceId id) const { return resources_[id]; }
  /// The resource that a known subschema belongs to, else `otherwise`.
  ResourceId resourceOf(const Json& schema, ResourceId otherwise) const;

 private:
  struct Pending {
    const Json* schema;
    ResourceId resource;
  };

  Status scan(const Json& schema, ResourceId resource);
  Result<ResourceId> enter(const Json& schema, ResourceId parent);
  Result<ResourceId> enterDraft7(const Json& schema, ResourceId parent);
  Result<ResourceId> named(const Json& schema, Uri uri, ResourceId parent);
  Result<ResourceId> create(const Json& root, std::string uri, const Dialect& parent);
  Status addAnchor(const Json& schema, ResourceId resource, std::string_view keyword);
  Result<ResourceId> load(const std::string& uri, const Dialect& otherwise);
  Result<Target> follow(ResourceId start, const std::string& pointer);

  const SchemaOptions& options_;
  std::deque<Resource> resources_;
  std::map<std::string, ResourceId, std::less<>> by_uri_;
  std::unordered_map<const Json*, ResourceId> owners_;
  std::size_t scanned_ = 0;
};

}  // namespace tutti::json::schema
