#include "server/json/schema/documents.hpp"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "server/base/text.hpp"
#include "server/json/schema/metaschema.hpp"
#include "server/json/schema/uri.hpp"

namespace tutti::json::schema {
namespace {
Error invalid(std::string message) {
  return Error(Code::InvalidArgument, std::move(message));
}

const std::string* stringMember(const Json& schema, std::string_view key) {
  const Json* value = find(schema, key);
  return value == nullptr ? nullptr : value->get_ptr<const Json::string_t*>();
}

bool isAnchorName(std::string_view name) {
  const auto letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  if (name.empty() || !letter(name[0])) return false;
  return std::all_of(name.begin(), name.end(), [&](char c) {
    return letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '.';
  });
}

/// "~1" is "/", "~0" is "~".
std::string pointerStep(std::string_view step) {
  std::string out;
  for (std::size_t i = 0; i < step.size(); ++i) {
    const bool escape = step[i] == '~' && i + 1 < step.size();
    if (escape && (step[i + 1] == '0' || step[i + 1] == '1')) {
      out += step[++i] == '0' ? '~' : '/';
    } else {
      out += step[i];
    }
  }
  return out;
}

const Json* child(const Json& value, const std::string& step) {
  if (const auto* members = value.get_ptr<const Json::object_t*>()) {
    const auto place = members->find(step);
    return place == members->end() ? nullptr : &place->second;
  }
  const auto* items = value.get_ptr<const Json::array_t*>();
  if (items == nullptr || step.empty()) return nullptr;
  std::size_t index = 0;
  const auto [end, problem] = std::from_chars(step.data(), step.data() + step.size(), index);
  if (problem != std::errc() || end != step.data() + step.size()) return nullptr;
  return index < items->size() ? &(*items)[index] : nullptr;
}
}  // namespace

Result<ResourceId> Documents::add(const Json& document, std::string uri, const Dialect& otherwise) {
  const std::size_t fragment = uri.find('#');
  if (fragment != std::string::npos) uri.resize(fragment);
  const auto created = create(document, uri, otherwise);
  if (!created.ok()) return created.error();
  if (Status scanned = scan(document, *created); !scanned.ok()) return scanned.error();
  // The document's own $id may have made a second resource of the same root: that one counts.
  const ResourceId own = resourceOf(document, *created);
  by_uri_[std::move(uri)] = own;
  return own;
}

Result<ResourceId> Documents::create(const Json& root, std::string uri, const Dialect& parent) {
  Dialect dialect = parent;
  if (const std::string* name = stringMember(root, "$schema")) {
    auto named = dialectOf(*name, options_.lookup);
    if (!named.ok()) return named.error();
    dialect = *named;
  }
  const auto id = static_cast<ResourceId>(resources_.size());
  resources_.push_back(
      {.uri = uri, .root = &root, .dialect = dialect, .anchors = {}, .dynamic_anchors = {}});
  by_uri_.try_emplace(std::move(uri), id);
  return id;
}

Status Documents::scan(const Json& start, ResourceId resource) {
  std::vector<Pending> open{{&start, resource}};
  while (!open.empty()) {
    const Pending next = open.back();
    open.pop_back();
    if (owners_.contains(next.schema)) continue;
    if (++scanned_ > options_.nodes_max)
      return Error(Code::ResourceExhausted,
                   "a schema of more than " + std::to_string(options_.nodes_max) + " subschemas")
          .named("schema_too_large");
    const auto entered = enter(*next.schema, next.resource);
    if (!entered.ok()) return entered.error();
    owners_.emplace(next.schema, *entered);
    forEachSubschema(*next.schema, resources_[*entered].dialect.draft, [&](const Json& subschema) {
      open.push_back({&subschema, *entered});
    });
  }
  return ok();
}

Result<ResourceId> Documents::enter(const Json& schema, ResourceId parent) {
  if (!schema.is_object()) return parent;
  // The parent's draft decides what "$id" means; only then may the resource name another draft.
  if (resources_[parent].dialect.draft == Draft::k7) return enterDraft7(schema, parent);
  ResourceId resource = parent;
  if (const std::string* id = stringMember(schema, "$id")) {
    Uri uri = resolveUri(resources_[parent].uri, *id);
    if (uri.fragment && !uri.fragment->empty())
      return invalid("'$id' must have no fragment: '" + *id + "'");
    const auto own = named(schema, std::move(uri), parent);
    if (!own.ok()) return own.error();
    resource = *own;
  }
  for (const std::string_view keyword : {"$anchor", "$dynamicAnchor"})
    if (Status added = addAnchor(schema, resource, keyword); !added.ok()) return added.error();
  return resource;
}

/// In draft-07 a "$ref" hides its siblings, and an "$id" of only a fragment is an anchor.
Result<ResourceId> Documents::enterDraft7(const Json& schema, ResourceId parent) {
  const std::string* id = stringMember(schema, "$id");
  if (id == nullptr || find(schema, "$ref") != nullptr) return parent;
  Uri uri = resolveUri(resources_[parent].uri, *id);
  const std::string anchor = uri.fragment.value_or("");
  const auto own = named(schema, std::move(uri), parent);
  if (!own.ok()) return own.error();
  if (!anchor.empty()) resources_[*own].anchors.try_emplace(anchor, &schema);
  return *own;
}

/// The resource that an "$id" makes; its parent when the "$id" adds nothing to where it stands.
Result<ResourceId> Documents::named(const Json& schema, Uri uri, ResourceId parent) {
  uri.fragment.reset();
  std::string text = uri.text();
  if (text == resources_[parent].uri) return parent;
  return create(schema, std::move(text), resources_[parent].dialect);
}

Status Documents::addAnchor(const Json& schema, ResourceId resource, std::string_view keyword) {
  const Json* value = find(schema, keyword);
  if (value == nullptr) return ok();
  const auto* name = value->get_ptr<const Json::string_t*>();
  if (name == nullptr || !isAnchorName(*name))
    return invalid(
        "'" + std::string(keyword) +
        "' must be a name of letters, digits, '-', '_' and '.' that starts with a letter");
  Resource& owner = resources_[resource];
  owner.anchors.try_emplace(*name, &schema);
  if (keyword == "$dynamicAnchor") owner.dynamic_anchors.emplace_back(*name, &schema);
  return ok();
}

ResourceId Documents::resourceOf(const Json& schema, ResourceId otherwise) const {
  const auto place = owners_.find(&schema);
  return place == owners_.end() ? otherwise : place->second;
}

Result<ResourceId> Documents::load(const std::string& uri, const Dialect& otherwise) {
  const auto known = by_uri_.find(uri);
  if (known != by_uri_.end()) return known->second;
  const Json* document = metaschema(uri);
  if (document != nullptr) {
    const std::size_t before = scanned_;
    auto added = add(*document, uri, otherwise);
    scanned_ = before;  // ours, not the author's
    return added;
  }
  if (options_.lookup) document = options_.lookup(uri);
  if (document != nullptr) return add(*document, uri, otherwise);
  return invalid("no schema is known as '" + uri + "'");
}

Result<Target> Documents::resolve(ResourceId from, const std::string& reference) {
  Uri uri = resolveUri(resources_[from].uri, reference);
  const std::string fragment = percentDecoded(uri.fragment.value_or(""));
  uri.fragment.reset();
  const auto loaded = load(uri.text(), resources_[from].dialect);
  if (!loaded.ok()) return loaded.error();
  if (fragment.empty()) return Target{resources_[*loaded].root, *loaded};
  if (fragment[0] == '/') return follow(*loaded, fragment);
  const auto place = resources_[*loaded].anchors.find(fragment);
  if (place == resources_[*loaded].anchors.end())
    return invalid("no anchor '" + fragment + "' in '" + uri.text() + "'");
  return Target{place->second, *loaded};
}

Result<Target> Documents::follow(ResourceId start, const std::string& pointer) {
  Target target{resources_[start].root, start};
  for (std::size_t at = 0; at < pointer.size();) {
    const std::size_t end = std::min(pointer.find('/', at + 1), pointer.size());
    const std::string step = pointerStep(std::string_view(pointer).substr(at + 1, end - at - 1));
    target.schema = child(*target.schema, step);
    if (target.schema == nullptr) return invalid("nothing stands at '" + pointer + "'");
    target.resource = resourceOf(*target.schema, target.resource);
    at = end;
  }
  if (!target.schema->is_object() && !target.schema->is_boolean())
    return invalid("what stands at '" + pointer + "' is no schema");
  // A place below an unknown keyword was not scanned with its document.
  if (Status scanned = scan(*target.schema, target.resource); !scanned.ok()) return scanned.error();
  target.resource = resourceOf(*target.schema, target.resource);
  return target;
}

}  // namespace tutti::json::schema
